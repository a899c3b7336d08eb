"""What can be known of a row only from the whole file: its group, its chain, its place.

A file is read in slices; these few columns are looked at first, once, over all of its rows.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from voidtrail.sources.table.bind import Plan
from voidtrail.sources.table.instants import SECOND, micros

ROW: Final = "__row"
"""Ordinal of a row in its file, from 0."""
FIRST: Final = "__first"
"""Ordinal of the first row of the group."""
LAST: Final = "__last"
"""Ordinal of the last row of the group."""
CHAIN: Final = "__chain"
"""Ordinal of the first attempt of the session."""
REPEAT: Final = "__repeat"
"""How many rows (or groups) of the same payment came before."""
FAULT: Final = "__fault"
"""Why the reader of the file could not split a row into its columns; else null."""
LINE: Final = "__line"
"""Such a row, as it stands in the file."""
OURS: Final = (ROW, FIRST, LAST, CHAIN, REPEAT, FAULT, LINE)


def text_of(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return a column as text without spaces around it; null where nothing is left.

    A whole number in a float column (as customer 17850.0) is written without its decimals.
    """
    column = pl.col(name)
    if dtype.is_float():
        is_whole = (column == column.round(0)) & (column.abs() < 2**53)
        whole = column.cast(pl.Int64, strict=False).cast(pl.String)
        return pl.when(is_whole).then(whole).otherwise(column.cast(pl.String))
    text = column.cast(pl.String).str.strip_chars()
    return pl.when(text != "").then(text)


def marks(keys: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Return the marks of every row of a file.

    Args:
        keys: the columns `plan.marking` of all rows, in the order of the file.
        plan: the bound mapping.

    Returns:
        One row per row of the file; the columns FIRST and LAST, CHAIN, REPEAT as far as needed.
    """
    schema = keys.schema
    frame = keys.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))
    found: list[pl.Series] = []
    if plan.grouped:
        names = [f"__key{place}" for place in range(len(plan.group_by))]
        spans = frame.select(
            ROW, *(text_of(key, schema[key]).alias(name)
                   for key, name in zip(plan.group_by, names, strict=True)),
        ).with_columns(
            pl.col(ROW).min().over(names).alias(FIRST), pl.col(ROW).max().over(names).alias(LAST)
        )  # fmt: skip
        keyless = pl.any_horizontal(pl.col(name).is_null() for name in names)
        spans = spans.select(
            pl.when(keyless).then(ROW).otherwise(pl.col(each)).alias(each) for each in (FIRST, LAST)
        )
        found += spans.get_columns()
    if plan.session_by:
        found.append(_chains(frame, plan))
    payment = plan.payment or plan.order
    if any(each.counted for each in plan.statements) and payment:
        first = found[0] if plan.grouped else frame[ROW]
        units = frame.select(text_of(payment, schema[payment]).alias("payment"), first.alias(FIRST))
        rank = pl.col(FIRST).rank("dense").over("payment").cast(pl.Int64) - 1
        found.append(units.select(rank.fill_null(0).alias(REPEAT)).to_series())
    return pl.DataFrame(found)


def _chains(frame: pl.DataFrame, plan: Plan) -> pl.Series:
    """Chain rows that follow one another within the session's time and agree in its columns."""
    assert plan.mapping.session is not None
    within = round(plan.mapping.session.within_s * SECOND)
    at, _ = micros(frame[plan.statements[0].at], plan.zone)
    names = [f"__key{place}" for place in range(len(plan.session_by))]
    keyed = frame.select(
        ROW, at.alias("at"),
        *(pl.col(key).alias(name) for key, name in zip(plan.session_by, names, strict=True)),
    ).sort([*names, "at", ROW])  # fmt: skip
    is_new = pl.any_horizontal(
        *(pl.col(name).ne_missing(pl.col(name).shift()) for name in names),
        (pl.col("at") - pl.col("at").shift() > within).fill_null(True),
    )
    chained = keyed.with_columns(is_new.cum_sum().alias("chain")).select(
        ROW, pl.col(ROW).min().over("chain").alias(CHAIN)
    )
    return chained.sort(ROW)[CHAIN]


def number_rows(
    frame: pl.DataFrame, plan: Plan, start: int, marked: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Give rows their ordinals and marks.

    Args:
        frame: rows that follow one another in their file.
        plan: the bound mapping.
        start: ordinal of the first of them.
        marked: the marks of the whole file; None if the frame is the whole file.
    """
    if marked is None and plan.marking:
        marked = marks(frame.select(plan.marking), plan)
        if start and plan.marking:
            shifted = [name for name in (FIRST, LAST, CHAIN) if name in marked.columns]
            marked = marked.with_columns(pl.col(name) + start for name in shifted)
    elif marked is not None:
        marked = marked.slice(start, frame.height)
    ordinals = pl.int_range(start, start + frame.height, dtype=pl.Int64, eager=True).alias(ROW)
    numbered = frame.with_columns(ordinals)
    return numbered if marked is None else numbered.with_columns(marked.get_columns())
