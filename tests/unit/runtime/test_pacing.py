"""How fast a receiver is spoken to, by a clock that only the test turns."""

import asyncio
from typing import Any

import pytest

from tests.unit.runtime.postal import Office, Receiver, message, posted, run
from tests.unit.runtime.rig import HOUR, NOW, SECOND, Clock, house_at
from voidtrail.ledger.messages import SENT, WAITING, Message
from voidtrail.runtime.pacing import FAILING, UNMARKED_MAX, Pace
from voidtrail.runtime.sending import Retry, Sent


@pytest.fixture
def house(tmp_path):
    with house_at(tmp_path, Clock()) as house:
        yield house


def messages(count):
    return [Message(n, f"k{n}", "hook", "shop", "", b"{}", NOW, NOW) for n in range(1, count + 1)]


class Carrying:
    """A task as far as a pace asks."""

    def __init__(self, is_done):
        self.is_done = is_done

    def done(self):
        return self.is_done


def begun(pace: Any, at_once=4, now=NOW, count=500, done=False):
    """Begin what may be begun; what is `done` has an answer and is not written down yet."""
    found = pace.next(at_once, now, lambda limit: messages(count)[:limit])
    pace.busy.update((message.no, Carrying(done)) for message in found)
    return [message.no for message in found]


def test_only_so_many_are_under_way():
    pace: Any = Pace()
    assert begun(pace) == [1, 2, 3, 4]
    assert begun(pace) == []
    for no in (1, 3):
        pace.busy[no] = Carrying(True)
    assert begun(pace) == [5, 6]


def test_what_is_not_written_down_yet_is_not_begun_again_and_has_its_limit():
    pace, seen = Pace(), []
    while found := begun(pace, at_once=50, done=True):
        seen += found
    assert seen == list(range(1, UNMARKED_MAX + 1))


def test_failing_receiver_is_probed_singly_at_growing_pauses():
    pace = Pace()
    for _ in range(FAILING):
        pace.failure(NOW)
    assert begun(pace) == []
    pauses = []
    for _ in range(12):
        pauses.append((pace.again_at - NOW) // SECOND)
        assert len(pace.next(4, pace.again_at, messages)) == 1
        pace.failure(NOW)
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_first_success_may_be_the_end_of_an_outage_before_this_process():
    pace = Pace()
    assert pace.success()
    assert not pace.success()
    for _ in range(FAILING):
        pace.failure(NOW)
    assert pace.success()
    assert begun(pace) == [1, 2, 3, 4]


def test_reset_forgets_pauses():
    pace = Pace()
    for _ in range(FAILING):
        pace.failure(NOW + 10**15)
    pace.reset()
    assert begun(pace) == [1]


# ---------------------------------------------------------------- what may go wrong


def test_clock_set_back_holds_nothing_up(house):
    """The clock was a day ahead when messages failed; put right, they do not wait that day."""
    down = [True]
    office = Office(house, Receiver(lambda _: Retry("down") if down[0] else Sent()))

    async def work():
        office.clock.now = NOW + 24 * HOUR
        posted(house, *(message(f"m{n}", at=office.clock.now) for n in range(10)))
        running = asyncio.ensure_future(office.post.run())
        while office.post.counts["hook_failed"] < 5:
            await asyncio.sleep(0.01)
        down[0] = False
        office.clock.now = NOW
        office.post.wake()
        async with asyncio.timeout(20):
            while office.post.counts["hook_sent"] < 10:
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run(work)
    assert house.ledger.message_count("hook", "shop", SENT) == 10


def test_clock_set_back_while_no_process_ran_is_seen_at_the_start(house):
    posted(house, message("a", at=NOW + 24 * HOUR))
    office = Office(house, Receiver())
    asyncio.run(office.post._mind_the_clock())
    assert run(office.turn) == 1


def test_messages_that_some_refuse_do_not_use_up_their_tries_over_those_that_arrive(house):
    """Ten orders that the receiver does not know, among ninety that it does."""
    receiver = Receiver(lambda each: Retry("status 404") if each.key[0] == "x" else Sent())
    office = Office(house, receiver)
    posted(house, *(message(f"x{n}") for n in range(10)))
    posted(house, *(message(f"y{n}") for n in range(90)))

    async def work():
        for second in range(60):
            await office.turn(NOW + second * SECOND)

    run(work)
    assert house.ledger.message_count("hook", "shop", SENT) == 90
    assert {office.row(f"x{n}").tries for n in range(10)} <= {1, 2}
    assert {office.row(f"x{n}").state for n in range(10)} == {WAITING}


def test_receiver_that_is_back_while_nobody_looked_is_given_everything_at_once(tmp_path):
    """The server is restarted after two days of outage, and the receiver is there again."""
    clock = Clock()
    with house_at(tmp_path, clock) as house:
        office = Office(house, Receiver(lambda _: Retry("down")))
        office.post._schedules = {"hook": (5.0, 172_800.0, 172_800.0)}
        posted(house, *(message(f"m{n}") for n in range(20)))
        for second in (0, 10, 20, 3600, 7200):
            run(lambda second=second: office.turn(NOW + second * SECOND))
    clock.now = NOW + 47 * HOUR
    with house_at(tmp_path, clock) as house:
        posted(house, message("new", at=clock.now))
        office = Office(house, Receiver())
        run(office.turn)
        assert house.ledger.message_count("hook", "shop", SENT) == 21


def test_full_disk_stops_the_post_and_what_was_not_written_down_goes_again(tmp_path):
    clock = Clock()
    first, second = Receiver(lambda _: Retry("x" * 400)), Receiver()
    with house_at(tmp_path, clock) as house:
        posted(house, *(message(f"m{n}") for n in range(300)))
        pages = house.ledger.db.execute("PRAGMA page_count").fetchone()[0]
        house.ledger.db.execute(f"PRAGMA max_page_count = {pages}")
        office = Office(house, first, at_once={"hook": 300})

        async def work():
            async with asyncio.timeout(20):
                await office.post.run()

        run(work)
        assert house.ledger.stopped is not None
        assert office.intake.stopped is not None
    with house_at(tmp_path, clock) as house:
        run(Office(house, second).turn)
        assert set(first.got) <= set(second.got)
        assert len(second.got) == 300
