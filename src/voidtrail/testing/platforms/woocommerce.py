"""A WooCommerce shop of our own: orders whose status says everything, and nothing why.

Source: woocommerce.github.io/woocommerce-rest-api-docs (orders), woocommerce.com/document/webhooks
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
    Situation,
    Step,
)

_JSON: Final = (("Content-Type", "application/json"),)
_STATUS: Final = {"open": "pending", "held": "on-hold", "paid": "processing", "closed": "cancelled"}
_BERLIN_S: Final = 7200
Json = dict[str, Any]


class FakeWoocommerce(FakePlatform):
    """One shop with a webhook for order.updated."""

    SOURCE = "woocommerce"
    CURRENCY = "EUR"
    PLAYS: ClassVar[Mapping[Situation, tuple[Step, ...]]] = {
        situation: steps
        for situation, steps in PLAYS.items()
        # Disputes and refused voids are the gateway's to tell.
        if situation not in (Situation.DISPUTED, Situation.REFUSED_CANCELLATION)
    }
    KNOWN: ClassVar[Mapping[Situation, Known]] = {
        Situation.PAID: Known("paid", money="taken"),
        Situation.LEFT: Known("cancelled", "abandoned", "customer"),
        # `cancelled` has no reason: customer, staff and the timer say the same.
        Situation.CUSTOMER_CANCELLED: Known("cancelled", "unstated"),
        Situation.MERCHANT_VOIDED: Known("cancelled", "unstated"),
        Situation.EXPIRED: Known("cancelled", "unstated"),
        Situation.DECLINED: Known("cancelled", "gave_up_after_decline", "issuer"),
        Situation.DECLINED_THEN_PAID: Known("paid", money="taken"),
        Situation.RETURNED: Known("cancelled", "refunded_in_full", "merchant", "returned"),
    }

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._signing = self.alnum(50)
        self._key, self._private = f"ck_{self.alnum(40)}", f"cs_{self.alnum(40)}"

    def secrets(self) -> Mapping[str, str]:
        """Return the webhook's secret and the pair of REST keys."""
        keys = {"consumer_key": self._key, "consumer_secret": self._private}
        return {"signing": self._signing, **keys}

    def reference(self, order: str) -> str:
        """Make up an order's id."""
        return str(self.rng.randrange(10**5, 10**9))

    def order(self, payment: FakePayment) -> Json:
        """Return an order as it stands."""
        changed = payment.done[-1][1] if payment.done else payment.opened_at
        paid = payment.at(Step.CAPTURE)
        status = _STATUS[payment.status]
        if payment.done and payment.done[-1][0] is Step.DECLINE:
            status = "failed"
        if payment.captured and payment.returned >= payment.captured:
            status = "refunded"
        return {
            "id": int(payment.reference), "number": payment.order, "status": status,
            "currency": payment.currency, "created_via": "checkout", "customer_id": 0,
            "total": major_text(payment.amount_minor, payment.currency),
            "payment_method": "bacs", "transaction_id": "",
            **_dates("created", payment.opened_at), **_dates("modified", changed),
            **_dates("paid", paid),
            "refunds": [
                {"id": each.id, "reason": "",
                 "total": "-" + major_text(each.amount_minor, payment.currency)}
                for each in payment.refunds if not each.failed
            ],
        }  # fmt: skip

    def tell(self, payment: FakePayment, step: Step, at: Micros) -> Iterable[Notice]:
        """Tell that an order changed."""
        if step not in (Step.ARRIVE, Step.DISPUTE, Step.DISPUTE_WON, Step.VOID_REFUSED):
            yield Notice(msgspec.json.encode(self.order(payment)), at)

    def ping(self, at: Micros) -> Notice:
        """Return what comes when the webhook has been made."""
        return Notice(b"webhook_id=11", at, {"unsigned": "yes"})

    def sign(self, notice: Notice, at: Micros) -> Posting:
        """Sign the body; the ping is not signed, and no header besides the signature is."""
        if "unsigned" in notice.more:
            return Posting((), notice.body)
        mac = base64.b64encode(hmac.digest(self._signing.encode(), notice.body, "sha256")).decode()
        return Posting((*_JSON, ("X-WC-Webhook-Signature", mac)), notice.body)

    def answer(self, asked: Asked, at: Micros) -> Answer:
        """Answer about orders, and cancel them."""
        pair = base64.b64encode(f"{self._key}:{self._private}".encode()).decode()
        if asked.header("authorization") != f"Basic {pair}":
            return _error(401, "woocommerce_rest_cannot_view")
        payment = self.payments.get(asked.path.rpartition("/")[2])
        if payment is None:
            return _error(404, "woocommerce_rest_shop_order_invalid_id")
        if asked.method == "PUT":
            wanted = msgspec.json.decode(asked.body).get("status")
            step = Step.VOID if payment.status == "held" else Step.CLOSE
            if wanted != "cancelled" or (
                payment.status != "closed" and not self.do(payment, step, at)
            ):
                return _error(400, "woocommerce_rest_invalid_status")
        return Answer(200, _JSON, msgspec.json.encode(self.order(payment)))


def _dates(what: str, at: Micros | None) -> Json:
    """Return a date as WooCommerce writes it: local and GMT, both without a zone."""
    texts = [None if at is None else reading.wall_text(at, offset_s).replace(" ", "T")
             for offset_s in (_BERLIN_S, 0)]  # fmt: skip
    return {f"date_{what}": texts[0], f"date_{what}_gmt": texts[1]}


def _error(status: int, code: str) -> Answer:
    body = {"code": code, "message": "", "data": {"status": status}}
    return Answer(status, _JSON, msgspec.json.encode(body))
