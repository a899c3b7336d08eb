"""Stripe's objects with the fields that real endpoints send, in two API versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

OLD, NEW = "2020-08-27", "2025-04-30.basil"
Json = dict[str, Any]

MESSAGES = {
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}
_NOT_CARD_DECLINED = {
    "expired_card", "incorrect_cvc", "processing_error", "authentication_required",
}  # fmt: skip
_DECLINED = "Your card was declined."


def event(
    event_id: str, version: str, kind: str, at_s: int, obj: Mapping[str, object], live: bool,
    request: str | None, before: Mapping[str, object] | None = None,
) -> bytes:  # fmt: skip
    """Return an Event around an object, indented as Stripe sends it."""
    data: Json = {"object": obj}
    if before:
        data["previous_attributes"] = before
    whole = {
        "id": event_id,
        "object": "event",
        "api_version": version,
        "created": at_s,
        "data": data,
        "livemode": live,
        "pending_webhooks": 1,
        "request": {"id": request, "idempotency_key": f"{request}-1" if request else None},
        "type": kind,
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2)


def intent(facts: Json, **changed: object) -> Json:
    """Return a PaymentIntent; `facts` are its ids, amount, currency, customer and so on."""
    whole: Json = {
        "id": facts["pi"],
        "object": "payment_intent",
        "amount": facts["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": facts["capture_method"],
        "client_secret": f"{facts['pi']}_secret_{facts['secret']}",
        "confirmation_method": "automatic",
        "created": facts["created"],
        "currency": facts["currency"],
        "customer": facts["customer"],
        "description": facts["description"],
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": facts["live"],
        "metadata": facts["metadata"],
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
            }
        },
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": facts["email"],
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }
    whole.update(changed)
    if facts["version"] == OLD:
        charges = facts.get("charges", [])
        whole["charges"] = {
            "object": "list",
            "data": list(charges)[-1:],
            "has_more": False,
            "total_count": len(charges),
            "url": f"/v1/charges?payment_intent={facts['pi']}",
        }
    return whole


def error(code: str, charge: str, method: Json) -> Json:
    """Return a `last_payment_error`."""
    top = code if code in _NOT_CARD_DECLINED else "card_declined"
    return {
        "charge": charge,
        "code": top,
        "decline_code": code,
        "doc_url": f"https://stripe.com/docs/error-codes/{top.replace('_', '-')}",
        "message": MESSAGES.get(code, _DECLINED),
        "payment_method": method,
        "type": "card_error",
    }


def payment_method(facts: Json) -> Json:
    """Return the card that the customer used."""
    return {
        "id": facts["pm"],
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing(facts),
        "card": {
            "brand": facts["brand"],
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass",
            },
            "country": facts["country"],
            "exp_month": 8,
            "exp_year": 2029,
            "fingerprint": facts["fingerprint"],
            "funding": "credit",
            "last4": facts["last4"],
            "networks": {"available": [facts["brand"]], "preferred": None},
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": facts["created"],
        "customer": facts["customer"],
        "livemode": facts["live"],
        "metadata": {},
        "type": "card",
    }


def billing(facts: Json) -> Json:
    """Return billing details, which are personal."""
    return {
        "address": {
            "city": None,
            "country": facts["country"],
            "line1": None,
            "line2": None,
            "postal_code": None,
            "state": None,
        },
        "email": facts["email"],
        "name": facts["name"],
        "phone": facts["phone"],
        "tax_id": None,
    }


def _outcome(code: str) -> Json:
    words: tuple[str, str | None, str, str]
    if not code:
        words = ("approved_by_network", None, "Payment complete.", "authorized")
    elif code == "processing_error":
        words = ("not_sent_to_network", code, "Stripe could not reach the network.", "invalid")
    else:
        said = f"The bank returned the decline code `{code}`."
        words = ("declined_by_network", code, said, "issuer_declined")
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": words[0],
        "reason": words[1],
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": words[2],
        "type": words[3],
    }


def _details(facts: Json, code: str) -> Json:
    card = {
        "amount_authorized": None if code else facts["amount"],
        "brand": facts["brand"],
        "checks": {"cvc_check": "pass"},
        "country": facts["country"],
        "exp_month": 8,
        "exp_year": 2029,
        "fingerprint": facts["fingerprint"],
        "funding": "credit",
        "last4": facts["last4"],
        "network": facts["brand"],
        "three_d_secure": None,
        "wallet": None,
    }
    return {"card": card, "type": "card"}


def charge(facts: Json, charge_id: str, at_s: int, code: str = "", **changed: object) -> Json:
    """Return a Charge: succeeded, or failed with a code."""
    whole: Json = {
        "id": charge_id,
        "object": "charge",
        "amount": facts["amount"],
        "amount_captured": 0 if code else facts["amount"],
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None if code else f"txn_{charge_id[3:]}",
        "billing_details": billing(facts),
        "calculated_statement_descriptor": facts["descriptor"],
        "captured": not code,
        "created": at_s,
        "currency": facts["currency"],
        "customer": facts["customer"],
        "description": facts["description"],
        "destination": None,
        "dispute": None,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None
        if not code
        else code
        if code in _NOT_CARD_DECLINED
        else "card_declined",
        "failure_message": MESSAGES.get(code, _DECLINED) if code else None,
        "fraud_details": {},
        "livemode": facts["live"],
        "metadata": facts["metadata"],
        "on_behalf_of": None,
        "order": None,
        "outcome": _outcome(code),
        "paid": not code,
        "payment_intent": facts["pi"],
        "payment_method": facts["pm"],
        "payment_method_details": _details(facts, code),
        "receipt_email": facts["email"],
        "receipt_number": None,
        "receipt_url": None if code else "https://pay.stripe.com/receipts/payment/CAcaFwoV",
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "failed" if code else "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }
    whole.update(changed)
    return whole


def session(facts: Json, status: str, payment_status: str, pi: str | None) -> Json:
    """Return a Checkout Session."""
    return {
        "id": facts["cs"],
        "object": "checkout.session",
        "after_expiration": None,
        "allow_promotion_codes": False,
        "amount_subtotal": facts["amount"],
        "amount_total": facts["amount"],
        "automatic_tax": {"enabled": False, "liability": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": "https://shop.example/basket",
        "client_reference_id": facts["order"],
        "created": facts["created"],
        "currency": facts["currency"],
        "customer": facts["customer"] if pi else None,
        "customer_creation": "if_required",
        "customer_details": {
            "address": {"country": facts["country"]},
            "email": facts["email"],
            "name": facts["name"],
            "phone": None,
        },
        "customer_email": facts["email"],
        "expires_at": facts["expires_at"],
        "invoice": None,
        "livemode": facts["live"],
        "locale": "auto",
        "metadata": facts["metadata"],
        "mode": "payment",
        "payment_intent": pi,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_types": ["card"],
        "payment_status": payment_status,
        "status": status,
        "success_url": "https://shop.example/thanks",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "url": None,
    }


def refund(facts: Json, refund_id: str, charge_id: str, amount: int, at_s: int,
           status: str, reason: str | None, **changed: object) -> Json:  # fmt: skip
    """Return a Refund."""
    return {
        "id": refund_id,
        "object": "refund",
        "amount": amount,
        "balance_transaction": f"txn_{refund_id[3:]}",
        "charge": charge_id,
        "created": at_s,
        "currency": facts["currency"],
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": {},
        "payment_intent": facts["pi"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
        **changed,
    }


def dispute(facts: Json, dispute_id: str, charge_id: str, amount: int, at_s: int,
            status: str, reason: str) -> Json:  # fmt: skip
    """Return a Dispute."""
    inquiry = status.startswith("warning")
    return {
        "id": dispute_id,
        "object": "dispute",
        "amount": amount,
        "balance_transaction": None if inquiry else f"txn_{dispute_id[3:]}",
        "balance_transactions": [],
        "charge": charge_id,
        "created": at_s,
        "currency": facts["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {"customer_email_address": facts["email"], "customer_name": facts["name"]},
        "evidence_details": {
            "due_by": at_s + 9 * 86400,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": facts["live"],
        "metadata": {},
        "payment_intent": facts["pi"],
        "payment_method_details": {
            "card": {
                "brand": facts["brand"],
                "case_type": "inquiry" if inquiry else "chargeback",
                "network_reason_code": "10" if inquiry else "13.1",
            },
            "type": "card",
        },
        "reason": reason,
        "status": status,
    }
