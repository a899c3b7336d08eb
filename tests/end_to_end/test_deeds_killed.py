"""A server that is killed around a refund gives back once: real processes, a fake Stripe."""

import asyncio
import os
import signal
import time

import pytest

from tests.end_to_end.house import Served
from voidtrail.runtime.deeds.desk import cases_of
from voidtrail.runtime.opening import reader
from voidtrail.runtime.settings import load
from voidtrail.testing.platforms.fake import Step
from voidtrail.testing.platforms.server import now, serve
from voidtrail.testing.platforms.stripe import FakeStripe

WAIT_S = 60


class Deadly(FakeStripe):
    """A Stripe whose answers the one who asks does not always live to see.

    Attributes:
        kill: takes (method, path, "before" or "after") and says whether to kill now.
        pid: of the server; None while it is down.
        most: the most refunds of one payment that there ever were.
    """

    def __init__(self):
        super().__init__()
        self.kill, self.pid, self.most, self.kills = lambda *_: False, None, 0, 0

    def answer(self, asked, at):
        self._perhaps(asked, "before")
        answer = super().answer(asked, at)
        self.most = max([self.most, *(len(p.refunds) for p in self.payments.values())])
        self._perhaps(asked, "after")
        return answer

    def _perhaps(self, asked, when):
        if self.pid is not None and self.kill(asked.method, asked.path, when):
            os.killpg(self.pid, signal.SIGKILL)
            self.pid, self.kills = None, self.kills + 1


POINTS = {
    "before the refund is done": ("POST", "before"),
    "after it is done and before it is answered": ("POST", "after"),
    "while the platform is asked first": ("GET", "before"),
}


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_a_server_that_is_killed_around_a_refund_gives_back_once(tmp_path, point):
    fake = Deadly()
    method, when = POINTS[point]

    async def happen():
        async with serve([fake]) as (address, stage):
            account = {"source": "stripe", "name": "main", "secrets": dict(fake.secrets()),
                       "options": {"api_base": f"{address}/stripe"}}  # fmt: skip
            server = Served(
                tmp_path, [account], worker={"tick_s": 0.05, "ask_backoff_s": 0.05},
                **{"silence.patience_s": {"card_form": 1},
                   "seal": {"late": "refund", "refunds": "on"},
                   "seal.refund_cap": {"EUR": "100.00"}},
            )  # fmt: skip
            await server.start()
            try:
                return await day(server, stage)
            finally:
                if server.process is not None:
                    await server.kill()

    async def day(server, stage):
        hook = f"{server.address}/hooks/stripe/main"
        payment = fake.open("A1", 500, now())
        assert await stage.post("stripe", hook) == [200]
        await until(lambda: state(server) == "cancelled")
        for step in (Step.AUTHORISE, Step.CAPTURE):
            fake.do(payment, step, now())
        kills = iter((True, True))
        fake.kill = lambda how, path, at: (how, at) == (method, when) and next(kills, False)
        fake.pid = server.process.pid
        assert set(await stage.post("stripe", hook)) == {200}
        deadline = time.monotonic() + WAIT_S
        while outcome(server) != "done":
            assert time.monotonic() < deadline, server.logged()[-3000:]
            if server.process.poll() is not None:
                server.process = None
                await server.start()
                fake.pid = server.process.pid
            await asyncio.sleep(0.05)
        return payment

    payment = asyncio.run(happen())
    assert (len(payment.refunds), fake.most) == (1, 1)
    assert fake.kills >= 1


async def until(holds):
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


def state(server):
    house = reader(load(server.config, {}))
    try:
        row = house.ledger.db.execute("SELECT state FROM verdict").fetchone()
        return {0: "open", 1: "paid", 2: "cancelled"}.get(row[0]) if row else None
    finally:
        house.close()


def outcome(server):
    house = reader(load(server.config, {}))
    try:
        return next((case.outcome for case in cases_of(house.ledger).values()), None)
    finally:
        house.close()
