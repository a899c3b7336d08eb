"""Planting: an ordinary day, and differences of many kinds hidden in it.

Ordinary is what looks odd and is not: fees, another currency that is paid out, partial refunds,
refunds of yesterday's payments, payments near midnight that stand in the bill of the day beside,
payments that were never paid, rows that are about no payment.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from voidtrail.event.bill import Item, Standing
from voidtrail.event.model import Kind, Micros, Result
from voidtrail.testing.bills.day import Day, Entry, Expected
from voidtrail.testing.bills.telling import Known, Teller

FORMS: Final = ("alipay", "wechatpay", "stripe", "paypal", "adyen", "shopify", "table")
_SECOND: Final = 1_000_000
_DAY_S: Final = 86_400
_EDGE_S: Final = 1_800
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ZONES: Final = ("UTC", "America/New_York", "Europe/Amsterdam", "Asia/Tokyo")
_ABROAD: Final = ("USD", "EUR", "GBP", "JPY", "KWD")
_BEIJING: Final = frozenset({"alipay", "wechatpay"})


def planted(seed: int, form: str, ordinary: int = 24) -> Day:
    """Make a day.

    Args:
        seed: of everything about it.
        form: one of `FORMS`.
        ordinary: about how many payments agree.
    """
    chance = random.Random(f"{seed}/{form}")
    plan = _Plan(_empty(seed, form, chance), chance)
    for _ in range(ordinary):
        plan.agree()
    for harmless in _HARMLESS:
        if chance.random() < 0.8:
            harmless(plan)
    kinds = [name for name, (_, fits) in _PLANTS.items() if fits(form)]
    for name in chance.sample(kinds, chance.randint(min(5, len(kinds)), len(kinds))):
        for _ in range(chance.randint(1, 2)):
            plan.day.kinds.append(name)
            _PLANTS[name][0](plan)
    chance.shuffle(plan.day.entries)
    chance.shuffle(plan.day.ours)
    return plan.day


def _empty(seed: int, form: str, chance: random.Random) -> Day:
    zone = "Asia/Shanghai" if form in _BEIJING else chance.choice(_ZONES)
    first = date(2026, 1, 5) + timedelta(days=seed % 300)
    bounds = [datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
              for day in (first, first + timedelta(days=1))]  # fmt: skip
    since, until = ((each - _EPOCH) // timedelta(microseconds=1) for each in bounds)
    return Day(
        seed=seed, form=form, source="stripe" if form == "table" else form,
        date=first.isoformat(), zone=zone, merchant=f"2088{seed:08d}{len(form):04d}",
        currency="CNY" if form in _BEIJING else chance.choice(_ABROAD), since=since, until=until,
    )  # fmt: skip


class _Plan:
    """A day in the making."""

    def __init__(self, day: Day, chance: random.Random) -> None:
        self.day = day
        self.chance = chance
        self.tell = Teller(day, chance)

    def moment(self) -> Micros:
        """Return an instant of the day, far from midnight."""
        length = (self.day.until - self.day.since) // _SECOND
        return self.day.since + self.chance.randint(_EDGE_S, length - _EDGE_S) * _SECOND

    def amount(self) -> int:
        return self.chance.randint(100, 900_000)

    def new(self, order: str = "", at: Micros | None = None) -> Known:
        at = self.moment() if at is None else at
        return self.tell.payment(at, self.amount(), order)

    def known(self, order: str = "") -> Known:
        """Return a payment that both sides tell alike."""
        found = self.new(order)
        self.tell.heard(found)
        self.tell.billed(found)
        return found

    def part(self, known: Known, of: int = 3) -> int:
        return max(1, known.amount // (of + self.chance.randint(1, 9)))

    def expect(self, kind: str, item: str, order: str) -> None:
        self.day.expected.append(Expected(kind, item, order))

    def agree(self) -> None:
        """Let both sides say the same of a payment, and of its refunds."""
        found = self.known()
        for _ in range(self.chance.choice((0, 0, 0, 1, 2))):
            self.refunded(found, self.part(found))
        if self.chance.random() < 0.1:
            whole = self.known()
            self.refunded(whole, whole.amount)

    def refunded(self, known: Known, amount: int) -> str:
        operation, at = self.tell.refund_id(), self.moment()
        self.tell.returned(known, operation, amount, at)
        self.tell.billed_back(known, operation, amount, at)
        return operation


# ------------------------------------------------------------------------------------- harmless


def _never_paid(plan: _Plan) -> None:
    for kind in (Kind.CANCEL, Kind.EXPIRE, Kind.OPEN):
        plan.tell.heard(plan.new(), kind)


def _near_midnight(plan: _Plan) -> None:
    """Ours of the last moment stands in tomorrow's bill; yesterday's last moment in this one."""
    day = plan.day
    plan.tell.heard(plan.new(at=day.until - plan.chance.randint(1, 300) * _SECOND))
    late = plan.new(at=day.since - plan.chance.randint(1, 300) * _SECOND)
    plan.tell.heard(late)
    plan.tell.billed(late, at=day.since + 2 * _SECOND)
    plan.tell.heard(plan.new(at=day.since + plan.chance.randint(1, 300) * _SECOND))


def _of_yesterday(plan: _Plan) -> None:
    """A refund of a payment that yesterday's bill held."""
    old = plan.new(at=plan.day.since - plan.chance.randint(3, 20) * 3600 * _SECOND)
    plan.tell.heard(old)
    plan.refunded(old, plan.part(old))


def _foreign_rows(plan: _Plan) -> None:
    """Rows that are about no payment."""
    if plan.day.form in _BEIJING or plan.day.form == "table":
        return
    for item in (Item.FEE, Item.PAYOUT, Item.ADJUSTMENT, Item.EXCHANGE):
        plan.day.entries.append(Entry(item, "", "", -plan.amount(), plan.day.currency,
                                      plan.moment(), operation=plan.tell.refund_id()))  # fmt: skip


def _refund_that_failed(plan: _Plan) -> None:
    """A refund that came back: both sides say so."""
    if plan.day.form not in ("stripe", "adyen"):
        return
    found = plan.known()
    operation, amount = plan.tell.refund_id(), plan.part(found)
    at = plan.moment()
    plan.tell.returned(found, operation, amount, at)
    plan.tell.heard(found, Kind.REVERSE, operation=f"{operation}:failed", amount=amount, at=at)
    plan.day.ours[-1] = replace(plan.day.ours[-1], reverses=f"refund:{operation}")
    plan.tell.billed_back(found, operation, amount, at)
    plan.tell.billed_back(found, operation, amount, at, word="refund_failure")


_HARMLESS: Final = (_never_paid, _near_midnight, _of_yesterday, _foreign_rows, _refund_that_failed)


# ------------------------------------------------------------------------------------- planted


def _missing_here(plan: _Plan) -> None:
    found = plan.new()
    plan.tell.billed(found)
    plan.expect("missing_here", "payment", found.billed_order)


def _missing_there(plan: _Plan) -> None:
    found = plan.new()
    plan.tell.heard(found)
    plan.expect("missing_there", "payment", found.order)


def _amount(plan: _Plan) -> None:
    found = plan.new()
    plan.tell.heard(found)
    plan.tell.billed(found, found.amount + plan.chance.choice((-1, 1, 99)))
    plan.expect("amount_differs", "payment", found.order)


def _offset_orders(plan: _Plan) -> None:
    """Two orders, wrong by the same amount in opposite ways: the totals are right."""
    for sign in (1, -1):
        found = plan.new()
        plan.tell.heard(found)
        plan.tell.billed(found, found.amount + 50 * sign)
        plan.expect("amount_differs", "payment", found.order)


def _offset_refunds(plan: _Plan) -> None:
    """Two refunds of one payment, their amounts exchanged: the payment's net is right."""
    found = plan.known()
    small, large = plan.part(found, 9), plan.part(found, 3) + 1
    for ours, theirs in ((small, large), (large, small)):
        operation, at = plan.tell.refund_id(), plan.moment()
        plan.tell.returned(found, operation, ours, at)
        plan.tell.billed_back(found, operation, theirs, at)
        if small != large:
            plan.expect("amount_differs", "refund", found.order)


def _swapped_orders(plan: _Plan) -> None:
    """A refund is booked on another order: missing there on one, missing here on the other."""
    one, other, operation, at = plan.known(), plan.known(), plan.tell.refund_id(), plan.moment()
    amount = min(plan.part(one), plan.part(other))
    plan.tell.returned(one, operation, amount, at)
    plan.tell.billed_back(other, plan.tell.refund_id(), amount, at)
    plan.expect("missing_there", "refund", one.order)
    plan.expect("missing_here", "refund", other.order)


def _currency(plan: _Plan) -> None:
    found = plan.new()
    plan.tell.heard(found)
    other = next(each for each in ("HKD", "CHF") if each != found.currency)
    plan.tell.billed(found, currency=other)
    plan.expect("currency_differs", "payment", found.order)


def _state_cancelled(plan: _Plan) -> None:
    found = plan.new()
    plan.tell.heard(found, plan.chance.choice((Kind.CANCEL, Kind.EXPIRE)))
    plan.tell.billed(found)
    plan.expect("state_differs", "payment", found.order)


def _state_open(plan: _Plan) -> None:
    found = plan.new()
    plan.tell.heard(found, Kind.OPEN, Result.PENDING)
    plan.tell.billed(found)
    plan.expect("state_differs", "payment", found.order)


def _state_declined(plan: _Plan) -> None:
    found = plan.new()
    plan.tell.heard(found, Kind.CAPTURE, Result.REFUSED)
    plan.tell.billed(found)
    plan.expect("state_differs", "payment", found.order)


def _billed_twice(plan: _Plan) -> None:
    found = plan.known()
    plan.tell.billed(found)
    plan.expect("paid_twice", "payment", found.order)


def _two_payments(plan: _Plan) -> None:
    first = plan.known()
    plan.known(first.order)
    plan.expect("paid_twice", "payment", first.order)


def _other_rail(plan: _Plan) -> None:
    first = plan.known()
    other = plan.tell.payment(plan.moment(), plan.amount(), first.order)
    plan.tell.heard(other, elsewhere=True)
    plan.expect("paid_twice", "payment", first.order)


def _unknown_second(plan: _Plan) -> None:
    first = plan.known()
    second = plan.new(first.order)
    plan.tell.billed(second)
    plan.expect("missing_here", "payment", first.order)
    plan.expect("paid_twice", "payment", first.order)


def _split(plan: _Plan) -> None:
    found = plan.new()
    plan.tell.heard(found)
    first = plan.part(found)
    plan.tell.billed(found, first)
    plan.tell.billed(found, found.amount - first)
    plan.expect("split", "payment", found.order)


def _refund_missing_there(plan: _Plan) -> None:
    found = plan.known()
    plan.tell.returned(found, plan.tell.refund_id(), plan.part(found), plan.moment())
    plan.expect("missing_there", "refund", found.order)


def _refund_missing_here(plan: _Plan) -> None:
    found = plan.known()
    plan.tell.billed_back(found, plan.tell.refund_id(), plan.part(found), plan.moment())
    plan.expect("missing_here", "refund", found.order)


def _refund_amount(plan: _Plan) -> None:
    found = plan.known()
    operation, at, amount = plan.tell.refund_id(), plan.moment(), plan.part(found)
    plan.tell.returned(found, operation, amount, at)
    plan.tell.billed_back(found, operation, amount + 1, at)
    plan.expect("amount_differs", "refund", found.order)


def _refund_failed_there(plan: _Plan) -> None:
    found = plan.known()
    operation, at, amount = plan.tell.refund_id(), plan.moment(), plan.part(found)
    plan.tell.returned(found, operation, amount, at)
    plan.tell.billed_back(found, operation, amount, at, Standing.FAILED)
    plan.expect("state_differs", "refund", found.order)


def _refund_pending_here(plan: _Plan) -> None:
    found = plan.known()
    operation, at, amount = plan.tell.refund_id(), plan.moment(), plan.part(found)
    plan.tell.heard(found, Kind.REFUND, Result.PENDING, operation=operation, amount=amount, at=at)
    plan.tell.billed_back(found, operation, amount, at)
    plan.expect("state_differs", "refund", found.order)


Fits = Callable[[str], bool]


def _every(form: str) -> bool:
    return True


def _but(*forms: str) -> Fits:
    return lambda form: form not in forms


_PLANTS: Final[dict[str, tuple[Callable[[_Plan], None], Fits]]] = {
    "missing here": (_missing_here, _every),
    "missing there": (_missing_there, _every),
    "amount": (_amount, _every),
    "two orders that offset each other": (_offset_orders, _every),
    # A platform that names no refund cannot say which of them has which amount.
    "two refunds that offset each other": (_offset_refunds, _but("shopify")),
    "a refund on the wrong order": (_swapped_orders, _every),
    "currency": (_currency, _but("alipay")),
    "paid there, cancelled here": (_state_cancelled, _every),
    "paid there, open here": (_state_open, _every),
    "paid there, declined here": (_state_declined, _every),
    "one payment billed twice": (_billed_twice, _every),
    "two payments of one order": (_two_payments, _every),
    "paid on another rail too": (_other_rail, _every),
    # Elsewhere the bill names only the payment's own number at the merchant.
    "a second payment that nobody told of": (_unknown_second, _but("alipay", "wechatpay",
                                                                   "shopify")),
    "split": (_split, _every),
    "refund missing there": (_refund_missing_there, _every),
    "refund missing here": (_refund_missing_here, _every),
    "refund amount": (_refund_amount, _every),
    "refund failed there": (_refund_failed_there, lambda form: form in ("wechatpay", "paypal")),
    "refund pending here": (_refund_pending_here, _but("alipay", "shopify")),
}  # fmt: skip
KINDS: Final = tuple(_PLANTS)
