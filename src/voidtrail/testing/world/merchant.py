"""Draws the day: who buys what, where and when, and how each order goes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from voidtrail.event.model import Micros
from voidtrail.testing.world import catalogue
from voidtrail.testing.world.behaviour import BEHAVIOURS, draw
from voidtrail.testing.world.fact import HOUR, SECOND
from voidtrail.testing.world.keys import Secrets
from voidtrail.testing.world.rail import Customer, Pen, Purchase
from voidtrail.testing.world.settings import SHOPS, SOURCE_OF_RAIL, Settings, ShopPlan
from voidtrail.testing.world.tale import Tale

# Orders by hour of Shanghai's day: noon and evening peaks; none later than 21:00.
_HOURS = (1, 1, 1, 1, 1, 2, 4, 8, 14, 20, 24, 28, 36, 26, 22, 22, 22, 24, 30, 38, 42)
_CUSTOMERS_PER_ORDER = 0.7
_NOTES = (
    "请用礼盒包装",
    "周末送达",
    "Please leave at the door",
    "Gift – no invoice",
    "尽快发货，谢谢",
)
_NOTE_SHARE, _CARD_IN_NOTE_SHARE = 0.08, 0.004


class Merchant:
    """One seeded merchant with two shops.

    Attributes:
        card_numbers: what customers typed into notes and nobody may keep.
        personal: names, addresses and phone numbers that stand in bodies.
    """

    def __init__(self, seed: int, settings: Settings, secrets: Secrets, fault_source: str) -> None:
        self.seed = seed
        self.settings = settings
        self.secrets = secrets
        self.fault_source = fault_source
        self.card_numbers: list[str] = []
        self.personal: set[str] = set()
        self._counts: dict[str, int] = {}

    def tales(self, behaviours: Sequence[str] = ()) -> Iterator[tuple[Tale, str]]:
        """Yield every order of the day, told, with the name of its behaviour.

        Args:
            behaviours: of the live orders, instead of drawn ones.
        """
        rng = random.Random(f"{self.seed}/day")
        live, tests = len(behaviours) or self.settings.orders, self.settings.test_orders
        arrivals = sorted(self._arrival(rng) for _ in range(live))
        for number, at in enumerate(arrivals):
            behaviour = behaviours[number] if behaviours else ""
            yield self.tale(number, at, False, behaviour)
        for number in range(tests):
            yield self.tale(live + number, self._arrival(rng), is_test=True)

    def _arrival(self, rng: random.Random) -> Micros:
        hour = rng.choices(range(len(_HOURS)), _HOURS)[0]
        return self.settings.starts_at + hour * HOUR + rng.randrange(HOUR // SECOND) * SECOND

    def tale(self, number: int, at: Micros, is_test: bool, behaviour: str = "") -> tuple[Tale, str]:
        """Tell one order.

        Args:
            number: its number in the world; with the seed it decides everything about it.
            at: when it is placed.
            is_test: test traffic, which no live number may hold.
            behaviour: a name in `BEHAVIOURS`; "" draws one.
        """
        rng = random.Random(f"{self.seed}/order/{number}")
        pen = Pen(rng)
        shop = rng.choices(SHOPS, [plan.share for plan in SHOPS])[0]
        method = self._method(rng, shop, is_test, behaviour)
        if is_test and shop.name == "northlight" and SOURCE_OF_RAIL[method] == "alipay":
            shop = SHOPS[0]
        purchase = self._purchase(pen, shop, method, number, at, is_test)
        name = behaviour or draw(
            rng, method, purchase.in_fault, purchase.repriced, self.settings.shares
        )
        key = self.secrets.wechatpay_api_v3(shop.name)
        tale = Tale(purchase, pen, method, key, rng.random() < self.settings.beacon_share)
        if BEHAVIOURS[name].calls_off:
            tale.why = self._why(rng, name, purchase)
        BEHAVIOURS[name].tell(tale)
        self._strays(tale)
        return tale, name

    @staticmethod
    def _method(rng: random.Random, shop: ShopPlan, is_test: bool, behaviour: str) -> str:
        allowed = BEHAVIOURS[behaviour].rails if behaviour else frozenset(SOURCE_OF_RAIL)
        rails = [
            (name, share)
            for name, share in shop.rails
            if name in allowed and not (is_test and SOURCE_OF_RAIL[name] == "wechatpay")
        ]
        return rng.choices([name for name, _ in rails], [share for _, share in rails])[0]

    @staticmethod
    def _why(rng: random.Random, name: str, purchase: Purchase) -> str:
        if "fault" in name:
            return "app crash" if rng.random() < 0.2 else "technical fault"
        if "decline" in name:
            return "declined card"
        if purchase.repriced:
            return "price"
        whys = [(why, share) for why, share in catalogue.REASONS if why != "declined card"]
        return rng.choices([why for why, _ in whys], [share for _, share in whys])[0]

    def _purchase(
        self, pen: Pen, shop: ShopPlan, method: str, number: int, at: Micros, is_test: bool
    ) -> Purchase:
        rng, settings = pen.rng, self.settings
        goods = catalogue.HUTONG if shop.name == "hutong" else catalogue.NORTHLIGHT
        product = rng.choice(goods)
        currency = rng.choices(
            [name for name, _ in shop.currencies], [share for _, share in shop.currencies]
        )[0]
        if SOURCE_OF_RAIL[method] != "stripe":
            currency = "CNY"
        repriced = product.repriced and at >= settings.repriced_at
        quantity = rng.choice((1, 1, 1, 1, 2, 3))
        rate = catalogue.RATES[currency] * (7.1 if currency == "CNY" and shop is SHOPS[1] else 1)
        price = round(product.price_minor * rate) * (5 if repriced else 4) // 4
        count = self._counts[shop.name] = self._counts.get(shop.name, 0) + 1
        mark = "T" if is_test else ""
        begin, end = settings.fault
        return Purchase(
            order=f"{shop.prefix}{settings.day:%y%m%d}{mark}{count:06d}",
            shop=shop,
            account=f"{shop.name}-test" if is_test else shop.name,
            test=is_test,
            product=product,
            quantity=quantity,
            amount_minor=price * quantity,
            currency=currency,
            customer=self._customer(rng, shop),
            placed_at=at,
            note=self._note(rng),
            repriced=repriced,
            in_fault=begin <= at < end and SOURCE_OF_RAIL[method] == self.fault_source,
        )

    def _note(self, rng: random.Random) -> str:
        if rng.random() < _CARD_IN_NOTE_SHARE:
            card = luhn(f"4{rng.randrange(10**14):014d}")
            self.card_numbers.append(card)
            return f"my card is {card[:4]} {card[4:8]} {card[8:12]} {card[12:]} if it fails"
        return rng.choice(_NOTES) if rng.random() < _NOTE_SHARE else ""

    def _customer(self, rng: random.Random, shop: ShopPlan) -> Customer:
        number = rng.randrange(max(1, int(self.settings.orders * _CUSTOMERS_PER_ORDER)))
        own = random.Random(f"{self.seed}/customer/{shop.name}/{number}")
        pen = Pen(own)
        if shop.name == "hutong":
            name = own.choice(catalogue.FAMILY_ZH) + own.choice(catalogue.GIVEN_ZH)
            place, country = own.choice(catalogue.CITIES_ZH), "CN"
            email = f"u{pen.digits(9)}@mail.example"
        else:
            given, family = own.choice(catalogue.GIVEN_EN), own.choice(catalogue.FAMILY_EN)
            name, place = f"{given} {family}", ""
            country = own.choice(catalogue.COUNTRIES_EN)
            email = f"{given.lower()}.{pen.digits(6)}@mail.example"
        customer = Customer(
            number=f"c{number:06d}",
            name=name,
            email=email,
            phone=f"13{pen.digits(9)}",
            place=place,
            country=country,
            stripe_id=f"cus_{pen.alnum(14)}",
            openid=f"o{pen.alnum(27)}",
            buyer_id=f"2088{pen.digits(12)}",
        )
        self.personal.add(customer.email)
        return customer

    def _strays(self, tale: Tale) -> None:
        """Let some platforms say things that no list knows."""
        if tale.rails and tale.rails[0].letters and tale.chance(self.settings.stray_share):
            tale.rails[0].stray(tale.now + 5 * SECOND)


def luhn(digits: str) -> str:
    """Return the digits with their Luhn check digit.

    >>> luhn("424242424242424")
    '4242424242424242'
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 if place % 2 else 2)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)
