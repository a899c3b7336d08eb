"""The report: how many payments were called off, how, by whom, for how much.

Counted are payments that began in the period (their first statement, by the shop's business day).
A witness's word on an order whose money a platform holds is evidence and not a second payment; test
traffic is left out; currencies are never summed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import IntEnum
from typing import Any, Final

import msgspec

from voidtrail.errors import WrongUse
from voidtrail.event.account import Account
from voidtrail.event.model import Actor, Channel, Method, Micros
from voidtrail.event.reason import How
from voidtrail.insight.rate import Clusters, rate
from voidtrail.lifecycle.verdict import Money, State
from voidtrail.money import currency_code
from voidtrail.runtime.app import House
from voidtrail.runtime.business_day import HOUR
from voidtrail.runtime.clock import from_text, to_text
from voidtrail.runtime.counting import DIMENSIONS, Cell, Counted, Orders, Scope, counted
from voidtrail.runtime.text import later

NUMERATOR: Final = later("payments called off")
DENOMINATOR: Final = later("payments that began in the period")
_KNOWN_ENOUGH: Final = 0.5
_IN_ORDER: Final = frozenset({"day", "hour", "hour_at", "month"})
_WORDS: Final[dict[str, type[IntEnum]]] = {
    "method": Method, "channel": Channel, "how": How, "actor": Actor, "state": State,
}  # fmt: skip


def report(
    house: House,
    *,
    since: str | Micros | None = None,
    until: str | Micros | None = None,
    as_of: str | Micros | None = None,
    by: str | Sequence[str] | None = None,
    include_test: bool = False,
    shop: str = "",
) -> dict[str, Any]:
    """Count payments and what became of them.

    Args:
        house: the house; it may be one that only reads.
        since: first business day (or instant) of the period.
        until: last business day (or instant) of the period, that day included.
        as_of: judge as of this instant; None is the ledger's clock.
        by: one or several of `counting.DIMENSIONS` or public dimensions.
        include_test: count test traffic too.
        shop: only of this shop; "" counts all.

    Returns:
        The figures as `voidtrail report --json` prints them.

    Raises:
        WrongUse: a date or dimension is not known.
    """
    dimensions = [by] if isinstance(by, str) else list(by or ())
    at = instant_of(house, as_of)
    scope = Scope(since, until, at, include_test, shop)
    with counted(house, scope) as rows:
        rows.fill(None)
        totals = _figures(rows)
        found = totals.get(None) or _figure((), None, Orders(0, 0, 0, 0))
        quarantined, conflicts = rows.aside()
        split = [each for name in dimensions for each in _by(rows, name)]
    judged = house.ledger.head().tick if at is None else at
    return {
        **found,
        "quarantined": quarantined,
        "conflicts": conflicts,
        "since": since if isinstance(since, str) else to_text(since),
        "until": until if isinstance(until, str) else to_text(until),
        "as_of": to_text(judged),
        "by": split,
    }


def called_off(
    house: House, *, since: str | Micros | None = None, until: str | Micros | None = None,
    include_test: bool = False, shop: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Count payments and those called off, as `report` does, and nothing else.

    Args:
        house: the house; it may be one that only reads.
        since: as of a report.
        until: as of a report.
        include_test: count test traffic too.
        shop: only of this shop; "" counts all.

    Returns:
        "payments", "cancelled", "cancel_rate" and "cancelled_minor" of a report.
    """
    with counted(house, Scope(since, until, None, include_test, shop)) as rows:
        rows.fill(None)
        cells = rows.cells()
        clusters = rows.clusters().get(None) if _knows_customers(cells) else None
    figure = _figure(cells, clusters, Orders(0, 0, 0, 0))
    return {name: figure[name] for name in ("payments", "cancelled", "cancel_rate",
                                            "cancelled_minor")}  # fmt: skip


def samples(
    house: House, by: Sequence[str], *, since: str | Micros | None = None,
    until: str | Micros | None = None, include_test: bool = False, shop: str = "",
) -> dict[tuple[str, Any], tuple[int, int]]:  # fmt: skip
    """Count payments by several dimensions: of each value, called off and of how many.

    Args:
        house: the house; it may be one that only reads.
        by: of `counting.DIMENSIONS` or public dimensions.
        since: as of a report.
        until: as of a report.
        include_test: count test traffic too.
        shop: only of this shop; "" counts all.
    """
    found: dict[tuple[str, Any], tuple[int, int]] = defaultdict(lambda: (0, 0))
    with counted(house, Scope(since, until, None, include_test, shop)) as rows:
        for dimension in by:
            rows.fill(dimension)
            for cell in rows.cells():
                key = dimension, spoken(dimension, cell.value, rows.accounts)
                gone, of = found[key]
                off = cell.payments if cell.state == State.CANCELLED else 0
                found[key] = gone + off, of + cell.payments
    return dict(found)


def instant_of(house: House, as_of: str | Micros | None) -> Micros | None:
    """Return the instant of an `--as-of`; without a zone it is by the accounts' common clock."""
    if as_of is None or isinstance(as_of, int):
        return as_of
    zones = {account.zone for account in house.ledger.accounts().values()}
    return from_text(as_of, zone=zones.pop() if len(zones) == 1 else "UTC")


def _by(rows: Counted, dimension: str) -> list[dict[str, Any]]:
    if not dimension:
        raise WrongUse(f"--by needs a name; known: {', '.join(DIMENSIONS)}")
    rows.fill(dimension)
    found = [
        {"dimension": dimension, "value": spoken(dimension, value, rows.accounts), **figure}
        for value, figure in sorted(
            _figures(rows).items(), key=lambda each: (each[0] is None, str(type(each[0])), each[0])
        )
    ]
    if dimension not in _IN_ORDER:
        found.sort(key=lambda each: -int(each["payments"]))
    return found


def spoken(dimension: str, value: Any, accounts: dict[int, Account] | Any) -> Any:
    """Return a value of a dimension as people and machines read it.

    >>> spoken("day", 20000, {}), spoken("month", 202603, {}), spoken("currency", 156, {})
    ('2024-10-04', '2026-03', 'CNY')
    """
    if value is None:
        return None
    if dimension in _WORDS:
        return _WORDS[dimension](value).name.lower()
    if dimension == "day":
        return (date(1970, 1, 1) + timedelta(days=value)).isoformat()
    if dimension == "hour_at":
        return to_text(value * HOUR)
    if dimension == "hour":
        return f"{value:02d}"
    if dimension == "month":
        return f"{value // 100:04d}-{value % 100:02d}"
    if dimension == "currency":
        return currency_code(value)
    if dimension == "account":
        return f"{accounts[value].source}/{accounts[value].name}"
    return value


def _figures(rows: Counted) -> dict[Any, dict[str, Any]]:
    groups: dict[Any, list[Cell]] = defaultdict(list)
    for cell in rows.cells():
        groups[cell.value].append(cell)
    clusters: dict[Any, Clusters] = {}
    if _knows_customers(cell for cells in groups.values() for cell in cells):
        clusters = rows.clusters()
    orders = rows.orders()
    return {
        value: _figure(cells, clusters.get(value), orders[value]) for value, cells in groups.items()
    }


def _knows_customers(cells: Iterable[Cell]) -> bool:
    """Whether enough customers are known for an interval over customers."""
    payments = subjects = 0
    for cell in cells:
        payments += cell.payments
        subjects += cell.subjects
    return bool(payments) and subjects >= _KNOWN_ENOUGH * payments


def _figure(cells: Iterable[Cell], clusters: Clusters | None, orders: Orders) -> dict[str, Any]:
    """Return the figures of some payments; every word of an enumeration is there, even at 0."""
    state: dict[str, int] = {each.name.lower(): 0 for each in State}
    money: dict[str, int] = {each.name.lower(): 0 for each in Money}
    how: dict[str, int] = {each.name.lower(): 0 for each in How if each}
    actor: dict[str, int] = {each.name.lower(): 0 for each in Actor}
    called_off: dict[str, int] = defaultdict(int)
    payments = cancelled = without = 0
    for cell in cells:
        payments += cell.payments
        state[State(cell.state).name.lower()] += cell.payments
        money[Money(cell.money).name.lower()] += cell.payments
        if cell.state != State.CANCELLED:
            continue
        cancelled += cell.payments
        without += cell.payments - cell.known
        how[How(cell.how).name.lower()] += cell.payments
        actor[Actor(cell.actor).name.lower()] += cell.payments
        if cell.known and cell.currency:
            called_off[currency_code(cell.currency)] += cell.amount_minor
    found = rate(cancelled, payments, numerator=NUMERATOR, denominator=DENOMINATOR,
                 clusters=clusters)  # fmt: skip
    return {
        "orders": orders.orders,
        "payments": payments,
        "cancelled": cancelled,
        "cancel_rate": msgspec.to_builtins(found),
        "how": how,
        "actor": actor,
        "state": state,
        "money": money,
        "cancelled_minor": dict(sorted(called_off.items())),
        "cancelled_without_amount": without,
        "cancelled_orders": orders.cancelled,
        "switched": orders.switched,
        "double_paid": orders.double_paid,
    }
