"""Any table as a bill: the statements that a mapping file draws from it, as rows of a bill.

The mapping file is the one of `voidtrail ingest`; its captures, refunds and disputes are the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from voidtrail.event.bill import BillRow, Item, Standing
from voidtrail.event.model import Event, Kind, Result
from voidtrail.sources.bill_reading import Bad, Hints, Piece, Unfit

SOURCE: Final = "table"
MERCHANT_OPTIONS: Final = ()
_ITEMS: Final = {
    Kind.CAPTURE: Item.PAYMENT, Kind.REFUND: Item.REFUND, Kind.DISPUTE: Item.DISPUTE,
}  # fmt: skip
_STANDINGS: Final = {
    Result.SUCCEEDED: Standing.SUCCEEDED, Result.PENDING: Standing.PENDING,
    Result.REQUESTED: Standing.PENDING, Result.REFUSED: Standing.FAILED,
}  # fmt: skip


def recognises(start: str) -> bool:
    """Return False: only a mapping file says what a table means."""
    return False


def read(lines: Iterable[str], hints: Hints) -> Iterator[Piece]:
    """Refuse lines: a table is read with its mapping file (see `rows_of`)."""
    yield Bad(1, "", "a table is read with its mapping file")


def rows_of(events: Iterable[Event], line: int) -> Iterator[BillRow]:
    """Yield what the statements of one row say of money."""
    for event in events:
        item = _ITEMS.get(event.kind)
        standing = _STANDINGS.get(event.result)
        if item is None or standing is None:
            continue
        yield BillRow(
            line=line, item=item, standing=standing, status=event.code or event.kind.name.lower(),
            at=event.occurred_at, reference=event.payment, names=event.names, order=event.order,
            operation=event.operation if item is not Item.PAYMENT else "",
            amount_minor=abs(event.amount_minor or 0), currency=event.currency,
            settled_currency=event.currency,
        )  # fmt: skip


def fields_of(row: BillRow) -> dict[str, str]:
    """Return a row as the cells that are kept of it."""
    return {"row": msgspec.json.encode(row).decode()}


def row_of(fields: Mapping[str, str], line: int, hints: Hints) -> BillRow:
    """Read a row again from its cells.

    Raises:
        Unfit: it is no such row.
    """
    try:
        return msgspec.json.decode(fields.get("row", ""), type=BillRow)
    except msgspec.MsgspecError:
        raise Unfit("row", "is no row of a bill") from None
