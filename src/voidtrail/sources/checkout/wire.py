"""The fields of Checkout.com's events and payments that are read, and its own unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec

from voidtrail.event.model import Method
from voidtrail.money import MINOR_MAX
from voidtrail.sources import reading
from voidtrail.sources.contract import first

_HUNDREDTHS: Final = frozenset({"CLP"})
"""Currencies without a smaller unit whose amounts come in hundredths all the same.

Source: checkout.com/docs/resources/calculating-the-amount (CLP: unconfirmed).
"""
METHODS: Final[Mapping[str, Method]] = {
    code: method
    for method, codes in (
        (Method.CARD_FORM, "card token id network_token"),
        (Method.DIRECT_DEBIT, "sepa ach bacs"),
        (Method.BANK_TRANSFER, "ideal sofort giropay eps bancontact p24 knet qpay benefit poli"),
        (Method.BANK_TRANSFER, "bizum mbway trustly swish octopus"),
        (Method.PAY_LATER, "klarna afterpay alma tamara tabby"),
        (Method.WALLET, "paypal applepay googlepay stcpay gcash dana kakaopay truemoney tng"),
        (Method.VOUCHER, "multibanco boleto oxxo fawry pagofacil rapipago"),
        (Method.ALIPAY_PAGE, "alipay alipay_cn alipay_hk alipay_plus"),
        (Method.WECHAT_QR, "wechatpay"),
    )
    for code in codes.split()
}
Minor = Annotated[int, msgspec.Meta(ge=0, le=MINOR_MAX)]


class Source(msgspec.Struct, gc=False):
    """What was paid with."""

    type: str | None = None
    scheme: str | None = None
    last4: str | None = None
    issuer_country: str | None = None


class Customer(msgspec.Struct, gc=False):
    """Who paid."""

    id: str | None = None


class Balances(msgspec.Struct, gc=False):
    """What became of a payment so far."""

    total_authorized: Minor | None = None
    total_voided: Minor | None = None
    total_captured: Minor | None = None
    total_refunded: Minor | None = None


class Data(msgspec.Struct):
    """What an event is about, or a payment that was asked about, or the answer to a deed."""

    id: str = ""
    action_id: str | None = None
    reference: str | None = None
    amount: Minor | None = None
    currency: str | None = None
    response_code: str | None = None
    processed_on: str | None = None
    requested_on: str | None = None
    expires_on: str | None = None
    date: str | None = None
    payment_id: str | None = None
    payment_reference: str | None = None
    reason_code: str | None = None
    category: str | None = None
    trigger: str | None = None
    status: str | None = None
    balances: Balances | None = None
    source: Source | None = None
    customer: Customer | None = None
    processing_channel_id: str | None = None
    entity_id: str | None = None
    metadata: dict[str, Any] | None = None
    error_type: str | None = None
    error_codes: list[str] | None = None


class Link(msgspec.Struct, gc=False):
    """An address."""

    href: str | None = None


class Links(msgspec.Struct, gc=False):
    """Addresses, which tell the sandbox from the real thing."""

    self: Link | None = None


class Notice(msgspec.Struct):
    """A pushed event."""

    type: str
    id: str = ""
    created_on: str | None = None
    timestamp: str | None = None
    data: Data = msgspec.field(default_factory=Data)
    links: Links | None = msgspec.field(default=None, name="_links")


def minor(amount: int | None, currency: str) -> int | None:
    """Return an amount in ISO 4217's unit.

    Raises:
        ValueError: it is finer than that.

    >>> minor(1000, "CLP"), minor(1000, "KWD"), minor(None, "EUR")
    (10, 1000, None)
    """
    if amount is None or currency not in _HUNDREDTHS:
        return amount
    whole, rest = divmod(amount, 100)
    if rest:
        raise ValueError(f"amount is no whole number of the unit of {currency}")
    return whole


def theirs(amount_minor: int, currency: str) -> int:
    """Return an amount in Checkout.com's unit.

    >>> theirs(10, "CLP"), theirs(10, "EUR")
    (1000, 10)
    """
    return amount_minor * 100 if currency in _HUNDREDTHS else amount_minor


def is_sandbox(links: Links | None) -> bool:
    """Return whether an event's own address is in the sandbox."""
    href = links.self.href if links and links.self else None
    return bool(href) and "sandbox.checkout.com" in str(href)


def method(data: Data) -> Method:
    """Return the payment method, as far as the event names one."""
    code = (data.source.type if data.source else None) or ""
    return METHODS.get(code, Method.OTHER) if code else Method.UNKNOWN


def order(data: Data, field: str) -> str:
    """Return the merchant's reference: of the payment, or an entry of `metadata` if named so."""
    if field.startswith("metadata."):
        found = data.metadata.get(field.removeprefix("metadata.")) if data.metadata else None
        if isinstance(found, str | int) and not isinstance(found, bool):
            return str(found)
    return first(data.payment_reference, data.reference)


def dimensions(data: Data) -> tuple[tuple[str, str], ...]:
    """Return what is public about the card."""
    card = data.source
    if card is None or method(data) is not Method.CARD_FORM:
        return ()
    last4 = card.last4 if card.last4 and len(card.last4) == 4 and card.last4.isdigit() else None
    brand = card.scheme.lower() if card.scheme else None
    stated = (("card_brand", brand), ("card_country", card.issuer_country), ("card_last4", last4))
    return tuple((name, known) for name, value in stated if (known := reading.code(value)))
