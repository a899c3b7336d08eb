"""A Square of our own: payments with delayed capture, refunds, disputes.

Source: developer.squareup.com/reference/square/payments-api, …/refunds-api, …/disputes-api, and
developer.squareup.com/docs/webhooks/step3validate (the signature).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
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
    Refund,
    Situation,
    Step,
)

_JSON: Final = (("Content-Type", "application/json"),)
_STATUS: Final = {"open": "PENDING", "held": "APPROVED", "paid": "COMPLETED", "closed": "CANCELED"}
_CARD: Final = {"held": "AUTHORIZED", "paid": "CAPTURED", "closed": "VOIDED"}
_DELAY_US: Final = 7 * 86_400 * 1_000_000
_DECLINED: Final = "INSUFFICIENT_FUNDS"
Json = dict[str, Any]


class FakeSquare(FakePlatform):
    """One Square application with one webhook subscription."""

    SOURCE = "square"
    CURRENCY = "USD"
    PLAYS: ClassVar[Mapping[Situation, tuple[Step, ...]]] = {
        each: PLAYS[each]
        for each in (
            Situation.PAID, Situation.LEFT, Situation.MERCHANT_VOIDED, Situation.DECLINED,
            Situation.RETURNED, Situation.DISPUTED, Situation.REFUSED_CANCELLATION,
        )
    } | {
        Situation.PLATFORM_CLOSED: (Step.OPEN, Step.CLOSE),  # nobody says by whom
        Situation.EXPIRED: (Step.OPEN, Step.AUTHORISE, Step.EXPIRE),
    }  # fmt: skip
    KNOWN: ClassVar[Mapping[Situation, Known]] = {
        Situation.PAID: Known("paid", money="taken"),
        Situation.LEFT: Known("cancelled", "abandoned", "customer"),
        Situation.MERCHANT_VOIDED: Known("cancelled", "merchant_voided", "merchant"),
        Situation.PLATFORM_CLOSED: Known("cancelled", "platform_closed"),
        Situation.EXPIRED: Known("cancelled", "expired", "platform"),
        Situation.DECLINED: Known("cancelled", "gave_up_after_decline", "issuer"),
        Situation.RETURNED: Known("cancelled", "refunded_in_full", "merchant", "returned"),
        Situation.DISPUTED: Known("cancelled", "reversed", "customer", "returned"),
        Situation.REFUSED_CANCELLATION: Known("open", money="held"),
    }
    ASKED: ClassVar[Mapping[Situation, Known]] = {
        Situation.DISPUTED: Known("paid", money="taken"),  # a payment does not tell of disputes
    }

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._signing = self.alnum(22)
        self._url = "https://shop.example/hooks/square/main"
        self._token = f"EAAA{self.alnum(60)}"
        self._answered: dict[str, Answer] = {}

    def secrets(self) -> Mapping[str, str]:
        """Return the signature key, the address that it covers, and the access token."""
        return {
            "signing": self._signing, "notification_url": self._url, "access_token": self._token,
        }  # fmt: skip

    def reference(self, order: str) -> str:
        """Make up a payment's id."""
        return self.alnum(28)

    # ------------------------------------------------------------------ objects

    def payment(self, payment: FakePayment) -> Json:
        """Return the Payment as it stands."""
        last_step, last = payment.done[-1] if payment.done else (Step.OPEN, payment.opened_at)
        declined = last_step is Step.DECLINE
        status, held_at = _STATUS[payment.status], payment.at(Step.AUTHORISE)
        money = _money(payment, payment.amount_minor)
        changed = [at for step, at in payment.done if step not in (Step.DISPUTE, Step.VOID_REFUSED)]
        found: Json = {
            "id": payment.reference, "status": "FAILED" if declined else status,
            "amount_money": money, "total_money": money, "reference_id": payment.order,
            "order_id": self.id_of(payment, "order", length=26), "location_id": "L88917AVBK2S5",
            "source_type": "CARD" if declined or held_at else "WALLET",
            "created_at": _text(payment.opened_at), "updated_at": _text(max(changed, default=last)),
        }  # fmt: skip
        if declined:
            error = {"category": "PAYMENT_METHOD_ERROR", "code": _DECLINED}
            found["card_details"] = {"status": "FAILED", "errors": [error]}
        if held_at:
            expired = payment.at(Step.EXPIRE)
            found |= {
                "approved_money": money, "delay_action": "CANCEL",
                "delayed_until": _text(expired or held_at + _DELAY_US),
                "card_details": {"status": _CARD[payment.status], "entry_method": "KEYED"},
            }  # fmt: skip
        if payment.returned:
            found["refunded_money"] = _money(payment, payment.returned)
            found["refund_ids"] = [each.id for each in payment.refunds]
        return found

    def _refund(self, payment: FakePayment, refund: Refund) -> Json:
        return {
            "id": f"{payment.reference}_{refund.id}", "payment_id": payment.reference,
            "status": "FAILED" if refund.failed else "COMPLETED",
            "amount_money": _money(payment, refund.amount_minor),
            "created_at": _text(refund.at), "updated_at": _text(refund.at),
        }  # fmt: skip

    def _dispute(self, payment: FakePayment, state: str, at: Micros) -> Json:
        return {
            "id": self.id_of(payment, "dispute", length=22), "state": state,
            "reason": "NO_KNOWLEDGE", "amount_money": _money(payment, payment.captured),
            "disputed_payment": {"payment_id": payment.reference}, "updated_at": _text(at),
        }  # fmt: skip

    # ------------------------------------------------------------------ notices

    def tell(self, payment: FakePayment, step: Step, at: Micros) -> Iterable[Notice]:
        """Tell of a step as a subscription to everything is told."""
        for kind, name, found in self._events(payment, step, at):
            event = {
                "merchant_id": "6SSW7HV8K2ST5", "type": kind, "event_id": self.alnum(22),
                "created_at": _text(at),
                "data": {"type": name, "id": found["id"], "object": {name: found}},
            }  # fmt: skip
            yield Notice(msgspec.json.encode(event), at)

    def _events(self, payment: FakePayment, step: Step, at: Micros) -> list[tuple[str, str, Json]]:
        if step is Step.VOID_REFUSED:
            return []
        if step in (Step.REFUND, Step.REFUND_FAIL):
            return [("refund.updated", "refund", self._refund(payment, payment.refunds[-1]))]
        if step is Step.DISPUTE:
            return [
                ("dispute.created", "dispute", self._dispute(payment, "EVIDENCE_REQUIRED", at)),
                ("dispute.state.updated", "dispute", self._dispute(payment, "LOST", at)),
            ]
        if step is Step.DISPUTE_WON:
            return [("dispute.state.updated", "dispute", self._dispute(payment, "WON", at))]
        kind = "payment.created" if step is Step.OPEN else "payment.updated"
        return [(kind, "payment", self.payment(payment))]

    def sign(self, notice: Notice, at: Micros) -> Posting:
        """Sign the subscription's own address and the body."""
        message = self._url.encode() + notice.body
        mac = base64.b64encode(hmac.digest(self._signing.encode(), message, "sha256")).decode()
        return Posting((*_JSON, ("x-square-hmacsha256-signature", mac)), notice.body)

    # ------------------------------------------------------------------ requests

    def answer(self, asked: Asked, at: Micros) -> Answer:
        """Answer about payments, cancel and refund them."""
        if asked.header("authorization") != f"Bearer {self._token}":
            return _error(401, "AUTHENTICATION_ERROR", "UNAUTHORIZED")
        match asked.method, *asked.path.removeprefix("/v2/").split("/"):
            case "GET", "payments", name if name in self.payments:
                return _ok("payment", self.payment(self.payments[name]))
            case "POST", "payments", name, "cancel" if name in self.payments:
                return self._cancel(self.payments[name], at)
            case "POST", "refunds":
                return self._give_back(msgspec.json.decode(asked.body), at)
        return _error(404, "INVALID_REQUEST_ERROR", "NOT_FOUND")

    def _cancel(self, payment: FakePayment, at: Micros) -> Answer:
        step = Step.VOID if payment.status == "held" else Step.CLOSE
        if payment.status != "closed" and not self.do(payment, step, at):
            return _error(400, "INVALID_REQUEST_ERROR", "BAD_REQUEST")
        return _ok("payment", self.payment(payment))

    def _give_back(self, said: Json, at: Micros) -> Answer:
        key = said["idempotency_key"]
        payment = self.payments.get(said["payment_id"])
        if payment is None:
            return _error(404, "INVALID_REQUEST_ERROR", "NOT_FOUND")
        if key not in self._answered:
            amount, left = said["amount_money"]["amount"], payment.captured - payment.returned
            if amount > left or not self.do(payment, Step.REFUND, at, amount, key):
                return _error(400, "REFUND_ERROR", "REFUND_AMOUNT_INVALID")
            self._answered[key] = _ok("refund", self._refund(payment, payment.refunds[-1]))
        return self._answered[key]


def _text(at: Micros) -> str:
    return f"{datetime.fromtimestamp(at // 1_000_000, UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def _money(payment: FakePayment, amount_minor: int) -> Json:
    return {"amount": amount_minor, "currency": payment.currency}


def _ok(name: str, found: Json) -> Answer:
    return Answer(200, _JSON, msgspec.json.encode({name: found}))


def _error(status: int, category: str, code: str) -> Answer:
    body = {"errors": [{"category": category, "code": code}]}
    return Answer(status, _JSON, msgspec.json.encode(body))
