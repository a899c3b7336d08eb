"""Stripe: signed JSON events about intents, charges, refunds, disputes and checkout sessions.

One Event object states one or two facts. Its meaning is given by its type; amounts and references
are read from the object inside it, in whatever API version the endpoint is pinned to (so embedded
charges are never relied on). Where one notice cannot know what came before it, it says only what
stays true in any order; docs/reference/sources.md lists these cases.

JSON keys that occur twice: the last one counts. The signature covers the raw bytes, so such a body
is Stripe's own statement and nobody else's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from voidtrail.errors import KeyUnknown, SignatureExpired, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import (
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
from voidtrail.sources.stripe import deeds, wire
from voidtrail.sources.stripe.facts import facts
from voidtrail.sources.telling import (
    ASKED,
    CANCEL,
    OTHER,
    REFUSED,
    SUCCEEDED,
    UNKNOWN,
    Teller,
    ordered,
)

NAME: Final = "stripe"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="Stripe",
    webhook=True,
    bill_file=True,
    query=True,
    close=True,
    void=True,
    refund=True,
    pay_link=True,
    retries="up to 3 days with growing pauses (sandbox: 3 times in a few hours); "
    "docs.stripe.com/webhooks",
    amount_unit="minor",
    zone="UTC",
    secrets=("signing", "api_key"),
    needed=("signing",),
)
IDENTITY: Final = Identity(fields=("type", "object.id", "object.status", "amount", "which"))
"""Never the event's own id (one fact may come as two Event objects), and never the object's id
alone (a charge is refunded twice, an attempt fails twice). `amount` is the one that the type is
about; `which` is the charge or error of an attempt, and the event's id for unlisted types."""

_EVENTS_DOC: Final = "docs.stripe.com/api/events/types"
_PI: Final = "payment_intent."
_CH: Final = "charge."
_CS: Final = "checkout.session."
EVENTS: Final[Mapping[str, Row]] = {
    _PI + "created": Row(Kind.OPEN, Result.PENDING, _EVENTS_DOC),
    _PI + "requires_action": Row(Kind.AUTHENTICATE, Result.PENDING, _EVENTS_DOC),
    _PI + "processing": Row(Kind.SUBMIT, Result.PENDING, _EVENTS_DOC),
    _PI + "partially_funded": Row(Kind.SUBMIT, Result.PENDING, _EVENTS_DOC),
    _PI + "amount_capturable_updated": Row(Kind.AUTHORISE, Result.SUCCEEDED, _EVENTS_DOC),
    _PI + "succeeded": Row(Kind.CAPTURE, Result.SUCCEEDED, _EVENTS_DOC),
    _PI + "payment_failed": Row(Kind.AUTHORISE, Result.REFUSED, _EVENTS_DOC),
    _PI + "canceled": Row(Kind.CANCEL, Result.SUCCEEDED, _EVENTS_DOC),
    _CH + "pending": Row(Kind.SUBMIT, Result.PENDING, _EVENTS_DOC),
    _CH + "succeeded": Row(Kind.AUTHORISE, Result.SUCCEEDED, _EVENTS_DOC),
    _CH + "captured": Row(Kind.CAPTURE, Result.SUCCEEDED, _EVENTS_DOC),
    _CH + "failed": Row(Kind.AUTHORISE, Result.REFUSED, _EVENTS_DOC),
    _CH + "expired": Row(Kind.EXPIRE, Result.SUCCEEDED, _EVENTS_DOC),
    _CH + "refunded": Row(Kind.REFUND, Result.SUCCEEDED, _EVENTS_DOC),
    _CH + "refund.updated": Row(Kind.REFUND, Result.UNKNOWN, _EVENTS_DOC),
    "refund.created": Row(Kind.REFUND, Result.UNKNOWN, _EVENTS_DOC),
    "refund.updated": Row(Kind.REFUND, Result.UNKNOWN, _EVENTS_DOC),
    "refund.failed": Row(Kind.REFUND, Result.REFUSED, _EVENTS_DOC),
    _CH + "dispute.created": Row(Kind.DISPUTE, Result.PENDING, _EVENTS_DOC),
    _CH + "dispute.updated": Row(Kind.DISPUTE, Result.PENDING, _EVENTS_DOC),
    _CH + "dispute.closed": Row(Kind.DISPUTE, Result.UNKNOWN, _EVENTS_DOC),
    _CH + "dispute.funds_withdrawn": Row(Kind.DISPUTE, Result.SUCCEEDED, _EVENTS_DOC),
    _CH + "dispute.funds_reinstated": Row(Kind.REVERSE, Result.SUCCEEDED, _EVENTS_DOC),
    _CS + "completed": Row(Kind.CAPTURE, Result.UNKNOWN, _EVENTS_DOC),
    _CS + "async_payment_succeeded": Row(Kind.CAPTURE, Result.SUCCEEDED, _EVENTS_DOC),
    _CS + "async_payment_failed": Row(Kind.CAPTURE, Result.REFUSED, _EVENTS_DOC),
    _CS + "expired": Row(Kind.EXPIRE, Result.SUCCEEDED, _EVENTS_DOC),
}
"""Event types. UNKNOWN: the object's own status decides."""

_ANSWERS: Final[Mapping[str, str]] = {
    "payment_intent/requires_payment_method": _PI + "created",
    "payment_intent/requires_confirmation": _PI + "created",
    "payment_intent/requires_action": _PI + "created",
    "payment_intent/processing": _PI + "processing",
    "payment_intent/requires_capture": _PI + "amount_capturable_updated",
    "payment_intent/canceled": _PI + "canceled",
    "payment_intent/succeeded": _PI + "succeeded",
    "charge/pending": _CH + "pending",
    "charge/succeeded": _CH + "succeeded",
    "charge/failed": _CH + "failed",
    "checkout.session/open": _PI + "created",
    "checkout.session/complete": _CS + "completed",
    "checkout.session/expired": _CS + "expired",
    "refund/succeeded": "refund.created",
    "refund/pending": "refund.created",
    "refund/requires_action": "refund.created",
    "refund/failed": "refund.failed",
    "refund/canceled": "refund.failed",
}
"""Object and status of an answer to us, as the event type that means the same."""

REASONS: Final[Mapping[str, ReasonRow]] = {
    **reading.reason_rows(
        "docs.stripe.com/api/payment_intents/object (cancellation_reason)",
        """
        customer_request: cancel/requested_by_customer
        customer_left: cancel/abandoned
        duplicate: cancel/duplicate
        fraud_suspected: cancel/fraudulent
        invoice_failed: cancel/failed_invoice
        invoice_voided: cancel/void_invoice
        timed_out: cancel/automatic cancel/expired
        """,
    ),
    **reading.reason_rows(
        "docs.stripe.com/api/refunds/object (reason)",
        """
        refund_of_duplicate: refund/duplicate
        refund_of_fraud: refund/fraudulent
        refund_on_request: refund/requested_by_customer
        authorisation_lapsed: refund/expired_uncaptured_charge
        """,
    ),
    **reading.reason_rows(
        "docs.stripe.com/api/disputes/object (reason)",
        """
        dispute_fraud: dispute/fraudulent dispute/unrecognized
        dispute_quality: dispute/product_not_received dispute/product_unacceptable
        dispute_quality: dispute/credit_not_processed
        dispute_other: dispute/bank_cannot_process dispute/check_returned dispute/duplicate
        dispute_other: dispute/customer_initiated dispute/debit_not_authorized dispute/general
        dispute_other: dispute/incorrect_account_details dispute/insufficient_funds
        dispute_other: dispute/noncompliant dispute/subscription_canceled
        """,
    ),
    **reading.reason_rows(
        "docs.stripe.com/declines/codes; outcome.reason of docs.stripe.com/api/charges/object",
        """
        risk_refused: highest_risk_level elevated_risk_level rule merchant_blacklist
        declined: card_declined generic_decline do_not_honor do_not_try_again call_issuer
        declined: no_action_taken approve_with_id testmode_decline live_mode_test_card
        insufficient_funds: insufficient_funds
        card_expired: expired_card
        card_data_wrong: incorrect_number incorrect_cvc incorrect_pin incorrect_zip
        card_data_wrong: incorrect_address invalid_cvc invalid_expiry_month invalid_expiry_year
        card_data_wrong: invalid_number invalid_pin invalid_account invalid_amount
        card_data_wrong: pin_try_exceeded new_account_information_available
        authentication_failed: authentication_required authentication_not_handled
        authentication_failed: payment_intent_authentication_failure
        card_lost_or_stolen: lost_card stolen_card pickup_card restricted_card
        limit_exceeded: card_velocity_exceeded withdrawal_count_limit_exceeded
        not_permitted: card_not_supported currency_not_supported not_permitted
        not_permitted: transaction_not_allowed service_not_allowed
        issuer_suspects_fraud: fraudulent security_violation
        revoked: revocation_of_authorization revocation_of_all_authorizations stop_payment_order
        issuer_unavailable: issuer_not_available try_again_later reenter_transaction
        platform_fault: processing_error
        duplicate: duplicate_transaction
        """,
    ),
}
"""Codes. A cancellation's, a refund's and a dispute's own words carry their field as a prefix."""

_STARTS: Final = (
    (_CH + "dispute.", ("dispute",)),
    (_CH + "refunded", ("charge", "refund")),  # synthetic samples carry the refund itself
    (_CH + "refund.", ("refund",)),
    ("refund.", ("refund",)),
    (_CH, ("charge",)),
    (_CS, ("checkout.session",)),
    (_PI, ("payment_intent",)),
)
_SUBJECTS: Final = {
    word: next(subjects for start, subjects in _STARTS if word.startswith(start)) for word in EVENTS
}
_WINDOW_S: Final = 300
_TIME_DIGITS_MAX: Final = 12
_NOTICE: Final = msgspec.json.Decoder(wire.Notice)
_ANSWER: Final = msgspec.json.Decoder(wire.Object)
_BARE: Final = msgspec.json.Decoder(wire.Bare)
_STATUS: Final = {
    Outcome.KEPT: 200,
    Outcome.REFUSED: 401,
    Outcome.BUSY: 503,
    Outcome.TOO_LARGE: 413,
}


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Check the `Stripe-Signature` of a pushed event: HMAC-SHA256 over "t.body".

    Any `v1` under any of the secrets "signing" counts (two are live while one is rolled); `v0` and
    unknown schemes do not. Answers to our own questions carry no signature: TLS proves them.

    Raises:
        SignatureMissing: no header, or it came twice, or without one instant and one `v1`.
        SignatureExpired: signed more than 300 s before or after `now`.
        SignatureInvalid: no signature matches.
        KeyUnknown: the account has no secret "signing".
    """
    if delivery.via is ASKED:
        return
    instants, given = [], []
    for part in (delivery.header("stripe-signature") or "").split(","):
        name, _, value = part.strip().partition("=")
        if name == "v1":
            given.append(value)
        elif name == "t":
            instants.append(value)
    if len(instants) != 1 or not given:
        raise SignatureMissing("Stripe-Signature is absent, came twice, or lacks t or v1")
    keys = secrets.get("signing", ())
    if not keys:
        raise KeyUnknown(f"account {delivery.account} has no secret 'signing' (whsec_…)")
    at = instants[0]
    if not (at.isascii() and at.isdigit() and len(at) <= _TIME_DIGITS_MAX):
        raise SignatureInvalid("the instant in Stripe-Signature is not a number")
    message = at.encode() + b"." + delivery.body
    matched = False
    for key in keys:
        expected = crypto.hmac_sha256_hex(key.reveal(), message)
        for signature in given:
            matched |= crypto.same(expected, signature)
    if not matched:
        raise SignatureInvalid("no v1 in Stripe-Signature matches the body under any secret")
    if abs(now // 1_000_000 - int(at)) > _WINDOW_S:
        raise SignatureExpired(f"Stripe-Signature is more than {_WINDOW_S} s away from now")


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read an event, or the answer to a question about an intent, a charge or a session."""
    try:
        if delivery.via is ASKED:
            return reading.with_waiting(_answer(delivery, account), delivery)
        notice = _NOTICE.decode(delivery.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return _other(delivery, error)
    row = EVENTS.get(notice.type)
    found = notice.data.object
    if row is None:
        return _other(delivery, None)
    if not found.id or found.object not in _SUBJECTS[notice.type]:
        return unreadable("data.object", "no id, or another type of object than the event's")
    if notice.account and account.options.get("account_id", notice.account) != notice.account:
        return unreadable("account", "the event belongs to another Stripe account")
    return facts(REASONS, delivery, account, notice, row)


def _answer(delivery: Delivery, account: Account) -> Translation:
    found = _ANSWER.decode(delivery.body)
    if found.error is not None:
        return _error(delivery, found.error)
    kind_and_status = f"{found.object}/{found.status}"
    row = EVENTS.get(_ANSWERS.get(kind_and_status, ""))
    if row is None or not found.id:
        return unreadable("status", "the answer is about no object or status that is listed")
    told, about = ordered(delivery.context), ["", found.id]
    if told is not None:
        intent = wire.identifier(found.payment_intent)
        about += [intent, wire.charge(found)]
    if delivery.request not in about and told is not Kind.OPEN:
        return unreadable("id", "the answer is about another object than the question")
    at = _answered_at(found, row, delivery)
    notice = wire.Notice(
        type=f"answer/{kind_and_status}",
        data=wire.Data(object=found),
        created=at,
        livemode=found.livemode,
    )
    return facts(REASONS, delivery, account, notice, row)


def _error(delivery: Delivery, error: wire.Error) -> Translation:
    """Tell of an error: unknown there, a deed refused, or nothing that leads to a conclusion."""
    told, code = ordered(delivery.context), error.code or error.type or "error"
    kind, result = OTHER, UNKNOWN
    if told is None and code == "resource_missing":
        kind, result = Kind.ABSENT, SUCCEEDED
    elif told is not None and deeds.is_refusal(error):
        kind, result = told, REFUSED
    which = "" if kind is Kind.ABSENT else str(delivery.received_at)
    identity = ("answer", delivery.request, code, "", which)
    tell = Teller(
        REASONS, identity, delivery.request, delivery.received_at, via=delivery.via, life=False
    )
    return [tell(kind, result, reason=(0, code))]


def _answered_at(found: wire.Object, row: Row, delivery: Delivery) -> int:
    """Return when an answer's fact happened, in seconds; what still waits, waits at the asking."""
    if row.kind is CANCEL and found.canceled_at:
        return found.canceled_at
    if row.kind is Kind.EXPIRE and found.expires_at:
        # One that expired before its time was ended by somebody, at the latest now.
        return min(found.expires_at, delivery.received_at // 1_000_000)
    if row.result is Result.PENDING:
        return delivery.received_at // 1_000_000
    return found.created or delivery.received_at // 1_000_000


def _other(delivery: Delivery, error: Exception | None) -> Translation:
    """Tell of an event that no table lists; a listed one that cannot be read is unreadable."""
    try:
        bare = _BARE.decode(delivery.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as worse:
        return _unread(worse)
    if delivery.via is ASKED or not bare.type or (error and bare.type in EVENTS):
        return _unread(error)
    found = bare.data.object if bare.data else wire.Loose()
    related = bare.related_object.id if bare.related_object else ""
    intent = found.payment_intent if isinstance(found.payment_intent, str) else ""
    charge = found.charge if isinstance(found.charge, str) else ""
    own = found.id if isinstance(found.id, str) else ""
    payment = first(intent, charge, related, own, bare.id)
    if not payment:
        return unreadable("id", "the event names neither itself nor an object")
    at = bare.created * 1_000_000 if isinstance(bare.created, int) else None
    if isinstance(bare.created, str):
        at = reading.instant(bare.created, 0)
    tell = Teller(
        REASONS,
        (bare.type, first(own, related), "", "", bare.id),
        payment,
        delivery.received_at if at is None else at,
        via=delivery.via,
        test=bare.livemode is False,
    )
    return [tell(OTHER, UNKNOWN, reason=(0, bare.type))]


def _unread(error: Exception | None) -> Unreadable:
    where = reading.path(error) if isinstance(error, msgspec.MsgspecError) else "type"
    return unreadable(where, "not a Stripe event: a field is missing or has another type")


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return an empty answer: Stripe reads only the status."""
    return Acknowledgement(_STATUS[outcome])


query: Final = deeds.query
act: Final = deeds.act
