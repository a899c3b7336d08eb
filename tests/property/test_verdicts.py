"""The verdict: total, deterministic, monotone in silence, and undone by a sign of life."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property import naive, stores
from tests.property.strategies import INSTANTS, LATER, METHODS, MINUTE, T0, worlds
from voidtrail.event.model import Method
from voidtrail.lifecycle.projection import Projection
from voidtrail.lifecycle.terms import DEFAULT_PATIENCE_S, Terms
from voidtrail.lifecycle.verdict import RULES, VERDICT, WAITING, Money, State

pytestmark = pytest.mark.timeout(600)

FIRST, LAST = min(INSTANTS), max(INSTANTS) + 10_000 * MINUTE
instants = st.one_of(
    st.sampled_from(INSTANTS), st.integers(FIRST, LAST),
    st.tuples(st.sampled_from(INSTANTS), st.sampled_from(sorted(set(DEFAULT_PATIENCE_S.values()))))
    .map(lambda both: both[0] + both[1] * 1_000_000),
)  # fmt: skip


def folded(world):
    _, _, payments, operations, _ = naive.tables(world, LATER)
    return [(row, [op for op in operations if op[0] == row[0]]) for row in payments]


def judged(row, operations, now, judge=stores.JUDGE):
    return dict(zip(VERDICT, judge.verdict_of(row, operations, now), strict=True))


@given(worlds(), instants)
def test_verdict_is_total_and_deterministic(world, now):
    for row, operations in folded(world):
        found = judged(row, operations, now)
        assert found == judged(row[:], list(reversed(operations)), now)
        assert found == judged(row, operations, now, Projection(stores.JUDGE.terms))
        assert State(found["state"]) is RULES[found["rule"]].state
        assert Money(found["money"]) in Money
        assert found["sealed"] <= (found["state"] == State.CANCELLED)
        assert (found["ended_at"] is not None) == (found["state"] == State.CANCELLED)
        assert (found["how"] != 0) == (found["state"] == State.CANCELLED) or found["rule"] == 5


@given(worlds(), instants, instants)
def test_silence_is_monotone_in_now_and_nothing_else_hangs_on_it(world, one, other):
    before_at, after_at = sorted((one, other))
    for row, operations in folded(world):
        before = judged(row, operations, before_at)
        after = judged(row, operations, after_at)
        if RULES[before["rule"]].name not in WAITING:
            assert after == before, "only what waits is ended by time"
        elif after["rule"] != before["rule"]:
            assert RULES[after["rule"]].name.startswith("silent")
            assert before["due_at"] is not None
            assert before["due_at"] <= after_at
            assert after["due_at"] is None
        if before["due_at"] is not None and after_at < before["due_at"]:
            assert after == before, "nothing changes before the instant that was announced"


@given(worlds(), instants, st.sampled_from(METHODS))
def test_abandonment_disappears_when_life_returns(world, now, method):
    for row, operations in folded(world):
        if not RULES[judged(row, operations, now)["rule"]].name.startswith("silent"):
            continue
        names = list(stores.JUDGE.payment.names)
        life = row[:]
        life[names.index("life_at")] = max(now, life[names.index("life_at")] or 0)
        life[names.index("last_at")] = max(now, life[names.index("last_at")] or 0)
        life[names.index("method_seen")] = (now - T0 + 2**31) << 16 | method << 8
        alive = judged(life, operations, now)
        assert RULES[alive["rule"]].name in WAITING
        assert alive["due_at"] is not None
        assert alive["due_at"] > now


@given(worlds(most=6), st.lists(instants, max_size=5))
def test_ticks_anywhere_lead_to_the_verdicts_of_the_last_tick(world, ticks):
    """A worker that looked in between, at whatever is due, changes nothing in the end."""
    log = stores.sqlite()
    with stores.filled(log, [[told] for told in world], tick=FIRST):
        for now in [*sorted(ticks), LAST]:
            log.control([("tick", "{}")], now)
            log.rejudge([pid for pid, _ in log.due(now, 10_000)], now)
        assert log.due(LAST, 1) == []
        found = stores.picture(log)
    with stores.filled(log, [[told] for told in world], tick=LAST):
        assert stores.picture(log) == found


@pytest.mark.slow
@given(worlds(), instants, st.integers(0, 10**5), st.integers(0, 10**4), st.integers(0, 600))
def test_verdict_in_sql_equals_verdict_in_python_under_any_terms(
    world, now, card, beyond, tolerance
):
    patience = {**DEFAULT_PATIENCE_S, "card_form": card, "unknown": card * 2}
    judge = Projection(
        Terms(patience_s=patience, beyond_s=beyond, tolerance_s=tolerance, askable=(1,))
    )
    log = stores.sqlite()
    with stores.filled(log, [[told] for told in world]):
        query = judge.verdict_sql("payment", "operation", now)
        by_sql = {pid: tuple(rest) for pid, *rest in log.db.execute(query)}
        _, _, payments, operations, _ = stores.rows_of(log)
    by_python = {
        row[0]: judge.verdict_of(list(row), [op for op in operations if op[0] == row[0]], now)
        for row in payments
    }
    assert by_sql == by_python


def test_every_method_has_a_patience():
    assert set(DEFAULT_PATIENCE_S) == {method.name.lower() for method in Method}
