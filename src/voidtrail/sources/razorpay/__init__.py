"""Razorpay: signed JSON notices about payments, orders, refunds, disputes, links and invoices.

A payment is what is payable: an order with all its attempts, a payment link, or a payment without
an order. `failed` is never final: an attempt that timed out may be authorised days later, and
authorised money that nobody captures is given back by Razorpay itself, which is no refund but the
end of an authorisation.

Nothing signed carries an instant or a delivery's id (`x-razorpay-event-id` stands outside of the
signature), so replays are known by what they say: a repetition has the very same body.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import Acknowledgement, Delivery, Event, Kind, Micros, Result, Unreadable
from voidtrail.sources import crypto, reading, signed_body
from voidtrail.sources.contract import (
    Capabilities,
    Identity,
    Outcome,
    ReasonRow,
    Row,
    Translation,
    first,
    listed,
    unreadable,
)
from voidtrail.sources.razorpay import deeds, wire
from voidtrail.sources.razorpay.facts import answered, facts, teller
from voidtrail.sources.telling import (
    ASKED,
    OPEN,
    OTHER,
    PENDING,
    REFUSED,
    SUCCEEDED,
    UNKNOWN,
    Teller,
    ordered,
)

NAME: Final = "razorpay"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="Razorpay",
    probe="plink_probe",
    webhook=True,
    query=True,
    close=True,
    refund=True,
    pay_link=True,
    retries="for 24 hours with growing pauses, then the webhook is switched off; "
    "razorpay.com/docs/webhooks/best-practices",
    amount_unit="minor",
    zone="UTC",
    secrets=("signing", "key_id", "key_secret"),
    needed=("signing",),
)
IDENTITY: Final = Identity(fields=("event", "entity.id", "status", "amount", "created_at"))
"""`amount` is the one that the event is about; `created_at` is the notice's own, which a repetition
keeps (two attempts, two disputes' steps differ in it). Answers have none."""

_DOC: Final = "razorpay.com/docs/webhooks/"
_PAYMENTS, _REFUNDS, _DISPUTES = _DOC + "payments", _DOC + "refunds", _DOC + "disputes"
_LINKS, _INVOICES, _ORDERS = _DOC + "payment-links", _DOC + "invoices", _DOC + "orders"
EVENTS: Final[Mapping[str, Row]] = {
    "payment.authorized": Row(Kind.AUTHORISE, Result.SUCCEEDED, _PAYMENTS),
    "payment.captured": Row(Kind.CAPTURE, Result.SUCCEEDED, _PAYMENTS),
    "payment.failed": Row(Kind.AUTHORISE, Result.REFUSED, _PAYMENTS),
    "payment.pending": Row(Kind.SUBMIT, Result.PENDING, _PAYMENTS),
    "order.paid": Row(Kind.CAPTURE, Result.SUCCEEDED, _ORDERS),
    "refund.created": Row(Kind.REFUND, Result.PENDING, _REFUNDS),
    "refund.processed": Row(Kind.REFUND, Result.SUCCEEDED, _REFUNDS),
    "refund.failed": Row(Kind.REFUND, Result.REFUSED, _REFUNDS),
    "refund.speed_changed": Row(Kind.REFUND, Result.UNKNOWN, _REFUNDS),
    "payment.dispute.created": Row(Kind.DISPUTE, Result.PENDING, _DISPUTES),
    "payment.dispute.under_review": Row(Kind.DISPUTE, Result.PENDING, _DISPUTES),
    "payment.dispute.action_required": Row(Kind.DISPUTE, Result.PENDING, _DISPUTES),
    "payment.dispute.lost": Row(Kind.DISPUTE, Result.SUCCEEDED, _DISPUTES),
    "payment.dispute.won": Row(Kind.REVERSE, Result.SUCCEEDED, _DISPUTES),
    "payment.dispute.closed": Row(Kind.DISPUTE, Result.REFUSED, _DISPUTES),
    "payment_link.paid": Row(Kind.CAPTURE, Result.SUCCEEDED, _LINKS),
    "payment_link.partially_paid": Row(Kind.CAPTURE, Result.SUCCEEDED, _LINKS),
    "payment_link.expired": Row(Kind.EXPIRE, Result.SUCCEEDED, _LINKS),
    "payment_link.cancelled": Row(Kind.CANCEL, Result.SUCCEEDED, _LINKS),
    "invoice.paid": Row(Kind.CAPTURE, Result.SUCCEEDED, _INVOICES),
    "invoice.partially_paid": Row(Kind.CAPTURE, Result.SUCCEEDED, _INVOICES),
    "invoice.expired": Row(Kind.EXPIRE, Result.SUCCEEDED, _INVOICES),
    # What an answer says of a link that waits; no notice has this name.
    "payment_link.created": Row(Kind.OPEN, Result.PENDING, "razorpay.com/docs/api/payment-links"),
}
"""Events. PENDING and UNKNOWN of refunds: the entity's own status may be ahead of the event."""

REASONS: Final[Mapping[str, ReasonRow]] = {
    **reading.reason_rows(
        "razorpay.com/docs/errors/payments/cards and /upi (error_reason)",
        """
        customer_request: payment_cancelled
        issuer_unavailable: bank/payment_cancelled issuer_bank/payment_cancelled
        platform_fault: gateway/payment_cancelled internal/payment_cancelled
        timed_out: payment_timed_out payment_collect_request_expired
        issuer_unavailable: bank/payment_timed_out issuer_bank/payment_timed_out
        platform_fault: gateway/payment_timed_out internal/payment_timed_out
        declined: card_declined payment_declined payment_failed credit_failed
        insufficient_funds: insufficient_funds
        card_expired: card_expired
        card_data_wrong: incorrect_cvv invalid_vpa vpa_resolution_failed
        authentication_failed: authentication_failed incorrect_otp invalid_otp
        not_permitted: card_not_enrolled card_disabled_for_online_payments
        not_permitted: debit_instrument_inactive
        card_lost_or_stolen: debit_instrument_blocked
        issuer_suspects_fraud: payment_risk_check_failed
        limit_exceeded: transaction_limit_exceeded
        issuer_unavailable: bank_technical_error
        platform_fault: gateway_technical_error
        """,
    ),
    **reading.reason_rows(
        "razorpay.com/docs/errors (error_code, where no reason is given)",
        """
        declined: BAD_REQUEST_ERROR
        platform_fault: GATEWAY_ERROR SERVER_ERROR
        """,
    ),
    **reading.reason_rows(
        "razorpay.com/docs/payments/disputes (reason_code)",
        """
        dispute_quality: dispute/goods_or_services_not_received_or_partially_received
        dispute_quality: dispute/goods_or_services_not_as_described_or_defective_merchandise
        dispute_quality: dispute/credit_not_processed
        dispute_fraud: dispute/fraud dispute/fraudulent_transaction
        dispute_other: dispute/pre_arbitration dispute/chargeback dispute/duplicate_processing
        """,
    ),
}
"""Codes. The same reason may have a bank's or the gateway's fault behind it: `error_source`."""

_NOTICE: Final = msgspec.json.Decoder(wire.Notice)
_ANSWER: Final = msgspec.json.Decoder(wire.Answer)
_BARE: Final = msgspec.json.Decoder(wire.Bare)
_BROKEN: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_ABSENT: Final = "The id provided does not exist"
_STATUS: Final = {
    Outcome.KEPT: 200,
    Outcome.REFUSED: 401,
    Outcome.BUSY: 503,
    Outcome.TOO_LARGE: 413,
}


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Check `X-Razorpay-Signature`: hex HMAC-SHA256 over the raw body by the webhook's secret.

    Every secret "signing" counts: after a change, repetitions still come under the old one. The
    API's key secret signs no notices. Answers carry no signature: TLS proves them.

    Raises:
        SignatureMissing: no header, or it came twice.
        SignatureInvalid: no secret gives that signature.
        KeyUnknown: the account has no secret "signing".
    """
    if delivery.via is ASKED:
        return
    signed_body.check(delivery, secrets, "X-Razorpay-Signature", crypto.hmac_sha256_hex)


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read a notice, or the answer to a question or an order."""
    try:
        if delivery.via is ASKED:
            return _answer(delivery, account)
        notice = _NOTICE.decode(delivery.body)
    except _BROKEN as error:
        return _other(delivery, error)
    if notice.account_id and account.options.get("account_id", notice.account_id) != (
        notice.account_id
    ):
        return unreadable("account_id", "the notice belongs to another Razorpay account")
    row = EVENTS.get(notice.event)
    return _other(delivery, None) if row is None else facts(REASONS, delivery, account, notice, row)


def _answer(delivery: Delivery, account: Account) -> Translation:
    found = _ANSWER.decode(delivery.body)
    if found.error is not None:
        return _error(delivery, found.error)
    told: list[Event] = []
    # An answer about an order lists its attempts; none is an answer too: nobody has tried yet.
    for each in found.items if found.items is not None else (found,):
        part = _entity(delivery, account, each)
        if isinstance(part, Unreadable):
            return part
        told += part
    if found.items is None and not found.id:
        return unreadable("id", "the answer is neither an entity nor an error")
    if any(event.result is SUCCEEDED for event in told):
        return listed(told)
    if not ordered(delivery.context):
        told.append(_waiting(delivery, told, found))
    return listed(told) if told else unreadable("status", "the answer tells of no status")


def _entity(delivery: Delivery, account: Account, found: wire.Entity) -> list[Event] | Unreadable:
    kind = found.id.partition("_")[0]
    if kind == "pay":
        payload = wire.Payload(payment=wire.Wrapped(found))
        notice = wire.Notice(event=f"answer/{found.status}", payload=payload)
        tell = teller(REASONS, delivery, account, notice, {"payment": found}, found)
        return tell if isinstance(tell, Unreadable) else answered(tell, found)
    subject = {"plink": "payment_link", "rfnd": "refund"}.get(kind, "")
    word = "refund.speed_changed" if subject == "refund" else f"{subject}.{found.status}"
    row = EVENTS.get(word)
    if row is None:
        return unreadable("status", "the answer is about no entity or status that is listed")
    payload = wire.Payload(**{subject: wire.Wrapped(found)})
    return facts(REASONS, delivery, account, wire.Notice(event=word, payload=payload), row)


def _waiting(delivery: Delivery, told: list[Event], found: wire.Entity) -> Event:
    """Tell that the payment still waits, as of the answer."""
    payment = first(told[0].payment if told else "", delivery.request, found.id)
    identity = ("answer", payment, "waiting", "", "")
    tell = Teller(REASONS, identity, payment, delivery.received_at, via=ASKED, life=False)
    return tell(OPEN, PENDING, reason=(0, found.status or ""))


def _error(delivery: Delivery, error: wire.Error) -> Translation:
    """Tell of an error: unknown there, an order refused, or nothing that is a conclusion."""
    code, told = first(error.reason, error.code, "error"), ordered(delivery.context)
    kind, result = OTHER, UNKNOWN
    if error.code == "BAD_REQUEST_ERROR":
        if told is not None:
            kind, result = told, REFUSED
        elif (error.description or "").startswith(_ABSENT):
            kind, result = Kind.ABSENT, SUCCEEDED
    if not delivery.request:
        return unreadable("error", "an error that answers no question")
    which = "" if kind is Kind.ABSENT else str(delivery.received_at)
    identity = ("answer", delivery.request, code, "", which)
    tell = Teller(REASONS, identity, delivery.request, delivery.received_at, via=ASKED, life=False)
    return [tell(kind, result, reason=(0, code))]


def _other(delivery: Delivery, error: Exception | None) -> Translation:
    """Tell of an event that no table lists; a listed one that cannot be read is unreadable."""
    try:
        bare = _BARE.decode(delivery.body)
    except _BROKEN as worse:
        return _unread(worse)
    if delivery.via is ASKED or not bare.event or (error and bare.event in EVENTS):
        return _unread(error)
    subject = bare.event.partition(".")[0]
    wrapped = (bare.payload or {}).get(subject)
    entity = wrapped.get("entity") if isinstance(wrapped, dict) else None
    own = entity.get("id") if isinstance(entity, dict) else None
    at = bare.created_at
    payment = own if isinstance(own, str) and own else f"{bare.event}:{at or ''}"
    identity = (bare.event, payment, "", "", str(at or ""))
    tell = Teller(
        REASONS, identity, payment, delivery.received_at if at is None else at * 1_000_000,
        via=delivery.via,
    )  # fmt: skip
    return [tell(OTHER, UNKNOWN, reason=(0, bare.event))]


def _unread(error: Exception | None) -> Unreadable:
    where = reading.path(error) if isinstance(error, msgspec.MsgspecError) else "event"
    return unreadable(where, "not a notice of Razorpay: a field is missing or of another type")


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return an empty answer: Razorpay reads only the status."""
    return Acknowledgement(_STATUS[outcome])


query: Final = deeds.query
act: Final = deeds.act
