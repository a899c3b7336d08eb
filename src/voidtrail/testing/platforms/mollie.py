"""A Mollie of our own: payments with a classic webhook and a next-generation one beside it.

Source: docs.mollie.com/reference/payments-api, /refunds-api, /webhooks, /webhooks-new
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

import msgspec

from voidtrail.event.model import Micros
from voidtrail.money import major_text, minor_from_major
from voidtrail.sources import reading
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

_JSON: Final = (("Content-Type", "application/hal+json"),)
_FORM: Final = (("Content-Type", "application/x-www-form-urlencoded"),)
_STATUS: Final = {Step.CUSTOMER_CANCEL: "canceled", Step.CLOSE: "canceled", Step.VOID: "canceled",
                  Step.EXPIRE: "expired", Step.DECLINE: "failed"}  # fmt: skip
_INSTANT: Final = {"authorized": "authorizedAt", "paid": "paidAt", "canceled": "canceledAt",
                   "expired": "expiredAt", "failed": "failedAt"}  # fmt: skip
Json = dict[str, Any]


class FakeMollie(FakePlatform):
    """One Mollie profile.

    Args:
        seed: of the ids that it makes up.
        next_generation: whether signed events come beside the classic notices.
    """

    SOURCE = "mollie"
    CURRENCY = "EUR"
    PLAYS: ClassVar[Mapping[Situation, tuple[Step, ...]]] = {
        situation: steps
        for situation, steps in PLAYS.items()
        # A payment that failed is over: the customer tries again with a new one.
        if situation is not Situation.DECLINED_THEN_PAID
    }
    KNOWN: ClassVar[Mapping[Situation, Known]] = {
        Situation.PAID: Known("paid", money="taken"),
        Situation.LEFT: Known("cancelled", "abandoned", "customer"),
        Situation.CUSTOMER_CANCELLED: Known("cancelled", "customer_cancelled", "customer"),
        Situation.MERCHANT_VOIDED: Known("cancelled", "merchant_voided", "merchant"),
        Situation.EXPIRED: Known("cancelled", "expired", "platform"),
        Situation.DECLINED: Known("cancelled", "gave_up_after_decline", "issuer"),
        Situation.RETURNED: Known("cancelled", "refunded_in_full", "merchant", "returned"),
        Situation.DISPUTED: Known("cancelled", "reversed", "customer", "returned"),
        Situation.REFUSED_CANCELLATION: Known("open", money="held"),
    }

    def __init__(self, seed: int = 0, *, next_generation: bool = True) -> None:
        super().__init__(seed)
        self._signing, self._api_key = self.alnum(32), f"live_{self.alnum(30)}"
        self._next_generation = next_generation
        self._answered: dict[str, Answer] = {}

    def secrets(self) -> Mapping[str, str]:
        """Return the API key and the secret of the next-generation webhook."""
        return {"api_key": self._api_key, "signing": self._signing}

    def options(self, address: str) -> Mapping[str, str]:
        """Return the account's options, with the page that customers come back to."""
        return {"api_base": address, "redirect_url": "https://shop.example/thanks"}

    def reference(self, order: str) -> str:
        """Make up a payment's id."""
        return f"tr_{self.alnum(10)}"

    # ------------------------------------------------------------------ resources

    def _state(self, payment: FakePayment) -> tuple[str, Micros]:
        for step, at in reversed(payment.done):
            if payment.status == "closed" or step is Step.DECLINE:
                if step in _STATUS:
                    return _STATUS[step], at
            elif step in (Step.AUTHORISE, Step.CAPTURE):
                return ("paid" if payment.status == "paid" else "authorized"), at
        return "open", payment.opened_at

    def payment(self, payment: FakePayment, *, embed: bool = False) -> Json:
        """Return a payment as it stands."""
        status, at = self._state(payment)
        found: Json = {
            "resource": "payment", "id": payment.reference, "mode": "live", "status": status,
            "createdAt": _text(payment.opened_at), "amount": _amount(payment, payment.amount_minor),
            "method": "creditcard", "metadata": {"order_id": payment.order},
            "isCancelable": payment.status in ("open", "held"), "profileId": "pfl_FAKE",
            "_links": {"checkout": {"href": f"https://www.mollie.example/{payment.reference}"}},
        }  # fmt: skip
        if status in _INSTANT:
            found[_INSTANT[status]] = _text(at)
        held = payment.at(Step.AUTHORISE)
        if held is not None:
            found["authorizedAt"] = _text(held)
        if status == "failed":
            found["details"] = {"failureReason": "insufficient_funds"}
        if payment.captured:
            found["amountCaptured"] = _amount(payment, payment.captured)
        if payment.returned:
            found["amountRefunded"] = _amount(payment, payment.returned)
        if embed:
            refunds = [self._refund(payment, refund) for refund in payment.refunds]
            found["_embedded"] = {"refunds": refunds, "chargebacks": self._chargebacks(payment)}
        return found

    def _refund(self, payment: FakePayment, refund: Refund) -> Json:
        return {
            "resource": "refund", "id": f"re_{refund.id}", "mode": "live",
            "paymentId": payment.reference, "amount": _amount(payment, refund.amount_minor),
            "status": "failed" if refund.failed else "refunded", "createdAt": _text(refund.at),
        }  # fmt: skip

    def _chargebacks(self, payment: FakePayment) -> list[Json]:
        lost, won = payment.at(Step.DISPUTE), payment.at(Step.DISPUTE_WON)
        if lost is None:
            return []
        return [{
            "resource": "chargeback", "id": self.id_of(payment, "chargeback", "chb_", 6),
            "paymentId": payment.reference, "amount": _amount(payment, payment.captured),
            "createdAt": _text(lost), "reversedAt": None if won is None else _text(won),
        }]  # fmt: skip

    # ------------------------------------------------------------------ notices

    def tell(self, payment: FakePayment, step: Step, at: Micros) -> Iterable[Notice]:
        """Say that a payment changed, and, in an event beside it, how."""
        if step in (Step.OPEN, Step.ARRIVE, Step.VOID_REFUSED):
            return
        yield Notice(b"id=" + payment.reference.encode(), at)
        if not self._next_generation or step in (Step.DISPUTE, Step.DISPUTE_WON):
            return
        entity = self.payment(payment)
        if step in (Step.REFUND, Step.REFUND_FAIL):
            entity = self._refund(payment, payment.refunds[-1])
        event = {
            "resource": "event", "id": f"event_{self.alnum(22)}",
            "type": f"{entity['resource']}.{entity['status']}", "entityId": entity["id"],
            "createdAt": _text(at), "_embedded": {"entity": entity},
        }  # fmt: skip
        yield Notice(msgspec.json.encode(event), at, {"signed": "yes"})

    def sign(self, notice: Notice, at: Micros) -> Posting:
        """Sign events; classic notices are not signed."""
        if "signed" not in notice.more:
            return Posting(_FORM, notice.body)
        mac = hmac.digest(self._signing.encode(), notice.body, "sha256").hex()
        return Posting((*_JSON, ("X-Mollie-Signature", f"sha256={mac}")), notice.body)

    # ------------------------------------------------------------------ requests

    def answer(self, asked: Asked, at: Micros) -> Answer:
        """Answer about payments, make, cancel and refund them."""
        if asked.header("authorization") != f"Bearer {self._api_key}":
            return _error(401, "Unauthorized Request")
        key = asked.header("idempotency-key")
        if not key or key not in self._answered:
            answer = self._answer(asked, at)
            if not key:
                return answer
            self._answered[key] = answer
        return self._answered[key]

    def _answer(self, asked: Asked, at: Micros) -> Answer:
        place = asked.path.removeprefix("/v2/").split("/")
        if place == ["payments"] and asked.method == "POST":
            return self._new(msgspec.json.decode(asked.body), at)
        payment = self.payments.get(place[1]) if len(place) > 1 else None
        if place[0] != "payments" or payment is None:
            return _error(404, "Not Found")
        if asked.method == "GET":
            return _ok(self.payment(payment, embed="embed=" in asked.query))
        if asked.method == "DELETE":
            step = Step.VOID if payment.status == "held" else Step.CLOSE
            if not self.do(payment, step, at):
                return _error(422, "Unprocessable Entity")
            return _ok(self.payment(payment))
        return self._give_back(payment, asked, at)

    def _give_back(self, payment: FakePayment, asked: Asked, at: Micros) -> Answer:
        wanted = msgspec.json.decode(asked.body)["amount"]
        amount = minor_from_major(wanted["value"], wanted["currency"])
        if not 0 < amount <= payment.captured - payment.returned:
            return _error(422, "Unprocessable Entity")
        self.do(payment, Step.REFUND, at, amount, asked.header("idempotency-key"))
        return _ok(self._refund(payment, payment.refunds[-1]), 201)

    def _new(self, wanted: Json, at: Micros) -> Answer:
        amount, currency = wanted["amount"], wanted["amount"]["currency"]
        minor = minor_from_major(amount["value"], currency)
        order = (wanted.get("metadata") or {}).get("order_id", "")
        return _ok(self.payment(self.open(order, minor, at, currency)), 201)


def _text(at: Micros) -> str:
    return reading.wall_text(at, 0).replace(" ", "T") + "+00:00"


def _amount(payment: FakePayment, amount_minor: int) -> Json:
    value = major_text(amount_minor, payment.currency)
    return {"currency": payment.currency, "value": value}


def _ok(found: Json, status: int = 200) -> Answer:
    return Answer(status, _JSON, msgspec.json.encode(found))


def _error(status: int, title: str) -> Answer:
    body = {"status": status, "title": title, "detail": title}
    return Answer(status, _JSON, msgspec.json.encode(body))
