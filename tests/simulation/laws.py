"""What must hold in every world, and how one seed is put to the test."""

import asyncio
import random
from collections import Counter
from hashlib import sha256
from typing import NamedTuple

from tests.property.stores import picture
from tests.simulation.agreement import agree, expect
from tests.simulation.house import Simulated, currency_of, rows_of, spoken
from voidtrail.ledger import rebuild
from voidtrail.ledger.memory import MemoryLog
from voidtrail.lifecycle.verdict import State
from voidtrail.runtime.report import report
from voidtrail.runtime.verdicts import verdicts
from voidtrail.testing.world import (
    Settings,
    arrivals,
    compare,
    small_world,
)
from voidtrail.testing.world.fact import HOUR, MINUTE

SQLITE_EVERY = 8
"""Of so many seeds one is put through SQLite as well."""
MANNERS = ("answered", "answered", "broken", "unasked")
"""How platforms treat questions: answer all, break now and then, or are never asked."""


class Outcome(NamedTuple):
    """What one seed showed.

    Attributes:
        counts: of what was compared, so that nobody compares nothing.
        trace: a hash over everything that the house concluded, instant by instant.
    """

    counts: Counter
    trace: str


def settings_of(rng):
    """Return a world's size and manners; platforms misbehave more than usual."""
    return Settings(
        orders=rng.choice((1, 2, 4, 6)), test_orders=rng.choice((0, 0, 1, 2)), refused=0,
        duplicate_share=rng.choice((0.0, 0.25, 0.5)), late_share=rng.choice((0.0, 0.15, 0.5)),
        twin_share=0.15, stray_share=0.15, beacon_share=rng.choice((0.0, 0.5, 1.0)),
        fault_minutes=rng.choice((25, 240)),
    )  # fmt: skip


def instants_of(rng, world):
    """Return instants at which everything is judged: some within the day, one long after it."""
    start, end = world.settings.starts_at, world.settings.judged_at
    found = [start + rng.randrange(7 * HOUR, 24 * HOUR) for _ in range(3)]
    # Shortly after somebody spoke, where patience runs out and clocks are compared.
    letters = [letter.sent_at for letter in world.letters]
    beyond = (0, MINUTE, 29 * MINUTE, 30 * MINUTE, 2 * HOUR, 24 * HOUR)
    found += [rng.choice(letters) + rng.choice(beyond) + rng.randrange(-2, 3) * 1_000_000
              for _ in range(3)]  # fmt: skip
    return [*sorted(at for at in found if start < at < end), end]


def try_seed(seed, store=""):
    """Put one seed to the test.

    Args:
        seed: decides everything.
        store: "memory" or "sqlite" for the house in which the day happens; "" lets the seed choose.

    Raises:
        Disagreement: a law does not hold.
    """
    rng = random.Random(f"{seed}/simulation")
    world = small_world(seed, settings=settings_of(rng))
    manner = rng.choice(MANNERS)
    store = store or ("sqlite" if seed % SQLITE_EVERY == 0 else "memory")
    return asyncio.run(_happen(rng, world, manner, store))


async def _happen(rng, world, manner, store):
    broken = random.Random(rng.random())
    share = 0.5 if manner == "broken" else 0.0
    house = Simulated(world, store=store, can_ask=manner != "unasked",
                      broken=lambda: broken.random() < share)  # fmt: skip
    day = Day(rng, world, house, manner)
    try:
        for now in instants_of(rng, world):
            await day.go_on(now)
            day.judge()
        await day.shuffle()
        day.finish()
        return Outcome(day.counts, day.trace.hexdigest())
    finally:
        await house.close()


class Day:
    """A day on its way: what has arrived, what was concluded from it."""

    def __init__(self, rng, world, house, manner):
        self.rng = rng
        self.world = world
        self.house = house
        self.manner = manner
        self.coming = sorted(arrivals(world), key=lambda each: each.delivery.received_at)
        self.notices = []
        self.heard = 0
        self.ended = set()
        self.counts = Counter(seeds=1)
        self.trace = sha256(repr([letter.body for letter in world.letters]).encode())

    # ---------------------------------------------------------------- the day goes on

    async def go_on(self, now):
        """Let the day go on until an instant: deliveries in groups of any size, and the worker."""
        due = [each for each in self.coming if each.delivery.received_at <= now]
        self.coming = self.coming[len(due) :]
        while due:
            size = self.rng.choice((1, 1, 2, 3, 8, 40))
            group, due = due[:size], due[size:]
            self._turn_clock(group[-1].delivery.received_at)
            await self.house.receive([each.delivery for each in group])
            for each in group:
                self.notices += each.notices
            if self.rng.random() < 0.2:
                await self._work()
        self._turn_clock(now)
        await self._work()

    def _turn_clock(self, now):
        clock = self.house.clock
        clock.now = max(clock.now, now)

    async def _work(self):
        self.counts["turns"] += await self.house.settle()
        fresh = self.house.asker.heard[self.heard :]
        self.heard += len(fresh)
        self.counts["answers"] += len(fresh)
        for each in fresh:
            self.notices += each.notices
        self._nobody_is_abandoned_too_early()

    def _nobody_is_abandoned_too_early(self):
        """Silence decides only after the platform, which answers, said that it holds no money."""
        if self.manner != "answered":
            return
        rails = {
            (rail.source, rail.account, rail.reference): rail
            for tale, _ in self.world.tales()
            for rail in tale.rails
        }
        for row in spoken(rows_of(self.house.ledger)):
            known = [
                rails[key] for name in row.names if (key := tuple(name.split("/", 2))) in rails
            ]
            if not (known and row.rule.startswith("silent")):
                continue
            asked_at = row.payment["asked_at"]
            expect(asked_at is not None, f"{row.names} is declared abandoned unasked")
            then = known[0].as_of(asked_at)
            expect(not (then.captured or then.held), f"{row.names} is abandoned, but was paid")
            self.counts["silences"] += 1

    # ---------------------------------------------------------------- judging

    def judge(self):
        """Compare every order with the independent auditor."""
        now, rows = self.house.clock(), spoken(rows_of(self.house.ledger))
        agree(self.notices, rows, now, self.counts)
        self.ended |= {row.names[0] for row in rows if row.verdict["state"] == State.CANCELLED}
        for row in sorted(rows, key=lambda each: min(each.names)):
            self.trace.update(repr((now, sorted(row.names), row.ending)).encode())

    # ---------------------------------------------------------------- any order, any repetition

    async def shuffle(self):
        """The same deliveries in another order and with repetitions mean the same."""
        kept = picture(self.house.ledger)
        tick = self.house.ledger.head().tick
        told = self.house.intake.items
        for store in ("memory", "memory", "sqlite" if self._in_sqlite else "memory"):
            can_ask = self.manner != "unasked"
            other = Simulated(self.world, store=store, can_ask=can_ask, twin=self.house)
            try:
                again = [*told, *self.rng.choices(told, k=len(told) // 3)] if told else []
                self.rng.shuffle(again)
                ledger = other.ledger
                begun(ledger).control([("tick", "{}")], tick)
                while again:
                    size = self.rng.choice((1, 3, 17, 200))
                    group, again = again[:size], again[size:]
                    ledger.append(group, tick)
                ledger.commit()
                _rejudge(ledger, tick)
                expect_equal(picture(ledger), kept, f"shuffled into {store}")
                self.counts["shuffles"] += 1
                self._judge_at_other_instants(other)
            finally:
                await other.close()

    @property
    def _in_sqlite(self):
        return not isinstance(self.house.ledger, MemoryLog)

    def _judge_at_other_instants(self, other):
        """Everything that arrived, judged at an earlier instant, agrees with the auditor too."""
        if self.manner != "unasked":
            return  # an answer that had not come yet would be missing
        ledger = other.ledger
        start = self.world.settings.starts_at
        for _ in range(2):
            now = start + self.rng.randrange(30 * HOUR)
            begun(ledger)
            _rejudge(ledger, now, commit=False)
            agree(self.notices, spoken(rows_of(ledger)), now, self.counts)
            ledger.rollback()

    # ---------------------------------------------------------------- at the end

    def finish(self):
        """What must hold once the day is long over."""
        house, ledger = self.house, self.house.ledger
        expect(not house.logs, lambda: f"something was logged: {house.logs[:3]}")
        expect(not house.intake.counts["unreadable"], "something stands in quarantine")
        replayed = ledger.replay() if isinstance(ledger, MemoryLog) else rebuild.replay(ledger)
        expect(replayed.equal, lambda: f"a replay differs: {replayed.differing}")
        verified = ledger.verify() if isinstance(ledger, MemoryLog) else rebuild.verify(ledger)
        expect(verified.ok, lambda: f"the chain does not verify: {verified.trouble}")
        self._tests_are_told_to_nobody()
        rows = spoken(rows_of(ledger))
        self._truth(rows)
        for row in rows:
            late = row.verdict["state"] == State.PAID and row.names[0] in self.ended
            self.counts["retracted"] += late
        if self._in_sqlite:
            self._reported(rows)
        self.trace.update(repr([n.after for n in house.told]).encode())

    def _tests_are_told_to_nobody(self):
        tests = {row.payment["payment_id"] for row in rows_of(self.house.ledger)
                 if self._is_test(row)}  # fmt: skip
        loud = [notice for notice in self.house.told if notice.payment_id in tests]
        expect(not loud, lambda: f"test traffic was told of: {loud[0]}")
        self.counts["notices"] += len(self.house.told)

    def _is_test(self, row):
        speaker = row.payment["mover_no"] or row.payment["speaker"] & 0xFFFFFFFF
        account = self.house.house.by_no[speaker].account
        return bool(row.payment["test"]) or account.mode == "test"

    def _truth(self, rows):
        """Hold the verdicts against what really happened."""
        self.counts["tests"] += sum(self._is_test(row) for row in rows)
        if self.manner != "answered":
            return  # what was lost stays hidden
        found = compare(self.world.truth, [self._claim(row) for row in rows])
        expect(not found.test_leaks, "test traffic stands among the live payments")
        expect(not found.strangers, lambda: f"nobody knows these: {found.strangers}")
        expect(not found.split, lambda: f"names of one payment stand apart: {found.examples}")
        self.counts["truths"] += found.both_cancelled
        expect(not found.states, lambda: f"states differ: {found.states} {found.examples}")
        expect(not found.money_wrong, lambda: f"money differs: {found.examples}")
        for currency, sums in found.money.items():
            expect(sums["captured"] == sums["captured_claimed"], f"{currency}: {sums}")
            expect(sums["returned"] == sums["returned_claimed"], f"{currency}: {sums}")
        for true, claimed in found.confusion:
            # A close that came after the question, and of which nothing is told, stays unknown.
            hidden = true == "platform_closed/unknown" and claimed == "abandoned/customer"
            expect(true == claimed or hidden, lambda: f"{found.confusion} {found.examples}")

    def _claim(self, row):
        state, how, actor, money, captured, returned, explicit = row.ending
        mine = [name.split("/", 2) for name in row.names]
        source, account, reference = mine[0]
        return {
            "order": row.orders[0].split("/", 2)[2] if row.orders else reference,
            "payment": reference, "names": [name[2] for name in mine[1:]], "source": source,
            "account": account, "state": state, "how": how, "actor": actor, "money": money,
            "captured_minor": captured, "returned_minor": returned,
            "currency": currency_of(row), "test": self._is_test(row), "explicit": explicit,
        }  # fmt: skip

    def _reported(self, rows):
        """The product's own lists and report say the same as its rows."""
        house = self.house.house
        listed = list(verdicts(house))
        expect(len(listed) == len(rows), lambda: f"listed {len(listed)}, there are {len(rows)}")
        mine = sorted(_line(self._claim(row)) for row in rows)
        expect(mine == sorted(map(_line, listed)), "the list of verdicts differs")
        found = report(house)
        live = [row for row in rows if not self._is_test(row)]
        states = Counter(row.ending[0] for row in live)
        hows = Counter(row.ending[1] for row in live if row.ending[1])
        expect(found["payments"] == len(live), lambda: f"{found} for {len(live)} payments")
        expect(found["quarantined"] == found["conflicts"] == 0, lambda: f"{found}")
        for name, counted in (("state", states), ("how", hows)):
            stated = {word: count for word, count in found[name].items() if count}
            expect(stated == dict(counted), lambda: f"{name}: {stated}, counted {counted}")
        if self.manner == "answered":
            truth = self.world.truth.summary()
            for name in ("orders", "payments", "cancelled", "switched", "double_paid"):
                expect(found[name] == truth[name], lambda: f"{name}: {found[name]}, {truth[name]}")
        self.counts["reports"] += 1


def _line(claim):
    """Return what a claim says, without what hangs on the order in which names were heard."""
    told = {
        **claim,
        "actor": claim["actor"] or "unknown",
        "names": sorted({claim["payment"], *claim["names"]}),
    }
    return repr(sorted((word, told[word]) for word in told if word not in ("payment", "rule")))


def begun(ledger):
    assert ledger.try_begin()
    return ledger


def _rejudge(ledger, now, *, commit=True):
    """Judge everything anew at an instant."""
    if commit:
        begun(ledger)
    ledger.rejudge([row.payment["payment_id"] for row in rows_of(ledger)], now)
    if commit:
        ledger.commit()


def expect_equal(found, wanted, where):
    """Compare two pictures of ledgers."""
    for part in wanted:
        expect(found[part] == wanted[part],
               lambda: f"{where}: {part} differ: {_apart(found[part], wanted[part])}")  # fmt: skip


def _apart(found, wanted):
    if isinstance(found, dict):
        keys = [key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key)]
        return [(key, found.get(key), wanted.get(key)) for key in keys[:2]]
    return [each for each in found if each not in wanted][:2], [
        each for each in wanted if each not in found][:2]  # fmt: skip
