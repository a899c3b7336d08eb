"""Questions and orders to Shopify, as values.

The money is with the payment platforms, and so are the verbs that move it. Only the order itself
can be ended here: then nobody can pay it any more.
"""

from __future__ import annotations

from typing import Final

import msgspec

from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import Deed, Micros, Request, Verb

_VERSION: Final = "2025-10"


def query(
    reference: str, account: Account, secrets: Secrets, now: Micros, nonce: str
) -> Request | None:
    """Ask for an order by its id; None without "access_token" and the option "shop_domain"."""
    if not (reference.isascii() and reference.isdigit()):
        return None
    return _request("GET", f"orders/{reference}.json", account, secrets, reference, b"", "")


def act(deed: Deed, account: Account, secrets: Secrets, now: Micros, nonce: str) -> Request | None:
    """Cancel an order; Shopify lets go what is held for it, and gives nothing back."""
    if deed.verb is not Verb.CLOSE or not (deed.payment.isascii() and deed.payment.isdigit()):
        return None
    path = f"orders/{deed.payment}/cancel.json"
    body = msgspec.json.encode({"reason": "other", "email": False})
    return _request("POST", path, account, secrets, deed.payment, body, "act:close")


def _request(
    method: str, path: str, account: Account, secrets: Secrets, payment: str, body: bytes,
    context: str,
) -> Request | None:  # fmt: skip
    keys, options = secrets.get("access_token", ()), account.options
    domain = options.get("shop_domain", "")
    base = options.get("api_base", f"https://{domain}" if domain else "").rstrip("/")
    if not keys or not base:
        return None
    headers = [("X-Shopify-Access-Token", keys[0].reveal())]
    if body:
        headers.append(("Content-Type", "application/json"))
    version = options.get("api_version", _VERSION)
    return Request(
        method=method,
        url=f"{base}/admin/api/{version}/{path}",
        payment=payment,
        headers=tuple(headers),
        body=body,
        context=context,
    )
