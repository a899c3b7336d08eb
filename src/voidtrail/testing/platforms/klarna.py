"""A Klarna of our own: orders of Klarna Checkout, unsigned pushes with nothing but an address.

Klarna pushes purchases and rejections. After whatever else becomes of an order the shop calls the
push address itself, as the page on connecting Klarna asks it to; the two cannot be told apart.

Source: docs.klarna.com/api/ordermanagement, docs.klarna.com/order-management
"""

from __future__ import annotations

import base64
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

_JSON: Final = (("Content-Type", "application/json"),)
_PLAYED: Final = (
    Situation.PAID, Situation.LEFT, Situation.MERCHANT_VOIDED, Situation.RETURNED,
    Situation.REFUSED_CANCELLATION,
)  # fmt: skip
Json = dict[str, Any]


class FakeKlarna(FakePlatform):
    """One merchant's orders.

    An order exists at order management from the purchase on, so whoever walks away before leaves
    nothing behind: the shop says that it opened a checkout, and Klarna, asked, knows of no order.
    """

    SOURCE = "klarna"
    CURRENCY = "EUR"
    PLAYS: ClassVar[Mapping[Situation, tuple[Step, ...]]] = {
        **{situation: PLAYS[situation] for situation in _PLAYED},
        Situation.EXPIRED: (Step.OPEN, Step.AUTHORISE, Step.EXPIRE),
        Situation.PLATFORM_CLOSED: (Step.OPEN, Step.DECLINE),  # Klarna's own risk check
    }
    KNOWN: ClassVar[Mapping[Situation, Known]] = {
        Situation.PAID: Known("paid", money="taken"),
        Situation.LEFT: Known("unknown"),  # until the shop says that it opened a checkout
        Situation.MERCHANT_VOIDED: Known("cancelled", "merchant_voided", "merchant"),
        Situation.EXPIRED: Known("cancelled", "expired", "platform"),
        Situation.PLATFORM_CLOSED: Known("cancelled", "platform_closed", "platform"),
        Situation.RETURNED: Known("cancelled", "refunded_in_full", "merchant", "returned"),
        Situation.REFUSED_CANCELLATION: Known("open", money="held"),
    }

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._username = f"PK{self.rng.randrange(10**5, 10**6)}_{self.alnum(12).lower()}"
        self._password = self.alnum(24)
        self._answered: dict[tuple[str, str], Answer] = {}

    def secrets(self) -> Mapping[str, str]:
        """Return the API's user and password."""
        return {"username": self._username, "password": self._password}

    def reference(self, order: str) -> str:
        """Make up an order's id."""
        parts = (self.alnum(length).lower() for length in (8, 4, 4, 4, 12))
        return "-".join(parts)

    # ------------------------------------------------------------------ notices

    def tell(self, payment: FakePayment, step: Step, at: Micros) -> Iterable[Notice]:
        """Push the order's id, or that a pending order was rejected; nothing before a purchase."""
        if step not in (Step.OPEN, Step.CLOSE, Step.VOID_REFUSED):
            event = "FRAUD_RISK_REJECTED" if step is Step.DECLINE else ""
            yield Notice(b"", at, {"order_id": payment.reference, "event": event})

    def sign(self, notice: Notice, at: Micros) -> Posting:
        """Send without any proof: as a notification with a body, or as a bare address."""
        order, event = notice.more["order_id"], notice.more["event"]
        if event:
            said = {"order_id": order, "event_type": event}
            return Posting(_JSON, msgspec.json.encode(said))
        return Posting((), b"", f"klarna_order_id={order}")

    # ------------------------------------------------------------------ requests

    def answer(self, asked: Asked, at: Micros) -> Answer:
        """Answer about orders, cancel and refund them."""
        pair = base64.b64encode(f"{self._username}:{self._password}".encode()).decode()
        if asked.header("authorization") != f"Basic {pair}":
            return Answer(401, (), b"")
        if asked.method != "POST":
            return self._answer(asked, {}, "", at)
        once = (asked.path, asked.header("klarna-idempotency-key"))
        if once not in self._answered or not once[1]:
            try:
                said = msgspec.json.decode(asked.body or b"{}")
            except msgspec.MsgspecError:
                return _refused(400, "BAD_VALUE")
            self._answered[once] = self._answer(asked, said, once[1], at)
        return self._answered[once]

    def _answer(self, asked: Asked, said: Json, key: str, at: Micros) -> Answer:
        parts = asked.path.strip("/").split("/")
        name, rest = "".join(parts[3:4]), parts[4:]
        payment = self.payments.get(name)
        if payment is not None and parts[0] == "checkout" and rest == ["abort"]:
            if payment.status != "open" or not self.do(payment, Step.CLOSE, at):
                return _refused(403, "READ_ONLY_ORDER")
            return Answer(200, _JSON, msgspec.json.encode({"order_id": name}))
        if payment is None or (payment.at(Step.AUTHORISE) is None and not _rejected(payment)):
            return _refused(404, "NO_SUCH_ORDER")
        match asked.method, rest:
            case "GET", []:
                return Answer(200, _JSON, msgspec.json.encode(self._order(payment)))
            case "POST", ["cancel"]:
                if payment.status != "held" or not self.do(payment, Step.VOID, at):
                    return _refused(403, "CANCEL_NOT_ALLOWED")
                return Answer(204, (), b"")
            case "POST", ["refunds"]:
                return self._refunded(payment, said.get("refunded_amount", 0), key, at)
        return _refused(404, "NOT_FOUND")

    def _order(self, payment: FakePayment) -> Json:
        """Return the order as it stands."""
        taken = payment.captured
        return {
            "order_id": payment.reference, "status": _status(payment),
            "fraud_status": "REJECTED" if _rejected(payment) else "ACCEPTED",
            "order_amount": payment.amount_minor, "captured_amount": taken,
            "refunded_amount": payment.returned, "remaining_authorized_amount": payment.held,
            "purchase_currency": payment.currency, "merchant_reference1": payment.order,
            "created_at": _instant(payment.opened_at),
            "captures": [{"capture_id": self.id_of(payment, "capture"), "captured_amount": taken,
                          "captured_at": _instant(payment.at(Step.CAPTURE) or 0)}] if taken else [],
            "refunds": [{"refund_id": each.id, "refunded_amount": each.amount_minor,
                         "refunded_at": _instant(each.at)} for each in payment.refunds],
        }  # fmt: skip

    def _refunded(self, payment: FakePayment, amount: int, key: str, at: Micros) -> Answer:
        left = payment.captured - payment.returned
        if payment.status != "paid" or not 0 < amount <= left:
            return _refused(403, "REFUND_NOT_ALLOWED")
        self.do(payment, Step.REFUND, at, amount, key)
        made = payment.refunds[-1].id
        place = f"https://api.klarna.com/ordermanagement/v1/orders/{payment.reference}"
        return Answer(201, (("Location", f"{place}/refunds/{made}"), ("Refund-Id", made)), b"")


def _rejected(payment: FakePayment) -> bool:
    return payment.at(Step.DECLINE) is not None


def _status(payment: FakePayment) -> str:
    if payment.status == "paid":
        return "CAPTURED" if payment.captured >= payment.amount_minor else "PART_CAPTURED"
    if payment.status == "closed":
        return "EXPIRED" if payment.at(Step.EXPIRE) else "CANCELLED"
    return "CANCELLED" if _rejected(payment) else "AUTHORIZED"


def _instant(at: Micros) -> str:
    return wall_text(at, 0).replace(" ", "T") + ".000Z"


def _refused(status: int, code: str) -> Answer:
    error = {"error_code": code, "error_messages": ["…"], "correlation_id": "0"}
    return Answer(status, _JSON, msgspec.json.encode(error))
