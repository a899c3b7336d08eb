"""What Square is asked and told, as requests: a question, a cancellation, a refund."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import msgspec

from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import Deed, Micros, Request, Verb

_API_BASE: Final = "https://connect.squareup.com"
_SANDBOX: Final = "https://connect.squareupsandbox.com"
_VERSION: Final = "2026-09-16"
_CHECKOUT: Final = "checkouts/"
REFUSALS: Final = frozenset({"400", "404", "409", "422"})
"""Statuses that say that a deed was not done and never will be, rather than try again."""


def query(
    reference: str, account: Account, secrets: Secrets, now: Micros, nonce: str
) -> Request | None:
    """Ask for a payment, or for a terminal's checkout; None without "access_token"."""
    keys = secrets.get("access_token", ())
    if not keys:
        return None
    return Request(
        method="GET",
        url=f"{_base(account)}/v2/{_path(reference)}",
        payment=reference,
        headers=_headers(keys[0].reveal()),
    )


def act(deed: Deed, account: Account, secrets: Secrets, now: Micros, nonce: str) -> Request | None:
    """Cancel a payment that is not completed or a terminal's checkout, or refund a payment.

    A cancellation names what it cancels and so needs no key; a refund carries the deed's.
    """
    keys = secrets.get("access_token", ())
    body: dict[str, object] = {}
    if not keys or deed.verb is Verb.PAY_LINK:
        return None
    if deed.verb is Verb.REFUND:
        amount = deed.total_minor if deed.amount_minor is None else deed.amount_minor
        paid = deed.operation if deed.payment.startswith(_CHECKOUT) else deed.payment
        if amount is None or not deed.currency or not paid:
            return None
        path = "refunds"
        body = {
            "idempotency_key": deed.key,
            "payment_id": paid,
            "amount_money": {"amount": amount, "currency": deed.currency},
        }
    else:
        held = deed.operation if deed.verb is Verb.VOID else ""
        is_checkout = deed.payment.startswith(_CHECKOUT)
        path = _path(held if is_checkout and held else deed.payment) + "/cancel"
    return Request(
        method="POST",
        url=f"{_base(account)}/v2/{path}",
        payment=deed.payment,
        headers=(*_headers(keys[0].reveal()), ("Content-Type", "application/json")),
        body=msgspec.json.encode(body),
        context=f"act:{deed.verb.value}",
    )


def _path(reference: str) -> str:
    own = quote(reference.removeprefix(_CHECKOUT), safe="")
    return f"terminals/checkouts/{own}" if reference.startswith(_CHECKOUT) else f"payments/{own}"


def _headers(key: str) -> tuple[tuple[str, str], ...]:
    return (("Authorization", f"Bearer {key}"), ("Square-Version", _VERSION))


def _base(account: Account) -> str:
    standard = _SANDBOX if account.mode == "test" else _API_BASE
    return account.options.get("api_base", standard).rstrip("/")
