"""Findings in the words of both sides: references, accounts, states, instead of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import polars as pl

from voidtrail.event.account import Account
from voidtrail.event.bill import Standing
from voidtrail.insight import reconciliation
from voidtrail.insight.counterpart import Difference, Here, There
from voidtrail.ledger.connection import marks
from voidtrail.lifecycle.verdict import State
from voidtrail.money import currency_code
from voidtrail.runtime.app import House
from voidtrail.runtime.clock import to_text
from voidtrail.runtime.reconciling.books import parts
from voidtrail.runtime.reconciling.shapes import WORDS, Finding, Outcome, Side


class Words:
    """Looks up what findings and proofs name.

    Args:
        house: the house.
        rows: the bill's rows, with the columns of `rows.SCHEMA`.
    """

    def __init__(self, house: House, rows: pl.DataFrame) -> None:
        self.house = house
        self.rows = rows
        self.accounts = house.ledger.accounts()
        self._names: dict[int, tuple[str, str, str, int, str]] = {}
        self._orders: dict[int, str] = {}
        self._owners: dict[int, int] = {}
        self._lines: dict[int, tuple[str, str]] = {}

    def learn(self, payments: Iterable[int], orders: Iterable[int], lines: Iterable[int]) -> None:
        """Look up in one go what is going to be told."""
        db = self.house.ledger.db
        for part in parts(payments):
            text, padded = marks(part)
            for pid, name, mover, owner, state, net, number in db.execute(
                "SELECT p.payment_id, (SELECT text FROM name n WHERE n.payment_id = p.payment_id "
                "ORDER BY n.no LIMIT 1), p.mover_no, p.order_id, v.state, "
                "v.captured - v.returned - v.withdrawn, v.currency FROM payment p JOIN verdict v "
                f"ON v.payment_id = p.payment_id WHERE p.payment_id IN {text}", padded,
            ):  # fmt: skip
                account = self.accounts.get(mover)
                if owner is not None:
                    self._owners[pid] = owner
                word = State(state).name.lower() if account else "unknown"
                self._names[pid] = (name, _identity(account), word, net, currency_code(number))
        for part in parts([*orders, *self._owners.values()]):
            text, padded = marks(part)
            for order, name in db.execute(
                "SELECT order_id, text FROM order_name o WHERE o.no IN (SELECT min(no) FROM "
                f"order_name WHERE order_id IN {text} GROUP BY order_id)", padded,
            ):  # fmt: skip
                self._orders[order] = name.split("/", 2)[2]
        wanted = self.rows.filter(pl.col("line").is_in(sorted(set(lines))))
        for line, reference, order in wanted.select("line", "reference", "order").iter_rows():
            self._lines[line] = (reference, order)

    def finding(self, each: reconciliation.Finding) -> Finding:
        """Return a finding in words."""
        here = [self.here(leg, each.payment) for leg in each.here]
        if not here and each.payment is not None and each.kind is Difference.STATE:
            here = [self.holder(each.payment)]
        here += [self.holder(pid) for pid in each.holders]
        order = self.order(each.order or self._owners.get(each.payment or 0))
        if not order:
            texts = (self.order_of(row.line) for row in each.there)
            order = next((text for text in texts if text), "")
        return Finding(
            kind=WORDS[each.kind], open=each.is_open, item=each.item.name.lower(), order=order,
            there=tuple(self.there(row) for row in each.there), here=tuple(here),
        )  # fmt: skip

    def order(self, order: int | None) -> str:
        """Return the merchant's reference of an order."""
        return "" if order is None else self._orders.get(order, "")

    def order_of(self, line: int) -> str:
        """Return the merchant's reference as a row of the bill writes it."""
        return self._lines.get(line, ("", ""))[1]

    def there(self, row: There) -> Side:
        """Return a row of the bill."""
        return Side(
            reference=self._lines.get(row.line, ("", ""))[0], standing=_word(row.standing),
            line=row.line, amount_minor=row.amount, currency=row.currency, at=row.at,
        )  # fmt: skip

    def here(self, leg: Here, payment: int | None) -> Side:
        """Return a leg of ours."""
        name, account, *_ = self._names.get(payment or 0, ("", "", "", 0, ""))
        return Side(
            reference=name, standing=_word(leg.standing), account=account,
            amount_minor=leg.amount, currency=leg.currency, at=leg.at,
        )  # fmt: skip

    def holder(self, payment: int) -> Side:
        """Return a payment of ours as a whole: its state, and what it holds."""
        name, account, state, net, currency = self._names.get(payment, ("", "", "unknown", 0, ""))
        return Side(reference=name, standing=state, account=account, amount_minor=net,
                    currency=currency)  # fmt: skip


def described(
    house: House, rows: pl.DataFrame, findings: Sequence[reconciliation.Finding]
) -> tuple[Finding, ...]:
    """Return findings in words."""
    words = Words(house, rows)
    words.learn(
        {pid for each in findings for pid in (each.payment, *each.holders) if pid is not None},
        {each.order for each in findings if each.order is not None},
        [row.line for each in findings for row in each.there],
    )
    return tuple(words.finding(each) for each in findings)


def _identity(account: Account | None) -> str:
    return f"{account.source}/{account.name}" if account else ""


def _word(standing: Standing) -> str:
    return standing.name.lower()


def for_machines(done: Outcome) -> dict[str, Any]:
    """Return an outcome as machines read it: instants in the zone of the bill, as ISO 8601."""
    found: dict[str, Any] = msgspec.to_builtins(done)
    zone = done.run.zone
    for name in ("at", "since", "until"):
        found["run"][name] = to_text(found["run"][name], zone)
    for each in found["findings"]:
        for side in (*each["there"], *each["here"]):
            side["at"] = to_text(side["at"], zone)
    return found
