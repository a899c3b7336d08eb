"""The order: what its payments together mean, and what does not hang on arrival."""

import sqlite3
from itertools import permutations

import pytest

from voidtrail.lifecycle.order import PRECEDENCE, Part, judge_order, orders_sql
from voidtrail.lifecycle.verdict import State

PAID = Part(1, True, False, State.PAID, 0, 0, 500, 1)


def _other(state, net=0, placeholder=False):
    return Part(2, True, placeholder, state, 0, 0, net, 2)


def _in_sql(*parts):
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE payment (payment_id, order_id, key, mover_no, placeholder, spoken_at)")
    db.execute(
        "CREATE TABLE verdict (payment_id, state, how, actor, captured, returned, withdrawn)"
    )
    for pid, part in enumerate(parts):
        db.execute("INSERT INTO payment VALUES (?, 1, ?, ?, ?, ?)",
                   (pid, part.key, 1 if part.mover else None, int(part.placeholder),
                    part.spoken_at))  # fmt: skip
        db.execute("INSERT INTO verdict VALUES (?, ?, ?, ?, ?, 0, 0)",
                   (pid, part.state, part.how, part.actor, part.net))  # fmt: skip
    _, *found = db.execute(orders_sql("payment", "verdict")).fetchone()
    db.close()
    return tuple(found)


@pytest.mark.parametrize("state", list(State))
def test_only_a_payment_that_was_called_off_makes_the_paid_one_a_switch(state):
    for parts in ((PAID, _other(state)), (_other(state), PAID)):
        found = judge_order(parts)
        assert found.state == State.PAID
        assert found.switched == (state is State.CANCELLED)
        assert _in_sql(*parts) == tuple(map(int, found))


def test_an_order_is_double_paid_while_two_movers_hold_money():
    both, given_back = _other(State.PAID, net=300), _other(State.CANCELLED)
    witness = both._replace(mover=False)
    for other, expected in ((both, True), (given_back, False), (witness, False)):
        assert judge_order((PAID, other)).double_paid == expected
        assert _in_sql(PAID, other) == tuple(map(int, judge_order((PAID, other))))


def test_what_a_shop_said_before_any_payment_was_known_is_a_shadow_beside_one():
    shadow = _other(State.CANCELLED, placeholder=True)
    assert judge_order((PAID, shadow))[3:] == (False, False, 1)
    assert judge_order((shadow,)).state == State.CANCELLED


def part(key, state, **more):
    said = {"mover": True, "placeholder": False, "how": 0, "actor": 0, "net": 0, "spoken_at": 1}
    return Part(key=key, state=state, **{**said, **more})


def test_every_state_has_a_place():
    assert set(PRECEDENCE) == set(State)


@pytest.mark.parametrize("state", State)
def test_an_order_of_one_payment_is_that_payment(state):
    verdict = judge_order([part(1, state, how=3, actor=2)])
    assert (verdict.state, verdict.how, verdict.actor, verdict.payments) == (state, 3, 2, 1)
    assert not verdict.switched


def test_paid_beats_open_beats_cancelled_beats_declined():
    states = list(PRECEDENCE)
    while states:
        parts = [part(n, state) for n, state in enumerate(states)]
        assert judge_order(parts).state == states[0]
        states.pop(0)


def test_the_latest_payment_in_that_state_speaks_and_ties_go_by_key():
    """Found by a law: a tie went to the payment that this store had heard of last."""
    parts = [part(3, State.CANCELLED, how=1, spoken_at=5),
             part(9, State.CANCELLED, how=2, spoken_at=5),
             part(99, State.CANCELLED, how=3, spoken_at=4)]  # fmt: skip
    assert {judge_order(each).how for each in permutations(parts)} == {2}
