"""How each platform names a payment, in its notices and in its bill."""

from __future__ import annotations

import random
from typing import NamedTuple

from voidtrail.event.bill import Item, Standing
from voidtrail.event.model import Event, Kind, Micros, Result, Role, Tag
from voidtrail.testing.bills.day import Day, Entry


class Known(NamedTuple):
    """A payment under all of its names.

    Attributes:
        main: by which our books know it first; `names` are the others.
        reference, charge: as the bill writes it.
        billed_order: what the bill says of the order.
    """

    order: str
    main: str
    names: tuple[str, ...]
    reference: str
    charge: str
    operation: str
    billed_order: str
    amount: int
    currency: str
    at: Micros


class Teller:
    """Tells of the payments of a day on both sides.

    Args:
        day: the day; statements and rows are added to it.
        chance: of its seed.
    """

    def __init__(self, day: Day, chance: random.Random) -> None:
        self.day = day
        self.chance = chance
        self._count = 0
        self._returned: dict[str, tuple[int, Micros]] = {}

    def payment(self, at: Micros, amount: int, order: str = "", currency: str = "") -> Known:
        """Return a new payment, of which nobody has told yet."""
        self._count += 1
        n = f"{self.day.seed:05d}{self._count:04d}"
        order = order or self.new_order()
        currency = currency or self.day.currency
        form, money = self.day.form, (amount, currency, at)
        if form in ("alipay", "wechatpay"):
            own = f"20260304{n}22001" if form == "alipay" else f"4200002{n}20260304"
            return Known(order, f"P{n}", (own,), own, "", own, f"P{n}", *money)
        if form == "paypal":
            return Known(order, f"ORD{n}", (f"captures/CAP{n}",), f"CAP{n}", "", f"CAP{n}", order,
                         *money)  # fmt: skip
        if form == "shopify":
            return Known(order, f"55{n}", (), "", "", f"66{n}", order, *money)
        if form == "adyen":
            return Known(order, f"PSP{n}", (), f"PSP{n}", "", f"PSP{n}", order, *money)
        return Known(order, f"pi_{n}", (f"ch_{n}",), f"pi_{n}", f"ch_{n}", f"ch_{n}", order, *money)

    def new_order(self) -> str:
        """Return an order's reference that no payment has yet."""
        self._count += 1
        mark = "#" if self.day.form == "shopify" else "O"
        return f"{mark}{self.day.seed:05d}{self._count:04d}"

    # ------------------------------------------------------------------ our side

    def heard(
        self, known: Known, kind: Kind = Kind.CAPTURE, result: Result = Result.SUCCEEDED, *,
        operation: str = "", amount: int | None = None, at: Micros | None = None,
        elsewhere: bool = False,
    ) -> None:  # fmt: skip
        """Let the platform have told us of something."""
        operation = operation or (known.operation if kind in (Kind.CAPTURE, Kind.REFUND) else "")
        amount = known.amount if amount is None else amount
        tag = Tag.OWN
        if kind is Kind.REFUND and self.day.form == "alipay" and not elsewhere:
            # Alipay tells the sum so far.
            before, last = self._returned.get(known.main, (0, 0))
            amount, at = before + amount, max(known.at if at is None else at, last + 1_000_000)
            self._returned[known.main] = amount, at
            tag = Tag.CUMULATIVE
        at = known.at if at is None else at
        event = Event(
            label=f"{kind.name.lower()}:{operation or known.main}",
            identity=(known.main, kind.name, result.name, operation, str(at)), kind=kind,
            result=result, payment=known.main, names=known.names, order=known.order,
            operation=operation, occurred_at=at, amount_minor=amount, currency=known.currency,
            tag=tag, role=Role.MOVER if elsewhere or self.day.form != "shopify" else Role.SHOP,
        )  # fmt: skip
        (self.day.elsewhere if elsewhere else self.day.ours).append(event)

    def returned(self, known: Known, operation: str, amount: int, at: Micros) -> None:
        """Let the platform have told us of a refund."""
        self.heard(known, Kind.REFUND, operation=operation, amount=amount, at=at)

    # ------------------------------------------------------------------ the bill

    def billed(
        self, known: Known, amount: int | None = None, at: Micros | None = None, *,
        currency: str = "", fee: int | None = None,
    ) -> None:  # fmt: skip
        """Write a payment into the bill."""
        amount = known.amount if amount is None else amount
        self._write(
            Item.PAYMENT, known, amount, known.at if at is None else at, "",
            currency or known.currency, max(1, amount * 6 // 1000) if fee is None else fee,
        )  # fmt: skip

    def billed_back(
        self, known: Known, operation: str, amount: int, at: Micros,
        standing: Standing = Standing.SUCCEEDED, word: str = "",
    ) -> None:  # fmt: skip
        """Write a refund into the bill."""
        self._write(Item.REFUND, known, amount, at, operation, known.currency, 0, standing, word)

    def _write(
        self, item: Item, known: Known, amount: int, at: Micros, operation: str, currency: str,
        fee: int, standing: Standing = Standing.SUCCEEDED, word: str = "",
    ) -> None:  # fmt: skip
        self.day.entries.append(Entry(
            item, known.reference, known.billed_order, amount, currency, at, operation,
            known.charge, fee, standing, word, self.day.seed % 3 * 37,
        ))  # fmt: skip

    def refund_id(self) -> str:
        """Return a refund's own id."""
        self._count += 1
        return f"re{self.day.seed:05d}{self._count:04d}"
