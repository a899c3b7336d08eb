"""Klarna: pushes that prove nothing and only make us ask; orders and hosted sessions answer.

A push of Klarna Checkout has no body and no signature: the address names the order, as the merchant
wrote it into the push address. So every push is a nudge, and what counts is the answer, proved by
TLS. A hosted session is named "hpp:" and its id, since that looks like an order's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import STATUS, Acknowledgement, Delivery, Kind, Method, Micros
from voidtrail.money import currency_number
from voidtrail.sources import reading
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
from voidtrail.sources.klarna import deeds, facts, wire
from voidtrail.sources.telling import ASKED, NUDGE, OTHER, SUCCEEDED, UNKNOWN, Teller, ordered

NAME: Final = "klarna"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="Klarna",
    webhook=True,
    signed=False,
    query=True,
    close=True,
    void=True,
    refund=True,
    retries="every 2 hours for 48 hours, until your shop acknowledges the order (unconfirmed); "
    "docs.klarna.com/klarna-checkout",
    amount_unit="minor",
    zone="UTC",
    secrets=("username", "password"),
    needed=("username", "password"),
)
IDENTITY: Final = Identity(
    fields=("via", "order_id or session_id", "status", "fraud_status", "captured", "refunded")
)
"""A push has its instant in the place of the status: each is a reason of its own to ask."""

_ORDERS_DOC: Final = "docs.klarna.com/api/ordermanagement (status)"
_HOSTED_DOC: Final = "docs.klarna.com/hosted-payment-page/get-started/tracking-session-status"
EVENTS: Final[Mapping[str, Row]] = {
    **reading.event_rows("docs.klarna.com/klarna-checkout (push)", "NUDGE SUCCEEDED: push"),
    **reading.event_rows(
        "docs.klarna.com/klarna-payments/other-actions/pending-orders (names: unconfirmed)",
        "NUDGE SUCCEEDED: FRAUD_RISK_ACCEPTED FRAUD_RISK_REJECTED FRAUD_RISK_STOPPED",
    ),
    **reading.event_rows(
        _ORDERS_DOC,
        """
        AUTHORISE SUCCEEDED: order/AUTHORIZED
        CAPTURE SUCCEEDED: order/PART_CAPTURED order/CAPTURED
        CANCEL SUCCEEDED: order/CANCELLED order/CLOSED
        EXPIRE SUCCEEDED: order/EXPIRED
        ABSENT SUCCEEDED: NO_SUCH_ORDER
        """,
    ),
    **reading.event_rows(
        _HOSTED_DOC,
        """
        OPEN PENDING: session/WAITING session/BACK session/IN_PROGRESS session/MANUAL_ID_CHECK
        OPEN PENDING: session/COMPLETED
        CANCEL SUCCEEDED: session/CANCELLED session/DISABLED
        AUTHORISE REFUSED: session/FAILED session/ERROR
        """,
    ),
}
"""Pushes, and statuses of what was asked about. A closed order was captured if its amounts say so;
a completed session waits for its order, which the shop has to place, unless it names one."""

REASONS: Final[Mapping[str, ReasonRow]] = {
    **reading.reason_rows(
        _HOSTED_DOC,
        """
        customer_request: session/CANCELLED
        merchant_request: session/DISABLED
        declined: session/FAILED
        platform_fault: session/ERROR
        """,
    ),
    **reading.reason_rows(
        _ORDERS_DOC,
        """
        merchant_request: order/CANCELLED order/CLOSED
        authorisation_lapsed: order/EXPIRED
        risk_refused: order/REJECTED
        """,
    ),
}
_PUSH: Final = msgspec.json.Decoder(wire.Push)
_ANSWER: Final = msgspec.json.Decoder(wire.Answer)
_BAD: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_STATUS: Final = {
    Outcome.KEPT: 200,
    Outcome.REFUSED: 401,
    Outcome.BUSY: 503,
    Outcome.TOO_LARGE: 413,
}


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Accept everything: a push carries no proof, and nothing is believed because of one."""


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read whom a push is about, or what an order, a session or a deed was answered with."""
    if delivery.via is not ASKED:
        return _push(delivery, account)
    try:
        return reading.with_waiting(_answer(delivery, account), delivery)
    except _BAD as error:
        where = reading.path(error) if isinstance(error, msgspec.MsgspecError) else "body"
        return unreadable(where, "no answer of Klarna: a field is missing or of another type")


def _push(delivery: Delivery, account: Account) -> Translation:
    """Tell that something changed; no other name is taken from it, since it proves none."""
    named = wire.in_query(delivery, account.options.get("query_field", "klarna_order_id"))
    try:
        said = _PUSH.decode(delivery.body) if delivery.body.strip() else wire.Push()
    except _BAD:
        said = wire.Push()
    word, payment = first(said.event_type, "push"), first(said.order_id, named)
    if said.session and said.session.session_id:
        payment = wire.HOSTED + said.session.session_id
        word = first(said.session.status, "push")
    if not payment:
        return unreadable(":query", "neither body nor address names an order or a session")
    identity = ("push", payment, str(delivery.received_at), "", "", "")
    tell = Teller(REASONS, identity, payment, delivery.received_at, via=delivery.via)
    return [tell(NUDGE, SUCCEEDED, reason=(0, word))]


def _answer(delivery: Delivery, account: Account) -> Translation:
    status, kind = delivery.header(STATUS) or "", ordered(delivery.context)
    said = _ANSWER.decode(delivery.body) if delivery.body.strip() else wire.Answer()
    payment = first(
        delivery.request, said.order_id, wire.HOSTED + said.session_id if said.session_id else ""
    )
    if not payment:
        return unreadable("order_id", "the answer names nothing, and no question is known")
    code = first(said.error_code, status)
    identity = ("answer", payment, code, "", "", str(delivery.received_at))
    bare = Teller(REASONS, identity, payment, delivery.received_at, via=ASKED, life=False)
    if kind is not None:
        found = deeds.done(bare, delivery, said, kind)
        return found or unreadable(STATUS, "the answer to a deed states no outcome")
    if said.error_code or status.startswith("4"):
        if status == "404" or said.error_code == "NO_SUCH_ORDER":
            absent = bare._replace(identity=("answer", payment, "absent", "", "", ""))
            return [absent(Kind.ABSENT, SUCCEEDED, reason=(0, code))]
        return [bare(OTHER, UNKNOWN, reason=(0, code))]
    if not said.status or not (said.order_id or said.session_id):
        return unreadable("status", "the answer is about no order or session")
    return _facts(delivery, account, said, payment)


def _facts(delivery: Delivery, account: Account, said: wire.Answer, payment: str) -> Translation:
    hosted = bool(said.session_id)
    own = wire.HOSTED + (said.session_id or "") if hosted else said.order_id or ""
    if own != payment:
        return unreadable("order_id", "the answer is about another order than the question")
    currency = said.purchase_currency or ""
    try:
        currency_number(currency)
    except ValueError:
        return unreadable("purchase_currency", "not in ISO 4217")
    second = account.options.get("order_field") == "merchant_reference2"
    changed = reading.instant(said.updated_at, 0) if hosted else None
    tell = Teller(
        REASONS,
        (
            "answer", payment, said.status or "", said.fraud_status or "",
            str(said.captured_amount or ""), str(said.refunded_amount or ""),
        ),
        payment,
        delivery.received_at if changed is None else changed,
        (said.order_id,) if hosted and said.order_id else (),
        (said.merchant_reference2 if second else said.merchant_reference1) or "",
        currency,
        ASKED,
        Method.HOSTED_CHECKOUT if hosted else Method.PAY_LATER,
        life=False,
    )  # fmt: skip
    row = EVENTS.get(f"{'session' if hosted else 'order'}/{said.status}")
    if row is None:
        return [tell(OTHER, UNKNOWN, reason=(0, said.status or ""))]
    return facts.session(tell, said, row) if hosted else facts.order(tell, said, row)


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return an empty answer; the order itself is acknowledged by the shop, over Klarna's API."""
    return Acknowledgement(_STATUS[outcome])


def best_name(names: Sequence[str]) -> str:
    """Return the order's name if one is known: it holds the money, a hosted session never does."""
    return min(names, key=lambda name: name.startswith(wire.HOSTED))


query: Final = deeds.query
act: Final = deeds.act
