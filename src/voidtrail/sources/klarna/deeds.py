"""What Klarna is asked and told, as requests, and what it answers to deeds, often with no body."""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import quote

import msgspec

from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import STATUS, Deed, Delivery, Event, Kind, Micros, Request, Verb
from voidtrail.event.reason import number
from voidtrail.sources.contract import first
from voidtrail.sources.klarna import wire
from voidtrail.sources.telling import (
    CANCEL,
    OTHER,
    REFUND,
    REFUSED,
    SUCCEEDED,
    UNKNOWN,
    VOID,
    Teller,
)

_BASES: Final = {"eu": "api", "na": "api-na", "oc": "api-oc"}
_UNDECIDED: Final = frozenset({"401", "408", "409", "429"})
"""Answers that say nothing about the order: try again, or mend the credentials."""


def query(
    reference: str, account: Account, secrets: Secrets, now: Micros, nonce: str
) -> Request | None:
    """Ask for an order, or for a hosted session; None without the API's user and password."""
    headers = _headers(secrets)
    if headers is None:
        return None
    return Request(method="GET", url=_url(reference, account), payment=reference, headers=headers)


def act(deed: Deed, account: Account, secrets: Secrets, now: Micros, nonce: str) -> Request | None:
    """Close a hosted session or a checkout that was not completed, cancel an order, or refund.

    Klarna refuses to cancel what was captured, be it in part, and wants to be told the amount of a
    refund.
    """
    headers, url = _headers(secrets), _url(deed.payment, account)
    if headers is None:
        return None
    method, body = "POST", b""
    amount = deed.total_minor if deed.amount_minor is None else deed.amount_minor
    if deed.payment.startswith(wire.HOSTED):
        if deed.verb is not Verb.CLOSE:
            return None
        method = "DELETE"
    elif deed.verb is Verb.CLOSE:
        url = f"{_base(account)}/checkout/v3/orders/{quote(deed.payment, safe='')}/abort"
    elif deed.verb is Verb.VOID:
        url += "/cancel"
    elif deed.verb is Verb.REFUND and amount is not None:
        url += "/refunds"
        refund = {"refunded_amount": amount, "reference": first(deed.order, deed.key)}
        body, headers = msgspec.json.encode(refund), (*headers, _TYPE)
    else:
        return None
    return Request(
        method=method,
        url=url,
        payment=deed.payment,
        headers=(*headers, ("Klarna-Idempotency-Key", deed.key)),
        body=body,
        context=f"act:{deed.verb.value}",
    )


def done(tell: Teller, delivery: Delivery, said: wire.Answer, kind: Kind) -> list[Event] | None:
    """Read the answer to a deed: done at once, or refused with a code; None if neither."""
    status = delivery.header(STATUS) or ""
    if said.error_code or status.startswith("4"):
        why = (0, first(said.error_code, status))
        if status in _UNDECIDED:
            return [tell(OTHER, UNKNOWN, reason=why)]
        return [tell(kind, REFUSED, _refused(tell, kind, why[1]), reason=why)]
    if not status.startswith("2"):
        return None
    if kind is REFUND:
        named = first(delivery.header("refund-id"), wire.last_segment(delivery.header("location")))
        why = (number("merchant_refund"), "")
        return [tell(REFUND, SUCCEEDED, named or f"{tell.payment}:{status}", reason=why)]
    why = (number("merchant_request"), "")
    events = [tell(CANCEL, SUCCEEDED, reason=why)]
    if kind is VOID:
        events.append(tell(VOID, SUCCEEDED, f"{tell.payment}:ended", reason=why))
    return events


_TYPE: Final = ("Content-Type", "application/json")


def _refused(tell: Teller, kind: Kind, code: str) -> str:
    return "" if kind is CANCEL else f"{tell.payment}:refused:{code}"


def _headers(secrets: Secrets) -> tuple[tuple[str, str], ...] | None:
    users, passwords = secrets.get("username", ()), secrets.get("password", ())
    if not users or not passwords:
        return None
    pair = f"{users[0].reveal()}:{passwords[0].reveal()}".encode()
    return (("Authorization", f"Basic {base64.b64encode(pair).decode()}"),)


def _base(account: Account) -> str:
    region = _BASES.get(account.options.get("region", "eu"), "api")
    playground = ".playground" if account.mode == "test" else ""
    return account.options.get("api_base", f"https://{region}{playground}.klarna.com").rstrip("/")


def _url(reference: str, account: Account) -> str:
    base = _base(account)
    if reference.startswith(wire.HOSTED):
        return f"{base}/hpp/v1/sessions/{quote(reference.removeprefix(wire.HOSTED), safe='')}"
    return f"{base}/ordermanagement/v1/orders/{quote(reference, safe='')}"
