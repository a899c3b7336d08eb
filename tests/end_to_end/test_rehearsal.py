"""A whole day over real HTTP: a server of its own process, real signatures, platforms that fail."""

import asyncio
import secrets
import time
from typing import Any

from voidtrail.runtime.rehearsal import rehearse
from voidtrail.testing.world import Settings, World

ORDERS = 400


async def _rehearsed(folder, seed):
    began = time.monotonic()
    async with rehearse(folder, seed=seed, orders=ORDERS, port=None,
                        tell=lambda *_: None) as day:  # fmt: skip
        return day, time.monotonic() - began


def test_a_day_over_real_http_is_understood_as_it_was(tmp_path):
    seed = secrets.randbelow(2**31)
    day, took_s = asyncio.run(_rehearsed(tmp_path / "day", seed))
    what = f"seed {seed}, {took_s:.0f} s: "
    truth: Any = World(seed, Settings(orders=ORDERS)).truth.summary()
    found, playback = day.comparison, day.playback

    refused = [one for one in playback.played if one.post.expected == 401]
    assert not playback.unexpected, what
    assert len(refused) == Settings().refused, what
    assert {one.status for one in refused} == {401}, what
    assert day.unreadable == 0, what
    assert day.verified.ok, what + day.verified.trouble

    assert found.ok, f"{what}{found.as_dict()}"
    assert (found.explicit.recall, found.explicit.precision) == (1.0, 1.0), what
    assert (found.silent.recall, found.silent.precision) == (1.0, 1.0), what
    assert found.exact == found.both_cancelled == truth["cancelled"] > 0, f"{what}{found.confusion}"
    assert not found.states, f"{what}{found.examples}"
    assert found.money_wrong == found.split == found.test_leaks == found.refused_leaks == 0, what
    assert not found.strangers, f"{what}{found.strangers}"

    for name in ("orders", "payments", "cancelled", "switched", "double_paid"):
        assert day.report[name] == truth[name], what + name
    for name in ("how", "state", "actor", "money"):
        stated = {word: count for word, count in day.report[name].items() if count}
        assert stated == truth[name], what + name
    called_off = {currency: sums.get("cancelled", 0) for currency, sums in truth["sums"].items()}
    assert day.report["cancelled_minor"] == {c: n for c, n in called_off.items() if n}, what
    assert day.report["quarantined"] == day.report["conflicts"] == 0, what
