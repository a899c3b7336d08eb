"""A house at whose only platform deeds are done: Stripe, as a fake in this process."""

import asyncio
import copy
import shutil
from collections import Counter
from contextlib import contextmanager
from typing import Any

from structlog.testing import capture_logs

from tests.unit.runtime.rig import NOW, SECOND, Clock
from voidtrail.event.model import Delivery, Via
from voidtrail.runtime.app import build
from voidtrail.runtime.carriers import post_office
from voidtrail.runtime.deciders import deciders
from voidtrail.runtime.deeds.desk import Cases
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.poll import Asker
from voidtrail.runtime.refusals import Refusals
from voidtrail.runtime.settings import load
from voidtrail.runtime.worker import Worker
from voidtrail.testing.platforms.fake import Asked, Step
from voidtrail.testing.platforms.stripe import FakeStripe

SETTINGS = """
[ledger]
path = "{path}"
[worker]
ask_backoff_s = 1.0
[[account]]
source = "stripe"
name = "main"
secrets = {{ signing = "env:SIGNING", api_key = "env:API_KEY" }}
[seal]
after_s = 0
{seal}
"""
PATIENCE = 24 * 3600 * SECOND + SECOND
TYPE = ("content-type", "application/json")


class Killed(BaseException):
    """The process ended here."""


class NearAsker(Asker):
    """Talks to the fake without sockets."""

    def __init__(self, house, intake, office):
        super().__init__(house, intake)
        self._office = office

    async def _carry_out(self, entry, request):
        office = self._office
        office.step("request")
        path = request.url.removeprefix("https://api.stripe.com")
        headers = tuple((name.lower(), value) for name, value in request.headers)
        if request.method == "POST":
            office.posted[path.rpartition("/")[2], dict(headers)["idempotency-key"]] += 1
        status, more, body = office.fake.answer(
            Asked(request.method, path, "", headers, request.body), office.clock()
        )
        office.check()
        office.step("answer")
        return Delivery(
            source="stripe", account="main", received_at=office.clock(), body=body, via=Via.ASKED,
            headers=((":status", str(status)), *((n.lower(), v) for n, v in more)),
            request=request.payment, context=request.context,
        )  # fmt: skip


class SteppingIntake(Intake):
    """An intake that may end the process before and after everything that becomes durable."""

    office: Any = None

    async def exclusively(self, work):
        self.office.step("write")
        done = await super().exclusively(work)
        self.office.step("written")
        return done

    async def _group(self, arrived):
        self.office.step("keep")
        await super()._group(arrived)
        self.office.step("kept")


class Office:
    """Everything that decides and carries, over one ledger; may be opened again and again.

    Attributes:
        steps: how many steps were taken.
        kill_at: the step at which the process ends; None for never.
    """

    def __init__(self, folder, seal=""):
        self.file = folder / "voidtrail.toml"
        self.policy(seal)
        self.fake = FakeStripe()
        self.clock = Clock(NOW)
        self.posted = Counter()
        self.steps, self.kill_at = 0, None
        self.logs = []

    def policy(self, seal):
        """Put another policy into the settings."""
        path = self.file.parent / "voidtrail.db"
        self.file.write_text(SETTINGS.format(path=path, seal=seal), "utf-8")

    def twin(self, folder):
        """Return an office that stands where this one does, in a folder of its own."""
        twin = copy.copy(self)
        twin.file, twin.fake = folder / "voidtrail.toml", copy.deepcopy(self.fake)
        twin.clock, twin.posted, twin.logs = Clock(self.clock.now), Counter(self.posted), []
        shutil.copytree(self.file.parent, folder)
        text = self.file.read_text("utf-8")
        twin.file.write_text(text.replace(str(self.file.parent), str(folder)), "utf-8")
        return twin

    def step(self, what):
        """End the process if this is the step at which it ends; nothing happens after that."""
        self.steps += 1
        if self.kill_at is not None and self.steps >= self.kill_at:
            self._main.cancel()
            raise Killed(what)

    def check(self):
        """At no moment was any payment given back twice."""
        assert all(len(payment.refunds) <= 1 for payment in self.fake.payments.values())

    @contextmanager
    def house(self):
        secrets = self.fake.secrets()
        environment = {"SIGNING": secrets["signing"], "API_KEY": secrets["api_key"]}
        house = build(load(self.file, {}), environment=environment, clock=self.clock, settle=True)
        try:
            yield house
        finally:
            house.close()

    def work(self, turns=3, pause_s=10):
        """Open the house, take in what the platform says, let everybody work; False if killed."""
        with self.house() as house, capture_logs() as logs:
            try:
                asyncio.run(self._work(house, turns, pause_s))
            except (Killed, asyncio.CancelledError):
                return False
            finally:
                self.logs += logs
        return True

    async def _work(self, house, turns, pause_s):
        self._main = asyncio.current_task()
        intake = SteppingIntake(house.ledger, self.clock)
        intake.office = self
        asker = NearAsker(house, intake, self)
        worker = Worker(house, intake, asker, Refusals(), deciders(house))
        post = post_office(house, intake, {}, asker)
        entry = house.entry("stripe", "main")
        for notice in self.fake.take():
            delivery = self.fake.delivery(notice, "main", self.clock())
            await asyncio.wrap_future(_taken(intake, delivery, entry))
        for _ in range(turns):
            await worker.turn()
            await post.turn()
            self.clock.now += pause_s * SECOND
        await post.close()
        await intake.close()

    def left(self, order="A1"):
        """Let a customer leave, and patience run out."""
        payment = self.fake.open(order, 500, self.clock())
        self.work(turns=1)
        self.clock.now += PATIENCE
        return payment

    def pay(self, payment):
        """Let the customer come back and pay."""
        for step in (Step.AUTHORISE, Step.CAPTURE):
            assert self.fake.do(payment, step, self.clock())

    def verdict(self, reference):
        """Return the verdict's words on a payment."""
        from voidtrail.runtime.verdicts import verdicts

        with self.house() as house:
            return next(each for each in verdicts(house) if each["payment"] == reference)

    def case(self):
        """Return the only case, None if there is none."""
        with self.house() as house:
            known = list(Cases().catch_up(house.ledger).values())
        assert len(known) <= 1
        return known[0] if known else None

    def messages(self):
        with self.house() as house:
            return house.ledger.db.execute(
                "SELECT state, last_error FROM message WHERE kind = 'deed' ORDER BY no"
            ).fetchall()


def _taken(intake, delivery, entry):
    from concurrent.futures import Future

    future = Future()
    intake.take(delivery, entry, future.set_result)
    return future
