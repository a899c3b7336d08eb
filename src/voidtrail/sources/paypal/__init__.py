"""PayPal: JSON events about orders, authorisations, captures, refunds and disputes.

PayPal signs a checksum of the body with a certificate that it offers for download. Sources do no
input or output, so the certificate comes from the settings; the address that a notice names is
only compared with PayPal's own. A customer who walks away is never pushed: the order stays
CREATED until it is gone, which is learnt by asking.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from voidtrail.errors import KeyUnknown, SignatureExpired, SignatureInvalid, SignatureMissing
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
from voidtrail.sources import certificate, crypto, reading
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
from voidtrail.sources.paypal import deeds, facts, wire
from voidtrail.sources.telling import ASKED, OTHER, REFUSED, SUCCEEDED, UNKNOWN, Teller, ordered

NAME: Final = "paypal"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="PayPal",
    webhook=True,
    bill_file=True,
    query=True,
    void=True,
    refund=True,
    retries="up to 25 times in 3 days (unconfirmed); developer.paypal.com/api/rest/webhooks",
    amount_unit="major",
    zone="UTC",
    secrets=("webhook_id", "certificate", "authority", "client_id", "client_secret"),
    needed=("webhook_id", "certificate"),
)
IDENTITY: Final = Identity(fields=("event_type", "resource.id", "status", "amount"))
"""Never the event's own id: one fact may come as two events. It stands in the place of the amount
for types that no table lists."""

_EVENTS_DOC: Final = "developer.paypal.com/api/rest/webhooks/event-names"
_ORDERS_DOC: Final = "developer.paypal.com/docs/api/orders/v2 (status)"
_PAYMENTS_DOC: Final = "developer.paypal.com/docs/api/payments/v2 (status)"
_P: Final = "PAYMENT."
EVENTS: Final[Mapping[str, Row]] = {
    "CHECKOUT.ORDER.SAVED": Row(Kind.OPEN, Result.PENDING, _EVENTS_DOC),
    "CHECKOUT.ORDER.APPROVED": Row(Kind.SUBMIT, Result.PENDING, _EVENTS_DOC),
    "CHECKOUT.ORDER.PROCESSED": Row(Kind.SUBMIT, Result.PENDING, _EVENTS_DOC),
    "CHECKOUT.ORDER.COMPLETED": Row(Kind.SUBMIT, Result.PENDING, _EVENTS_DOC),
    "CHECKOUT.ORDER.VOIDED": Row(Kind.CANCEL, Result.SUCCEEDED, _EVENTS_DOC + " (unconfirmed)"),
    "CHECKOUT.PAYMENT-APPROVAL.REVERSED": Row(Kind.EXPIRE, Result.SUCCEEDED, _EVENTS_DOC),
    _P + "AUTHORIZATION.CREATED": Row(Kind.AUTHORISE, Result.SUCCEEDED, _EVENTS_DOC),
    _P + "AUTHORIZATION.VOIDED": Row(Kind.VOID, Result.SUCCEEDED, _EVENTS_DOC),
    _P + "CAPTURE.COMPLETED": Row(Kind.CAPTURE, Result.SUCCEEDED, _EVENTS_DOC),
    _P + "CAPTURE.PENDING": Row(Kind.CAPTURE, Result.PENDING, _EVENTS_DOC),
    _P + "CAPTURE.DENIED": Row(Kind.CAPTURE, Result.REFUSED, _EVENTS_DOC),
    _P + "CAPTURE.DECLINED": Row(Kind.CAPTURE, Result.REFUSED, _EVENTS_DOC),
    _P + "CAPTURE.REFUNDED": Row(Kind.REFUND, Result.SUCCEEDED, _EVENTS_DOC),
    _P + "CAPTURE.REVERSED": Row(Kind.DISPUTE, Result.SUCCEEDED, _EVENTS_DOC),
    _P + "SALE.COMPLETED": Row(Kind.CAPTURE, Result.SUCCEEDED, _EVENTS_DOC),
    _P + "SALE.PENDING": Row(Kind.CAPTURE, Result.PENDING, _EVENTS_DOC),
    _P + "SALE.DENIED": Row(Kind.CAPTURE, Result.REFUSED, _EVENTS_DOC),
    _P + "SALE.REFUNDED": Row(Kind.REFUND, Result.SUCCEEDED, _EVENTS_DOC),
    _P + "SALE.REVERSED": Row(Kind.DISPUTE, Result.SUCCEEDED, _EVENTS_DOC),
    _P + "REFUND.PENDING": Row(Kind.REFUND, Result.PENDING, _EVENTS_DOC),
    _P + "REFUND.FAILED": Row(Kind.REFUND, Result.REFUSED, _EVENTS_DOC),
    "CUSTOMER.DISPUTE.CREATED": Row(Kind.DISPUTE, Result.PENDING, _EVENTS_DOC),
    "CUSTOMER.DISPUTE.UPDATED": Row(Kind.DISPUTE, Result.PENDING, _EVENTS_DOC),
    "CUSTOMER.DISPUTE.RESOLVED": Row(Kind.DISPUTE, Result.UNKNOWN, _EVENTS_DOC),
    "RISK.DISPUTE.CREATED": Row(Kind.DISPUTE, Result.PENDING, _EVENTS_DOC),
    "order/CREATED": Row(Kind.OPEN, Result.PENDING, _ORDERS_DOC),
    "order/SAVED": Row(Kind.OPEN, Result.PENDING, _ORDERS_DOC),
    "order/PAYER_ACTION_REQUIRED": Row(Kind.OPEN, Result.PENDING, _ORDERS_DOC),
    "order/APPROVED": Row(Kind.OPEN, Result.PENDING, _ORDERS_DOC),
    "order/COMPLETED": Row(Kind.SUBMIT, Result.PENDING, _ORDERS_DOC),
    "order/VOIDED": Row(Kind.CANCEL, Result.SUCCEEDED, _ORDERS_DOC),
    "authorization/CREATED": Row(Kind.AUTHORISE, Result.SUCCEEDED, _PAYMENTS_DOC),
    "authorization/CAPTURED": Row(Kind.AUTHORISE, Result.SUCCEEDED, _PAYMENTS_DOC),
    "authorization/PARTIALLY_CAPTURED": Row(Kind.AUTHORISE, Result.SUCCEEDED, _PAYMENTS_DOC),
    "authorization/PENDING": Row(Kind.AUTHORISE, Result.PENDING, _PAYMENTS_DOC),
    "authorization/DENIED": Row(Kind.AUTHORISE, Result.REFUSED, _PAYMENTS_DOC),
    "authorization/VOIDED": Row(Kind.VOID, Result.SUCCEEDED, _PAYMENTS_DOC),
    "capture/COMPLETED": Row(Kind.CAPTURE, Result.SUCCEEDED, _PAYMENTS_DOC),
    "capture/PARTIALLY_REFUNDED": Row(Kind.CAPTURE, Result.SUCCEEDED, _PAYMENTS_DOC),
    "capture/REFUNDED": Row(Kind.CAPTURE, Result.SUCCEEDED, _PAYMENTS_DOC),
    "capture/PENDING": Row(Kind.CAPTURE, Result.PENDING, _PAYMENTS_DOC),
    "capture/DECLINED": Row(Kind.CAPTURE, Result.REFUSED, _PAYMENTS_DOC),
    "capture/DENIED": Row(Kind.CAPTURE, Result.REFUSED, _PAYMENTS_DOC),
    "capture/FAILED": Row(Kind.CAPTURE, Result.REFUSED, _PAYMENTS_DOC),
    "refund/COMPLETED": Row(Kind.REFUND, Result.SUCCEEDED, _PAYMENTS_DOC),
    "refund/PENDING": Row(Kind.REFUND, Result.PENDING, _PAYMENTS_DOC),
    "refund/FAILED": Row(Kind.REFUND, Result.REFUSED, _PAYMENTS_DOC),
    "refund/CANCELLED": Row(Kind.REFUND, Result.REFUSED, _PAYMENTS_DOC),
}
"""Event types, then the statuses of resources. A status inside of an event is the finer word."""

REASONS: Final[Mapping[str, ReasonRow]] = {
    **reading.reason_rows(
        "developer.paypal.com/docs/api/payments/v2 (processor_response.response_code)",
        """
        revoked: 0R00
        declined: 0500 5100 10BR 5140 5160 5180 5650 5930 5950 9100 9540 PPAB PPAE PPAR PPDT PPDV
        insufficient_funds: 5120
        card_expired: 5400 PPEX 1380
        card_data_wrong: 00N7 5110 5130 5170 5190 5500 1330 1382 0390 6300 0890 7900 PCVV PPAD
        card_data_wrong: PPAV PPC2 5135
        authentication_failed: 7700 7710 PPD3
        card_lost_or_stolen: 9520 5150
        limit_exceeded: 5710 PPAX PPEL PPNL
        not_permitted: 5700 0580 PPAG PPBG PPCT PPPM PPRN PPTT PPUC PPUR 1312 1352
        issuer_suspects_fraud: 9500 9510
        issuer_unavailable: 5910 5920 9600
        platform_fault: 0800 0880 0960 8000 8010 8020 8030 PPER PPIF
        network_fault: 8100 8110 8220 PPNT
        duplicate: 5200
        """,
    ),
    **reading.reason_rows(
        "developer.paypal.com/docs/api/payments/v2 (status_details.reason)",
        """
        risk_refused: DECLINED_BY_RISK_FRAUD_FILTERS
        dispute_other: reversal/BUYER_COMPLAINT reversal/CHARGEBACK
        """,
    ),
    **reading.reason_rows(
        "developer.paypal.com/docs/api/customer-disputes/v1 (reason)",
        """
        dispute_fraud: dispute/UNAUTHORISED
        dispute_quality: dispute/MERCHANDISE_OR_SERVICE_NOT_RECEIVED
        dispute_quality: dispute/MERCHANDISE_OR_SERVICE_NOT_AS_DESCRIBED
        dispute_quality: dispute/CREDIT_NOT_PROCESSED
        dispute_other: dispute/DUPLICATE_TRANSACTION dispute/INCORRECT_AMOUNT dispute/OTHER
        dispute_other: dispute/PAYMENT_BY_OTHER_MEANS dispute/CANCELED_RECURRING_BILLING
        dispute_other: dispute/PROBLEM_WITH_REMITTANCE
        """,
    ),
}
"""Codes; a reversal's and a dispute's own words carry their field as a prefix."""

_READERS: Final = {
    kind: next(reader for start, reader in facts.READERS.items() if kind.startswith(start))
    for kind in EVENTS
    if "/" not in kind
}
_ALGORITHM: Final = "SHA256withRSA"
_HEADERS: Final = tuple(
    f"paypal-{name}"
    for name in (
        "transmission-id",
        "transmission-time",
        "transmission-sig",
        "cert-url",
        "auth-algo",
    )
)
_AHEAD_S: Final = 900
_BEHIND_S: Final = 3 * 86_400 + 900  # retries go on for three days and may bear the first instant
_NOTICE: Final = msgspec.json.Decoder(wire.Notice)
_ANSWER: Final = msgspec.json.Decoder(wire.Resource)
_BARE: Final = msgspec.json.Decoder(wire.Bare)
_GONE: Final = frozenset({"RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"})
_ERRORS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_STATUS: Final = {
    Outcome.KEPT: 200,
    Outcome.REFUSED: 401,
    Outcome.BUSY: 503,
    Outcome.TOO_LARGE: 413,
}


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Check the RSA signature over transmission id, time, webhook id and the body's CRC-32.

    The webhook's id does not travel with the notice: any of the secrets "webhook_id" counts. The
    certificate is one of "certificate" (PEM, or "CERT-…=PEM" to hold it to that name); with an
    "authority" it must have been issued by it. Answers to our own questions are proved by TLS.

    Raises:
        SignatureMissing: a header is absent or came twice.
        SignatureInvalid: another algorithm, no address of PayPal's, or no match.
        SignatureExpired: signed more than 900 s from now, or over three days before.
        KeyUnknown: no certificate of that name, or one that did not count at that time.
    """
    if delivery.via is ASKED:
        return
    given = [delivery.header(name) or "" for name in _HEADERS]
    if not all(given):
        raise SignatureMissing("a PAYPAL-… header is absent or came twice")
    transmission, at_text, signature, address, algorithm = given
    if algorithm != _ALGORITHM:
        raise SignatureInvalid(f"PAYPAL-AUTH-ALGO is not {_ALGORITHM}")
    host = wire.certificate_host(address)
    if not host:
        raise SignatureInvalid("PAYPAL-CERT-URL is no address of PayPal's certificates")
    at = wire.instant(at_text)
    if at is None:
        raise SignatureInvalid("PAYPAL-TRANSMISSION-TIME is no instant")
    name = wire.certificate_name(address)
    pems = _certificates(tuple(c.reveal() for c in secrets.get("certificate", ())), name)
    webhooks = [secret.reveal() for secret in secrets.get("webhook_id", ())]
    if not pems or not webhooks:
        missing = f"certificate {name}" if webhooks else "secret 'webhook_id'"
        raise KeyUnknown(f"account {delivery.account} does not hold {missing}: see {address}")
    checksum = zlib.crc32(delivery.body)
    matched = ""
    for pem in pems:
        for webhook in webhooks:
            message = f"{transmission}|{at_text}|{webhook}|{checksum}".encode("utf-8", "replace")
            if not matched and crypto.rsa_verifies(pem, signature, message):
                matched = pem
    if not matched:
        ours = ", ".join(map(certificate.named, pems))
        raise SignatureInvalid(f"the signature by {name} does not match under {ours}")
    roots = [secret.reveal() for secret in secrets.get("authority", ())]
    certificate.check(matched, at, (wire.HOSTS[host],), roots)
    skew_s = (now - at) // 1_000_000
    if not -_AHEAD_S <= skew_s <= _BEHIND_S:
        when = f"{abs(skew_s):,} s {'before' if skew_s > 0 else 'after'} now"
        raise SignatureExpired(f"signed {when}; {_BEHIND_S:,} before and {_AHEAD_S} after count")


@lru_cache(maxsize=64)
def _certificates(texts: tuple[str, ...], wanted: str) -> tuple[str, ...]:
    """Return the configured certificates that may stand under a name."""
    found = []
    for text in texts:
        name, equals, pem = text.strip().partition("=")
        bound = bool(equals) and name.startswith("CERT-") and "BEGIN" in pem
        if not bound:
            found.append(text)
        elif name == wanted:
            found.append(pem)
    return tuple(found)


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read an event, or the answer to a question or to a deed."""
    try:
        if delivery.via is ASKED:
            return reading.with_waiting(_answer(delivery, account), delivery)
        notice = _NOTICE.decode(delivery.body)
        kind, reader = notice.event_type, _READERS.get(notice.event_type)
        if reader is None:
            return _other(delivery)
        at = wire.instant(notice.create_time)
        told = facts.Told(
            REASONS, EVENTS, delivery, account, kind, delivery.received_at if at is None else at,
            _is_test(delivery, notice),
        )  # fmt: skip
        found = list(reader(told, notice.resource))
    except _ERRORS as error:
        return _other(delivery, error)
    except facts.Nameless:
        return unreadable(
            "purchase_units.payments", "a payment inside of the order has no id of its own"
        )
    except ValueError:
        return unreadable("resource.amount", "not in ISO 4217, or finer than the currency's unit")
    if not all(event.payment for event in found):
        return unreadable("resource.id", "the event names no order and no payment")
    return found


def _is_test(delivery: Delivery, notice: wire.Notice) -> bool:
    address = delivery.header("paypal-cert-url") or ""
    sandbox = wire.certificate_host(address) == "api.sandbox.paypal.com"
    return sandbox or wire.is_sandbox(notice.resource)


def _answer(delivery: Delivery, account: Account) -> Translation:
    done, status = ordered(delivery.context), delivery.header(STATUS) or ""
    if done is not None and status == "204" and not delivery.body:
        tell = _answer_teller(delivery, "done")
        return [tell(done, SUCCEEDED)]
    found = _ANSWER.decode(delivery.body)
    if found.name or found.error or status[:1] in ("4", "5"):
        return _error(delivery, found, status)
    if not found.id:
        return unreadable("id", "the answer is neither a resource nor an error")
    asked, about = delivery.request, delivery.request.rpartition("/")
    reader = {"captures": facts.capture, "authorizations": facts.authorization}.get(about[0])
    told = facts.Told(REASONS, EVENTS, delivery, account, "answer", delivery.received_at, False)
    if done is not None:
        reader = facts.authorization if done is Kind.VOID else facts.refund
        told = told._replace(payment=asked)
    elif found.id != about[2]:
        return unreadable("id", "the answer is about another object than the question")
    return list((reader or facts.order)(told, found))


def _error(delivery: Delivery, found: wire.Resource, status: str) -> Translation:
    """Tell of an error: unknown there, a deed refused, or nothing that leads to a conclusion."""
    issues = [each.issue or "" for each in found.details or ()]
    code = first(*issues, found.name, found.error, status)
    done = ordered(delivery.context)
    kind, result = OTHER, UNKNOWN
    if done is None and (found.name in _GONE or code in _GONE):
        kind, result = Kind.ABSENT, SUCCEEDED
    elif done is Kind.VOID and code in deeds.DONE_ALREADY:
        kind, result = done, SUCCEEDED
    elif done is not None and status in deeds.REFUSALS:
        kind, result = done, REFUSED
    tell = _answer_teller(delivery, code, "" if kind is Kind.ABSENT else str(delivery.received_at))
    return [tell(kind, result, reason=(0, code))]


def _answer_teller(delivery: Delivery, word: str, which: str = "") -> Teller:
    identity = ("answer", delivery.request, word, which)
    return Teller(
        REASONS, identity, first(delivery.request, "unknown"), delivery.received_at, via=ASKED,
        life=False,
    )  # fmt: skip


def _other(delivery: Delivery, error: Exception | None = None) -> Translation:
    """Tell of an event that no table lists; a listed one that cannot be read is unreadable."""
    try:
        bare = _BARE.decode(delivery.body)
    except _ERRORS as worse:
        return _unread(worse)
    own = bare.resource.id if bare.resource else ""
    payment = first(own, bare.id)
    if delivery.via is ASKED or not payment or bare.event_type in EVENTS:
        return _unread(error)
    at = wire.instant(bare.create_time)
    tell = Teller(
        REASONS,
        (bare.event_type, own or "", "", bare.id),
        payment,
        delivery.received_at if at is None else at,
        via=delivery.via,
    )
    return [tell(OTHER, UNKNOWN, reason=(0, bare.event_type))]


def _unread(error: Exception | None) -> Unreadable:
    where = reading.path(error) if isinstance(error, msgspec.MsgspecError) else "event_type"
    return unreadable(where, "not an event of PayPal's: a field is missing or of another type")


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return an empty answer: PayPal reads only the status."""
    return Acknowledgement(_STATUS[outcome])


query: Final = deeds.query
act: Final = deeds.act
token: Final = deeds.token
