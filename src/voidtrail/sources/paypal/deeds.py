"""What PayPal is asked and told, as requests: a question, a void, a refund.

Every call carries an access token, which the runtime fetches with the request that `token` makes
and hands in as the secret "access_token". Without one the app's own name and secret are sent.
"""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import quote

import msgspec

from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import Deed, Micros, Request, Verb
from voidtrail.sources.paypal import wire

_API_BASE: Final = "https://api-m.paypal.com"
_SANDBOX: Final = "https://api-m.sandbox.paypal.com"
_JSON: Final = "application/json"
_FOLDERS: Final = ("captures/", "authorizations/")
_FIRST_GENERATION: Final = ("PAY-", "PAYID-", "disputes/")
REFUSALS: Final = frozenset({"400", "404", "409", "422"})
"""Statuses that say that a deed was not done and never will be, rather than try again."""
DONE_ALREADY: Final = frozenset({"PREVIOUSLY_VOIDED", "AUTHORIZATION_ALREADY_VOIDED"})


def token(account: Account, secrets: Secrets) -> Request | None:
    """Return the request for an access token, or None without "client_id" and "client_secret"."""
    basic = _basic(secrets)
    if not basic:
        return None
    return Request(
        method="POST",
        url=f"{_base(account)}/v1/oauth2/token",
        payment="",
        headers=(
            ("Authorization", basic),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Accept", _JSON),
        ),
        body=b"grant_type=client_credentials",
    )


def query(
    reference: str, account: Account, secrets: Secrets, now: Micros, nonce: str
) -> Request | None:
    """Ask for an order, or for a capture or authorisation that is known by its own name only.

    None without credentials, and for payments of the first generation.
    """
    ours = _authorization(secrets)
    if not ours or reference.startswith(_FIRST_GENERATION):
        return None
    path = f"checkout/orders/{quote(reference, safe='')}"
    if reference.startswith(_FOLDERS):
        path = f"payments/{quote(reference)}"
    return Request(
        method="GET",
        url=f"{_base(account)}/v2/{path}",
        payment=reference,
        headers=(("Authorization", ours), ("Accept", _JSON)),
    )


def act(deed: Deed, account: Account, secrets: Secrets, now: Micros, nonce: str) -> Request | None:
    """Void an authorisation, or refund a capture, named by `deed.operation`.

    PayPal closes no order: an unapproved one ends by itself. The deed's key goes along as
    PayPal-Request-Id, so that PayPal does it once.
    """
    ours, own = _authorization(secrets), quote(deed.operation, safe="")
    body: dict[str, object] = {}
    if not ours or not own:
        return None
    if deed.verb is Verb.VOID:
        path = f"authorizations/{own}/void"
    elif deed.verb is Verb.REFUND:
        path = f"captures/{own}/refund"
        if deed.amount_minor is not None:
            value = wire.amount_text(deed.amount_minor, deed.currency)
            body = {"amount": {"value": value, "currency_code": deed.currency}}
    else:
        return None
    return Request(
        method="POST",
        url=f"{_base(account)}/v2/payments/{path}",
        payment=deed.payment,
        headers=(
            ("Authorization", ours),
            ("Content-Type", _JSON),
            ("PayPal-Request-Id", deed.key),
            ("Prefer", "return=representation"),
        ),
        body=msgspec.json.encode(body),
        context=f"act:{deed.verb.value}",
    )


def _basic(secrets: Secrets) -> str:
    ids, keys = secrets.get("client_id", ()), secrets.get("client_secret", ())
    if not ids or not keys:
        return ""
    pair = f"{ids[0].reveal()}:{keys[0].reveal()}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def _authorization(secrets: Secrets) -> str:
    tokens = secrets.get("access_token", ())
    return f"Bearer {tokens[0].reveal()}" if tokens else _basic(secrets)


def _base(account: Account) -> str:
    standard = _SANDBOX if account.mode == "test" else _API_BASE
    return account.options.get("api_base", standard).rstrip("/")
