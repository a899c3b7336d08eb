from decimal import ROUND_HALF_EVEN, Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voidtrail.sources.table.numbers import DIGITS, SCALE_MAX, decimals, minor

TEXTS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9,
                    places=6).map(str)  # fmt: skip


@given(st.lists(st.none() | TEXTS | st.integers(-(10**12), 10**12).map(str), max_size=8))
def test_text_is_read_exactly(texts):
    values, bad = decimals(pl.Series("x", texts, dtype=pl.String))
    assert values.to_list() == [None if text is None else Decimal(text) for text in texts]
    assert not bad.any()


@given(st.lists(st.floats(-1e12, 1e12).filter(lambda x: x == 0 or abs(x) > 1e-6), max_size=8))
def test_float_is_read_by_its_shortest_text(numbers):
    values, bad = decimals(pl.Series("x", numbers, dtype=pl.Float64))
    assert values.to_list() == [Decimal(repr(number)) for number in numbers]
    assert not bad.any()


def test_single_precision_is_read_by_its_own_shortest_text():
    assert decimals(pl.Series([2.55], dtype=pl.Float32))[0].to_list() == [Decimal("2.55")]


@pytest.mark.parametrize(
    "text", ["1,234.50", "1 234", "¥5", "5元", "abc", "NaN", "inf", "1_0", "１２", "--5", "0x10",
             "1e300", "0." + "1" * (SCALE_MAX + 1), "9" * (DIGITS + 1)]
)  # fmt: skip
def test_what_is_no_plain_number_is_bad(text):
    values, bad = decimals(pl.Series(["5", text, None, " "]))
    assert values.to_list() == [5, None, None, None]
    assert bad.to_list() == [False, True, False, False]


def test_exponents_are_read():
    values, _ = decimals(pl.Series(["1e2", "1.5E-3", "7"]))
    assert values.to_list() == [Decimal(100), Decimal("0.0015"), 7]


@given(
    st.lists(TEXTS, min_size=1, max_size=8),
    st.sampled_from([0, 2, 3, 4]),
    st.booleans(),
)
def test_minor_units_equal_decimal_arithmetic(texts, exponent, rounding):
    values, _ = decimals(pl.Series(texts))
    units, finer, outside = minor(values, exponent, rounding=rounding)
    for text, unit, is_finer, is_outside in zip(texts, units, finer, outside, strict=True):
        exact = Decimal(text).scaleb(exponent)
        whole = exact.to_integral_value(ROUND_HALF_EVEN)
        assert unit == whole
        assert is_finer == (whole != exact and not rounding)
        assert is_outside == (whole < 0)


def test_amount_past_the_largest_is_outside():
    values, _ = decimals(pl.Series(["46116860184273879.04", "46116860184273879.05", "9" * 36]))
    assert minor(values, 2, rounding=False)[2].to_list() == [False, True, True]
