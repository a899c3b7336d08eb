"""Checkout.com: signed events whose type tells who ended a payment, and payments asked about.

No event states a reason for a cancellation: a customer cancels (`payment_canceled`), a merchant or
Checkout.com voids (`payment_voided`), time expires (`payment_expired`). A void that was declined
leaves the payment authorised. What happened is known by the action's id, since one action may come
as several events.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import STATUS, Acknowledgement, Delivery, Kind, Micros
from voidtrail.money import currency_number
from voidtrail.sources import crypto, reading, signed_body
from voidtrail.sources.checkout import deeds, facts, wire
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
from voidtrail.sources.telling import ASKED, OTHER, SUCCEEDED, UNKNOWN, Teller, ordered

NAME: Final = "checkout"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="Checkout.com",
    webhook=True,
    query=True,
    void=True,
    refund=True,
    pay_link=True,
    retries="8 times (5 m, 10 m, 15 m, 30 m, 1 h, 4 h, 12 h, 12 h); "
    "checkout.com/docs/developer-resources/event-notifications",
    amount_unit="minor",
    zone="UTC",
    secrets=("signing", "api_key"),
    needed=("signing",),
)
IDENTITY: Final = Identity(fields=("type", "data.id", "data.action_id or id"))
"""For answers: "answer", the payment, its status and what was captured and returned so far."""

_TYPES_DOC: Final = "checkout.com/docs/developer-resources/event-notifications/event-types"
_DISPUTES_DOC: Final = "checkout.com/docs/reporting-and-insights/events-api/event-types"
EVENTS: Final[Mapping[str, Row]] = {
    **reading.event_rows(
        _TYPES_DOC,
        """
        SUBMIT PENDING: payment_pending payment_compliance_review
        AUTHORISE SUCCEEDED: payment_approved
        AUTHORISE REFUSED: payment_declined
        CAPTURE SUCCEEDED: payment_captured
        CAPTURE PENDING: payment_capture_pending
        CAPTURE REFUSED: payment_capture_declined
        VOID SUCCEEDED: payment_voided
        VOID REFUSED: payment_void_declined
        CANCEL SUCCEEDED: payment_canceled
        EXPIRE SUCCEEDED: payment_expired
        REFUND SUCCEEDED: payment_refunded
        REFUND PENDING: payment_refund_pending
        REFUND REFUSED: payment_refund_declined
        OTHER UNKNOWN: payment_paid card_verified card_verification_declined
        OTHER UNKNOWN: authentication_initiated authentication_started authentication_attempted
        OTHER UNKNOWN: authentication_approved authentication_failed authentication_expired
        """,
    ),
    **reading.event_rows(
        _TYPES_DOC + " (that the customer's bank took the money back: unconfirmed)",
        "DISPUTE SUCCEEDED: payment_returned",
    ),
    **reading.event_rows(
        _DISPUTES_DOC,
        """
        DISPUTE SUCCEEDED: dispute_evidence_required dispute_lost dispute_expired
        DISPUTE PENDING: dispute_evidence_submitted dispute_evidence_acknowledged_by_scheme
        DISPUTE REFUSED: dispute_resolved
        REVERSE SUCCEEDED: dispute_won dispute_canceled
        """,
    ),
    **reading.event_rows(
        _DISPUTES_DOC + " (which way the money goes: unconfirmed)",
        """
        DISPUTE SUCCEEDED: dispute_received dispute_accepted dispute_arbitration_lost
        DISPUTE PENDING: dispute_arbitration_sent_to_scheme
        REVERSE SUCCEEDED: dispute_arbitration_won
        """,
    ),
}
"""Event types; a void that succeeded also ends the payment."""

REASONS: Final[Mapping[str, ReasonRow]] = {
    **reading.reason_rows(
        "checkout.com/docs/developer-resources/codes/response-codes (unconfirmed)",
        """
        declined: 20001 20002 20003 20005 20006 20012 20046 20105 2xxxx 3xxxx
        insufficient_funds: 20051
        card_expired: 20054 30033
        card_data_wrong: 20013 20014 20038 20055 20075 20082 20083 20087
        authentication_failed: 20150 20151 20152 20154
        card_lost_or_stolen: 20062 30004 30007 30036 30041 30043
        limit_exceeded: 20061 20065
        not_permitted: 20057 20058
        issuer_suspects_fraud: 20059 20063 30034
        customer_request: 20017
        issuer_unavailable: 20068 20091
        platform_fault: 20096 5xxxx
        risk_refused: 4xxxx
        """,
    ),
    **reading.reason_rows(
        _TYPES_DOC + "/payment_voided (trigger)",
        "merchant_request: voided/manual\nclosed_by_platform: voided/automatic",
    ),
    **reading.reason_rows(
        _DISPUTES_DOC + " (category)",
        """
        dispute_fraud: dispute/fraudulent dispute/unrecognized
        dispute_quality: dispute/product_service_not_received dispute/product_not_received
        dispute_quality: dispute/not_as_described dispute/product_service_not_as_described
        dispute_quality: dispute/credit_not_issued
        dispute_other: dispute/general dispute/duplicate dispute/canceled_recurring
        dispute_other: dispute/incorrect_amount dispute/processing_error
        """,
    ),
}
"""Response codes, their families as "2xxxx", and words with their field in front."""

_NOTICE: Final = msgspec.json.Decoder(wire.Notice)
_DATA: Final = msgspec.json.Decoder(wire.Data)
_BAD: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_AT_ITS_OWN: Final = frozenset({Kind.AUTHORISE, Kind.CAPTURE, Kind.REFUND})
_STATUS: Final = {
    Outcome.KEPT: 200,
    Outcome.REFUSED: 401,
    Outcome.BUSY: 503,
    Outcome.TOO_LARGE: 413,
}


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Check `Cko-Signature`: HMAC-SHA256 of the raw body, by any of the secrets "signing".

    No instant is signed, so known events are the protection from replays. Answers to our own
    requests carry no signature: TLS proves them.

    Raises:
        SignatureMissing: no header, or it came twice.
        SignatureInvalid: it matches under no secret.
        KeyUnknown: the account has no secret "signing".
    """
    if delivery.via is ASKED:
        return
    signed_body.check(delivery, secrets, "Cko-Signature", crypto.hmac_sha256_hex)


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read an event, a payment that was asked about, or the answer to a deed."""
    try:
        if delivery.via is ASKED:
            return reading.with_waiting(_answer(delivery, account), delivery)
        notice = _NOTICE.decode(delivery.body)
    except _BAD as error:
        where = reading.path(error) if isinstance(error, msgspec.MsgspecError) else "body"
        return unreadable(where, "nothing of Checkout.com: a field is missing or has another type")
    data = notice.data
    row = EVENTS.get(notice.type, Row(OTHER, UNKNOWN, ""))
    payment = first(data.payment_id, data.id, notice.id)
    if not payment or not notice.type or (row.kind is not OTHER and not data.id):
        return unreadable("data.id", "the event names neither itself nor a payment")
    at = reading.instant(
        first(data.processed_on, notice.created_on, notice.timestamp, data.date), 0
    )
    tell = _teller(
        delivery, account, data, payment, (notice.type, data.id, first(data.action_id, notice.id))
    )
    tell = tell._replace(
        at=delivery.received_at if at is None else at, test=wire.is_sandbox(notice.links)
    )
    if row.kind is OTHER:
        return facts.event(tell._replace(currency=""), notice.type, row, data, None)
    try:
        currency_number(tell.currency)
        amount = wire.minor(data.amount, tell.currency)
    except ValueError:
        return unreadable("data.currency", "not in ISO 4217, or the amount is finer than its unit")
    return facts.event(tell, notice.type, row, data, amount)


def _teller(
    delivery: Delivery, account: Account, data: wire.Data, payment: str, identity: tuple[str, ...]
) -> Teller:
    return Teller(
        REASONS,
        identity,
        payment,
        delivery.received_at,
        order=wire.order(data, account.options.get("order_field", "reference")),
        currency=data.currency or "",
        via=delivery.via,
        method=wire.method(data),
        customer=(data.customer.id if data.customer else None) or "",
        life=delivery.via is not ASKED,
        dimensions=wire.dimensions(data),
        merchant=data.entity_id or "",
    )


def _answer(delivery: Delivery, account: Account) -> Translation:
    status, kind = delivery.header(STATUS) or "", ordered(delivery.context)
    said = _DATA.decode(delivery.body) if delivery.body else wire.Data()
    payment = first(delivery.request, said.id)
    if not payment:
        return unreadable("id", "the answer names no payment, and no question is known")
    code = first(said.error_codes[0] if said.error_codes else "", said.error_type)
    failed = bool(code) or status.startswith("4")
    identity = ("answer", payment, first(code, said.action_id, status), str(delivery.received_at))
    bare = Teller(REASONS, identity, payment, delivery.received_at, via=ASKED, life=False)
    if kind is not None:
        found = deeds.done(bare, delivery, said, kind)
        return found or unreadable("action_id", "the answer to a deed names no action")
    if failed:
        if status == "404":
            absent = bare._replace(identity=("answer", payment, "404"))
            return [absent(Kind.ABSENT, SUCCEEDED, reason=(0, "404"))]
        return [bare(OTHER, UNKNOWN, reason=(0, first(code, status)))]
    if not said.id or not said.status or delivery.request not in ("", said.id):
        return unreadable("id", "the answer is about no payment, or another than the question")
    balances = said.balances or wire.Balances()
    counted = (str(balances.total_captured or ""), str(balances.total_refunded or ""))
    tell = _teller(delivery, account, said, said.id, ("answer", said.id, said.status, *counted))
    try:
        currency_number(tell.currency)
        found = facts.payment(tell, said, wire.minor(said.amount, tell.currency))
    except ValueError:
        return unreadable("currency", "not in ISO 4217, or an amount is finer than its unit")
    at = reading.instant(said.requested_on, 0)
    return [
        msgspec.structs.replace(event, occurred_at=at)
        if at is not None and event.kind in _AT_ITS_OWN and event.result is SUCCEEDED
        else event
        for event in found
    ]


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return an empty answer: Checkout.com reads only the status."""
    return Acknowledgement(_STATUS[outcome])


query: Final = deeds.query
act: Final = deeds.act
