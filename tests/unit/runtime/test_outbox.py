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
    assert not any(notice.history for notice in found.values())


def test_a_notice_says_of_whom_it_speaks_and_how_much(house):
    shown = (("country", "CN"), ("version", "4.2"))
    put(house, event(payment="pi_1", notice="n0", order="A1",
                     dimensions=(("version", "4.1"),), method=Method.ALIPAY_QR))  # fmt: skip
    put(house, captured(notice="n2", at=NOW + 1, dimensions=shown, order="A1"))
    (notice,) = take(house.ledger, 10)
    about = notice.about
    assert (about.payment, about.source, about.account, about.shop) == (
        "pi_1", "stripe", "main", "default",
    )  # fmt: skip
    assert (about.amount_minor, about.currency, about.method) == (500, "CNY", "alipay_qr")
    assert about.dimensions == dict(shown)
    assert about.order == "A1"
    assert about.order_verdict is not None
    assert (about.order_verdict.state, about.order_verdict.payments) == (State.PAID, 1)
    assert (about.test, about.shadow) == (False, False)


def test_a_shops_word_on_an_order_that_a_platform_knows_is_a_shadow(house):
    put(house, event(payment="A1", order="A1", **shop_told()),
        source="storefront")  # fmt: skip
    tick(house, NOW + 100 * HOUR)
    (alone,) = take(house.ledger, 10)
    assert not alone.about.shadow
    put(house, captured(notice="n2", order="A1"))
    first, second = take(house.ledger, 10)
    assert (first.about.shadow, second.about.shadow) == (True, False)
    assert first.about.order_verdict.state == State.PAID


def test_a_notice_finds_its_payment_though_two_turned_out_to_be_one(house):
    put(house, captured(payment="ch_1", notice="n1"))
    put(house, captured(payment="pi_9", notice="n2"))
    put(house, event(payment="pi_9", names=("ch_1",), notice="n3"))
    shops = {notice.about.shop for notice in take(house.ledger, 10)}
    assert shops == {"default"}
