"""What can be saved: the same in Python and in SQL, an order once, nothing that is not ours."""

import random
import sqlite3

import pytest

from voidtrail.event.model import Actor
from voidtrail.event.reason import REASONS, How, number
from voidtrail.lifecycle.saving import (
    CHANCE,
    HOUR,
    LONGEST,
    Standing,
    candidates_sql,
    chance_until,
    free_sql,
    overdue,
    saveable,
    until_sql,
)
from voidtrail.lifecycle.verdict import Money, State

NOW = 1_000 * HOUR
GONE = Standing(
    key=1, placeholder=False, spoken_at=NOW - 5 * HOUR, last_at=NOW - 4 * HOUR,
    state=State.CANCELLED, how=How.ABANDONED, actor=Actor.CUSTOMER, reason=11, money=Money.NONE,
    due_at=None, asking=0, ended_at=NOW - 3 * HOUR,
)  # fmt: skip
PAID = GONE._replace(key=2, state=State.PAID, how=How.NONE, money=Money.TAKEN, ended_at=None)
OPEN = GONE._replace(key=3, state=State.OPEN, how=How.NONE, due_at=NOW + HOUR, ended_at=None)


def _store(orders):
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE payment (payment_id INTEGER PRIMARY KEY, order_id, key, placeholder, "
               "spoken_at, last_at)")  # fmt: skip
    db.execute("CREATE TABLE verdict (payment_id INTEGER PRIMARY KEY, state, how, actor, reason, "
               "money, due_at, asking, ended_at)")  # fmt: skip
    db.execute("CREATE INDEX verdict_ended ON verdict (ended_at) WHERE ended_at IS NOT NULL")
    db.execute("CREATE INDEX verdict_due ON verdict (due_at) WHERE due_at IS NOT NULL")
    db.execute("CREATE INDEX verdict_asking ON verdict (payment_id) WHERE asking = 1")
    for order_id, parts in enumerate(orders):
        for part in parts:
            p = part
            db.execute("INSERT INTO payment VALUES (?, ?, ?, ?, ?, ?)",
                       (p.key, order_id if len(parts) > 1 else None, p.key, int(p.placeholder),
                        p.spoken_at, p.last_at))  # fmt: skip
            db.execute("INSERT INTO verdict VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                       (p.key, p.state, p.how, p.actor, p.reason, p.money, p.due_at, p.asking,
                        p.ended_at))  # fmt: skip
    return db


def _in_sql(orders):
    db = _store(orders)
    found = dict(
        db.execute(
            f"SELECT p.payment_id, {until_sql(':now')} FROM ({candidates_sql(':now')}) c "
            "JOIN payment p USING (payment_id) JOIN verdict v USING (payment_id) "
            f"WHERE {until_sql(':now')} > :now AND {free_sql(':now')}", {"now": NOW},
        ).fetchall()
    )  # fmt: skip
    db.close()
    return found


def _drawn(draw, key):
    how = draw.choice(list(How))
    state = draw.choice(list(State))
    ended = NOW - draw.randrange(0, 100 * HOUR, HOUR) - 1
    return Standing(
        key=key, placeholder=draw.random() < 0.3, spoken_at=NOW - draw.randrange(1, 9) * HOUR,
        last_at=NOW - draw.randrange(1, 90) * HOUR, state=state, how=how,
        actor=draw.choice(list(Actor)), reason=draw.choice(REASONS).number,
        money=draw.choice(list(Money)), due_at=draw.choice([None, NOW - HOUR, NOW, NOW + HOUR]),
        asking=int(draw.random() < 0.1), ended_at=ended if state is State.CANCELLED else None,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_python_and_sql_say_the_same(seed):
    draw, key = random.Random(seed), 0
    orders = []
    for _ in range(150):
        parts = []
        for _ in range(draw.choice([1, 1, 2, 3])):
            key += 1
            parts.append(_drawn(draw, key))
        orders.append(parts)
    said = {}
    for parts in orders:
        found = saveable(parts, NOW)
        if found is not None:
            said[found[0].key] = found[1]
    assert said == _in_sql(orders)
    assert said


def test_an_abandoned_payment_can_be_saved_for_three_days():
    assert saveable([GONE], NOW) == (GONE, GONE.ended_at + 72 * HOUR)
    assert saveable([GONE], GONE.ended_at + 72 * HOUR) is None


def test_who_said_no_is_left_in_peace_sooner_than_who_met_an_obstacle():
    assert CHANCE[How.CUSTOMER_CANCELLED] < CHANCE[How.GAVE_UP_AFTER_FAULT] == LONGEST


@pytest.mark.parametrize(
    "change",
    [
        {"actor": Actor.MERCHANT},
        {"how": How.DUPLICATE},
        {"how": How.SUPERSEDED},
        {"how": How.REFUNDED_IN_FULL, "money": Money.RETURNED},
        {"reason": number("fraud_suspected")},
        {"money": Money.RETURNED},
        {"state": State.PAID},
    ],
)
def test_what_is_nothing_to_be_saved(change):
    assert chance_until(GONE._replace(**change), NOW) is None


def test_an_order_that_is_paid_or_being_paid_is_not_at_risk():
    assert saveable([GONE, PAID], NOW) is None
    assert saveable([GONE, OPEN], NOW) is None


def test_an_open_payment_is_at_risk_once_its_patience_is_over():
    late = OPEN._replace(due_at=NOW - 1)
    assert not overdue(OPEN, NOW)
    assert overdue(late, NOW)
    assert saveable([late], NOW) == (late, late.last_at + 72 * HOUR)
    assert overdue(OPEN._replace(due_at=None, asking=1), NOW)


def test_of_an_order_its_latest_payment_stands_for_all():
    later = GONE._replace(key=9, spoken_at=GONE.spoken_at + 1)
    assert saveable([later, GONE], NOW)[0] == later
    assert saveable([GONE, later._replace(actor=Actor.MERCHANT)], NOW) is None


def test_a_shops_word_is_no_second_payment():
    shadow = GONE._replace(key=9, placeholder=True, spoken_at=NOW)
    assert saveable([GONE, shadow], NOW)[0] == GONE
    assert saveable([shadow], NOW)[0] == shadow
