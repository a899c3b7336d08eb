"""Legs of one payment on two sides: what answers to what, and what is left."""

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from voidtrail.event.bill import Item, Standing
from voidtrail.insight.counterpart import Difference, Here, There, compare

PAY, BACK = Item.PAYMENT, Item.REFUND
DONE, PENDING, FAILED, REVERSED = (
    Standing.SUCCEEDED, Standing.PENDING, Standing.FAILED, Standing.REVERSED,
)  # fmt: skip


def there(line, amount, item=PAY, standing=DONE, currency="CNY", op=None):
    return There(line, item, standing, amount, currency, op)


def here(no, amount, item=PAY, standing=DONE, currency="CNY", op=None, **more):
    return Here(no, item, standing, amount, currency, op, **more)


def kinds(rows, legs):
    return [gap.kind for gap in compare(rows, legs)]


def test_what_is_the_same_differs_in_nothing():
    assert kinds([there(1, 100), there(2, 30, BACK, op=9)],
                 [here(1, 100), here(2, 30, BACK, op=9)]) == []  # fmt: skip


def test_each_side_alone_is_missing_on_the_other():
    assert kinds([there(1, 100)], []) == [Difference.MISSING_HERE]
    assert kinds([], [here(1, 100)]) == [Difference.MISSING_THERE]
    assert kinds([], [here(1, 100, required=False)]) == []
    assert kinds([there(1, 100, standing=PENDING)], []) == []


def test_two_refunds_with_each_others_amounts_are_two_differences():
    rows = [there(1, 20, BACK, op=1), there(2, 30, BACK, op=2)]
    legs = [here(1, 30, BACK, op=1), here(2, 20, BACK, op=2)]
    assert kinds(rows, legs) == [Difference.AMOUNT, Difference.AMOUNT]


def test_two_refunds_of_one_amount_under_other_ids_do_not_answer_to_each_other():
    assert kinds([there(1, 20, BACK, op=1)], [here(1, 20, BACK, op=2)]) == [
        Difference.MISSING_HERE, Difference.MISSING_THERE,
    ]  # fmt: skip
    assert kinds([there(1, 20, BACK)], [here(1, 20, BACK, op=2)]) == []


def test_parts_that_add_up_are_a_split_and_nothing_else():
    assert kinds([there(1, 40), there(2, 60)], [here(1, 100)]) == [Difference.SPLIT]
    assert kinds([there(1, 100)], [here(1, 40), here(2, 60)]) == [Difference.SPLIT]
    assert kinds([there(1, 40), there(2, 61)], [here(1, 100)]) == [
        Difference.AMOUNT, Difference.MISSING_HERE,
    ]  # fmt: skip
    # As many on both sides are not parts of one another.
    assert kinds([there(1, 40, BACK), there(2, 60, BACK)],
                 [here(1, 30, BACK), here(2, 70, BACK)]) == [Difference.AMOUNT] * 2  # fmt: skip


def test_a_sum_that_was_told_stands_for_the_refunds_within_it():
    rows = [there(1, 20, BACK, op=1), there(2, 30, BACK, op=2)]
    assert kinds(rows, [here(1, 50, BACK, op=2, gathered=True)]) == [Difference.SPLIT]
    assert kinds(rows, [here(1, 50, BACK, op=2)]) == [Difference.AMOUNT, Difference.MISSING_HERE]


def test_the_same_payment_twice_is_paid_twice():
    (gap,) = compare([there(1, 100), there(2, 100)], [here(1, 100)])
    assert (gap.kind, [row.line for row in gap.there]) == (Difference.PAID_TWICE, [1, 2])


def test_states_are_compared_where_money_is_at_stake():
    assert kinds([there(1, 9, BACK, FAILED, op=1)], [here(1, 9, BACK, op=1)]) == [Difference.STATE]
    assert kinds([there(1, 9, BACK, op=1)], [here(1, 9, BACK, PENDING, op=1)]) == [Difference.STATE]
    assert kinds([there(1, 9, BACK, FAILED, op=1)], [here(1, 9, BACK, PENDING, op=1)]) == []
    assert kinds([there(1, 100)], [here(1, 100, standing=FAILED)]) == [Difference.STATE]


def test_a_refund_that_came_back_agrees_if_both_say_so():
    rows = [there(1, 20, BACK, op=1), there(2, -20, BACK, op=1)]
    assert kinds(rows, [here(1, 20, BACK, REVERSED, op=1)]) == []
    assert kinds(rows, [here(1, 20, BACK, op=1)]) == [Difference.STATE]


def test_a_capture_that_failed_later_agrees_with_a_bill_that_gives_it_back():
    rows = [there(1, 100), there(2, 100, BACK)]
    legs = [here(1, 100, standing=REVERSED)]
    assert kinds(rows, legs) == []
    assert kinds(rows[:1], legs) == [Difference.STATE]


def test_another_currency_is_named_before_another_amount():
    assert kinds([there(1, 100, currency="HKD")], [here(1, 90)]) == [Difference.CURRENCY]


def test_an_amount_that_nobody_stated_is_no_difference():
    assert kinds([there(1, 100)], [here(1, None)]) == []


amounts = st.lists(st.integers(1, 5), max_size=4)


@settings(max_examples=250)  # of a world where a few numbers say it all
@given(amounts, amounts)
def test_the_order_of_rows_and_legs_does_not_matter(left, right):
    rows = [there(place, amount) for place, amount in enumerate(left)]
    legs = [here(place, amount) for place, amount in enumerate(right)]
    found = sorted(kinds(rows, legs))
    for shuffled in list(permutations(rows))[:6]:
        assert sorted(kinds(list(shuffled), legs[::-1])) == found


@settings(max_examples=250)  # of a world where a few numbers say it all
@given(amounts, amounts)
def test_nothing_differs_only_if_both_sides_are_the_same(left, right):
    rows = [there(place, amount) for place, amount in enumerate(left)]
    legs = [here(place, amount) for place, amount in enumerate(right)]
    assert (kinds(rows, legs) == []) == (sorted(left) == sorted(right))
