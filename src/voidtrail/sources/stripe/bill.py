"""Stripe's itemised balance reports, and the balance history that the dashboard exports.

Source: docs of the report types `balance_change_from_activity.itemized.*` and
`ending_balance_reconciliation.itemized.*`; header of the dashboard's export in public. One row per
balance transaction; amounts in major units, signed as the balance moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from voidtrail.event.bill import BillRow, Item, Standing
from voidtrail.sources import bill_reading
from voidtrail.sources.bill_reading import Hints, Piece, Unfit
from voidtrail.sources.contract import first

SOURCE: Final = "stripe"
MERCHANT_OPTIONS: Final = ("account_id",)
_ITEMS: Final = {
    "charge": Item.PAYMENT, "payment": Item.PAYMENT, "charge_failure": Item.REFUND,
    "payment_failure_refund": Item.REFUND, "partial_capture_reversal": Item.ADJUSTMENT,
    "refund": Item.REFUND, "payment_refund": Item.REFUND, "refund_failure": Item.REFUND,
    "dispute": Item.DISPUTE, "dispute_reversal": Item.DISPUTE, "fee": Item.FEE,
    "stripe_fee": Item.FEE, "tax": Item.FEE, "network_cost": Item.FEE, "payout": Item.PAYOUT,
    "transfer": Item.PAYOUT, "payout_reversal": Item.PAYOUT, "currency_conversion": Item.EXCHANGE,
    "adjustment": Item.ADJUSTMENT, "other_adjustment": Item.ADJUSTMENT,
}  # fmt: skip
_UNDOES: Final = frozenset({"refund_failure", "dispute_reversal"})
"""Money that comes back to the merchant, though refunds and disputes leave."""


def recognises(start: str) -> bool:
    """Whether a file that begins so is one of these reports."""
    head = start.partition("\n")[0]
    return "balance_transaction_id" in head or head.lstrip("\ufeff").startswith("id,Type,Source,")


def read(lines: Iterable[str], hints: Hints) -> Iterator[Piece]:
    """Read a bill (see `bill_reading.Form`)."""
    return bill_reading.plain_table(lines, hints, row_of, _merchant)


def _merchant(fields: Mapping[str, str]) -> str:
    return fields.get("connected_account", "")


def _cells(fields: Mapping[str, str]) -> Mapping[str, str]:
    """Return the dashboard's columns under the names of the report's."""
    if "Source" not in fields:
        return fields
    return {
        **fields, "reporting_category": fields.get("Type", ""), "source_id": fields["Source"],
        "gross": fields.get("Amount", ""), "fee": fields.get("Fee", ""),
        "currency": fields.get("Currency", ""), "created_utc": fields.get("Created (UTC)", ""),
        "customer_facing_amount": fields.get("Customer Facing Amount", ""),
        "customer_facing_currency": fields.get("Customer Facing Currency", ""),
        "balance_transaction_id": fields.get("id", ""),
    }  # fmt: skip


def row_of(fields: Mapping[str, str], line: int, hints: Hints) -> BillRow:
    """Read one row from its cells.

    Raises:
        Unfit: a cell cannot be read.
    """
    cells = _cells(fields)
    word = cells.get("reporting_category", "")
    if not word:
        raise Unfit("reporting_category", "is empty or absent")
    item = _ITEMS.get(word, Item.OTHER)
    settled = bill_reading.currency_of(cells.get("currency", ""), "currency")
    gross = bill_reading.amount(cells.get("gross", ""), settled, "gross")
    facing = cells.get("customer_facing_currency", "")
    currency = bill_reading.currency_of(facing, "customer_facing_currency", settled)
    amount = gross
    if facing and cells.get("customer_facing_amount"):
        name = "customer_facing_amount"
        amount = bill_reading.amount(cells[name], currency, name)
    if item is not Item.PAYMENT:
        amount = -abs(amount) if word in _UNDOES else abs(amount)
    source = cells.get("source_id", "")
    charge = cells.get("charge_id", "")
    names = dict.fromkeys(each for each in (charge, source) if each)
    reference = first(cells.get("payment_intent_id"), charge, source)
    names.pop(reference, None)
    at, zone = cells.get("created_utc", ""), "UTC"
    if not at:
        at, zone = cells.get("created", ""), hints.zone
    return BillRow(
        line=line, item=item, standing=Standing.SUCCEEDED, status=word,
        at=bill_reading.instant(at, zone, "created"), reference=reference, names=tuple(names),
        order=_order(cells), operation="" if item is Item.PAYMENT else source,
        amount_minor=amount, currency=currency,
        fee_minor=bill_reading.amount(cells.get("fee", ""), settled, "fee"),
        settled_minor=gross if settled != currency else None, settled_currency=settled,
        merchant=_merchant(cells),
    )  # fmt: skip


def _order(cells: Mapping[str, str]) -> str:
    """Return the merchant's order where the metadata that was asked for names it."""
    for name in ("payment_metadata[order_id]", "order_id (metadata)", "order_id"):
        if cells.get(name):
            return cells[name]
    return ""
