"""The first page: how many payments were called off, is that unusual, what can still be saved.

Every figure is the report's own; beside it stand what is expected by earlier weeks, the same
figures of earlier periods, and what can still be saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from voidtrail.event.account import Account
from voidtrail.event.model import Micros
from voidtrail.insight.expectation import Departure, departure
from voidtrail.insight.rate import Rate
from voidtrail.runtime.app import House
from voidtrail.runtime.business_day import DAY, cutoff_us
from voidtrail.runtime.clock import to_datetime
from voidtrail.runtime.report import called_off
from voidtrail.runtime.views.course import (
    DIMENSION,
    NOTHING,
    PARTS,
    Asked,
    Course,
    Known,
    course,
    marks,
    period_of,
    step_of,
)
from voidtrail.runtime.views.overview_shapes import (
    AtRisk,
    Breakdown,
    Comparison,
    Overview,
    Period,
    Sentence,
    Slice,
    Tile,
)
from voidtrail.runtime.views.rows import ACCOUNT_NO, amounts_of
from voidtrail.runtime.views.saving import Snapshot, at_risk
from voidtrail.runtime.views.shapes import Filter

FEW: Final = 20
"""Of fewer payments nothing is said."""
_MAINLY: Final = 0.6
"""A part that makes this share of the excess, and less of the payments, is named."""
WORDS: Final[tuple[Literal["how", "actor"], ...]] = ("how", "actor")
Basis = Literal["period_before", "week_before"]


class Before(NamedTuple):
    """An earlier period: what it is called, where it lies, what was counted."""

    basis: Basis
    since: str
    until: str
    figures: Mapping[str, Any]


def overview(
    house: House, asked: Asked, *, known: Known, saving: Snapshot, now: Micros
) -> Overview:  # fmt: skip
    """Count everything that the first page shows.

    Args:
        house: a house that reads.
        asked: which period, shop, and whether test traffic counts.
        known: how it was in earlier weeks.
        saving: what can still be saved.
        now: the present instant.
    """
    period, step = period_of(house.ledger.accounts(), asked), step_of(asked)
    found = asked.report(house, by=[DIMENSION[step], *PARTS])
    before = _before(house, asked, period, now)
    way = course(found, period, step, known, now)
    risk = at_risk(house, saving, Filter(shop=asked.shop, test=asked.test))
    return Overview(
        period=period, counted_at=now, age_s=0.0, pending=False,
        sentence=_sentence(found, way, known, risk),
        tiles=_tiles(found, before, way, risk), step=step, series=tuple(way.points),
        marks=marks(house, period, asked), breakdowns=_breakdowns(found), at_risk=risk,
        quarantined=found["quarantined"], conflicts=found["conflicts"],
        latest_on=_latest_on(house),
        report={**found, "by": [each for each in found["by"] if each["dimension"] in PARTS]},
    )  # fmt: skip


def uncounted(accounts: Mapping[int, Account], asked: Asked) -> Overview:
    """Return the page while its first count is under way.

    Args:
        accounts: all that are known, by number.
        asked: which period, shop, and whether test traffic counts.
    """
    nothing = AtRisk(count=0, amounts=(), largest=())
    return Overview(
        period=period_of(accounts, asked), counted_at=None, age_s=0.0, pending=True,
        sentence=Sentence(kind="nothing", called_off=0, payments=0), tiles=(),
        step=step_of(asked), series=(), marks=(), breakdowns=(), at_risk=nothing, quarantined=0,
        conflicts=0, latest_on="", report={},
    )  # fmt: skip


def _before(house: House, asked: Asked, period: Period, now: Micros) -> list[Before]:
    """Count earlier periods, up to the same time of day if this one is not over."""
    days = asked.days()
    if days is None:
        return []
    shifts: list[tuple[Basis, int]] = [("period_before", days)]
    if days < 7:
        shifts.append(("week_before", 7))
    found = []
    for basis, back in shifts:
        earlier = asked.back(back)
        until: str | Micros = earlier.until
        if period.to_at is not None and now < period.to_at:
            until = now - back * DAY
        figures = called_off(house, **{**earlier.question(), "until": until})
        found.append(Before(basis, earlier.since, earlier.until, figures))
    return found


def _tiles(
    found: Mapping[str, Any], before: list[Before], way: Course, risk: AtRisk
) -> tuple[Tile, ...]:  # fmt: skip
    rate = rate_of(found)
    cost: dict[str, int] = found["cancelled_minor"]
    main = max(cost, key=lambda each: cost[each], default="")
    return (
        Tile(
            name="called_off", count=found["cancelled"],
            compared=_compared(before, found["cancelled"], lambda then: then["cancelled"]),
            sparkline=tuple(float(each.called_off) for each in way.points),
        ),
        Tile(
            name="rate", count=found["cancelled"], rate=rate,
            compared=_compared(before, rate.value, lambda then: then["cancel_rate"]["value"]),
            sparkline=tuple(each.rate for each in way.points),
        ),
        Tile(
            name="cost", count=found["cancelled"], amounts=amounts_of(cost),
            compared=_compared(before, cost.get(main, 0),
                               lambda then: then["cancelled_minor"].get(main, 0)),
        ),
        Tile(name="saveable", count=risk.count, amounts=risk.amounts),
    )  # fmt: skip


def _compared(before: list[Before], value: float | None, of: Any) -> tuple[Comparison, ...]:
    found = []
    for each in before:
        then = of(each.figures)
        times = value / then if value is not None and then else None
        found.append(Comparison(basis=each.basis, since=each.since, until=each.until,
                                value=then, times=times))  # fmt: skip
    return tuple(found)


def rate_of(figures: Mapping[str, Any]) -> Rate:
    """Return the rate of figures as a value with its interval."""
    return Rate(**figures["cancel_rate"])


def _breakdowns(found: Mapping[str, Any]) -> tuple[Breakdown, ...]:
    """Return what was called off by how, by whom, and by the parts of a report."""
    gone = found["cancelled"]
    made = []
    for dimension in WORDS:
        counts = sorted(found[dimension].items(), key=lambda each: -each[1])
        slices = [
            Slice(value=value, payments=count, called_off=count, share=count / gone)
            for value, count in counts if count
        ]  # fmt: skip
        made.append(Breakdown(dimension=dimension, slices=tuple(slices)))
    for part in PARTS:
        parts = [each for each in found["by"] if each["dimension"] == part]
        parts.sort(key=lambda each: (-each["cancelled"], -each["payments"]))
        slices = [
            Slice(value=each["value"] or "", payments=each["payments"],
                  called_off=each["cancelled"], rate=rate_of(each),
                  share=each["cancelled"] / gone if gone else None,
                  amounts=amounts_of(each["cancelled_minor"]))
            for each in parts
        ]  # fmt: skip
        made.append(Breakdown(dimension=part, slices=tuple(slices)))
    return tuple(made)


def _sentence(found: Mapping[str, Any], way: Course, known: Known, risk: AtRisk) -> Sentence:
    """Return what the page says first."""
    gone, payments = found["cancelled"], found["payments"]

    def say(kind: Any, **more: Any) -> Sentence:
        return Sentence(kind=kind, called_off=gone, payments=payments, at_risk=risk.amounts, **more)

    if not payments:
        return say("nothing")
    if payments < FEW:
        return say("few")
    if known is NOTHING or not any(step.band for step in way.steps):
        return say("unknown")
    departed = departure(way.steps)
    if departed is None:
        return say("usual")
    since = None if departed.begin is None else way.begins[departed.begin]
    return say("higher" if departed.higher else "lower", since_at=since, times=departed.times,
               **_mainly(found, known, departed))  # fmt: skip


def _mainly(found: Mapping[str, Any], known: Known, departed: Departure) -> dict[str, str]:
    """Return in which rail, method and shop the departure mainly lies."""
    named: dict[str, str] = {}
    for dimension in PARTS:
        parts = [each for each in found["by"] if each["dimension"] == dimension]
        excess = {}
        for each in parts:
            gone, of = known.parts.get((dimension, each["value"] or ""), (0, 0))
            usual = gone / of * each["payments"] if of else 0.0
            excess[each["value"] or ""] = each["cancelled"] - usual
        total = sum(excess.values())
        if not total or (total > 0) != departed.higher:
            continue
        value = max(excess, key=lambda name: excess[name] / total)
        payments = next(e["payments"] for e in parts if (e["value"] or "") == value)
        if value and excess[value] >= _MAINLY * total and payments < _MAINLY * found["payments"]:
            named[dimension] = value
    return named


def _latest_on(house: House) -> str:
    """Return the business day on which the last payment began; "" if there is none."""
    row = house.ledger.db.execute(
        f"SELECT p.spoken_at, {ACCOUNT_NO} FROM payment p INDEXED BY payment_spoken "
        "WHERE p.spoken_at IS NOT NULL ORDER BY p.spoken_at DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return ""
    account = house.ledger.accounts()[row[1]]
    return to_datetime(row[0] - cutoff_us(account.cutoff), account.zone).date().isoformat()
