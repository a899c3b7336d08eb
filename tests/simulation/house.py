"""A whole house in this process, on a clock that we turn: real translators, intake and worker.

Only the wire is missing: deliveries are handed to the intake as verified, and a question to a
platform is answered by the world, as things stand at that instant.
"""

import asyncio
import shutil
import tempfile
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from structlog.testing import capture_logs

from tests.hearing import Hearing
from voidtrail.errors import PlatformUnavailable
from voidtrail.event.model import Actor, Request
from voidtrail.event.reason import How
from voidtrail.ledger import rebuild
from voidtrail.ledger.keys import Keyring
from voidtrail.ledger.memory import MemoryLog
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.lifecycle.order import Part
from voidtrail.lifecycle.projection import Projection
from voidtrail.lifecycle.terms import Terms
from voidtrail.lifecycle.verdict import RULES, VERDICT, Money, State
from voidtrail.money import currency_code
from voidtrail.runtime.app import House, add_account
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.outbox import Notice
from voidtrail.runtime.poll import Asker
from voidtrail.runtime.preparing import prepare
from voidtrail.runtime.refusals import Refusals
from voidtrail.runtime.settings import Settings
from voidtrail.runtime.settings import Worker as Pace
from voidtrail.runtime.worker import Worker
from voidtrail.sources.registry import SOURCES
from voidtrail.testing.world import accounts, ask

PLATFORMS = ("stripe", "alipay", "wechatpay")
PACE = Pace(tick_s=1.0, ask_backoff_s=1.0, ask_tries=2, ask_rate_per_s=1000.0)
SECOND = 1_000_000
ROUNDS_MAX = 14
"""Turns of the worker after which everything that is due must be settled."""


class Clock:
    """A clock that only we turn."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


class Unsigned:
    """A source whose deliveries and answers need no signature."""

    def __init__(self, source):
        self._source = source

    def __getattr__(self, name):
        return getattr(self._source, name)

    def verify(self, delivery, secrets, now):
        pass

    def query(self, reference, account, secrets, now, nonce):
        if self._source.NAME not in PLATFORMS:
            return None
        return Request(method="GET", url="", payment=reference)


UNSIGNED = {name: Unsigned(source) for name, source in SOURCES.items()}


class WorldAsker(Asker):
    """Puts questions to the world.

    Attributes:
        heard: every answer, for the auditor.
    """

    def __init__(self, house, intake, world, broken):
        super().__init__(house, intake)
        self._rails = {
            (rail.source, rail.account, name): rail
            for tale, _ in world.tales()
            for rail in tale.rails
            for name in (rail.reference, *rail.names)
        }
        self._broken = broken
        self.heard = []

    async def _carry_out(self, entry, request):
        if self._broken():
            raise PlatformUnavailable(f"{entry.identity}: broken")
        rail = self._rails[entry.account.source, entry.account.name, request.payment]
        arrival = ask(rail, request.payment, self._house.clock())
        self.heard.append(arrival)
        return arrival.delivery


EXPECTED_LOGS = {"question_unanswered", "verdicts_changed"}


class KeepingIntake(Intake):
    """An intake that keeps what was handed in, our own notes included.

    Attributes:
        items: everything that was handed in, in order.
    """

    def __init__(self, ledger, clock):
        super().__init__(ledger, clock)
        self.items = []

    def submit(self, item):
        self.items.append(item)
        return super().submit(item)

    async def commit(self):
        """Commit at once: in a simulation no loop has to go on meanwhile."""
        self.ledger.commit()


class Row(NamedTuple):
    """A payment as the ledger has it: its row, its verdict, its names and its orders' names."""

    payment: dict
    verdict: dict
    names: tuple[str, ...]
    orders: tuple[str, ...]

    @property
    def rule(self):
        return RULES[self.verdict["rule"]].name

    @property
    def ending(self):
        """State, how, actor, place of money, captured, returned, explicit; as the auditor says."""
        v = self.verdict
        return (
            State(v["state"]).name.lower(), How(v["how"]).name.lower() if v["how"] else "",
            Actor(v["actor"]).name.lower() if v["state"] == State.CANCELLED else "",
            Money(v["money"]).name.lower(), v["captured"], v["returned"] + v["withdrawn"],
            v["state"] == State.CANCELLED and not self.rule.startswith("silent"),
        )  # fmt: skip

    @property
    def part(self):
        v, p = self.verdict, self.payment
        net = v["captured"] - v["returned"] - v["withdrawn"]
        return Part(key=p["key"], mover=p["mover_no"] is not None, placeholder=p["placeholder"],
                    state=v["state"], how=v["how"], actor=v["actor"], net=net,
                    spoken_at=p["spoken_at"] or 0)  # fmt: skip


def _grouped(pairs):
    return {key: tuple(text for _, text in each)
            for key, each in groupby(sorted(pairs), lambda pair: pair[0])}  # fmt: skip


def rows_of(log):
    """Return every payment of either store."""
    names_of_payment = log.judge.payment.names
    if isinstance(log, MemoryLog):
        t = log.tables
        names = _grouped((name.component, name.text) for name in t.names.values())
        orders = _grouped((name.component, name.text) for name in t.orders.values())
        payments, verdicts = list(t.payments.values()), t.verdicts
    else:
        read = log.db.execute
        names = _grouped(read("SELECT payment_id, text FROM name"))
        orders = _grouped(read("SELECT order_id, text FROM order_name"))
        payments = read(f"SELECT {', '.join(names_of_payment)} FROM payment").fetchall()
        columns = ", ".join(("payment_id", *VERDICT))
        verdicts = {pid: rest for pid, *rest in read(f"SELECT {columns} FROM verdict")}
    rows = []
    for each in payments:
        payment = dict(zip(names_of_payment, each, strict=True))
        verdict = dict(zip(VERDICT, verdicts[payment["payment_id"]], strict=True))
        rows.append(Row(payment, verdict, names[payment["payment_id"]],
                        orders.get(payment["order_id"], ())))  # fmt: skip
    return rows


def spoken(rows):
    """Return the payments that somebody spoke of, shadows left out (see `lifecycle.order`)."""
    real = {row.payment["order_id"] for row in rows if not row.payment["placeholder"]}
    return [
        row for row in rows if row.payment["spoken_at"] is not None
        and not (row.payment["placeholder"] and row.payment["order_id"] in real - {None})
    ]  # fmt: skip


@cache
def _template():
    """An empty SQLite ledger, migrated and with read tables, to be copied."""
    shm = Path("/dev/shm")
    folder = tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None)
    log = SqliteLog(Path(folder.name) / "empty.db", Projection(Terms()), Keyring.generate())
    assert log.try_begin()
    rebuild.ensure(log)
    log.commit()
    log.close()
    return folder


class Simulated:
    """A house to which a world happens.

    Args:
        world: what happens.
        store: "memory" or "sqlite".
        can_ask: whether credentials for questions are there.
        broken: called at each question; True: the platform does not answer.
        twin: another house whose items are to be taken in; that house must be done.
    """

    def __init__(self, world, *, store="memory", can_ask=True, broken=lambda: False, twin=None):
        self.world = world
        self.clock = Clock(world.settings.starts_at)
        self.keyring = twin.keyring if twin else Keyring.generate()
        self.accounts = twin.accounts if twin else accounts(world)
        self.told: list[Notice] = []
        self.logs = []
        self._folder = None
        judge = Projection(Terms())
        ledger: Any
        if store == "memory":
            ledger = MemoryLog(judge, self.keyring)
        else:
            self._folder = tempfile.TemporaryDirectory(dir=Path(_template().name).parent)
            file = shutil.copy(Path(_template().name) / "empty.db", self._folder.name)
            ledger = SqliteLog(file, judge, self.keyring)
        self.house = House(Settings(worker=PACE), ledger, self.keyring, {}, {}, UNSIGNED, {},
                           self.clock)  # fmt: skip
        self._move_in(can_ask)
        self.intake = KeepingIntake(ledger, self.clock)
        self.asker = WorldAsker(self.house, self.intake, world, broken)
        self.refusals = Refusals()
        self.worker = Worker(
            self.house, self.intake, self.asker, self.refusals, [Hearing(self.told)]
        )

    def _move_in(self, can_ask):
        """Enter accounts and terms, as `runtime.app.build` does."""
        ledger = self.ledger
        assert ledger.try_begin()
        ledger.control([("tick", "{}")], self.clock())
        for account, secrets in self.accounts.values():
            add_account(self.house, account, secrets)
        askable = tuple(no for no, each in sorted(self.house.by_no.items())
                        if can_ask and each.account.source in PLATFORMS)  # fmt: skip
        terms = Terms(askable=askable)
        if isinstance(ledger, MemoryLog):
            ledger.judge = Projection(terms)
        else:
            ledger.use(Projection(terms))
        ledger.control([("terms", msgspec.json.encode(terms, order="deterministic").decode())],
                       self.clock())  # fmt: skip
        ledger.commit()

    @property
    def ledger(self):
        return self.house.ledger

    def item(self, delivery):
        """Return a delivery as the intake makes it ready for the ledger."""
        entry = self.house.entries[delivery.source, delivery.account]
        return prepare(delivery, entry, self.keyring)

    async def receive(self, deliveries):
        """Take in deliveries; those handed in together become one group."""
        with capture_logs() as logs:
            await asyncio.gather(*(self.intake.submit(self.item(each)) for each in deliveries))
        self.logs += logs

    async def settle(self):
        """Let the worker work until nothing is due and nobody is being asked; say how often."""
        for turn in range(1, ROUNDS_MAX + 1):
            with capture_logs() as logs:
                await self.worker.turn()
            self.logs += [log for log in logs if log["event"] not in EXPECTED_LOGS]
            if not (self.ledger.waiting(1) or self.ledger.due(self.clock(), 1)):
                return turn
            self.clock.now += min(2**turn, 64) * SECOND
        raise AssertionError(f"not settled after {ROUNDS_MAX} turns: {self.ledger.waiting(9)}")

    async def close(self):
        await self.asker.close()
        await self.intake.close()
        self.ledger.close()
        if self._folder is not None:
            self._folder.cleanup()


def currency_of(row):
    """Return the currency in which the payment's money stands."""
    return currency_code(row.verdict["currency"])
