"""PayPal's settlement and transaction reports (STL, TRR): lines that say what they are.

Source: PayPal's documents "Settlement Report" and "Transaction Detail Report" (unconfirmed in
detail). Quoted CSV; RH and FH begin the report and its file, SH a section with its period and
account, CH names the columns, SB is a row, SF and SC end the section with sums and a count. Amounts
are whole numbers of minor units beside a word for their direction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from voidtrail.event.bill import BillRow, Item, Standing
from voidtrail.sources import bill_reading
from voidtrail.sources.bill_reading import Bad, Cells, End, Head, Hints, Piece, Said, Total, Unfit
from voidtrail.sources.contract import first

SOURCE: Final = "paypal"
MERCHANT_OPTIONS: Final = ("merchant_id", "account_id")
_ITEMS: Final = {
    "T00": Item.PAYMENT, "T01": Item.FEE, "T02": Item.EXCHANGE, "T03": Item.ADJUSTMENT,
    "T04": Item.PAYOUT, "T05": Item.ADJUSTMENT, "T06": Item.ADJUSTMENT, "T11": Item.REFUND,
    "T12": Item.DISPUTE, "T20": Item.ADJUSTMENT,
}  # fmt: skip
"""By the group of the event code."""
_GAINS: Final = frozenset({"T1112", "T1202", "T1207", "T1208"})
"""Reversals and chargebacks that were called off: money comes back."""
_STANDINGS: Final = {"P": Standing.PENDING, "D": Standing.FAILED, "V": Standing.REVERSED}
_SB: Final = "SB"


def recognises(start: str) -> bool:
    """Whether a file that begins so is one of these reports."""
    return start.lstrip("\ufeff").startswith(('"RH"', "RH,", '"RH",'))


def read(lines: Iterable[str], hints: Hints) -> Iterator[Piece]:
    """Read a bill (see `bill_reading.Form`)."""
    names: list[str] = []
    rows, closed = 0, False
    sums: Counter[tuple[str, str]] = Counter()
    for found in bill_reading.records(lines):
        if isinstance(found, Bad):
            yield found
            continue
        line, cells = found
        word = bill_reading.cell(cells[0]).upper()
        if word == "SH":
            yield _head(cells)
        elif word == "CH":
            names = [bill_reading.column(each) for each in cells[1:]]
        elif word == _SB:
            each = bill_reading.said(names, Cells(line, cells[1:]), row_of, hints)
            if isinstance(each, Said):
                rows += 1
                _add(sums, each.fields)
            yield each
        elif word == "SF" and len(cells) > 3:
            currency = bill_reading.cell(cells[1]).upper()
            for place, way in ((2, "CR"), (3, "DR")):
                stated = bill_reading.decimal(cells[place])
                if stated is not None:
                    yield Total(f"SF {currency} {way}", bill_reading.plain(stated),
                                str(sums[currency, way]))  # fmt: skip
        elif word == "SC" and len(cells) > 1:
            closed = True
            yield Total("SC", bill_reading.cell(cells[1]), str(rows))
    yield End(closed)


def _head(cells: list[str]) -> Head:
    """Read the section's head: its period and its account."""
    since, until, merchant = (*map(bill_reading.cell, cells[1:4]), "", "", "")[:3]
    try:
        return Head(
            merchant, bill_reading.instant(since, "UTC", ""), bill_reading.instant(until, "UTC", "")
        )
    except Unfit:
        return Head(merchant)


def _add(sums: Counter[tuple[str, str]], fields: Mapping[str, str]) -> None:
    value = bill_reading.decimal(fields.get("Gross Transaction Amount", ""))
    if value is not None:
        currency = fields.get("Gross Transaction Currency", "").upper()
        sums[currency, fields.get("Transaction Debit or Credit", "")] += int(value)


def row_of(fields: Mapping[str, str], line: int, hints: Hints) -> BillRow:
    """Read one row from its cells.

    Raises:
        Unfit: a cell cannot be read.
    """
    code, own = fields.get("Transaction Event Code", ""), fields.get("Transaction ID", "")
    if not code or not own:
        raise Unfit("Transaction Event Code", "is empty or absent")
    item = _ITEMS.get(code[:3], Item.OTHER)
    currency = bill_reading.currency_of(
        fields.get("Gross Transaction Currency", ""), "Gross Transaction Currency"
    )
    amount = _whole(fields, "Gross Transaction Amount")
    if item in (Item.REFUND, Item.DISPUTE) and code in _GAINS:
        amount = -amount
    elif item is Item.PAYMENT and fields.get("Transaction Debit or Credit") == "DR":
        item = Item.OTHER  # money that the merchant sent to somebody
    other = fields.get("PayPal Reference ID", "")
    is_own = item is Item.PAYMENT
    settled = first(fields.get("Fee Currency"), currency).upper()
    fee = _whole(fields, "Fee Amount")
    return BillRow(
        line=line, item=item, status=code,
        standing=_STANDINGS.get(fields.get("Transaction Status", "S"), Standing.SUCCEEDED),
        at=bill_reading.instant(
            first(fields.get("Transaction Completion Date"),
                  fields.get("Transaction Initiation Date")),
            "UTC", "Transaction Completion Date"),
        reference=own if is_own else first(other, own),
        names=(f"captures/{own if is_own else other}",), order=fields.get("Invoice ID", ""),
        operation="" if is_own else own, amount_minor=amount, currency=currency,
        fee_minor=-fee if fields.get("Fee Debit or Credit") == "CR" else fee,
        settled_currency=settled,
    )  # fmt: skip


def _whole(fields: Mapping[str, str], name: str) -> int:
    """Return a whole number of minor units."""
    text = fields.get(name, "")
    value = bill_reading.decimal(text) if text else bill_reading.decimal("0")
    if value is None or value != value.to_integral_value():
        raise Unfit(name, "is no whole number of minor units")
    return int(value)
