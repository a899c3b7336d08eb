"""WooCommerce: signed JSON snapshots of orders, and one ping that nobody signs.

A shop system is a witness: it saw the money that a gateway moved. Where the option "gateways" says
whose payments a gateway's are, an order with a `transaction_id` speaks of that payment itself.

There is no event for a cancellation: `order.updated` comes with every change, and the status says
it. `cancelled` has no reason; the customer, the staff and the timer for unpaid stock say the same.
`failed` may go back to `pending`. Plugins add statuses of their own; they are kept as they are.
Instants are `…_gmt` without a Z.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import Acknowledgement, Delivery, Event, Kind, Micros, Result, Role
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
from voidtrail.sources.telling import ASKED, OTHER, REFUSED, SUCCEEDED, UNKNOWN, Teller, ordered
from voidtrail.sources.woocommerce import deeds, facts, wire

NAME: Final = "woocommerce"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="WooCommerce",
    webhook=True,
    query=True,
    close=True,
    retries="never; five failures switch the webhook off; woocommerce.com/document/webhooks",
    amount_unit="major",
    zone="UTC",
    secrets=("signing", "consumer_key", "consumer_secret"),
    needed=("signing",),
    probe="1",
)
IDENTITY: Final = Identity(fields=("what", "id", "word", "instant", "amount"), role=Role.SHOP)
"""Of the fact, not of the notice: of an order, its id, status and when that changed; of a refund,
its own id. The delivery's id stands in a header that nobody signs."""

_ORDERS: Final = "woocommerce.github.io/woocommerce-rest-api-docs (orders, status)"
EVENTS: Final[Mapping[str, Row]] = {
    "order/checkout-draft": Row(Kind.OPEN, Result.PENDING, _ORDERS),
    "order/pending": Row(Kind.OPEN, Result.PENDING, _ORDERS),
    "order/on-hold": Row(Kind.SUBMIT, Result.PENDING, _ORDERS),
    "order/processing": Row(Kind.CAPTURE, Result.SUCCEEDED, _ORDERS),
    "order/completed": Row(Kind.CAPTURE, Result.SUCCEEDED, _ORDERS),
    "order/refunded": Row(Kind.CAPTURE, Result.SUCCEEDED, _ORDERS),
    "order/cancelled": Row(Kind.CANCEL, Result.SUCCEEDED, _ORDERS),
    "order/failed": Row(Kind.AUTHORISE, Result.REFUSED, _ORDERS),
}
"""Statuses. That money was taken (CAPTURE) holds only where `date_paid_gmt` says when."""

REASONS: Final[Mapping[str, ReasonRow]] = {}
"""WooCommerce states no reasons; the notes of an order hold free text."""

_ORDER: Final = msgspec.json.Decoder(wire.Order)
_BROKEN: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_ABSENT: Final = "woocommerce_rest_shop_order_invalid_id"
_STATUS: Final = {
    Outcome.KEPT: 200,
    Outcome.REFUSED: 401,
    Outcome.BUSY: 503,
    Outcome.TOO_LARGE: 413,
}


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Check `X-WC-Webhook-Signature`: base64 HMAC-SHA256 over the raw body by a secret "signing".

    The ping that follows the making of a webhook is the form `webhook_id=N`, unsigned: it is
    accepted, and says nothing. Answers carry no signature: TLS proves them.

    Raises:
        SignatureMissing: no header, or it came twice.
        SignatureInvalid: no secret gives that signature.
        KeyUnknown: the account has no secret "signing".
    """
    if delivery.via is ASKED:
        return
    signed = any(name == "x-wc-webhook-signature" for name, _ in delivery.headers)
    if not signed and wire.pinged(delivery.body):
        return
    signed_body.check(delivery, secrets, "X-WC-Webhook-Signature", signed_body.base64_of)


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read an order, the ping, or the answer to a question or an order."""
    ping = wire.pinged(delivery.body)
    if ping and delivery.via is not ASKED:
        return [_other(delivery, f"webhook:{ping}", "ping")]
    shop_of = delivery.header("x-wc-webhook-source")
    ours = account.options.get("store_url", "").rstrip("/")
    if shop_of and ours and shop_of.rstrip("/") != ours:
        return unreadable("x-wc-webhook-source", "the notice belongs to another shop")
    try:
        found = _ORDER.decode(delivery.body)
        if delivery.via is ASKED and found.code and not found.status:
            return _error(delivery, found.code)
        if found.id == "":
            return unreadable("id", "the body names no order")
        if delivery.via is ASKED and delivery.request not in ("", str(found.id)):
            return unreadable("id", "the answer is about another order than the question")
        if not found.status:  # order.deleted says no more than the id
            topic = reading.code(delivery.header("x-wc-webhook-topic"))
            return [_other(delivery, str(found.id), topic or "no_status")]
        told = listed(facts.order(REASONS, EVENTS, delivery, account, found))
        return reading.with_waiting(told, delivery) if delivery.via is ASKED else told
    except _BROKEN as error:
        where = reading.path(error) if isinstance(error, msgspec.MsgspecError) else "body"
        return unreadable(where, "no order of WooCommerce: a field is missing or of another type")
    except ValueError:
        return unreadable("total", "an amount is no exact amount in a currency of ISO 4217")


def _other(delivery: Delivery, about: str, word: str) -> Event:
    tell = Teller(REASONS, ("other", about, word, "", ""), about, delivery.received_at,
                  via=delivery.via, life=False)  # fmt: skip
    return shop.witnessed(tell(OTHER, UNKNOWN, reason=(0, word)))


def _error(delivery: Delivery, code: str) -> Translation:
    """Tell of an error: unknown there, an order refused, or nothing that is a conclusion."""
    if not delivery.request:
        return unreadable("code", "an error that answers no question")
    kind, result = OTHER, UNKNOWN
    if (told := ordered(delivery.context)) is not None:
        kind, result = told, REFUSED
    elif code == _ABSENT:
        kind, result = Kind.ABSENT, SUCCEEDED
    which = "" if kind is Kind.ABSENT else str(delivery.received_at)
    tell = Teller(REASONS, ("answer", delivery.request, code, which, ""), delivery.request,
                  delivery.received_at, via=ASKED, life=False)  # fmt: skip
    return [shop.witnessed(tell(kind, result, reason=(0, code)))]


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return an empty answer: WooCommerce reads only the status."""
    return Acknowledgement(_STATUS[outcome])


query: Final = deeds.query
act: Final = deeds.act
