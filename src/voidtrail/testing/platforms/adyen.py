"""An Adyen of our own: card payments that the merchant captures, and notices about each step.

Nothing can be asked of it, as of the real one: every request to change something is "received", and
a notice says later what became of it.

Source: docs.adyen.com/development-resources/webhooks/webhook-types, docs.adyen.com/online-payments
"""

from __future__ import annotations

import base64
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

_JSON: Final = (("Content-Type", "application/json"),)
_UNAUTHORISED: Final = {
    "status": 401, "errorCode": "000", "errorType": "security",
    "message": "HTTP Status Response - Unauthorized",
}  # fmt: skip
_CANCELS: Final = (Step.VOID, Step.VOID_REFUSED, Step.CLOSE)
_SIGNED: Final = ("pspReference", "originalReference", "merchantAccountCode", "merchantReference")
Json = dict[str, Any]


class FakeAdyen(FakePlatform):
    """One merchant account with delayed capture and one standard webhook."""

    SOURCE = "adyen"
    CURRENCY = "EUR"
    PLAYS: ClassVar[Mapping[Situation, tuple[Step, ...]]] = {
        # An attempt of its own follows a declined one, under a reference of its own.
        **{situation: steps for situation, steps in PLAYS.items()
           if situation is not Situation.DECLINED_THEN_PAID},
        Situation.LEFT: (Step.OPEN, Step.EXPIRE),
        Situation.EXPIRED: (Step.OPEN, Step.AUTHORISE, Step.EXPIRE),
    }  # fmt: skip
    KNOWN: ClassVar[Mapping[Situation, Known]] = {
        Situation.PAID: Known("paid", money="taken"),
        Situation.LEFT: Known("cancelled", "expired", "platform"),
        Situation.CUSTOMER_CANCELLED: Known("cancelled", "customer_cancelled", "customer"),
        Situation.MERCHANT_VOIDED: Known("cancelled", "merchant_voided", "merchant"),
        Situation.EXPIRED: Known("cancelled", "expired", "platform"),
        Situation.DECLINED: Known("cancelled", "gave_up_after_decline", "issuer"),
        Situation.RETURNED: Known("cancelled", "refunded_in_full", "merchant", "returned"),
        Situation.DISPUTED: Known("cancelled", "reversed", "customer", "returned"),
        Situation.REFUSED_CANCELLATION: Known("open", money="held"),
    }

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._hmac = self.rng.randbytes(32).hex().upper()
        self._api_key = f"AQE{self.alnum(40)}"
        self._answered: dict[tuple[str, str], Answer] = {}

    def secrets(self) -> Mapping[str, str]:
        """Return the webhook's HMAC key and the API key."""
        return {"hmac": self._hmac, "api_key": self._api_key}

    def options(self, address: str) -> Mapping[str, str]:
        """Return where it is, whose account, and that captures are told."""
        return {"api_base": address, "merchant_account": "FakeShopEU", "capture": "delayed"}

    def reference(self, order: str) -> str:
        """Make up a PSP reference."""
        return self.alnum(16)

    # ------------------------------------------------------------------ notices

    def tell(self, payment: FakePayment, step: Step, at: Micros) -> Iterable[Notice]:
        """Tell of a step; of a payment that is only offered nothing is said."""
        for code, success, psp, more in self._said(payment, step):
            yield self._notice(payment, code, success, psp, at, more)

    def _said(self, payment: FakePayment, step: Step) -> list[tuple[str, bool, str, Json]]:
        own = payment.reference
        if step is Step.AUTHORISE:
            more = {"operations": ["CANCEL", "CAPTURE", "REFUND"], "reason": "051793:1142:03/2030"}
            return [("AUTHORISATION", True, own, more)]
        if step is Step.DECLINE:
            return [("AUTHORISATION", False, own, {"reason": "Not enough balance"})]
        if step is Step.CUSTOMER_CANCEL and payment.at(Step.AUTHORISE) is None:
            return [("AUTHORISATION", False, own, {"reason": "Shopper Cancelled"})]
        if step is Step.EXPIRE:
            held = payment.at(Step.AUTHORISE) is not None
            return [("EXPIRE" if held else "OFFER_CLOSED", True, own, {})]
        if step is Step.CAPTURE:
            return [("CAPTURE", True, self.id_of(payment, "capture"), {})]
        if step in _CANCELS or step is Step.CUSTOMER_CANCEL:
            done = step is not Step.VOID_REFUSED
            why = {} if done else {"reason": "Transaction not in state to cancel"}
            return [("CANCELLATION", done, self._cancel(payment), why)]
        if step in (Step.REFUND, Step.REFUND_FAIL):
            last = payment.refunds[-1]
            code = "REFUND" if step is Step.REFUND else "REFUND_FAILED"
            return [(code, True, f"RF{last.id}", {"value": last.amount_minor})]
        if step in (Step.DISPUTE, Step.DISPUTE_WON):
            psp = self.id_of(payment, "dispute")
            if step is Step.DISPUTE_WON:
                return [("CHARGEBACK_REVERSED", True, psp, {})]
            more = {"chargebackReasonCode": "10.4", "chargebackSchemeCode": "visa"}
            return [(code, True, psp, {"more": more})
                    for code in ("NOTIFICATION_OF_CHARGEBACK", "CHARGEBACK")]  # fmt: skip
        return []

    def _cancel(self, payment: FakePayment) -> str:
        tries = sum(step in _CANCELS for step, _ in payment.done)
        return self.id_of(payment, f"cancel{tries}")

    def _notice(
        self, payment: FakePayment, code: str, success: bool, psp: str, at: Micros, more: Json
    ) -> Notice:
        """Return an item: what is signed first, then what is not."""
        item: Json = {"pspReference": psp}
        if psp != payment.reference:
            item["originalReference"] = payment.reference
        value = more.get("value", payment.amount_minor)
        item |= {
            "merchantAccountCode": "FakeShopEU", "merchantReference": payment.order,
            "amount": {"value": value, "currency": payment.currency}, "eventCode": code,
            "success": "true" if success else "false", "reason": more.get("reason", ""),
            "eventDate": wall_text(at, 3600).replace(" ", "T") + "+01:00",
            "paymentMethod": "visa", "additionalData": more.get("more", {}),
        }  # fmt: skip
        if "operations" in more:
            item["operations"] = more["operations"]
        return Notice(msgspec.json.encode(item), at)

    def sign(self, notice: Notice, at: Micros) -> Posting:
        """Sign the eight fields of the item; the instant is not among them."""
        item = msgspec.json.decode(notice.body)
        amount = item["amount"]
        fields = [item.get(name, "") for name in _SIGNED]
        fields += [str(amount["value"]), amount["currency"], item["eventCode"], item["success"]]
        mac = hmac.digest(bytes.fromhex(self._hmac), ":".join(fields).encode(), "sha256")
        signature = {"hmacSignature": base64.b64encode(mac).decode()}
        item = {"additionalData": signature | item.pop("additionalData"), **item}
        wrapped = {"NotificationRequestItem": item}
        body = {"live": "true", "notificationItems": [wrapped]}
        return Posting(_JSON, msgspec.json.encode(body))

    # ------------------------------------------------------------------ requests

    def answer(self, asked: Asked, at: Micros) -> Answer:
        """Receive a cancellation or a refund, make a payment link or let one lapse."""
        if asked.header("x-api-key") != self._api_key:
            return _answer(401, _UNAUTHORISED)
        once = (asked.path, asked.header("idempotency-key"))
        if once not in self._answered or not once[1]:
            try:
                said = msgspec.json.decode(asked.body or b"{}")
            except msgspec.MsgspecError:
                return _refused("702", "Unexpected input")
            self._answered[once] = self._answer(asked, said, once[1], at)
        return self._answered[once]

    def _answer(self, asked: Asked, said: Json, key: str, at: Micros) -> Answer:
        match asked.method, *asked.path.strip("/").split("/"):
            case "POST", "payments", name, ("cancels" | "refunds") as verb:
                payment = self.payments.get(name)
                if payment is None:
                    return _refused("167", "Original pspReference required for this operation")
                change = self._cancelled if verb == "cancels" else self._refunded
                return _received(change(payment, said, key, at), payment, 201)
            case "POST", "paymentLinks":
                made = {"id": f"PL{self.alnum(16)}", "status": "active"}
                return _answer(201, {**said, **made})
            case "PATCH", "paymentLinks", name:
                return _answer(200, {"id": name, "status": said.get("status")})
        return _refused("702", "no such resource", 404)

    def _cancelled(self, payment: FakePayment, said: Json, key: str, at: Micros) -> str:
        step = Step.VOID if payment.status == "held" else Step.CLOSE
        if not self.do(payment, step, at):
            psp, why = self.alnum(16), {"reason": "Transaction not in state to cancel"}
            self.waiting.append(self._notice(payment, "CANCELLATION", False, psp, at, why))
            return psp
        return self._cancel(payment)

    def _refunded(self, payment: FakePayment, said: Json, key: str, at: Micros) -> str:
        value, left = int(said["amount"]["value"]), payment.captured - payment.returned
        if value <= left and self.do(payment, Step.REFUND, at, value, key):
            return f"RF{payment.refunds[-1].id}"
        psp = self.alnum(16)
        more = {"reason": "Insufficient balance on payment", "value": value}
        self.waiting.append(self._notice(payment, "REFUND", False, psp, at, more))
        return psp


def _answer(status: int, said: Json) -> Answer:
    return Answer(status, _JSON, msgspec.json.encode(said))


def _received(psp: str, payment: FakePayment, status: int) -> Answer:
    named = {"pspReference": psp, "paymentPspReference": payment.reference}
    return _answer(status, {"status": "received", "merchantAccount": "FakeShopEU", **named})


def _refused(code: str, why: str, status: int = 422) -> Answer:
    error = {"errorCode": code, "message": why, "errorType": "validation"}
    return _answer(status, {"status": status, **error})
