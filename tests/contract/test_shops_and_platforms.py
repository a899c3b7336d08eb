"""A shop's order and a platform's payment are one order, and its money counts once."""

import json

import pytest

from tests.unit.sources import test_shopify, test_woocommerce
from voidtrail.event.account import Account
from voidtrail.event.model import Delivery
from voidtrail.ledger.keys import Keyring
from voidtrail.ledger.memory import MemoryLog
from voidtrail.lifecycle.projection import Projection
from voidtrail.lifecycle.terms import Terms
from voidtrail.lifecycle.verdict import VERDICT, Money
from voidtrail.runtime.preparing import Entry, item_of
from voidtrail.sources.registry import SOURCES

KEYRING = Keyring(bytes(range(96)))
START_S = 1_749_997_300
SHOPIFY, WOO = test_shopify, test_woocommerce
CANCELLED = {**SHOPIFY.CANCELLED, "financial_status": "refunded", "refunds": [SHOPIFY.REFUND]}
SHOPS = {
    "shopify": (
        (SHOPIFY.ORDER, SHOPIFY.MOVED, {**SHOPIFY.ORDER, "financial_status": "paid"}),
        (CANCELLED, {**CANCELLED, "updated_at": "2025-06-16T10:00:00-04:00"}, SHOPIFY.REFUND),
        40300,
    ),
    "woocommerce": (
        (WOO.ORDER, WOO.PAID),
        ({**WOO.PAID, "status": "refunded", "refunds": [{"id": 9, "total": "-29.99"}]},),
        2999,
    ),
}


class World:
    """A shop and a Stripe account of one merchant, in one ledger."""

    def __init__(self, shop):
        self.log = MemoryLog(Projection(Terms()), KEYRING)
        assert self.log.try_begin()
        accounts = [
            Account(source="stripe", name="main", shop="s"),
            Account(source=shop, name="main", shop="s", options={"gateways": "stripe=stripe/main"}),
        ]
        homes = {f"{each.source}/main": self.log.account_no(each) for each in accounts}
        self.entries = {
            each.source: Entry(homes[f"{each.source}/main"], each, {}, SOURCES[each.source],
                               f"{each.source}/main", False, homes)
            for each in accounts
        }  # fmt: skip
        self.at = START_S

    def hear(self, source, body):
        self.at += 1
        entry, at = self.entries[source], self.at * 1_000_000
        delivery = Delivery(source=source, account="main", received_at=at,
                            body=json.dumps(body).encode())  # fmt: skip
        found = entry.source.translate(delivery, entry.account, {})
        assert isinstance(found, list), found
        self.log.append([item_of(delivery, found, entry, KEYRING)], at)

    def payments(self):
        """The money of each payment, by the least of its names' sources; and their orders."""
        at = (self.at + 100) * 1_000_000
        self.log.control([("tick", "{}")], at)
        self.log.rejudge(sorted(self.log.tables.payments), at)
        place = self.log.judge.payment.names.index("order_id")
        found, orders = {}, set()
        for name in self.log.tables.names.values():
            if name.component not in self.log.tables.verdicts:
                continue
            verdict = self.log.tables.verdicts[name.component]
            told = dict(zip(VERDICT, verdict, strict=True))
            found[name.text.split("/")[0]] = (Money(told["money"]), told["captured"])
            orders.add(self.log.tables.payments[name.component][place])
        return found, orders


@pytest.mark.parametrize("shop", SHOPS)
@pytest.mark.parametrize("platform_first", [True, False])
def test_shop_s_order_meets_its_platform_s_payment(shop, platform_first):
    paid, returned, amount = SHOPS[shop]
    intent = {"id": "pi_1", "object": "payment_intent", "amount": amount, "currency": "usd",
              "amount_received": amount, "status": "succeeded", "metadata": {}}  # fmt: skip
    capture = {"type": "payment_intent.succeeded", "created": START_S, "data": {"object": intent}}
    refund = {"id": "re_1", "object": "refund", "amount": amount, "currency": "usd",
              "payment_intent": "pi_1", "status": "succeeded"}  # fmt: skip
    back = {"type": "refund.created", "created": START_S + 60, "data": {"object": refund}}
    world = World(shop)
    for theirs, ours in ((capture, paid), (back, returned)):
        said = [("stripe", theirs), *((shop, body) for body in ours)]
        for source, body in said if platform_first else reversed(said):
            world.hear(source, body)
        found, orders = world.payments()
        expected = Money.TAKEN if theirs is capture else Money.RETURNED
        assert found["stripe"] == (expected, amount), "the shop's word adds nothing to it"
        assert len(orders) == 1, "both are of one order"
