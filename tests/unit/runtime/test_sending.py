"""The post, with a clock that only the test turns."""

import asyncio
from collections import Counter

import pytest

from tests.unit.runtime.postal import WAITS, Office, Receiver, message, posted, run
from tests.unit.runtime.rig import HOUR, NOW, SECOND, Clock, house_at
from voidtrail.ledger.messages import BEHIND, DEAD, SENT, WAITING
from voidtrail.runtime.sending import Refused, Retry, Sent


@pytest.fixture
def house(tmp_path):
    with house_at(tmp_path, Clock()) as house:
        yield house


def test_what_is_posted_is_carried_once_and_marked(house):
    receiver = Receiver()
    office = Office(house, receiver)
    assert posted(house, message("a"), message("b")) == 2
    assert run(office.turn) == 2
    assert receiver.got == ["a", "b"]
    assert office.row("a")[8:] == (1, SENT, "", NOW, None)
    assert run(office.turn) == 0


def test_posting_a_key_again_posts_nothing(house):
    assert posted(house, message("a")) == 1
    assert posted(house, message("a"), message("b"), message("b")) == 1


def test_failed_message_is_tried_by_schedule_and_becomes_a_dead_letter(house):
    receiver = Receiver(lambda _: Retry("status 500"))
    office = Office(house, receiver)
    posted(house, message("a"))

    async def work():
        due = []
        for _ in range(4):
            await office.turn(office.row("a").due_at - 1)
            tried = len(receiver.got)
            await office.turn(office.row("a").due_at)
            assert len(receiver.got) == tried + 1
            due.append((office.row("a").due_at - office.clock.now) / SECOND)
        return due

    assert run(work) == [*WAITS, 0]
    assert office.row("a")[8:] == (4, DEAD, "status 500", office.clock.now, NOW)
    assert [each.key for each in house.ledger.dead_letters("hook", "", 10)] == ["a"]


@pytest.mark.parametrize(("chance", "wait_s"), [(0.0, 4.5), (0.5, 5.0), (1.0, 5.5)])
def test_waits_are_spread_by_a_tenth_either_way(house, chance, wait_s):
    office = Office(house, Receiver(lambda _: Retry("no")))
    office.post._jitter = lambda: chance
    posted(house, message("a"))
    run(office.turn)
    assert office.row("a").due_at == NOW + wait_s * SECOND


@pytest.mark.parametrize(("after_s", "wait_s"), [(1.0, 5.0), (120.0, 120.0), (1e9, 86_400.0)])
def test_receiver_may_ask_for_a_longer_wait_up_to_a_day(house, after_s, wait_s):
    office = Office(house, Receiver(lambda _: Retry("busy", after_s)))
    posted(house, message("a"))
    run(office.turn)
    assert office.row("a").due_at == NOW + wait_s * SECOND


def test_refused_message_is_a_dead_letter_at_once_and_can_be_sent_again(house):
    answers = [Refused("status 410"), Sent()]
    office = Office(house, Receiver(lambda _: answers.pop(0)))
    posted(house, message("a"))
    run(office.turn)
    assert office.row("a").state == DEAD
    house.ledger.begin()
    assert house.ledger.resend([office.row("a").no, 99], NOW) == 1
    house.ledger.commit()
    run(office.turn)
    assert office.row("a").state == SENT


def test_lane_keeps_its_order_while_others_go_on(house):
    failing = {"a1"}
    receiver = Receiver(lambda each: Retry("no") if each.key in failing else Sent())
    office = Office(house, receiver)
    posted(house, *(message(key, lane=key[0]) for key in ("a1", "b1", "a2", "a3", "b2")))
    run(office.turn)
    assert sorted(receiver.got) == ["a1", "b1", "b2"]
    assert [office.row(key).state for key in ("a1", "a2", "a3")] == [WAITING, BEHIND, BEHIND]
    failing.clear()
    asyncio.run(office.turn(NOW + HOUR))
    assert [key for key in receiver.got if key[0] == "a"] == ["a1", "a1", "a2", "a3"]


def test_dead_letter_lets_those_behind_it_go(house):
    receiver = Receiver(lambda each: Refused("no") if each.key == "a1" else Sent())
    posted(house, message("a1", lane="a"), message("a2", lane="a"))
    run(Office(house, receiver).turn)
    assert receiver.got == ["a1", "a2"]


def test_same_lane_of_two_targets_is_two_lanes(house):
    receiver = Receiver(lambda each: Retry("no") if each.target == "x" else Sent())
    posted(house, message("x1", "x", "a"), message("y1", "y", "a"), message("y2", "y", "a"))
    run(Office(house, receiver).turn)
    assert [key for key in receiver.got if key[0] == "y"] == ["y1", "y2"]


def test_slow_target_holds_up_nobody(house):
    receiver = Receiver()
    office = Office(house, receiver)

    async def work():
        receiver.held["slow"] = asyncio.Event()
        posted(house, *(message(f"s{n}", "slow") for n in range(300)))
        posted(house, *(message(f"q{n}", "quick") for n in range(50)))
        running = asyncio.ensure_future(office.post.run())
        async with asyncio.timeout(20):
            while office.post.counts["hook_sent"] < 50:
                await asyncio.sleep(0.01)
        counts = Counter(key[0] for key in receiver.got)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return counts

    assert run(work) == {"q": 50, "s": 4}


def test_message_posted_while_the_post_rests_is_carried_at_once(house):
    receiver = Receiver()
    office = Office(house, receiver)

    async def work():
        loop = asyncio.get_running_loop()
        running = asyncio.ensure_future(office.post.run())
        await asyncio.sleep(0.1)
        posted(house, message("a"))
        woken = loop.time()
        office.post.wake()
        while not receiver.got:
            await asyncio.sleep(0.001)
        took = loop.time() - woken
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return took

    assert run(work) < 0.5


def test_of_two_posts_on_one_ledger_one_carries_and_the_other_takes_over(house):
    async def work():
        first, second = Receiver(), Receiver()
        ours, theirs = (Office(house, each).post for each in (first, second))
        one = asyncio.ensure_future(ours.run())
        await asyncio.sleep(0.05)
        two = asyncio.ensure_future(theirs.run())
        posted(house, *(message(f"a{n}") for n in range(20)))
        while ours.counts["hook_sent"] < 20:
            await asyncio.sleep(0.01)
        one.cancel()
        await asyncio.gather(one, return_exceptions=True)
        posted(house, message("b"))
        while not second.got:
            await asyncio.sleep(0.01)
        two.cancel()
        await asyncio.gather(two, return_exceptions=True)
        return len(first.got), second.got

    assert run(work) == (20, ["b"])


def test_restart_goes_on_where_it_was(tmp_path):
    clock = Clock()
    with house_at(tmp_path, clock) as house:
        posted(house, message("a"), message("b", lane="x"), message("c", lane="x"))
        office = Office(house, Receiver(lambda _: Retry("down")))
        run(office.turn)
    clock.now += 5 * SECOND
    with house_at(tmp_path, clock) as house:
        receiver = Receiver()
        office = Office(house, receiver)
        assert run(office.turn) == 3
        assert receiver.got == ["a", "b", "c"]
        assert office.row("a").tries == 2


def test_failing_target_is_probed_by_one_message_at_a_time_and_all_follow_when_it_is_back(house):
    down = [True]
    receiver = Receiver(lambda _: Retry("down") if down[0] else Sent())
    office = Office(house, receiver)
    posted(house, *(message(f"m{n}") for n in range(100)))

    async def work():
        await office.turn()
        first = len(receiver.got)
        for hour in range(1, 49):
            await office.turn(NOW + hour * HOUR)
        probes = len(receiver.got) - first
        down[0] = False
        await office.turn(NOW + 49 * HOUR)
        return first, probes

    first, probes = run(work)
    assert first <= 8
    assert probes == 48
    assert house.ledger.message_count("hook", "shop", SENT) == 100


def test_bug_in_a_carrier_is_a_failure_of_that_message_alone(house):
    receiver = Receiver(lambda each: ValueError("?") if each.key == "a" else Sent())
    office = Office(house, receiver)
    posted(house, message("a"), message("b"))
    run(office.turn)
    assert office.row("a").last_error == "the carrier failed: ValueError"
    assert office.row("b").state == SENT


def test_kind_that_nobody_carries_waits(house):
    office = Office(house, Receiver())
    posted(house, message("a", kind="alert"))
    assert run(office.turn) == 0
    assert office.row("a").state == WAITING


def test_messages_that_arrived_long_ago_are_forgotten(house):
    office = Office(house, Receiver())
    posted(house, message("a"))
    run(office.turn)
    office.clock.now += 31 * 24 * HOUR
    posted(house, message("b", at=office.clock.now))
    asyncio.run(office.post._forget())
    assert (office.row("a"), office.row("b").state) == (None, WAITING)


@pytest.mark.parametrize(("prompt", "most"), [({"hook"}, 1), ((), 256)])
def test_prompt_kinds_are_written_down_one_by_one_and_others_share_transactions(
    house, prompt, most
):
    """What is sent and not written down is what a kill repeats."""
    office = Office(house, Receiver(), at_once={"hook": 1}, prompt=prompt)
    unmarked = []

    async def carry(message):
        sent = [key for key in office.receiver.got if office.row(key).state != SENT]
        unmarked.append(len(sent) + 1)
        office.receiver.got.append(message.key)
        return Sent()

    async def work():
        office.receiver.carry = carry
        posted(house, *(message(f"m{n}") for n in range(60)))
        running = asyncio.ensure_future(office.post.run())
        while office.post.counts["hook_sent"] < 60:
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run(work)
    assert max(unmarked) <= most
