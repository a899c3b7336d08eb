"""What Checkout.com's events and payments tell; `voidtrail.sources.checkout` has the tables.

Events name the action that they are about; a payment that was asked about only tells its balances.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from voidtrail.event.model import Event
from voidtrail.event.reason import number
from voidtrail.sources import reading
from voidtrail.sources.checkout import wire
from voidtrail.sources.contract import ReasonRow, Row, first
from voidtrail.sources.telling import (
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
)

_ENDED: Final = {"payment_canceled": "customer_request", "payment_expired": "timed_out",
                 "payment_returned": "capture_failed"}  # fmt: skip


def declined(reasons: Mapping[str, ReasonRow], code: str | None) -> tuple[int, str]:
    """Return the reason of a response code: its own row, else that of its family, as "2xxxx"."""
    if not code:
        return number("declined"), ""
    row = reasons.get(code) or reasons.get(code[:1] + "xxxx")
    return number(row.slug if row else "unlisted"), code


def event(tell: Teller, word: str, row: Row, data: wire.Data, amount: int | None) -> list[Event]:
    """Return what an event tells whose type is listed."""
    kind, result = row.kind, row.result
    if kind is OTHER:
        return [tell(OTHER, UNKNOWN, reason=(0, word))]
    if word.startswith("dispute_"):
        return _dispute(tell, row, data, amount)
    action = first(data.action_id, f"{tell.payment}:{word}")
    if word in _ENDED:
        why = (number(_ENDED[word]), "")
        return [tell(kind, result, action if kind is DISPUTE else "", amount, OWN, reason=why)]
    if kind is AUTHORISE:
        why = (0, "") if result is SUCCEEDED else declined(tell.reasons, data.response_code)
        return [tell(kind, result, tell.payment, amount, OWN, reason=why)]
    if kind is CAPTURE:
        why = (number("capture_failed"), data.response_code or "") if result is REFUSED else (0, "")
        return [tell(kind, result, action, amount, OWN, reason=why)]
    if kind is VOID:
        why = tell.why("voided/", "merchant_request", data.trigger)
        if result is REFUSED:
            why = (why[0], data.response_code or "")
            return [tell(kind, result, action, amount, OWN, reason=why)]
        void = tell(kind, result, action, amount, OWN, reason=why)
        return [tell(CANCEL, result, reason=why), void]
    if kind is REFUND:
        code = data.response_code or "" if result is REFUSED else ""
        why = (number("merchant_refund"), code)
        return [tell(kind, result, action, amount, OWN, reason=why)]
    return [tell(kind, result, "", amount, until=reading.instant(data.expires_on, 0))]


def _dispute(tell: Teller, row: Row, data: wire.Data, amount: int | None) -> list[Event]:
    """Tell of a dispute: money is withdrawn when it begins, and comes back if it is won."""
    why = tell.why("dispute/", "dispute_other", data.category)
    why = (why[0], first(data.reason_code, why[1]))
    if row.kind is REVERSE:
        return [
            tell(REVERSE, SUCCEEDED, f"{data.id}:back", amount, OWN,
                 reverses=f"dispute:{data.id}", reason=why)
        ]  # fmt: skip
    return [tell(row.kind, row.result, data.id, amount, OWN, reason=why)]


def payment(tell: Teller, data: wire.Data, amount: int | None) -> list[Event]:
    """Return what a payment tells of itself, by its status and its balances."""
    status, own = data.status or "", tell.payment
    balances = data.balances or wire.Balances()
    held = _balance(balances.total_authorized, tell.currency, amount)
    if status in ("Pending", "Retry Scheduled"):
        return [tell(OPEN, PENDING, "", amount, until=reading.instant(data.expires_on, 0),
                     reason=(0, reading.code(status)))]  # fmt: skip
    if status == "Declined":
        why = declined(tell.reasons, data.response_code)
        return [tell(AUTHORISE, REFUSED, own, amount, OWN, reason=why)]
    if status == "Canceled":
        return [tell(CANCEL, SUCCEEDED, "", amount, reason=(number("customer_request"), status))]
    if status == "Expired":
        return [tell(EXPIRE, SUCCEEDED, "", amount, reason=(number("timed_out"), status))]
    if status == "Voided":
        why = (number("merchant_request"), status)
        return [
            tell(CANCEL, SUCCEEDED, "", amount, reason=why),
            tell(VOID, SUCCEEDED, f"{own}:voided", amount, OWN, reason=why),
        ]
    if status in ("Authorized", "Partially Authorized"):
        return [tell(AUTHORISE, SUCCEEDED, own, held, OWN)]
    if status not in _TAKEN:
        return [tell(OTHER, UNKNOWN, reason=(0, status))]
    taken = _balance(balances.total_captured, tell.currency, amount)
    events = [
        tell(AUTHORISE, SUCCEEDED, own, held, OWN),
        tell(CAPTURE, SUCCEEDED, own, taken, CUMULATIVE),
    ]
    back = _balance(balances.total_refunded, tell.currency, 0)
    if status == "Refunded":
        back = back or taken
    if back:
        why = (number("merchant_refund"), "")
        events.append(tell(REFUND, SUCCEEDED, f"{own}:refunded", back, CUMULATIVE, reason=why))
    if status in ("Chargeback", "Returned"):
        why = (number("dispute_other" if status == "Chargeback" else "capture_failed"), status)
        events.append(tell(DISPUTE, SUCCEEDED, f"{own}:back", taken, CUMULATIVE, reason=why))
    return events


_TAKEN: Final = frozenset(
    {"Captured", "Partially Captured", "Paid", "Refunded", "Partially Refunded", "Chargeback",
     "Returned"}
)  # fmt: skip


def _balance(stated: int | None, currency: str, otherwise: int | None) -> int | None:
    return wire.minor(stated, currency) if stated else otherwise
