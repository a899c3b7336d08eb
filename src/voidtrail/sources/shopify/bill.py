"""Shopify Payments' export of transactions: one row per movement, without an id of its own.

Source: the admin's "Export transactions"; headers of exports in public. A row names its order as
the merchant sees it ("#1001"), so rows are matched by order, kind and amount.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from voidtrail.event.bill import BillRow, Item, Standing
from voidtrail.sources import bill_reading
from voidtrail.sources.bill_reading import Hints, Piece, Unfit
from voidtrail.sources.contract import first

SOURCE: Final = "shopify"
MERCHANT_OPTIONS: Final = ()
_ITEMS: Final = {
    "charge": Item.PAYMENT, "refund": Item.REFUND, "refund_failure": Item.REFUND,
    "chargeback": Item.DISPUTE, "dispute": Item.DISPUTE, "chargeback won": Item.DISPUTE,
    "dispute_reversal": Item.DISPUTE, "adjustment": Item.ADJUSTMENT, "payout": Item.PAYOUT,
    "reserve": Item.ADJUSTMENT, "debit": Item.ADJUSTMENT, "credit": Item.ADJUSTMENT,
}  # fmt: skip
_UNDOES: Final = frozenset({"refund_failure", "chargeback won", "dispute_reversal"})


def recognises(start: str) -> bool:
    """Whether a file that begins so is such an export."""
    return start.lstrip("\ufeff").startswith("Transaction Date,Type,Order,")


def read(lines: Iterable[str], hints: Hints) -> Iterator[Piece]:
    """Read a bill (see `bill_reading.Form`)."""
    return bill_reading.plain_table(lines, hints, row_of, lambda fields: "")


def row_of(fields: Mapping[str, str], line: int, hints: Hints) -> BillRow:
    """Read one row from its cells.

    Raises:
        Unfit: a cell cannot be read.
    """
    word = fields.get("Type", "").lower()
    item = _ITEMS.get(word, Item.OTHER)
    order = fields.get("Order", "")
    if not word or (item is Item.PAYMENT and not order):
        raise Unfit("Order" if word else "Type", "is empty or absent")
    settled = bill_reading.currency_of(fields.get("Currency", ""), "Currency", hints.currency)
    gross = bill_reading.amount(fields.get("Amount", ""), settled, "Amount")
    shown = fields.get("Presentment Currency", "")
    currency = bill_reading.currency_of(shown, "Presentment Currency", settled)
    amount = gross
    if shown and fields.get("Presentment Amount"):
        name = "Presentment Amount"
        amount = bill_reading.amount(fields[name], currency, name)
    if item in (Item.REFUND, Item.DISPUTE):
        amount = -abs(amount) if word in _UNDOES else abs(amount)
    at = first(fields.get("Transaction Date"))
    return BillRow(
        line=line, item=item, standing=Standing.SUCCEEDED, status=word,
        at=bill_reading.instant(at, hints.zone, "Transaction Date"), order=order,
        amount_minor=amount, currency=currency,
        fee_minor=bill_reading.amount(fields.get("Fee", ""), settled, "Fee"),
        settled_minor=gross if settled != currency else None, settled_currency=settled,
    )  # fmt: skip
