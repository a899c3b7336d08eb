"""The fields of Mollie's resources that are read, and how its methods map to ours.

One struct serves payments, refunds, chargebacks and errors: each has some of the fields, and
msgspec skips the rest unread. Amounts are decimal texts with their currency.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from voidtrail.event.model import Method
from voidtrail.money import minor_from_major
from voidtrail.sources import reading

METHODS: Final[Mapping[str, Method]] = {
    code: method
    for method, codes in (
        (Method.CARD_FORM, "creditcard"),
        (Method.BANK_TRANSFER, "ideal bancontact banktransfer belfius kbc eps przelewy24 blik"),
        (Method.BANK_TRANSFER, "trustly mybank multibanco paybybank giropay sofort"),
        (Method.WALLET, "paypal applepay googlepay satispay twint swish mobilepay vipps bizum"),
        (Method.PAY_LATER, "klarna klarnapaylater klarnasliceit klarnapaynow in3 billie riverty"),
        (Method.PAY_LATER, "alma"),
        (Method.DIRECT_DEBIT, "directdebit bacs"),
        (Method.VOUCHER, "voucher giftcard paysafecard"),
        (Method.POS_CARD, "pointofsale"),
    )
    for code in codes.split()
}
_FORM: Final = re.compile(rb"id=([a-z]{1,8}_[A-Za-z0-9]{1,64})")
_SOME: Final = Method.OTHER
_NONE: Final = Method.UNKNOWN


class Amount(msgspec.Struct, gc=False):
    """An amount as Mollie writes it: "10.00", and "100" in yen."""

    currency: str
    value: str


class Details(msgspec.Struct, gc=False, rename="camel"):
    """What a method adds to a payment, as far as it is public."""

    failure_reason: str | None = None
    card_label: str | None = None
    card_number: str | None = None
    card_country_code: str | None = None


class Code(msgspec.Struct, gc=False):
    """A reason with its code."""

    code: str | None = None


class Embedded(msgspec.Struct, gc=False):
    """What `embed=refunds,chargebacks` puts into a payment."""

    refunds: list[Resource] = []
    chargebacks: list[Resource] = []


class Resource(msgspec.Struct, gc=False, rename="camel"):
    """A payment, refund, chargeback or error."""

    resource: str = ""
    id: str = ""
    mode: str | None = None
    status: str | int | None = None  # an error's is its HTTP status
    amount: Amount | None = None
    amount_captured: Amount | None = None
    amount_refunded: Amount | None = None
    amount_charged_back: Amount | None = None
    created_at: str | None = None
    authorized_at: str | None = None
    paid_at: str | None = None
    canceled_at: str | None = None
    expires_at: str | None = None
    expired_at: str | None = None
    failed_at: str | None = None
    reversed_at: str | None = None
    payment_id: str | None = None
    profile_id: str | None = None
    customer_id: str | None = None
    method: str | None = None
    metadata: Any = None
    details: Details | None = None
    status_reason: Code | None = None
    reason: Code | None = None
    embedded: Embedded | None = msgspec.field(default=None, name="_embedded")


class Inside(msgspec.Struct, gc=False):
    """The resource that an event is about, if the subscription sends it along."""

    entity: Resource | None = None


class Notice(msgspec.Struct, gc=False, rename="camel"):
    """A next-generation event."""

    resource: str
    type: str
    id: str = ""
    entity_id: str = ""
    created_at: str | None = None
    embedded: Inside | None = msgspec.field(default=None, name="_embedded")


def named(body: bytes) -> str:
    """Return the id in a classic notice, or "" if the body is none.

    >>> named(b"id=tr_d0b0E3EA3v"), named(b"id=tr_1&id=tr_2"), named(b'{"id":"tr_1"}')
    ('tr_d0b0E3EA3v', '', '')
    """
    found = _FORM.fullmatch(body)
    return found[1].decode() if found else ""


def minor(amount: Amount | None) -> int | None:
    """Return an amount in minor units.

    Raises:
        ValueError: it is no exact, positive amount in a currency of ISO 4217.

    >>> minor(Amount("JPY", "100")), minor(Amount("EUR", "10.00"))
    (100, 1000)
    """
    if amount is None:
        return None
    try:
        found = minor_from_major(amount.value, amount.currency)
    except ArithmeticError:  # an exponent beyond all bounds
        raise ValueError("an amount is too large") from None
    if found < 0:
        raise ValueError("an amount is negative")
    return found


def order(metadata: Any, field: str) -> str:
    """Return the order's reference that the merchant put into a payment's metadata, or "".

    >>> order({"order_id": 12345}, "order_id"), order('{"order_id":"A1"}', "order_id")
    ('12345', 'A1')
    """
    if isinstance(metadata, str):
        return reading.passed_on_order(metadata, field)
    value = metadata.get(field) if isinstance(metadata, dict) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def method(found: Resource) -> Method:
    """Return a payment's method."""
    return METHODS.get(found.method, _SOME) if found.method else _NONE


def dimensions(details: Details | None) -> tuple[tuple[str, str], ...]:
    """Return what is public about the card of a payment."""
    if details is None:
        return ()
    digits = details.card_number or ""
    stated = (
        ("card_brand", details.card_label),
        ("card_country", details.card_country_code),
        ("card_last4", digits if len(digits) == 4 and digits.isdigit() else None),
    )
    return tuple((name, known) for name, value in stated if (known := reading.code(value)))
