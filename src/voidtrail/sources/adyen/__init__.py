"""Adyen: items signed one by one over eight fields, told apart by event code and success flag.

`success` says whether the operation succeeded, whatever the code: a CANCELLATION that failed leaves
the payment authorised, a CAPTURE_FAILED that "succeeded" takes a capture back. Reason, date, live
flag and additional data are not signed: they say who and why, never whether. Nothing can be asked
about a payment; what was missed stands in Adyen's reports.

Unless the option `capture` is "delayed", what is authorised counts as taken, as Adyen itself does
for accounts that capture immediately: no CAPTURE follows there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from voidtrail.errors import KeyUnknown, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import (
    Acknowledgement,
    Delivery,
    Event,
    Micros,
    Unreadable,
)
from voidtrail.money import currency_number
from voidtrail.sources import crypto, reading
from voidtrail.sources.adyen import deeds, wire
from voidtrail.sources.adyen.facts import Said, reader
from voidtrail.sources.contract import (
    Capabilities,
    Identity,
    Outcome,
    ReasonRow,
    Row,
    Translation,
    first,
    never_asked,
    unreadable,
)
from voidtrail.sources.telling import (
    ASKED,
    DISPUTE,
    OTHER,
    REVERSE,
    UNKNOWN,
    VOID,
    Teller,
)

NAME: Final = "adyen"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="Adyen",
    webhook=True,
    bill_file=True,
    close=True,
    void=True,
    refund=True,
    pay_link=True,
    retries="after 9 s, 18 s, 27 s, then 2 m to 8 h apart for 30 days; "
    "docs.adyen.com/development-resources/webhooks",
    amount_unit="minor",
    zone="UTC",
    secrets=("hmac", "api_key"),
    needed=("hmac",),
)
IDENTITY: Final = Identity(fields=("pspReference", "eventCode", "success"))
"""Only signed fields: a repetition may come with another date or another reason. For answers the
first is "answer", then the deed and what was answered."""

_DOC: Final = "docs.adyen.com/development-resources/webhooks/webhook-types"
_DISPUTES_DOC: Final = "docs.adyen.com/risk-management/disputes-api/dispute-notifications"
_FAILED_DOC: Final = "docs.adyen.com/online-payments/capture/failure-reasons"

EVENTS: Final[Mapping[str, Row]] = {
    **reading.event_rows(
        _DOC,
        """
        AUTHORISE SUCCEEDED: AUTHORISATION/true AUTHORISATION_ADJUSTMENT/true
        AUTHORISE REFUSED: AUTHORISATION/false
        SUBMIT PENDING: PENDING/true
        CAPTURE SUCCEEDED: CAPTURE/true
        CAPTURE REFUSED: CAPTURE/false
        VOID SUCCEEDED: CANCELLATION/true TECHNICAL_CANCEL/true
        VOID REFUSED: CANCELLATION/false TECHNICAL_CANCEL/false
        REFUND SUCCEEDED: CANCEL_OR_REFUND/true REFUND/true REFUND_WITH_DATA/true
        REFUND REFUSED: CANCEL_OR_REFUND/false REFUND/false REFUND_WITH_DATA/false
        REFUND REFUSED: POSTPONED_REFUND/false
        REFUND PENDING: POSTPONED_REFUND/true
        EXPIRE SUCCEEDED: EXPIRE/true OFFER_CLOSED/true ORDER_CLOSED/false
        OTHER UNKNOWN: ORDER_OPENED/true ORDER_CLOSED/true AUTHORISATION_ADJUSTMENT/false
        OTHER UNKNOWN: VOID_PENDING_REFUND/true MANUAL_REVIEW_ACCEPT/true MANUAL_REVIEW_REJECT/true
        OTHER UNKNOWN: AUTORESCUE/true AUTORESCUE/false CANCEL_AUTORESCUE/true
        OTHER UNKNOWN: RECURRING_CONTRACT/true REPORT_AVAILABLE/true PAYOUT_THIRDPARTY/true
        OTHER UNKNOWN: PAYOUT_DECLINE/true
        OTHER UNKNOWN: PAYOUT_EXPIRE/true PAIDOUT_REVERSED/true
        """,
    ),
    **reading.event_rows(
        _FAILED_DOC + " (that the reference is the failed operation's: unconfirmed)",
        "REVERSE SUCCEEDED: CAPTURE_FAILED/true REFUND_FAILED/true REFUNDED_REVERSED/true",
    ),
    **reading.event_rows(
        _DISPUTES_DOC,
        """
        DISPUTE PENDING: REQUEST_FOR_INFORMATION/true NOTIFICATION_OF_CHARGEBACK/true
        DISPUTE PENDING: INFORMATION_SUPPLIED/true ISSUER_COMMENTS/true
        DISPUTE PENDING: ISSUER_RESPONSE_TIMEFRAME_EXPIRED/true DISPUTE_DEFENSE_PERIOD_ENDED/true
        DISPUTE SUCCEEDED: CHARGEBACK/true SECOND_CHARGEBACK/true PREARBITRATION_LOST/true
        DISPUTE SUCCEEDED: SCHEME_ARBITRATION_LOST/true
        DISPUTE REFUSED: PREARBITRATION_WON/true SCHEME_ARBITRATION_WON/true
        REVERSE SUCCEEDED: CHARGEBACK_REVERSED/true
        OTHER UNKNOWN: NOTIFICATION_OF_FRAUD/true
        """,
    ),
}
"""Event code and success flag. CANCEL_OR_REFUND is a void if its `modification.action` says so."""

REASONS: Final[Mapping[str, ReasonRow]] = {
    **reading.reason_rows(
        "docs.adyen.com/development-resources/refusal-reasons (from 23 on unconfirmed)",
        """
        customer_request: 15 16
        risk_refused: 14 20 22 46
        declined: 2 3 10 21 27 33 36 37 39 40 41 43 44 45
        insufficient_funds: 12
        card_expired: 6
        card_data_wrong: 7 8 17 18 19 24 32
        authentication_failed: 11 38 42
        card_lost_or_stolen: 5 25
        limit_exceeded: 28 29
        not_permitted: 23 34 35
        issuer_suspects_fraud: 31
        revoked: 26
        platform_fault: 4
        issuer_unavailable: 9
        """,
    ),
    **reading.reason_rows(
        "the card schemes' reason codes, docs.adyen.com/risk-management/understanding-disputes "
        "(unconfirmed)",
        """
        dispute_fraud: dispute/10.1 dispute/10.2 dispute/10.3 dispute/10.4 dispute/10.5
        dispute_fraud: dispute/4837 dispute/4849 dispute/4863 dispute/4870 dispute/4871
        dispute_quality: dispute/13.1 dispute/13.3 dispute/13.4 dispute/13.5 dispute/13.6
        dispute_quality: dispute/13.7 dispute/4853 dispute/4855
        """,
    ),
}
"""Numbers of refusal reasons; a dispute's codes have "dispute/" in front."""

_ABOUT_THE_ORDER: Final = frozenset({"TECHNICAL_CANCEL"}) | {
    word.partition("/")[0] for word, row in EVENTS.items() if row.document == _DISPUTES_DOC
}
"""Codes whose merchant reference is the order's although they modify a payment; with others it may
be the reference of the modification, and would unite orders that have nothing in common."""

_NOTICE: Final = msgspec.json.Decoder(wire.Notice)
_BAD: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_ANSWERS: Final = {
    Outcome.KEPT: Acknowledgement(200, "text/plain", b"[accepted]"),
    Outcome.REFUSED: Acknowledgement(401),
    Outcome.BUSY: Acknowledgement(503),
    Outcome.TOO_LARGE: Acknowledgement(413),
}


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Check the signature of every item, by any of the hexadecimal secrets "hmac".

    Webhooks of other kinds (balance platform, management) carry one over the whole body, in the
    header `HmacSignature`. No instant is signed, so known events are the protection from replays.
    Answers to our own requests carry no signature: TLS proves them.

    Raises:
        SignatureMissing: an item, or the header, is without one.
        SignatureInvalid: a signature does not match, or what it covers is ambiguous.
        KeyUnknown: the account has no secret "hmac", or one that is not hexadecimal.
    """
    if delivery.via is ASKED:
        return
    keys = _keys(delivery.account, secrets)
    try:
        items = _NOTICE.decode(delivery.body).notification_items
    except _BAD:
        raise SignatureInvalid(
            "the body is no notice of Adyen, so nothing in it is signed"
        ) from None
    if items is None:
        scheme = [value for name, value in delivery.headers if name == "protocol"]
        signature = delivery.header("hmacsignature")
        if not signature or scheme not in ([], ["HmacSHA256"]):
            raise SignatureMissing("neither items nor one HmacSignature by HmacSHA256")
        _match(keys, delivery.body, signature)
        return
    if not items:
        raise SignatureMissing("the notice has no items, so nothing in it is signed")
    for each in items:
        signature = wire.more(each.item, "hmacSignature")
        if not signature:
            raise SignatureMissing("an item has no additionalData.hmacSignature")
        text = wire.signed_text(each.item)
        if text is None:
            raise SignatureInvalid("a colon in a field of an item makes its signature ambiguous")
        _match(keys, text, signature)


def _keys(account: str, secrets: Secrets) -> list[bytes]:
    found = secrets.get("hmac", ())
    if not found:
        raise KeyUnknown(f"account {account} has no secret 'hmac'")
    try:
        return [bytes.fromhex(secret.reveal()) for secret in found]
    except ValueError:
        raise KeyUnknown(f"account {account}: a secret 'hmac' is not hexadecimal") from None


def _match(keys: list[bytes], message: bytes, signature: str) -> None:
    if not crypto.any_same((crypto.hmac_base64(key, message) for key in keys), signature):
        raise SignatureInvalid("an hmacSignature matches under no secret 'hmac'")


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read the items of a notice, or the answer to a deed."""
    try:
        if delivery.via is ASKED:
            return deeds.answered(delivery)
        notice = _NOTICE.decode(delivery.body)
    except _BAD as error:
        where = reading.path(error) if isinstance(error, msgspec.MsgspecError) else "body"
        return unreadable(where, "no notice of Adyen: a field is missing or of another type")
    if notice.notification_items is None:
        return _of_another_kind(delivery, notice)
    told: dict[tuple[tuple[str, ...], str], Event] = {}
    for place, each in enumerate(notice.notification_items):
        found = _item(delivery, account, each.item, notice)
        if isinstance(found, Unreadable):
            return unreadable(f"notificationItems.{place}.{found.path}", found.why)
        for event in found:
            told.setdefault((event.identity, event.label), event)
    return list(told.values()) or unreadable("notificationItems", "the notice has no items")


def _item(
    delivery: Delivery, account: Account, item: wire.Item, notice: wire.Notice
) -> Translation:
    ours, theirs = account.options.get("merchant_account"), item.merchant_account_code or ""
    if ours and theirs and ours != theirs:
        return unreadable("merchantAccountCode", "the item belongs to another merchant account")
    if not item.psp_reference or not item.event_code:
        return unreadable("pspReference", "the item names no payment, or not what happened")
    flag = wire.succeeded(item)
    row = EVENTS.get(f"{item.event_code}/{flag}", Row(OTHER, UNKNOWN, ""))
    payment = item.original_reference or item.psp_reference
    if row.kind is VOID and not item.original_reference:
        row = Row(OTHER, UNKNOWN, "")  # of a payment that it does not name
    currency, amount = (item.amount.currency if item.amount else None) or "", None
    if row.kind is not OTHER and item.amount:
        try:
            currency_number(currency)
            amount = wire.minor(item.amount, currency)
        except ValueError:
            return unreadable("amount", "its currency is not in ISO 4217, or it is finer than that")
    names = [wire.more(item, "paymentLinkId")]
    if row.kind is DISPUTE or row.kind is REVERSE:
        names.append(item.psp_reference)  # later steps of a dispute may name only this
    own = not item.original_reference or item.event_code in _ABOUT_THE_ORDER
    at = reading.instant(item.event_date, 0)
    tell = Teller(
        REASONS,
        (item.psp_reference, item.event_code, flag),
        payment,
        delivery.received_at if at is None else at,
        tuple(dict.fromkeys(name for name in names if name and name != payment)),
        (item.merchant_reference or "") if own else "",
        currency if amount is not None else "",
        delivery.via,
        wire.method(item),
        customer=first(
            wire.more(item, "shopperReference"),
            wire.more(item, "recurring.shopperReference"),
            wire.more(item, "tokenization.shopperReference"),
        ),
        test=str(notice.live).lower() == "false",
        dimensions=wire.dimensions(item),
        merchant="" if ours else theirs,
    )
    at_once = account.options.get("capture", "immediate") != "delayed"
    return reader(row, item.event_code)(tell, Said(item, row, amount, at_once))


def _of_another_kind(delivery: Delivery, notice: wire.Notice) -> Translation:
    named = notice.data.get("pspReference") or notice.data.get("id") if notice.data else None
    payment = first(named if isinstance(named, str) else "", notice.type)
    if not notice.type or not payment:
        return unreadable("type", "neither items of payments nor a named kind of webhook")
    tell = Teller(
        REASONS, (payment, notice.type, str(delivery.received_at)), payment, delivery.received_at,
        via=delivery.via, test=notice.environment == "test",
    )  # fmt: skip
    return [tell(OTHER, UNKNOWN, reason=(0, notice.type))]


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return the word that older accounts wait for; the others read only the status."""
    return _ANSWERS[outcome]


query: Final = never_asked
act: Final = deeds.act
