"""The merchant's own shop: a signed JSON API for its server, and a beacon for its pages.

The shop sees what no platform sees: that an order was placed, which method was chosen, that the
customer pressed "cancel". It is a witness; it never holds the money.

Its server signs each body: `Voidtrail-Signature: t=<unix seconds>,v1=<hex>`, HMAC-SHA256 by the
merchant's key over `<t>.` and the raw body. A page cannot keep that key, and `sendBeacon` sends no
headers of ours; so the server mints a token for one order and a short time, and the page puts it
into its body. A page may only say that its order's checkout was opened, a method chosen, or
"cancel" pressed; never an amount, a customer or another payment.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from voidtrail.errors import KeyUnknown, SignatureExpired, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account, Secret, Secrets
from voidtrail.event.model import (
    Acknowledgement,
    Channel,
    Delivery,
    Event,
    Kind,
    Method,
    Micros,
    Result,
    Role,
    Tag,
)
from voidtrail.event.reason import BY_SLUG, number
from voidtrail.money import MINOR_MAX, exponent, minor_from_major
from voidtrail.sources import crypto, reading
from voidtrail.sources.contract import (
    Capabilities,
    Identity,
    Outcome,
    ReasonRow,
    Row,
    Translation,
    never_asked,
    never_told,
    unreadable,
)

NAME: Final = "storefront"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="Storefront (your own shop)",
    webhook=True,
    retries="the shop's own; a statement may be sent again under the same id",
    amount_unit="major",
    secrets=("signing",),
    needed=("signing",),
)
IDENTITY: Final = Identity(fields=("server or page", "order", "id", "statement"), role=Role.SHOP)
"""A page's ids are kept apart from the server's, so that no page can pre-empt a statement."""

_DOC: Final = "docs/how-to/connect-your-shop.md"
EVENTS: Final[Mapping[str, Row]] = {
    "order_placed": Row(Kind.ORDER, Result.SUCCEEDED, _DOC),
    "checkout_opened": Row(Kind.OPEN, Result.SUCCEEDED, _DOC),
    "method_chosen": Row(Kind.METHOD, Result.SUCCEEDED, _DOC),
    "payment_created": Row(Kind.OPEN, Result.PENDING, _DOC),
    "payment_submitted": Row(Kind.SUBMIT, Result.REQUESTED, _DOC),
    "payment_failed": Row(Kind.SUBMIT, Result.REFUSED, _DOC),
    "cancel_pressed": Row(Kind.CANCEL, Result.REQUESTED, _DOC),
    "order_cancelled": Row(Kind.CANCEL, Result.SUCCEEDED, _DOC),
    "order_paid": Row(Kind.CAPTURE, Result.SUCCEEDED, _DOC),
    # The goods came back; that the money did is for the platform to say.
    "returned": Row(Kind.REFUND, Result.REQUESTED, _DOC),
}
REASONS: Final[Mapping[str, ReasonRow]] = {
    **{slug: ReasonRow(slug, _DOC) for slug in BY_SLUG},
    "statement/cancel_pressed": ReasonRow("customer_request", _DOC),
    "statement/returned": ReasonRow("goods_returned", _DOC),
    "actor/customer": ReasonRow("customer_request", _DOC),
    "actor/merchant": ReasonRow("merchant_request", _DOC),
    "actor/platform": ReasonRow("closed_by_platform", _DOC),
    "actor/issuer": ReasonRow("declined", _DOC),
    "actor/network": ReasonRow("network_fault", _DOC),
    "actor/system": ReasonRow("shop_fault", _DOC),
}
"""The shop speaks in standard slugs; without one, its actor or the statement itself gives it."""

PAGE_STATEMENTS: Final = frozenset({"checkout_opened", "method_chosen", "cancel_pressed"})
_NOT_FOR_PAGES: Final = (
    "payment", "amount", "amount_minor", "currency", "customer", "actor", "dimensions",
)  # fmt: skip
TOKEN_LONGEST_S: Final = 24 * 3600
_LIFELESS: Final = frozenset({"cancel_pressed", "order_cancelled", "returned"})
_WINDOW_S: Final = 300
_TIME_DIGITS_MAX: Final = 12
_STATEMENTS_MAX: Final = 1000
_PAGE_MAX: Final = 16_384  # whoever opened a page can speak for it: that must cost little
_LENGTH_MAX: Final = 256
_DIMENSIONS_MAX: Final = 32
_EARLIEST: Final = 946_684_800 * 1_000_000
_TWO_CENTURIES: Final = 6_311_433_600 * 1_000_000
_METHODS: Final = {"": Method.UNKNOWN, **{each.name.lower(): each for each in Method}}
_CHANNELS: Final = {"": Channel.UNKNOWN, **{each.name.lower(): each for each in Channel}}


class Payment(msgspec.Struct, frozen=True):
    """A platform's payment, as the shop knows it."""

    source: str
    account: str
    reference: str


class Statement(msgspec.Struct, frozen=True):
    """One statement of the shop."""

    id: str
    statement: str
    order: str
    payment: Payment | None = None
    amount: str | int | None = None
    amount_minor: int | None = None
    currency: str = ""
    at: str | int | float | None = None
    customer: str | int | None = None
    method: str = ""
    channel: str = ""
    reason: str = ""
    actor: str = ""
    dimensions: dict[str, str | int | bool] = {}


class _Several(msgspec.Struct, frozen=True):
    statements: list[Statement]
    token: str | None = None


class _Single(Statement, frozen=True):
    token: str | None = None


class _Shape(msgspec.Struct, frozen=True):
    statements: msgspec.Raw = msgspec.Raw()


_SHAPE: Final = msgspec.json.Decoder(_Shape)
_SEVERAL: Final = msgspec.json.Decoder(_Several)
_SINGLE: Final = msgspec.json.Decoder(_Single)
_BROKEN: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Fault(Exception):
    """Reading stopped: where and why."""


def mint_token(key: Secret, order: str, expires_at_s: int) -> str:
    """Return a token with which a page may speak of one order; the shop's server hands it out.

    Args:
        key: the merchant's key.
        order: the order's reference.
        expires_at_s: unix seconds; at most 24 hours ahead.

    >>> mint_token(Secret("key"), "A1001", 1_700_000_600)[:18]
    'v1.1700000600.da7e'
    """
    message = f"voidtrail-page\n{expires_at_s}\n{order}".encode()
    return f"v1.{expires_at_s}." + crypto.hmac_sha256_hex(key.reveal(), message).decode()


def sign(key: Secret, body: bytes, at_s: int) -> str:
    """Return the value of the header `Voidtrail-Signature` for a body.

    >>> sign(Secret("key"), b"{}", 1_700_000_000)[:22]
    't=1700000000,v1=9d713e'
    """
    return f"t={at_s},v1=" + crypto.hmac_sha256_hex(key.reveal(), b"%d." % at_s + body).decode()


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Check the signature of the shop's server, or the token of one of its pages.

    Raises:
        SignatureMissing: neither a whole header, exactly once, nor a token.
        SignatureExpired: signed more than 300 s before or after `now`; or the token is over.
        SignatureInvalid: nothing matches, or a page says what a page may not say.
        KeyUnknown: the account has no secret "signing".
    """
    named = [value for name, value in delivery.headers if name == "voidtrail-signature"]
    if not named:
        _verify_page(delivery, secrets, now)
        return
    instants, given = [], []
    for part in named[0].split(",") if len(named) == 1 else ():
        name, _, value = part.strip().partition("=")
        if name == "v1":
            given.append(value)
        elif name == "t":
            instants.append(value)
    if len(instants) != 1 or not given:
        raise SignatureMissing("Voidtrail-Signature came twice, or lacks t or v1")
    [at] = instants
    if not (at.isascii() and at.isdigit() and len(at) <= _TIME_DIGITS_MAX):
        raise SignatureInvalid("the instant in Voidtrail-Signature is not a number")
    message, matched = at.encode() + b"." + delivery.body, False
    for key in _keys(delivery, secrets):
        expected = crypto.hmac_sha256_hex(key.reveal(), message)
        matched |= any(crypto.same(expected, signature) for signature in given)
    if not matched:
        raise SignatureInvalid("no v1 in Voidtrail-Signature matches the body under any key")
    if abs(now // 1_000_000 - int(at)) > _WINDOW_S:
        raise SignatureExpired(f"Voidtrail-Signature is more than {_WINDOW_S} s away from now")


def _keys(delivery: Delivery, secrets: Secrets) -> tuple[Secret, ...]:
    keys = secrets.get("signing", ())
    if not keys:
        raise KeyUnknown(f"account {delivery.account} has no secret 'signing'")
    return keys


def _verify_page(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    if len(delivery.body) > _PAGE_MAX:
        raise SignatureInvalid(f"a page may say {_PAGE_MAX:,} bytes at most")
    try:
        token, statements = _decoded(delivery.body)
    except _BROKEN:
        token, statements = None, []
    if not token:
        raise SignatureMissing("there is neither a header Voidtrail-Signature nor a page's token")
    version, _, rest = token.partition(".")
    until = rest.partition(".")[0]
    is_number = until.isascii() and until.isdigit() and len(until) <= _TIME_DIGITS_MAX
    orders = {statement.order for statement in statements}
    if version != "v1" or not is_number or len(orders) != 1:
        raise SignatureInvalid("the page's token is not one of ours, or not for one order")
    order = orders.pop()
    minted = (mint_token(key, order, int(until)).encode() for key in _keys(delivery, secrets))
    if not crypto.any_same(minted, token):
        raise SignatureInvalid("the page's token does not fit its order under any key")
    left_s = int(until) - now // 1_000_000
    if not 0 <= left_s <= TOKEN_LONGEST_S:
        raise SignatureExpired("the page's token is over, or was made for longer than 24 hours")
    for statement in statements:
        is_silent = all(getattr(statement, name) in (None, "", {}) for name in _NOT_FOR_PAGES)
        if statement.statement not in PAGE_STATEMENTS or not is_silent:
            raise SignatureInvalid(
                "a page may only say that checkout was opened, a method chosen or cancel pressed, "
                "without amount, payment, customer, actor or dimensions"
            )


def _decoded(body: bytes) -> tuple[str | None, list[Statement]]:
    if bytes(_SHAPE.decode(body).statements):
        several = _SEVERAL.decode(body)
        return several.token, several.statements
    single = _SINGLE.decode(body)
    return single.token, [single]


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read the statements of a shop's server or page.

    Statements come whole or not at all: one that cannot be read keeps its neighbours of the same
    body in quarantine with it, and its place is named.
    """
    try:
        token, statements = _decoded(delivery.body)
    except _BROKEN as error:
        path = reading.path(error) if isinstance(error, msgspec.MsgspecError) else "body"
        return unreadable(path, "no statement of a shop: a field is missing or of another type")
    if not 0 < len(statements) <= _STATEMENTS_MAX:
        return unreadable("statements", f"1 to {_STATEMENTS_MAX} were expected")
    found: dict[tuple[str, ...], Event] = {}
    for place, statement in enumerate(statements):
        path = f"statements[{place}]." if len(statements) > 1 else ""
        try:
            event = _event(delivery, statement, is_page=token is not None)
        except _Fault as fault:
            return unreadable(path + fault.args[0], fault.args[1])
        if found.setdefault(event.identity, event) != event:
            return unreadable(path + "id", "stands for two different statements in one body")
    return [*found.values()]


def _event(delivery: Delivery, said: Statement, *, is_page: bool) -> Event:
    for name in ("id", "statement", "order"):
        if not 0 < len(getattr(said, name)) <= _LENGTH_MAX:
            raise _Fault(name, f"between 1 and {_LENGTH_MAX} characters were expected")
    row = EVENTS.get(said.statement)
    kind, result = (row.kind, row.result) if row else (Kind.OTHER, Result.UNKNOWN)
    scope, payment = _payment(said)
    amount, currency = _amount(said)
    reason, code = _reason(said)
    return Event(
        label=said.statement,
        identity=("page" if is_page else "server", said.order, said.id, said.statement),
        kind=kind,
        result=result,
        payment=payment,
        scope=scope,
        order=said.order,
        # Each return is one of its own; an order is paid once, as far as its shop knows.
        operation=said.id if kind is Kind.REFUND else "",
        # A page's clock is anybody's guess, ours is not.
        occurred_at=delivery.received_at if is_page else _instant(said, delivery),
        amount_minor=amount,
        currency=currency,
        tag=Tag.NONE if amount is None else Tag.OWN,
        role=Role.SHOP,
        via=delivery.via,
        reason=reason,
        code=code if row else reading.code(said.statement),
        method=_METHODS.get(said.method.lower(), Method.OTHER),
        channel=_CHANNELS.get(said.channel.lower(), Channel.OTHER),
        customer="" if said.customer is None else str(said.customer),
        life=said.statement not in _LIFELESS and row is not None and not delivery.via,
        dimensions=_dimensions(said),
    )


def _payment(said: Statement) -> tuple[str, str]:
    """Return the scope and reference of the payment that a statement is about."""
    if said.payment is None:
        return "", said.order
    for name in ("source", "account", "reference"):
        text = getattr(said.payment, name)
        if not 0 < len(text) <= _LENGTH_MAX or (name != "reference" and "/" in text):
            raise _Fault(f"payment.{name}", "is empty, too long, or holds a slash")
    return f"{said.payment.source}/{said.payment.account}", said.payment.reference


def _amount(said: Statement) -> tuple[int | None, str]:
    if said.amount is None and said.amount_minor is None:
        return None, ""
    if said.amount is not None and said.amount_minor is not None:
        raise _Fault("amount", "stands beside amount_minor; give one of them")
    try:
        exponent(said.currency)
    except ValueError:
        raise _Fault("currency", "is no ISO 4217 code, but the amount needs one") from None
    try:
        minor = said.amount_minor
        if said.amount is not None:
            minor = minor_from_major(said.amount, said.currency)
    except (ValueError, ArithmeticError):
        raise _Fault("amount", "is no exact amount in the currency's minor unit") from None
    if minor is None or not 0 <= minor <= MINOR_MAX:
        raise _Fault("amount", "is negative or too large")
    return minor, said.currency


def _instant(said: Statement, delivery: Delivery) -> Micros:
    if said.at is None:
        return delivery.received_at
    try:
        if isinstance(said.at, str):
            moment = datetime.fromisoformat(said.at)
            if moment.tzinfo is None:
                raise _Fault("at", "has no offset; write 2026-03-01T12:30:00+08:00")
            seconds = int(moment.replace(microsecond=0).timestamp())
            found = seconds * 1_000_000 + moment.microsecond
        else:
            found = round(said.at * 1_000_000)
    except (ValueError, OverflowError):
        raise _Fault("at", "is neither ISO 8601 with an offset nor unix seconds") from None
    if not _EARLIEST <= found <= _EARLIEST + _TWO_CENTURIES:
        raise _Fault("at", "lies before 2000 or after 2199 (unix seconds, not milliseconds?)")
    return found


def _reason(said: Statement) -> tuple[int, str]:
    if said.reason:
        row = REASONS.get(said.reason) if said.reason in BY_SLUG else None
        return (number(row.slug), "") if row else (number("unlisted"), reading.code(said.reason))
    row = REASONS.get(f"actor/{said.actor.lower()}") or REASONS.get(f"statement/{said.statement}")
    return (number(row.slug) if row else 0), ""


def _dimensions(said: Statement) -> tuple[tuple[str, str], ...]:
    if len(said.dimensions) > _DIMENSIONS_MAX:
        raise _Fault("dimensions", f"at most {_DIMENSIONS_MAX} were expected")
    found = tuple(sorted((name, str(value)) for name, value in said.dimensions.items()))
    if any(not name or len(name) + len(value) > _LENGTH_MAX for name, value in found):
        raise _Fault("dimensions", "a name is empty, or a value too long")
    return found


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return the answer to a shop: 200 when kept, else 401, 413 or 503 (send it again)."""
    status = {Outcome.KEPT: 200, Outcome.REFUSED: 401, Outcome.TOO_LARGE: 413}.get(outcome, 503)
    kept = b"true" if status == 200 else b"false"
    return Acknowledgement(status, "application/json", b'{"kept":%s}' % kept)


query: Final = never_asked  # a shop tells by itself
act: Final = never_told
