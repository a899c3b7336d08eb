"""What Klarna's orders and hosted sessions tell when they are asked about."""

from __future__ import annotations

from voidtrail.event.model import Event, Kind
from voidtrail.event.reason import number
from voidtrail.sources import reading
from voidtrail.sources.contract import Row, first
from voidtrail.sources.klarna import wire
from voidtrail.sources.telling import (
    AUTHORISE,
    CANCEL,
    CAPTURE,
    CUMULATIVE,
    EXPIRE,
    OPEN,
    OWN,
    PENDING,
    REFUND,
    REFUSED,
    SUCCEEDED,
    VOID,
    Teller,
)


def session(tell: Teller, said: wire.Answer, row: Row) -> list[Event]:
    """Return what a hosted session tells: it holds no money, its order does."""
    status = said.status or ""
    until = reading.instant(said.expires_at, 0)
    if row.kind is CANCEL:
        why = tell.why("session/", "unstated", status)
        return [tell(CANCEL, SUCCEEDED, reason=why)]
    if row.result is REFUSED:
        why = tell.why("session/", "declined", status)
        return [tell(AUTHORISE, REFUSED, f"{tell.payment}:{status}", reason=why)]
    if said.order_id:
        # The page placed the order itself: it is held, and the order tells how much.
        return [tell(AUTHORISE, SUCCEEDED, said.order_id)]
    return [tell(row.kind, row.result, until=until, reason=(0, status))]


def order(tell: Teller, said: wire.Answer, row: Row) -> list[Event]:
    """Return what an order tells, by its status and its amounts."""
    if said.fraud_status == "PENDING" and row.kind is AUTHORISE:
        return [tell(OPEN, PENDING, "", said.order_amount, reason=(0, "PENDING"))]
    if said.fraud_status == "REJECTED" and not said.captured_amount:
        return _ended(tell, said, CANCEL, "risk_refused")
    if not said.captured_amount and row.kind is not AUTHORISE:
        if row.kind is EXPIRE:
            return _ended(tell, said, EXPIRE, "authorisation_lapsed")
        return _ended(tell, said, CANCEL, "merchant_request")
    since = reading.instant(said.created_at, 0)
    events = [tell(AUTHORISE, SUCCEEDED, tell.payment, said.order_amount, OWN, at=since)]
    if not said.captured_amount:
        return events
    last = max((each.captured_at or "" for each in said.captures or ()), default="")
    events.append(
        tell(CAPTURE, SUCCEEDED, tell.payment, said.captured_amount, CUMULATIVE,
             at=reading.instant(last, 0))
    )  # fmt: skip
    if said.remaining_authorized_amount == 0 and said.captured_amount < (said.order_amount or 0):
        # The rest was released, or ran out; what was captured stays.
        events.append(tell(VOID, SUCCEEDED, f"{tell.payment}:ended", reason=(0, said.status or "")))
    return events + _returned(tell, said)


def _returned(tell: Teller, said: wire.Answer) -> list[Event]:
    """Tell of each refund, and of their sum, since the list of them may be left out."""
    why = (number("merchant_refund"), "")
    events = [
        tell(REFUND, SUCCEEDED, each.refund_id, each.refunded_amount, OWN, reason=why,
             at=reading.instant(each.refunded_at, 0))
        for each in said.refunds or ()
        if each.refund_id
    ]  # fmt: skip
    if said.refunded_amount:
        sum_of_all = f"{tell.payment}:refunded"
        events.append(
            tell(REFUND, SUCCEEDED, sum_of_all, said.refunded_amount, CUMULATIVE, reason=why)
        )
    return events


def _ended(tell: Teller, said: wire.Answer, kind: Kind, slug: str) -> list[Event]:
    """Tell of an order that ended before anything was captured: nothing is held any more."""
    why = (number(slug), first(said.fraud_status if slug == "risk_refused" else "", said.status))
    return [
        tell(kind, SUCCEEDED, "", said.order_amount, reason=why),
        tell(VOID, SUCCEEDED, f"{tell.payment}:ended", reason=why),
    ]
