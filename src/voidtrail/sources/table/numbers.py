"""Amounts out of columns, exactly: text, integers, floats and decimals become decimals.

A float column is read by the shortest text of each value (what its writer meant), never by its
binary value. Polars multiplies decimals exactly or fails, so the scale of a column is no wider
than its own values need.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

import polars as pl

from voidtrail.money import MINOR_MAX

DIGITS: Final = 38
SCALE_MAX: Final = 24
_PLAIN: Final = r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)$"
_POWER: Final = r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[eE][+-]?[0-9]{1,3}$"


def exact(dtype: pl.DataType) -> bool:
    """Say whether values of a type can be numbers at all."""
    return dtype.is_numeric() or dtype == pl.String


def plain_text(text: str) -> str | None:
    """Write a number with an exponent without it; None if it has too many digits.

    >>> plain_text("1e-7"), plain_text("1.25E+3"), plain_text("1e300")
    ('0.0000001', '1250', None)
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return f"{value:f}" if -SCALE_MAX <= value.adjusted() < DIGITS else None


def decimals(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return a column as exact decimals, and where it holds something that is no number.

    >>> values, bad = decimals(pl.Series(["1.25", "1,234.00", None]))
    >>> values.to_list(), bad.to_list()
    ([Decimal('1.25'), None, None], [False, True, False])
    """
    if column.dtype.is_decimal() or column.dtype.is_integer():
        scale = column.dtype.scale if isinstance(column.dtype, pl.Decimal) else 0
        values = column.cast(pl.Decimal(DIGITS, scale), strict=False)
        return values, column.is_not_null() & values.is_null()
    text = column.cast(pl.String).str.strip_chars()
    text = text.set(text == "", None)
    whole = text.cast(pl.Int64, strict=False)
    if whole.null_count() == text.null_count():
        return whole.cast(pl.Decimal(DIGITS, 0)), pl.Series([False]).new_from_index(0, len(text))
    stated = text.is_not_null()
    is_power = text.str.contains(_POWER).fill_null(False)
    if is_power.any():
        distinct = text.filter(is_power).unique()
        plain = distinct.map_elements(plain_text, return_dtype=pl.String, skip_nulls=True)
        text = text.replace_strict(distinct, plain, default=text, return_dtype=pl.String)
    is_plain = text.str.contains(_PLAIN).fill_null(False)
    text = text.set(~is_plain, None)
    point = text.str.find(".", literal=True)
    places = text.str.strip_chars_end("0").str.len_bytes().cast(pl.Int64) - point - 1
    places = places.fill_null(0)
    text = text.set(places > SCALE_MAX, None)
    scale = min(max(int(places.max() or 0), 0), SCALE_MAX)  # type: ignore[arg-type]
    values = text.cast(pl.Decimal(DIGITS, scale), strict=False)
    return values, stated & values.is_null()


def minor(
    amounts: pl.Series, exponent: int, *, rounding: bool
) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Return amounts in minor units, where they are finer, and where they are out of range.

    Args:
        amounts: decimals or integers, in major units (or minor ones, with exponent 0).
        exponent: decimals of the currency's minor unit.
        rounding: round half to even instead of reporting what is finer.

    >>> amounts = pl.Series(["12.30", "0.005", "-1.00"]).cast(pl.Decimal(38, 3))
    >>> [each.to_list() for each in minor(amounts, 2, rounding=False)]
    [[1230, 0, -100], [False, True, False], [False, False, True]]
    """
    if not amounts.dtype.is_decimal():
        amounts = amounts.cast(pl.Decimal(DIGITS, 0))
    rounded = amounts.round(exponent, mode="half_to_even")
    finer = (rounded != amounts).fill_null(False)
    scaled = rounded.cast(pl.Decimal(DIGITS, exponent), strict=False)
    units = scaled.to_physical().cast(pl.Int64, strict=False)
    lost = amounts.is_not_null() & units.is_null()
    outside = (lost | (units < 0) | (units > MINOR_MAX)).fill_null(False) | lost
    return units, finer & (not rounding), outside
