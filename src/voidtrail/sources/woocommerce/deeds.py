"""Questions and orders to a WooCommerce shop, as values.

The money is with the payment gateways, and so are the verbs that move it. Only the order itself
can be ended here: then its page for paying says so.
"""

from __future__ import annotations

import base64

import msgspec

from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import Deed, Micros, Request, Verb


def query(
    reference: str, account: Account, secrets: Secrets, now: Micros, nonce: str
) -> Request | None:
    """Ask for an order by its id; None without the key pair and the option "store_url"."""
    return _request("GET", account, secrets, reference, b"", "")


def act(deed: Deed, account: Account, secrets: Secrets, now: Micros, nonce: str) -> Request | None:
    """Cancel an order that waits for its payment."""
    if deed.verb is not Verb.CLOSE:
        return None
    body = msgspec.json.encode({"status": "cancelled"})
    return _request("PUT", account, secrets, deed.payment, body, "act:close")


def _request(
    method: str, account: Account, secrets: Secrets, reference: str, body: bytes, context: str
) -> Request | None:
    keys, private = secrets.get("consumer_key", ()), secrets.get("consumer_secret", ())
    options = account.options
    base = options.get("api_base", options.get("store_url", "")).rstrip("/")
    is_order = reference.isascii() and reference.isdigit()
    if not keys or not private or not base or not is_order:
        return None
    pair = base64.b64encode(f"{keys[0].reveal()}:{private[0].reveal()}".encode()).decode()
    content = (("Content-Type", "application/json"),) if body else ()
    return Request(
        method=method,
        url=f"{base}/wp-json/wc/v3/orders/{reference}",
        payment=reference,
        headers=(("Authorization", f"Basic {pair}"), *content),
        body=body,
        context=context,
    )
