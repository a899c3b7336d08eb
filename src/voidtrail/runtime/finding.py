"""From a reference as people write it to the payments that it may mean.

Names are looked up by their key, never by text: among millions an index over texts would cost every
delivery, and the key is there anyway.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

from voidtrail.event.account import Account
from voidtrail.event.codec import key63, order_name
from voidtrail.ledger.connection import marks

_MOST: Final = 50
_NAMED: Final = "SELECT DISTINCT payment_id FROM name WHERE key IN"
_ORDERED: Final = (
    "SELECT DISTINCT p.payment_id FROM order_name o JOIN payment p ON p.order_id = o.order_id "
    "WHERE o.key IN"
)
_OPERATED: Final = (
    "SELECT DISTINCT n.payment_id FROM event e INDEXED BY event_operation "
    "JOIN name n ON n.no = e.name_no WHERE e.operation <> '' "
    "AND (e.kind NOT IN (6, 7) OR e.names = x'') AND e.operation >= ?1 "
    "AND e.operation < ?1 || ';' "
    f"AND (e.operation = ?1 OR substr(e.operation, length(?1) + 1, 1) = ':') LIMIT {_MOST}"
)
"""Operations by their own reference; "dp_1" also means what is kept as "dp_1:reinstatement".

A capture or an authorisation that gives names has that of the operation among them.
"""


class Meant(NamedTuple):
    """Payments that a reference means.

    Attributes:
        by: what it is a reference of: "payment", "order" or "operation".
        payment_ids: not sorted; more than one where several have the same reference.
    """

    by: Literal["payment", "order", "operation"]
    payment_ids: list[int]


def meant(db: sqlite3.Connection, accounts: Iterable[Account], reference: str) -> Meant | None:
    """Return what a reference means: whole names first, then the rest; None if nothing.

    Args:
        db: of the ledger.
        accounts: all that the ledger knows.
        reference: as the shop or a platform writes it, or with its scope as "stripe/main/pi_1".
    """
    if not reference:
        return None
    for by, found in _guesses(db, list(accounts), reference):
        known = _rows(db, "SELECT payment_id FROM payment WHERE payment_id IN", found)
        if known:
            return Meant(by, known)
    return None


def _guesses(
    db: sqlite3.Connection, accounts: list[Account], reference: str
) -> Iterator[tuple[Literal["payment", "order", "operation"], list[int]]]:
    yield "payment", _rows(db, _NAMED, [key63(reference)])
    yield "order", _rows(db, _ORDERED, [key63(reference)])
    shops = sorted({account.shop for account in accounts})
    yield "order", _rows(db, _ORDERED, [key63(order_name(shop, reference)) for shop in shops])
    scopes = sorted({f"{account.source}/{account.name}" for account in accounts})
    yield "payment", _rows(db, _NAMED, [key63(f"{scope}/{reference}") for scope in scopes])
    yield "operation", [pid for (pid,) in db.execute(_OPERATED, (reference,))]


def _rows(db: sqlite3.Connection, select: str, values: list[int]) -> list[int]:
    if not values:
        return []
    text, padded = marks(values)
    return [found for (found,) in db.execute(f"{select} {text}", padded)]
