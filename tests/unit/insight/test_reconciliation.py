"""A bill against our books in columns: the fast way and the slow way say the same."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from voidtrail.event.bill import Item, Standing
from voidtrail.insight.counterpart import Difference
from voidtrail.insight.reconciliation import BILL, HELD, LEGS, frame, reconcile

PAY, BACK, DONE = int(Item.PAYMENT), int(Item.REFUND), int(Standing.SUCCEEDED)


def bill(*rows):
    """Rows as (payment, order, reference, item, amount, op)."""
    told = [
        (line, item, DONE, amount, "CNY", 0, op, payment, order, reference)
        for line, (payment, order, reference, item, amount, op) in enumerate(rows, 1)
    ]
    return frame(told, BILL)


def legs(*rows):
    """Legs as (payment, item, amount, op)."""
    return frame(
        [(no, payment, item, DONE, amount, "CNY", 0, op, True, False)
         for no, (payment, item, amount, op) in enumerate(rows)], LEGS)  # fmt: skip


def held(*rows):
    return frame([(*row, "CNY") for row in rows], HELD)


def told(found):
    return [(each.kind, each.payment, each.order) for each in found.findings]


def test_everything_agrees():
    found = reconcile(bill((1, 9, "T1", PAY, 100, None), (1, 9, "T1", BACK, 30, 7)),
                      legs((1, PAY, 100, 5), (1, BACK, 30, 7)), held((1, 9, 70)))  # fmt: skip
    assert (found.findings, found.agreed, found.payments) == ([], 2, 1)


def test_a_payment_that_we_know_as_unpaid_is_a_difference_of_state():
    found = reconcile(bill((1, 9, "T1", PAY, 100, None)), legs(), held())
    assert told(found) == [(Difference.STATE, 1, 9)]


def test_a_payment_that_we_do_not_know_is_missing_here():
    found = reconcile(bill((None, None, "T1", PAY, 100, None)), legs(), held())
    assert told(found) == [(Difference.MISSING_HERE, None, None)]
    assert found.findings[0].reference == "T1"
    assert found.agreed == 0


def test_an_order_for_which_two_payments_hold_money_is_paid_twice():
    twice = bill((1, 9, "T1", PAY, 100, None), (2, 9, "T2", PAY, 100, None))
    ours = legs((1, PAY, 100, 1), (2, PAY, 100, 2))
    found = reconcile(twice, ours, held((1, 9, 100), (2, 9, 100)))
    assert told(found) == [(Difference.PAID_TWICE, None, 9)]
    assert found.findings[0].holders == (1, 2)
    assert told(reconcile(twice, ours, held((1, 9, 100), (2, 9, 0)))) == []


def test_paid_here_on_another_rail_and_there_unheard_of_is_paid_twice():
    found = reconcile(bill((None, 9, "T1", PAY, 100, None)), legs(), held((5, 9, 100)))
    assert told(found) == [(Difference.MISSING_HERE, None, 9), (Difference.PAID_TWICE, None, 9)]


def test_an_unknown_payment_that_was_given_back_is_not_paid_twice():
    rows = bill((None, 9, "T1", PAY, 100, None), (None, 9, "T1", BACK, 100, 3))
    found = reconcile(rows, legs(), held((5, 9, 100)))
    assert [kind for kind, *_ in told(found)] == [Difference.MISSING_HERE] * 2


def test_totals_that_agree_hide_nothing():
    rows = bill((1, 1, "T1", PAY, 110, None), (2, 2, "T2", PAY, 90, None))
    found = reconcile(rows, legs((1, PAY, 100, 1), (2, PAY, 100, 2)), held())
    assert [kind for kind, *_ in told(found)] == [Difference.AMOUNT] * 2


@settings(max_examples=60)  # of a world where a few numbers say it all
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), max_size=8))
def test_a_bill_agrees_with_itself_in_any_order(pairs):
    rows = [(payment, payment, f"T{payment}", PAY, amount, None) for payment, amount in pairs]
    ours = legs(*((payment, PAY, amount, place) for place, (payment, amount) in enumerate(pairs)))
    found = reconcile(bill(*rows), ours.sample(fraction=1, shuffle=True, seed=1), held())
    assert (found.findings, found.agreed) == ([], len(pairs))


def test_an_empty_bill_is_compared_too():
    found = reconcile(bill(), legs((1, PAY, 100, 1)), held())
    assert told(found) == [(Difference.MISSING_THERE, 1, None)]
    assert isinstance(bill(), pl.DataFrame)
