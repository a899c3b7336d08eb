"""The fields of Adyen's notices that are read, what of them is signed, and its own units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec

from voidtrail.event.model import Method
from voidtrail.money import MINOR_MAX
from voidtrail.sources import reading

_EXPONENT_SHIFT: Final = {"CLP": -2, "ISK": -2, "CVE": 2, "IDR": 2}
"""Adyen's smallest unit where it is not ISO 4217's: powers of ten from Adyen's to ours.

Source: docs.adyen.com/development-resources/currency-codes (unconfirmed).
"""
METHODS: Final[Mapping[str, Method]] = {
    code: method
    for method, codes in (
        (Method.CARD_FORM, "visa mc amex maestro diners discover jcb cup cartebancaire bcmc elo"),
        (Method.CARD_FORM, "visadebit mcdebit visacredit mccredit electron dankort hipercard"),
        (Method.DIRECT_DEBIT, "sepadirectdebit ach directdebit_GB directdebit_NL eft_directdebit"),
        (Method.BANK_TRANSFER, "ideal eps trustly directEbanking giropay bankTransfer_IBAN pix"),
        (
            Method.BANK_TRANSFER,
            "blik onlineBanking_PL dotpay molpay_fpx ebanking_FI swish paybybank",
        ),
        (Method.PAY_LATER, "klarna klarna_account klarna_paynow afterpaytouch affirm clearpay"),
        (Method.PAY_LATER, "facilypay_3x facilypay_4x ratepay zip atome afterpay_default"),
        (Method.WALLET, "paypal applepay googlepay paywithgoogle amazonpay mobilepay vipps twint"),
        (Method.WALLET, "visa_applepay mc_applepay visa_googlepay mc_googlepay mbway gcash dana"),
        (
            Method.VOUCHER,
            "boletobancario oxxo multibanco doku econtext_stores giftcard paysafecard",
        ),
        (Method.ALIPAY_PAGE, "alipay alipay_hk alipay_wap"),
        (Method.WECHAT_QR, "wechatpayQR wechatpayWeb"),
        (Method.WECHAT_APP, "wechatpaySDK wechatpayMiniProgram"),
        (Method.POS_CARD, "wechatpay_pos alipay_pos"),
    )
    for code in codes.split()
}
_CARDS: Final = frozenset(code for code, method in METHODS.items() if method is Method.CARD_FORM)

_REFUSALS: Final[Mapping[str, str]] = {
    text: code
    for code, texts in (
        ("2", "refused"),
        ("3", "referral"),
        ("4", "acquirer error"),
        ("5", "blocked card"),
        ("6", "expired card"),
        ("7", "invalid amount"),
        ("8", "invalid card number"),
        ("9", "issuer unavailable"),
        ("10", "not supported"),
        ("11", "3d not authenticated|3d secure authentication failed"),
        ("12", "not enough balance"),
        ("14", "acquirer fraud"),
        ("15", "cancelled"),
        ("16", "shopper cancelled"),
        ("17", "invalid pin"),
        ("18", "pin tries exceeded"),
        ("19", "pin validation not possible"),
        ("20", "fraud"),
        ("21", "not submitted"),
        ("22", "fraud-cancelled"),
        ("23", "transaction not permitted"),
        ("24", "cvc declined"),
        ("25", "restricted card"),
        ("26", "revocation of auth"),
        ("27", "declined non generic"),
        ("28", "withdrawal amount exceeded"),
        ("29", "withdrawal count exceeded"),
        ("31", "issuer suspected fraud"),
        ("32", "avs declined"),
        ("33", "card requires online pin"),
        ("34", "no checking account available on card|no checking account"),
        ("35", "no savings account available on card|no savings account"),
        ("36", "mobile pin required"),
        ("37", "contactless fallback"),
        ("38", "authentication required"),
        ("39", "rreq not received from ds|rreq not received"),
        ("40", "current aid is in penalty box"),
        ("41", "cvm required restart payment|cvm required"),
        ("42", "3ds authentication error|3ds error"),
        ("43", "online pin required|online pin"),
        ("44", "try another interface"),
        ("45", "chip downgrade mode|chip downgrade"),
        ("46", "transaction blocked by adyen to prevent excessive retry fees"),
        ("46", "transaction blocked by adyen"),
    )
    for text in texts.split("|")
}
"""The text of a refusal, in lower case, to the number under which Adyen documents it."""

Minor = Annotated[int, msgspec.Meta(ge=-MINOR_MAX, le=MINOR_MAX)]


class Amount(msgspec.Struct, gc=False):
    """An amount in Adyen's smallest unit."""

    currency: str | None = None
    value: Minor | None = None


class Item(msgspec.Struct, rename="camel"):
    """One statement. Only eight of its fields are signed, see `signed_text`."""

    psp_reference: str = ""
    original_reference: str | None = None
    merchant_account_code: str | None = None
    merchant_reference: str | None = None
    amount: Amount | None = None
    event_code: str = ""
    event_date: str | None = None
    success: str | bool | None = None
    reason: str | None = None
    payment_method: str | None = None
    operations: list[str] | None = None
    additional_data: dict[str, Any] | None = None


class Wrapped(msgspec.Struct):
    """The wrapping around an item."""

    item: Item = msgspec.field(name="NotificationRequestItem")


class Notice(msgspec.Struct, rename="camel"):
    """A delivery: items of payments, or a statement of another kind of webhook."""

    live: str | bool | None = None
    notification_items: list[Wrapped] | None = None
    type: str | None = None
    environment: str | None = None
    data: dict[str, Any] | None = None


class Answer(msgspec.Struct, rename="camel"):
    """What a request that changes something is answered with; errors state an `errorCode`."""

    status: str | int | None = None
    psp_reference: str | None = None
    amount: Amount | None = None
    error_code: str | None = None
    error_type: str | None = None
    id: str | None = None
    reference: str | None = None
    expires_at: str | None = None


def succeeded(item: Item) -> str:
    """Return the success flag as the text that is signed.

    >>> succeeded(Item(success="true")), succeeded(Item(success=False)), succeeded(Item())
    ('true', 'false', '')
    """
    if isinstance(item.success, bool):
        return "true" if item.success else "false"
    return item.success or ""


def signed_text(item: Item) -> bytes | None:
    """Return the eight fields that an item's signature covers, or None if they are ambiguous.

    They are joined by ":" without escaping, so only the merchant's reference, which stands in the
    middle, may hold one: elsewhere a colon could be moved from one field into its neighbour.
    """
    amount = item.amount or Amount()
    before = (item.psp_reference, item.original_reference or "", item.merchant_account_code or "")
    after = (amount.currency or "", item.event_code, succeeded(item))
    if any(":" in field for field in (*before, *after)):
        return None
    value = "" if amount.value is None else str(amount.value)
    text = ":".join((*before, item.merchant_reference or "", value, *after))
    return text.encode("utf-8", "surrogatepass")


def more(item: Item, name: str) -> str:
    """Return an entry of `additionalData`, or ""."""
    found = item.additional_data.get(name) if item.additional_data else None
    return found.strip() if isinstance(found, str) else ""


def refusal(item: Item) -> str:
    """Return the number of a refusal's reason, else the text itself if it is a code, else "".

    >>> refusal(Item(reason="Not enough balance")), refusal(Item(reason="call 555 0100"))
    ('12', '')
    """
    text = (item.reason or "").strip()
    return _REFUSALS.get(text.lower(), "") or reading.code(text)


def minor(amount: Amount, currency: str) -> int | None:
    """Return an amount in ISO 4217's unit, or None if none is stated.

    Raises:
        ValueError: it is finer than ISO's unit, or too large.

    >>> minor(Amount(value=100_000), "CLP"), minor(Amount(value=5), "IDR")
    (1000, 500)
    """
    if amount.value is None:
        return None
    shift = _EXPONENT_SHIFT.get(currency, 0)
    up, down = int(10 ** max(shift, 0)), int(10 ** max(-shift, 0))
    whole, rest = divmod(amount.value * up, down)
    if rest or not 0 <= whole <= MINOR_MAX:
        raise ValueError(f"amount is no whole number of the unit of {currency}")
    return whole


def theirs(amount_minor: int, currency: str) -> int | None:
    """Return an amount in Adyen's unit, or None if it is finer than that.

    >>> theirs(1000, "CLP"), theirs(550, "IDR"), theirs(1234, "EUR")
    (100000, None, 1234)
    """
    shift = -_EXPONENT_SHIFT.get(currency, 0)
    up, down = int(10 ** max(shift, 0)), int(10 ** max(-shift, 0))
    whole, rest = divmod(amount_minor * up, down)
    return None if rest else whole


def method(item: Item) -> Method:
    """Return the payment method that an item names."""
    if not item.payment_method:
        return Method.UNKNOWN
    if more(item, "posEntryMode") or more(item, "terminalId"):
        return Method.POS_CARD
    return METHODS.get(item.payment_method, Method.OTHER)


def dimensions(item: Item) -> tuple[tuple[str, str], ...]:
    """Return what is public about the card."""
    if item.payment_method not in _CARDS:
        return ()
    last4 = more(item, "cardSummary")
    last4 = last4 if len(last4) == 4 and last4.isascii() and last4.isdigit() else ""
    stated = (
        ("card_brand", item.payment_method),
        ("card_country", more(item, "cardIssuingCountry")),
        ("card_last4", last4),
    )
    return tuple((name, known) for name, value in stated if (known := reading.code(value)))
