"""What one notice of each platform costs a source: the signature proved, the statement read.

The fakes' notices are the input, all different from one another, so that nothing is remembered from
the one before; keys are, as in a server. Time is this process's CPU, not the wall clock's.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from voidtrail.event.account import Account, Secret, Secrets
from voidtrail.event.model import Delivery, Micros, Unreadable
from voidtrail.sources.contract import Source, bound
from voidtrail.sources.registry import SOURCES
from voidtrail.testing.platforms.fake import FakePlatform
from voidtrail.testing.platforms.registry import FAKES

_SIGNED_AT: Final[Micros] = 1_790_000_000_000_000


@dataclass(frozen=True, slots=True)
class CostPlan:
    """How much is measured: orders whose notices are read, and rounds over all of them."""

    orders: int = 100
    rounds: int = 7


@dataclass(frozen=True, slots=True)
class Cost:
    """One source; seconds of CPU for one notice, the median over the rounds.

    Attributes:
        notices: how many different ones were read in a round.
        bytes: the mean size of a notice's body.
        slowest_s: verify and translate together, in the slowest round.
    """

    source: str
    title: str
    notices: int
    bytes: float
    verify_s: float
    translate_s: float
    slowest_s: float


def run_costs(plan: CostPlan, tell: Callable[[str], None]) -> list[Cost]:
    """Measure every source that a fake platform speaks for."""
    found = []
    for name in sorted(FAKES.keys() & SOURCES.keys()):
        tell(f"sources: {name}")
        cost = _cost(SOURCES[name], FAKES[name](seed=1), plan)
        if cost is not None:
            found.append(cost)
    return found


def _cost(source: Source, fake: FakePlatform, plan: CostPlan) -> Cost | None:
    """Measure one source; None if its platform pushes nothing."""
    account = Account(source=source.NAME, name="main", options=fake.options("http://127.0.0.1"))
    source = bound(source, account)
    secrets = {purpose: (Secret(text),) for purpose, text in fake.secrets().items()}
    deliveries = _notices(fake, plan.orders)
    if not deliveries:
        return None
    for each in deliveries[:50]:  # once unmeasured: keys are parsed, decoders built
        source.verify(each, secrets, _SIGNED_AT)
        read = source.translate(each, account, secrets)
        assert not isinstance(read, Unreadable), (source.NAME, read)
    # New notices in every round: what a source remembers of those before must not help it.
    rounds = [
        _round(source, _notices(fake, plan.orders), account, secrets) for _ in range(plan.rounds)
    ]
    return Cost(
        source.NAME, source.CAPABILITIES.title, len(deliveries),
        statistics.mean(len(each.body) for each in deliveries),
        statistics.median(verify for verify, _ in rounds),
        statistics.median(translate for _, translate in rounds),
        max(sum(each) for each in rounds),
    )  # fmt: skip


def _notices(fake: FakePlatform, orders: int) -> list[Delivery]:
    """Return what a platform pushes about orders that take every course it knows."""
    situations = list(fake.PLAYS)
    for number in range(orders):
        situation = situations[number % len(situations)]
        fake.play(situation, f"ORDER-{len(fake.payments):06d}", 100 + number, _SIGNED_AT)
    return [fake.delivery(notice, "main", _SIGNED_AT) for notice in fake.take()]


def _round(
    source: Source, deliveries: Sequence[Delivery], account: Account, secrets: Secrets
) -> tuple[float, float]:
    verify, translate, cpu_s = source.verify, source.translate, time.process_time
    began = cpu_s()
    for each in deliveries:
        verify(each, secrets, _SIGNED_AT)
    proved = cpu_s()
    for each in deliveries:
        translate(each, account, secrets)
    count = len(deliveries)
    return (proved - began) / count, (cpu_s() - proved) / count
