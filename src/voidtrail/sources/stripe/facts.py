"""What Stripe's objects tell, one reader per object; `voidtrail.sources.stripe` has the tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Event
from voidtrail.event.reason import number
from voidtrail.money import currency_number
from voidtrail.sources.contract import ReasonRow, Row, Translation, first, unreadable
from voidtrail.sources.stripe import wire
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
    SUBMIT,
    SUCCEEDED,
    UNKNOWN,
    VOID,
    Teller,
)

_EARLY_US: Final = 60_000_000


def _intent(tell: Teller, o: wire.Object, row: Row) -> list[Event]:
    charge = wire.charge(o)
    kind, result, error = row.kind, row.result, o.last_payment_error or wire.NO_ERROR
    if kind is CAPTURE:
        # Where nothing is said of how much was received, a success is of all of it.
        taken = o.amount if o.amount_received is None else o.amount_received
        return [tell(kind, result, o.id, taken or 0, CUMULATIVE)]
    if kind is CANCEL:
        why = tell.why("cancel/", "unstated", o.cancellation_reason)
        events = [tell(kind, result, "", o.amount, reason=why)]
        failed = wire.identifier(error.charge) or (charge if error.code else "")
        if charge and charge != failed:
            # The latest charge did not fail, so it was held and is now let go.
            events.append(tell(VOID, result, o.id, reason=why))
        return events
    if result is REFUSED:
        why = tell.why("", "declined", error.decline_code, error.code)
        tried = first(wire.identifier(error.charge), charge) or f"{o.id}:{why[1]}"
        return [tell(kind, result, tried, o.amount, OWN, reason=why)]
    if kind is AUTHORISE:
        return [tell(kind, result, charge or o.id, o.amount_capturable, OWN)]
    return [tell(kind, result, "", o.amount, reason=(0, o.status or ""))]


def _let_go(tell: Teller, charge: str, how: str, amount: int | None, why: tuple[int, str]) -> Event:
    """Tell that the hold of a charge was let go; no captured money moves."""
    held = f"authorise:{charge}" if charge else ""
    operation = f"{charge or tell.payment}:{how}"
    return tell(VOID, SUCCEEDED, operation, amount, OWN, reverses=held, reason=why)


def _charge(tell: Teller, o: wire.Object, row: Row) -> list[Event]:
    kind, result = row.kind, row.result
    if kind is EXPIRE:
        why = (number("authorisation_lapsed"), "")
        return [_let_go(tell, o.id, "expired", o.amount, why), tell(kind, result, reason=why)]
    if kind is REFUND:
        if not o.captured:
            return [_let_go(tell, o.id, "released", o.amount, (0, ""))]
        # A partial capture counts what it left uncaptured among `amount_refunded`.
        never_taken = max(0, (o.amount or 0) - o.amount_captured) if o.amount_captured else 0
        returned = max(0, (o.amount_refunded or 0) - never_taken)
        if never_taken and not returned:
            return [_let_go(tell, o.id, "released", never_taken, (0, ""))]
        why = (number("merchant_refund"), "")
        return [tell(kind, result, f"{o.id}:refunded", returned, CUMULATIVE, reason=why)]
    if result is REFUSED:
        why = tell.why("", "declined", o.outcome.reason if o.outcome else None, o.failure_code)
        return [tell(kind, result, o.id, o.amount, OWN, reason=why)]
    if result is PENDING:
        return [tell(kind, result, "", o.amount, reason=(0, o.status or ""))]
    events = []
    if kind is AUTHORISE:
        events.append(tell(AUTHORISE, result, o.id, o.amount, OWN))
    if o.captured or kind is CAPTURE:
        taken = o.amount_captured or o.amount
        events.append(tell(CAPTURE, result, o.id, taken, OWN))
    return events


_REFUND_RESULTS: Final = {
    "succeeded": SUCCEEDED,
    "pending": PENDING,
    "requires_action": PENDING,
}


def _refund(tell: Teller, o: wire.Object, row: Row) -> list[Event]:
    """Tell of a refund; one that failed is told as refused *and* as a failure after success.

    One notice cannot know whether the refund had succeeded before. The reversal of a refund that
    never succeeded is harmless: undone money counts only operations that did. But if the platform
    names the booking that took the money back, it had gone out, whether or not we were told.
    """
    status = o.status or ""
    why = tell.why("refund/", "merchant_refund", o.reason)
    if o.reason == "expired_uncaptured_charge":
        return [_let_go(tell, wire.identifier(o.charge), "expired", o.amount, why)]
    if status in ("failed", "canceled") or row.result is REFUSED:
        result = SUCCEEDED if o.failure_balance_transaction else REFUSED
        failure = (number("refund_failed"), o.failure_reason or status)
        return [
            tell(REFUND, result, o.id, o.amount, OWN, reason=why),
            tell(
                REVERSE,
                SUCCEEDED,
                f"{o.id}:failed",
                o.amount,
                OWN,
                reverses=f"refund:{o.id}",
                reason=failure,
            ),
        ]
    result = _REFUND_RESULTS.get(status, UNKNOWN)
    return [tell(REFUND, result, o.id, o.amount, OWN, reason=why)]


def _dispute(tell: Teller, o: wire.Object, row: Row) -> list[Event]:
    """Tell of a dispute: only withdrawal and reinstatement move money, an inquiry never does."""
    why = tell.why("dispute/", "dispute_other", o.reason)
    status, withdrawal = o.status or "", f"{o.id}:withdrawal"
    if row.kind is REVERSE:
        back = f"{o.id}:reinstatement"
        taken = f"dispute:{withdrawal}"
        return [tell(row.kind, row.result, back, o.amount, OWN, reverses=taken, reason=why)]
    closed = row.result is UNKNOWN
    if row.result is SUCCEEDED or (closed and status == "lost"):
        return [tell(DISPUTE, SUCCEEDED, withdrawal, o.amount, OWN, reason=why)]
    over = closed and status in ("won", "prevented", "warning_closed")
    result = REFUSED if over else PENDING
    return [tell(DISPUTE, result, o.id, o.amount, OWN, reason=(why[0], status))]


def _session(tell: Teller, o: wire.Object, row: Row) -> list[Event]:
    kind, result = row.kind, row.result
    until = None if o.expires_at is None else o.expires_at * 1_000_000
    if kind is EXPIRE:
        # Before its time a session expires only because the merchant asked for it.
        early = until is not None and tell.at + _EARLY_US < until
        why = number("merchant_request" if early else "timed_out")
        return [tell(kind, result, "", o.amount_total, reason=(why, ""))]
    if kind is OPEN:
        return [tell(kind, result, "", o.amount_total, until=until)]
    if result is UNKNOWN and o.payment_status == "unpaid":
        return [tell(SUBMIT, PENDING, "", o.amount_total, reason=(0, "unpaid"))]
    operation = first(wire.identifier(o.payment_intent), o.id)
    if result is REFUSED:
        why = number("declined")
        return [tell(kind, result, operation, o.amount_total, CUMULATIVE, reason=(why, ""))]
    return [tell(kind, SUCCEEDED, operation, o.amount_total, CUMULATIVE)]


READERS: Final[Mapping[str, Callable[[Teller, wire.Object, Row], list[Event]]]] = {
    "payment_intent": _intent,
    "charge": _charge,
    "refund": _refund,
    "dispute": _dispute,
    "checkout.session": _session,
}


def facts(
    reasons: Mapping[str, ReasonRow],
    delivery: Delivery,
    account: Account,
    notice: wire.Notice,
    row: Row,
) -> Translation:
    """Return the events of a notice whose object has a reader."""
    o = notice.data.object
    currency = (o.currency or "").upper()
    try:
        currency_number(currency)
        wire.rescale(o, currency)
    except ValueError:
        return unreadable("data.object.currency", "not in ISO 4217, or finer than its unit")
    charge = o.id if o.object == "charge" else wire.charge(o)
    if o.object == "payment_intent":
        payment = o.id
    else:
        payment = wire.identifier(o.payment_intent) or charge or o.id
    names = (charge,) if charge and charge != payment else ()
    if o.object == "checkout.session" and o.id != payment:
        names = (*names, o.id)
    order = ""
    if o.metadata:
        field = account.options.get("order_field", "order_id").removeprefix("metadata.")
        order = o.metadata.get(field, "")
    method = wire.method(o)
    tell = Teller(
        reasons,
        wire.identity(notice.type, o, charge),
        payment,
        delivery.received_at if notice.created is None else notice.created * 1_000_000,
        names,
        order or o.client_reference_id or "",
        currency,
        delivery.via,
        method,
        wire.channel(o, method),
        wire.identifier(o.customer),
        notice.livemode is False,
        delivery.via is not ASKED,
        wire.dimensions(o),
        notice.account or "",
    )
    return READERS[o.object](tell, o, row)
