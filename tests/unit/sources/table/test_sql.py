import pytest

from voidtrail.sources.table.sql import columns_of, numeric_columns, parse, split_aggregates


@pytest.mark.parametrize(
    ("sql", "numbers"),
    [
        ('"a" > 0', {"a"}),
        ("0 < a", {"a"}),
        ("a BETWEEN 1 AND 5", {"a"}),
        ("a IN (1, 2)", {"a"}),
        ("a NOT IN ('x')", set()),
        ("a = '1'", set()),
        ("a IS NOT NULL", set()),
        ("NOT a", set()),
        ("a > -5", {"a"}),
        ("a + b > 0", {"a", "b"}),
        ("SUM(a) > 5 AND b LIKE 'x%'", {"a"}),
        ("LENGTH(a) > 3", set()),
    ],
)
def test_numbers_in_a_condition(sql, numbers):
    names = columns_of(parse(sql, "when"))
    assert numeric_columns(sql, names, amount=False) == numbers


@pytest.mark.parametrize(
    ("sql", "numbers"),
    [
        ('"a"', {"a"}),
        ("COALESCE(a, b)", {"a", "b"}),
        ("CASE WHEN k = 'x' THEN a ELSE b END", {"a", "b"}),
        ("CASE WHEN k LIKE 'x%' AND f THEN -a END", {"a"}),
        ("SUM(CASE WHEN k IN ('x', 'y') THEN a * b ELSE 0 END)", {"a", "b"}),
    ],
)
def test_numbers_in_an_amount(sql, numbers):
    names = columns_of(parse(sql, "amount"))
    assert numeric_columns(sql, names, amount=True) == numbers


def test_aggregates_are_named_once():
    outer, needed = split_aggregates("CASE WHEN SUM(a) > 0 THEN SUM(a) ELSE COUNT(*) END", {})
    assert outer == 'CASE WHEN "__sum_0" > 0 THEN "__sum_0" ELSE "__count_1" END'
    assert needed == {"SUM(a)": "__sum_0", "COUNT(*)": "__count_1"}
    again, more = split_aggregates("-SUM(a)", needed)
    assert (again, more) == ('-"__sum_0"', {"SUM(a)": "__sum_0"})


def test_filter_belongs_to_its_aggregate():
    outer, needed = split_aggregates("SUM(a) FILTER (WHERE b > 0) + 1", {})
    assert outer == '"__sum_0" + 1'
    assert list(needed) == ["SUM(a) FILTER (WHERE b > 0)"]
