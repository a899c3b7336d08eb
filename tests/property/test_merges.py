"""The algebra itself: every column's merge is associative, commutative and idempotent."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voidtrail.lattice import Column, Merge, Table
from voidtrail.lifecycle.join import OPERATION, PAYMENT

SMALL = st.one_of(st.none(), st.integers(-3, 3))
LARGE = (None, 0, 1, -1, 2**62, -(2**62), 2**52 - 1, 1_760_000_000_000_000)
"""Values of a column; a row is one draw of bytes, each a place in this list."""


KINDS = Table(
    "kinds",
    ("k", "a", "b", "c", "w"),
    ("k",),
    (
        Column("a_min", Merge.MIN, "a"),
        Column("b_max", Merge.MAX, "b"),
        Column("c_packed", Merge.PACKED_MIN, "c"),
        Column("a_some", Merge.MAX, "a", {"w": frozenset({1, 2})}),
    ),
)

pytestmark = pytest.mark.timeout(600)


def rows_of(table):
    key, width = [1] * len(table.key), len(table.columns)
    return st.binary(min_size=width, max_size=width).map(
        lambda drawn: [*key, *(LARGE[byte % len(LARGE)] for byte in drawn)]
    )


def check(table, a, b, c):
    join = table.join
    assert join(a, b) == join(b, a)
    assert join(join(a, b), c) == join(a, join(b, c))
    assert join(a, a) == a
    assert join(join(a, b), b) == join(a, b), "a join holds what went into it"


@given(st.data())
def test_merges_are_associative_commutative_and_idempotent_per_column_kind(data):
    check(KINDS, *(data.draw(rows_of(KINDS)) for _ in range(3)))


@given(st.data())
def test_joins_of_payments_and_operations_are_a_semilattice(data):
    for table in (PAYMENT, OPERATION):
        check(table, *(data.draw(rows_of(table)) for _ in range(3)))


@given(st.lists(st.tuples(st.integers(1, 3), SMALL, SMALL, SMALL, st.integers(0, 3)), max_size=12))
def test_fold_equals_the_upsert_and_the_group_by(facts):
    db = sqlite3.connect(":memory:")
    try:
        db.execute("CREATE TABLE fact (k, a, b, c, w)")
        db.execute(f"CREATE TABLE kinds ({KINDS.schema_sql()})")
        db.executemany("INSERT INTO fact VALUES (?, ?, ?, ?, ?)", facts)
        db.executemany(KINDS.insert_sql(), [KINDS.row(fact) for fact in facts])
        upserted = sorted(db.execute("SELECT * FROM kinds"))
        grouped = sorted(db.execute(KINDS.group_by_sql("fact")))
    finally:
        db.close()
    folded = sorted(tuple(row) for row in KINDS.fold(facts).values())
    assert folded == upserted == grouped
