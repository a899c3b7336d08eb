"""Conditions mean the same in Python and in SQL, and nothing outside of the language is taken."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voidtrail.lifecycle.expression import compile_bits, names, parse, to_sql

NAMES = ("a", "b", "c")
numbers = st.integers(-(2**40), 2**40)
atoms = st.one_of(st.sampled_from(NAMES), st.integers(0, 99).map(str))
sums = st.recursive(
    atoms,
    lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "&"]), inner).map(
        lambda parts: "({} {} {})".format(*parts)
    ),
    max_leaves=4,
)
tests = st.tuples(sums, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), sums).map(" ".join)
conditions = st.recursive(
    tests,
    lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda parts: "({}) {} ({})".format(*parts)
        ),
    ),
    max_leaves=4,
)


@given(conditions, st.tuples(numbers, numbers, numbers))
def test_python_and_sql_agree_on_any_condition(text, values):
    by_python = compile_bits([text], NAMES)(values)
    db = sqlite3.connect(":memory:")
    try:
        pairs = zip(values, NAMES, strict=True)
        inputs = ", ".join(f"{value} AS {name}" for value, name in pairs)
        query = f"SELECT {to_sql(parse(text))} FROM (SELECT {inputs})"
        (by_sql,) = db.execute(query).fetchone()
    finally:
        db.close()
    assert bool(by_python) == bool(by_sql)


def test_bits_stand_in_the_order_of_the_conditions():
    assert compile_bits(["a > 0", "b > 0", "a > b"], ("a", "b"))([2, 1]) == 0b111
    assert compile_bits(["a > 0", "b > 0"], ("a", "b"))([0, 1]) == 0b10


@pytest.mark.parametrize("text", [
    "a / b", "f(a)", "a.b", "a[0]", "'x' == a", "a if b else c", "True", "1.5 > a", "a < b < c",
    "a is None", "a in (1, 2)", "-a > 0", "lambda: a", "a ** b",
])  # fmt: skip
def test_what_is_outside_of_the_language_is_refused(text):
    with pytest.raises(ValueError, match="not in the language"):
        parse(text)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="zebra"):
        compile_bits(["zebra > 0"], ("a",))
    assert names(parse("a > 0 and b < a")) == {"a", "b"}
