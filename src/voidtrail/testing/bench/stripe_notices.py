"""Stripe events in the shape that a merchant's account sends: payment intents and refunds.

The shapes follow API version 2025-04-30.basil: two-space indented JSON, a thin payment intent
without its charges, a full charge in `charge.refunded`.
"""

import hashlib
import hmac
import json
import random
from collections.abc import Mapping
from typing import Any

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_API_VERSION = "2025-04-30.basil"

# How a payment goes, and how often: the types of its events, in order.
_STORIES: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.40, ("payment_intent.created", "payment_intent.succeeded")),
    (0.30, ("payment_intent.created", "payment_intent.canceled")),
    (
        0.15,
        ("payment_intent.created", "payment_intent.payment_failed", "payment_intent.canceled"),
    ),
    (0.15, ("payment_intent.created", "payment_intent.succeeded", "charge.refunded")),
)


def signature_header(body: bytes, secret: str, at_unix: int) -> str:
    """Return the value of `Stripe-Signature` for a body.

    Args:
        body: The exact bytes of the request.
        secret: The endpoint's secret, `whsec_...`, used as it is.
        at_unix: The instant of signing, in Unix seconds.

    Returns:
        `t=...,v1=...`.
    """
    signed = str(at_unix).encode() + b"." + body
    return f"t={at_unix},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def payment(rng: random.Random, at_unix: int) -> list[tuple[str, bytes]]:
    """Return the events of one payment, in order, as pairs of event id and body.

    Args:
        rng: The source of every id and amount.
        at_unix: When the payment was made, in Unix seconds.

    Returns:
        Two or three pairs.
    """
    story = rng.choices([types for _, types in _STORIES], [weight for weight, _ in _STORIES])[0]
    stem = _token(rng, 16)
    amount = rng.randrange(200, 90_000)
    values = {
        "pi": f"pi_3{stem}{_token(rng, 7)}",
        "ch": f"ch_3{stem}{_token(rng, 7)}",
        "pm": f"pm_1{stem}{_token(rng, 7)}",
        "order": f"ord_{rng.randrange(10**11):011d}",
        "amount": amount,
        "created": at_unix,
        "fingerprint": _token(rng, 16),
        "last4": f"{rng.randrange(10**4):04d}",
        "idempotency": f"payment-{rng.getrandbits(128):032x}",
    }
    events = []
    for step, kind in enumerate(story):
        event_id = f"evt_3{stem}{_token(rng, 7)}"
        body = _TEMPLATES[kind] % {
            **values,
            "evt": event_id,
            "req": f"req_{_token(rng, 14)}",
            "now": at_unix + step,
        }
        events.append((event_id, body.encode()))
    return events


def _token(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(_ALPHABET, k=length))


def _event(kind: str, obj: Mapping[str, Any]) -> str:
    """Return an event as a template: `"%(name)s"` is text, `"%(name)d"` becomes a bare number."""
    event = {
        "id": "%(evt)s",
        "object": "event",
        "api_version": _API_VERSION,
        "created": "%(now)d",
        "data": {"object": obj},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": "%(req)s", "idempotency_key": "%(idempotency)s"},
        "type": kind,
    }
    text = json.dumps(event, indent=2)
    for name in ("now", "created", "amount"):
        text = text.replace(f'"%({name})d"', f"%({name})d")
    return text


def _intent(status: str, **changes: object) -> dict[str, Any]:
    intent: dict[str, Any] = {
        "id": "%(pi)s",
        "object": "payment_intent",
        "amount": "%(amount)d",
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": "%(pi)s_secret_%(fingerprint)s",
        "confirmation_method": "automatic",
        "created": "%(created)d",
        "currency": "eur",
        "customer": None,
        "description": "Order %(order)s",
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {"order_id": "%(order)s", "channel": "web"},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            },
            "link": {"persistent_token": None},
        },
        "payment_method_types": ["card", "link"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": status,
        "transfer_data": None,
        "transfer_group": None,
    }
    return {**intent, **changes}


def _card() -> dict[str, Any]:
    return {
        "brand": "visa",
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": "pass",
            "cvc_check": "pass",
        },
        "country": "DE",
        "exp_month": 11,
        "exp_year": 2031,
        "fingerprint": "%(fingerprint)s",
        "funding": "credit",
        "last4": "%(last4)s",
        "network": "visa",
        "three_d_secure": None,
        "wallet": None,
    }


def _decline() -> dict[str, Any]:
    return {
        "advice_code": "try_again_later",
        "charge": "%(ch)s",
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "doc_url": "https://stripe.com/docs/error-codes/card-declined",
        "message": "Your card has insufficient funds.",
        "payment_method": {
            "id": "%(pm)s",
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": _billing(),
            "card": {**_card(), "generated_from": None, "display_brand": "visa"},
            "created": "%(created)d",
            "customer": None,
            "livemode": False,
            "metadata": {},
            "type": "card",
        },
        "type": "card_error",
    }


def _billing() -> dict[str, Any]:
    return {
        "address": {
            "city": None,
            "country": "DE",
            "line1": None,
            "line2": None,
            "postal_code": "10115",
            "state": None,
        },
        "email": None,
        "name": None,
        "phone": None,
        "tax_id": None,
    }


def _refunded_charge() -> dict[str, Any]:
    return {
        "id": "%(ch)s",
        "object": "charge",
        "amount": "%(amount)d",
        "amount_captured": "%(amount)d",
        "amount_refunded": "%(amount)d",
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": _billing(),
        "calculated_statement_descriptor": "VOIDTRAIL BENCH",
        "captured": True,
        "created": "%(created)d",
        "currency": "eur",
        "customer": None,
        "description": "Order %(order)s",
        "destination": None,
        "dispute": None,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": {"order_id": "%(order)s", "channel": "web"},
        "on_behalf_of": None,
        "order": None,
        "outcome": {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": 12,
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": "%(pi)s",
        "payment_method": "%(pm)s",
        "payment_method_details": {
            "card": {**_card(), "amount_authorized": "%(amount)d", "authorization_code": None},
            "type": "card",
        },
        "radar_options": {},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": "https://pay.stripe.com/receipts/payment/%(fingerprint)s%(fingerprint)s",
        "refunded": True,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }


_TEMPLATES: Mapping[str, str] = {
    kind: _event(kind, obj)
    for kind, obj in {
        "payment_intent.created": _intent("requires_payment_method"),
        "payment_intent.succeeded": _intent(
            "succeeded",
            amount_received="%(amount)d",
            latest_charge="%(ch)s",
            payment_method="%(pm)s",
        ),
        "payment_intent.canceled": _intent(
            "canceled", canceled_at="%(now)d", cancellation_reason="requested_by_customer"
        ),
        "payment_intent.payment_failed": _intent(
            "requires_payment_method", last_payment_error=_decline(), latest_charge="%(ch)s"
        ),
        "charge.refunded": _refunded_charge(),
    }.items()
}
