"""Rows of lists: payments by their numbers, as people see them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from voidtrail.event.account import Account
from voidtrail.event.model import Actor, Channel, Method, Micros
from voidtrail.event.reason import How
from voidtrail.ledger.connection import marks
from voidtrail.lifecycle.saving import free_sql, until_sql
from voidtrail.lifecycle.verdict import Money, State
from voidtrail.money import currency_code
from voidtrail.runtime.views.shapes import Amount, PaymentRow

ACCOUNT_NO: Final = "coalesce(p.mover_no, p.speaker & 4294967295)"
AMOUNT: Final = (
    "CASE WHEN v.captured > 0 THEN v.captured WHEN v.authorised > 0 THEN v.authorised "
    "WHEN p.currency_min = p.currency_max THEN p.asked_minor END"
)
_AT_ONCE: Final = 256
_SQL: Final = f"""SELECT p.payment_id, n.text, o.text, {ACCOUNT_NO}, p.method_seen, p.test,
  p.spoken_at, v.state, v.how, v.actor, v.money, v.final, v.sealed, v.ended_at, v.currency,
  {AMOUNT}, CASE WHEN {free_sql(":now")} THEN {until_sql(":now")} END
FROM payment p CROSS JOIN verdict v ON v.payment_id = p.payment_id
JOIN name n ON n.no = p.payment_id LEFT JOIN order_name o ON o.no = p.order_id
WHERE p.payment_id IN (%s)"""
# A payment's number is that of the first of its names, and an order's likewise.


def rows_of(
    db: sqlite3.Connection, accounts: Mapping[int, Account], payment_ids: Sequence[int],
    now: Micros,
) -> list[PaymentRow]:  # fmt: skip
    """Return payments as rows, in the order given; one that is gone is left out.

    Args:
        db: of the ledger.
        accounts: by number.
        payment_ids: numbers of payments that somebody spoke of.
        now: by which it is said what can still be saved.
    """
    found: dict[int, PaymentRow] = {}
    for start in range(0, len(payment_ids), _AT_ONCE):
        part = payment_ids[start : start + _AT_ONCE]
        _, padded = marks(part)
        names = {f"i{place}": pid for place, pid in enumerate(padded)}
        sql = _SQL % ", ".join(f":{name}" for name in names)
        for row in db.execute(sql, {"now": now, **names}):
            found[row[0]] = _row(row, accounts, now)
    return [found[pid] for pid in payment_ids if pid in found]


def _row(row: Sequence[Any], accounts: Mapping[int, Account], now: Micros) -> PaymentRow:
    (_, name, order, account_no, method, test, began_at, state, how, actor, money, final, sealed,
     ended_at, currency, amount, until) = row  # fmt: skip
    account = accounts[account_no]
    saveable = until is not None and until > now
    return PaymentRow(
        payment=name,
        reference=reference_of(name),
        order=reference_of(order) if order else "",
        state=State(state).name.lower(),
        how=How(how).name.lower() if how else "",
        actor=Actor(actor).name.lower(),
        money=Money(money).name.lower(),
        amount=None if amount is None else Amount(minor=amount, currency=currency_code(currency)),
        source=account.source,
        account=account.name,
        method=Method((method or 0) >> 8 & 255).name.lower(),
        channel=Channel((method or 0) & 255).name.lower(),
        shop=account.shop,
        entity=account.entity,
        test=account.mode == "test" or bool(test),
        final=bool(final),
        sealed=bool(sealed),
        began_at=began_at or 0,
        ended_at=ended_at,
        saveable=saveable,
        save_until=until if saveable else None,
        zone=account.zone,
    )


def reference_of(name: str) -> str:
    """Return what a shop or platform itself writes, of a whole name.

    >>> reference_of("stripe/main/pi_1"), reference_of("order/shop/A/1")
    ('pi_1', 'A/1')
    """
    return name.split("/", 2)[2]


def amounts_of(sums: Mapping[str, int] | Iterable[tuple[str, int]]) -> tuple[Amount, ...]:
    """Return sums by currency, the largest first."""
    pairs = dict(sums).items()
    return tuple(
        Amount(minor=minor, currency=currency)
        for currency, minor in sorted(pairs, key=lambda each: (-each[1], each[0]))
    )
