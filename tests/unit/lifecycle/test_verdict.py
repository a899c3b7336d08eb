"""The decision table: exhaustive, its order documented, the same in SQL, every rule reachable."""

import random
import sqlite3
from itertools import pairwise

import duckdb
import pytest

from tests.unit.lifecycle.story import (
    DAY,
    HOUR,
    MINUTE,
    SHOP,
    T0,
    Told,
    authorised,
    captured,
    opened,
    refunded,
    said,
)
from voidtrail.event.model import Kind, Method, Result
from voidtrail.lifecycle import verdict as table
from voidtrail.lifecycle.join import OPERATION, PAYMENT
from voidtrail.lifecycle.terms import Terms
from voidtrail.lifecycle.verdict import (
    INPUTS,
    MONEY_RULES,
    PREDICATES,
    RULES,
    WAITING,
    State,
    decide,
    holds,
)

NAMES = tuple(PREDICATES)
LATE = T0 + 3 * DAY
REFUSED, REQUESTED = Result.REFUSED, Result.REQUESTED


def masks(when):
    """(bits that must be set, bits that must not) of a condition."""
    must = mustnot = 0
    for word in when.split():
        if word.startswith("~"):
            mustnot |= 1 << NAMES.index(word[1:])
        else:
            must |= 1 << NAMES.index(word)
    return must, mustnot


IMPOSSIBLE = [
    masks(when) for when in (
        # only a statement that was understood makes any of these
        *(f"{name} ~spoken" for name in (
            "captured", "undone", "held", "voided", "cancelled", "expired", "cancel_asked",
            "declined", "faulted", "sealed", "after_capture", "retrying")),
        "returned_all ~returned_some", "withdrawn ~returned_some", "returned_some ~after_capture",
        "sealed ~cancelled ~expired", "held voided", "capture_voided ~undone",
        "~cancelled ~explained",  # the bottom of a packed reason is 0, less than any reason
    )
]  # fmt: skip
"""Predicates that cannot hold together, by their definitions."""


RULE_MASKS = [masks(rule.when) for rule in RULES]
MONEY_MASKS = [masks(when) for when, _ in MONEY_RULES]
EVERY = range(1 << len(NAMES))
REACHABLE = [
    bits for bits in EVERY
    if not any(bits & must == must and not bits & mustnot for must, mustnot in IMPOSSIBLE)
]  # fmt: skip


def first(several, bits):
    return next(n for n, (must, mustnot) in enumerate(several)
                if bits & must == must and not bits & mustnot)  # fmt: skip


@pytest.fixture(scope="module")
def answers():
    """The number of the first rule that holds, for every combination of predicates."""
    return [first(RULE_MASKS, bits) for bits in EVERY]


def test_every_combination_is_answered_by_exactly_one_first_rule(answers):
    assert len(answers) == 2 ** len(PREDICATES)
    chance = random.Random(7)
    for bits in [0, EVERY[-1], *(chance.choice(EVERY) for _ in range(5000))]:
        rule, money = decide(bits)
        assert rule == answers[bits]
        assert holds(RULES[rule].when, bits)
        assert not any(holds(earlier.when, bits) for earlier in RULES[:rule])
        assert money == MONEY_RULES[first(MONEY_MASKS, bits)][1]


def test_every_rule_answers_some_reachable_combination(answers):
    assert {answers[bits] for bits in REACHABLE} == set(range(len(RULES)))
    assert {first(MONEY_MASKS, bits) for bits in REACHABLE} == set(range(len(MONEY_RULES)))


def test_sql_cases_answer_every_combination_like_python(answers):
    predicates = ", ".join(f"(bits >> {n}) & 1 AS p_{name}" for n, name in enumerate(NAMES))
    cases = " ".join(
        f"WHEN {table._condition_sql(rule.when)} THEN {n}" for n, rule in enumerate(RULES)
    )
    money = " ".join(f"WHEN {table._condition_sql(when)} THEN {int(m)}" for when, m in MONEY_RULES)
    db = sqlite3.connect(":memory:")
    try:
        rows = db.execute(
            f"WITH RECURSIVE n(bits) AS (SELECT 0 UNION ALL SELECT bits + 1 FROM n "
            f"WHERE bits < {EVERY[-1]}), p AS (SELECT bits, {predicates} FROM n) "
            f"SELECT bits, CASE {cases} END, CASE {money} END FROM p"
        )
        for bits, rule, where in rows:
            assert rule == answers[bits]
            if bits % 101 == 0:
                assert where == decide(bits)[1]
    finally:
        db.close()


PRECEDENCE = """
    taken_back returned_in_full paid_returned_in_part paid_in_part paid
    capture_voided capture_undone
    asked_and_cancelled asked_and_expired asked_and_voided cancelled
    expired_after_fault expired_after_decline expired voided
    closed_after_fault closed_after_decline closed closed_by_word asked
    authorised capture_unseen
    silent_after_fault silent_after_decline silent
    faulted declined open unspoken
"""
"""Money that was taken decides first; then what was called off, the better explained first; then
money that is held; then silence; then what is still going on."""


def test_rules_stand_in_their_documented_order():
    assert [rule.name for rule in RULES] == PRECEDENCE.split()


def test_predicates_read_known_inputs_only():
    assert len(set(NAMES)) == len(NAMES) == len(PREDICATES)
    values = [0] * len(INPUTS)
    assert table.inputs_of(values) == dict.fromkeys(INPUTS, 0)


asked_to_cancel = said(Kind.CANCEL, REQUESTED, 3, why="customer_request")
cancelled_bare = said(Kind.CANCEL, minute=4)
declined = said(Kind.AUTHORISE, REFUSED, 2, why="insufficient_funds", operation="a1", life=False)
broke_down = said(Kind.AUTHORISE, REFUSED, 2, why="issuer_unavailable", operation="a2", life=False)
expired = said(Kind.EXPIRE, minute=30, why="timed_out", life=False)
disputed = said(Kind.DISPUTE, minute=9, amount_minor=100, why="dispute_fraud")
quick = opened(method=Method.CARD_FORM)

STORIES = {
    "taken_back": ([captured(), disputed], T0 + HOUR),
    "returned_in_full": ([captured(), refunded()], T0 + HOUR),
    "paid_returned_in_part": ([captured(), refunded(30)], T0 + HOUR),
    "paid_in_part": ([authorised(), captured(60)], T0 + HOUR),
    "paid": ([opened(), captured()], T0 + HOUR),
    "capture_undone": (
        [captured(), said(Kind.REVERSE, minute=9, reverses="capture:", why="capture_failed")], LATE,
    ),
    "capture_voided": (
        [captured(operation="s1"), said(Kind.VOID, minute=9, operation="v1", reverses="capture:s1",
                                        why="merchant_request")], LATE,
    ),
    "asked_and_cancelled": ([opened(), asked_to_cancel, cancelled_bare], LATE),
    "asked_and_expired": ([opened(), asked_to_cancel, expired], LATE),
    "asked_and_voided": ([authorised(), asked_to_cancel, said(Kind.VOID, minute=5)], LATE),
    "cancelled": ([opened(), said(Kind.CANCEL, minute=4, why="out_of_stock")], LATE),
    "expired_after_fault": ([opened(), broke_down, expired], LATE),
    "expired_after_decline": ([opened(), declined, expired], LATE),
    "expired": ([opened(), expired], LATE),
    "voided": ([authorised(), said(Kind.VOID, minute=5, why="merchant_request")], LATE),
    "closed_after_fault": ([opened(), broke_down, cancelled_bare], LATE),
    "closed_after_decline": ([opened(), declined, cancelled_bare], LATE),
    "closed": ([opened(), cancelled_bare], LATE),
    "closed_by_word": ([said(Kind.CANCEL, minute=4, by=SHOP)], LATE),
    "asked": ([opened(), asked_to_cancel], LATE),
    "authorised": ([opened(), authorised()], LATE),
    "capture_unseen": ([refunded()], LATE),
    "silent_after_fault": ([quick, broke_down], LATE),
    "silent_after_decline": ([quick, declined], LATE),
    "silent": ([quick], LATE),
    "faulted": ([quick, broke_down], T0 + 5 * MINUTE),
    "declined": ([quick, declined], T0 + 5 * MINUTE),
    "open": ([quick], T0 + 5 * MINUTE),
    "unspoken": ([said(Kind.OTHER)], LATE),
}  # fmt: skip


@pytest.mark.parametrize("name", [rule.name for rule in RULES])
def test_each_rule_is_reached_by_a_story(name):
    statements, now = STORIES[name]
    assert Told(*statements, now=now).rule_name == name


def test_silence_only_ever_ends_what_was_waiting():
    for name, (statements, _) in STORIES.items():
        seen = [
            Told(*statements, now=T0 + minutes * MINUTE) for minutes in (0, 29, 61, 1600, 99999)
        ]
        for before, after in pairwise(seen):
            if before.rule != after.rule:
                assert before.rule_name in WAITING, name
                assert after.rule_name.startswith("silent"), name
                assert after.state == State.CANCELLED


def test_a_waiting_payment_says_when_to_look_again():
    waiting = Told(quick, now=T0)
    assert waiting.due_at == T0 + 30 * MINUTE
    assert Told(quick, now=waiting.due_at - 1).state == State.OPEN
    assert Told(quick, now=waiting.due_at).state == State.CANCELLED
    assert Told(quick, now=waiting.due_at).due_at is None


def test_an_askable_platform_is_asked_before_silence_decides():
    terms = Terms(askable=(1,))
    quiet = Told(quick, now=T0 + HOUR, terms=terms)
    assert (quiet.state, quiet.asking) == (State.OPEN, 1)
    assert Told(quick, now=T0, terms=terms).asking == 0


def test_aggregate_over_every_column_of_the_verdicts_can_be_planned():
    """DuckDB inlined the nested cases into one another and never came to an end."""
    db = duckdb.connect()
    for made in (PAYMENT, OPERATION):
        db.execute(f"CREATE TABLE {made.name} ({made.schema_sql()})")
    query = table.verdict_sql("payment", "operation", Terms(), LATE)
    largest = ", ".join(f"max({name})" for name in table.VERDICT)
    assert db.execute(f"SELECT {largest} FROM ({query})").fetchall()[0][0] is None
