"""The auditor's rules, one case each, written by hand."""

import pytest

from voidtrail.testing.world.auditor import audit
from voidtrail.testing.world.fact import HOUR, MINUTE, SECOND, Notice, Said

STRIPE, SHOP = ("stripe", "hutong"), ("storefront", "hutong")
LATER = 100 * HOUR


def said(word, at=0, speaker=STRIPE, **more):
    more.setdefault("method", "card_form")
    return Notice(
        source=speaker[0], account=speaker[1], order="HT1", payment="pi_1", said=word,
        at=at * SECOND, holder=STRIPE, names=("pi_1",), currency="CNY", **more,
    )  # fmt: skip


def only(*notices, now=LATER):
    (one,) = audit(notices, now).payments
    return one


def ending(*notices, now=LATER):
    one = only(*notices, now=now)
    return one.state, one.how, one.actor, one.explicit


PAID = said(Said.PAID, 10, amount_minor=500, operation="ch_1")


def test_silence_is_abandonment_only_after_patience():
    opened = said(Said.OPENED)
    assert ending(opened, now=29 * MINUTE)[0] == "open"
    assert ending(opened, now=30 * MINUTE) == ("cancelled", "abandoned", "customer", False)


def test_alive_capture_beats_any_cancel():
    closed = said(Said.CLOSED, 20, code="requested_by_customer")
    pressed = said(Said.PRESSED, 5, SHOP)
    assert ending(closed, pressed, PAID)[0] == "paid"


@pytest.mark.parametrize(
    ("code", "how", "actor"),
    [
        ("requested_by_customer", "customer_cancelled", "customer"),
        ("duplicate", "duplicate", "merchant"),
        ("fraudulent", "merchant_voided", "merchant"),
        ("abandoned", "abandoned", "customer"),
        ("automatic", "expired", "platform"),
        ("", "platform_closed", "unknown"),
    ],
)
def test_stated_reason_of_a_close(code, how, actor):
    assert ending(said(Said.CLOSED, 20, code=code)) == ("cancelled", how, actor, True)


def test_close_after_the_customer_pressed_cancel_is_the_customers():
    pressed = said(Said.PRESSED, 5, SHOP)
    for closed in (said(Said.CLOSED, 1000), said(Said.EXPIRED, 4000)):
        assert ending(closed, pressed) == ("cancelled", "customer_cancelled", "customer", True)


def test_a_press_counts_no_more_once_the_customer_came_back():
    pressed, back = said(Said.PRESSED, 5, SHOP), said(Said.SUBMITTED, 600, SHOP)
    assert ending(pressed, back)[1] == "abandoned"


def test_the_shops_word_counts_for_what_the_platform_does_not_say():
    paid = said(Said.ORDER_PAID, 5, SHOP, amount_minor=500)
    gone = said(Said.ORDER_CANCELLED, 5, SHOP)
    assert only(paid).captured_minor == 500
    assert only(paid, said(Said.OPENED)).captured_minor == 0, "the platform itself speaks"
    assert ending(said(Said.OPENED), gone) == ("cancelled", "unstated", "unknown", True)
    assert ending(gone, said(Said.PRESSED, 4, SHOP))[1] == "customer_cancelled"


def test_unstated_close_after_a_fault_or_a_decline():
    fault = said(Said.ATTEMPT_FAULTED, 5, code="processing_error")
    decline = said(Said.ATTEMPT_DECLINED, 5, code="incorrect_cvc")
    closed = said(Said.CLOSED, 20)
    assert ending(fault, closed) == ("cancelled", "gave_up_after_fault", "platform", True)
    assert ending(decline, closed) == ("cancelled", "gave_up_after_decline", "customer", True)
    assert ending(decline) == ("cancelled", "gave_up_after_decline", "customer", False)
    assert ending(decline, now=MINUTE)[0] == "declined"
    assert ending(fault, now=MINUTE)[0] == "failed"


def test_void_and_lapse_of_held_money():
    held = said(Said.AUTHORISED, 5, amount_minor=500, operation="ch_1")
    assert only(held).money == "held"
    assert ending(held)[0] == "open"
    assert ending(held, said(Said.RELEASED, 20))[1:3] == ("merchant_voided", "merchant")
    assert only(held, said(Said.RELEASED, 20)).money == "none"
    assert ending(held, said(Said.LAPSED, 20))[1:3] == ("expired", "platform")


def test_refunds_whole_partial_and_failed():
    part = said(Said.REFUNDED, 20, amount_minor=200, operation="re_1")
    rest = said(Said.REFUNDED, 30, amount_minor=300, operation="re_2", code="duplicate")
    failed = said(Said.REFUND_FAILED, 40, amount_minor=300, operation="re_2")
    assert only(PAID, part, part).money == "partly_returned"
    assert ending(PAID, part, rest) == ("cancelled", "refunded_in_full", "merchant", True)
    one = only(failed, rest, part, PAID)
    assert (one.state, one.returned_minor) == ("paid", 200)


def test_disputes_move_money_only_by_withdrawal():
    opened = said(Said.DISPUTE_OPENED, 20, operation="dp_1")
    gone = said(Said.DISPUTE_WITHDRAWN, 21, amount_minor=500, operation="dp_1")
    back = said(Said.DISPUTE_REINSTATED, 30, amount_minor=500, operation="dp_1")
    assert only(PAID, opened).money == "taken"
    assert ending(PAID, opened, gone) == ("cancelled", "reversed", "customer", True)
    assert only(back, gone, PAID).money == "taken"


def test_repetition_and_order_change_nothing():
    told = [PAID, said(Said.OPENED), said(Said.REFUNDED, 20, amount_minor=200, operation="re_1")]
    assert only(*told) == only(*reversed(told), *told)


def test_names_join_payments():
    session = Notice(
        source="stripe", account="hutong", order="HT1", payment="cs_1", said=Said.PAID, at=9,
        holder=STRIPE, names=("cs_1", "pi_1"), amount_minor=500,
    )  # fmt: skip
    one = only(session, said(Said.OPENED))
    assert (set(one.names), one.captured_minor) == ({"cs_1", "pi_1"}, 500)


def test_switched_and_double_paid():
    other = Notice(
        source="alipay", account="hutong", order="HT1", payment="HT1-2", said=Said.PAID, at=9,
        holder=("alipay", "hutong"), names=("HT1-2",), amount_minor=500,
    )  # fmt: skip
    both = audit([PAID, other], LATER)
    assert both.double_paid
    assert not both.switched
    assert audit([other, said(Said.CLOSED, 5)], LATER).switched
