"""What Checkout.com is asked and told, as requests, and what it answers to deeds."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import msgspec

from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import STATUS, Deed, Delivery, Event, Kind, Micros, Request, Verb
from voidtrail.event.reason import number
from voidtrail.sources.checkout import wire
from voidtrail.sources.contract import first
from voidtrail.sources.telling import (
    OPEN,
    OTHER,
    PENDING,
    REFUND,
    REFUSED,
    UNKNOWN,
    Teller,
)

_LIVE_BASE: Final = "https://api.checkout.com"
_TEST_BASE: Final = "https://api.sandbox.checkout.com"
_UNDECIDED: Final = frozenset({"401", "408", "409", "429"})
"""Answers that say nothing about the payment: try again, or mend the key."""


def query(
    reference: str, account: Account, secrets: Secrets, now: Micros, nonce: str
) -> Request | None:
    """Ask for a payment by its id; None without the secret "api_key"."""
    keys = secrets.get("api_key", ())
    if not keys:
        return None
    return Request(
        method="GET",
        url=f"{_base(account)}/payments/{quote(reference, safe='')}",
        payment=reference,
        headers=(("Authorization", f"Bearer {keys[0].reveal()}"),),
    )


def act(deed: Deed, account: Account, secrets: Secrets, now: Micros, nonce: str) -> Request | None:
    """Void, refund, or make a payment link, for which the option `country` is needed.

    What is unpaid cannot be closed: it expires.
    """
    keys, path = secrets.get("api_key", ()), f"payments/{quote(deed.payment, safe='')}"
    if not keys:
        return None
    body: dict[str, object] = {"reference": first(deed.order, deed.key)}
    if deed.amount_minor is not None:
        body["amount"] = wire.theirs(deed.amount_minor, deed.currency)
    if deed.verb is Verb.VOID:
        path, body = f"{path}/voids", {"reference": body["reference"]}
    elif deed.verb is Verb.REFUND:
        path = f"{path}/refunds"
    elif deed.verb is Verb.PAY_LINK and account.options.get("country") and deed.currency:
        path = "payment-links"
        if "amount" not in body:
            return None
        country = {"country": account.options["country"]}
        body |= {"currency": deed.currency, "billing": {"address": country}}
    else:
        return None
    return Request(
        method="POST",
        url=f"{_base(account)}/{path}",
        payment=deed.payment,
        headers=(
            ("Authorization", f"Bearer {keys[0].reveal()}"),
            ("Content-Type", "application/json"),
            ("Cko-Idempotency-Key", deed.key),
        ),
        body=msgspec.json.encode(body),
        context=f"act:{deed.verb.value}",
    )


def done(tell: Teller, delivery: Delivery, said: wire.Data, kind: Kind) -> list[Event] | None:
    """Read the answer to a deed; None if it says nothing.

    A void or a refund is only accepted here; an event under the same action says what became of
    it.
    """
    status = delivery.header(STATUS) or ""
    code = first(said.error_codes[0] if said.error_codes else "", said.error_type)
    if code or status.startswith("4"):
        if status in _UNDECIDED or kind is OPEN:
            return [tell(OTHER, UNKNOWN, reason=(0, first(code, status)))]
        why = (0, first(code, status))
        return [tell(kind, REFUSED, f"{tell.payment}:refused:{why[1]}", reason=why)]
    if kind is OPEN and said.id:
        about = tell._replace(payment=said.id, order=said.reference or "")
        return [about(OPEN, PENDING)]
    if not said.action_id:
        return None
    slug = "merchant_refund" if kind is REFUND else "merchant_request"
    return [tell(kind, PENDING, said.action_id, reason=(number(slug), ""))]


def _base(account: Account) -> str:
    given = account.options.get("api_base")
    return (given or (_TEST_BASE if account.mode == "test" else _LIVE_BASE)).rstrip("/")
