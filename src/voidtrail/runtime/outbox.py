"""Reading the outbox: changes of verdicts that somebody should hear of.

A notice carries what a decision about it may ask: of which order and shop, how much, by which
method. That is read for a whole slice of notices at once, and says what holds now, not what held
when the notice was written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from voidtrail.event.account import Account
from voidtrail.event.model import Channel, Method, Micros
from voidtrail.ledger.connection import marks
from voidtrail.ledger.contract import HISTORY, Log
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.lifecycle.order import OrderVerdict, Part, counted, judge_order
from voidtrail.lifecycle.verdict import Verdict
from voidtrail.money import currency_code


class About(NamedTuple):
    """What is known of the payment that a notice speaks of.

    Attributes:
        payment, order: references as platform and shop write them; order is "" where none is known.
        payment_no: number in the store, which stays its own when payments turn out to be one.
        order_no: number of the order in the store; None where none is known.
        order_verdict: what all payments of its order together mean.
        shadow: only a shop's word on an order whose payment a platform knows; nobody is to be
            told of it beside that payment.
        test: test traffic.
        amount_minor: taken, else held, else asked for; None if nobody said.
        currency: ISO 4217 code; "" if nobody said.
        method, channel: names in lower case, as "alipay_qr".
        dimensions: public dimensions, the latest word on each.
        customer: pseudonym's number in the store; None if unknown.
        name: the payment's whole name, as "stripe/main/pi_1".
        zone: of the shop's clock.
    """

    payment_no: int
    payment: str = ""
    order: str = ""
    order_no: int | None = None
    order_verdict: OrderVerdict | None = None
    source: str = ""
    account: str = ""
    shop: str = ""
    entity: str = ""
    test: bool = False
    shadow: bool = False
    amount_minor: int | None = None
    currency: str = ""
    method: str = "unknown"
    channel: str = "unknown"
    began_at: Micros | None = None
    dimensions: Mapping[str, str] = {}
    customer: int | None = None
    name: str = ""
    zone: str = "UTC"


class Notice(NamedTuple):
    """A change of a payment's verdict, durable and not yet struck off.

    Attributes:
        no: number in the outbox; the key under which a receiver may drop a repetition.
        quiet: history or test traffic: recorded, told to nobody.
        history: a file told it, or it was read again; what is quiet besides is test traffic.
    """

    no: int
    at: Micros
    payment_id: int
    quiet: bool
    before: Verdict | None
    after: Verdict
    about: About
    history: bool = False


Concerns = Callable[[Verdict | None, Verdict], bool]
"""Whether a change from one verdict to another is worth being looked up."""


def _all(before: Verdict | None, after: Verdict) -> bool:
    return True


def take(
    ledger: Log, limit: int, after: int = 0, *, read: bool = True, concerns: Concerns = _all
) -> list[Notice]:
    """Return the oldest notices that are not struck off.

    Args:
        ledger: the store.
        limit: most notices to return.
        after: only those with a higher number.
        read: look up what they are about.
        concerns: of which changes that is looked up.
    """
    return notices(ledger, ledger.outbox(limit, after), read=read, concerns=concerns)


def notices(
    ledger: Log, rows: Sequence[tuple[Any, ...]], *, read: bool = True, concerns: Concerns = _all
) -> list[Notice]:
    """Return rows of the outbox (number, at, payment, quiet, before, after) as notices."""
    found = [
        Notice(no, at, pid, bool(quiet), None if before is None else _verdict(before),
               _verdict(after), About(pid), bool(quiet & HISTORY))
        for no, at, pid, quiet, before, after in rows
    ]  # fmt: skip
    # The twin in memory is only judged by, and keeps nothing that SQL could ask for.
    if not read or not isinstance(ledger, SqliteLog):
        return found
    wanted = {each.payment_id for each in found if concerns(each.before, each.after)}
    known = about(ledger, sorted(wanted))
    return [each._replace(about=known.get(each.payment_id, each.about)) for each in found]


def _verdict(packed: bytes) -> Verdict:
    return Verdict._make(msgspec.msgpack.decode(packed))


# A payment's number is that of its first name, and leads on to whatever it was united with since.
_PAYMENTS: Final = """SELECT f.no, n.payment_id, f.text, o.text, p.order_id,
  coalesce(p.mover_no, p.speaker & 4294967295), p.test, p.placeholder,
  CASE WHEN v.captured > 0 THEN v.captured WHEN v.authorised > 0 THEN v.authorised
    WHEN p.currency_min = p.currency_max THEN p.asked_minor END,
  v.currency, p.method_seen, p.spoken_at, p.subject
FROM name n JOIN payment p ON p.payment_id = n.payment_id
JOIN verdict v ON v.payment_id = p.payment_id
JOIN name f ON f.no = n.no LEFT JOIN order_name o ON o.no = p.order_id WHERE n.no IN"""
_PARTS: Final = """SELECT p.order_id, p.key, p.mover_no IS NOT NULL, p.placeholder, v.state, v.how,
  v.actor, v.captured - v.returned - v.withdrawn, coalesce(p.spoken_at, 0)
FROM payment p JOIN verdict v ON v.payment_id = p.payment_id WHERE p.order_id IN"""
_DIMENSIONS: Final = """SELECT n.payment_id, e.dimensions FROM name n
JOIN event e ON e.name_no = n.no WHERE e.active = 1 AND e.dimensions <> '' AND n.payment_id IN"""


def about(ledger: SqliteLog, payment_nos: Sequence[int]) -> dict[int, About]:
    """Return what is known of payments, by their numbers; one query a table."""
    accounts = ledger.accounts()
    found = {no: About(no) for no in payment_nos}
    rows = _rows(ledger, _PAYMENTS, payment_nos)
    orders = _orders(ledger, sorted({row[4] for row in rows if row[4] is not None}))
    dimensions = _dimensions(ledger, sorted({row[1] for row in rows}))
    for row in rows:
        found[row[0]] = _about(row, accounts, orders, dimensions)
    return found


def _about(
    row: tuple[Any, ...], accounts: Mapping[int, Account], orders: Mapping[int, list[Part]],
    dimensions: Mapping[int, dict[str, str]],
) -> About:  # fmt: skip
    (no, pid, name, order, order_no, account_no, test, placeholder, amount, currency, method_seen,
     began_at, subject) = row  # fmt: skip
    account, parts = accounts[account_no], orders.get(order_no, [])
    return About(
        no, _reference(name), _reference(order or ""), order_no,
        judge_order(parts) if parts else None,
        account.source, account.name, account.shop, account.entity,
        bool(test) or account.mode == "test",
        bool(placeholder) and any(not part.placeholder for part in counted(parts)),
        amount, currency_code(currency) if currency else "",
        Method((method_seen or 0) >> 8 & 255).name.lower(),
        Channel((method_seen or 0) & 255).name.lower(), began_at, dimensions.get(pid, {}), subject,
        name, account.zone,
    )  # fmt: skip


def _reference(name: str) -> str:
    """Return what stands behind "source/account/" or "order/shop/"."""
    return name.split("/", 2)[-1]


def _orders(ledger: SqliteLog, order_nos: Sequence[int]) -> dict[int, list[Part]]:
    orders: dict[int, list[Part]] = defaultdict(list)
    for no, key, mover, placeholder, *rest in _rows(ledger, _PARTS, order_nos):
        orders[no].append(Part(key, bool(mover), bool(placeholder), *rest))
    return orders


def _dimensions(ledger: SqliteLog, payment_ids: Sequence[int]) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = defaultdict(dict)
    for pid, text in _rows(ledger, _DIMENSIONS, payment_ids, "ORDER BY e.occurred_at, e.seq"):
        found[pid].update(msgspec.json.decode(text))
    return found


def _rows(
    ledger: SqliteLog, select: str, values: Sequence[int], order: str = ""
) -> list[tuple[Any, ...]]:
    if not values:
        return []
    text, padded = marks(values)
    return ledger.db.execute(f"{select} {text} {order}", padded).fetchall()
