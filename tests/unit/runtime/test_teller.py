"""The outbox is told: decisions, messages and the strike become durable together."""

import asyncio
import contextlib
from collections import Counter

import pytest
from structlog.testing import capture_logs

from tests.unit.runtime.rig import NOW, SECOND, Clock, delivery, event, house_at, put
from voidtrail.event.model import Kind, Tag
from voidtrail.ledger.messages import Message
from voidtrail.runtime.deciding import NOTHING, Decision
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.preparing import item_of
from voidtrail.runtime.teller import Teller


def message(key):
    return Message(0, key, "alert", "desk", "", b"{}", NOW, NOW)


class Desk:
    """A decider that writes one message a notice; fails where the test says."""

    def __init__(self, name="desk", fails=frozenset(), timely=()):
        self.name, self.fails, self.timely = name, set(fails), list(timely)
        self.heard: list[str] = []
        self.settled_keys: list[str] = []

    def decide(self, notices, now):
        if self.fails & {notice.about.payment for notice in notices}:
            raise RuntimeError("a bug of ours")
        self.heard += [notice.about.payment for notice in notices]
        keys = [f"{self.name}:{notice.no}" for notice in notices]
        return Decision([("told", f'["{key}"]') for key in keys], [message(key) for key in keys])

    def due(self, now):
        if "due" in self.fails:
            raise RuntimeError("a bug of ours")
        return self.timely.pop(0) if self.timely else NOTHING

    def settled(self, decision):
        self.settled_keys += [each.key for each in decision.messages]


class Office:
    def __init__(self, house, *desks):
        self.house = house
        self.intake = Intake(house.ledger, house.clock)
        self.counts: Counter[str] = Counter()
        self.posted = 0
        self.teller = Teller(house, self.intake, desks, self.counts, self._count)

    def _count(self):
        self.posted += 1

    async def turns(self, *instants):
        with capture_logs() as self.logs:
            for at in instants:
                self.house.clock.now = at
                await self.teller.turn()
        await self.intake.close()

    def failures(self):
        return [log for log in self.logs if log["event"] != "verdicts_changed"]


@pytest.fixture
def house(tmp_path):
    with house_at(tmp_path, Clock()) as house:
        yield house


def captured(n):
    return event(Kind.CAPTURE, payment=f"pi_{n}", notice=f"n{n}", amount_minor=500, currency="CNY",
                 tag=Tag.OWN, operation=f"ch_{n}")  # fmt: skip


def pay(house, count, first=0):
    for n in range(first, first + count):
        put(house, captured(n))


def posted(house):
    return [key for (key,) in house.ledger.db.execute("SELECT key FROM message ORDER BY no")]


def entries(house):
    select = "SELECT body FROM control WHERE kind = 'told' ORDER BY seq"
    return [body for (body,) in house.ledger.db.execute(select)]


def test_entries_messages_and_the_strike_are_written_together_and_said_to_be(house):
    pay(house, 3)
    desk = Desk()
    office = Office(house, desk)
    asyncio.run(office.turns(NOW + SECOND))
    assert posted(house) == desk.settled_keys == ["desk:1", "desk:2", "desk:3"]
    assert entries(house) == ['["desk:1"]', '["desk:2"]', '["desk:3"]']
    assert house.ledger.outbox(10) == []
    assert (office.posted, office.counts) == (1, {"notices": 3, "messages": 3})


def test_more_notices_than_a_slice_are_told_in_one_turn(house):
    pay(house, 300)
    desk = Desk()
    asyncio.run(Office(house, desk).turns(NOW + SECOND))
    assert len(posted(house)) == len(set(desk.heard)) == 300


def test_a_failing_decider_keeps_nothing_from_the_others_and_loses_nothing_itself(house):
    pay(house, 4)
    sick, well = Desk("sick", fails=["pi_2"]), Desk("well")
    office = Office(house, sick, well)
    asyncio.run(office.turns(NOW + SECOND))
    assert [log["event"] for log in office.failures()] == ["undecided"]
    assert sorted(posted(house)) == [
        "sick:1", "sick:2", "sick:4", "well:1", "well:2", "well:3", "well:4",
    ]  # fmt: skip
    assert [row[0] for row in house.ledger.outbox(10)] == [3], "its notice waits"
    assert office.counts["undecided"] == 1


def test_it_is_asked_again_after_growing_pauses_and_the_others_are_not(house):
    pay(house, 1)
    sick, well = Desk("sick", fails=["pi_0"]), Desk("well")
    office = Office(house, sick, well)
    at = NOW
    asyncio.run(office.turns(at, at + 9 * SECOND, at + 10 * SECOND, at + 29 * SECOND))
    assert office.counts["undecided"] == 2
    sick.fails.clear()
    office.intake = Intake(house.ledger, house.clock)
    office.teller._intake = office.intake
    asyncio.run(office.turns(at + 30 * SECOND))
    assert sick.heard == well.heard == ["pi_0"]
    assert house.ledger.outbox(10) == []


def test_what_a_decider_owed_is_told_after_the_next_start(house):
    pay(house, 2)
    asyncio.run(Office(house, Desk(fails=["pi_0"])).turns(NOW))
    again = Desk()
    asyncio.run(Office(house, again).turns(NOW + SECOND))
    assert again.heard == ["pi_0"]
    assert posted(house) == ["desk:2", "desk:1"]


def test_notices_behind_one_that_nobody_can_decide_on_are_told(house):
    pay(house, 1)
    desk = Desk(fails=["pi_0"])
    office = Office(house, desk)

    async def happen():
        with capture_logs():
            await office.teller.turn()
            pay(house, 2, first=1)
            await office.teller.turn()
        await office.intake.close()

    asyncio.run(happen())
    assert desk.heard == ["pi_1", "pi_2"]


def test_what_time_makes_due_is_written_though_another_decider_fails(house):
    late = Decision([("told", "[]")], [message("digest")])
    sick, well = Desk("sick", fails=["due"]), Desk("well", timely=[late])
    office = Office(house, sick, well)
    asyncio.run(office.turns(NOW, NOW + SECOND))
    assert (posted(house), well.settled_keys) == (["digest"], ["digest"])
    assert [log["event"] for log in office.failures()] == ["undue", "undue"]


def test_a_decider_that_fails_when_it_hears_of_success_stops_nobody(house):
    class Forgetful(Desk):
        def settled(self, decision):
            raise RuntimeError("a bug of ours")

    pay(house, 1)
    after = Desk("after")
    office = Office(house, Forgetful(), after)
    asyncio.run(office.turns(NOW))
    assert after.settled_keys == ["after:1"]
    assert [log["event"] for log in office.failures()] == (["unsettled"] * 2), (
        "of its notices, of the time"
    )


def test_a_write_that_fails_leaves_the_notices_and_tells_no_decider(house, monkeypatch):
    pay(house, 2)
    desk = Desk()
    office = Office(house, desk)
    monkeypatch.setattr(house.ledger, "post", lambda messages: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(office.turns(NOW))
    assert desk.settled_keys == []
    assert len(house.ledger.outbox(10)) == 2
    monkeypatch.undo()
    asyncio.run(Office(house, desk).turns(NOW))
    assert posted(house) == ["desk:1", "desk:2"]


def test_a_commit_wakes_the_teller_long_before_its_next_tick(house):
    async def happen():
        desk = Desk()
        office = Office(house, desk)
        running = asyncio.ensure_future(office.teller.run())
        await asyncio.sleep(0.1)  # its first turn is over, its next tick seconds away
        entry = house.entry("stripe", "main")
        item = item_of(delivery(), [captured(1)], entry, house.keyring)
        await office.intake.submit(item)
        async with asyncio.timeout(3):
            while not desk.settled_keys:
                await asyncio.sleep(0.01)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await office.intake.close()
        return desk

    assert house.settings.worker.tick_s > 3
    assert asyncio.run(happen()).heard == ["pi_1"]


def test_a_teller_with_nothing_to_tell_writes_nothing(house):
    async def happen():
        office = Office(house, Desk())
        running = asyncio.ensure_future(office.teller.run())
        await asyncio.sleep(0.2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await office.intake.close()
        return office

    before = house.ledger.db.total_changes
    office = asyncio.run(happen())
    assert house.ledger.db.total_changes == before
    assert not office.intake.written.is_set(), "its own turns do not wake it"


def test_with_nobody_to_tell_a_change_is_only_counted_and_struck_off(house):
    put(house, event(Kind.CAPTURE, amount_minor=500, currency="CNY", tag=Tag.OWN, operation="ch_1"))
    office = Office(house)
    asyncio.run(office.turns(NOW))
    assert house.ledger.outbox(10) == []
    assert office.counts == {"notices": 1, "messages": 0}
    assert [(log["event"], log["notices"]) for log in office.logs] == [("verdicts_changed", 1)]
