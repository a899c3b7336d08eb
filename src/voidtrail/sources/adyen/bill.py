"""Adyen's settlement detail report: one row per booking of a batch.

Source: Adyen's document "Settlement details report"; header of a report in public. The instant
stands beside the name of its zone; gross is in the currency of the payment, net in the one that is
paid out, each as a debit or a credit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from voidtrail.event.bill import BillRow, Item, Standing
from voidtrail.sources import bill_reading
from voidtrail.sources.bill_reading import Hints, Piece, Unfit

SOURCE: Final = "adyen"
MERCHANT_OPTIONS: Final = ("merchant_account",)
_ITEMS: Final = {
    "Settled": Item.PAYMENT, "SettledBulk": Item.PAYMENT, "SentForSettle": Item.OTHER,
    "Refunded": Item.REFUND, "RefundedBulk": Item.REFUND, "RefundedReversed": Item.REFUND,
    "Chargeback": Item.DISPUTE, "SecondChargeback": Item.DISPUTE,
    "ChargebackReversed": Item.DISPUTE, "Fee": Item.FEE, "PaymentCost": Item.FEE,
    "InvoiceDeduction": Item.FEE, "MerchantPayout": Item.PAYOUT, "AcquirerPayout": Item.PAYOUT,
    "Balancetransfer": Item.PAYOUT, "DepositCorrection": Item.ADJUSTMENT,
    "ReserveAdjustment": Item.ADJUSTMENT,
}  # fmt: skip
_UNDOES: Final = frozenset({"RefundedReversed", "ChargebackReversed"})
_COSTS: Final = ("Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)")
_ABBREVIATED: Final = {
    "CET": "Europe/Amsterdam", "CEST": "Europe/Amsterdam", "BST": "Europe/London",
    "PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "EST": "America/New_York",
    "EDT": "America/New_York", "SGT": "Asia/Singapore", "AEST": "Australia/Sydney",
}  # fmt: skip


def recognises(start: str) -> bool:
    """Whether a file that begins so is such a report."""
    head = start.partition("\n")[0]
    return "Psp Reference" in head and "Gross Credit (GC)" in head


def read(lines: Iterable[str], hints: Hints) -> Iterator[Piece]:
    """Read a bill (see `bill_reading.Form`)."""
    return bill_reading.plain_table(lines, hints, row_of, _merchant)


def _merchant(fields: Mapping[str, str]) -> str:
    return fields.get("Merchant Account", "")


def row_of(fields: Mapping[str, str], line: int, hints: Hints) -> BillRow:
    """Read one row from its cells.

    Raises:
        Unfit: a cell cannot be read.
    """
    word = fields.get("Type", "")
    if not word:
        raise Unfit("Type", "is empty or absent")
    item = _ITEMS.get(word, Item.OTHER)
    settled = bill_reading.currency_of(fields.get("Net Currency", ""), "Net Currency", "EUR")
    currency = bill_reading.currency_of(fields.get("Gross Currency", ""), "Gross Currency", settled)
    gross = _way(fields, "Gross Credit (GC)", "Gross Debit (GC)", currency)
    net = _way(fields, "Net Credit (NC)", "Net Debit (NC)", settled)
    fee = sum(bill_reading.amount(fields.get(name, ""), settled, name, rounding=True)
              for name in _COSTS)  # fmt: skip
    own, payment = fields.get("Modification Reference", ""), fields.get("Psp Reference", "")
    if item in (Item.REFUND, Item.DISPUTE):
        gross = -abs(gross) if word in _UNDOES else abs(gross)
    return BillRow(
        line=line, item=item, standing=Standing.SUCCEEDED, status=word,
        at=bill_reading.instant(
            fields.get("Creation Date", ""), _zone(fields.get("TimeZone", ""), hints),
            "Creation Date",
        ),
        reference=payment, order=fields.get("Merchant Reference", ""),
        operation=own if item in (Item.REFUND, Item.DISPUTE) else "",
        amount_minor=gross, currency=currency, fee_minor=fee,
        settled_minor=net if settled != currency else None, settled_currency=settled,
        merchant=_merchant(fields),
    )  # fmt: skip


def _way(fields: Mapping[str, str], credit: str, debit: str, currency: str) -> int:
    return bill_reading.amount(fields.get(credit, ""), currency, credit) - bill_reading.amount(
        fields.get(debit, ""), currency, debit
    )


def _zone(name: str, hints: Hints) -> str:
    name = _ABBREVIATED.get(name, name) or hints.zone
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Unfit("TimeZone", "is no time zone that is known") from None
    return name
