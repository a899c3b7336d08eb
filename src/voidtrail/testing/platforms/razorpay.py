"""A Razorpay of our own: payment links, each with an order and its attempts.

Source: razorpay.com/docs/api/payment-links, /docs/api/payments, /docs/api/refunds, /docs/webhooks
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

import msgspec

from voidtrail.event.model import Micros
from voidtrail.testing.platforms.fake import (
    PLAYS,
    Answer,
    Asked,
    FakePayment,
    FakePlatform,
    Known,
    Notice,
    Posting,
    Situation,
    Step,
)

_JSON: Final = (("Content-Type", "application/json"),)
_TRIES: Final = (Step.DECLINE, Step.AUTHORISE, Step.CUSTOMER_CANCEL)
_ERRORS: Final = {
    Step.DECLINE: ("issuer_bank", "payment_authorization", "insufficient_funds"),
    Step.CUSTOMER_CANCEL: ("customer", "payment_authentication", "payment_cancelled"),
}
_BY_LINK: Final = {Step.CLOSE: "cancelled", Step.EXPIRE: "expired"}
Json = dict[str, Any]


class FakeRazorpay(FakePlatform):
    """One Razorpay account with one webhook that listens to everything."""

    SOURCE = "razorpay"
    CURRENCY = "INR"
    PLAYS: ClassVar[Mapping[Situation, tuple[Step, ...]]] = {
        **PLAYS,
        Situation.MERCHANT_VOIDED: (Step.OPEN, Step.CLOSE),
        # Nobody captures the money, and Razorpay gives it back.
        Situation.PLATFORM_CLOSED: (Step.OPEN, Step.AUTHORISE, Step.EXPIRE),
        Situation.REFUSED_CANCELLATION: (
            Step.OPEN, Step.AUTHORISE, Step.CAPTURE, Step.REFUND, Step.REFUND_FAIL,
        ),
    }  # fmt: skip
    KNOWN: ClassVar[Mapping[Situation, Known]] = {
        Situation.PAID: Known("paid", money="taken"),
        Situation.LEFT: Known("cancelled", "abandoned", "customer"),
        Situation.CUSTOMER_CANCELLED: Known("cancelled", "customer_cancelled", "customer"),
        Situation.MERCHANT_VOIDED: Known("cancelled", "merchant_voided", "merchant"),
        Situation.PLATFORM_CLOSED: Known("cancelled", "expired", "platform"),
        Situation.EXPIRED: Known("cancelled", "expired", "platform"),
        Situation.DECLINED: Known("cancelled", "gave_up_after_decline", "issuer"),
        Situation.DECLINED_THEN_PAID: Known("paid", money="taken"),
        Situation.RETURNED: Known("cancelled", "refunded_in_full", "merchant", "returned"),
        Situation.DISPUTED: Known("cancelled", "reversed", "customer", "returned"),
        Situation.REFUSED_CANCELLATION: Known("paid", money="taken"),
    }
    ASKED: ClassVar[Mapping[Situation, Known]] = {
        # A link knows that it was paid, not what became of the payment; nor who tried in vain.
        Situation.CUSTOMER_CANCELLED: Known("cancelled", "abandoned", "customer"),
        Situation.PLATFORM_CLOSED: Known("cancelled", "abandoned", "customer"),
        Situation.DECLINED: Known("cancelled", "abandoned", "customer"),
        Situation.RETURNED: Known("paid", money="taken"),
        Situation.DISPUTED: Known("paid", money="taken"),
    }

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._signing = self.alnum(24)
        self._key_id, self._key_secret = f"rzp_live_{self.alnum(14)}", self.alnum(24)
        self._answered: dict[str, Answer] = {}

    def secrets(self) -> Mapping[str, str]:
        """Return the webhook's secret and the pair of API keys."""
        return {"signing": self._signing, "key_id": self._key_id, "key_secret": self._key_secret}

    def reference(self, order: str) -> str:
        """Make up a payment link's id."""
        return f"plink_{self.alnum(14)}"

    # ------------------------------------------------------------------ entities

    def _try_id(self, payment: FakePayment) -> str:
        tried = sum(step in _TRIES for step, _ in payment.done)
        return self.id_of(payment, f"try{tried}", "pay_", 14)

    def _payment(self, payment: FakePayment, step: Step, at: Micros) -> Json:
        """Return the latest attempt as it stands."""
        source, where, reason = _ERRORS.get(step, (None, None, None))
        status = {"held": "authorized", "paid": "captured"}.get(payment.status, "failed")
        if payment.at(Step.AUTHORISE) and payment.status == "closed":
            status = "refunded"
        return {
            "id": self._try_id(payment), "entity": "payment", "amount": payment.amount_minor,
            "currency": payment.currency, "status": status, "method": "upi",
            "order_id": self.id_of(payment, "order", "order_", 14),
            "captured": payment.captured > 0, "amount_refunded": payment.returned,
            "notes": {"order_id": payment.order}, "created_at": at // 1_000_000,
            "error_code": "BAD_REQUEST_ERROR" if reason else None, "error_source": source,
            "error_step": where, "error_reason": reason,
        }  # fmt: skip

    def _link(self, payment: FakePayment) -> Json:
        last = payment.done[-1][0] if payment.done else Step.OPEN
        ended = "created" if payment.at(Step.AUTHORISE) else _BY_LINK.get(last, "created")
        status = "paid" if payment.status == "paid" else ended
        paid = None
        if status == "paid":
            paid = [{"payment_id": self._try_id(payment), "status": "captured"}]
        at = payment.done[-1][1] // 1_000_000 if payment.done else 0
        return {
            "id": payment.reference, "amount": payment.amount_minor, "currency": payment.currency,
            "amount_paid": payment.captured, "status": status, "reference_id": payment.order,
            "order_id": self.id_of(payment, "order", "order_", 14), "expire_by": 0,
            "cancelled_at": at if status == "cancelled" else 0, "notes": None,
            "expired_at": at if status == "expired" else 0, "updated_at": at,
            "payments": paid,
            "created_at": payment.opened_at // 1_000_000,
        }  # fmt: skip

    def _refund(self, payment: FakePayment, at: Micros) -> Json:
        lapsed = not payment.refunds
        last = None if lapsed else payment.refunds[-1]
        return {
            "id": self.id_of(payment, "lapse", "rfnd_", 14) if last is None else f"rfnd_{last.id}",
            "entity": "refund", "currency": payment.currency, "receipt": None, "notes": [],
            "amount": payment.amount_minor if last is None else last.amount_minor,
            "payment_id": self._try_id(payment), "created_at": at // 1_000_000,
            "status": "failed" if last is not None and last.failed else "processed",
        }  # fmt: skip

    def _dispute(self, payment: FakePayment, status: str, at: Micros) -> Json:
        return {
            "id": self.id_of(payment, "dispute", "disp_", 14), "entity": "dispute",
            "payment_id": self._try_id(payment), "amount": payment.captured, "status": status,
            "currency": payment.currency, "phase": "chargeback", "created_at": at // 1_000_000,
            "amount_deducted": payment.captured if status == "lost" else 0,
            "reason_code": "credit_not_processed",
        }  # fmt: skip

    # ------------------------------------------------------------------ notices

    def tell(self, payment: FakePayment, step: Step, at: Micros) -> Iterable[Notice]:
        """Tell of a step; that a link was made, nobody is told."""
        for event, entities in self._events(payment, step, at):
            body = {
                "entity": "event", "account_id": "acc_FAKE", "event": event,
                "contains": list(entities), "created_at": at // 1_000_000,
                "payload": {name: {"entity": found} for name, found in entities.items()},
            }  # fmt: skip
            yield Notice(msgspec.json.encode(body), at, {"id": self.alnum(14)})

    def _events(
        self, payment: FakePayment, step: Step, at: Micros
    ) -> list[tuple[str, dict[str, Json]]]:
        if step in (Step.OPEN, Step.ARRIVE, Step.VOID_REFUSED):
            return []
        tried = {"payment": self._payment(payment, step, at)}
        link = {"payment_link": self._link(payment)}
        if step in _ERRORS:
            return [("payment.failed", tried)]
        if step is Step.AUTHORISE:
            return [("payment.authorized", tried)]
        if step is Step.CAPTURE:
            return [("payment.captured", tried), ("payment_link.paid", {**link, **tried})]
        if step is Step.EXPIRE and payment.at(Step.AUTHORISE):
            return [("refund.processed", {"refund": self._refund(payment, at), **tried})]
        if step in _BY_LINK:
            return [(f"payment_link.{_BY_LINK[step]}", link)]
        if step is Step.REFUND:
            back = {"refund": self._refund(payment, at), **tried}
            return [("refund.created", back), ("refund.processed", back)]
        if step is Step.REFUND_FAIL:
            return [("refund.failed", {"refund": self._refund(payment, at), **tried})]
        if step is Step.DISPUTE:
            return [(f"payment.dispute.{word}", {**tried, "dispute": self._dispute(payment, s, at)})
                    for word, s in (("created", "open"), ("lost", "lost"))]  # fmt: skip
        if step is Step.DISPUTE_WON:
            won = self._dispute(payment, "won", at)
            return [
                ("payment.dispute.won", {**tried, "dispute": won | {"amount": payment.captured}})
            ]
        return []

    def sign(self, notice: Notice, at: Micros) -> Posting:
        """Sign the body with the webhook's secret; no instant is signed."""
        mac = hmac.digest(self._signing.encode(), notice.body, "sha256").hex()
        return Posting((*_JSON, ("X-Razorpay-Signature", mac)), notice.body)

    # ------------------------------------------------------------------ requests

    def answer(self, asked: Asked, at: Micros) -> Answer:
        """Answer about links, orders and payments, cancel links and refund payments."""
        pair = base64.b64encode(f"{self._key_id}:{self._key_secret}".encode()).decode()
        if asked.header("authorization") != f"Basic {pair}":
            return _refused("Authentication failed", 401)
        match asked.method, *asked.path.removeprefix("/v1/").split("/"):
            case "GET", "payment_links", name if name in self.payments:
                return _ok(self._link(self.payments[name]))
            case "GET", ("orders" | "payments") as kind, name, *_:
                return self._tries(kind, name)
            case "POST", "payment_links", name, "cancel" if name in self.payments:
                payment = self.payments[name]
                if not self.do(payment, Step.CLOSE, at):
                    return _refused("Payment link cannot be cancelled")
                return _ok(self._link(payment))
            case "POST", "payments", name, "refund":
                return self._give_back(name, asked, at)
            case "POST", "payment_links":
                return self._new_link(msgspec.json.decode(asked.body), at)
        return _refused("The id provided does not exist")

    def _of(self, name: str) -> FakePayment | None:
        return next((p for p in self.payments.values() if name in p.ids.values()), None)

    def _tries(self, kind: str, name: str) -> Answer:
        payment = self._of(name)
        if payment is None:
            return _refused("The id provided does not exist")
        done = [(step, at) for step, at in payment.done if step in _TRIES]
        items = [self._payment(payment, *done[-1])] if done else []
        if kind == "payments":
            return _ok(items[0])
        return _ok({"entity": "collection", "count": len(items), "items": items})

    def _give_back(self, name: str, asked: Asked, at: Micros) -> Answer:
        key, payment = asked.header("x-refund-idempotency"), self._of(name)
        if key and key in self._answered:
            return self._answered[key]
        amount = msgspec.json.decode(asked.body or b"{}").get("amount", 0)
        left = payment.captured - payment.returned if payment else 0
        if payment is None or amount > left or not left or len(key) < 10:
            return _refused("The total refund amount is greater than the refundable amount")
        self.do(payment, Step.REFUND, at, amount, key)
        self._answered[key] = _ok(self._refund(payment, at))
        return self._answered[key]

    def _new_link(self, wanted: Json, at: Micros) -> Answer:
        order = (wanted.get("notes") or {}).get("order_id") or wanted["reference_id"]
        made = self._answered.get(wanted["reference_id"])
        if made is not None:
            return _refused("payment link creation with the same reference_id is not allowed")
        payment = self.open(order, wanted["amount"], at, wanted["currency"])
        self._answered[wanted["reference_id"]] = _ok(self._link(payment))
        return self._answered[wanted["reference_id"]]


def _ok(found: Json) -> Answer:
    return Answer(200, _JSON, msgspec.json.encode(found))


def _refused(description: str, status: int = 400) -> Answer:
    error = {"code": "BAD_REQUEST_ERROR", "description": description, "reason": "NA"}
    return Answer(status, _JSON, msgspec.json.encode({"error": error}))
