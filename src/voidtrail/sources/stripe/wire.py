"""The fields of Stripe's objects that are read, and how its units and methods map to ours.

Everything is optional, since API versions and object types differ; msgspec skips the rest unread.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec

from voidtrail.event.model import Channel, Method
from voidtrail.money import MINOR_MAX
from voidtrail.sources import reading

_EXPONENT_SHIFT: Final = {"ISK": -2, "UGX": -2, "MGA": 2}
"""Stripe's smallest unit where it is not ISO 4217's: powers of ten from Stripe's to ours."""
METHODS: Final[Mapping[str, Method]] = {
    code: method
    for method, codes in (
        (Method.CARD_FORM, "card"),
        (Method.POS_CARD, "card_present interac_present"),
        (Method.DIRECT_DEBIT, "us_bank_account sepa_debit bacs_debit acss_debit au_becs_debit"),
        (Method.BANK_TRANSFER, "customer_balance ideal eps p24 bancontact sofort giropay fpx blik"),
        (Method.PAY_LATER, "klarna affirm afterpay_clearpay zip billie"),
        (Method.WALLET, "link paypal cashapp amazon_pay revolut_pay grabpay paynow promptpay pix"),
        (Method.VOUCHER, "oxxo boleto konbini multibanco"),
        (Method.ALIPAY_PAGE, "alipay"),
        (Method.WECHAT_QR, "wechat_pay"),
    )
    for code in codes.split()
}

Minor = Annotated[int, msgspec.Meta(ge=0, le=MINOR_MAX)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=2**40)]


_LINK: Final = Channel.LINK
_WEB: Final = Channel.WEB
_POS: Final = Channel.POS
_NOWHERE: Final = Channel.UNKNOWN
_POS_CARD: Final = Method.POS_CARD
_HOSTED: Final = Method.HOSTED_CHECKOUT
_SOME: Final = Method.OTHER
_NONE: Final = Method.UNKNOWN


class Named(msgspec.Struct, gc=False):
    """An object that is sent in full where other versions send its id."""

    id: str = ""


Reference = str | Named | None


class Typed(msgspec.Struct, gc=False):
    """A payment method, of which only the type is read."""

    type: str | None = None


class Error(msgspec.Struct, gc=False):
    """Why an attempt failed, or why a question could not be answered."""

    code: str | None = None
    decline_code: str | None = None
    charge: Reference = None
    type: str | None = None
    payment_method: Typed | None = None


NO_ERROR: Final = Error()


class Outcome(msgspec.Struct, gc=False):
    """The issuer's or the risk check's word on a charge."""

    reason: str | None = None


class Card(msgspec.Struct, gc=False):
    """What is public about a card."""

    brand: str | None = None
    country: str | None = None
    last4: str | None = None


class Details(msgspec.Struct, gc=False):
    """The payment method of a charge."""

    type: str | None = None
    card: Card | None = None


class Charges(msgspec.Struct, gc=False):
    """Charges as API versions before 2022-11-15 embed them, the latest first."""

    data: list[Named] = []


class Object(msgspec.Struct, gc=False):
    """The fields of every object that has a reader, as far as they are needed."""

    id: str = ""
    object: str = ""
    status: str | None = None
    currency: str | None = None
    amount: Minor | None = None
    amount_capturable: Minor | None = None
    amount_received: Minor | None = None
    amount_captured: Minor | None = None
    amount_refunded: Minor | None = None
    amount_total: Minor | None = None
    cancellation_reason: str | None = None
    capture_method: str | None = None
    canceled_at: Seconds | None = None
    captured: bool | None = None
    charge: Reference = None
    charges: Charges | None = None
    client_reference_id: str | None = None
    created: Seconds | None = None
    customer: Reference = None
    expires_at: Seconds | None = None
    failure_balance_transaction: Reference = None
    failure_code: str | None = None
    failure_reason: str | None = None
    last_payment_error: Error | None = None
    latest_charge: Reference = None
    livemode: bool | None = None
    metadata: dict[str, str] | None = None
    outcome: Outcome | None = None
    payment_intent: Reference = None
    payment_link: Reference = None
    payment_method_details: Details | None = None
    payment_method_types: list[str] | None = None
    payment_status: str | None = None
    reason: str | None = None
    error: Error | None = None


class Data(msgspec.Struct, gc=False):
    """The wrapping around the object."""

    object: Object


class Notice(msgspec.Struct, gc=False):
    """A snapshot event."""

    type: str
    data: Data
    id: str = ""
    created: Seconds | None = None
    livemode: bool | None = None
    account: str | None = None


class Loose(msgspec.Struct, gc=False):
    """What may name a payment in an object of any type."""

    id: Any = None
    charge: Any = None
    payment_intent: Any = None


class LooseData(msgspec.Struct, gc=False):
    """The wrapping around an object of any type."""

    object: Loose


class Bare(msgspec.Struct, gc=False):
    """What any event has, thin ones of the second API included; for types without a reader."""

    id: str = ""
    type: str | None = None
    created: Seconds | str | None = None
    livemode: bool | None = None
    related_object: Named | None = None
    data: LooseData | None = None


def identifier(reference: Reference) -> str:
    """Return the id of a reference, whether it came as an id or as the object itself."""
    if isinstance(reference, str):
        return reference
    return reference.id if reference else ""


def charge(found: Object) -> str:
    """Return the id of the charge that a refund, a dispute or an intent speaks of, or ""."""
    if found.charges and found.charges.data and not found.latest_charge:
        return found.charges.data[0].id
    return identifier(found.charge or found.latest_charge)


_AMOUNTS: Final = (
    "amount",
    "amount_capturable",
    "amount_received",
    "amount_captured",
    "amount_refunded",
    "amount_total",
)


def rescale(found: Object, currency: str) -> None:
    """Turn an object's amounts from Stripe's smallest unit into ISO 4217's.

    Raises:
        ValueError: an amount is finer than ISO's unit.

    >>> found = Object(amount=500)
    >>> rescale(found, "ISK")
    >>> found.amount
    5
    """
    shift = _EXPONENT_SHIFT.get(currency)
    if shift is None:
        return
    for name in _AMOUNTS:
        amount = getattr(found, name)
        if amount is None:
            continue
        whole, rest = divmod(amount * 10 ** max(shift, 0), 10 ** max(-shift, 0))
        if rest or abs(whole) > MINOR_MAX:
            raise ValueError(f"{name} is no whole number of the unit of {currency}")
        setattr(found, name, whole)


def units(amount_minor: int, currency: str) -> int:
    """Return an amount of ours in Stripe's smallest unit.

    >>> units(5, "ISK"), units(500, "EUR")
    (500, 500)
    """
    shift = -_EXPONENT_SHIFT.get(currency, 0)
    whole: int = amount_minor * 10 ** max(shift, 0) // 10 ** max(-shift, 0)
    return whole


def method(found: Object) -> Method:
    """Return the payment method: the one that was used, else the first that is offered."""
    if found.object == "checkout.session":
        return _HOSTED
    details, error, offered = (
        found.payment_method_details,
        found.last_payment_error,
        found.payment_method_types,
    )
    used = details.type if details else None
    if error and error.payment_method:
        used = error.payment_method.type
    if not used and offered:
        used = offered[0]
    return METHODS.get(used, _SOME) if used else _NONE


def channel(found: Object, used: Method) -> Channel:
    """Return where the customer stood, as far as an object tells."""
    if found.object == "checkout.session":
        return _LINK if found.payment_link else _WEB
    return _POS if used is _POS_CARD else _NOWHERE


def dimensions(found: Object) -> tuple[tuple[str, str], ...]:
    """Return what is public about the card of a charge."""
    card = found.payment_method_details and found.payment_method_details.card
    if not card:
        return ()
    last4 = card.last4 if card.last4 and len(card.last4) == 4 and card.last4.isdigit() else None
    stated = (("card_brand", card.brand), ("card_country", card.country), ("card_last4", last4))
    return tuple((name, known) for name, value in stated if (known := reading.code(value)))


_AMOUNT_OF: Final = {
    "payment_intent.created": "amount",
    "payment_intent.amount_capturable_updated": "amount_capturable",
    "payment_intent.succeeded": "amount_received",
    "charge.captured": "amount_captured",
    "charge.refunded": "amount_refunded",
    "answer/payment_intent/requires_capture": "amount_capturable",
    "answer/payment_intent/succeeded": "amount_received",
}


def identity(word: str, found: Object, of_charge: str) -> tuple[str, ...]:
    """Return the raw fields that IDENTITY names, for a notice of a type about an object."""
    error, which = found.last_payment_error, of_charge
    if found.object == "checkout.session":
        amount = found.amount_total
    else:
        amount = getattr(found, _AMOUNT_OF.get(word, "amount"))
    if error:
        which = identifier(error.charge) or f"{which}:{error.decline_code or error.code or ''}"
    status = found.payment_status or found.status or ""
    return (word, found.id, status, "" if amount is None else str(amount), which)
