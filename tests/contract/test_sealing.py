"""An abandoned payment is closed at its platform and stays abandoned, or we say why not."""

import asyncio
import json

import pytest
from structlog.testing import capture_logs

from tests.unit.runtime.rig import NOW, SECOND, Clock, event, put
from voidtrail.event.model import STATUS, Delivery, Role, Via
from voidtrail.runtime.app import build
from voidtrail.runtime.carriers import post_office
from voidtrail.runtime.deciders import deciders
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.poll import Asker
from voidtrail.runtime.refusals import Refusals
from voidtrail.runtime.settings import load
from voidtrail.runtime.show import show
from voidtrail.runtime.verdicts import verdicts
from voidtrail.runtime.worker import Worker
from voidtrail.sources.registry import SOURCES
from voidtrail.testing.platforms.fake import Asked, FakePlatform, Step
from voidtrail.testing.platforms.registry import FAKES

ADDRESS = "https://platform.example"
LONG = 80 * 3600 * SECOND


class Near(Asker):
    """Talks to the fake without sockets."""

    fake: FakePlatform

    async def _carry_out(self, entry, request):
        path, _, query = request.url.removeprefix(ADDRESS).partition("?")
        headers = tuple((name.lower(), value) for name, value in request.headers)
        at = self._house.clock()
        status, more, body = self.fake.answer(
            Asked(request.method, path, query, headers, request.body), at
        )
        return Delivery(
            source=entry.account.source, account="main", received_at=at, body=body, via=Via.ASKED,
            headers=(*((name.lower(), value) for name, value in more), (STATUS, str(status))),
            request=request.payment, context=request.context,
        )  # fmt: skip


def opened(folder, name, fake):
    """A house that closes whatever was called off, with one account at the fake."""
    environment = {f"SECRET_{purpose}": value for purpose, value in fake.secrets().items()}
    file = folder / "voidtrail.toml"
    file.write_text("\n".join((
        f'[ledger]\npath = "{folder}/v.db"', '[seal]\nmode = "on"\nafter_s = 0',
        f'[[account]]\nsource = "{name}"\nname = "main"', "[account.options]",
        *(f"{key} = {json.dumps(value)}" for key, value in fake.options(ADDRESS).items()),
        "[account.secrets]",
        *(f'{purpose} = "env:SECRET_{purpose}"' for purpose in fake.secrets()),
    )), "utf-8")  # fmt: skip
    return build(load(file, {}), environment=environment, clock=Clock(NOW), settle=True)


async def abandoned(house, name, fake):
    """Let a customer leave and everybody work until long after; return the payment."""
    intake = Intake(house.ledger, house.clock)
    asker = Near(house, intake)
    asker.fake = fake
    worker = Worker(house, intake, asker, Refusals(), deciders(house))
    post = post_office(house, intake, {}, asker)
    payment = fake.open("A1", 1230, NOW)
    if any(Step.ARRIVE in steps for steps in fake.PLAYS.values()):
        fake.do(payment, Step.ARRIVE, NOW)
    entry = house.entry(name, "main")
    for turn in range(8):
        for notice in fake.take():
            taken = asyncio.get_running_loop().create_future()
            intake.take(fake.delivery(notice, "main", house.clock()), entry, taken.set_result)
            await taken
        await worker.turn()
        if not turn and not list(verdicts(house)):  # a platform that says nothing of an open one
            put(house, event(payment=payment.reference), source=name)
        await post.turn()
        house.clock.now += LONG if turn == 2 else 10 * SECOND
    await post.close()
    await intake.close()
    return payment


@pytest.mark.parametrize("name", sorted(FAKES))
def test_an_abandoned_payment_is_closed_or_says_why_not(name, tmp_path):
    fake, source = FAKES[name](), SOURCES[name]
    house = opened(tmp_path, name, fake)
    try:
        with capture_logs() as logs:
            payment = asyncio.run(abandoned(house, name, fake))
        (found,) = show(house, payment.reference)["payments"]
    finally:
        house.close()
    assert not [log for log in logs if log["log_level"] in ("error", "critical")]
    closes = source.CAPABILITIES.close and source.IDENTITY.role is Role.MOVER
    assert found["seal"]["state"] == ("sealed" if closes else "impossible")
    assert found["verdict"]["how"] == "abandoned"
    assert payment.status == ("closed" if closes else "open")
