"""What Razorpay's entities tell, one reader per entity; the tables are in `sources.razorpay`.

A notice's kind is its event's; the entity inside may be ahead of it, because it shows how things
stood when the notice was sent. So the entity adds what it knows (`captured`), and takes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from voidtrail.event.account import Account
from voidtrail.event.model import Channel, Delivery, Event, Result, Unreadable
from voidtrail.event.reason import number
from voidtrail.money import currency_number
from voidtrail.sources.contract import ReasonRow, Row, first, unreadable
from voidtrail.sources.razorpay import wire
from voidtrail.sources.telling import (
    ASKED,
    AUTHORISE,
    CANCEL,
    CAPTURE,
    CUMULATIVE,
    DISPUTE,
    EXPIRE,
    OPEN,
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

_LINK: Final = Channel.LINK
_NOWHERE: Final = Channel.UNKNOWN
_CANCELLED: Final = "payment_cancelled"
_REFUNDS: Final = {"processed": SUCCEEDED, "failed": REFUSED, "pending": PENDING}


def _refused(tell: Teller, payment: wire.Entity) -> list[Event]:
    """Tell of a failed attempt; that its customer pressed cancel is a wish, which a try undoes."""
    source, reason = payment.error_source or "", payment.error_reason or ""
    prefix = f"{source}/" if f"{source}/{reason}" in tell.reasons else ""
    why = tell.why(prefix, "declined", reason, payment.error_code)
    told = [tell(AUTHORISE, REFUSED, payment.id, payment.amount, OWN, reason=why)]
    if reason == _CANCELLED and source in ("customer", ""):
        told.append(tell(CANCEL, Result.REQUESTED, reason=why))
    return told


def _payment(tell: Teller, payment: wire.Entity, row: Row) -> list[Event]:
    kind, result = row.kind, row.result
    if kind is AUTHORISE and result is REFUSED:
        told = _refused(tell, payment)
    elif kind is AUTHORISE:
        told = [tell(kind, result, payment.id, payment.amount, OWN)]
    elif kind is CAPTURE:
        told = []
    else:
        told = [tell(kind, result, "", payment.amount, reason=(0, payment.status or ""))]
    if kind is CAPTURE or payment.captured:
        told.append(tell(CAPTURE, SUCCEEDED, payment.id, payment.amount, OWN))
    return told


def _lapsed(tell: Teller, payment_id: str, operation: str, amount: int | None) -> list[Event]:
    """Tell that money held by a payment was let go by time: nobody captured it."""
    why = (number("authorisation_lapsed"), "")
    held = f"authorise:{payment_id}"
    return [
        tell(VOID, SUCCEEDED, operation, amount, OWN, reverses=held, reason=why),
        tell(EXPIRE, SUCCEEDED, reason=why),
    ]


def _refund(
    tell: Teller, refund: wire.Entity, payment: wire.Entity | None, row: Row
) -> list[Event]:
    """Tell of a refund; of a payment that was never captured it is the end of an authorisation.

    One that failed is told as refused *and* as a failure after success, since one notice cannot
    know whether it had succeeded before; the reversal of what never succeeded undoes nothing.
    """
    result = row.result
    if result in (PENDING, UNKNOWN):  # the entity may be ahead
        result = _REFUNDS.get(refund.status or "", result)
    paid = first(refund.payment_id, payment.id if payment else "")
    if payment is not None and payment.captured is False:
        if result is SUCCEEDED:
            return _lapsed(tell, paid, refund.id, refund.amount)
        held = f"authorise:{paid}"
        return [tell(VOID, result, refund.id, refund.amount, OWN, reverses=held)]
    why = (number("merchant_refund"), "")
    told = [tell(REFUND, result, refund.id, refund.amount, OWN, reason=why)]
    if result is REFUSED:
        undone, failure = f"refund:{refund.id}", (number("refund_failed"), refund.status or "")
        operation = f"{refund.id}:failed"
        told.append(
            tell(REVERSE, SUCCEEDED, operation, refund.amount, OWN, reverses=undone, reason=failure)
        )
    return told


def _dispute(tell: Teller, dispute: wire.Entity, row: Row) -> list[Event]:
    """Tell of a dispute: money moves when it is lost, or when an amount is said to be deducted."""
    why = tell.why("dispute/", "dispute_other", dispute.reason_code)
    withdrawal, taken = f"{dispute.id}:withdrawal", dispute.amount_deducted or 0
    if row.kind is REVERSE:
        back, undone = f"{dispute.id}:reinstatement", f"dispute:{withdrawal}"
        return [
            tell(DISPUTE, REFUSED, dispute.id, dispute.amount, OWN, reason=why),
            tell(REVERSE, SUCCEEDED, back, dispute.amount, OWN, reverses=undone, reason=why),
        ]
    if row.result is SUCCEEDED or taken:
        return [tell(DISPUTE, SUCCEEDED, withdrawal, taken or dispute.amount, OWN, reason=why)]
    return [tell(DISPUTE, row.result, dispute.id, dispute.amount, OWN, reason=why)]


def _bill(tell: Teller, bill: wire.Entity, payment: wire.Entity | None, row: Row) -> list[Event]:
    """Tell of a payment link, an invoice or an order."""
    kind, result = row.kind, row.result
    if kind is CAPTURE:
        if payment is not None and payment.id:
            return _payment(tell, payment, row)
        tried = bill.payments[-1].payment_id if bill.payments else bill.payment_id
        paid = bill.amount_paid or bill.amount
        return [tell(kind, result, first(tried, tell.payment), paid, CUMULATIVE)]
    until = bill.expire_by * 1_000_000 if bill.expire_by and kind is OPEN else None
    at = {CANCEL: bill.cancelled_at, EXPIRE: bill.expired_at}.get(kind)
    slug = {CANCEL: "merchant_request", EXPIRE: "timed_out"}.get(kind, "unstated")
    return [
        tell(
            kind, result, "", bill.amount, until=until, at=at * 1_000_000 if at else None,
            reason=(number(slug), bill.status or ""),
        )
    ]  # fmt: skip


def facts(
    reasons: Mapping[str, ReasonRow],
    delivery: Delivery,
    account: Account,
    notice: wire.Notice,
    row: Row,
) -> list[Event] | Unreadable:
    """Return the events of a notice about an entity that has a reader."""
    held = notice.payload
    subject = notice.event.split(".")[-2 if notice.event.count(".") == 2 else 0]
    parts = {name: getattr(held, name) for name in wire.Payload.__struct_fields__}
    known = {name: each.entity for name, each in parts.items() if each is not None}
    about = known.get(subject)
    payment = known.get("payment")
    if about is None or not about.id:
        return unreadable(f"payload.{subject}", "the entity that the event is about is absent")
    tell = teller(reasons, delivery, account, notice, known, about)
    if isinstance(tell, Unreadable):
        return tell
    if subject == "payment":
        return _payment(tell, about, row)
    if subject == "refund":
        return _refund(tell, about, payment, row)
    if subject == "dispute":
        return _dispute(tell, about, row)
    return _bill(tell, about, payment, row)


def teller(
    reasons: Mapping[str, ReasonRow],
    delivery: Delivery,
    account: Account,
    notice: wire.Notice,
    known: Mapping[str, wire.Entity],
    about: wire.Entity,
) -> Teller | Unreadable:
    """Return what all facts of a notice or answer share, by the entities that it holds."""
    payment, order = known.get("payment"), known.get("order")
    link, invoice = known.get("payment_link"), known.get("invoice")
    currency = first(about.currency, *(each.currency for each in known.values())).upper()
    try:
        currency_number(currency)
    except ValueError:
        return unreadable("payload.currency", "not in ISO 4217")
    # What is payable gives the name: a link, an order, or a payment without one. Attempts
    # (payments of one order) are names beside it.
    ids = [each.id for each in (link, order) if each]
    ids += [each.order_id or "" for each in (payment, link, invoice) if each]
    ids += [payment.id if payment else "", about.payment_id or "", invoice.id if invoice else ""]
    if about is known.get("subscription"):
        ids.append(about.id)
    if ordered(delivery.context) in (VOID, REFUND, CANCEL):
        ids.insert(0, delivery.request)  # an order was about this payment, whatever it names
    names = tuple(dict.fromkeys(name for name in ids if name))
    if not names:
        return unreadable("payload", "the notice names no payment, order or link")
    if delivery.via is ASKED and not delivery.context and delivery.request not in ("", *names):
        return unreadable("id", "the answer is about another payment than the question")
    field = account.options.get("order_field", "order_id").removeprefix("notes.")
    ours = first(
        *(wire.note(each, field) for each in (payment, order, link, invoice)),
        order.receipt if order else "",
        link.reference_id if link else "",
        invoice.receipt if invoice else "",
    )
    asked = delivery.via is ASKED
    stamp = "" if asked else str(notice.created_at or "")
    amount = about.amount_deducted or about.amount_refunded or about.amount
    # An answer has no instant of its own: attempts and refunds happened when they were made.
    at = about.created_at if asked and not link else notice.created_at
    return Teller(
        reasons,
        (notice.event, about.id, about.status or "", str(amount or ""), stamp),
        names[0],
        delivery.received_at if at is None else at * 1_000_000,
        names[1:],
        ours,
        currency,
        delivery.via,
        wire.method(payment),
        _LINK if link else _NOWHERE,
        first(payment.customer_id if payment else ""),
        life=not asked,
        dimensions=wire.dimensions(payment),
        merchant=notice.account_id,
    )


def answered(tell: Teller, found: wire.Entity) -> list[Event]:
    """Return what a payment, asked about, tells: everything that its status stands for."""
    status = found.status
    if status == "failed":
        return _refused(tell, found)
    if status == "authorized":
        return [tell(AUTHORISE, SUCCEEDED, found.id, found.amount, OWN)]
    if status not in ("captured", "refunded"):
        return []
    if status == "refunded" and found.captured is False:
        return _lapsed(tell, found.id, f"{found.id}:lapsed", found.amount)
    told = [tell(CAPTURE, SUCCEEDED, found.id, found.amount, OWN)]
    if found.amount_refunded:
        why, back = (number("merchant_refund"), ""), f"{found.id}:refunded"
        told.append(tell(REFUND, SUCCEEDED, back, found.amount_refunded, CUMULATIVE, reason=why))
    return told
