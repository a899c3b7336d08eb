"""What an order system is told, and what it may let go of, by short stories of payments."""

import pytest

from tests.unit.lifecycle.story import (
    DAY,
    OTHER_MOVER,
    T0,
    Told,
    authorised,
    captured,
    opened,
    refunded,
    said,
)
from voidtrail.event.model import Kind, Result
from voidtrail.lifecycle.order import Part, judge_order
from voidtrail.lifecycle.verdict import State, Verdict
from voidtrail.response.telling import Advice, Because, Word, advice, is_first, words

ALL, NOTHING = (True, True, True), (False, False, False)
CLOSED = said(Kind.CANCEL, why="customer_request")
PRESSED = said(Kind.CANCEL, Result.REQUESTED, minute=3, why="customer_request")


def verdict(*story, now=T0 + DAY // 48):
    return Verdict(**Told(*story, now=now)._verdict)


def part(verdict, key=1, mover=True):
    return Part(key, mover, False, verdict.state, verdict.how, verdict.actor,
                verdict.captured - verdict.returned - verdict.withdrawn, T0 + key)  # fmt: skip


def order(*verdicts):
    return judge_order([part(each, key) for key, each in enumerate(verdicts)])


def told(before, after, *others):
    """The words of a change, and the advice of the first."""
    old = verdict(*before) if before else None
    new = verdict(*after)
    whole = order(new, *(verdict(*each) for each in others))
    found = words(old, new, whole)
    return found, advice(found[0], new, whole) if found else None


def test_a_cancelled_payment_is_called_off_and_everything_released():
    found, what = told([opened()], [opened(), CLOSED])
    assert found == [Word.CALLED_OFF]
    assert what == Advice(*ALL, Because.NOBODY_PAYS)


def test_what_another_payment_pays_for_is_not_released():
    found, what = told([opened()], [opened(), CLOSED], [captured()])
    assert (found, what) == ([Word.CALLED_OFF], Advice(*NOTHING, Because.PAID))


def test_what_another_payment_may_still_pay_for_is_not_released():
    _, what = told([opened()], [opened(), CLOSED], [opened(), authorised()])
    assert what == Advice(*NOTHING, Because.STILL_PAYABLE)


def test_a_payment_without_an_order_is_its_own_order():
    new = verdict(opened(), CLOSED)
    assert words(None, new, None) == [Word.CALLED_OFF]
    assert advice(Word.CALLED_OFF, new, None) == Advice(*ALL, Because.NOBODY_PAYS)


def test_a_sealed_ending_is_told_once_more_and_is_not_the_first():
    before, after = [opened(), PRESSED], [opened(), PRESSED, CLOSED]
    assert told(before, after)[0] == [Word.CALLED_OFF]
    assert not is_first(verdict(*before))
    assert is_first(verdict(opened()))
    assert is_first(None)


def test_the_same_ending_is_not_told_again():
    assert told([opened(), CLOSED], [opened(), CLOSED, opened(minute=1)])[0] == []


def test_a_payment_that_is_tried_again_came_back():
    found, what = told([opened(), PRESSED], [opened(), PRESSED, authorised(minute=9)])
    assert (found, what) == ([Word.CAME_BACK], Advice(*NOTHING, Because.STILL_PAYABLE))


def test_a_late_capture_after_the_end_came_back_and_takes_the_order_again():
    found, what = told([opened(), CLOSED], [opened(), CLOSED, captured()])
    assert (found, what) == ([Word.CAME_BACK], Advice(*NOTHING, Because.PAID))


def test_an_order_paid_by_another_payment_came_back():
    found, what = told([opened()], [opened(), captured()], [opened(), CLOSED])
    assert (found, what) == ([Word.CAME_BACK], Advice(*NOTHING, Because.PAID))


def test_a_first_capture_is_nothing_that_an_order_system_hears_from_us():
    assert told([opened()], [opened(), captured()])[0] == []


def test_an_order_for_which_two_hold_money_is_paid_twice():
    second = [captured(by=OTHER_MOVER)]
    found, what = told([opened()], [opened(), captured()], second)
    assert (found, what) == ([Word.PAID_TWICE], Advice(*NOTHING, Because.PAID_TWICE))


def test_paid_twice_and_back_from_the_dead_are_both_told():
    found, _ = told([opened(), CLOSED], [opened(), CLOSED, captured()], [captured(by=OTHER_MOVER)])
    assert found == [Word.PAID_TWICE, Word.CAME_BACK]


def test_a_full_refund_releases_order_and_coupon_but_not_the_stock():
    found, what = told([captured()], [captured(), refunded()])
    assert (found, what) == ([Word.REFUNDED], Advice(True, False, True, Because.RETURNED_IN_FULL))


def test_a_partial_refund_releases_nothing_and_each_one_is_told():
    once, twice = refunded(30, operation="r1"), refunded(20, operation="r2")
    assert told([captured()], [captured(), once]) == (
        [Word.REFUNDED], Advice(*NOTHING, Because.RETURNED_IN_PART))  # fmt: skip
    assert told([captured(), once], [captured(), once, twice])[0] == [Word.REFUNDED]


def test_a_refund_that_ended_a_second_payment_leaves_the_order_paid():
    found, what = told([captured()], [captured(), refunded()], [captured(by=OTHER_MOVER)])
    assert (found, what) == ([Word.REFUNDED], Advice(*NOTHING, Because.PAID))


def test_a_refund_that_failed_later_is_told_with_what_is_left_of_it():
    undone = said(Kind.REVERSE, minute=9, operation="u", reverses="refund:r1")
    back = refunded(100, operation="r1")
    found, what = told([captured(), back], [captured(), back, undone])
    assert found == [Word.REFUNDED, Word.CAME_BACK]
    assert what == Advice(*NOTHING, Because.PAID)


@pytest.mark.parametrize("state", [State.DECLINED, State.FAILED])
def test_a_declined_payment_is_no_news_while_it_may_be_tried_again(state):
    why = "insufficient_funds" if state is State.DECLINED else "platform_fault"
    refused = said(Kind.SUBMIT, Result.REFUSED, minute=1, why=why)
    assert told([opened()], [opened(), refused])[0] == []
