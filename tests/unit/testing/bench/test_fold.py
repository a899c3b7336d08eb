import duckdb
import pytest

from voidtrail.lifecycle.join import FACT, OPERATION, OPERATION_KINDS, PAYMENT
from voidtrail.lifecycle.operation import legs
from voidtrail.lifecycle.terms import Terms
from voidtrail.lifecycle.verdict import State, judge_with, money_speaker
from voidtrail.testing.bench.fold import NOW, FoldPlan, bare_sql, folds, make_facts, run_fold

PLAN = FoldPlan(payments=600, rounds=2)


@pytest.fixture(scope="module")
def facts():
    db = duckdb.connect()
    make_facts(db, PLAN)
    yield db
    db.close()


def test_facts_are_the_same_for_a_seed_and_about_four_a_payment(facts):
    other = duckdb.connect()
    assert make_facts(other, PLAN) / PLAN.payments == pytest.approx(4, abs=0.5)
    every = "SELECT * FROM fact ORDER BY payment_id, occurred_at, kind, result, role"
    assert facts.execute(every).fetchall() == other.execute(every).fetchall()
    other.close()


@pytest.mark.parametrize("table", [PAYMENT, OPERATION], ids=lambda table: table.name)
def test_engine_folds_the_facts_as_python_does(facts, table):
    rows = facts.execute(f"SELECT {', '.join(FACT)} FROM fact").fetchall()
    if table is OPERATION:
        rows = [row for row in rows if row[FACT.index("kind")] in OPERATION_KINDS]
    found = facts.execute(folds()[table.name]).fetchall()
    assert {tuple(row) for row in table.fold(rows).values()} == set(found)
    assert len(found) == len(set(found))


def test_bare_query_has_the_same_keys_and_as_many_different_aggregates(facts):
    for table in (PAYMENT, OPERATION):
        text = bare_sql(table, "fact")
        assert "CASE" not in text
        picked = text.removeprefix("SELECT ").partition(" FROM ")[0].split(", ")[len(table.key) :]
        assert len({each.partition(" AS ")[0] for each in picked}) == len(table.columns)
        keys = facts.execute(text).fetchall()
        assert len(keys) == len(facts.execute(table.group_by_sql("fact")).fetchall())


def test_the_stories_reach_the_states_that_they_tell_of(facts):
    rows = facts.execute(f"SELECT {', '.join(FACT)} FROM fact").fetchall()
    moved = [row for row in rows if row[FACT.index("kind")] in OPERATION_KINDS]
    operations: dict[int, list] = {}
    for key, row in OPERATION.fold(moved).items():
        operations.setdefault(key[0], []).append(row)
    judge = judge_with(Terms())
    states = {
        judge(row, legs(operations.get(pid, []), money_speaker(row)), NOW).state
        for (pid,), row in PAYMENT.fold(rows).items()
    }
    assert states >= {State.PAID, State.CANCELLED}


def test_every_query_is_measured_once_a_round_and_verdicts_once(tmp_path):
    told: list[str] = []
    result = run_fold(PLAN, tmp_path, told.append)
    assert set(result.queries) == {*folds(), "verdict"}
    for name, query in result.queries.items():
        assert len(query.cpu_s) == len(query.wall_s) == (1 if name == "verdict" else 2)
    assert {result.queries[name].rows for name in ("payment", "bare payment", "verdict")} == {600}
    assert result.facts > 1_500
    assert result.file_bytes > 0
    assert result.ratio("payment") > 0
    assert told[-1] == "judging 600 payments"
