"""What PayPal's resources tell, one reader per resource; `voidtrail.sources.paypal` has the tables.

A payment's name is the order's id. A resource that does not name its order is told under its own
path, as "captures/3C6…", which is asked about as such; captures name both, and so join them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Event, Micros
from voidtrail.event.reason import number
from voidtrail.sources.contract import ReasonRow, Row, first
from voidtrail.sources.paypal import wire
from voidtrail.sources.telling import (
    ASKED,
    AUTHORISE,
    CANCEL,
    CAPTURE,
    CUMULATIVE,
    DISPUTE,
    EXPIRE,
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

_EARLY_US: Final = 60_000_000
_NO_IDS: Final = wire.Ids()
_WON_BY_BUYER: Final = frozenset({"RESOLVED_BUYER_FAVOUR", "ACCEPTED"})


class Nameless(ValueError):
    """A payment inside of an order has no id of its own: it could not be told from another one."""


class Told(NamedTuple):
    """What all facts of one delivery share.

    Attributes:
        word: the event's type, or "answer".
        at: when PayPal said so.
        payment: the order that a part of an order belongs to; "" if the resource stands alone.
        whole: the order around a part.
    """

    reasons: Mapping[str, ReasonRow]
    events: Mapping[str, Row]
    delivery: Delivery
    account: Account
    word: str
    at: Micros
    test: bool
    payment: str = ""
    order: str = ""
    whole: wire.Resource = wire.Resource()


def order(told: Told, o: wire.Resource) -> Iterator[Event]:
    """Tell of an order, and of every payment inside of it.

    Raises:
        Nameless: one of them has no id of its own.
    """
    payment = first(o.id, o.order_id, told.payment)
    purchases = o.purchase_units or []
    unit = purchases[0] if purchases else wire.Purchase()
    field = told.account.options.get("order_field", "")
    told = told._replace(payment=payment, whole=o, order=wire.order_of(unit, field))
    # Of several purchases, which are hardly ever used, no amount is the order's.
    tell = _teller(told, o, "order", unit.amount if len(purchases) == 1 else None)
    amount, status = wire.minor(unit.amount)[0], o.status or ""
    inside = [each.payments for each in purchases if each.payments]
    row = told.events.get(told.word) or told.events.get(f"order/{status}")
    if row is None:
        yield tell(OTHER, UNKNOWN, reason=(0, status))
    elif row.kind is EXPIRE:
        yield tell(EXPIRE, SUCCEEDED, reason=(number("timed_out"), ""))
    elif row.kind is CANCEL:
        yield tell(CANCEL, SUCCEEDED, "", amount, reason=(number("closed_unpaid"), status))
    elif status != "COMPLETED" or not any(p.captures or p.authorizations for p in inside):
        # The money of an order that is through stands in the payments inside of it.
        yield tell(row.kind, row.result, "", amount, reason=(0, status))
    ids = [one.id for each in inside
           for one in (*each.authorizations, *each.captures, *each.refunds)]  # fmt: skip
    if not all(ids) or len(set(ids)) < len(ids):
        raise Nameless
    for each in inside:
        for one in each.authorizations:
            yield from authorization(told, one)
        for one in each.captures:
            yield from capture(told, one)
        for one in each.refunds:
            yield from refund(told, one)


def authorization(told: Told, o: wire.Resource) -> Iterator[Event]:
    """Tell of an authorisation. VOIDED is the merchant's doing only before it would have lapsed."""
    tell, row = _teller(told, o, "authorization", o.amount), _row(told, o, "authorization")
    own, amount = o.id or "", _minor(o)
    if row.kind is VOID:
        until = wire.instant(o.expiration_time or o.valid_until)
        held, at = f"authorise:{own}", tell.at
        if until is None or at + _EARLY_US < until:
            why = (number("unstated" if until is None else "merchant_request"), "")
            yield tell(VOID, SUCCEEDED, f"{own}:voided", amount, OWN, reverses=held, reason=why)
            return
        why = (number("authorisation_lapsed"), "")
        yield tell(VOID, SUCCEEDED, f"{own}:lapsed", amount, OWN, reverses=held, reason=why)
        yield tell(EXPIRE, SUCCEEDED, reason=why)
        return
    if row.kind is OTHER:
        yield tell(OTHER, UNKNOWN, reason=(0, first(o.status, o.state)))
        return
    why = _why_declined(tell, o) if row.result is REFUSED else (0, "")
    yield tell(AUTHORISE, row.result, own, amount, OWN, reason=why)


def capture(told: Told, o: wire.Resource) -> Iterator[Event]:
    """Tell of a capture, or of a sale as the first generation calls it."""
    if told.word.endswith(".REVERSED") and not told.payment:
        yield from reversal(told, o)
        return
    tell, row = _teller(told, o, "capture", o.amount), _row(told, o, "capture")
    if row.kind is OTHER:
        yield tell(OTHER, UNKNOWN, reason=(0, first(o.status, o.state)))
        return
    waits = first(o.status_details.reason if o.status_details else "", o.reason_code)
    why = _why_declined(tell, o) if row.result is REFUSED else (0, waits)
    yield tell(CAPTURE, row.result, o.id or "", _minor(o), OWN, reason=why)


def refund(told: Told, o: wire.Resource) -> Iterator[Event]:
    """Tell of a refund; one that failed undoes one that had succeeded, which nobody can know."""
    if told.word.endswith(".REVERSED") and not told.payment:
        yield from reversal(told, o)
        return
    tell, row = _teller(told, o, "refund", o.amount), _row(told, o, "refund")
    own, amount, why = o.id or "", _minor(o), (number("merchant_refund"), "")
    if row.kind is OTHER:
        yield tell(OTHER, UNKNOWN, reason=(0, first(o.status, o.state)))
        return
    yield tell(REFUND, row.result, own, amount, OWN, reason=why)
    if row.result is REFUSED:
        why = (number("refund_failed"), first(o.status, o.state))
        back = f"refund:{own}"
        yield tell(REVERSE, SUCCEEDED, f"{own}:failed", amount, OWN, reverses=back, reason=why)


def reversal(told: Told, o: wire.Resource) -> Iterator[Event]:
    """Tell that PayPal took money back: for a complaint, a chargeback or the customer's bank."""
    tell = _teller(told, o, "capture", o.amount)
    stated = first(o.status_details.reason if o.status_details else "", o.reason_code)
    why = tell.why("reversal/", "reversed", stated)
    yield tell(DISPUTE, SUCCEEDED, f"{o.id or ''}:reversed", _minor(o), OWN, reason=why)


def dispute(told: Told, o: wire.Resource) -> Iterator[Event]:
    """Tell of a dispute. Only its outcome moves money, and a reversal may tell of the same money.

    So the outcome's amount counts as "at least this much so far", and is not added to reversals.
    """
    about = o.disputed_transactions or [wire.Disputed()]
    outcome = (o.dispute_outcome.outcome_code if o.dispute_outcome else "") or ""
    result = PENDING
    if (o.status or "").upper() == "RESOLVED" or outcome:
        result = SUCCEEDED if outcome in _WON_BY_BUYER else REFUSED
    for one in about:
        payment = f"captures/{one.seller_transaction_id}" if one.seller_transaction_id else ""
        money = o.dispute_amount if len(about) == 1 else one.gross_amount
        part = told._replace(payment=first(payment, f"disputes/{o.dispute_id}"))
        tell = _teller(part, o, "dispute", money)
        why = (tell.why("dispute/", "dispute_other", o.reason)[0], first(outcome, o.reason))
        amount = wire.minor(money)[0]
        yield tell(DISPUTE, result, o.dispute_id or "", amount, CUMULATIVE, reason=why)


READERS: Final = {
    "CHECKOUT.": order,
    "PAYMENT.AUTHORIZATION.": authorization,
    "PAYMENT.CAPTURE.REFUNDED": refund,
    "PAYMENT.SALE.REFUNDED": refund,
    "PAYMENT.CAPTURE.": capture,
    "PAYMENT.SALE.": capture,
    "PAYMENT.REFUND.": refund,
    "CUSTOMER.DISPUTE.": dispute,
    "RISK.DISPUTE.": dispute,
}
"""By the beginning of an event's type; the first that fits reads it."""


def _teller(told: Told, o: wire.Resource, what: str, money: wire.Money | None) -> Teller:
    related = o.supplementary_data
    ids = (related.related_ids if related else None) or _NO_IDS
    folder, above = wire.above(o)
    named = _names(o, ids, what, folder, above)
    order = ids.order_id or o.order_id or o.parent_payment
    payment = told.payment or order or (above if folder == "orders" else "") or (named or ("",))[0]
    payment = payment or told.delivery.request or o.id or ""
    field = told.account.options.get("order_field", "")
    ours = "" if what in ("refund", "dispute") else wire.order_of(o, field)
    whole = told.whole if told.payment else o
    method, channel = wire.method(whole)
    at = told.at if what == "order" else wire.instant(o.update_time or o.create_time)
    amount, currency = wire.minor(money)
    asked = told.delivery.via is ASKED
    word = f"{told.word}/{what}" if asked or told.word.startswith("CHECKOUT.") else told.word
    own = o.id or o.dispute_id or payment
    return Teller(
        told.reasons,
        (word, f"{own}@{payment}" if what == "dispute" else own, o.status or o.state or "",
         str(amount or "")),
        payment,
        told.at if at is None else at,
        tuple([name for name in named if name != payment]),
        ours or told.order,
        currency,
        told.delivery.via,
        method,
        channel,
        (whole.payer.payer_id if whole.payer else "") or "",
        told.test or wire.is_sandbox(o),
        not asked,
        merchant=_merchant(o, whole),
    )  # fmt: skip


def _names(o: wire.Resource, ids: wire.Ids, what: str, folder: str, above: str) -> list[str]:
    """Return a resource's further names, the one that it is asked about by first."""
    authorization = ids.authorization_id or (above if folder == "authorizations" else "")
    taken = ids.capture_id or o.capture_id or o.sale_id
    taken = taken or (above if folder in ("captures", "sale") else "")
    if what == "authorization":
        authorization = o.id or ""
    elif what == "capture":
        taken = taken or o.id or ""
    found = (("captures", taken), ("authorizations", authorization))
    return [f"{place}/{name}" for place, name in found if name]


def _merchant(o: wire.Resource, whole: wire.Resource) -> str:
    payee = o.payee or (whole.purchase_units[0].payee if whole.purchase_units else None)
    return (payee.merchant_id if payee else "") or ""


def _row(told: Told, o: wire.Resource, what: str) -> Row:
    """Return what a resource's own status means; an event that says "refused" is believed."""
    pushed = None if told.payment else told.events.get(told.word)
    if pushed is not None and pushed.result is REFUSED:
        return pushed
    found = told.events.get(f"{what}/{first(o.status, o.state).upper()}")
    return found or pushed or Row(OTHER, UNKNOWN, "")


def _why_declined(tell: Teller, o: wire.Resource) -> tuple[int, str]:
    processor = o.processor_response.response_code if o.processor_response else ""
    detail = o.status_details.reason if o.status_details else ""
    return tell.why("", "declined", processor, detail, o.reason_code)


def _minor(o: wire.Resource) -> int | None:
    return wire.minor(o.amount)[0]
