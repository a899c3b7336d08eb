"""Questions and orders to Razorpay, as values.

Payments are asked for by `pay_…`, orders (all attempts of one) by `order_…`, links by `plink_…`.
An order cannot be closed there and held money cannot be let go: it falls back by time.
"""

from __future__ import annotations

import base64
import re
from typing import Final
from urllib.parse import quote

import msgspec

from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import Deed, Micros, Request, Verb
from voidtrail.sources import crypto

_API_BASE: Final = "https://api.razorpay.com"
_PATHS: Final = {
    "pay": "payments/{}",
    "order": "orders/{}/payments",
    "plink": "payment_links/{}",
}
_REFERENCE_MAX: Final = 40
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{10,64}")


def _request(
    method: str, path: str, account: Account, secrets: Secrets, payment: str,
    body: object = None, headers: tuple[tuple[str, str], ...] = (), context: str = "",
) -> Request | None:  # fmt: skip
    ids, keys = secrets.get("key_id", ()), secrets.get("key_secret", ())
    if not ids or not keys:
        return None
    base = account.options.get("api_base", _API_BASE).rstrip("/")
    pair = base64.b64encode(f"{ids[0].reveal()}:{keys[0].reveal()}".encode()).decode()
    content = (("Content-Type", "application/json"),) if body is not None else ()
    return Request(
        method=method,
        url=f"{base}/v1/{path}",
        payment=payment,
        headers=(("Authorization", f"Basic {pair}"), *content, *headers),
        body=b"" if body is None else msgspec.json.encode(body),
        context=context,
    )


def _key(key: str) -> str:
    """Return an idempotency key of the form that Razorpay takes: 10 characters or more."""
    return key if _KEY.fullmatch(key) else _hashed(key)


def _hashed(key: str) -> str:
    return crypto.hashed_hex(key.encode(), "sha256").decode()[:_REFERENCE_MAX]


def query(
    reference: str, account: Account, secrets: Secrets, now: Micros, nonce: str
) -> Request | None:
    """Ask for a payment, for the attempts of an order, or for a payment link.

    None without the secrets "key_id" and "key_secret", and for the ids of other entities.
    """
    path = _PATHS.get(reference.partition("_")[0])
    if path is None:
        return None
    return _request("GET", path.format(quote(reference, safe="")), account, secrets, reference)


def act(deed: Deed, account: Account, secrets: Secrets, now: Micros, nonce: str) -> Request | None:
    """Cancel a payment link, give captured money back, or make a payment link.

    None for everything else: an order stays payable, and an authorisation lapses by time.
    """
    context = f"act:{deed.verb.value}"
    if deed.verb is Verb.CLOSE and deed.payment.startswith("plink_"):
        path = f"payment_links/{quote(deed.payment, safe='')}/cancel"
        return _request("POST", path, account, secrets, deed.payment, context=context)
    if deed.verb is Verb.REFUND:
        # Of a link or an order it is a payment that is refunded, so its capture must be known.
        paid = deed.operation or deed.payment
        if paid.startswith(("plink_", "order_")):
            return None
        amount = {} if deed.amount_minor is None else {"amount": deed.amount_minor}
        once = (("X-Refund-Idempotency", _key(deed.key)),)
        path = f"payments/{quote(paid, safe='')}/refund"
        return _request("POST", path, account, secrets, deed.payment, amount, once, context)
    if deed.verb is Verb.PAY_LINK and deed.amount_minor and deed.currency:
        field = account.options.get("order_field", "order_id").removeprefix("notes.")
        link = {
            "amount": deed.amount_minor,
            "currency": deed.currency,
            # Razorpay makes one link for a reference, and refuses a second one.
            "reference_id": deed.key if len(deed.key) <= _REFERENCE_MAX else _hashed(deed.key),
            "notes": {field: deed.order},
        }
        return _request("POST", "payment_links", account, secrets, deed.payment, link,
                        context=context)  # fmt: skip
    return None
