"""The shop's own voice: JSON statements of the page and the order system about one order."""

from __future__ import annotations

import msgspec

from voidtrail.event.model import Micros
from voidtrail.testing.world.fact import SECOND, Letter, Notice, Said
from voidtrail.testing.world.rail import Pen, Purchase, Rail, rfc3339

WORDS = {
    Said.ORDER_PLACED: "order_placed",
    Said.CHECKOUT_OPENED: "checkout_opened",
    Said.METHOD_CHOSEN: "method_chosen",
    Said.OPENED: "payment_created",
    Said.SUBMITTED: "payment_submitted",
    Said.ATTEMPT_DECLINED: "payment_failed",
    Said.ATTEMPT_FAULTED: "payment_failed",
    Said.PRESSED: "cancel_pressed",
    Said.ORDER_CANCELLED: "order_cancelled",
    Said.ORDER_PAID: "order_paid",
}
_CHANNELS = {"wechat_jsapi": "mini_program"}


class Shop:
    """Tells what the shop saw of one order; it holds no money and is only a witness."""

    def __init__(self, purchase: Purchase, pen: Pen) -> None:
        self.purchase = purchase
        self.pen = pen
        self.letters: list[Letter] = []
        self.version = pen.rng.choice(("8.3.0", "8.3.1", "8.4.0"))

    def tell(self, at: Micros, said: Said, rail: Rail | None = None, method: str = "",
             code: str = "") -> None:  # fmt: skip
        """Send one statement.

        Args:
            at: when it happened, by the shop's clock.
            said: what happened.
            rail: the payment that it concerns, once there is one.
            method: the method that was chosen, before there is a payment.
            code: for failures: the standard reason that the shop's page saw.
        """
        purchase, word = self.purchase, WORDS[said]
        method = rail.method if rail else method
        currency = rail.currency if rail else purchase.currency
        amount = rail.amount if rail else purchase.amount_minor
        whole: dict[str, object] = {
            "id": f"st_{self.pen.alnum(20)}",
            "statement": word,
            "order": purchase.order,
            "amount_minor": amount,
            "currency": currency,
            "at": rfc3339(at),
            "customer": purchase.customer.number,
            "channel": _CHANNELS.get(method, "web"),
            "dimensions": {
                "product": purchase.product.sku,
                "country": purchase.customer.country,
                "app_version": self.version,
            },
        }
        if method:
            whole["method"] = method
        if code:
            whole["reason"] = code
        holder, reference = ("", ""), ""
        if rail:
            holder, reference = (rail.source, rail.account), rail.reference
            whole["payment"] = {
                "source": rail.source, "account": rail.account, "reference": reference,
            }  # fmt: skip
        notice = Notice(
            source="storefront",
            account=purchase.account,
            order=purchase.order,
            payment=reference,
            said=said,
            at=at // SECOND * SECOND,
            holder=holder,
            names=(reference,) if reference else (),
            amount_minor=amount,
            currency=currency,
            code=code,
            method=method,
        )
        body = msgspec.json.encode(whole)
        self.letters.append(Letter(at, "storefront", purchase.account, body, (notice,)))
