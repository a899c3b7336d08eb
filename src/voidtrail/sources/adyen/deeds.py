"""What Adyen is told to do, as requests, and what it answers: mostly that a notice will follow."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import msgspec

from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import Deed, Delivery, Kind, Micros, Request, Verb
from voidtrail.event.reason import number
from voidtrail.money import currency_number
from voidtrail.sources import reading
from voidtrail.sources.adyen import wire
from voidtrail.sources.contract import Translation, first, unreadable
from voidtrail.sources.telling import (
    ASKED,
    CANCEL,
    OPEN,
    OTHER,
    PENDING,
    REFUND,
    REFUSED,
    SUCCEEDED,
    UNKNOWN,
    Teller,
    ordered,
)

_ANSWER: Final = msgspec.json.Decoder(wire.Answer)
_TEST_BASE: Final = "https://checkout-test.adyen.com/v71"
_LIVE_BASE: Final = "https://{}-checkout-live.adyenpayments.com/checkout/v71"


def answered(delivery: Delivery) -> Translation:
    """Read what a deed was answered with; voids and refunds are decided later, by a notice."""
    said, kind = _ANSWER.decode(delivery.body), ordered(delivery.context)
    stated = str(said.status or "")
    tell = Teller(
        {},
        ("answer", delivery.context, first(said.psp_reference, said.id, said.error_code, stated),
         str(delivery.received_at) if said.error_code else ""),
        delivery.request,
        delivery.received_at,
        via=ASKED,
        life=False,
    )  # fmt: skip
    if not delivery.request or kind is None or not (stated or said.error_code):
        return unreadable("status", "the answer to no deed that was asked for")
    if said.error_code:
        if said.error_type == "security" or kind is OPEN:
            return [tell(OTHER, UNKNOWN, reason=(0, said.error_code))]
        operation = "" if kind is CANCEL else f"{delivery.request}:refused:{said.error_code}"
        return [tell(kind, REFUSED, operation, reason=(0, said.error_code))]
    if kind is OPEN or (kind is CANCEL and said.id):
        return _link(tell, said, kind)
    operation = "" if kind is CANCEL else first(said.psp_reference, f"{delivery.request}:asked")
    slug = "merchant_refund" if kind is REFUND else "merchant_request"
    return [tell(kind, PENDING, operation, reason=(number(slug), ""))]


def _link(tell: Teller, said: wire.Answer, kind: Kind) -> Translation:
    """Tell of a payment link: made, or made to lapse."""
    if kind is CANCEL:
        closed = said.status == "expired"
        why = (number("merchant_request") if closed else 0, str(said.status))
        return [tell(CANCEL, SUCCEEDED if closed else REFUSED, "", reason=why)]
    if not said.id:
        return unreadable("id", "the answer names no payment link")
    amount = said.amount or wire.Amount()
    try:
        currency_number(amount.currency or "")
        minor = wire.minor(amount, amount.currency or "")
    except ValueError:
        return unreadable("amount", "its currency is not in ISO 4217, or it is finer than that")
    about = tell._replace(
        payment=said.id, order=said.reference or "", currency=amount.currency or ""
    )
    return [about(OPEN, PENDING, "", minor, until=reading.instant(said.expires_at, 0))]


def act(deed: Deed, account: Account, secrets: Secrets, now: Micros, nonce: str) -> Request | None:
    """Cancel, refund, let a payment link lapse, or make one.

    None without the secret "api_key" or the option `merchant_account` (of a company's account, the
    `merchant` of the sub-merchant's); live accounts also need their `live_prefix`. Adyen cancels
    what is pending where the payment method can; a notice says whether it did.
    """
    keys = secrets.get("api_key", ())
    merchant = first(account.options.get("merchant"), account.options.get("merchant_account"))
    prefix = account.options.get("live_prefix", "")
    base = account.options.get("api_base") or (
        _LIVE_BASE.format(prefix) if prefix else _TEST_BASE if account.mode == "test" else ""
    )
    if not keys or not merchant or not base:
        return None
    reference, method, path = quote(deed.payment, safe=""), "POST", "/paymentLinks"
    body: dict[str, object] = {"merchantAccount": merchant, "reference": deed.key}
    if deed.verb is Verb.CLOSE and deed.payment.startswith("PL"):
        method, path, body = "PATCH", f"/paymentLinks/{reference}", {"status": "expired"}
    elif deed.verb is Verb.CLOSE or deed.verb is Verb.VOID:
        path = f"/payments/{reference}/cancels"
    elif deed.verb is Verb.PAY_LINK and not deed.order:
        return None
    else:
        amount = deed.total_minor if deed.amount_minor is None else deed.amount_minor
        value = None if amount is None else wire.theirs(amount, deed.currency)
        if value is None or not deed.currency:
            return None
        body["amount"] = {"currency": deed.currency, "value": value}
        if deed.verb is Verb.REFUND:
            path = f"/payments/{reference}/refunds"
        else:
            body["reference"] = deed.order
    return Request(
        method=method,
        url=base.rstrip("/") + path,
        payment=deed.payment,
        headers=(
            ("Content-Type", "application/json"),
            ("X-API-Key", keys[0].reveal()),
            ("Idempotency-Key", deed.key[:64]),
        ),
        body=msgspec.json.encode(body),
        context=f"act:{deed.verb.value}",
    )
