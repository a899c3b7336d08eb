"""The fields of Razorpay's entities that are read, and how its methods map to ours.

One struct serves every entity: each has some of the fields, and msgspec skips the rest unread.
Amounts are in the currency's minor unit, instants in unix seconds, zero where there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec

from voidtrail.event.model import Method
from voidtrail.money import MINOR_MAX
from voidtrail.sources import reading

METHODS: Final[Mapping[str, Method]] = {
    code: method
    for method, codes in (
        (Method.CARD_FORM, "card emi"),
        (Method.BANK_TRANSFER, "netbanking upi bank_transfer fpx paynow intl_bank_transfer"),
        (Method.WALLET, "wallet paypal app"),
        (Method.PAY_LATER, "paylater cardless_emi"),
        (Method.DIRECT_DEBIT, "emandate nach"),
        (Method.CASH, "cod offline"),
    )
    for code in codes.split()
}

Minor = Annotated[int, msgspec.Meta(ge=0, le=MINOR_MAX)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=2**40)]
_SOME: Final = Method.OTHER
_NONE: Final = Method.UNKNOWN


class Card(msgspec.Struct, gc=False):
    """What is public about a card."""

    network: str | None = None
    last4: str | None = None


class Paid(msgspec.Struct, gc=False):
    """A payment as a payment link lists it."""

    payment_id: str = ""


class Entity(msgspec.Struct, gc=False):
    """A payment, order, refund, dispute, payment link, invoice or subscription."""

    id: str = ""
    entity: str = ""
    status: str | None = None
    amount: Minor | None = None
    amount_paid: Minor | None = None
    amount_refunded: Minor | None = None
    amount_deducted: Minor | None = None
    currency: str | None = None
    order_id: str | None = None
    payment_id: str | None = None
    captured: bool | None = None
    method: str | None = None
    card: Card | None = None
    customer_id: str | None = None
    receipt: str | None = None
    reference_id: str | None = None
    notes: Any = None  # an object, or an empty list
    error_code: str | None = None
    error_source: str | None = None
    error_reason: str | None = None
    reason_code: str | None = None
    created_at: Seconds | None = None
    expire_by: Seconds | None = None
    expired_at: Seconds | None = None
    cancelled_at: Seconds | None = None
    payments: list[Paid] | None = None  # of a link


class Wrapped(msgspec.Struct, gc=False):
    """An entity in its wrapping."""

    entity: Entity


class Payload(msgspec.Struct, gc=False):
    """The entities of a notice; the first name of its event says which one it is about."""

    payment: Wrapped | None = None
    order: Wrapped | None = None
    refund: Wrapped | None = None
    dispute: Wrapped | None = None
    payment_link: Wrapped | None = None
    invoice: Wrapped | None = None
    subscription: Wrapped | None = None


class Notice(msgspec.Struct, gc=False):
    """A notice; the entities inside show how things stood when it was sent."""

    event: str
    payload: Payload
    account_id: str = ""
    created_at: Seconds | None = None


class Bare(msgspec.Struct, gc=False):
    """What any notice has; for events without a reader."""

    event: str | None = None
    account_id: str = ""
    created_at: Seconds | None = None
    payload: dict[str, Any] | None = None


class Error(msgspec.Struct, gc=False):
    """Why a question or an order was not carried out."""

    code: str = ""
    description: str | None = None
    reason: str | None = None


class Answer(Entity, gc=False):
    """An answer: an entity, a collection of payments, or an error."""

    items: list[Entity] | None = None
    error: Error | None = None


def note(found: Entity | None, field: str) -> str:
    """Return a note that the merchant attached to an entity, or "".

    >>> note(Entity(notes={"order_id": 7}), "order_id"), note(Entity(notes=[]), "order_id")
    ('7', '')
    """
    notes = found.notes if found else None
    value = notes.get(field) if isinstance(notes, dict) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def method(found: Entity | None) -> Method:
    """Return the payment method of a payment."""
    if not found or not found.method:
        return _NONE
    return METHODS.get(found.method, _SOME)


def dimensions(found: Entity | None) -> tuple[tuple[str, str], ...]:
    """Return what is public about the card of a payment."""
    card = found.card if found else None
    if not card:
        return ()
    last4 = card.last4 if card.last4 and len(card.last4) == 4 and card.last4.isdigit() else None
    stated = (("card_brand", card.network), ("card_last4", last4))
    return tuple((name, known) for name, value in stated if (known := reading.code(value)))
