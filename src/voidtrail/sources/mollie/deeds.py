"""Questions and orders to Mollie, as values.

A payment that waits and one that is only authorised are ended by the same request; the answer is
the payment as it then stands. Every order carries its idempotency key.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import msgspec

from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import Deed, Micros, Request, Verb
from voidtrail.money import major_text

_API_BASE: Final = "https://api.mollie.com"
_EMBED: Final = "?embed=refunds,chargebacks"
REFUSALS: Final = frozenset({400, 404, 409, 410, 422})
"""Statuses that say that a deed was not done and never will be, rather than try again."""


def query(
    reference: str, account: Account, secrets: Secrets, now: Micros, nonce: str
) -> Request | None:
    """Ask for a payment with its refunds and chargebacks.

    None without a secret "api_key", and for the ids of other resources.
    """
    if not reference.startswith("tr_"):
        return None
    path = f"payments/{quote(reference, safe='')}{_EMBED}"
    return _request("GET", path, account, secrets, reference)


def act(deed: Deed, account: Account, secrets: Secrets, now: Micros, nonce: str) -> Request | None:
    """Cancel a payment, let go what is held, give back what was paid, or make a payment to pay.

    A pay link needs the option "redirect_url": where the customer goes afterwards.
    """
    place = f"payments/{quote(deed.payment, safe='')}"
    amount = None
    if deed.amount_minor is not None and deed.currency:
        value = major_text(deed.amount_minor, deed.currency)
        amount = {"currency": deed.currency, "value": value}
    if deed.verb in (Verb.CLOSE, Verb.VOID):
        return _request("DELETE", place, account, secrets, deed.payment, deed=deed)
    if deed.verb is Verb.REFUND and amount:
        path = f"{place}/refunds"
        return _request("POST", path, account, secrets, deed.payment, {"amount": amount}, deed)
    back = account.options.get("redirect_url", "")
    if deed.verb is Verb.PAY_LINK and amount and back:
        field = account.options.get("order_field", "order_id").removeprefix("metadata.")
        wanted = {
            "amount": amount,
            "description": deed.order or deed.payment,
            "redirectUrl": back,
            "metadata": {field: deed.order},
        }
        if account.options.get("webhook_url"):
            wanted["webhookUrl"] = account.options["webhook_url"]
        return _request("POST", "payments", account, secrets, deed.payment, wanted, deed)
    return None


def _request(
    method: str, path: str, account: Account, secrets: Secrets, payment: str,
    body: object = None, deed: Deed | None = None,
) -> Request | None:  # fmt: skip
    keys = secrets.get("api_key", ())
    if not keys:
        return None
    base = account.options.get("api_base", _API_BASE).rstrip("/")
    headers = [("Authorization", f"Bearer {keys[0].reveal()}")]
    if body is not None:
        headers.append(("Content-Type", "application/json"))
    if deed is not None:
        headers.append(("Idempotency-Key", deed.key))
    return Request(
        method=method,
        url=f"{base}/v2/{path}",
        payment=payment,
        headers=tuple(headers),
        body=b"" if body is None else msgspec.json.encode(body),
        context=f"act:{deed.verb.value}" if deed else "",
    )
