"""Square: JSON events that carry a whole object; its status says what happened.

The signature covers the address that is configured at Square, byte for byte, and then the body. So
that address is a setting: behind a proxy it cannot be told from the request. Events come in any
order; what is told of each status stays true whichever comes last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from voidtrail.errors import KeyUnknown, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import (
    STATUS,
    Acknowledgement,
    Delivery,
    Kind,
    Micros,
    Result,
    Unreadable,
)
from voidtrail.sources import crypto, reading
from voidtrail.sources.contract import (
    Capabilities,
    Identity,
    Outcome,
    ReasonRow,
    Row,
    Translation,
    first,
    unreadable,
)
from voidtrail.sources.square import deeds, facts, wire
from voidtrail.sources.telling import ASKED, OTHER, REFUSED, SUCCEEDED, UNKNOWN, Teller, ordered

NAME: Final = "square"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="Square",
    webhook=True,
    query=True,
    close=True,
    void=True,
    refund=True,
    retries="with growing pauses from 1 min to 8 h, for 24 h; "
    "developer.squareup.com/docs/webhooks/overview",
    amount_unit="minor",
    zone="UTC",
    timeout_s=7 * 86_400,
    secrets=("signing", "notification_url", "access_token"),
    needed=("signing", "notification_url"),
)
IDENTITY: Final = Identity(fields=("type", "object.id", "status", "amount"))
"""Never the event's own id: one status may come as several events. It stands in the place of the
amount for types that no table lists."""

_EVENTS_DOC: Final = "developer.squareup.com/reference/square/webhooks"
_PAYMENT_DOC: Final = "developer.squareup.com/reference/square/objects/Payment (status)"
_REFUND_DOC: Final = "developer.squareup.com/reference/square/objects/PaymentRefund (status)"
_DISPUTE_DOC: Final = "developer.squareup.com/reference/square/enums/DisputeState"
_CHECKOUT_DOC: Final = "developer.squareup.com/reference/square/objects/TerminalCheckout (status)"
EVENTS: Final[Mapping[str, Row]] = {
    "payment.created": Row(Kind.SUBMIT, Result.UNKNOWN, _EVENTS_DOC),
    "payment.updated": Row(Kind.SUBMIT, Result.UNKNOWN, _EVENTS_DOC),
    "refund.created": Row(Kind.REFUND, Result.UNKNOWN, _EVENTS_DOC),
    "refund.updated": Row(Kind.REFUND, Result.UNKNOWN, _EVENTS_DOC),
    "dispute.created": Row(Kind.DISPUTE, Result.UNKNOWN, _EVENTS_DOC),
    "dispute.state.updated": Row(Kind.DISPUTE, Result.UNKNOWN, _EVENTS_DOC),
    "dispute.state.changed": Row(Kind.DISPUTE, Result.UNKNOWN, _EVENTS_DOC + " (older name)"),
    "terminal.checkout.created": Row(Kind.OPEN, Result.UNKNOWN, _EVENTS_DOC),
    "terminal.checkout.updated": Row(Kind.OPEN, Result.UNKNOWN, _EVENTS_DOC),
    "payment/PENDING": Row(Kind.SUBMIT, Result.PENDING, _PAYMENT_DOC),
    "payment/APPROVED": Row(Kind.AUTHORISE, Result.SUCCEEDED, _PAYMENT_DOC),
    "payment/COMPLETED": Row(Kind.CAPTURE, Result.SUCCEEDED, _PAYMENT_DOC),
    "payment/CANCELED": Row(Kind.CANCEL, Result.SUCCEEDED, _PAYMENT_DOC),
    "payment/FAILED": Row(Kind.AUTHORISE, Result.REFUSED, _PAYMENT_DOC),
    "refund/PENDING": Row(Kind.REFUND, Result.PENDING, _REFUND_DOC),
    "refund/COMPLETED": Row(Kind.REFUND, Result.SUCCEEDED, _REFUND_DOC),
    "refund/REJECTED": Row(Kind.REFUND, Result.REFUSED, _REFUND_DOC),
    "refund/FAILED": Row(Kind.REFUND, Result.REFUSED, _REFUND_DOC),
    "dispute/INQUIRY_EVIDENCE_REQUIRED": Row(Kind.DISPUTE, Result.PENDING, _DISPUTE_DOC),
    "dispute/INQUIRY_PROCESSING": Row(Kind.DISPUTE, Result.PENDING, _DISPUTE_DOC),
    "dispute/INQUIRY_CLOSED": Row(Kind.DISPUTE, Result.REFUSED, _DISPUTE_DOC),
    "dispute/EVIDENCE_REQUIRED": Row(Kind.DISPUTE, Result.PENDING, _DISPUTE_DOC),
    "dispute/PROCESSING": Row(Kind.DISPUTE, Result.PENDING, _DISPUTE_DOC),
    "dispute/WON": Row(Kind.DISPUTE, Result.REFUSED, _DISPUTE_DOC),
    "dispute/LOST": Row(Kind.DISPUTE, Result.SUCCEEDED, _DISPUTE_DOC),
    "dispute/ACCEPTED": Row(Kind.DISPUTE, Result.SUCCEEDED, _DISPUTE_DOC),
    "checkout/PENDING": Row(Kind.OPEN, Result.PENDING, _CHECKOUT_DOC),
    "checkout/IN_PROGRESS": Row(Kind.SUBMIT, Result.PENDING, _CHECKOUT_DOC),
    "checkout/CANCEL_REQUESTED": Row(Kind.CANCEL, Result.PENDING, _CHECKOUT_DOC),
    "checkout/CANCELED": Row(Kind.CANCEL, Result.SUCCEEDED, _CHECKOUT_DOC),
    "checkout/COMPLETED": Row(Kind.CAPTURE, Result.SUCCEEDED, _CHECKOUT_DOC),
}
"""Event types, which only say that something changed, then the statuses that say to what."""

REASONS: Final[Mapping[str, ReasonRow]] = {
    **reading.reason_rows(
        "developer.squareup.com/reference/square/enums/ErrorCode",
        """
        declined: GENERIC_DECLINE CARD_DECLINED CARD_DECLINED_CALL_ISSUER VOICE_FAILURE
        declined: CARD_DECLINED_VERIFICATION_REQUIRED READER_DECLINED PAN_FAILURE
        insufficient_funds: INSUFFICIENT_FUNDS GIFT_CARD_AVAILABLE_AMOUNT
        card_expired: CARD_EXPIRED EXPIRATION_FAILURE
        card_data_wrong: CVV_FAILURE ADDRESS_VERIFICATION_FAILURE INVALID_ACCOUNT INVALID_CARD
        card_data_wrong: INVALID_CARD_DATA INVALID_EXPIRATION BAD_EXPIRATION INVALID_PIN
        card_data_wrong: VERIFY_CVV_FAILURE VERIFY_AVS_FAILURE INVALID_POSTAL_CODE MISSING_PIN
        card_data_wrong: ALLOWABLE_PIN_TRIES_EXCEEDED CHIP_INSERTION_REQUIRED
        limit_exceeded: TRANSACTION_LIMIT PAYMENT_LIMIT_EXCEEDED AMOUNT_TOO_HIGH
        not_permitted: CARD_NOT_SUPPORTED UNSUPPORTED_CARD_BRAND CARD_PRESENCE_REQUIRED
        not_permitted: CARDHOLDER_INSUFFICIENT_PERMISSIONS ACCOUNT_UNUSABLE
        revoked: BUYER_REFUSED_PAYMENT
        issuer_unavailable: TEMPORARY_ERROR
        platform_fault: INTERNAL_SERVER_ERROR SERVICE_UNAVAILABLE BAD_GATEWAY
        network_fault: GATEWAY_TIMEOUT REQUEST_TIMEOUT
        """,
    ),
    **reading.reason_rows(
        "developer.squareup.com/reference/square/enums/ActionCancelReason",
        """
        customer_request: cancel/BUYER_CANCELED
        merchant_request: cancel/SELLER_CANCELED
        timed_out: cancel/TIMED_OUT
        """,
    ),
    **reading.reason_rows(
        "developer.squareup.com/reference/square/enums/DisputeReason",
        """
        dispute_fraud: dispute/NO_KNOWLEDGE dispute/EMV_LIABILITY_SHIFT
        dispute_quality: dispute/NOT_AS_DESCRIBED dispute/NOT_RECEIVED
        dispute_quality: dispute/CUSTOMER_REQUESTS_CREDIT
        dispute_other: dispute/AMOUNT_DIFFERS dispute/CANCELLED dispute/DUPLICATE
        dispute_other: dispute/PAID_BY_OTHER_MEANS
        """,
    ),
}
"""Codes. A checkout's cancel_reason and a dispute's reason carry their field as a prefix."""

_SIGNATURE: Final = "x-square-hmacsha256-signature"
_NOTICE: Final = msgspec.json.Decoder(wire.Notice)
_ANSWER: Final = msgspec.json.Decoder(wire.Objects)
_BARE: Final = msgspec.json.Decoder(wire.Bare)
_STARTS: Final = {
    "payment.": "payment",
    "refund.": "refund",
    "dispute.": "dispute",
    "terminal.checkout.": "checkout",
}
_SUBJECTS: Final = {
    word: next(name for start, name in _STARTS.items() if word.startswith(start))
    for word in EVENTS
    if "/" not in word
}
_ERRORS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_STATUS: Final = {
    Outcome.KEPT: 200,
    Outcome.REFUSED: 401,
    Outcome.BUSY: 503,
    Outcome.TOO_LARGE: 413,
}


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Check the HMAC-SHA256 over the configured address and the body.

    Any of the secrets "signing" counts with any "notification_url". The older header with SHA-1 is
    not looked at. No instant is signed, so known events are the protection against repetition.

    Raises:
        SignatureMissing: no header, or it came twice.
        SignatureInvalid: no match.
        KeyUnknown: the account has no signature key, or does not say its own address.
    """
    if delivery.via is ASKED:
        return
    given = delivery.header(_SIGNATURE)
    if not given:
        raise SignatureMissing(f"{_SIGNATURE} is absent or came twice")
    for purpose in CAPABILITIES.needed:
        if not secrets.get(purpose):
            raise KeyUnknown(f"account {delivery.account} has no secret {purpose!r}")
    computed = (
        crypto.hmac_base64(key.reveal().encode(), address.reveal().encode() + delivery.body)
        for key in secrets["signing"]
        for address in secrets["notification_url"]
    )
    if not crypto.any_same(computed, given) or not delivery.body:
        raise SignatureInvalid(
            "no match under any key: is 'notification_url' byte for byte what Square has?"
        )


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read an event, or the answer to a question or to a deed."""
    try:
        if delivery.via is ASKED:
            return reading.with_waiting(_answer(delivery, account), delivery)
        notice = _NOTICE.decode(delivery.body)
        subject = _SUBJECTS.get(notice.type)
        if subject is None:
            return _other(delivery)
        found = getattr(notice.data.object, subject)
        if found is None or not (found.id or found.dispute_id):
            return unreadable("data.object", f"the event holds no {subject} with an id")
        at = wire.instant(notice.created_at)
        told = facts.Told(
            REASONS, EVENTS, delivery, account, notice.type,
            delivery.received_at if at is None else at, _is_test(delivery),
            notice.merchant_id or "",
        )  # fmt: skip
        return list(facts.READERS[subject](told, found))
    except _ERRORS as error:
        return _other(delivery, error)
    except ValueError:
        return unreadable("data.object.amount_money", "not in ISO 4217, or negative")


def _is_test(delivery: Delivery) -> bool:
    return (delivery.header("square-environment") or "").lower() == "sandbox"


def _answer(delivery: Delivery, account: Account) -> Translation:
    found = _ANSWER.decode(delivery.body)
    if found.errors:
        return _error(delivery, found.errors)
    subject = next((name for name in facts.READERS if getattr(found, name) is not None), "")
    if not subject:
        return unreadable("body", "the answer is neither an object nor an error")
    one: wire.Object = getattr(found, subject)
    own = f"checkouts/{one.id}" if subject == "checkout" else one.id
    done = ordered(delivery.context)
    if not one.id or (done is None and delivery.request != own):
        return unreadable("id", "the answer is about another object than the question")
    told = facts.Told(REASONS, EVENTS, delivery, account, f"answer/{subject}", delivery.received_at)
    return list(facts.READERS[subject](told, one))


def _error(delivery: Delivery, errors: list[wire.Error]) -> Translation:
    """Tell of an error: unknown there, a deed refused, or nothing that leads to a conclusion."""
    code = first(*(each.code for each in errors), "error")
    done, kind, result = ordered(delivery.context), OTHER, UNKNOWN
    if done is None and code == "NOT_FOUND":
        kind, result = Kind.ABSENT, SUCCEEDED
    elif done is not None and delivery.header(STATUS) in deeds.REFUSALS:
        kind, result = done, REFUSED
    which = "" if kind is Kind.ABSENT else str(delivery.received_at)
    tell = Teller(
        REASONS, ("answer", delivery.request, code, which), first(delivery.request, "unknown"),
        delivery.received_at, via=ASKED, life=False,
    )  # fmt: skip
    return [tell(kind, result, reason=(0, code))]


def _other(delivery: Delivery, error: Exception | None = None) -> Translation:
    """Tell of an event that no table lists; a listed one that cannot be read is unreadable."""
    try:
        bare = _BARE.decode(delivery.body)
    except _ERRORS as worse:
        return _unread(worse)
    own = bare.data.id if bare.data else ""
    payment = first(own, bare.event_id)
    if delivery.via is ASKED or not payment or bare.type in EVENTS:
        return _unread(error)
    at = wire.instant(bare.created_at)
    tell = Teller(
        REASONS,
        (bare.type, own or "", "", bare.event_id),
        payment,
        delivery.received_at if at is None else at,
        via=delivery.via,
        test=_is_test(delivery),
        merchant=bare.merchant_id or "",
    )
    return [tell(OTHER, UNKNOWN, reason=(0, bare.type))]


def _unread(error: Exception | None) -> Unreadable:
    where = reading.path(error) if isinstance(error, msgspec.MsgspecError) else "type"
    return unreadable(where, "not an event of Square's: a field is missing or of another type")


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return an empty answer: Square reads only the status."""
    return Acknowledgement(_STATUS[outcome])


query: Final = deeds.query
act: Final = deeds.act
