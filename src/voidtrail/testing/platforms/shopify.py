"""A Shopify of our own: orders, whose every change is told again and again.

Source: shopify.dev/docs/api/admin-rest/resources/order, /transaction, /refund, /webhook
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

import msgspec

from voidtrail.event.model import Micros
from voidtrail.money import major_text
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

_JSON: Final = (("Content-Type", "application/json"),)
_NEW_YORK_S: Final = -4 * 3600
_REASONS: Final = {Step.CUSTOMER_CANCEL: "customer", Step.VOID: "staff", Step.CLOSE: "other"}
_KINDS: Final = {
    Step.AUTHORISE: ("authorization", "success"),
    Step.CAPTURE: ("capture", "success"),
    Step.DECLINE: ("sale", "failure"),
    Step.VOID: ("void", "success"),
    Step.VOID_REFUSED: ("void", "failure"),
}
Json = dict[str, Any]


class FakeShopify(FakePlatform):
    """One shop with subscriptions to everything."""

    SOURCE = "shopify"
    CURRENCY = "USD"
    PLAYS: ClassVar[Mapping[Situation, tuple[Step, ...]]] = {
        **PLAYS,
        Situation.PLATFORM_CLOSED: (Step.OPEN, Step.CLOSE),  # for another reason
        Situation.EXPIRED: (Step.OPEN, Step.AUTHORISE, Step.EXPIRE),
    }
    KNOWN: ClassVar[Mapping[Situation, Known]] = {
        Situation.PAID: Known("paid", money="taken"),
        Situation.LEFT: Known("cancelled", "abandoned", "customer"),
        Situation.CUSTOMER_CANCELLED: Known("cancelled", "customer_cancelled", "customer"),
        Situation.MERCHANT_VOIDED: Known("cancelled", "merchant_voided", "merchant"),
        Situation.PLATFORM_CLOSED: Known("cancelled", "unstated"),
        Situation.EXPIRED: Known("cancelled", "expired", "platform"),
        Situation.DECLINED: Known("cancelled", "gave_up_after_decline", "issuer"),
        Situation.DECLINED_THEN_PAID: Known("paid", money="taken"),
        Situation.RETURNED: Known("cancelled", "refunded_in_full", "merchant", "returned"),
        Situation.DISPUTED: Known("cancelled", "reversed", "customer", "returned"),
        Situation.REFUSED_CANCELLATION: Known("open", money="held"),
    }
    ASKED: ClassVar[Mapping[Situation, Known]] = {
        # An order shows neither transactions that failed nor disputes.
        Situation.DECLINED: Known("cancelled", "abandoned", "customer"),
        Situation.DISPUTED: Known("paid", money="taken"),
    }

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._signing, self._token = self.alnum(32), f"shpat_{self.alnum(32)}"

    def secrets(self) -> Mapping[str, str]:
        """Return the app's client secret and its access token."""
        return {"signing": self._signing, "access_token": self._token}

    def options(self, address: str) -> Mapping[str, str]:
        """Return the account's options: orders are known by their names."""
        return {"api_base": address, "order_field": "name"}

    def reference(self, order: str) -> str:
        """Make up an order's id: more than a double can hold."""
        return str(2**60 + self.rng.getrandbits(40))

    # ------------------------------------------------------------------ resources

    def order(self, payment: FakePayment) -> Json:
        """Return an order as it stands."""
        changed = payment.done[-1][1] if payment.done else payment.opened_at
        found: Json = {
            "id": int(payment.reference), "name": payment.order, "order_number": 1001,
            "created_at": _text(payment.opened_at), "updated_at": _text(changed),
            "cancelled_at": None, "cancel_reason": None, "test": False,
            "financial_status": self._status(payment), "currency": payment.currency,
            "total_price": major_text(payment.amount_minor, payment.currency),
            "refunds": [self._refund(payment, each) for each in payment.refunds if not each.failed],
        }  # fmt: skip
        for step, at in payment.done:
            if step in _REASONS:
                found |= {"cancelled_at": _text(at), "cancel_reason": _REASONS[step]}
        return found

    def _status(self, payment: FakePayment) -> str:
        if payment.status == "paid":
            if not payment.returned:
                return "paid"
            return "refunded" if payment.returned >= payment.captured else "partially_refunded"
        if payment.at(Step.EXPIRE) is not None:
            return "expired"
        if payment.status == "closed":
            return "voided" if payment.at(Step.AUTHORISE) else "pending"
        return "authorized" if payment.status == "held" else "pending"

    def _transaction(self, payment: FakePayment, step: Step, at: Micros) -> Json:
        kind, status = _KINDS[step]
        number = sum(each is step for each, _ in payment.done)
        held = self.id_of(payment, "authorise1", length=9) if kind in ("capture", "void") else None
        return {
            "id": self.id_of(payment, f"{step.value}{number}", length=9), "kind": kind,
            "order_id": int(payment.reference), "status": status, "parent_id": held,
            "amount": major_text(payment.amount_minor, payment.currency), "gateway": "manual",
            "currency": payment.currency, "test": False, "processed_at": _text(at),
            "error_code": "card_declined" if step is Step.DECLINE else None,
        }  # fmt: skip

    def _refund(self, payment: FakePayment, refund: Refund) -> Json:
        moved = {
            "id": f"t{refund.id}", "order_id": int(payment.reference), "kind": "refund",
            "status": "success", "amount": major_text(refund.amount_minor, payment.currency),
            "currency": payment.currency, "gateway": "manual", "processed_at": _text(refund.at),
        }  # fmt: skip
        return {"id": refund.id, "order_id": int(payment.reference), "transactions": [moved],
                "created_at": _text(refund.at)}  # fmt: skip

    def _dispute(self, payment: FakePayment, status: str, at: Micros) -> Json:
        return {
            "id": self.id_of(payment, "dispute", length=9), "order_id": int(payment.reference),
            "type": "chargeback", "status": status, "reason": "fraudulent",
            "amount": major_text(payment.captured, payment.currency),
            "currency": payment.currency, "initiated_at": _text(at),
        }  # fmt: skip

    # ------------------------------------------------------------------ notices

    def tell(self, payment: FakePayment, step: Step, at: Micros) -> Iterable[Notice]:
        """Tell of a step under every topic that it concerns; orders/updated comes each time."""
        order = self.order(payment)
        bodies = []
        if step in _KINDS:
            bodies.append(self._transaction(payment, step, at))
        if step is Step.REFUND:
            bodies.append(self._refund(payment, payment.refunds[-1]))
        if step is Step.DISPUTE:
            bodies.append(self._dispute(payment, "needs_response", at))
        if step is Step.DISPUTE_WON:
            bodies.append(self._dispute(payment, "won", at))
        if step in _REASONS:
            bodies.append(order)  # orders/cancelled
        for body in [*bodies, order]:
            yield Notice(msgspec.json.encode(body), at)

    def sign(self, notice: Notice, at: Micros) -> Posting:
        """Sign the body. Topic and shop stand in headers that nobody signs: they are left out."""
        mac = base64.b64encode(hmac.digest(self._signing.encode(), notice.body, "sha256")).decode()
        return Posting((*_JSON, ("X-Shopify-Hmac-SHA256", mac)), notice.body)

    # ------------------------------------------------------------------ requests

    def answer(self, asked: Asked, at: Micros) -> Answer:
        """Answer about orders, and cancel them."""
        if asked.header("x-shopify-access-token") != self._token:
            return _error(401, "[API] Invalid API key or access token")
        *_, kind, name = asked.path.removesuffix("/cancel.json").removesuffix(".json").split("/")
        payment = self.payments.get(name)
        if kind != "orders" or payment is None:
            return _error(404, "Not Found")
        if asked.method == "POST":
            step = Step.VOID if payment.status == "held" else Step.CLOSE
            if not self.do(payment, step, at):
                return _error(422, "Cannot cancel order")
        return Answer(200, _JSON, msgspec.json.encode({"order": self.order(payment)}))


def _text(at: Micros) -> str:
    return reading.wall_text(at, _NEW_YORK_S).replace(" ", "T") + "-04:00"


def _error(status: int, said: str) -> Answer:
    return Answer(status, _JSON, msgspec.json.encode({"errors": said}))
