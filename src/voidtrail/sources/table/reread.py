"""A row read again from its delivery alone, by whichever mapping is now in force."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import polars as pl

from voidtrail.errors import MappingInvalid
from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Event, Unreadable
from voidtrail.sources.table.frame import plain
from voidtrail.sources.table.mapping import TableMapping
from voidtrail.sources.table.marks import CHAIN, FIRST, LAST, OURS, REPEAT, ROW
from voidtrail.sources.table.rows import TableFile, as_events, prepare, translate_numbered

_KINDS: Final[dict[str, Any]] = {
    "s": pl.String, "i": pl.Int128, "f": pl.Float64, "b": pl.Boolean, "n": pl.String,
    "d": pl.String, "t": pl.String, "z": pl.String,
}  # fmt: skip


def retranslate(
    delivery: Delivery, mapping: TableMapping, account: Account
) -> list[Event] | Unreadable:
    """Translate the delivery of a row (or group) again.

    The row's place in the file, its session and its turn among the rows of its payment were seen
    when the whole file was read, and are taken from the delivery's headers.

    Args:
        delivery: as `translate_frame` made it.
        mapping: the mapping then in force (its digest is `delivery.context`), or a mended one.
        account: whose file it was.
    """
    fault = delivery.header("file-fault")
    if fault is not None:
        place = (delivery.header("file-row") or "0").partition(",")[0]
        return Unreadable(path=f"row {int(place) + 1}", why=fault)
    try:
        frame = _frame(delivery)
    except (ValueError, TypeError, KeyError, IndexError, pl.exceptions.PolarsError) as error:
        return Unreadable(path="body", why=f"is not the row of a table ({type(error).__name__})")
    try:
        plan = prepare(mapping, frame.drop(OURS, strict=False), account)
    except MappingInvalid as error:
        return Unreadable(path="mapping", why=str(error))
    file = TableFile(
        name=delivery.header("file-name") or "",
        digest=delivery.header("file-digest") or "",
        received_at=delivery.received_at,
    )
    found = [said for _, said in translate_numbered(frame, plan, file, account, as_events)]
    if len(found) != 1:
        return Unreadable(path="body", why="holds more than one row, but the mapping has no groups")
    return found[0]


def _frame(delivery: Delivery) -> pl.DataFrame:
    """Return the row (or the line items) of a delivery with the types that they had."""
    body = msgspec.json.decode(delivery.body)
    rows: list[dict[str, Any]] = body if isinstance(body, list) else [body]
    letters = delivery.header("file-types") or ""
    places = [int(text) for text in (delivery.header("file-row") or "").split(",")]
    if len(places) != len(rows):
        raise ValueError("rows and their ordinals differ in number")
    columns = []
    for name, letter in zip(rows[0], letters, strict=True):
        values = [row[name] for row in rows]
        if letter not in "ifb":
            values = [None if value is None else str(value) for value in values]
        series = pl.Series(name, values, dtype=_KINDS[letter], strict=False)
        columns.append(_retyped(series, letter))
    added = [pl.Series(ROW, places, dtype=pl.Int64)]
    same = {FIRST: places[0], LAST: places[-1]}
    for name, header in ((CHAIN, "file-chain"), (REPEAT, "file-repeat")):
        text = delivery.header(header)
        if text is not None:
            same[name] = int(text)
    added += [pl.Series(name, [value] * len(rows), dtype=pl.Int64) for name, value in same.items()]
    return plain(pl.DataFrame([*columns, *added]))


def _retyped(series: pl.Series, letter: str) -> pl.Series:
    if letter == "n":
        scale = max([len(text.partition(".")[2]) for text in series.drop_nulls()], default=0)
        return series.cast(pl.Decimal(38, scale))
    if letter == "d":
        return series.str.to_date()
    if letter == "t":
        return series.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us")
    if letter == "z":
        return series.str.to_datetime(time_unit="us", time_zone="UTC")
    return series
