"""What Braintree is asked and told, as requests: a question, a void, a refund."""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import Deed, Micros, Request, Verb
from voidtrail.money import major_text

_API_BASE: Final = "https://api.braintreegateway.com"
_SANDBOX: Final = "https://api.sandbox.braintreegateway.com"
_XML: Final = "application/xml"
REFUSAL: Final = "422"
"""The status that says that a deed was not done and never will be, rather than try again."""


def query(
    reference: str, account: Account, secrets: Secrets, now: Micros, nonce: str
) -> Request | None:
    """Ask for a transaction by its id; None without credentials or "merchant_id"."""
    return _request("GET", reference, "", account, secrets, reference)


def act(deed: Deed, account: Account, secrets: Secrets, now: Micros, nonce: str) -> Request | None:
    """Void a transaction that is not settling yet, or give back what one took.

    To give back everything is a reversal: Braintree voids what is not settled yet, which it does
    not refund, and refunds the rest. The deed's key goes along as api-request-key, so that
    Braintree does it once.
    """
    key = f"<api-request-key>{escape(deed.key)}</api-request-key>"
    if deed.verb is Verb.VOID:
        method, path = "PUT", "/void"
    elif deed.verb is Verb.REFUND:
        is_whole = deed.amount_minor in (None, deed.total_minor)
        method, path = "POST", "/reverse" if is_whole else "/refund"
        if deed.amount_minor is not None and not is_whole:
            key = f"<amount>{major_text(deed.amount_minor, deed.currency)}</amount>{key}"
    else:
        return None
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<transaction>{key}</transaction>'.encode()
    context = f"act:{deed.verb.value}"
    return _request(method, deed.payment, path, account, secrets, deed.payment, body, context)


def _request(
    method: str,
    transaction: str,
    path: str,
    account: Account,
    secrets: Secrets,
    payment: str,
    body: bytes = b"",
    context: str = "",
) -> Request | None:
    public, private = _first("public_key", secrets), _first("private_key", secrets)
    merchant = account.options.get("merchant_id") or _first("merchant_id", secrets)
    if not public or not private or not merchant or transaction.strip(".") == "":
        return None
    pair = base64.b64encode(f"{public}:{private}".encode()).decode()
    standard = _SANDBOX if account.mode == "test" else _API_BASE
    base = account.options.get("api_base", standard).rstrip("/")
    where = f"merchants/{quote(merchant, safe='')}/transactions/{quote(transaction, safe='')}"
    typed = (("Content-Type", _XML),) if body else ()
    return Request(
        method=method,
        url=f"{base}/{where}{path}",
        payment=payment,
        headers=(
            ("Authorization", f"Basic {pair}"),
            ("Accept", _XML),
            ("X-ApiVersion", "6"),
            *typed,
        ),
        body=body,
        context=context,
    )


def _first(purpose: str, secrets: Secrets) -> str:
    found = secrets.get(purpose, ())
    return found[0].reveal() if found else ""
