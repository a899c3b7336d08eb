"""Mollie: a notice that names a payment and no more, and signed events of the next generation.

The classic notice is the form `id=tr_…`: unsigned, without a state. It proves nothing, so it only
makes us ask; the payment's state comes over TLS, with its refunds and chargebacks. It is answered
alike for every id, known or not, so that nobody learns which exist.

Next-generation events are JSON, signed, and may carry the payment or refund as it then stood; then
they are facts. Without it they too only make us ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from voidtrail.errors import KeyUnknown, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import Acknowledgement, Delivery, Event, Kind, Micros, Result
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
from voidtrail.sources.mollie import deeds, facts, wire
from voidtrail.sources.telling import ASKED, NUDGE, OTHER, SUCCEEDED, UNKNOWN, Teller, ordered

NAME: Final = "mollie"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="Mollie",
    probe="tr_probe",
    webhook=True,
    signed=False,
    query=True,
    close=True,
    void=True,
    refund=True,
    pay_link=True,
    retries="10 times in 26 hours; docs.mollie.com/reference/webhooks",
    amount_unit="major",
    zone="UTC",
    secrets=("api_key", "signing"),
    needed=("api_key",),
)
IDENTITY: Final = Identity(fields=("event or answer", "id", "status", "instant", "amount"))
"""Of the payment, refund or chargeback that a fact is about; never the event's own id, since one
change may come as two events (two subscriptions)."""

_PAYMENT: Final = "docs.mollie.com/reference/get-payment (status)"
_REFUND: Final = "docs.mollie.com/reference/get-refund (status)"
EVENTS: Final[Mapping[str, Row]] = {
    "payment/open": Row(Kind.OPEN, Result.PENDING, _PAYMENT),
    "payment/pending": Row(Kind.SUBMIT, Result.PENDING, _PAYMENT),
    "payment/authorized": Row(Kind.AUTHORISE, Result.SUCCEEDED, _PAYMENT),
    "payment/paid": Row(Kind.CAPTURE, Result.SUCCEEDED, _PAYMENT),
    "payment/canceled": Row(Kind.CANCEL, Result.SUCCEEDED, _PAYMENT),
    "payment/expired": Row(Kind.EXPIRE, Result.SUCCEEDED, _PAYMENT),
    "payment/failed": Row(Kind.AUTHORISE, Result.REFUSED, _PAYMENT),
    "refund/queued": Row(Kind.REFUND, Result.PENDING, _REFUND),
    "refund/pending": Row(Kind.REFUND, Result.PENDING, _REFUND),
    "refund/processing": Row(Kind.REFUND, Result.PENDING, _REFUND),
    "refund/refunded": Row(Kind.REFUND, Result.SUCCEEDED, _REFUND),
    "refund/failed": Row(Kind.REFUND, Result.REFUSED, _REFUND),
    "refund/canceled": Row(Kind.REFUND, Result.REFUSED, _REFUND),
}
"""Resource and status. An event's type (`payment.paid`) only says which resource is inside."""

REASONS: Final[Mapping[str, ReasonRow]] = {
    **reading.reason_rows(
        "docs.mollie.com/reference/get-payment (details.failureReason)",
        """
        customer_left: authentication_abandoned
        authentication_failed: authentication_failed authentication_required
        issuer_unavailable: authentication_unavailable_acs
        declined: card_declined refused_by_issuer unknown_reason
        card_expired: card_expired
        not_permitted: inactive_card invalid_card_type
        insufficient_funds: insufficient_funds
        card_data_wrong: invalid_cvv invalid_card_number invalid_card_holder_name
        issuer_suspects_fraud: possible_fraud
        """,
    ),
    **reading.reason_rows(
        "docs.mollie.com/reference/get-chargeback (reason.code; unconfirmed)",
        """
        dispute_fraud: chargeback/MD01
        dispute_other: chargeback/AC01 chargeback/AC04 chargeback/AC06 chargeback/AM04
        dispute_other: chargeback/MD06 chargeback/MS02 chargeback/MS03 chargeback/SL01
        """,
    ),
}
"""Codes of failed card payments, and of direct debits that were taken back."""

_SCHEME: Final = "sha256="
_NOTICE: Final = msgspec.json.Decoder(wire.Notice)
_ANSWER: Final = msgspec.json.Decoder(wire.Resource)
_BROKEN: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_ABSENT: Final = 404
_STATUS: Final = {
    Outcome.KEPT: 200,
    Outcome.REFUSED: 401,
    Outcome.BUSY: 503,
    Outcome.TOO_LARGE: 413,
}


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Accept a classic notice as it is; check `X-Mollie-Signature` of everything else.

    The header is "sha256=" and hex HMAC-SHA256 over the raw body. While the secret is rolled it
    comes twice, or holds two values, one by each secret; any match counts. The same value twice
    is no such header.

    Raises:
        SignatureMissing: the body is no classic notice, and there is no signature.
        SignatureInvalid: no secret gives any of the signatures.
        KeyUnknown: the account has no secret "signing".
    """
    if delivery.via is ASKED:
        return
    headers = [value for name, value in delivery.headers if name == "x-mollie-signature"]
    given = [part.strip() for value in headers for part in value.split(",") if part.strip()]
    if not headers and wire.named(delivery.body):
        return
    if not 0 < len(given) <= 2 or len(set(given)) != len(given):
        raise SignatureMissing("X-Mollie-Signature is absent, or came twice alike")
    keys = secrets.get("signing", ())
    if not keys:
        raise KeyUnknown(f"account {delivery.account} has no secret 'signing' (of the webhook)")
    matched = False
    for key in keys:
        expected = _SCHEME.encode() + crypto.hmac_sha256_hex(key.reveal(), delivery.body)
        for signature in given:
            matched |= crypto.same(expected, signature)
    if not matched:
        raise SignatureInvalid("X-Mollie-Signature does not match the body under any secret")


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read a notice, or the answer to a question or an order."""
    named = wire.named(delivery.body)
    if named and delivery.via is not ASKED:
        return [_nudge(delivery, named)]
    try:
        if delivery.via is ASKED:
            return reading.with_waiting(_answer(delivery, account), delivery)
        return _notice(delivery, account, _NOTICE.decode(delivery.body))
    except _BROKEN as error:
        where = reading.path(error) if isinstance(error, msgspec.MsgspecError) else "body"
        return unreadable(where, "nothing of Mollie's: a field is missing or of another type")
    except ValueError:
        return unreadable("amount", "an amount is no exact amount in its currency, or of nothing")


def _nudge(delivery: Delivery, named: str) -> Event:
    """Tell that something changed; every notice is a reason of its own to ask."""
    identity = ("nudge", named, "", str(delivery.received_at), "")
    return Teller(REASONS, identity, named, delivery.received_at)(NUDGE, SUCCEEDED)


def _notice(delivery: Delivery, account: Account, notice: wire.Notice) -> Translation:
    found = notice.embedded.entity if notice.embedded else None
    about = first(notice.entity_id, found.id if found else "")
    if notice.resource != "event" or not about:
        return unreadable("resource", "the notice is no event, or names nothing")
    if found is not None and found.id == about:
        if found.resource == "payment":
            return facts.payment(REASONS, EVENTS, delivery, account, found)
        if found.resource == "refund":
            return facts.refund(REASONS, EVENTS, delivery, found)
    if about.startswith("tr_"):
        return [_nudge(delivery, about)]
    at = reading.instant(notice.created_at, 0)
    identity = ("event", about, notice.type, notice.created_at or "", "")
    tell = Teller(REASONS, identity, about, delivery.received_at if at is None else at)
    return [tell(OTHER, UNKNOWN, reason=(0, notice.type))]


def _answer(delivery: Delivery, account: Account) -> Translation:
    found = _ANSWER.decode(delivery.body)
    told = ordered(delivery.context)
    if isinstance(found.status, int):
        return _error(delivery, found.status)
    if found.resource == "refund" and told is Kind.REFUND:
        return facts.refund(REASONS, EVENTS, delivery, found)
    if found.resource != "payment" or not found.id:
        return unreadable("resource", "the answer is neither a payment nor an error")
    if delivery.request not in ("", found.id) and told is not Kind.OPEN:
        return unreadable("id", "the answer is about another payment than the question")
    return facts.payment(REASONS, EVENTS, delivery, account, found)


def _error(delivery: Delivery, status: int) -> Translation:
    """Tell of an error: unknown there, an order refused, or nothing that is a conclusion."""
    if not delivery.request:
        return unreadable("status", "an error that answers no question")
    which = "" if status == _ABSENT else str(delivery.received_at)
    identity = ("answer", delivery.request, str(status), which, "")
    tell = Teller(REASONS, identity, delivery.request, delivery.received_at, via=ASKED, life=False)
    if ordered(delivery.context) is not None and status in deeds.REFUSALS:
        return facts.refused(tell, delivery, str(status))
    kind, result = (Kind.ABSENT, SUCCEEDED) if status == _ABSENT else (OTHER, UNKNOWN)
    return [tell(kind, result, reason=(0, str(status)))]


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return an empty answer: Mollie reads only the status, the same for known and unknown ids."""
    return Acknowledgement(_STATUS[outcome])


query: Final = deeds.query
act: Final = deeds.act
