"""What Mollie's payments, refunds and chargebacks tell; the tables are in `sources.mollie`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Event, Micros
from voidtrail.event.reason import number
from voidtrail.sources import reading
from voidtrail.sources.contract import ReasonRow, Row, first
from voidtrail.sources.mollie import wire
from voidtrail.sources.telling import (
    ASKED,
    AUTHORISE,
    CANCEL,
    CAPTURE,
    CUMULATIVE,
    DISPUTE,
    EXPIRE,
    NUDGE,
    OPEN,
    OTHER,
    OWN,
    PENDING,
    REFUND,
    REFUSED,
    REVERSE,
    SUBMIT,
    SUCCEEDED,
    UNKNOWN,
    VOID,
    Teller,
    ordered,
)

_SECOND: Final = 1_000_000


def _at(delivery: Delivery, *texts: str | None) -> Micros:
    """Return the first instant that can be read, else when the statement reached us."""
    found = (reading.instant(text, 0) for text in texts)
    return next((at for at in found if at is not None), delivery.received_at)


def payment(
    reasons: Mapping[str, ReasonRow],
    events: Mapping[str, Row],
    delivery: Delivery,
    account: Account,
    found: wire.Resource,
) -> list[Event]:
    """Return what a payment tells, with the refunds and chargebacks embedded in it.

    Raises:
        ValueError: an amount cannot be read.
    """
    status = str(found.status)
    row = events.get(f"payment/{status}", Row(OTHER, UNKNOWN, ""))
    at = _at(delivery, found.failed_at, found.expired_at, found.canceled_at, found.paid_at,
             found.authorized_at, found.created_at)  # fmt: skip
    asked, amount = delivery.via is ASKED, wire.minor(found.amount)
    tell = Teller(
        reasons,
        ("answer" if asked else "event", found.id, status, str(at), str(amount or "")),
        found.id,
        at,
        order=wire.order(found.metadata, _field(account)),
        currency=found.amount.currency if found.amount else "",
        via=delivery.via,
        method=wire.method(found),
        customer=found.customer_id or "",
        test=found.mode == "test",
        life=not asked,
        dimensions=wire.dimensions(found.details),
        merchant=found.profile_id or "",
    )
    told = _status(tell, delivery, found, row, amount)
    inside = found.embedded or wire.Embedded()
    for refund in inside.refunds:
        told += _refund(tell, delivery, events, refund)
    for chargeback in inside.chargebacks:
        told += _chargeback(tell, delivery, chargeback)
    returned = wire.minor(found.amount_refunded) or wire.minor(found.amount_charged_back)
    if returned and not asked and found.embedded is None:
        told.append(tell(NUDGE, SUCCEEDED))  # only the answer says which, and how far it is
    return told


def _field(account: Account) -> str:
    return account.options.get("order_field", "order_id").removeprefix("metadata.")


def _status(
    tell: Teller, delivery: Delivery, found: wire.Resource, row: Row, amount: int | None
) -> list[Event]:
    kind, result = row.kind, row.result
    if kind is CAPTURE:
        taken = wire.minor(found.amount_captured) or amount
        return [tell(kind, result, found.id, taken, CUMULATIVE)]
    if kind is AUTHORISE:
        if result is SUCCEEDED:
            return [tell(kind, result, found.id, amount, OWN)]
        codes = (found.details.failure_reason if found.details else None,
                 found.status_reason.code if found.status_reason else None)  # fmt: skip
        why = tell.why("", "declined", *codes)
        return [tell(kind, result, found.id, amount, OWN, reason=why)]
    if kind in (CANCEL, EXPIRE):
        return _ended(tell, delivery, found, row, amount)
    if kind is OPEN:
        until = reading.instant(found.expires_at, 0)
        # That it waits holds as of the answer; that it was made, as of its making.
        at = delivery.received_at if tell.via is ASKED else None
        return [tell(kind, result, "", amount, until=until, at=at)]
    told = [tell(kind, result, reason=(0, str(found.status)))]
    if tell.via is ASKED and kind is SUBMIT:  # on its way, and not paid as of the answer
        told.append(tell(OPEN, PENDING, at=delivery.received_at))
    return told


def _ended(
    tell: Teller, delivery: Delivery, found: wire.Resource, row: Row, amount: int | None
) -> list[Event]:
    """Tell of a payment that was cancelled or expired, and of held money that was let go.

    Mollie does not say who cancelled. Its customer can only before anything is held; what was
    authorised only the merchant lets go; and what we had cancelled ourselves, we know.
    """
    at = tell.at
    if row.kind is EXPIRE:
        slug = "authorisation_lapsed" if found.authorized_at else "timed_out"
    elif ordered(delivery.context) in (CANCEL, VOID):
        # Ours came before the cancellation, so it is believed before "the customer's".
        slug, at = "merchant_request", tell.at - _SECOND
    else:
        slug = "merchant_request" if found.authorized_at else "customer_request"
    why = (number(slug), str(found.status))
    told = [tell(row.kind, row.result, "", amount, reason=why, at=at)]
    if found.authorized_at:
        told.append(tell(VOID, SUCCEEDED, found.id, reason=why, at=at))
    return told


def _refund(
    tell: Teller, delivery: Delivery, events: Mapping[str, Row], refund: wire.Resource
) -> list[Event]:
    """Tell of a refund; one that failed also as a failure after success, in case it was one."""
    status, amount = str(refund.status), wire.minor(refund.amount)
    row = events.get(f"refund/{status}", Row(REFUND, UNKNOWN, ""))
    tell = tell._replace(
        identity=(tell.identity[0], refund.id, status, refund.created_at or "", str(amount or "")),
        at=_at(delivery, refund.created_at),
        currency=refund.amount.currency if refund.amount else "",
    )
    why = (number("merchant_refund"), "")
    told = [tell(REFUND, row.result, refund.id, amount, OWN, reason=why)]
    if status == "failed":
        undone, failure = f"refund:{refund.id}", (number("refund_failed"), status)
        operation = f"{refund.id}:failed"
        told.append(tell(REVERSE, SUCCEEDED, operation, amount, OWN, reverses=undone,
                         reason=failure))  # fmt: skip
    return told


def _chargeback(tell: Teller, delivery: Delivery, chargeback: wire.Resource) -> list[Event]:
    """Tell of disputed money that was withdrawn, and of its coming back."""
    amount, back = wire.minor(chargeback.amount), reading.instant(chargeback.reversed_at, 0)
    made = chargeback.created_at or ""
    tell = tell._replace(
        identity=(tell.identity[0], chargeback.id, "chargeback", made, str(amount or "")),
        at=_at(delivery, chargeback.created_at),
        currency=chargeback.amount.currency if chargeback.amount else "",
    )
    code = chargeback.reason.code if chargeback.reason else None
    why = tell.why("chargeback/", "dispute_other", code)
    told = [tell(DISPUTE, SUCCEEDED, chargeback.id, amount, OWN, reason=why)]
    if back is not None:
        undone = f"dispute:{chargeback.id}"
        told.append(tell(REVERSE, SUCCEEDED, f"{chargeback.id}:reversed", amount, OWN,
                         reverses=undone, reason=why, at=back))  # fmt: skip
    return told


def refund(
    reasons: Mapping[str, ReasonRow],
    events: Mapping[str, Row],
    delivery: Delivery,
    found: wire.Resource,
) -> list[Event]:
    """Return what a refund tells that comes by itself.

    Raises:
        ValueError: an amount cannot be read, or no payment is named.
    """
    about = first(found.payment_id, delivery.request)
    if not about:
        raise ValueError("the refund names no payment")
    asked = delivery.via is ASKED
    word = "answer" if asked else "event"
    tell = Teller(reasons, (word,), about, 0, via=delivery.via, test=found.mode == "test",
                  life=not asked)  # fmt: skip
    return _refund(tell, delivery, events, found)


def refused(tell: Teller, delivery: Delivery, code: str) -> list[Event]:
    """Return that an order was refused: what stood before still stands."""
    kind = ordered(delivery.context)
    return [] if kind is None else [tell(kind, REFUSED, reason=(0, code))]
