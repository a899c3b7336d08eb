"""Payments counted in the store: temporary tables of what a report ranges over, and its sums.

One row stands for each payment that counts: spoken of, within the period, not a shadow (see
`lifecycle.order`), not test traffic unless asked for. Everything else is sums over these rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from voidtrail.errors import WrongUse
from voidtrail.event.account import Account
from voidtrail.event.model import Actor, Micros
from voidtrail.event.reason import How
from voidtrail.insight.rate import Clusters
from voidtrail.lifecycle.order import orders_sql
from voidtrail.lifecycle.verdict import Money, State
from voidtrail.runtime import business_day
from voidtrail.runtime.app import House
from voidtrail.runtime.business_day import DAY, HOUR, SECOND

_CANCELLED: Final = int(State.CANCELLED)
assert max(*State, *Money, *Actor, *How) < 16, "each has four bits of a payment's sort"
_FAR: Final = 2**62
_ACCOUNT_NO: Final = "coalesce(p.mover_no, p.speaker & 4294967295)"
_OFFSET: Final = (
    "(SELECT z.shift FROM temp.counted_zone z WHERE z.zone = a.zone AND z.start <= p.spoken_at "
    "ORDER BY z.start DESC LIMIT 1)"
)
_LOCAL: Final = f"(p.spoken_at + {_OFFSET})"
_ON: Final = f"({_LOCAL} - a.cutoff)"
DIMENSIONS: Final[Mapping[str, str]] = {
    "account": "a.no",
    "source": "a.source",
    "shop": "a.shop",
    "entity": "a.entity",
    "method": "coalesce(p.method_seen, 0) >> 8 & 255",
    "channel": "coalesce(p.method_seen, 0) & 255",
    "how": "v.how",
    "actor": "v.actor",
    "state": "v.state",
    "currency": "v.currency",
    "day": f"{_ON} / {DAY}",
    "hour": f"{_LOCAL} / {HOUR} % 24",
    "hour_at": f"p.spoken_at / {HOUR}",
    "month": f"CAST(strftime('%Y%m', {_ON} / {SECOND}, 'unixepoch') AS INTEGER)",
}
"""What payments can be grouped by, as SQL; any other word is a public dimension of statements."""


class Scope(NamedTuple):
    """What a report ranges over.

    Attributes:
        since, until: the period in which a payment began; a date is a business day.
        as_of: judge as of this instant; None takes the verdicts that stand in the store.
        include_test: count test traffic too.
        shop: only of this shop; "" counts all.
    """

    since: str | Micros | None = None
    until: str | Micros | None = None
    as_of: Micros | None = None
    include_test: bool = False
    shop: str = ""


class Cell(NamedTuple):
    """Payments that are alike in everything that figures ask for."""

    value: Any
    state: int
    how: int
    actor: int
    money: int
    currency: int
    payments: int
    known: int
    """How many of them have an amount."""
    amount_minor: int
    subjects: int
    """How many of them have a known customer."""


class Orders(NamedTuple):
    """Orders of one value of a dimension."""

    orders: int
    cancelled: int
    switched: int
    double_paid: int


class Counted:
    """The rows of one scope, in temporary tables; made by `counted`."""

    def __init__(self, house: House, scope: Scope) -> None:
        self.db: sqlite3.Connection = house.ledger.db
        self.accounts: Mapping[int, Account] = house.ledger.accounts()
        self._house = house
        self._scope = scope
        self._verdict = "verdict"
        self._divided = False
        self._bounds = (-_FAR, _FAR)
        self._prepare()

    def _prepare(self) -> None:
        db, scope = self.db, self._scope
        drop(db)
        db.execute(
            "CREATE TEMP TABLE counted_account (no INTEGER PRIMARY KEY, source, shop, entity, "
            "zone, cutoff, test, since, until)"
        )
        db.execute("CREATE TEMP TABLE counted_zone (zone, start, shift, PRIMARY KEY (zone, start)) "
                   "WITHOUT ROWID")  # fmt: skip
        bounds: list[tuple[Micros, Micros]] = []
        for no, account in self.accounts.items():
            if scope.shop not in ("", account.shop):
                continue
            since = business_day.bound(scope.since, account.zone, account.cutoff, end=False)
            until = business_day.bound(scope.until, account.zone, account.cutoff, end=True)
            bounds.append((-_FAR if since is None else since, _FAR if until is None else until))
            db.execute(
                "INSERT INTO counted_account VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (no, account.source, account.shop, account.entity, account.zone,
                 business_day.cutoff_us(account.cutoff), int(account.mode == "test"), *bounds[-1]),
            )  # fmt: skip
        if bounds or scope.shop:
            self._bounds = (min((low for low, _ in bounds), default=0),
                            max((high for _, high in bounds), default=0))  # fmt: skip
        if scope.as_of is not None:
            self._verdict = "temp.counted_verdict"
            query = self._house.ledger.judge.verdict_sql("payment", "operation", scope.as_of)
            db.execute(f"CREATE TEMP TABLE counted_verdict AS {query}")
            db.execute(
                "CREATE UNIQUE INDEX temp.counted_verdict_id ON counted_verdict (payment_id)"
            )

    def _included(self, payment: str = "payment") -> str:
        """Return the payments that may count at all: spoken of, and no test traffic.

        Joined in this order, whatever a planner without statistics would think best.
        """
        live = "" if self._scope.include_test else "AND a.test = 0 AND coalesce(p.test, 0) = 0"
        return (
            f"FROM {payment} p CROSS JOIN temp.counted_account a ON a.no = {_ACCOUNT_NO} "
            f"CROSS JOIN {self._verdict} v ON v.payment_id = p.payment_id "
            f"WHERE p.spoken_at IS NOT NULL {live}"
        )

    def _period(self) -> str:
        """Return the condition that a payment began in the period; `_included` goes before."""
        low, high = self._bounds
        every = "" if (low, high) == (-_FAR, _FAR) else (
            f" AND p.spoken_at >= {low} AND p.spoken_at < {high}"
        )  # fmt: skip
        return f"{every} AND p.spoken_at >= a.since AND p.spoken_at < a.until"

    def _zones(self) -> None:
        first, last = self.db.execute(
            "SELECT (SELECT min(spoken_at) FROM payment), (SELECT max(spoken_at) FROM payment)"
        ).fetchone()
        if first is None:
            return
        years = [1970 + at // (365 * DAY) for at in (first, last)]
        for zone in {account.zone for account in self.accounts.values()}:
            laid = business_day.spans(zone, max(years[0] - 1, 1), min(years[1] + 1, 9998))
            self.db.executemany("INSERT OR IGNORE INTO counted_zone VALUES (?, ?, ?)",
                                [(zone, *span) for span in laid])  # fmt: skip

    def fill(self, dimension: str | None) -> None:
        """Make the rows anew, each with its value of a dimension.

        Raises:
            WrongUse: no statement carries such a dimension.
        """
        db = self.db
        joined = ""
        self._divided = dimension is not None
        if dimension is None:
            value = "NULL"
        elif dimension in DIMENSIONS:
            value = DIMENSIONS[dimension]
            if dimension in ("day", "hour", "month"):
                self._zones()
        else:
            self._public(dimension)
            value = "d.value"
            joined = "LEFT JOIN temp.counted_dimension d ON d.payment_id = p.payment_id "
        source = self._included().replace("WHERE", joined + "WHERE", 1)
        db.execute("DROP TABLE IF EXISTS temp.counted")
        db.execute(
            "CREATE TEMP TABLE counted AS SELECT "
            f"{value} AS value, v.state = {_CANCELLED} AS called_off, "
            "(v.currency << 16) + (v.money << 12) + (v.actor << 8) + (v.how << 4) + v.state "
            "AS sort, "
            "CASE WHEN v.captured > 0 THEN v.captured WHEN v.authorised > 0 THEN v.authorised "
            "WHEN p.currency_min = p.currency_max THEN p.asked_minor END AS amount, "
            "p.subject, coalesce(p.subject, -p.payment_id) AS customer, "
            "coalesce(p.order_id, -p.payment_id) AS ordered "
            f"{source}{self._period()} AND NOT {self._shadow()}"
        )

    def _shadow(self) -> str:
        """Return the condition that only a shop spoke, of an order with a payment that counts."""
        live = "" if self._scope.include_test else "AND a.test = 0 AND coalesce(o.test, 0) = 0"
        return (
            "(p.placeholder = 1 AND p.order_id IS NOT NULL AND EXISTS (SELECT 1 FROM payment o "
            f"CROSS JOIN temp.counted_account a ON a.no = {_ACCOUNT_NO.replace('p.', 'o.')} "
            "WHERE o.order_id = p.order_id AND o.placeholder = 0 AND o.spoken_at IS NOT NULL "
            f"{live}))"
        )

    def _public(self, dimension: str) -> None:
        """Lay out each payment's value of a public dimension: the latest statement's."""
        db = self.db
        db.execute("DROP TABLE IF EXISTS temp.counted_dimension")
        db.execute("CREATE TEMP TABLE counted_dimension (payment_id INTEGER PRIMARY KEY, value)")
        path = '$."' + dimension.replace('"', '\\"') + '"'
        db.execute(
            "INSERT OR REPLACE INTO temp.counted_dimension "
            "SELECT n.payment_id, json_extract(e.dimensions, ?1) AS value FROM event e "
            "JOIN name n ON n.no = e.name_no WHERE e.active = 1 AND e.dimensions <> '' "
            "AND json_extract(e.dimensions, ?1) IS NOT NULL ORDER BY e.occurred_at, e.seq", (path,),
        )  # fmt: skip
        if db.execute("SELECT 1 FROM temp.counted_dimension LIMIT 1").fetchone() is None:
            known = [*DIMENSIONS, *self._public_names()]
            raise WrongUse(
                f"no statement carries a public dimension {dimension!r}; "
                f"known: {', '.join(dict.fromkeys(known))}"
            )

    def _public_names(self) -> list[str]:
        rows = self.db.execute(
            "SELECT DISTINCT j.key FROM (SELECT dimensions FROM event WHERE dimensions <> '' "
            "ORDER BY seq DESC LIMIT 20000) e, json_each(e.dimensions) j ORDER BY 1 LIMIT 40"
        )
        return [name for (name,) in rows]

    # ------------------------------------------------------------------ sums over the rows

    def cells(self) -> list[Cell]:
        """Return how many payments of each sort there are."""
        rows = self.db.execute(
            "SELECT value, sort & 15, sort >> 4 & 15, sort >> 8 & 15, sort >> 12 & 15, sort >> 16, "
            "count(*), count(amount), ifnull(sum(amount), 0), count(subject) FROM temp.counted "
            f"GROUP BY {self._per('sort')}"
        )
        return [Cell._make(row) for row in rows]

    def _per(self, key: str = "") -> str:
        """Return what to group by; a constant value would only make the sorting slower."""
        return ", ".join(["value"] * self._divided + [key] * bool(key)) or "value"

    def clusters(self) -> dict[Any, Clusters]:
        """Return sums over customers, by value of the dimension."""
        rows = self.db.execute(
            "SELECT value, count(*), sum(n), sum(c), sum(n * n), sum(c * c), sum(n * c) FROM "
            "(SELECT value, count(*) AS n, sum(called_off) AS c FROM temp.counted "
            f"GROUP BY {self._per('customer')}) GROUP BY value"
        )
        return {value: Clusters(*sums) for value, *sums in rows}

    def orders(self) -> dict[Any, Orders]:
        """Return orders by value of the dimension, each judged by all of its payments."""
        db = self.db
        self._judge_orders()
        rows = db.execute(
            "SELECT c.value, count(*), "
            "sum(CASE WHEN o.order_id IS NULL THEN c.called_off "
            f"ELSE o.state = {_CANCELLED} END), "
            "sum(ifnull(o.switched, 0)), sum(ifnull(o.double_paid, 0)) FROM "
            "(SELECT value, ordered, max(called_off) AS called_off FROM temp.counted "
            f"GROUP BY {self._per('ordered')}) c "
            "LEFT JOIN temp.counted_order o ON o.order_id = c.ordered GROUP BY c.value"
        )
        return {value: Orders(*sums) for value, *sums in rows}

    def _judge_orders(self) -> None:
        """Judge the orders of more than one payment, over all their payments, once."""
        db = self.db
        if db.execute("SELECT 1 FROM temp.sqlite_master WHERE name = 'counted_order'").fetchone():
            return
        several = (
            "SELECT order_id FROM payment WHERE order_id IS NOT NULL GROUP BY order_id "
            "HAVING count(*) > 1"
        )
        if self._bounds != (-_FAR, _FAR):
            several = (
                "SELECT c.ordered AS order_id FROM (SELECT DISTINCT ordered FROM temp.counted "
                "WHERE ordered > 0) c "
                "WHERE (SELECT count(*) FROM payment o WHERE o.order_id = c.ordered) > 1"
            )
        db.execute(f"CREATE TEMP TABLE counted_several AS {several}")
        members = "temp.counted_several s CROSS JOIN payment"
        db.execute(
            "CREATE TEMP TABLE counted_payment AS SELECT p.payment_id, p.order_id, p.key, "
            f"p.mover_no, p.placeholder, p.spoken_at {self._included(members)} "
            "AND p.order_id = s.order_id"
        )
        query = orders_sql("temp.counted_payment", self._verdict)
        db.execute(f"CREATE TEMP TABLE counted_order AS {query}")
        db.execute("CREATE UNIQUE INDEX temp.counted_order_id ON counted_order (order_id)")

    def aside(self) -> tuple[int, int]:
        """Return how many deliveries stand in quarantine, and how many events contradict."""
        live = "" if self._scope.include_test else " AND a.test = 0"
        join = "JOIN temp.counted_account a ON a.no = x.account_no WHERE"
        (quarantined,) = self.db.execute(
            f"SELECT count(*) FROM delivery x {join} x.outcome = 1 AND NOT EXISTS (SELECT 1 FROM "
            f"delivery again WHERE again.repeat_of = x.seq AND again.outcome = 0){live}"
        ).fetchone()
        (conflicts,) = self.db.execute(
            f"SELECT count(*) FROM event x {join} x.conflict = 1 AND x.active = 1{live}"
        ).fetchone()
        return int(quarantined), int(conflicts)


_TABLES: Final = (
    "counted", "counted_account", "counted_zone", "counted_verdict", "counted_dimension",
    "counted_several", "counted_payment", "counted_order",
)  # fmt: skip


def drop(db: sqlite3.Connection) -> None:
    """Drop the temporary tables."""
    for table in _TABLES:
        db.execute(f"DROP TABLE IF EXISTS temp.{table}")


@contextmanager
def counted(house: House, scope: Scope) -> Iterator[Counted]:
    """Lay out a scope over one moment of the store; dropped at the end."""
    db = house.ledger.db
    alone = not db.in_transaction
    if alone:
        db.execute("BEGIN")
    try:
        yield Counted(house, scope)
    finally:
        drop(db)
        if alone and db.in_transaction:
            db.execute("COMMIT")
