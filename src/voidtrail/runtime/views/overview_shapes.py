"""The shapes of the first page: how many were called off, is that unusual, what can be saved."""

from __future__ import annotations

from typing import Any, Literal

from voidtrail.event.model import Micros
from voidtrail.insight.rate import Rate
from voidtrail.runtime.views.shapes import Amount, PaymentRow, Shape


class Period(Shape, frozen=True, kw_only=True):
    """What an overview ranges over.

    Attributes:
        since, until: business days as the report takes them ("2026-03-01"), both included; ""
            for no bound.
        from_at, to_at: the same as instants by the shops' common clock, for an axis of time.
        zone: of that clock.
        test: test traffic is counted too.
    """

    since: str
    until: str
    from_at: Micros | None
    to_at: Micros | None
    zone: str
    test: bool = False


class Comparison(Shape, frozen=True, kw_only=True):
    """The same number of an earlier period, up to the same time of day.

    Attributes:
        basis: "period_before" or "week_before".
        value: the number then; of a rate, its value from 0 to 1.
        times: now by then; None where then was nothing.
    """

    basis: Literal["period_before", "week_before"]
    since: str
    until: str
    value: float | None
    times: float | None


class Tile(Shape, frozen=True, kw_only=True):
    """One figure.

    Attributes:
        name: "called_off", "rate", "cost" or "saveable".
        count: the number of payments; for "rate" the numerator.
        rate: value with interval, numerator and denominator; only of "rate".
        amounts: by currency; of "cost" and "saveable".
        compared: with earlier periods.
        sparkline: by step of the series, oldest first; None where nothing was counted.
    """

    name: Literal["called_off", "rate", "cost", "saveable"]
    count: int
    rate: Rate | None = None
    amounts: tuple[Amount, ...] = ()
    compared: tuple[Comparison, ...] = ()
    sparkline: tuple[float | None, ...] = ()


class Point(Shape, frozen=True, kw_only=True):
    """One step of the series.

    Attributes:
        at: when the step begins.
        payments, called_off, open: payments that began in it, and what became of them so far.
        rate, rate_low, rate_high: with its 95 % interval; None without payments.
        low, high: where the rate is expected by the same hours of earlier weeks; None if unknown.
        settled: hardly any of its payments is still open; before, a rate only grows.
    """

    at: Micros
    payments: int
    called_off: int
    open: int
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    low: float | None
    high: float | None
    settled: bool


class Mark(Shape, frozen=True, kw_only=True):
    """Something that happened, on the axis of time.

    Attributes:
        kind: "fault" (of a platform), "price" or "terms" (patience was changed).
        detail: whose: a source, a price's name, or "".
    """

    at: Micros
    until: Micros | None
    kind: Literal["fault", "price", "terms"]
    detail: str = ""


class Slice(Shape, frozen=True, kw_only=True):
    """One value of a dimension; `value` "" where nobody said. `share` is of what was called off."""

    value: str
    payments: int
    called_off: int
    share: float | None
    rate: Rate | None = None
    amounts: tuple[Amount, ...] = ()


class Breakdown(Shape, frozen=True, kw_only=True):
    """What was called off, by "how", "actor", "source" (the rail), "method" or "shop"."""

    dimension: Literal["how", "actor", "source", "method", "shop"]
    slices: tuple[Slice, ...]


class Sentence(Shape, frozen=True, kw_only=True):
    """The overview in one sentence, as parts that a language puts together.

    Attributes:
        kind: "nothing" (no payment began), "few" (too few to judge), "usual", "higher", "lower",
            or "unknown" (no earlier weeks to compare with).
        since_at: since when it is unusual.
        source, method, shop: where that is mainly so; "" if it is so everywhere.
        times: how many times the usual rate.
        called_off, payments: of the period.
        at_risk: what can still be saved.
    """

    kind: Literal["nothing", "few", "usual", "higher", "lower", "unknown"]
    called_off: int
    payments: int
    at_risk: tuple[Amount, ...] = ()
    since_at: Micros | None = None
    source: str = ""
    method: str = ""
    shop: str = ""
    times: float | None = None


class AtRisk(Shape, frozen=True, kw_only=True):
    """What can still be saved, now and whatever the period: how many, how much, the largest."""

    count: int
    amounts: tuple[Amount, ...]
    largest: tuple[PaymentRow, ...]


class Overview(Shape, frozen=True, kw_only=True):
    """The first page.

    Attributes:
        counted_at: as of which instant it was counted; None while the first count is under way,
            and then every number is 0 and `pending` is true.
        age_s: how old the count is; it is refreshed beside the requests.
        step: "hour" or "day", of the series.
        latest_on: the last business day on which a payment began, "" if none; for empty pages.
        report: the figures exactly as `voidtrail report --json` prints them.
    """

    period: Period
    counted_at: Micros | None
    age_s: float
    pending: bool
    sentence: Sentence
    tiles: tuple[Tile, ...]
    step: Literal["hour", "day"]
    series: tuple[Point, ...]
    marks: tuple[Mark, ...]
    breakdowns: tuple[Breakdown, ...]
    at_risk: AtRisk
    quarantined: int
    conflicts: int
    latest_on: str
    report: dict[str, Any]
