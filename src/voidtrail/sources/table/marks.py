"""What can be known of a row only from the whole file: its group, its chain, its place.

A file is read in slices; these few columns are looked at first, once, over all of its rows.
"""

from __future__ import annotations

from collections.abc import Iterator
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


def keys(frame: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Return what the marks of rows are made from, in few bytes a row.

    Args:
        frame: the columns `plan.marking` of some rows.
        plan: the bound mapping.

    Returns:
        Per row: 128-bit digests of its group or session and of its payment, 0 where it has none,
        and its instant.
    """
    schema = frame.schema
    made: list[pl.Expr] = []
    if plan.grouped:
        made += _digests("group", [text_of(name, schema[name]) for name in plan.group_by], True)
    if plan.session_by:
        at, _ = micros(frame[plan.statements[0].at], plan.zone)
        frame = frame.with_columns(at.alias("__at"))
        made += _digests("group", [pl.col(name) for name in plan.session_by], False)
        made.append(pl.col("__at"))
    payment = plan.payment or plan.order
    if plan.counting and payment:
        made += _digests("payment", [text_of(payment, schema[payment])], True)
    return frame.select(made)


def _digests(name: str, parts: list[pl.Expr], needed: bool) -> Iterator[pl.Expr]:
    """Digest texts to twice 64 bits; with `needed`, a row that lacks one of them has none."""
    row = pl.struct(part.alias(str(place)) for place, part in enumerate(parts))
    for seed in (1, 2):
        digest = row.hash(seed=seed)
        if needed:
            absent = pl.any_horizontal(part.is_null() for part in parts)
            digest = pl.when(absent).then(None).otherwise(digest)
        yield digest.alias(f"__{name}{seed}")


def marks(keyed: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Return the marks of every row of a file.

    Args:
        keyed: the `keys` of all rows, in the order of the file.
        plan: the bound mapping.

    Returns:
        One row per row of the file; the columns FIRST and LAST, CHAIN, REPEAT as far as needed.
    """
    frame = keyed.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))
    found: list[pl.Series] = []
    if plan.grouped:
        here = pl.col(ROW)
        keyless = pl.col("__group1").is_null()
        spans = frame.select(
            pl.when(keyless).then(here).otherwise(edge.over("__group1", "__group2")).alias(name)
            for name, edge in ((FIRST, here.min()), (LAST, here.max()))
        )
        found += spans.get_columns()
    if plan.session_by:
        found.append(_chains(frame, plan))
    if "__payment1" in frame.columns:
        first = found[0] if plan.grouped else frame[ROW].alias(FIRST)
        rank = pl.col(FIRST).rank("dense").over("__payment1", "__payment2").cast(pl.Int64) - 1
        turn = pl.when(pl.col("__payment1").is_null()).then(0).otherwise(rank)
        found.append(frame.with_columns(first).select(turn.alias(REPEAT)).to_series())
    return pl.DataFrame(found)


def _chains(frame: pl.DataFrame, plan: Plan) -> pl.Series:
    """Chain rows that follow one another within the session's time and agree in its columns."""
    assert plan.mapping.session is not None
    within = round(plan.mapping.session.within_s * SECOND)
    names = ["__group1", "__group2"]
    keyed = frame.select(*names, "__at", ROW).sort([*names, "__at", ROW])
    at = pl.col("__at")
    is_new = pl.any_horizontal(
        *(pl.col(name).ne_missing(pl.col(name).shift()) for name in names),
        (at - at.shift() > within).fill_null(True),
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
        marked = marks(keys(frame.select(plan.marking), plan), plan)
        if start and plan.marking:
            shifted = [name for name in (FIRST, LAST, CHAIN) if name in marked.columns]
            marked = marked.with_columns(pl.col(name) + start for name in shifted)
    elif marked is not None:
        marked = marked.slice(start, frame.height)
    ordinals = pl.int_range(start, start + frame.height, dtype=pl.Int64, eager=True).alias(ROW)
    numbered = frame.with_columns(ordinals)
    return numbered if marked is None else numbered.with_columns(marked.get_columns())
