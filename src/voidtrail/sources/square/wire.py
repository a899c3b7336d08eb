"""The fields of Square's objects that are read, and how its ways of paying map to ours.

Everything is optional: msgspec skips the rest unread.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

import msgspec

from voidtrail.event.model import Channel, Method, Micros
from voidtrail.money import MINOR_MAX, currency_number
from voidtrail.sources import reading

POS: Final = (Method.POS_CARD, Channel.POS)
_PRESENT: Final = frozenset({"SWIPED", "EMV", "CONTACTLESS"})
_METHODS: Final = {
    "BANK_ACCOUNT": Method.DIRECT_DEBIT, "WALLET": Method.WALLET,
    "SQUARE_ACCOUNT": Method.WALLET, "BUY_NOW_PAY_LATER": Method.PAY_LATER,
    "CASH": Method.CASH, "EXTERNAL": Method.OTHER,
}  # fmt: skip
_DURATION: Final = re.compile(r"PT(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?")

Minor = Annotated[int, msgspec.Meta(ge=-MINOR_MAX, le=MINOR_MAX)]


class Money(msgspec.Struct, gc=False):
    """An amount in the currency's smallest unit."""

    amount: Minor | None = None
    currency: str | None = None


class Error(msgspec.Struct, gc=False):
    """Why a card was declined, or a request refused."""

    code: str | None = None
    category: str | None = None


class Card(msgspec.Struct, gc=False):
    """What is public about a card."""

    card_brand: str | None = None
    last_4: str | None = None


class CardDetails(msgspec.Struct, gc=False):
    """How the card of a payment fared."""

    status: str | None = None
    entry_method: str | None = None
    card: Card | None = None
    errors: list[Error] | None = None


class Disputed(msgspec.Struct, gc=False):
    """The payment that a dispute is about."""

    payment_id: str | None = None


class PaymentOptions(msgspec.Struct, gc=False):
    """How a terminal takes a payment."""

    autocomplete: bool | None = None


class Object(msgspec.Struct, gc=False):
    """A payment, refund, dispute or terminal checkout, as far as they are read."""

    id: str | None = None
    dispute_id: str | None = None
    status: str | None = None
    state: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    amount_money: Money | None = None
    total_money: Money | None = None
    approved_money: Money | None = None
    refunded_money: Money | None = None
    card_details: CardDetails | None = None
    source_type: str | None = None
    delay_action: str | None = None
    delayed_until: str | None = None
    deadline_duration: str | None = None
    order_id: str | None = None
    reference_id: str | None = None
    note: str | None = None
    customer_id: str | None = None
    payment_id: str | None = None
    payment_ids: list[str] | None = None
    payment_options: PaymentOptions | None = None
    terminal_checkout_id: str | None = None
    disputed_payment: Disputed | None = None
    cancel_reason: str | None = None
    reason: str | None = None


class Objects(msgspec.Struct, gc=False):
    """The object of an event or answer, under its own name."""

    payment: Object | None = None
    refund: Object | None = None
    dispute: Object | None = None
    checkout: Object | None = None
    errors: list[Error] | None = None


class Data(msgspec.Struct, gc=False):
    """The wrapping around the object; its `type` can differ from the event's and is not read."""

    object: Objects
    id: str | None = None


class Notice(msgspec.Struct, gc=False):
    """A pushed event."""

    type: str
    data: Data
    merchant_id: str | None = None
    event_id: str = ""
    created_at: str | None = None


class LooseData(msgspec.Struct, gc=False):
    """What names an object of any type."""

    id: str | None = None


class Bare(msgspec.Struct, gc=False):
    """What every event has, for types without a reader."""

    type: str
    event_id: str = ""
    merchant_id: str | None = None
    created_at: str | None = None
    data: LooseData | None = None


def minor(money: Money | None) -> tuple[int | None, str]:
    """Return an amount and its currency.

    Raises:
        ValueError: the currency is not in ISO 4217, or the amount is negative.

    >>> minor(Money(4200, "USD")), minor(None)
    ((4200, 'USD'), (None, ''))
    """
    if money is None or money.amount is None or not money.currency:
        return None, ""
    currency_number(money.currency)
    if money.amount < 0:
        raise ValueError("a negative amount")
    return money.amount, money.currency


def method(found: Object) -> tuple[Method, Channel]:
    """Return how a payment is paid, and where the customer stands."""
    kind, card = found.source_type or "", found.card_details
    if kind == "CARD" or (card and not kind):
        at_terminal = found.terminal_checkout_id or (card and card.entry_method in _PRESENT)
        return POS if at_terminal else (Method.CARD_FORM, Channel.WEB)
    if not kind:
        return Method.UNKNOWN, Channel.UNKNOWN
    return _METHODS.get(kind, Method.OTHER), Channel.POS if kind == "CASH" else Channel.UNKNOWN


def dimensions(found: Object) -> tuple[tuple[str, str], ...]:
    """Return what is public about the card of a payment."""
    card = found.card_details.card if found.card_details else None
    if card is None:
        return ()
    last4 = card.last_4 if card.last_4 and len(card.last_4) == 4 and card.last_4.isdigit() else None
    stated = (("card_brand", card.card_brand), ("card_last4", last4))
    return tuple((name, known) for name, value in stated if (known := reading.code(value)))


def instant(text: str | None) -> Micros | None:
    """Return an instant of Square's; it may carry nanoseconds.

    >>> instant("2022-07-13T20:30:59.037339943Z") == instant("2022-07-13T20:30:59.037339Z")
    True
    """
    if text and len(text) > 27 and text[19] == "." and text.endswith("Z"):
        text = text[:26] + "Z"
    return reading.instant(text, 0)


def duration_us(text: str | None) -> Micros | None:
    """Return a duration of hours, minutes and seconds in microseconds.

    >>> duration_us("PT5M"), duration_us("PT1H30S"), duration_us("P7D"), duration_us("PT")
    (300000000, 3630000000, None, None)
    """
    found = _DURATION.fullmatch(text or "")
    if found is None or not any(found.groups()):
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return (hours * 3600 + minutes * 60 + seconds) * 1_000_000
