"""From a delivery to a durable group."""

import asyncio
import sqlite3
import time

import pytest
from msgspec import structs
from structlog.testing import capture_logs

from tests.unit.runtime.rig import NOW, delivery, event, house_at
from voidtrail.errors import LedgerStopped, OutsideFault
from voidtrail.event.model import Kind
from voidtrail.ledger.contract import QUARANTINED, UNDERSTOOD
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.preparing import item_of


@pytest.fixture
def house(tmp_path):
    with house_at(tmp_path) as house:
        yield house


def _item(house, n=1, **more):
    found = [event(notice=f"n{n}", payment=f"pi_{n}", **more)]
    return item_of(delivery(body=f"{n}".encode()), found, house.entry("stripe", "main"),
                   house.keyring)  # fmt: skip


def test_whatever_arrived_together_is_one_durable_group(house):
    async def happen():
        intake = Intake(house.ledger, house.clock)
        receipts = await asyncio.gather(*(intake.submit(_item(house, n)) for n in range(300)))
        await intake.close()
        return intake, receipts

    before = house.ledger.head().group
    intake, receipts = asyncio.run(happen())
    assert [receipt.new for receipt in receipts] == [1] * 300
    assert house.ledger.head().group - before == intake.counts["groups"] == 2, "256, then the rest"
    assert (intake.counts["deliveries"], intake.counts["events"]) == (300, 300)


def test_one_item_that_cannot_be_kept_takes_no_neighbour_along(house):
    async def happen():
        intake = Intake(house.ledger, house.clock)
        broken = _item(house, 2)
        broken = broken._replace(events=[structs.replace(broken.events[0], rest=("no", "record"))])
        with capture_logs() as logs:
            receipts = await asyncio.gather(
                *(intake.submit(each) for each in (_item(house, 1), broken, _item(house, 3)))
            )
        await intake.close()
        return receipts, logs

    receipts, logs = asyncio.run(happen())
    assert [receipt.new for receipt in receipts] == [1, 0, 1]
    assert [log["event"] for log in logs] == ["group_failed"]
    rows = list(house.ledger.deliveries())
    assert [row.outcome for row in rows] == [UNDERSTOOD, QUARANTINED, UNDERSTOOD]
    assert rows[1].why.startswith("could not be kept")


def test_a_store_that_stopped_acknowledges_nothing_any_more(house, monkeypatch):
    def full():
        raise LedgerStopped("disk full")

    async def happen():
        intake = Intake(house.ledger, house.clock)
        monkeypatch.setattr(house.ledger, "commit", full)
        with capture_logs() as logs:
            first = await asyncio.gather(
                intake.submit(_item(house, 1)), intake.submit(_item(house, 2)),
                return_exceptions=True,
            )  # fmt: skip
            later = await asyncio.gather(intake.submit(_item(house, 3)), return_exceptions=True)
            with pytest.raises(LedgerStopped):
                await intake.exclusively(lambda _: 0)
        await intake.close()
        return [*first, *later], logs

    answers, logs = asyncio.run(happen())
    assert [type(answer) for answer in answers] == [LedgerStopped] * 3
    assert [log["event"] for log in logs] == ["ledger_stopped"]


def test_other_writing_runs_between_groups_and_a_failed_one_leaves_no_trace(house):
    async def happen():
        intake = Intake(house.ledger, house.clock)

        def write(store):
            store.control([("note", "{}")], NOW)
            return 7

        assert await intake.exclusively(write) == 7
        entries = house.ledger.head().entries

        def fail(store):
            store.control([("note", "{}")], NOW)
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            await intake.exclusively(fail)
        assert house.ledger.head().entries == entries
        assert (await intake.submit(_item(house))).new == 1
        await intake.close()

    asyncio.run(happen())


def test_a_write_waits_for_another_process_without_blocking_the_loop(house):
    other = sqlite3.connect(house.ledger.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def happen():
        intake = Intake(house.ledger, house.clock)
        waiting = intake.submit(_item(house))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        other.execute("ROLLBACK")
        assert (await asyncio.wait_for(waiting, 5)).new == 1
        await intake.close()

    asyncio.run(happen())
    other.close()


def test_kinds_are_counted_by_the_intake(house):
    async def happen():
        intake = Intake(house.ledger, house.clock)
        await intake.submit(_item(house, 1))
        await intake.submit(_item(house, 1))
        await intake.submit(_item(house, 1, kind=Kind.SUBMIT)._replace(outcome=QUARANTINED))
        await intake.close()
        return intake.counts

    counts = asyncio.run(happen())
    assert (counts["deliveries"], counts["duplicates"], counts["unreadable"]) == (3, 1, 1)


def test_a_bug_in_a_verifier_acknowledges_nothing_and_harms_no_neighbour(house, monkeypatch):
    entry = house.entry("stripe", "main")

    class Broken:
        def verify(self, *_):
            raise ZeroDivisionError

    async def happen():
        intake = Intake(house.ledger, house.clock)
        fates = []
        with capture_logs() as logs:
            intake.take(delivery(), entry._replace(source=Broken()), fates.append)
            receipt = await intake.submit(_item(house, 1))
        await intake.close()
        return fates, receipt, logs

    fates, receipt, logs = asyncio.run(happen())
    assert [type(fate) for fate in fates] == [OutsideFault]
    assert receipt.new == 1
    assert [log["event"] for log in logs] == ["verifier_failed"]


def test_writer_that_is_cancelled_during_its_commit_leaves_no_transaction_half_way(house):
    """As at the end of a server: whoever writes next must find the file as it should be."""
    committed, commit = [], house.ledger.commit

    def slow():
        time.sleep(0.2)
        commit()
        committed.append(1)

    def note(store):
        store.control([("note", "{}")], NOW)
        return 1

    async def work():
        intake = Intake(house.ledger, house.clock)
        house.ledger.commit = slow
        writing = asyncio.ensure_future(intake.exclusively(note))
        await asyncio.sleep(0.05)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert committed == [1]
        house.ledger.commit = commit
        await intake.submit(_item(house))
        await intake.close()

    asyncio.run(work())
    assert house.ledger.stopped is None
    assert house.ledger.last_control("note") == "{}"
