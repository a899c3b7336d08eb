"""Order systems are told over real sockets while a virtual clock runs through days."""

import asyncio
import datetime
import socket
from itertools import pairwise

import pytest
from standardwebhooks import webhooks

from tests.unit.runtime.endpoints.office import (
    cancelled,
    captured,
    house_telling,
    office,
    opened,
    pressed,
    run,
)
from tests.unit.runtime.endpoints.receiver import Receiver, receiving
from tests.unit.runtime.rig import HOUR, NOW, SECOND, Clock
from voidtrail.errors import LedgerStopped
from voidtrail.ledger.messages import DEAD, SENT, WAITING
from voidtrail.runtime.endpoints.carrier import SCHEDULE_S
from voidtrail.runtime.endpoints.standing import Standing, Standings

DAY = 24 * HOUR


@pytest.fixture
def clock(monkeypatch):
    """The clock of the house, by which the receiver's package judges timestamps too."""
    clock = Clock()

    class Virtual(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(clock.now / 1e6, tz)

    monkeypatch.setattr(webhooks, "datetime", Virtual)
    return clock


@pytest.fixture
def port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def url(port):
    return f"http://127.0.0.1:{port}/hooks"


def failing_for(here, days):
    """Let the post try whatever is due, hour by hour."""

    async def work():
        for hour in range(1, int(days * 24) + 1):
            await here.tell(NOW + hour * HOUR)

    return work()


def test_what_is_told_arrives_and_verifies_under_the_message_key(tmp_path, clock):
    receiver = Receiver()

    async def work():
        async with receiving(receiver):
            with house_telling(tmp_path, receiver.url, clock=clock) as house:
                cancelled(house)
                async with office(house) as here:
                    assert await here.tell() == 1
                    return here.messages()

    [message] = run(work)
    assert receiver.got[0][0] == message.key
    assert (message.state, message.tries) == (SENT, 1)


def test_receiver_down_for_two_days_gets_everything_after_in_the_order_of_each_order(
    tmp_path, clock, port
):
    """Thirty orders, each called off, tried again and called off, while nobody listens."""
    orders = [f"A{n}" for n in range(30)]
    receiver = Receiver()

    async def work():
        with house_telling(tmp_path, url(port), clock=clock) as house:
            async with office(house) as here:
                for step, act in enumerate((pressed, captured)):
                    for order in orders:
                        clock.now += SECOND
                        act(house, order, f"pi_{order}", at=NOW + (step * 600 * SECOND))
                    await here.tell()
                for hour in range(1, 49):
                    await here.tell(NOW + hour * HOUR)
                assert receiver.raw == []
                async with receiving(receiver, port):
                    for minute in range(10):
                        await here.tell(NOW + 49 * HOUR + minute * 60 * SECOND)
                return here.messages()

    messages = run(work)
    assert len(messages) == 60
    assert {each.state for each in messages} == {SENT}
    assert len({key for key, _ in receiver.got}) == len(receiver.got) == 60
    for order in orders:
        types = [found["type"] for _, found in receiver.got if found["data"]["order"] == order]
        assert types == ["payment.called_off", "payment.came_back"]


def test_twelve_tries_over_seven_days_then_a_dead_letter(tmp_path, clock):
    receiver = Receiver(500)

    async def work():
        async with receiving(receiver):
            with house_telling(tmp_path, receiver.url, "disable_after_days = 30", clock) as house:
                cancelled(house)
                async with office(house) as here:
                    tried = []
                    await here.tell()
                    while here.messages()[0].state == WAITING:
                        tried.append(clock.now)
                        await here.tell(here.messages()[0].due_at)
                    return [*tried, clock.now], here.messages()[0]

    tried, message = run(work)
    assert (len(receiver.raw), message.tries, message.state) == (12, 12, DEAD)
    assert len({headers["webhook-id"] for headers, _ in receiver.raw}) == 1
    assert len({headers["webhook-timestamp"] for headers, _ in receiver.raw}) == 12
    assert [(late - early) // SECOND for early, late in pairwise(tried)] == list(SCHEDULE_S)
    assert 6.9 * DAY < tried[-1] - tried[0] < 7.1 * DAY
    assert message.last_error == "status 500"


def test_an_endpoint_that_fails_for_days_is_put_out_of_service_on_record(tmp_path, clock, port):
    async def work():
        with house_telling(tmp_path, url(port), "disable_after_days = 2", clock) as house:
            cancelled(house, "A1", "pi_1")
            async with office(house) as here:
                await here.tell()
                await failing_for(here, 1.9)
                before = Standings(house.ledger).is_disabled("orders")
                await failing_for(here, 4)
                cancelled(house, "A2", "pi_2")
                await here.tell()
                found = Standings(house.ledger).of("orders")
                verified = house.ledger.last_control("endpoint")
                return before, found, verified, here.messages()

    before, standing, entry, messages = run(work)
    assert not before
    assert (standing.disabled, standing.why, standing.since) == (True, "failing", NOW)
    assert '"disabled":true' in entry
    assert [each.state for each in messages] == [DEAD, DEAD]
    assert messages[1].last_error == "the endpoint is out of service"


def test_410_puts_an_endpoint_out_of_service_at_once_and_nothing_more_is_sent(tmp_path, clock):
    receiver = Receiver(410)

    async def work():
        async with receiving(receiver):
            with house_telling(tmp_path, receiver.url, clock=clock) as house:
                for n in range(20):
                    cancelled(house, f"A{n}", f"pi_{n}")
                async with office(house) as here:
                    await here.tell()
                    entries = house.ledger.db.execute(
                        "SELECT count(*) FROM control WHERE kind = 'endpoint'"
                    ).fetchone()[0]
                    return entries, here.messages()

    entries, messages = run(work)
    assert entries == 1
    assert len(receiver.raw) <= 4  # those under way together
    assert {each.state for each in messages} == {DEAD}


def test_an_endpoint_back_in_service_is_given_its_days_anew(tmp_path, clock, port):
    async def work():
        with house_telling(tmp_path, url(port), "disable_after_days = 2", clock) as house:
            cancelled(house)
            async with office(house) as here:
                await here.tell()
                await failing_for(here, 4)
                again = Standing(name="orders", disabled=False, why="resent", at=clock.now)
                house.ledger.begin()
                house.ledger.control([again.entry()], clock.now)
                house.ledger.resend([each.no for each in here.messages()], clock.now)
                house.ledger.commit()
                await here.tell(clock.now + HOUR)
                return here.messages()[0]

    assert run(work).state == WAITING


def test_a_message_posted_long_before_its_first_try_does_not_count_as_failure(
    tmp_path, clock, port
):
    async def work():
        with house_telling(tmp_path, url(port), "disable_after_days = 2", clock) as house:
            cancelled(house)
            async with office(house) as here:
                await here.worker._teller.turn()
                await here.tell(NOW + 5 * DAY)
                await here.tell(NOW + 5 * DAY + HOUR)
                return here.messages()[0]

    message = run(work)
    assert (message.state, message.tries) == (WAITING, 2)


def test_endpoint_no_longer_in_the_settings_leaves_dead_letters(tmp_path, clock, port):
    with house_telling(tmp_path, url(port), clock=clock) as house:
        cancelled(house)

        async def decide():
            async with office(house) as here:
                await here.worker._teller.turn()

        run(decide)
        changed = house._replace(settings=_without_endpoints(house.settings))

        async def carry():
            async with office(changed) as here:
                await here.post.turn()
                return here.messages()[0]

        message = run(carry)
    assert (message.state, message.last_error) == (DEAD, "no such endpoint in the settings")


def _without_endpoints(settings):
    from msgspec import structs

    return structs.replace(settings, endpoint=())


def test_a_stopped_ledger_ends_the_post_and_loses_nothing(tmp_path, clock):
    receiver = Receiver()

    async def work():
        async with receiving(receiver):
            with house_telling(tmp_path, receiver.url, clock=clock) as house:
                opened(house)
                cancelled(house)
                async with office(house) as here:
                    await here.worker._teller.turn()
                    here.intake.stopped = LedgerStopped("the disk is full")
                    async with asyncio.timeout(10):
                        await here.post.run()
            with house_telling(tmp_path, receiver.url, clock=clock) as house:
                async with office(house) as here:
                    await here.post.turn()

    run(work)
    assert len(receiver.got) <= 2
    assert len({key for key, _ in receiver.got}) == 1
