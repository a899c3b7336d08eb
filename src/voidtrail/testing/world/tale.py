"""One order's life while it is being told: the clock, the shop's voice and the payments so far."""

from __future__ import annotations

from voidtrail.event.model import Micros
from voidtrail.testing.world.alipay_rail import AlipayRail
from voidtrail.testing.world.fact import SECOND, Letter, Said
from voidtrail.testing.world.rail import Pen, Purchase, Rail
from voidtrail.testing.world.settings import SOURCE_OF_RAIL
from voidtrail.testing.world.shop import Shop
from voidtrail.testing.world.stripe_rail import StripeRail
from voidtrail.testing.world.truth import OrderTruth, PaymentTruth
from voidtrail.testing.world.wechatpay_rail import WechatPayRail


class Tale:
    """What a behaviour writes on.

    Attributes:
        now: the instant that the tale has reached.
        method: the rail that the customer takes first.
        why: the customer's own reason, if the payment is called off.
        left: the order was left before any payment was made.
    """

    def __init__(
        self, purchase: Purchase, pen: Pen, method: str, wechat_key: str, has_beacons: bool
    ) -> None:
        self.purchase = purchase
        self.pen = pen
        self.rng = pen.rng
        self.method = method
        self.wechat_key = wechat_key
        self.has_beacons = has_beacons
        self.now: Micros = purchase.placed_at
        self.shop = Shop(purchase, pen)
        self.rails: list[Rail] = []
        self.why = ""
        self.left: tuple[str, str, bool] | None = None

    def wait(self, least_s: int, most_s: int) -> None:
        """Let time pass."""
        self.now += self.rng.randrange(least_s * 1000, most_s * 1000 + 1) * 1000

    def chance(self, share: float) -> bool:
        """Return True with this probability."""
        return self.rng.random() < share

    def place(self) -> None:
        """Place the order; the page's beacons may tell of it."""
        self.shop.tell(self.now, Said.ORDER_PLACED)
        self.wait(1, 20)
        if self.has_beacons:
            self.shop.tell(self.now, Said.CHECKOUT_OPENED)
            self.wait(2, 40)
            self.shop.tell(self.now, Said.METHOD_CHOSEN, method=self.method)
        self.wait(1, 15)

    def start(self, method: str = "", manual: bool = False) -> Rail:
        """Make the next payment and have the shop tell of it."""
        rail = self._rail(method or self.method, manual)
        self.rails.append(rail)
        rail.open(self.now)
        self.shop.tell(self.now, Said.OPENED, rail)
        self.wait(5, 90)
        return rail

    def begin(self, manual: bool = False) -> Rail:
        """Place the order and make its first payment."""
        self.place()
        return self.start(manual=manual)

    def card(self, manual: bool = False) -> StripeRail:
        """The same for behaviours that only Stripe knows."""
        rail = self.begin(manual)
        assert isinstance(rail, StripeRail)
        return rail

    def _rail(self, method: str, manual: bool) -> Rail:
        source, shop = SOURCE_OF_RAIL[method], self.purchase.shop.name
        serial, pen, purchase = len(self.rails) + 1, self.pen, self.purchase
        if source == "stripe":
            account = shop
            if purchase.test and shop == "northlight" and serial == 1 and self.chance(0.5):
                account = "northlight-test"
            return StripeRail(purchase, pen, method, account, serial, manual)
        if source == "alipay":
            account = f"{shop}-sandbox" if purchase.test else shop
            return AlipayRail(purchase, pen, method, account, serial)
        return WechatPayRail(purchase, pen, method, shop, serial, self.wechat_key)

    def other_method(self) -> str:
        """Return another rail that takes the order's currency."""
        others = [
            name
            for name, _ in self.purchase.shop.rails
            if name != self.method
            and (self.purchase.currency == "CNY" or SOURCE_OF_RAIL[name] == "stripe")
            and not (self.purchase.test and SOURCE_OF_RAIL[name] == "wechatpay")
            and not (self.purchase.test and self.purchase.shop.name == "northlight"
                     and SOURCE_OF_RAIL[name] == "alipay")
        ]  # fmt: skip
        return self.rng.choice(others)

    def submit(self, rail: Rail) -> None:
        """Let the customer arrive at the platform and send the payment off."""
        rail.scan(self.now)
        self.wait(4, 40)
        if self.has_beacons:
            self.shop.tell(self.now, Said.SUBMITTED, rail)
            self.wait(1, 4)

    def settle(self, rail: Rail) -> None:
        """Let the payment be paid, with the shop's echo more often than not."""
        self.submit(rail)
        rail.pay(self.now)
        rail.paid()
        if self.chance(0.4):
            self.shop.tell(self.now + 2 * SECOND, Said.ORDER_PAID, rail)

    def letters(self) -> list[Letter]:
        """Return everything that was written, in no order."""
        return self.shop.letters + [letter for rail in self.rails for letter in rail.letters]

    def truth(self, behaviour: str) -> OrderTruth:
        """Return what really happened."""
        for rail in self.rails:
            rail.why = self.why if rail.end[0] == "cancelled" else ""
        payments = tuple(rail.truth(behaviour) for rail in self.rails)
        if self.left:
            payments = (self._left_truth(behaviour, *self.left),)
        gone = any(payment.state == "cancelled" for payment in payments)
        keeping = [rail for rail in self.rails if rail.captured > rail.returned]
        purchase = self.purchase
        return OrderTruth(
            order=purchase.order,
            shop=purchase.shop.name,
            placed_at=purchase.placed_at,
            customer=purchase.customer.number,
            product=purchase.product.sku,
            behaviour=behaviour,
            test=purchase.test,
            payments=payments,
            switched=gone and any(payment.state == "paid" for payment in payments),
            double_paid=len(keeping) > 1,
            repriced=purchase.repriced,
            in_fault=purchase.in_fault,
        )  # fmt: skip

    def _left_truth(self, behaviour: str, how: str, actor: str, explicit: bool) -> PaymentTruth:
        purchase = self.purchase
        return PaymentTruth(
            source="storefront",
            account=purchase.account,
            reference=purchase.order,
            names=(purchase.order,),
            order=purchase.order,
            shop=purchase.shop.name,
            method=self.method,
            state="cancelled",
            how=how,
            actor=actor,
            money="none",
            amount_minor=purchase.amount_minor,
            captured_minor=0,
            returned_minor=0,
            currency=purchase.currency,
            explicit=explicit,
            test=purchase.test,
            why=self.why,
            behaviour=behaviour,
        )
