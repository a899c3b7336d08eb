"""A log becomes statements and counts, durable together with how far it was read."""

import asyncio
import json

import msgspec
import pytest
from structlog.testing import capture_logs

from tests.unit.runtime.rig import SECOND, Clock, house_at
from voidtrail.errors import LedgerStopped
from voidtrail.ledger.contract import QUARANTINED
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.tailing import Tailing

SETTINGS = """
[ledger]
path = "{path}"
[[account]]
source = "gateway_log"
name = "main"
[[account]]
source = "stripe"
name = "main"
[[tail]]
path = "pay.log"
format = "json"
since = "start"
line_max_bytes = 300
[[tail.rule]]
name = "fault"
contains = "failed"
kind = "authorise"
result = "refused"
reason = "platform_fault"
payment = "id"
of = "stripe/main"
[[tail.rule]]
name = "slow"
when = {{ rt = ">= 5" }}
"""
MINUTE = 60 * SECOND


def failed(number, **more):
    return json.dumps({"what": "failed", "id": f"pi_{number}", "time": "1773730000"} | more)


@pytest.fixture
def log(tmp_path):
    (tmp_path / "voidtrail.toml").write_text(SETTINGS.format(path=tmp_path / "v.db"), "utf-8")
    path = tmp_path / "pay.log"
    path.touch()

    def write(*lines):
        with path.open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))

    return write


def tailed(house, *, close=True, before=lambda tailing: None):
    """Read all there is; return what was counted."""

    async def happen():
        intake = Intake(house.ledger, house.clock)
        tailing = Tailing(house, intake)
        before(tailing)
        for tail in tailing._tails:
            while await tail.turn():
                pass
        if close:
            await tailing.close()
        else:
            tailing._tails[0]._growing.close()
        await intake.close()
        return tailing.counts

    with capture_logs():
        return asyncio.run(happen())


def payments(house):
    rows = house.ledger.db.execute("SELECT text FROM name ORDER BY no").fetchall()
    return [text for (text,) in rows]


def observed(house):
    rows = house.ledger.db.execute("SELECT body FROM control WHERE kind = 'observed' ORDER BY seq")
    return [(each["rule"], each["count"]) for (body,) in rows for each in json.loads(body)]


def test_only_lines_that_a_rule_is_about_become_deliveries(tmp_path, log):
    log(failed(1), '{"what":"fine"}', "nonsense", failed(2), '{"what":"failed"}')
    with house_at(tmp_path) as house:
        counts = tailed(house)
        assert (counts["lines"], counts["statements"], counts["observed"]) == (5, 2, 1)
        assert len(list(house.ledger.deliveries())) == 2
        assert payments(house) == ["stripe/main/pi_1", "stripe/main/pi_2"]
        states = house.ledger.db.execute("SELECT state FROM verdict").fetchall()
        assert states == [(4,), (4,)], "a technical fault: failed"


def test_nothing_is_lost_or_doubled_by_a_restart(tmp_path, log):
    for n in range(3):
        log(*(failed(10 * n + k) for k in range(10)))
        with house_at(tmp_path) as house:
            tailed(house, close=n != 1)
    with house_at(tmp_path) as house:
        assert tailed(house)["lines"] == 0
        assert len(list(house.ledger.deliveries())) == len(payments(house)) == 30


def test_after_a_crash_only_lines_that_state_nothing_are_read_again(tmp_path, log):
    clock = Clock()
    log(failed(1), *['{"what":"fine"}'] * 5)
    with house_at(tmp_path, clock) as house:
        tailed(house, close=False)
        clock.now += SECOND
    log(*['{"what":"fine"}'] * 3)
    with house_at(tmp_path, clock) as house:
        assert tailed(house, close=False)["lines"] == 3
    log(failed(2))
    with house_at(tmp_path, clock) as house:
        counts = tailed(house)
        assert (counts["lines"], counts["statements"]) == (4, 1)


def test_what_is_only_counted_is_written_once_a_minute(tmp_path, log):
    clock = Clock()
    log(*['{"rt":9}'] * 3)
    with house_at(tmp_path, clock) as house:
        tailed(house)
        assert observed(house) == []
        clock.now += 10 * SECOND
    log(*['{"rt":9}'] * 2, '{"rt":1}')
    with house_at(tmp_path, clock) as house:
        tailed(house)
        clock.now += MINUTE
        tailed(house)
        assert observed(house) == [("slow", 5)], "counted over a restart"
        assert tailed(house)["observed"] == 0
        assert observed(house) == [("slow", 5)]


def test_more_lines_than_a_transaction_takes(tmp_path, log):
    log(*(failed(n) for n in range(700)))
    with house_at(tmp_path) as house:
        before = house.ledger.head().group
        assert tailed(house)["statements"] == 700
        assert house.ledger.head().group - before == 3
        assert len(payments(house)) == 700


def test_a_line_too_long_is_kept_as_far_as_it_goes_and_says_so(tmp_path, log):
    log(failed(1, note="x" * 500), "failed " + "y" * 100_000, failed(2))
    with house_at(tmp_path) as house:
        counts = tailed(house)
        assert (counts["lines"], counts["cut"]) == (3, 2)
        assert payments(house) == ["stripe/main/pi_2"], "what was cut is no JSON any more"


def test_an_account_that_is_about_another_account_is_a_witness(tmp_path, log):
    log(failed(1))
    with house_at(tmp_path) as house:
        tailed(house)
        (role,) = house.ledger.db.execute("SELECT role FROM event").fetchone()
        assert role == 4


def test_one_line_that_cannot_be_stored_takes_no_neighbour_along(tmp_path, log, monkeypatch):
    log(failed(1), failed(2), failed(3))
    with house_at(tmp_path) as house:
        genuine = house.ledger.append

        def append(items, at):
            if any(event.names[0][1].endswith("pi_2") for item in items for event in item.events):
                raise ValueError("a bug of ours")
            return genuine(items, at)

        monkeypatch.setattr(house.ledger, "append", append)
        tailed(house)
        kept = [row.outcome for row in house.ledger.deliveries()]
        assert kept == [0, QUARANTINED, 0]
        monkeypatch.undo()
        assert tailed(house)["lines"] == 0


def test_a_stopped_ledger_ends_the_reading_and_nothing_is_passed_by(tmp_path, log):
    log(failed(1))

    async def happen(house):
        intake = Intake(house.ledger, house.clock)
        intake.stopped = LedgerStopped("the disk is full")
        tailing = Tailing(house, intake)
        await asyncio.wait_for(tailing.run(), 5)
        await tailing.close()

    with house_at(tmp_path) as house:
        asyncio.run(happen(house))
        assert tailed(house)["statements"] == 1


def test_whoever_is_cancelled_while_writing_has_written_once(tmp_path, log):
    log(*(failed(n) for n in range(600)))

    async def happen(house):
        intake = Intake(house.ledger, house.clock)
        tailing = Tailing(house, intake)
        task = asyncio.create_task(tailing.run())
        while house.ledger.head().entries < 100:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await tailing.close()
        await intake.close()

    with house_at(tmp_path) as house:
        asyncio.run(happen(house))
        tailed(house)
        assert len(list(house.ledger.deliveries())) == len(payments(house)) == 600


def test_a_log_that_cannot_be_read_at_first_does_not_keep_the_house_closed(tmp_path, log):
    path = tmp_path / "pay.log"
    path.unlink()
    path.mkdir()  # nothing that could be read as lines, whoever asks

    async def go(house):
        intake = Intake(house.ledger, house.clock)
        tailing = Tailing(house, intake)
        task = asyncio.create_task(tailing.run())
        await asyncio.sleep(0.3)
        path.rmdir()
        log(failed(1))
        while not intake.counts["statements"]:
            await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await tailing.close()
        await intake.close()

    with capture_logs() as logs, house_at(tmp_path, Clock()) as house:
        asyncio.run(asyncio.wait_for(go(house), 20))
    assert [each["event"] for each in logs].count("tail_unreadable") == 1


def test_an_unreadable_file_is_complained_of_once_and_waited_for(tmp_path, log, monkeypatch):
    log(failed(1))

    async def happen(house):
        intake = Intake(house.ledger, house.clock)
        tailing = Tailing(house, intake)
        tail = tailing._tails[0]
        read = tail._growing.read
        monkeypatch.setattr(tail._growing, "read", _denied)
        monkeypatch.setattr("voidtrail.runtime.tailing.POLL_S", 0.001)
        task = asyncio.create_task(tailing.run())
        await asyncio.sleep(0.05)
        monkeypatch.setattr(tail._growing, "read", read)
        while not tailing.counts["statements"]:
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await tailing.close()
        await intake.close()

    with house_at(tmp_path) as house, capture_logs() as logs:
        asyncio.run(happen(house))
    assert [each["event"] for each in logs].count("tail_unreadable") == 1


def _denied(now_s):
    raise PermissionError(13, "Permission denied")


def test_the_place_is_a_small_text(tmp_path, log):
    log(*(failed(n) for n in range(50)))
    with house_at(tmp_path) as house:
        tailed(house)
        body = house.ledger.place(f"gateway_log/main:{tmp_path / 'pay.log'}")
        assert len(body) < 400
        assert msgspec.json.decode(body)["places"]["files"][0]["offset"] > 0
