"""The fields of PayPal's resources that are read, in both generations of its interface.

The first generation says `state`, `total` and `currency`; the second `status`, `value` and
`currency_code`. Everything is optional: msgspec skips the rest unread.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

import msgspec

from voidtrail.event.model import Channel, Method
from voidtrail.money import currency_number, exponent, major_text, minor_from_major
from voidtrail.sources import reading

HOSTS: Final = {
    "api.paypal.com": "messageverificationcerts.paypal.com",
    "api.sandbox.paypal.com": "messageverificationcerts.sandbox.paypal.com",
}
"""Hosts that may offer certificates, with the name that each one's certificate bears."""
_CENTS: Final = re.compile(r"[0-9]{1,15}\.[0-9]{2}", re.ASCII).fullmatch
_FOLDER: Final = "/v1/notifications/certs/"
_WHOLE_ONLY: Final = frozenset({"HUF", "TWD"})  # two decimals in ISO 4217, none at PayPal
_METHODS: Final = {
    "paypal": Method.WALLET, "venmo": Method.WALLET, "apple_pay": Method.WALLET,
    "google_pay": Method.WALLET, "card": Method.CARD_FORM, "pay_upon_invoice": Method.PAY_LATER,
}  # fmt: skip


class Money(msgspec.Struct, gc=False):
    """An amount as decimal text in major units."""

    value: str | None = None
    currency_code: str | None = None
    total: str | None = None
    currency: str | None = None


class Link(msgspec.Struct, gc=False):
    """A resource that belongs to this one."""

    href: str = ""
    rel: str = ""


class Detail(msgspec.Struct, gc=False):
    """Why something waits, or why a request was refused."""

    reason: str | None = None
    issue: str | None = None


class Processor(msgspec.Struct, gc=False):
    """The issuer's word on a card."""

    response_code: str | None = None


class Ids(msgspec.Struct, gc=False):
    """What a resource belongs to."""

    order_id: str | None = None
    authorization_id: str | None = None
    capture_id: str | None = None


class Related(msgspec.Struct, gc=False):
    """The wrapping around `Ids`."""

    related_ids: Ids | None = None


class Party(msgspec.Struct, gc=False):
    """Who pays or is paid."""

    payer_id: str | None = None
    merchant_id: str | None = None


class Disputed(msgspec.Struct, gc=False):
    """A transaction that a dispute is about."""

    seller_transaction_id: str | None = None
    gross_amount: Money | None = None


class Decision(msgspec.Struct, gc=False):
    """How a dispute ended."""

    outcome_code: str | None = None


class Payments(msgspec.Struct, gc=False):
    """What was done about one purchase."""

    captures: list[Resource] = []
    authorizations: list[Resource] = []
    refunds: list[Resource] = []


class Purchase(msgspec.Struct, gc=False):
    """One purchase of an order; nearly always the only one."""

    custom_id: str | None = None
    invoice_id: str | None = None
    reference_id: str | None = None
    amount: Money | None = None
    payee: Party | None = None
    payments: Payments | None = None


class Resource(msgspec.Struct, gc=False):
    """An order, authorisation, capture, sale, refund, dispute or error, as far as it is read."""

    id: str | None = None
    status: str | None = None
    state: str | None = None
    amount: Money | None = None
    custom_id: str | None = None
    custom: str | None = None
    invoice_id: str | None = None
    invoice_number: str | None = None
    create_time: str | None = None
    update_time: str | None = None
    expiration_time: str | None = None
    valid_until: str | None = None
    order_id: str | None = None
    parent_payment: str | None = None
    sale_id: str | None = None
    capture_id: str | None = None
    status_details: Detail | None = None
    reason_code: str | None = None
    processor_response: Processor | None = None
    supplementary_data: Related | None = None
    payer: Party | None = None
    payee: Party | None = None
    payment_source: dict[str, msgspec.Raw] | None = None
    purchase_units: list[Purchase] | None = None
    links: list[Link] | None = None
    dispute_id: str | None = None
    disputed_transactions: list[Disputed] | None = None
    dispute_amount: Money | None = None
    dispute_outcome: Decision | None = None
    reason: str | None = None
    name: str | None = None
    error: str | None = None
    details: list[Detail] | None = None


class Notice(msgspec.Struct, gc=False):
    """A pushed event."""

    event_type: str
    resource: Resource
    id: str = ""
    create_time: str | None = None
    resource_type: str | None = None


class LooseResource(msgspec.Struct, gc=False):
    """What names a resource of any type."""

    id: str | None = None


class Bare(msgspec.Struct, gc=False):
    """What every event has, for types without a reader."""

    event_type: str
    id: str = ""
    create_time: str | None = None
    resource: LooseResource | None = None


def minor(money: Money | None) -> tuple[int | None, str]:
    """Return an amount in minor units and its currency.

    Reversed sales of the first generation state what left the account, with a minus.

    Raises:
        ValueError: not a decimal number, or finer than the currency's unit.

    >>> minor(Money(value="20.00", currency_code="USD")), minor(Money(total="-5", currency="JPY"))
    ((2000, 'USD'), (5, 'JPY'))
    """
    if money is None:
        return None, ""
    currency = money.currency_code or money.currency or ""
    text = money.value or money.total
    if not text or not currency:
        currency_number(currency)
        return None, ""
    if _CENTS(text) and exponent(currency) == 2:  # by far the most: a tenth of Decimal's time
        return int(text[:-3] + text[-2:]), currency
    return abs(minor_from_major(text, currency)), currency


def amount_text(amount_minor: int, currency: str) -> str:
    """Write an amount as PayPal takes it.

    >>> amount_text(1230, "EUR"), amount_text(500, "JPY"), amount_text(90000, "HUF")
    ('12.30', '500', '900')
    """
    text = major_text(amount_minor, currency)
    return text.removesuffix(".00") if currency in _WHOLE_ONLY else text


@lru_cache(maxsize=64)
def certificate_host(url: str) -> str:
    """Return the host of an address of a certificate if it is one of PayPal's, else "".

    >>> certificate_host("https://api.paypal.com/v1/notifications/certs/CERT-1")
    'api.paypal.com'
    >>> certificate_host("https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1")
    ''
    """
    try:
        found = urlsplit(url)
        plain = found.scheme == "https" and found.port in (None, 443) and not found.username
    except ValueError:
        return ""
    host = found.netloc.removesuffix(":443")
    return host if plain and host in HOSTS and found.path.startswith(_FOLDER) else ""


@lru_cache(maxsize=64)
def certificate_name(url: str) -> str:
    """Return the name under which PayPal keeps a certificate, as "CERT-360caa42"."""
    return urlsplit(url).path.rpartition("/")[2]


def above(found: Resource) -> tuple[str, str]:
    """Return where the resource lives that this one belongs to, and its id, by the link rel=up.

    >>> above(Resource(links=[Link("https://api.paypal.com/v2/payments/captures/3C6", "up")]))
    ('captures', '3C6')
    """
    for link in found.links or ():
        if link.rel == "up":
            rest, _, own = link.href.rstrip("/").rpartition("/")
            return rest.rpartition("/")[2], own
    return "", ""


def is_sandbox(found: Resource) -> bool:
    """Return whether a resource's links lead to the sandbox."""
    return any(".sandbox.paypal.com/" in link.href for link in found.links or ())


def method(found: Resource) -> tuple[Method, Channel]:
    """Return how an order is paid, as far as it says."""
    if not found.payment_source:
        return Method.UNKNOWN, Channel.UNKNOWN
    return _METHODS.get(next(iter(found.payment_source)), Method.OTHER), Channel.WEB


def order_of(found: Resource | Purchase, field: str) -> str:
    """Return the merchant's own reference.

    Args:
        found: a resource or a purchase.
        field: the setting `order_field`, or "" to take what is there.
    """
    if field:
        return str(getattr(found, field, None) or "")
    stated = found.custom_id or found.invoice_id
    if stated or isinstance(found, Purchase):
        return stated or ""
    return found.custom or found.invoice_number or ""


def instant(text: str | None) -> int | None:
    """Return an instant of PayPal's; without a zone it is Greenwich's."""
    return reading.instant(text, 0)
