"""A Checkout.com of our own: payments that wait for a customer, held or taken, and workflow events.

Source: checkout.com/docs/developer-resources/event-notifications, api-reference.checkout.com
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

import msgspec

from voidtrail.event.model import Micros
from voidtrail.sources.reading import wall_text
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

_JSON: Final = (("Content-Type", "application/json; charset=utf-8"),)
_WORDS: Final = {
    Step.OPEN: "payment_pending", Step.AUTHORISE: "payment_approved",
    Step.CAPTURE: "payment_captured", Step.DECLINE: "payment_declined",
    Step.CUSTOMER_CANCEL: "payment_canceled", Step.EXPIRE: "payment_expired",
    Step.VOID: "payment_voided", Step.VOID_REFUSED: "payment_void_declined",
    Step.REFUND: "payment_refunded", Step.DISPUTE: "dispute_evidence_required",
    Step.DISPUTE_WON: "dispute_won",
}  # fmt: skip
_CODES: Final = {Step.DECLINE: "20051", Step.VOID_REFUSED: "20006"}
_ENDED: Final = {Step.CUSTOMER_CANCEL: "Canceled", Step.EXPIRE: "Expired", Step.VOID: "Voided"}
_NOT_HERE: Final = frozenset({Situation.DECLINED_THEN_PAID})  # another attempt is another payment
Json = dict[str, Any]


class FakeCheckout(FakePlatform):
    """One entity with one workflow that sends every event."""

    SOURCE = "checkout"
    CURRENCY = "EUR"
    PLAYS: ClassVar[Mapping[Situation, tuple[Step, ...]]] = {
        situation: steps for situation, steps in PLAYS.items() if situation not in _NOT_HERE
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
    ASKED: ClassVar[Mapping[Situation, Known]] = {
        # A payment does not tell of its disputes.
        Situation.DISPUTED: Known("paid", money="taken"),
    }

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._signing = f"wsk_{self.alnum(32)}"
        self._api_key = f"sk_{self.alnum(27).lower()}"
        self._answered: dict[tuple[str, str], Answer] = {}

    def secrets(self) -> Mapping[str, str]:
        """Return the workflow's signature key and the API key."""
        return {"signing": self._signing, "api_key": self._api_key}

    def options(self, address: str) -> Mapping[str, str]:
        """Return where it is, and the country that payment links are made for."""
        return {"api_base": address, "country": "DE"}

    def reference(self, order: str) -> str:
        """Make up a payment's id."""
        return f"pay_{self.alnum(26).lower()}"

    # ------------------------------------------------------------------ notices

    def tell(self, payment: FakePayment, step: Step, at: Micros) -> Iterable[Notice]:
        """Tell of a step as one event."""
        word = _WORDS.get(step)
        if word is None:
            return
        told = _instant(at)
        if word.startswith("dispute_"):
            data = self._dispute(payment, told)
        else:
            data = self._action(payment, step, told)
        body = {
            "id": f"evt_{self.alnum(26).lower()}", "type": word, "version": "1.0.29",
            "created_on": told, "data": data,
        }  # fmt: skip
        yield Notice(msgspec.json.encode(body), at)

    def _action(self, payment: FakePayment, step: Step, told: str) -> Json:
        amount = payment.refunds[-1].amount_minor if step is Step.REFUND else payment.amount_minor
        return {
            "id": payment.reference, "action_id": self._action_id(payment, step),
            "reference": payment.order, "amount": amount, "currency": payment.currency,
            "processed_on": told, "response_code": _CODES.get(step, "10000"),
            "source": {"type": "ideal"}, "trigger": "manual",
        }  # fmt: skip

    def _action_id(self, payment: FakePayment, step: Step) -> str:
        if step is Step.REFUND:
            return f"act_{payment.refunds[-1].id.lower()}"
        count = sum(each is step for each, _ in payment.done)
        return self.id_of(payment, f"{step.value}{count}", "act_", 26).lower()

    def _dispute(self, payment: FakePayment, told: str) -> Json:
        return {
            "id": self.id_of(payment, "dispute", "dsp_"), "date": told, "category": "fraudulent",
            "amount": payment.captured, "currency": payment.currency, "reason_code": "10.4",
            "payment_id": payment.reference, "payment_reference": payment.order,
        }  # fmt: skip

    def sign(self, notice: Notice, at: Micros) -> Posting:
        """Sign the body; the instant is not part of it."""
        mac = hmac.digest(self._signing.encode(), notice.body, "sha256").hex()
        return Posting((*_JSON, ("Cko-Signature", mac)), notice.body)

    # ------------------------------------------------------------------ requests

    def answer(self, asked: Asked, at: Micros) -> Answer:
        """Answer about payments, void and refund them, and make payment links."""
        if asked.header("authorization") != f"Bearer {self._api_key}":
            return Answer(401, (), b"")
        if asked.method != "POST":
            return self._answer(asked, {}, "", at)
        once = (asked.path, asked.header("cko-idempotency-key"))
        if once not in self._answered or not once[1]:
            try:
                said = msgspec.json.decode(asked.body or b"{}")
            except msgspec.MsgspecError:
                return _invalid("request_body_malformed")
            self._answered[once] = self._answer(asked, said, once[1], at)
        return self._answered[once]

    def _answer(self, asked: Asked, said: Json, key: str, at: Micros) -> Answer:
        match asked.method, *asked.path.strip("/").split("/"):
            case "GET", "payments", name if name in self.payments:
                return _ok(200, self._payment(self.payments[name]))
            case "POST", "payments", name, "voids" if name in self.payments:
                payment = self.payments[name]
                if payment.status != "held" or not self.do(payment, Step.VOID, at):
                    return Answer(403, (), b"")
                return self._accepted(payment, Step.VOID)
            case "POST", "payments", name, "refunds" if name in self.payments:
                return self._refunded(self.payments[name], said.get("amount"), key, at)
            case "POST", "payment-links":
                made = {"id": f"pl_{self.alnum(16)}", "reference": said.get("reference")}
                return _ok(201, {**made, "expires_on": _instant(at + 86_400_000_000)})
        return Answer(404, (), b"")

    def _payment(self, payment: FakePayment) -> Json:
        held = payment.amount_minor if payment.at(Step.AUTHORISE) else 0
        return {
            "id": payment.reference, "requested_on": _instant(payment.opened_at),
            "source": {"type": "ideal"}, "amount": payment.amount_minor,
            "currency": payment.currency, "status": _status(payment), "reference": payment.order,
            "balances": {
                "total_authorized": held, "total_captured": payment.captured,
                "total_refunded": payment.returned,
                "total_voided": held if payment.at(Step.VOID) else 0,
            },
        }  # fmt: skip

    def _refunded(self, payment: FakePayment, amount: int | None, key: str, at: Micros) -> Answer:
        left = payment.captured - payment.returned
        if payment.status != "paid" or left <= 0:
            return Answer(403, (), b"")
        if (amount or left) > left:
            return _invalid("refund_amount_exceeds_balance")
        self.do(payment, Step.REFUND, at, amount or left, key)
        return self._accepted(payment, Step.REFUND)

    def _accepted(self, payment: FakePayment, step: Step) -> Answer:
        action = self._action_id(payment, step)
        return _ok(202, {"action_id": action, "reference": payment.order})


def _status(payment: FakePayment) -> str:
    last = payment.done[-1][0]
    if payment.status == "paid":
        if payment.returned:
            full = payment.returned >= payment.captured
            return "Refunded" if full else "Partially Refunded"
        return "Captured" if payment.captured >= payment.amount_minor else "Partially Captured"
    if payment.status == "closed":
        return next(
            (_ENDED[step] for step, _ in reversed(payment.done) if step in _ENDED), "Voided"
        )
    return "Declined" if last is Step.DECLINE else _WAITING[payment.status]


_WAITING: Final = {"open": "Pending", "held": "Authorized"}


def _instant(at: Micros) -> str:
    return wall_text(at, 0).replace(" ", "T") + ".6252516Z"


def _ok(status: int, said: Json) -> Answer:
    return Answer(status, _JSON, msgspec.json.encode(said))


def _invalid(code: str) -> Answer:
    return _ok(422, {"request_id": "0", "error_type": "request_invalid", "error_codes": [code]})
