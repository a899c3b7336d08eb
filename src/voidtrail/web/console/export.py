"""Payments as CSV: for people's spreadsheets, and so without a cell that one would execute."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from voidtrail.event.model import Micros
from voidtrail.money import major_text
from voidtrail.runtime.clock import to_text
from voidtrail.runtime.views.shapes import PaymentRow

COLUMNS: Final = (
    "payment", "order", "state", "how", "actor", "money", "amount", "currency", "source", "account",
    "method", "channel", "shop", "entity", "test", "final", "sealed", "began_at", "ended_at",
    "saveable", "save_until",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it spreadsheets on Windows read Chinese as something else."""


def safe(text: str) -> str:
    """Return a cell that a spreadsheet takes as text, whatever a reference begins with.

    >>> safe("=HYPERLINK(1)"), safe("HT1042")
    ("'=HYPERLINK(1)", 'HT1042')
    """
    hidden = text.lstrip(" ").startswith(_FORMULA) or text.lstrip().startswith(_FORMULA)
    return f"'{text}" if hidden else text


def file_name(text: str) -> str:
    """Return a text as the name of a file: letters, digits, hyphens.

    >>> file_name('payments-2026-03-01"; x')
    'payments-2026-03-01x'
    """
    return "".join(each for each in text if each.isascii() and (each.isalnum() or each == "-"))


def lines(rows: Iterable[PaymentRow]) -> str:
    """Return rows as CSV."""
    out = io.StringIO()
    csv.writer(out).writerows(_cells(row) for row in rows)
    return out.getvalue()


def head() -> str:
    """Return the first line, behind the mark of its encoding."""
    out = io.StringIO()
    csv.writer(out).writerow(COLUMNS)
    return BYTE_ORDER_MARK + out.getvalue()


def _cells(row: PaymentRow) -> Sequence[str]:
    amount, currency = "", ""
    if row.amount is not None:
        currency = row.amount.currency
        amount = major_text(row.amount.minor, currency) if currency else str(row.amount.minor)
    said = [
        safe(row.payment), safe(row.order), row.state, row.how, row.actor, row.money, amount,
        currency, row.source, safe(row.account), row.method, row.channel, safe(row.shop),
        safe(row.entity),
    ]  # fmt: skip
    flags = ["yes" if each else "no" for each in (row.test, row.final, row.sealed)]
    until = _instant(row.save_until, row.zone)
    return [*said, *flags, _instant(row.began_at, row.zone), _instant(row.ended_at, row.zone),
            "yes" if row.saveable else "no", until]  # fmt: skip


def _instant(at: Micros | None, zone: str) -> str:
    return to_text(at, zone) or ""
