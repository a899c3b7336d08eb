"""A raw delivery, shown: that somebody looked, who and why, is written before it is opened."""

from __future__ import annotations

from typing import Final

import msgspec

from voidtrail.errors import NotFound, WrongUse
from voidtrail.event.model import Via
from voidtrail.ledger.contract import DeliveryRow, Log
from voidtrail.runtime.app import House
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.retranslate import Rereader
from voidtrail.runtime.views.source_shapes import Reveal

REVEALED: Final = "revealed"
"""The kind of the control entry."""
WHY_MAX: Final = 500
_SQL: Final = f"SELECT {', '.join(DeliveryRow._fields)} FROM delivery WHERE seq = ?"


async def reveal(house: House, intake: Intake, number: int, *, who: str, why: str) -> Reveal:
    """Return a delivery as it was received, card numbers masked.

    Args:
        house: the house whose ledger is written.
        intake: the only writer.
        number: of the delivery.
        who: the person who asks.
        why: the reason given, in the person's words.

    Raises:
        NotFound: there is no such delivery.
        KeyErased: it can never be read again; nothing was written.
        WrongUse: no reason was given.
        LedgerStopped: that somebody looks could not be written, so nothing is shown.
    """
    if not why.strip() or not who:
        raise WrongUse("who opens a delivery says why")
    reader, row = kept(house, number)
    delivery = reader.delivery(row)
    entry = {"delivery": number, "who": who, "why": why.strip()[:WHY_MAX]}

    def write(ledger: Log) -> int:
        ledger.control([(REVEALED, msgspec.json.encode(entry).decode())], house.clock())
        return ledger.head().entries

    written = await intake.exclusively(write)
    account = reader.entries[row.account_no].account
    return Reveal(
        delivery=number, source=account.source, account=account.name,
        received_at=delivery.received_at, zone=account.zone, via=Via(delivery.via).name.lower(),
        entry=written, headers=delivery.headers,
        body=delivery.body.decode("utf-8", "backslashreplace"), form=_form(delivery.body),
        request=delivery.request, context=delivery.context,
    )  # fmt: skip


def kept(house: House, number: int) -> tuple[Rereader, DeliveryRow]:
    """Return a delivery's row (of an equal body's, the one that was kept), and what opens it.

    Args:
        house: the house.
        number: of the delivery.

    Raises:
        NotFound: there is no such delivery.
    """
    db = house.ledger.db
    found = db.execute(_SQL, (number,)).fetchone()
    if found is None:
        raise NotFound(f"there is no delivery {number}")
    row = DeliveryRow(*found)
    if row.sealed is None and row.repeat_of is not None:
        row = DeliveryRow(*db.execute(_SQL, (row.repeat_of,)).fetchone())
    account = house.ledger.accounts()[row.account_no]
    return Rereader(house, account.source, account.name), row


def _form(body: bytes) -> str:
    """Return how a body is best set: "json", "xml", "form" or "text".

    >>> _form(b'{"a": 1}'), _form(b"<xml/>"), _form(b"a=1&b=2"), _form(b"hello")
    ('json', 'xml', 'form', 'text')
    """
    start = body.lstrip()[:1]
    if start in (b"{", b"["):
        return "json"
    if start == b"<":
        return "xml"
    return "form" if b"=" in body and b"\n" not in body.strip() else "text"
