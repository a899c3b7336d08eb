"""A Stripe of our own: PaymentIntents with a card form, held or taken at once.

Source: docs.stripe.com/api/payment_intents, docs.stripe.com/api/refunds, docs.stripe.com/webhooks
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl

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
from voidtrail.testing.world import stripe_body

_JSON: Final = (("Content-Type", "application/json; charset=utf-8"),)
_STATUS: Final = {"open": "requires_payment_method", "held": "requires_capture",
                  "paid": "succeeded", "closed": "canceled"}  # fmt: skip
_CANCELLED_BY: Final = {Step.CUSTOMER_CANCEL: "requested_by_customer", Step.EXPIRE: "automatic"}
_ENDED: Final = (Step.CUSTOMER_CANCEL, Step.CLOSE, Step.VOID, Step.EXPIRE)
_DECLINED: Final = "insufficient_funds"
Json = dict[str, Any]


class FakeStripe(FakePlatform):
    """One Stripe account with one webhook endpoint."""

    SOURCE = "stripe"
    CURRENCY = "EUR"
    PLAYS: ClassVar[Mapping[Situation, tuple[Step, ...]]] = {
        **PLAYS,
        Situation.PLATFORM_CLOSED: (Step.OPEN, Step.CLOSE),  # nobody says why
    }
    KNOWN: ClassVar[Mapping[Situation, Known]] = {
        Situation.PAID: Known("paid", money="taken"),
        Situation.LEFT: Known("cancelled", "abandoned", "customer"),
        Situation.CUSTOMER_CANCELLED: Known("cancelled", "customer_cancelled", "customer"),
        Situation.MERCHANT_VOIDED: Known("cancelled", "merchant_voided", "merchant"),
        Situation.PLATFORM_CLOSED: Known("cancelled", "platform_closed"),
        Situation.EXPIRED: Known("cancelled", "expired", "platform"),
        Situation.DECLINED: Known("cancelled", "gave_up_after_decline", "issuer"),
        Situation.DECLINED_THEN_PAID: Known("paid", money="taken"),
        Situation.RETURNED: Known("cancelled", "refunded_in_full", "merchant", "returned"),
        Situation.DISPUTED: Known("cancelled", "reversed", "customer", "returned"),
        Situation.REFUSED_CANCELLATION: Known("open", money="held"),
    }
    ASKED: ClassVar[Mapping[Situation, Known]] = {
        # An intent names its charge but not what became of it after it was paid.
        Situation.RETURNED: Known("paid", money="taken"),
        Situation.DISPUTED: Known("paid", money="taken"),
        # And an intent that can be tried again is as good as new.
        Situation.DECLINED: Known("cancelled", "abandoned", "customer"),
    }

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._signing = f"whsec_{self.alnum(32)}"
        self._api_key = f"rk_live_{self.alnum(24)}"
        self._answered: dict[str, Answer] = {}

    def secrets(self) -> Mapping[str, str]:
        """Return the endpoint's secret and the API key."""
        return {"signing": self._signing, "api_key": self._api_key}

    def reference(self, order: str) -> str:
        """Make up an intent's id."""
        return f"pi_3{self.alnum(23)}"

    # ------------------------------------------------------------------ objects

    def intent(self, payment: FakePayment) -> Json:
        """Return the PaymentIntent as it stands."""
        found: Json = {
            "id": payment.reference, "object": "payment_intent",
            "amount": payment.amount_minor, "amount_capturable": payment.held,
            "amount_received": payment.captured, "canceled_at": None,
            "cancellation_reason": None, "capture_method": "manual",
            "created": payment.opened_at // 1_000_000, "currency": payment.currency.lower(),
            "latest_charge": self._charge_id(payment), "last_payment_error": None,
            "livemode": True, "metadata": {"order_id": payment.order},
            "payment_method_types": ["card"], "status": _STATUS[payment.status],
        }  # fmt: skip
        if payment.status == "closed":
            step, at = next(done for done in reversed(payment.done) if done[0] in _ENDED)
            found["canceled_at"] = at // 1_000_000
            found["cancellation_reason"] = _CANCELLED_BY.get(step)
        if payment.done and payment.done[-1][0] is Step.DECLINE:
            found["last_payment_error"] = {
                "charge": found["latest_charge"], "code": "card_declined",
                "decline_code": _DECLINED, "type": "card_error",
            }  # fmt: skip
        return found

    def _charge_id(self, payment: FakePayment) -> str | None:
        tried = sum(step in (Step.DECLINE, Step.AUTHORISE) for step, _ in payment.done)
        return self.id_of(payment, f"charge{tried}", "ch_3", 23) if tried else None

    def _charge(self, payment: FakePayment) -> Json:
        declined = payment.done[-1][0] is Step.DECLINE
        return {
            "id": self._charge_id(payment), "object": "charge", "amount": payment.amount_minor,
            "amount_captured": payment.captured,
            "amount_refunded": payment.amount_minor if payment.status == "closed"
            else payment.returned, "captured": payment.captured > 0,
            "currency": payment.currency.lower(), "payment_intent": payment.reference,
            "failure_code": "card_declined" if declined else None,
            "outcome": {"reason": _DECLINED if declined else None}, "livemode": True,
            "payment_method_details": {"type": "card", "card": {"brand": "visa", "country": "DE"}},
            "status": "failed" if declined else "succeeded",
        }  # fmt: skip

    def _refund(self, payment: FakePayment) -> Json:
        last = payment.refunds[-1]
        return {
            "id": f"re_3{last.id}", "object": "refund", "amount": last.amount_minor,
            "charge": self._charge_id(payment), "currency": payment.currency.lower(),
            "payment_intent": payment.reference, "reason": None,
            "failure_reason": "expired_or_canceled_card" if last.failed else None,
            "status": "failed" if last.failed else "succeeded",
        }  # fmt: skip

    def _dispute(self, payment: FakePayment, status: str) -> Json:
        return {
            "id": self.id_of(payment, "dispute", "dp_1", 23), "object": "dispute",
            "amount": payment.captured, "charge": self._charge_id(payment),
            "currency": payment.currency.lower(), "payment_intent": payment.reference,
            "reason": "fraudulent", "status": status,
        }  # fmt: skip

    # ------------------------------------------------------------------ notices

    def tell(self, payment: FakePayment, step: Step, at: Micros) -> Iterable[Notice]:
        """Tell of a step as a live endpoint that listens to everything is told."""
        for word, found in self._events(payment, step):
            yield Notice(stripe_body.event(
                f"evt_3{self.alnum(23)}", stripe_body.NEW, word, at // 1_000_000, found, True,
                None), at)  # fmt: skip

    def _events(self, payment: FakePayment, step: Step) -> list[tuple[str, Json]]:
        intent = self.intent(payment)
        if step is Step.OPEN:
            return [("payment_intent.created", intent)]
        if step is Step.AUTHORISE:
            held = ("payment_intent.amount_capturable_updated", intent)
            return [("charge.succeeded", self._charge(payment)), held]
        if step is Step.CAPTURE:
            return [("charge.captured", self._charge(payment)),
                    ("payment_intent.succeeded", intent)]  # fmt: skip
        if step is Step.DECLINE:
            return [("charge.failed", self._charge(payment)),
                    ("payment_intent.payment_failed", intent)]  # fmt: skip
        if step in _ENDED:
            told = [("payment_intent.canceled", intent)]
            if payment.at(Step.AUTHORISE):
                lapsed = step is Step.EXPIRE
                word = "charge.expired" if lapsed else "charge.refunded"
                told.insert(0, (word, self._charge(payment)))
            return told
        if step is Step.REFUND:
            return [("refund.created", self._refund(payment)),
                    ("charge.refunded", self._charge(payment))]  # fmt: skip
        if step is Step.REFUND_FAIL:
            return [("refund.failed", self._refund(payment))]
        if step is Step.DISPUTE:
            waits = self._dispute(payment, "needs_response")
            return [("charge.dispute.created", waits), ("charge.dispute.funds_withdrawn", waits)]
        if step is Step.DISPUTE_WON:
            won = self._dispute(payment, "won") | {"amount": payment.captured}
            return [("charge.dispute.funds_reinstated", won), ("charge.dispute.closed", won)]
        return []

    def sign(self, notice: Notice, at: Micros) -> Posting:
        """Sign with the endpoint's secret, over the instant of sending and the body."""
        at_s = at // 1_000_000
        mac = hmac.digest(self._signing.encode(), b"%d.%s" % (at_s, notice.body), "sha256").hex()
        return Posting((*_JSON, ("Stripe-Signature", f"t={at_s},v1={mac}")), notice.body)

    # ------------------------------------------------------------------ requests

    def answer(self, asked: Asked, at: Micros) -> Answer:
        """Answer about intents, cancel and capture them, and refund."""
        if asked.header("authorization") != f"Bearer {self._api_key}":
            return _error(401, "invalid_request_error", None)
        if asked.method != "POST":
            return self._answer(asked, {}, at)
        key = asked.header("idempotency-key")
        if key not in self._answered or not key:
            form = dict(parse_qsl(asked.body.decode()))
            self._answered[key] = self._answer(asked, form, at)
        return self._answered[key]

    def _answer(self, asked: Asked, form: Mapping[str, str], at: Micros) -> Answer:
        match asked.method, *asked.path.removeprefix("/v1/").split("/"):
            case "GET", "payment_intents", name:
                payment = self.payments.get(name)
                return _absent(name) if payment is None else _ok(self.intent(payment))
            case "POST", "payment_intents", name, ("cancel" | "capture") as verb:
                return self._change(self.payments.get(name), name, verb, form, at)
            case "POST", "refunds":
                return self._give_back(form, asked.header("idempotency-key"), at)
        return _absent(asked.path)

    def _change(
        self, payment: FakePayment | None, name: str, verb: str, form: Mapping[str, str],
        at: Micros,
    ) -> Answer:  # fmt: skip
        if payment is None:
            return _absent(name)
        if verb == "capture":
            step = Step.CAPTURE
        elif form.get("cancellation_reason") == "requested_by_customer":
            step = Step.CUSTOMER_CANCEL
        else:
            step = Step.VOID if payment.status == "held" else Step.CLOSE
        is_takeable = verb == "cancel" or payment.status == "held"
        if not is_takeable or not self.do(payment, step, at):
            more = {"payment_intent": self.intent(payment)}
            return _error(400, "invalid_request_error", "payment_intent_unexpected_state", more)
        return _ok(self.intent(payment))

    def _give_back(self, form: Mapping[str, str], key: str, at: Micros) -> Answer:
        charge = form.get("charge")
        payment = self.payments.get(form.get("payment_intent", "")) or next(
            (each for each in self.payments.values() if charge in each.ids.values()), None
        )
        if payment is None:
            return _absent(form.get("payment_intent", charge or ""))
        amount, left = int(form.get("amount", "0")), payment.captured - payment.returned
        if payment.status != "paid" or left <= 0 or amount > left:
            code = "charge_already_refunded" if payment.status == "paid" else "charge_not_captured"
            return _error(400, "invalid_request_error", code)
        self.do(payment, Step.REFUND, at, amount, key)
        return _ok(self._refund(payment))


def _ok(found: Json) -> Answer:
    return Answer(200, _JSON, msgspec.json.format(msgspec.json.encode(found), indent=2))


def _error(status: int, kind: str, code: str | None, more: Json | None = None) -> Answer:
    body = {"error": {"code": code, "type": kind, **(more or {})}}
    return Answer(status, _JSON, msgspec.json.encode(body))


def _absent(name: str) -> Answer:
    more = {"message": f"No such object: '{name}'", "param": "intent"}
    return _error(404, "invalid_request_error", "resource_missing", more)
