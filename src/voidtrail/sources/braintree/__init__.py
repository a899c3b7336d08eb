"""Braintree: forms that hold signed, base64-coded XML.

What is signed is the base64 text, not the XML. Nothing is pushed when a card is authorised, voided
or declined: that is learnt by asking for the transaction, whose history also names who did it. When
an address is registered, Braintree asks it a riddle that only the holder of the keys can answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element

from voidtrail.errors import KeyUnknown, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import STATUS, Acknowledgement, Delivery, Kind, Micros, Result
from voidtrail.sources import crypto, reading
from voidtrail.sources.braintree import deeds, facts, wire
from voidtrail.sources.braintree.wire import text
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
from voidtrail.sources.telling import ASKED, OTHER, REFUSED, SUCCEEDED, UNKNOWN, Teller, ordered

NAME: Final = "braintree"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="Braintree",
    webhook=True,
    query=True,
    void=True,
    refund=True,
    retries="for about 24 h (unconfirmed); developer.paypal.com/braintree/docs/guides/webhooks",
    amount_unit="major",
    zone="UTC",
    secrets=("public_key", "private_key", "merchant_id"),
    needed=("public_key", "private_key"),
)
IDENTITY: Final = Identity(fields=("kind", "subject.id", "timestamp", "status"))
"""Braintree gives its notices no id; a repetition bears the first one's timestamp."""

_BRAINTREE: Final = "developer.paypal.com/braintree/docs/"
_KINDS_DOC: Final = _BRAINTREE + "reference/general/webhooks"
_STATUS_DOC: Final = _BRAINTREE + "reference/general/statuses"
EVENTS: Final[Mapping[str, Row]] = {
    "transaction_settled": Row(Kind.CAPTURE, Result.SUCCEEDED, _KINDS_DOC),
    "transaction_disbursed": Row(Kind.CAPTURE, Result.SUCCEEDED, _KINDS_DOC),
    "transaction_settlement_declined": Row(Kind.REVERSE, Result.SUCCEEDED, _KINDS_DOC),
    "transaction_retried": Row(Kind.SUBMIT, Result.PENDING, _KINDS_DOC),
    "refund_failed": Row(Kind.REFUND, Result.REFUSED, _KINDS_DOC),
    "dispute_opened": Row(Kind.DISPUTE, Result.PENDING, _KINDS_DOC),
    "dispute_disputed": Row(Kind.DISPUTE, Result.PENDING, _KINDS_DOC),
    "dispute_under_review": Row(Kind.DISPUTE, Result.PENDING, _KINDS_DOC),
    "dispute_accepted": Row(Kind.DISPUTE, Result.SUCCEEDED, _KINDS_DOC),
    "dispute_auto_accepted": Row(Kind.DISPUTE, Result.SUCCEEDED, _KINDS_DOC),
    "dispute_expired": Row(Kind.DISPUTE, Result.SUCCEEDED, _KINDS_DOC),
    "dispute_lost": Row(Kind.DISPUTE, Result.SUCCEEDED, _KINDS_DOC),
    "dispute_won": Row(Kind.DISPUTE, Result.REFUSED, _KINDS_DOC),
    "local_payment_completed": Row(Kind.SUBMIT, Result.PENDING, _KINDS_DOC),
    "local_payment_funded": Row(Kind.SUBMIT, Result.PENDING, _KINDS_DOC),
    "local_payment_expired": Row(Kind.EXPIRE, Result.SUCCEEDED, _KINDS_DOC),
    "local_payment_reversed": Row(Kind.REVERSE, Result.SUCCEEDED, _KINDS_DOC),
    "subscription_charged_successfully": Row(Kind.CAPTURE, Result.SUCCEEDED, _KINDS_DOC),
    "subscription_charged_unsuccessfully": Row(Kind.AUTHORISE, Result.REFUSED, _KINDS_DOC),
    "transaction/authorizing": Row(Kind.SUBMIT, Result.PENDING, _STATUS_DOC),
    "transaction/authorized": Row(Kind.AUTHORISE, Result.SUCCEEDED, _STATUS_DOC),
    "transaction/submitted_for_settlement": Row(Kind.CAPTURE, Result.SUCCEEDED, _STATUS_DOC),
    "transaction/settlement_pending": Row(Kind.CAPTURE, Result.SUCCEEDED, _STATUS_DOC),
    "transaction/settling": Row(Kind.CAPTURE, Result.SUCCEEDED, _STATUS_DOC),
    "transaction/settlement_confirmed": Row(Kind.CAPTURE, Result.SUCCEEDED, _STATUS_DOC),
    "transaction/settled": Row(Kind.CAPTURE, Result.SUCCEEDED, _STATUS_DOC),
    "transaction/settlement_declined": Row(Kind.REVERSE, Result.SUCCEEDED, _STATUS_DOC),
    "transaction/settlement_failed": Row(Kind.REVERSE, Result.SUCCEEDED, _STATUS_DOC),
    "transaction/voided": Row(Kind.VOID, Result.SUCCEEDED, _STATUS_DOC),
    "transaction/authorization_expired": Row(Kind.EXPIRE, Result.SUCCEEDED, _STATUS_DOC),
    "transaction/processor_declined": Row(Kind.AUTHORISE, Result.REFUSED, _STATUS_DOC),
    "transaction/gateway_rejected": Row(Kind.AUTHORISE, Result.REFUSED, _STATUS_DOC),
    "transaction/failed": Row(Kind.AUTHORISE, Result.REFUSED, _STATUS_DOC),
}
"""Kinds of notices, then statuses of transactions. A status inside of a notice is the finer word.
What was submitted for settlement counts as taken; until it settles it can still be voided."""

REASONS: Final[Mapping[str, ReasonRow]] = {
    **reading.reason_rows(
        _BRAINTREE + "reference/general/processor-responses (numbers partly unconfirmed)",
        """
        declined: 2000 2038 2046 2015 2057
        insufficient_funds: 2001 2025
        limit_exceeded: 2002 2003
        card_expired: 2004
        card_data_wrong: 2005 2006 2007 2008 2009 2010 2059 2060 2064
        card_lost_or_stolen: 2012 2013 2053 2047
        issuer_suspects_fraud: 2014 2020 2021
        revoked: 2041 2071 2072
        not_permitted: 2017 2018 2019 2036 2043
        authentication_failed: 2099
        issuer_unavailable: 2034 2105
        """,
    ),
    **reading.reason_rows(
        _BRAINTREE + "reference/response/transaction (gateway_rejection_reason)",
        """
        risk_refused: gateway/fraud gateway/risk_threshold gateway/excessive_retry
        card_data_wrong: gateway/avs gateway/avs_and_cvv gateway/cvv
        authentication_failed: gateway/three_d_secure
        duplicate: gateway/duplicate
        policy_refused: gateway/application_incomplete gateway/token_issuance
        """,
    ),
    **reading.reason_rows(
        _BRAINTREE + "reference/response/dispute (reason)",
        """
        dispute_fraud: dispute/fraud dispute/not_recognized
        dispute_quality: dispute/product_not_received dispute/product_unsatisfactory
        dispute_quality: dispute/credit_not_processed
        dispute_other: dispute/cancelled_recurring_transaction dispute/duplicate dispute/general
        dispute_other: dispute/invalid_account dispute/retrieval
        dispute_other: dispute/transaction_amount_differs
        """,
    ),
}
"""Codes; a gateway's and a dispute's own words carry their field as a prefix. Numbers 2xxx that do
not stand here are declines, and 3xxx faults of the network."""

_RIDDLE: Final = re.compile(r"[a-f0-9]{20,32}", re.ASCII)
_STATUS: Final = {
    Outcome.KEPT: 200,
    Outcome.REFUSED: 401,
    Outcome.BUSY: 503,
    Outcome.TOO_LARGE: 413,
}


@lru_cache(maxsize=64)
def _key(private_key: str) -> bytes:
    """Return the key of signatures: the SHA-1 of the private key's text."""
    return bytes.fromhex(crypto.hashed_hex(private_key.encode(), "sha1").decode())


def _signature(private_key: str, message: bytes) -> bytes:
    return crypto.hmac_raw(_key(private_key), message, "sha1").hex().encode()


def _matches(expected: bytes, given: list[str]) -> bool:
    matched = False
    for mac in given:
        matched |= crypto.same(expected, mac)
    return matched


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Check the HMAC-SHA1 over the form's base64 text, by a pair that bears our public key.

    No instant is signed, so known events are the protection against repetition. Answers to our own
    questions are proved by TLS.

    Raises:
        SignatureMissing: no form with one `bt_signature` and one `bt_payload`.
        SignatureInvalid: foreign characters in the payload, or no match.
        KeyUnknown: no pair bears a public key of the account's.
    """
    if delivery.via is ASKED:
        return
    found = wire.form(delivery.body)
    if found is None:
        raise SignatureMissing("no form with one bt_signature and one bt_payload")
    signature, payload = found
    if not payload or not wire.is_payload(payload):
        raise SignatureInvalid("bt_payload holds characters that no base64 text has")
    if _RIDDLE.fullmatch(payload.decode()):
        # Whoever asks is told the HMAC of a riddle; it must not pass for that of a notice.
        raise SignatureInvalid("bt_payload is a riddle and no notice")
    ours = {secret.reveal() for secret in secrets.get("public_key", ())}
    pairs = [pair.partition("|") for pair in signature.split("&")]
    given = [mac for public, bar, mac in pairs if bar and public in ours]
    keys = secrets.get("private_key", ())
    if not given or not keys:
        raise KeyUnknown(f"bt_signature bears no public key that account {delivery.account} holds")
    # The line break at the end may have been lost on the way; that it is there is the usual case.
    tried = ((key, message) for message in (payload, payload + b"\n") for key in keys)
    if not any(_matches(_signature(key.reveal(), message), given) for key, message in tried):
        raise SignatureInvalid("no HMAC in bt_signature matches bt_payload under any private key")


def challenge(query: str, secrets: Secrets) -> Acknowledgement | None:
    """Answer the riddle that Braintree asks an address when it is registered.

    Returns:
        The answer, or None if the query holds no riddle or the account has no keys.
    """
    given = [value for name, value in parse_qsl(query) if name == "bt_challenge"]
    public, private = secrets.get("public_key", ()), secrets.get("private_key", ())
    if len(given) != 1 or not _RIDDLE.fullmatch(given[0]) or not public or not private:
        return None
    mac = _signature(private[0].reveal(), given[0].encode())
    return Acknowledgement(200, "text/plain", public[0].reveal().encode() + b"|" + mac)


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read a notice, or the answer to a question or to a deed."""
    try:
        if delivery.via is ASKED:
            return reading.with_waiting(_answer(delivery, account), delivery)
        document = wire.opened(delivery.body)
        if document is None:
            return unreadable("bt_payload", "no form with base64 text, and no XML")
        root = wire.parse(document)
        kind, stamp = text(root, "kind"), text(root, "timestamp")
        subject, error = root.find("subject"), root.find("subject/api-error-response")
        subject = subject if error is None else error
        if root.tag != "notification" or not kind or subject is None:
            return unreadable("notification.kind", "the document is no notification with a subject")
        at = wire.instant(stamp)
        at = delivery.received_at if at is None else at
        told = facts.Told(REASONS, EVENTS, delivery, account, kind, at, stamp)
        one = next((node for node in subject if node.tag in facts.READERS), None)
        if kind not in EVENTS or one is None:
            return _other(told, subject)
        found = list(facts.READERS[one.tag](told, one))
    except ValueError as error:
        return unreadable("notification", f"it cannot be read: {_why(error)}")
    if not found or not all(event.payment for event in found):
        return unreadable("notification.subject", "it names no transaction and no payment")
    return found


def _why(error: ValueError) -> str:
    """Return why, without the value: it could be personal."""
    said = str(error)
    return "an amount or a currency" if "amount" in said or "currency" in said else said


def _other(told: facts.Told, subject: Element) -> Translation:
    """Tell of a notice that no table lists."""
    named = ("transaction-id", "id", "payment-id", "token", "check")
    own = first(*(text(node, name) for name in named for node in subject.iter()), told.word)
    tell = Teller(REASONS, (told.word, own, told.stamp, ""), own, told.at, via=told.delivery.via)
    return [tell(OTHER, UNKNOWN, reason=(0, told.word))]


def _answer(delivery: Delivery, account: Account) -> Translation:
    done, status = ordered(delivery.context), delivery.header(STATUS) or ""
    if done is None and status == "404":
        return [_said(delivery, "404", "")(Kind.ABSENT, SUCCEEDED, reason=(0, "404"))]
    if not delivery.body.strip():
        return [_said(delivery, status)(OTHER, UNKNOWN, reason=(0, status))]
    root = wire.parse(delivery.body)
    if root.tag == "api-error-response":
        code = first(*(text(node, "code") for node in root.iter()), status, "error")
        is_refusal = done is not None and status == deeds.REFUSAL
        kind, result = (done, REFUSED) if done is not None and is_refusal else (OTHER, UNKNOWN)
        return [_said(delivery, code)(kind, result, reason=(0, code))]
    own, sale = text(root, "id"), text(root, "refunded-transaction-id")
    if root.tag != "transaction" or not own:
        return unreadable("transaction.id", "the answer is neither a transaction nor an error")
    if delivery.request not in ("", own) and (done is None or delivery.request != sale):
        return unreadable("transaction.id", "the answer is about another transaction")
    told = facts.Told(REASONS, EVENTS, delivery, account, "answer", delivery.received_at)
    return list(facts.transaction(told, root))


def _said(delivery: Delivery, code: str, which: str | None = None) -> Teller:
    stamp = str(delivery.received_at) if which is None else which
    identity = ("answer", delivery.request, stamp, code)
    return Teller(
        REASONS, identity, first(delivery.request, "unknown"), delivery.received_at, via=ASKED,
        life=False,
    )  # fmt: skip


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return an empty answer: Braintree reads only the status."""
    return Acknowledgement(_STATUS[outcome])


query: Final = deeds.query
act: Final = deeds.act
