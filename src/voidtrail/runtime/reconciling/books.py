"""Our side of a reconciliation: which payments a bill's rows name, and the legs that we know.

What a bill itself said earlier is no evidence here: only what the platform's own notices and
answers say counts, else a bill would agree with its own echo.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any, Final, NamedTuple, TypeVar

from voidtrail.event.bill import Item, Standing
from voidtrail.event.codec import key63, order_name
from voidtrail.event.model import Kind, Micros, Role
from voidtrail.lattice import Row
from voidtrail.ledger.connection import marks
from voidtrail.lifecycle.join import OPERATION
from voidtrail.lifecycle.operation import Operation, alive, operations
from voidtrail.money import currency_code
from voidtrail.runtime.app import House
from voidtrail.runtime.preparing import Entry

T = TypeVar("T")
_ITEMS: Final = {
    int(Kind.CAPTURE): Item.PAYMENT, int(Kind.REFUND): Item.REFUND,
    int(Kind.DISPUTE): Item.DISPUTE,
}  # fmt: skip
_KINDS: Final = ", ".join(map(str, _ITEMS))
_TAKING: Final = f"{int(Kind.AUTHORISE)}, {int(Kind.CAPTURE)}"
_LEAVING: Final = f"{int(Kind.REFUND)}, {int(Kind.DISPUTE)}"
_PART: Final = 500
_NAMES: Final = OPERATION.names
_AT: Final = {name: place for place, name in enumerate(_NAMES)}
_BILL: Final = int(Role.BILL)


class Leg(NamedTuple):
    """A leg, with the columns of `insight.reconciliation.LEGS` but its number and `required`."""

    payment: int
    item: Item
    standing: Standing
    amount: int | None
    currency: str
    at: Micros
    op: int | None
    gathered: bool


class Books:
    """What the ledger knows of one account at a platform.

    Args:
        house: the house.
        entry: the account whose bill it is.
    """

    def __init__(self, house: House, entry: Entry) -> None:
        self.db: sqlite3.Connection = house.ledger.db
        self.entry = entry
        self.scope = entry.identity
        # A shop system is only a witness, and yet its own bill is compared with what it told.
        self._moved_here = (
            "EXISTS (SELECT 1 FROM operation o WHERE o.payment_id = p.payment_id "
            f"AND o.account_no = {entry.no:d})"
        )

    # ------------------------------------------------------------------ finding what a row names

    def named(self, references: Iterable[str]) -> dict[str, int]:
        """Return our numbers of payments by the platform's references of them."""
        return self._named({name: key63(f"{self.scope}/{name}") for name in references})

    def _named(self, keys: dict[str, int]) -> dict[str, int]:
        found = self._by_key("SELECT key, payment_id FROM name WHERE key IN", keys.values())
        known = {name: found[key] for name, key in keys.items() if key in found}
        echoes = self._echoes(known.values())
        return {name: pid for name, pid in known.items() if pid not in echoes}

    def operated(self, operations_: Iterable[str]) -> dict[str, int]:
        """Return our numbers of payments by the platform's ids of their operations."""
        found: dict[str, int] = {}
        for part in parts(operations_):
            text, padded = marks(part)
            rows = self.db.execute(
                "SELECT e.operation, n.payment_id FROM event e INDEXED BY event_operation "
                "JOIN name n ON n.no = e.name_no WHERE e.operation <> '' "
                f"AND (e.kind NOT IN ({_TAKING}) OR e.names = x'') AND e.account_no = "
                f"{self.entry.no:d} AND e.operation IN {text}", padded,
            )  # fmt: skip
            found.update(rows)
        return found

    def ordered(self, references: Iterable[str]) -> dict[str, int]:
        """Return our numbers of orders by the merchant's references of them."""
        shop = self.entry.account.shop
        keys = {name: key63(order_name(shop, name)) for name in references}
        found = self._by_key("SELECT key, order_id FROM order_name WHERE key IN", keys.values())
        return {name: found[key] for name, key in keys.items() if key in found}

    def orders_of(self, payments: Iterable[int]) -> dict[int, int]:
        """Return the order of each payment that belongs to one."""
        return self._by_key(
            "SELECT payment_id, order_id FROM payment WHERE order_id IS NOT NULL "
            "AND payment_id IN", payments,
        )  # fmt: skip

    def at_home(self, orders: Iterable[int]) -> dict[int, list[int]]:
        """Return the payments of orders that are at this account's platform."""
        found: dict[int, list[int]] = {}
        for part in parts(orders):
            text, padded = marks(part)
            for order, pid in self.db.execute(
                "SELECT order_id, payment_id FROM payment p WHERE EXISTS (SELECT 1 FROM name n "
                "WHERE n.payment_id = p.payment_id AND substr(n.text, 1, "
                f"{len(self.scope) + 1:d}) = ?) AND order_id IN {text} ORDER BY payment_id",
                (f"{self.scope}/", *padded),
            ):  # fmt: skip
                found.setdefault(order, []).append(pid)
        return found

    def _by_key(self, select: str, keys: Iterable[int]) -> dict[int, int]:
        found: dict[int, int] = {}
        for part in parts(keys):
            text, padded = marks(part)
            found.update(self.db.execute(f"{select} {text}", padded))
        return found

    def _echoes(self, payments: Iterable[int]) -> set[int]:
        """Return payments of which only bills have spoken."""
        silence = "SELECT payment_id FROM payment WHERE mover_no IS NULL AND payment_id IN"
        silent = [pid for part in parts(payments) for (pid,) in self._in(silence, part)]
        speech = (
            "SELECT DISTINCT n.payment_id FROM name n JOIN event e ON e.name_no = n.no "
            f"WHERE e.role <> {_BILL} AND e.active = 1 AND n.payment_id IN"
        )
        heard = {pid for part in parts(silent) for (pid,) in self._in(speech, part)}
        return set(silent) - heard

    def _in(self, select: str, part: Sequence[int]) -> list[Any]:
        text, padded = marks(part)
        return self.db.execute(f"{select} {text}", padded).fetchall()

    # ------------------------------------------------------------------ our legs

    def moved(self, since: Micros, until: Micros) -> set[int]:
        """Return the payments with money that moved in a period, by the platform's clock."""
        return {pid for (pid,) in self.db.execute(
            "SELECT DISTINCT payment_id FROM operation WHERE account_no = ? "
            f"AND kind IN ({_KINDS}) AND succeeded_at >= ? AND succeeded_at < ?",
            (self.entry.no, since, until))}  # fmt: skip

    def unpaid(self, since: Micros, until: Micros) -> int:
        """Return how many of our payments of a period took no money: no bill may hold them."""
        (count,) = self.db.execute(
            "SELECT count(*) FROM payment p INDEXED BY payment_spoken WHERE p.spoken_at >= ? "
            "AND p.spoken_at < ? AND p.mover_no = ? AND NOT EXISTS (SELECT 1 FROM operation o "
            f"WHERE o.payment_id = p.payment_id AND o.kind = {int(Kind.CAPTURE)} "
            "AND o.succeeded_at IS NOT NULL)",
            (since, until, self.entry.no),
        ).fetchone()  # fmt: skip
        return int(count)

    def legs(self, payments: Iterable[int]) -> Iterator[Leg]:
        """Yield the legs of payments, as this account's platform told them."""
        columns = ", ".join(_NAMES)
        for part in parts(sorted(payments)):
            rows = self._in(f"SELECT {columns} FROM operation WHERE payment_id IN", part)
            rows.sort(key=lambda row: row[0])
            named = self._named_refunds([row[0] for row in rows])
            for _, group in groupby(rows, key=lambda row: int(row[0])):
                yield from self._legs_of([list(row) for row in group], named)

    def _named_refunds(self, payments: Sequence[int]) -> set[int]:
        """Return the keys of refunds and disputes that the platform gave an id of their own."""
        if not payments:
            return set()
        text, padded = marks(sorted(set(payments)))
        return {op for op, operation in self.db.execute(
            "SELECT DISTINCT e.op, e.operation FROM name n JOIN event e ON e.name_no = n.no "
            f"WHERE e.kind IN ({_LEAVING}) AND e.op IS NOT NULL AND n.payment_id IN {text}", padded)
            if operation and not operation.endswith(":refunded")}  # fmt: skip

    def _legs_of(self, rows: list[Row], named: set[int]) -> Iterator[Leg]:
        ops, _ = operations(rows)
        living = alive(ops)
        when = {row[_AT["op"]]: row for row in rows}
        ours = [each for each in ops if each.account_no == self.entry.no and each.kind in _ITEMS]
        before = 0
        for each in sorted(ours, key=lambda each: (each.cumulative or 0, each.op)):
            row = when[each.op]
            amount = each.own if each.own is not None else each.cumulative
            if each.kind == Kind.REFUND and each.own is None and each.cumulative is not None:
                # A sum so far: what this refund added to it.
                amount, before = each.cumulative - before, max(before, each.cumulative)
                if not amount:
                    continue
            payment = rows[0][0]
            assert payment is not None
            yield Leg(
                payment, _ITEMS[each.kind], _standing(each, row, living), amount,
                currency_code(each.currency), _instant(row),
                each.op if each.op in named else None, each.own is None,
            )  # fmt: skip

    # ------------------------------------------------------------------ orders, on every rail

    def held(self, orders: Iterable[int]) -> Iterator[tuple[int, int, int, str]]:
        """Yield (payment, order, net, currency) of the payments of orders, on every rail."""
        for part in parts(orders):
            for pid, order, net, currency in self._in(
                "SELECT p.payment_id, p.order_id, v.captured - v.returned - v.withdrawn, "
                "v.currency FROM payment p JOIN verdict v ON v.payment_id = p.payment_id "
                f"WHERE (p.mover_no IS NOT NULL OR {self._moved_here}) AND p.order_id IN", part,
            ):  # fmt: skip
                assert pid is not None
                yield pid, int(order or 0), int(net or 0), currency_code(currency or 0)

    def billed(self, payments: Iterable[int], but: int | None) -> set[int]:
        """Return payments that another bill in force holds; `but` is the file at hand."""
        return {pid for part in parts(payments) for (pid,) in self._in(
            "SELECT DISTINCT n.payment_id FROM name n JOIN event e ON e.name_no = n.no "
            "JOIN delivery d ON d.seq = e.delivery_id JOIN file f ON f.no = d.file_no "
            f"WHERE e.role = {_BILL} AND e.active = 1 AND f.superseded_by IS NULL "
            f"AND f.no <> {but or 0:d} AND n.payment_id IN", part)}  # fmt: skip


def _instant(row: Row) -> Micros:
    """Return when an operation succeeded, else when it was last heard of."""
    for name in ("succeeded_at", "refused_at", "requested_at"):
        at = row[_AT[name]]
        if at is not None:
            return at
    return 0


def _standing(each: Operation, row: Row, living: set[int]) -> Standing:
    if each.succeeded:
        return Standing.SUCCEEDED if each.op in living else Standing.REVERSED
    return Standing.FAILED if row[_AT["refused_at"]] is not None else Standing.PENDING


def parts(values: Iterable[T]) -> Iterator[list[T]]:
    """Yield values, each once, in lists short enough for one query."""
    every = iter(dict.fromkeys(values))
    while part := list(islice(every, _PART)):
        yield part
