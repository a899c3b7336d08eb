"""What Stripe is asked and told, as requests: a question, a cancellation, a refund, a pay link."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import Deed, Micros, Request, Verb
from voidtrail.sources.stripe import wire

_API_BASE: Final = "https://api.stripe.com"
_PATHS: Final = {"pi": "payment_intents", "cs": "checkout/sessions", "ch": "charges"}
_ENDS: Final = {"pi": "cancel", "cs": "expire"}
_UNDECIDED: Final = frozenset(
    {"rate_limit", "lock_timeout", "idempotency_key_in_use", "api_key_expired",
     "platform_api_key_expired", "secret_key_required", "processing_error"}
)  # fmt: skip


def query(
    reference: str, account: Account, secrets: Secrets, now: Micros, nonce: str
) -> Request | None:
    """Ask for an intent, a session or a charge by its id.

    None without a secret "api_key", and for the ids of other objects: asked about as an intent,
    they would be called absent.
    """
    keys, path = secrets.get("api_key", ()), _PATHS.get(_start(reference))
    if not keys or path is None:
        return None
    return Request(
        method="GET",
        url=f"{_base(account)}/v1/{path}/{quote(reference, safe='')}",
        payment=reference,
        headers=_headers(account, keys[0].reveal()),
    )


def act(deed: Deed, account: Account, secrets: Secrets, now: Micros, nonce: str) -> Request | None:
    """Cancel an intent, expire a session, refund, or make a checkout page to pay on.

    A cancellation states no reason: Stripe's words for it would overwrite what is known of why the
    customer left. The deed's key goes along, so that Stripe does it once.
    """
    keys, found = secrets.get("api_key", ()), _told(deed, account)
    if not keys or found is None:
        return None
    path, form = found
    more = (
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Idempotency-Key", deed.key),
    )
    return Request(
        method="POST",
        url=f"{_base(account)}/v1/{path}",
        payment=deed.payment,
        headers=(*_headers(account, keys[0].reveal()), *more),
        body=urlencode(form).encode(),
        context=f"act:{deed.verb.value}",
    )


def is_refusal(error: wire.Error) -> bool:
    """Whether an error says that a deed was not done and never will be, rather than try again."""
    if error.type in ("api_error", "authentication_error", "rate_limit_error"):
        return False
    return bool(error.code) and error.code not in _UNDECIDED


def _told(deed: Deed, account: Account) -> tuple[str, dict[str, str]] | None:
    """Return the path and the form of a deed, or None if Stripe cannot do it to this object."""
    start = _start(deed.payment)
    if deed.verb is Verb.CLOSE or (deed.verb is Verb.VOID and start == "pi"):
        if start not in _ENDS:
            return None
        return f"{_PATHS[start]}/{quote(deed.payment, safe='')}/{_ENDS[start]}", {}
    if deed.verb is Verb.REFUND:
        return _refund(deed)
    if deed.verb is Verb.PAY_LINK:
        return _link(deed, account.options.get("return_url", ""))
    return None


def _refund(deed: Deed) -> tuple[str, dict[str, str]] | None:
    fields = {"pi": "payment_intent", "ch": "charge"}
    named = ((fields.get(_start(each)), each) for each in (deed.payment, deed.operation))
    form = next(({field: each} for field, each in named if field), None)
    if form is None:
        return None
    if deed.amount_minor is not None:
        form["amount"] = str(wire.units(deed.amount_minor, deed.currency))
    return "refunds", form


def _link(deed: Deed, return_url: str) -> tuple[str, dict[str, str]] | None:
    if deed.amount_minor is None or not deed.currency or not return_url:
        return None
    item, order = "line_items[0]", deed.order or deed.payment
    return "checkout/sessions", {
        "mode": "payment",
        "success_url": return_url,
        "client_reference_id": order,
        f"{item}[quantity]": "1",
        f"{item}[price_data][currency]": deed.currency.lower(),
        f"{item}[price_data][unit_amount]": str(wire.units(deed.amount_minor, deed.currency)),
        f"{item}[price_data][product_data][name]": order,
    }


def _start(reference: str) -> str:
    return reference.partition("_")[0] if "_" in reference else "pi"


def _base(account: Account) -> str:
    return account.options.get("api_base", _API_BASE).rstrip("/")


def _headers(account: Account, key: str) -> tuple[tuple[str, str], ...]:
    merchant = account.options.get("merchant", "")
    connected = (("Stripe-Account", merchant),) if merchant else ()
    return (("Authorization", f"Bearer {key}"), *connected)
