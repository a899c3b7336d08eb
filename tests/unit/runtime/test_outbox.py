"""Reading the outbox."""

import pytest

from tests.unit.runtime.rig import HOUR, NOW, event, house_at, put, shop_told, tick
from voidtrail.event.model import Kind, Method, Tag
from voidtrail.lifecycle.verdict import State
from voidtrail.runtime.outbox import take


@pytest.fixture
def house(tmp_path):
    with house_at(tmp_path) as house:
        yield house


def captured(**more):
    return event(Kind.CAPTURE, amount_minor=500, currency="CNY", tag=Tag.OWN,
                 operation="ch_1", **more)  # fmt: skip


def test_a_notice_tells_what_was_and_what_is(house):
    put(house, event())
    assert take(house.ledger, 10) == [], "a first open is no news"
    put(house, captured(notice="n2"))
    (notice,) = take(house.ledger, 10)
    assert notice.before is not None
    assert (notice.before.state, notice.after.state) == (State.OPEN, State.PAID)
    assert (notice.after.captured, notice.quiet, notice.at) == (500, False, NOW)


def test_the_oldest_come_first_until_they_are_struck_off(house):
    for n in range(3):
        put(house, captured(payment=f"pi_{n}", notice=f"n{n}"))
    first, second, third = take(house.ledger, 10)
    assert [first, second] == take(house.ledger, 2)
    house.ledger.begin()
    assert house.ledger.struck(second.no, NOW) == 2
    house.ledger.commit()
    assert take(house.ledger, 10) == [third]


def test_test_traffic_is_quiet_however_its_change_came_about(house):
    try_out = {"source": "storefront", "account": "try-out"}
    put(house, event(scope="stripe/main", payment="pi_1", **shop_told()), **try_out)
    put(house, event(payment="A1", notice="n2", method=Method.WECHAT_QR, **shop_told()), **try_out)
    put(house, captured(payment="pi_2", notice="n3", test=True))
    tick(house, NOW + 100 * HOUR)
    put(house, captured(payment="pi_1", notice="n4"))
    found = {notice.payment_id: notice for notice in take(house.ledger, 10)}
    assert len(found) == 3
    assert all(notice.quiet for notice in found.values()), (
        "what a test shop spoke of is test traffic, though a live account goes on about it"
    )
