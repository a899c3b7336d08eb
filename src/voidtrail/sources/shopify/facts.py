"""What Shopify's orders, transactions, refunds and disputes tell; the tables: `sources.shopify`.

An order's body shows how it stood, so one cancellation comes again with every later change, and
again with a repetition that is hours old. Each fact therefore has an identity of its own (order,
word, instant): however often and in whatever topic it comes, it is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from voidtrail.event.account import Account
from voidtrail.event.model import Channel, Delivery, Event, Kind, Micros
from voidtrail.event.reason import number
from voidtrail.sources import reading, shop
from voidtrail.sources.contract import ReasonRow, Row
from voidtrail.sources.shopify import wire
from voidtrail.sources.telling import (
    ASKED,
    AUTHORISE,
    CANCEL,
    CAPTURE,
    CUMULATIVE,
    DISPUTE,
    EXPIRE,
    OPEN,
    OTHER,
    OWN,
    PENDING,
    REFUND,
    REFUSED,
    REVERSE,
    SUCCEEDED,
    UNKNOWN,
    VOID,
    Teller,
    ordered,
)

_CHANNELS: Final = {"web": Channel.WEB, "pos": Channel.POS, "iphone": Channel.APP,
                    "android": Channel.APP}  # fmt: skip
_OUTCOMES: Final = {"success": SUCCEEDED, "failure": REFUSED, "error": REFUSED, "pending": PENDING,
                    "awaiting_response": PENDING}  # fmt: skip
_RETURNED_FOR: Final = {"customer": "refund_on_request", "fraud": "refund_of_fraud"}
_PAID: Final = frozenset({"paid", "partially_refunded", "refunded"})
_NOWHERE: Final = Channel.UNKNOWN
_OTHER: Final = Row(OTHER, UNKNOWN, "")
_FIELDS: Final = frozenset({"id", "name", "order_number", "token", "checkout_token"})


def _at(delivery: Delivery, *texts: str | None) -> Micros:
    found = (reading.instant(text, 0) for text in texts)
    return next((at for at in found if at is not None), delivery.received_at)


def _teller(
    reasons: Mapping[str, ReasonRow], delivery: Delivery, found: wire.Transaction, about: str,
    currency: str | None,
) -> Teller:  # fmt: skip
    return Teller(
        reasons, (), about, 0, currency=(currency or "").upper(), via=delivery.via,
        test=bool(found.test), life=delivery.via is not ASKED,
    )  # fmt: skip


def _reference(account: Account, found: wire.Notice) -> str:
    """Return the order's reference that its payment platform was given, as far as we are told."""
    field = account.options.get("order_field", "id")
    value = getattr(found, field) if field in _FIELDS else None
    return "" if value is None else str(value)


def order(
    reasons: Mapping[str, ReasonRow],
    events: Mapping[str, Row],
    delivery: Delivery,
    account: Account,
    found: wire.Notice,
) -> list[Event]:
    """Return what an order tells, with the refunds inside it.

    Raises:
        ValueError: an amount cannot be read.
    """
    about = str(found.id)
    checkout = f"checkout:{found.checkout_token}" if found.checkout_token else ""
    tell = _teller(reasons, delivery, found, about, found.currency)._replace(
        names=(checkout,) if checkout else (),
        order=_reference(account, found),
        customer=str(found.customer.id) if found.customer and found.customer.id else "",
        channel=_CHANNELS.get(found.source_name or "", _NOWHERE),
    )
    total = shop.minor(found.total_price, tell.currency)
    made, changed = _at(delivery, found.created_at), _at(delivery, found.updated_at)
    status = (found.financial_status or "").lower()
    sure = str(total or "")
    told = [_as(tell, about, "created", found.created_at, sure, made)(Kind.ORDER, SUCCEEDED, "",
                                                                     total)]  # fmt: skip
    reason = (found.cancel_reason or "").lower()
    back = _RETURNED_FOR.get(reason, "merchant_refund") if found.cancelled_at else "merchant_refund"
    moved = [
        event
        for refund in found.refunds or ()
        for each in refund.transactions or ()
        for event in _transaction(tell, delivery, account, events, each, about, back)
    ]
    here = any(event.kind is REFUND and not event.scope for event in moved)
    stands = _as(tell, about, status, "", sure, changed)
    told += _money(stands, events, found, about, total, itemised=here)
    if found.cancelled_at:
        told += _cancelled(tell, delivery, found, about, reason)
    elif delivery.via is ASKED and events.get(f"order/{status}", _OTHER).kind in (OPEN, OTHER):
        # That it still waits holds as of the answer.
        now = _as(tell, about, "waiting", "", sure, delivery.received_at)
        told.append(now(OPEN, PENDING, "", total))
    return [shop.witnessed(event) for event in told] + moved


def _as(tell: Teller, about: str, word: str, when: str | None, amount: str, at: Micros) -> Teller:
    return tell._replace(identity=("order", about, word, when or "", amount), at=at)


def _money(
    tell: Teller, events: Mapping[str, Row], found: wire.Notice, about: str, total: int | None,
    *, itemised: bool,
) -> list[Event]:  # fmt: skip
    """Tell what the order's financial status says; amounts of it count everything so far.

    Refunds that are itemised tell of themselves, unless they are of a platform's payment: then
    the order's own money would seem to stay.
    """
    status = (found.financial_status or "").lower()
    row = events.get(f"order/{status}", _OTHER)
    if row.kind is OTHER:
        return [tell(OTHER, UNKNOWN, reason=(0, status))] if status else []
    if row.kind is OPEN:
        return []
    if row.kind is CAPTURE:
        taken = total
        if status not in _PAID:  # in part: what is left is told, or nothing is known
            left = shop.minor(found.total_outstanding, tell.currency)
            taken = None if left is None or total is None else max(0, total - left)
        told = [tell(CAPTURE, SUCCEEDED, about, taken, CUMULATIVE)]
        if status == "refunded" and not itemised:
            why = (number("merchant_refund"), status)
            told.append(tell(REFUND, SUCCEEDED, f"{about}:refunded", total, CUMULATIVE, reason=why))
        return told
    if row.kind is AUTHORISE:
        return [tell(AUTHORISE, SUCCEEDED, about, total, CUMULATIVE)]
    let_go = tell(VOID, SUCCEEDED, f"{about}:{status}", reason=(0, status))
    if row.kind is VOID:
        return [let_go]
    lapsed = (number("authorisation_lapsed"), status)
    return [tell(EXPIRE, SUCCEEDED, "", total, reason=lapsed), let_go]


def _cancelled(
    tell: Teller, delivery: Delivery, found: wire.Notice, about: str, reason: str
) -> list[Event]:
    at = _at(delivery, found.cancelled_at)
    tell = _as(tell, about, "cancelled", found.cancelled_at, reason, at)
    why = tell.why("cancel/", "unstated", reason)
    if ordered(delivery.context) is CANCEL:
        why = (number("merchant_request"), reason)
    told = [tell(CANCEL, SUCCEEDED, reason=why)]
    if reason == "declined":
        told.insert(0, tell(AUTHORISE, REFUSED, f"{about}:declined", reason=why))
    return told


def transaction(
    reasons: Mapping[str, ReasonRow],
    events: Mapping[str, Row],
    delivery: Delivery,
    account: Account,
    found: wire.Transaction,
) -> list[Event]:
    """Return what a transaction tells that comes by itself.

    Raises:
        ValueError: an amount cannot be read.
    """
    about = str(found.order_id)
    tell = _teller(reasons, delivery, found, about, found.currency)
    if account.options.get("order_field", "id") == "id":
        tell = tell._replace(order=about)
    return _transaction(tell, delivery, account, events, found, about, "merchant_refund")


def _transaction(
    tell: Teller, delivery: Delivery, account: Account, events: Mapping[str, Row],
    found: wire.Transaction, about: str, returned_for: str,
) -> list[Event]:  # fmt: skip
    """Tell of one transaction: of its gateway's payment if we know whose, else of the order."""
    operation, status = str(found.id), (found.status or "").lower()
    row = events.get(f"transaction/{(found.kind or '').lower()}", _OTHER)
    result = _OUTCOMES.get(status, UNKNOWN)
    scope = shop.scope_of(account, found.gateway)
    reference = found.authorization or ""
    scoped = bool(scope and reference)
    tell = tell._replace(
        identity=("transaction", operation, status, found.kind or "", str(found.amount or "")),
        payment=reference if scoped else about,
        names=() if scoped else tell.names,
        at=_at(delivery, found.processed_at, found.created_at),
        currency=(found.currency or tell.currency).upper(),
    )
    amount = shop.minor(found.amount, tell.currency)
    parent = f"authorise:{found.parent_id}" if row.kind is VOID and found.parent_id else ""
    why = (0, "")
    if row.kind is REFUND:
        why = (number(returned_for), "")
    elif result is REFUSED:
        why = tell.why("", "platform_fault" if status == "error" else "declined", found.error_code)
    if row.kind is OTHER:
        told = tell(OTHER, UNKNOWN, reason=(0, found.kind or status))
    else:
        told = tell(row.kind, result, operation, amount, OWN, reverses=parent, reason=why)
    return [shop.witnessed(told, scope if scoped else "")]


def refund(
    reasons: Mapping[str, ReasonRow],
    events: Mapping[str, Row],
    delivery: Delivery,
    account: Account,
    found: wire.Notice,
) -> list[Event]:
    """Return what a refund tells: its transactions, or that goods came back without money.

    Raises:
        ValueError: an amount cannot be read.
    """
    about = str(found.order_id)
    told = []
    for each in found.transactions or ():
        each.order_id = found.order_id
        told += transaction(reasons, events, delivery, account, each)
    if told:
        return told
    tell = _teller(reasons, delivery, found, about, None)._replace(
        identity=("refund", str(found.id), "", "", ""),
        at=_at(delivery, found.processed_at, found.created_at),
    )
    return [shop.witnessed(tell(OTHER, UNKNOWN, reason=(0, "refund_without_money")))]


def dispute(
    reasons: Mapping[str, ReasonRow],
    events: Mapping[str, Row],
    delivery: Delivery,
    found: wire.Notice,
) -> list[Event]:
    """Return what a dispute tells: a chargeback takes the money at once, an inquiry none.

    Raises:
        ValueError: an amount cannot be read.
    """
    operation, status = str(found.id), (found.status or "").lower()
    tell = _teller(reasons, delivery, found, str(found.order_id), found.currency)
    amount = shop.minor(found.amount, tell.currency)
    tell = tell._replace(
        identity=("dispute", operation, status, found.type or "", str(found.amount or "")),
        at=_at(delivery, found.finalized_on, found.initiated_at),
    )
    why = tell.why("dispute/", "dispute_other", found.reason)
    row = events.get(f"{(found.type or '').lower()}/{status}", _OTHER)
    withdrawal = f"{operation}:withdrawal"
    if row.kind is OTHER:
        told = [tell(OTHER, UNKNOWN, reason=(0, status))]
    elif row.kind is REVERSE:
        undone = f"dispute:{withdrawal}"
        told = [tell(REVERSE, SUCCEEDED, f"{operation}:reinstatement", amount, OWN,
                     reverses=undone, reason=why)]  # fmt: skip
    else:
        name = withdrawal if row.result is SUCCEEDED else operation
        told = [tell(DISPUTE, row.result, name, amount, OWN, reason=why)]
    return [shop.witnessed(event) for event in told]


def checkout(
    reasons: Mapping[str, ReasonRow], delivery: Delivery, account: Account, found: wire.Notice
) -> list[Event]:
    """Return what a checkout tells: a customer is at it; an order made of it names it.

    Raises:
        ValueError: an amount cannot be read.
    """
    tell = _teller(reasons, delivery, found, f"checkout:{found.token}", found.currency)
    total = shop.minor(found.total_price, tell.currency)
    changed = found.updated_at or found.created_at or ""
    tell = tell._replace(
        identity=("checkout", found.token or "", changed, "", str(total or "")),
        at=_at(delivery, found.updated_at, found.created_at),
    )
    return [shop.witnessed(tell(OPEN, SUCCEEDED, "", total))]
