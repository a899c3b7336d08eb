"""A table of merges refuses what makes no sense and writes the same meaning for each engine."""

import pytest

from voidtrail.lattice import Column, Merge, Table

FIELDS = ("k", "v", "w")


def table(*columns):
    return Table("t", FIELDS, ("k",), columns)


LEAST = Column("v_min", Merge.MIN, "v")
MOST = Column("v_max", Merge.MAX, "v", {"w": frozenset({1, 2})})


def test_columns_of_one_name_are_refused():
    with pytest.raises(ValueError, match="share a name"):
        table(LEAST, LEAST)
    with pytest.raises(ValueError, match="share a name"):
        table(Column("k", Merge.MIN, "v"))


def test_unknown_fields_are_refused_by_name():
    with pytest.raises(ValueError, match="nope"):
        table(Column("x", Merge.MIN, "nope"))
    with pytest.raises(ValueError, match="nope"):
        table(Column("x", Merge.MIN, "v", {"nope": frozenset({1})}))


def test_a_fact_counts_only_in_columns_that_let_it_in():
    both = table(LEAST, MOST)
    assert both.row((1, 5, 0)) == [1, 5, None]
    assert both.row((1, 5, 2)) == [1, 5, 5]
    assert both.row((1, None, 2)) == [1, None, None]


def test_fold_goes_on_from_given_rows_and_keeps_keys_apart():
    both = table(LEAST, MOST)
    rows = both.fold([(1, 5, 1), (2, 7, 1)])
    rows = both.fold([(1, 3, 1), (1, 9, 0)], rows)
    assert rows == {(1,): [1, 3, 5], (2,): [2, 7, 7]}


def test_rows_of_two_keys_never_meet():
    with pytest.raises(AssertionError):
        table(LEAST).join([1, 5], [2, 5])


def test_sql_is_written_for_known_dialects_only():
    both = table(LEAST, MOST)
    assert "LEAST(t.v_min, excluded.v_min)" in both.insert_sql(dialect="postgresql")
    assert "max(ifnull(t.v_max, excluded.v_max)" in both.insert_sql()
    with pytest.raises(ValueError, match="oracle"):
        both.insert_sql(dialect="oracle")


def test_group_by_filters_facts_where_asked():
    text = table(MOST).group_by_sql("fact", where="w > 0")
    assert text == (
        "SELECT k, MAX(CASE WHEN w IN (1, 2) THEN v END) AS v_max FROM fact WHERE w > 0 GROUP BY k"
    )
