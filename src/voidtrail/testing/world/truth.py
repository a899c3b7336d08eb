"""What really happened, in the words of the verdict; the server never sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PaymentTruth:
    """The end of one payment, as far as anybody outside could know it.

    Attributes:
        reference: the payment's first name at its platform.
        names: every name, `reference` included.
        explicit: a cancellation that somebody stated; False for one that only silence tells.
        why: the customer's own reason, which no platform tells.
        behaviour: the story that it comes from.
    """

    source: str
    account: str
    reference: str
    names: tuple[str, ...]
    order: str
    shop: str
    method: str
    state: str
    how: str
    actor: str
    money: str
    amount_minor: int
    captured_minor: int
    returned_minor: int
    currency: str
    explicit: bool
    test: bool
    why: str
    behaviour: str


@dataclass(frozen=True, slots=True)
class OrderTruth:
    """One order and what became of it.

    Attributes:
        switched: one payment was called off and another one was paid.
        double_paid: two payments hold money.
        repriced: it came after the price change and held a product whose price had gone up.
        in_fault: it came while its first platform failed.
    """

    order: str
    shop: str
    placed_at: int
    customer: str
    product: str
    behaviour: str
    test: bool
    payments: tuple[PaymentTruth, ...]
    switched: bool
    double_paid: bool
    repriced: bool
    in_fault: bool


@dataclass(frozen=True)
class Truth:
    """Everything that the world knows and the server must find out.

    Attributes:
        refused: references in letters with a bad signature: no verdict may name one.
        card_numbers: card numbers that customers typed into notes: none may stand anywhere.
        personal: names and addresses that stand in bodies: none may stand unsealed.
    """

    orders: tuple[OrderTruth, ...]
    refused: tuple[str, ...]
    card_numbers: tuple[str, ...]
    personal: tuple[str, ...]
    fault_source: str

    def payments(self, test: bool = False) -> Iterable[PaymentTruth]:
        """Yield the live payments, or those of test traffic."""
        for order in self.orders:
            yield from (payment for payment in order.payments if payment.test is test)

    def sums(self) -> dict[str, dict[str, int]]:
        """Return by currency what was captured, returned and called off before it was taken."""
        found: dict[str, Counter[str]] = {}
        for payment in self.payments():
            money = found.setdefault(payment.currency, Counter())
            money["captured"] += payment.captured_minor
            money["returned"] += payment.returned_minor
            if payment.state == "cancelled":
                money["cancelled"] += payment.amount_minor
        return {currency: dict(money) for currency, money in sorted(found.items())}

    def summary(self) -> dict[str, object]:
        """Return counts by state, how and actor, for a table beside Voidtrail's own."""
        live = list(self.payments())
        gone = [payment for payment in live if payment.state == "cancelled"]
        return {
            "orders": sum(not order.test for order in self.orders),
            "payments": len(live),
            "test_payments": sum(1 for _ in self.payments(test=True)),
            "cancelled": len(gone),
            "explicit": sum(payment.explicit for payment in gone),
            "state": dict(Counter(payment.state for payment in live).most_common()),
            "how": dict(Counter(payment.how for payment in gone).most_common()),
            "actor": dict(Counter(payment.actor for payment in gone).most_common()),
            "money": dict(Counter(payment.money for payment in live).most_common()),
            "switched": sum(order.switched for order in self.orders if not order.test),
            "double_paid": sum(order.double_paid for order in self.orders if not order.test),
            "sums": self.sums(),
        }
