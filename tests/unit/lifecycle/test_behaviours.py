"""One test per platform behaviour for which a rule of the algebra exists."""

from itertools import permutations

import pytest

from tests.unit.lifecycle.story import (
    BILL,
    DAY,
    HOUR,
    MINUTE,
    MOVER,
    OTHER_MOVER,
    SHOP,
    T0,
    Told,
    authorised,
    captured,
    opened,
    record,
    refunded,
    said,
)
from voidtrail.event.codec import Record, digest_of
from voidtrail.event.model import Actor, Kind, Method, Result, Tag, Via
from voidtrail.event.reason import How, pack, unpack
from voidtrail.lifecycle.order import Part, judge_order
from voidtrail.lifecycle.terms import Terms
from voidtrail.lifecycle.verdict import Money, State

REFUSED, PENDING, REQUESTED = Result.REFUSED, Result.PENDING, Result.REQUESTED
LATE = T0 + 5 * DAY


def in_any_order(*statements, **more):
    """The verdict on statements, the same whichever came first."""
    found = {repr(Told(*each, **more)._verdict) for each in permutations(statements)}
    assert len(found) == 1
    return Told(*statements, **more)


# -------------------------------------------------------------------- rule 5: operations


def test_razorpay_payment_that_failed_and_was_captured_later_is_paid():
    told = in_any_order(
        captured(operation="pay_1", minute=9),
        said(Kind.CAPTURE, REFUSED, 2, operation="pay_1", amount_minor=100, why="platform_fault"),
    )
    assert (told.state, told.money, told.captured) == (State.PAID, Money.TAKEN, 100)


def test_wechat_refund_that_was_abnormal_and_succeeded_later_is_returned():
    told = in_any_order(
        captured(),
        said(Kind.REFUND, PENDING, 5, operation="r1", amount_minor=100),  # ABNORMAL
        refunded(operation="r1", minute=90),
    )
    assert (told.state, told.how, told.returned) == (State.CANCELLED, How.REFUNDED_IN_FULL, 100)


def test_wechat_refund_that_is_abnormal_has_moved_no_money():
    told = Told(captured(), said(Kind.REFUND, PENDING, 5, operation="r1", amount_minor=100))
    assert (told.state, told.returned) == (State.PAID, 0)


def test_refund_that_failed_after_success_leaves_the_money_taken():
    told = in_any_order(
        captured(), refunded(operation="re_1"),
        said(Kind.REVERSE, minute=99, operation="re_1", reverses="refund:re_1",
             why="refund_failed"),
    )  # fmt: skip
    assert (told.state, told.money, told.returned) == (State.PAID, Money.TAKEN, 0)


def test_adyen_capture_that_failed_later_returns_the_money():
    told = in_any_order(
        authorised(operation="a1"), captured(operation="c1"),
        said(Kind.REVERSE, minute=60, operation="f1", reverses="capture:c1", why="capture_failed"),
    )  # fmt: skip
    assert (told.state, told.how, told.captured) == (State.CANCELLED, How.REVERSED, 0)
    assert told.actor == Actor.NETWORK
    assert told.said_reason == "capture_failed"


def test_void_of_a_void_brings_the_authorisation_back():
    told = in_any_order(
        authorised(operation="a1"),
        said(Kind.VOID, minute=5, operation="v1", reverses="authorise:a1"),
        said(Kind.REVERSE, minute=6, operation="v2", reverses="void:v1"),
    )
    assert (told.state, told.money, told.held) == (State.OPEN, Money.HELD, 100)


def test_iso_8583_reversal_0400_of_a_void_brings_the_capture_back():
    sale = captured(operation="s1")
    void = said(Kind.VOID, minute=3, operation="v1", reverses="capture:s1")
    reversal = said(Kind.REVERSE, minute=4, operation="0400", reverses="void:v1")
    assert Told(sale, void).state == State.CANCELLED
    told = in_any_order(sale, void, reversal)
    assert (told.state, told.captured) == (State.PAID, 100)


def test_reversals_of_reversals_are_followed_three_levels_deep():
    chain = [captured(operation="c")]
    target = "capture:c"
    for level in range(1, 4):
        chain.append(said(Kind.REVERSE, minute=9, operation=f"u{level}", reverses=target))
        target = f"reverse:u{level}"
        assert Told(*chain).captured == (0 if level % 2 else 100)


def test_payment_level_cancel_never_beats_an_alive_capture():
    told = in_any_order(
        captured(minute=9), said(Kind.CANCEL, minute=10, why="merchant_request"),
        said(Kind.EXPIRE, minute=30, why="timed_out"),
    )  # fmt: skip
    assert (told.state, told.captured) == (State.PAID, 100)


def test_operation_level_void_beats_its_target_whichever_came_first():
    told = in_any_order(
        captured(operation="c1", minute=9),
        said(Kind.VOID, minute=2, operation="v1", reverses="capture:c1", why="merchant_request"),
    )
    assert (told.state, told.money) == (State.CANCELLED, Money.RETURNED)


def test_void_without_a_target_releases_every_authorisation():
    told = in_any_order(
        authorised(operation="a1"), authorised(50, operation="a2"),
        said(Kind.VOID, minute=9, operation="v1", why="merchant_request"),
    )  # fmt: skip
    assert (told.state, told.how, told.held) == (State.CANCELLED, How.MERCHANT_VOIDED, 0)


def test_refused_void_leaves_payment_authorised():
    told = Told(authorised(), said(Kind.VOID, REFUSED, 5, reverses="authorise:"))
    assert (told.state, told.money, told.held) == (State.OPEN, Money.HELD, 100)


def test_refused_cancellation_is_no_cancellation():
    told = Told(opened(), said(Kind.CANCEL, REFUSED, 5, why="merchant_request"), now=T0 + HOUR)
    assert told.state == State.OPEN


def test_dispute_won_gives_the_money_back_to_the_merchant():
    withdrawn = said(
        Kind.DISPUTE, minute=9, operation="dp:1", amount_minor=100, why="dispute_fraud"
    )
    told = Told(captured(), withdrawn)
    assert (told.state, told.how, told.withdrawn) == (State.CANCELLED, How.REVERSED, 100)
    won = said(Kind.REVERSE, minute=99, operation="dp:1:won", reverses="dispute:dp:1")
    told = in_any_order(captured(), withdrawn, won)
    assert (told.state, told.withdrawn, told.money) == (State.PAID, 0, Money.TAKEN)


def test_dispute_won_and_then_lost_takes_the_money_once():
    first = said(Kind.DISPUTE, minute=9, operation="dp:1", amount_minor=100, why="dispute_fraud")
    won = said(Kind.REVERSE, minute=50, operation="dp:1:won", reverses="dispute:dp:1")
    again = said(Kind.DISPUTE, minute=90, operation="dp:2", amount_minor=100, why="dispute_fraud")
    told = in_any_order(captured(), first, won, again)
    assert (told.state, told.withdrawn) == (State.CANCELLED, 100)


def test_inquiry_moves_no_money():
    told = Told(captured(), said(Kind.DISPUTE, PENDING, 9, operation="dp:1", amount_minor=100))
    assert (told.state, told.withdrawn, told.money) == (State.PAID, 0, Money.TAKEN)


def test_dispute_beside_a_refund_withdraws_no_more_than_is_left():
    told = Told(captured(), refunded(70), said(Kind.DISPUTE, minute=9, amount_minor=100))
    assert (told.returned, told.withdrawn) == (70, 30)


# -------------------------------------------------------------------- rules 6 and 7: amounts, who


def test_own_amounts_are_added_and_cumulative_ones_are_not():
    own = [refunded(30, operation="r1"), refunded(20, operation="r2")]
    assert Told(captured(), *own).returned == 50
    so_far = [
        refunded(30, operation="r1", tag=Tag.CUMULATIVE),
        refunded(50, operation="r2", tag=Tag.CUMULATIVE),
    ]
    assert Told(captured(), *so_far).returned == 50
    assert Told(captured(), *own, *so_far).returned == 50


def test_more_returned_than_captured_counts_as_all():
    told = Told(captured(100), refunded(80, operation="r1"), refunded(80, operation="r2"))
    assert (told.returned, told.how) == (100, How.REFUNDED_IN_FULL)


def test_mixed_currencies_are_flagged_and_not_summed():
    told = Told(captured(100), captured(50, operation="c2", currency="USD"))
    assert (told.captured, told.mixed, told.currency) == (100, 1, 156)


def test_one_operation_in_two_currencies_is_left_out_and_flagged():
    told = Told(captured(100), refunded(100), refunded(15, currency="USD"))
    assert (told.returned, told.mixed, told.state) == (0, 1, State.PAID)


def test_totals_come_from_the_mover_only():
    told = Told(
        captured(100), captured(100, by=SHOP), captured(100, by=BILL), refunded(40, by=BILL)
    )
    assert (told.captured, told.returned) == (100, 0)


def test_without_a_mover_the_highest_ranking_witness_counts_alone():
    told = Told(captured(100, by=SHOP), captured(90, by=BILL), refunded(90, by=BILL))
    assert (told.captured, told.returned, told.state) == (90, 90, State.CANCELLED)


def order(*told, placeholders=()):
    return judge_order([
        Part(key=n, mover=each.column("mover_no") is not None,
             placeholder=bool(each.column("placeholder")), state=each.state, how=each.how,
             actor=each.actor, net=each.captured - each.returned - each.withdrawn,
             spoken_at=each.column("spoken_at"))
        for n, each in enumerate(told)
    ])  # fmt: skip


def test_double_paid_needs_two_movers_that_hold_money():
    first, second = Told(captured()), Told(captured(by=OTHER_MOVER, minute=5))
    assert order(first, second).double_paid
    assert not order(first, Told(captured(by=SHOP, minute=5))).double_paid, (
        "a witness moves nothing"
    )
    given_back = Told(captured(by=OTHER_MOVER), refunded(by=OTHER_MOVER))
    assert not order(first, given_back).double_paid


def test_order_paid_another_way_after_a_cancellation_is_switched():
    lost = Told(opened(), said(Kind.EXPIRE, minute=30, why="timed_out"))
    paid = Told(captured(by=OTHER_MOVER, minute=40))
    assert order(lost, paid)[:1] == (State.PAID,)
    assert order(lost, paid).switched
    assert not order(paid).switched
    assert not order(lost).switched


def test_what_a_shop_said_before_any_platform_is_a_shadow_beside_a_payment():
    placed = Told(said(Kind.ORDER, by=SHOP, scope="", payment="A1"))
    paid = Told(captured())
    assert placed.column("placeholder") == 1
    both = order(placed, paid)
    assert (both.state, both.payments, both.switched) == (State.PAID, 1, False)
    assert order(placed).payments == 1, "alone, it is what is known of the order"


# -------------------------------------------------------------------- rule 8: time


def test_patience_runs_from_the_last_sign_of_life():
    quiet = [opened(method=Method.WECHAT_QR)]
    assert Told(*quiet, now=T0 + 2 * HOUR).how == How.ABANDONED
    alive = [*quiet, said(Kind.SUBMIT, PENDING, 90)]
    assert Told(*alive, now=T0 + 3 * HOUR).state == State.OPEN
    assert Told(*alive, now=T0 + 90 * MINUTE + 2 * HOUR).how == How.ABANDONED


def test_an_answer_to_our_question_is_no_sign_of_life():
    polled = said(Kind.OPEN, minute=119, via=Via.ASKED, life=False)
    told = Told(opened(method=Method.WECHAT_QR), polled, now=T0 + 2 * HOUR)
    assert told.how == How.ABANDONED


def test_a_platforms_own_time_out_outlasts_patience():
    until = T0 + 10 * HOUR
    waiting = opened(method=Method.CARD_FORM, until=until)
    assert Told(waiting, now=until).state == State.OPEN
    assert Told(waiting, now=until + 15 * MINUTE).how == How.ABANDONED


def test_abandonment_is_gone_when_the_payment_comes_back_to_life():
    assert Told(opened(), now=LATE).how == How.ABANDONED
    assert Told(opened(), captured(minute=7000), now=LATE + DAY).state == State.PAID


@pytest.mark.parametrize(("minute", "state"), [(4, State.CANCELLED), (6, State.OPEN)])
def test_clocks_within_tolerance_leave_their_order_unknown(minute, state):
    """A new try after the wish to cancel takes it back, if it is later beyond doubt."""
    asked = said(Kind.CANCEL, REQUESTED, 3, by=SHOP, why="customer_request")
    told = Told(opened(), asked, said(Kind.SUBMIT, PENDING, minute), now=T0 + HOUR,
                terms=Terms(tolerance_s=120))  # fmt: skip
    assert told.state == state


# -------------------------------------------------------------------- rule 9: reasons


def test_the_best_founded_and_then_the_earliest_reason_wins():
    told = in_any_order(
        opened(),
        said(Kind.CANCEL, minute=1, why="unstated"),
        said(Kind.CANCEL, minute=3, why="out_of_stock"),
        said(Kind.CANCEL, minute=4, why="fraud_suspected"),
        said(Kind.CANCEL, minute=2, by=SHOP, why="customer_request"),
    )
    assert told.said_reason == "out_of_stock", "a mover before a witness, a reason before none"
    assert unpack(told.column("cancelled"))[1] == T0 + 3 * MINUTE


def test_the_verbatim_code_is_read_from_the_winning_statement_and_ties_go_to_the_least_digest():
    tied = [said(Kind.CANCEL, minute=3, why="out_of_stock", code=code) for code in ("x", "y", "z")]
    later = said(Kind.CANCEL, minute=4, why="out_of_stock", code="later")
    told = in_any_order(opened(), later, *tied)
    winners = [each for each in told.records if each.packed == told.column("cancelled")
               and each.kind == Kind.CANCEL]  # fmt: skip
    assert sorted(each.code for each in winners) == ["x", "y", "z"]
    least = min(winners, key=lambda each: each.digest)
    assert least.digest == digest_of(least)
    again = [record(*each) for each in reversed(tied)]
    assert min(again, key=lambda each: each.digest).code == least.code


def test_a_reason_fits_into_52_bits_whatever_the_instant():
    for instant in (0, T0, 2**62):
        assert 0 <= pack(88, instant, 15) < 2**52


def test_an_unspecific_closing_yields_to_the_decline_before_it():
    told = in_any_order(
        opened(),
        said(Kind.AUTHORISE, REFUSED, 2, operation="a1", why="insufficient_funds", life=False),
        said(Kind.CANCEL, minute=9, why="closed_unpaid"),
    )
    assert (told.how, told.said_reason) == (How.GAVE_UP_AFTER_DECLINE, "insufficient_funds")
    assert told.actor == Actor.ISSUER


# -------------------------------------------------------------------- rule 2: names


def test_refund_notice_that_lacks_the_intent_is_linked_by_its_charge():
    """Both name the charge, so both fall on one payment: see also the laws of links."""
    sale = captured(names=("ch_1",))
    notice = refunded(payment="ch_1")
    first, second = (record(*each) for each in (sale, notice))
    assert int.from_bytes(first.names, "big") == second.name_key
    told = Told(sale, notice)
    assert (told.state, told.how) == (State.CANCELLED, How.REFUNDED_IN_FULL)


def test_sealed_needs_the_movers_word():
    by_shop = Told(opened(), said(Kind.CANCEL, minute=3, by=SHOP, why="customer_request"))
    assert (by_shop.state, by_shop.sealed, by_shop.final) == (State.CANCELLED, 0, 0)
    by_mover = Told(opened(), said(Kind.CANCEL, minute=3, why="customer_request"))
    assert (by_mover.sealed, by_mover.final) == (1, 1)


def test_records_of_a_story_are_whole():
    assert record(MOVER, captured()[1])._fields == Record._fields
