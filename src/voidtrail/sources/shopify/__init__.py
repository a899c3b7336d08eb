"""Shopify: signed JSON snapshots of orders, transactions, refunds and disputes.

A shop system is a witness: it saw the money that a gateway moved. Where the option "gateways" says
whose payments a gateway's are, a transaction speaks of that payment itself, and so ties the shop's
order to it.

One cancellation comes as orders/cancelled, orders/updated and refunds/create, and again whenever
the order changes; a repetition carries the order as it stood hours ago. All of them state the same
facts. The topic stands in a header that nobody signs, so the body alone decides what it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import (
    STATUS,
    Acknowledgement,
    Delivery,
    Event,
    Kind,
    Micros,
    Result,
    Role,
    Unreadable,
)
from voidtrail.sources import reading, shop, signed_body
from voidtrail.sources.contract import (
    Capabilities,
    Identity,
    Outcome,
    ReasonRow,
    Row,
    Translation,
    listed,
    unreadable,
)
from voidtrail.sources.shopify import deeds, facts, wire
from voidtrail.sources.telling import ASKED, OTHER, REFUSED, SUCCEEDED, UNKNOWN, Teller, ordered

NAME: Final = "shopify"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="Shopify",
    probe="1",
    webhook=True,
    bill_file=True,
    query=True,
    close=True,
    retries="8 times in 4 hours, then the subscription is deleted; "
    "shopify.dev/docs/apps/build/webhooks",
    amount_unit="major",
    zone="UTC",
    secrets=("signing", "access_token"),
    needed=("signing",),
)
IDENTITY: Final = Identity(fields=("shape", "id", "word", "instant", "amount"), role=Role.SHOP)
"""Of the fact, not of the notice: a cancellation's are the order's id and when it was cancelled,
a refund's the id of its transaction. So one fact is one, however many notices carry it."""

_ORDER: Final = "shopify.dev/docs/api/admin-rest/resources/order (financial_status)"
_MOVE: Final = "shopify.dev/docs/api/admin-rest/resources/transaction (kind)"
_DISPUTE: Final = "shopify.dev/docs/api/admin-rest/resources/dispute (type, status; unconfirmed)"
EVENTS: Final[Mapping[str, Row]] = {
    "order/pending": Row(Kind.OPEN, Result.PENDING, _ORDER),
    "order/unpaid": Row(Kind.OPEN, Result.PENDING, _ORDER),
    "order/authorized": Row(Kind.AUTHORISE, Result.SUCCEEDED, _ORDER),
    "order/partially_paid": Row(Kind.CAPTURE, Result.SUCCEEDED, _ORDER),
    "order/paid": Row(Kind.CAPTURE, Result.SUCCEEDED, _ORDER),
    "order/partially_refunded": Row(Kind.CAPTURE, Result.SUCCEEDED, _ORDER),
    "order/refunded": Row(Kind.CAPTURE, Result.SUCCEEDED, _ORDER),
    "order/voided": Row(Kind.VOID, Result.SUCCEEDED, _ORDER),
    "order/expired": Row(Kind.EXPIRE, Result.SUCCEEDED, _ORDER + " (unconfirmed)"),
    "transaction/authorization": Row(Kind.AUTHORISE, Result.UNKNOWN, _MOVE),
    "transaction/emv_authorization": Row(Kind.AUTHORISE, Result.UNKNOWN, _MOVE),
    "transaction/sale": Row(Kind.CAPTURE, Result.UNKNOWN, _MOVE),
    "transaction/capture": Row(Kind.CAPTURE, Result.UNKNOWN, _MOVE),
    "transaction/void": Row(Kind.VOID, Result.UNKNOWN, _MOVE),
    "transaction/refund": Row(Kind.REFUND, Result.UNKNOWN, _MOVE),
    "inquiry/needs_response": Row(Kind.DISPUTE, Result.PENDING, _DISPUTE),
    "inquiry/under_review": Row(Kind.DISPUTE, Result.PENDING, _DISPUTE),
    "inquiry/charge_refunded": Row(Kind.DISPUTE, Result.REFUSED, _DISPUTE),
    "inquiry/won": Row(Kind.DISPUTE, Result.REFUSED, _DISPUTE),
    "chargeback/needs_response": Row(Kind.DISPUTE, Result.SUCCEEDED, _DISPUTE),
    "chargeback/under_review": Row(Kind.DISPUTE, Result.SUCCEEDED, _DISPUTE),
    "chargeback/accepted": Row(Kind.DISPUTE, Result.SUCCEEDED, _DISPUTE),
    "chargeback/lost": Row(Kind.DISPUTE, Result.SUCCEEDED, _DISPUTE),
    "chargeback/charge_refunded": Row(Kind.DISPUTE, Result.PENDING, _DISPUTE),
    "chargeback/won": Row(Kind.REVERSE, Result.SUCCEEDED, _DISPUTE),
}
"""An order's status of money, a transaction's kind (its status is the result: UNKNOWN), and a
dispute's type and status. A cancellation is no status: `cancelled_at` says it."""

REASONS: Final[Mapping[str, ReasonRow]] = {
    **reading.reason_rows(
        "shopify.dev/docs/api/admin-rest/resources/order (cancel_reason)",
        """
        customer_request: cancel/customer
        fraud_suspected: cancel/fraud
        out_of_stock: cancel/inventory
        declined: cancel/declined
        merchant_request: cancel/staff
        unstated: cancel/other
        """,
    ),
    **reading.reason_rows(
        "shopify.dev/docs/api/admin-rest/resources/transaction (error_code)",
        """
        declined: card_declined call_issuer
        card_data_wrong: incorrect_number invalid_number invalid_expiry_date invalid_cvc
        card_data_wrong: incorrect_cvc incorrect_zip incorrect_address
        card_expired: expired_card
        card_lost_or_stolen: pick_up_card
        platform_fault: processing_error
        """,
    ),
    **reading.reason_rows(
        _DISPUTE,
        """
        dispute_fraud: dispute/fraudulent dispute/unrecognized
        dispute_quality: dispute/product_not_received dispute/product_unacceptable
        dispute_quality: dispute/credit_not_processed
        dispute_other: dispute/bank_not_process dispute/customer_initiated dispute/duplicate
        dispute_other: dispute/debit_not_authorized dispute/general dispute/subscription_canceled
        dispute_other: dispute/incorrect_account_details dispute/insufficient_funds
        """,
    ),
}
"""Codes; GraphQL writes a cancellation's in capitals."""

_NOTICE: Final = msgspec.json.Decoder(wire.Notice)
_ANSWER: Final = msgspec.json.Decoder(wire.Answer)
_BROKEN: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_STATUS: Final = {
    Outcome.KEPT: 200,
    Outcome.REFUSED: 401,
    Outcome.BUSY: 503,
    Outcome.TOO_LARGE: 413,
}


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Check `X-Shopify-Hmac-SHA256`: base64 HMAC-SHA256 over the raw body.

    The key is an app's client secret, or the secret of webhooks made in the shop's admin; every
    "signing" counts. Answers carry no signature: TLS proves them.

    Raises:
        SignatureMissing: no header, or it came twice.
        SignatureInvalid: no secret gives that signature.
        KeyUnknown: the account has no secret "signing".
    """
    if delivery.via is ASKED:
        return
    signed_body.check(delivery, secrets, "X-Shopify-Hmac-SHA256", signed_body.base64_of)


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read a notice, or the answer to a question or an order."""
    domain = delivery.header("x-shopify-shop-domain")
    if domain and account.options.get("shop_domain", domain) != domain:
        return unreadable("x-shopify-shop-domain", "the notice belongs to another shop")
    try:
        if delivery.via is ASKED:
            return _answer(delivery, account)
        found = _NOTICE.decode(delivery.body)
        told = _read(delivery, account, found)
        return listed(told) if told else _other(delivery, found)
    except _BROKEN as error:
        where = reading.path(error) if isinstance(error, msgspec.MsgspecError) else "body"
        return unreadable(where, "nothing of Shopify's: a field is missing or of another type")
    except ValueError:
        return unreadable("amount", "an amount is no exact amount in a currency of ISO 4217")


def _read(delivery: Delivery, account: Account, found: wire.Notice) -> list[Event]:
    match wire.shape(found):
        case "order":
            return facts.order(REASONS, EVENTS, delivery, account, found)
        case "transaction":
            return facts.transaction(REASONS, EVENTS, delivery, account, found)
        case "refund":
            return facts.refund(REASONS, EVENTS, delivery, account, found)
        case "dispute":
            return facts.dispute(REASONS, EVENTS, delivery, found)
        case "checkout":
            return facts.checkout(REASONS, delivery, account, found)
    return []


def _answer(delivery: Delivery, account: Account) -> Translation:
    found = _ANSWER.decode(delivery.body)
    if found.order is not None and wire.shape(found.order) == "order":
        if delivery.request not in ("", str(found.order.id)):
            return unreadable("order.id", "the answer is about another order than the question")
        return listed(facts.order(REASONS, EVENTS, delivery, account, found.order))
    said, status = bytes(found.errors or found.error), delivery.header(STATUS) or ""
    if not said or not delivery.request:
        return unreadable("order", "the answer is neither an order nor an error")
    kind, result = OTHER, UNKNOWN
    if (told := ordered(delivery.context)) is not None:
        kind, result = told, REFUSED
    elif said == b'"Not Found"' or status == "404":
        kind, result = Kind.ABSENT, SUCCEEDED
    which = "" if kind is Kind.ABSENT else str(delivery.received_at)
    tell = Teller(REASONS, ("answer", delivery.request, "error", which, ""), delivery.request,
                  delivery.received_at, via=ASKED, life=False)  # fmt: skip
    return [shop.witnessed(tell(kind, result, reason=(0, status)))]


def _other(delivery: Delivery, found: wire.Notice) -> list[Event] | Unreadable:
    """Tell of a body that is none of these, under the topic that its header names."""
    about = found.id if found.order_id in (None, "") else found.order_id
    if about == "":
        return unreadable("id", "the body names no order and no other thing of Shopify's")
    topic = reading.code(delivery.header("x-shopify-topic")) or "unlisted"
    at = reading.instant(found.updated_at or found.created_at, 0)
    at = delivery.received_at if at is None else at
    tell = Teller(REASONS, ("other", str(about), topic, str(at), ""), str(about), at,
                  via=delivery.via, test=bool(found.test))  # fmt: skip
    return [shop.witnessed(tell(OTHER, UNKNOWN, reason=(0, topic)))]


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return an empty answer: Shopify reads only the status."""
    return Acknowledgement(_STATUS[outcome])


query: Final = deeds.query
act: Final = deeds.act
