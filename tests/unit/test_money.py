"""Money is exact: whole minor units by the currency's own exponent."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voidtrail import money

CURRENCIES = sorted(code for code in money._NUMBER if code)


def test_exponents_and_numbers_are_those_of_iso_4217():
    assert [money.exponent(code) for code in ("CNY", "JPY", "KWD", "CLF")] == [2, 0, 3, 4]
    assert [money.currency_number(code) for code in ("CNY", "USD", "")] == [156, 840, 0]


@pytest.mark.parametrize("code", ["cny", "RMB", "XX"])
def test_unknown_currency_is_refused(code):
    with pytest.raises(ValueError, match="ISO 4217"):
        money.exponent(code)
    with pytest.raises(ValueError, match="ISO 4217"):
        money.currency_number(code)


@given(st.sampled_from(CURRENCIES))
def test_number_and_code_are_inverse(code):
    assert money.currency_code(money.currency_number(code)) == code


@given(st.integers(-money.MINOR_MAX, money.MINOR_MAX), st.sampled_from(CURRENCIES))
def test_major_text_is_read_back_to_the_same_minor_units(amount, code):
    assert money.minor_from_major(money.major_text(amount, code), code) == amount


@pytest.mark.parametrize("text", ["1e999999", "-1e999999", "1E+41", "1e999999999999999999"])
def test_exponent_beyond_all_bounds_is_refused_as_too_large(text):
    with pytest.raises(ValueError, match="too large"):
        money.minor_from_major(text, "USD")


@pytest.mark.parametrize("text", ["1e-999999", "1e-41", "-1e-9999999999"])
def test_exponent_below_all_bounds_is_refused_as_too_fine(text):
    with pytest.raises(ValueError, match="finer"):
        money.minor_from_major(text, "USD")
    assert money.minor_from_major(text, "USD", rounding=True) == 0
    assert money.minor_from_major("0e-999999", "USD") == 0


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12),
       st.sampled_from(CURRENCIES))  # fmt: skip
def test_an_amount_is_exact_or_refused_and_rounds_only_when_told(amount, code):
    unit = Decimal(1).scaleb(-money.exponent(code))
    rounded = money.minor_from_major(amount, code, rounding=True)
    assert abs(rounded * unit - amount) * 2 <= unit
    if amount % unit == 0:
        assert money.minor_from_major(amount, code) * unit == amount
    else:
        with pytest.raises(ValueError, match="finer"):
            money.minor_from_major(amount, code)


@pytest.mark.parametrize("text", ["1,234.50", "", "twelve", "NaN", "Infinity", "1e400", "1 000"])
def test_what_is_no_plain_decimal_is_refused(text):
    with pytest.raises(ValueError, match="amount"):
        money.minor_from_major(text, "CNY")


def test_the_largest_amounts_can_be_added_up_in_64_bits():
    assert 2 * money.MINOR_MAX <= 2**63
    with pytest.raises(ValueError, match="too large"):
        money.minor_from_major(money.MINOR_MAX + 1, "JPY")


def test_a_fraction_longer_than_the_default_precision_is_still_finer():
    with pytest.raises(ValueError, match="finer"):
        money.minor_from_major("122070312.49999999999999999995006543758139", "AED")
