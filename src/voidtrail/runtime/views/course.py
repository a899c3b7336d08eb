"""The course of the rate over a period: its steps, where they were expected, what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, Literal, NamedTuple

from voidtrail.event.account import Account
from voidtrail.event.model import Micros
from voidtrail.insight.expectation import Band, Step, expected
from voidtrail.runtime.app import House
from voidtrail.runtime.business_day import DAY, HOUR, SECOND, bound
from voidtrail.runtime.clock import from_text, to_text
from voidtrail.runtime.report import report, samples
from voidtrail.runtime.views.filtering import FAR, question
from voidtrail.runtime.views.overview_shapes import Mark, Period, Point
from voidtrail.runtime.views.rows import ACCOUNT_NO
from voidtrail.runtime.views.shapes import Filter

WEEKS: Final = 4
"""So many earlier weeks say what is expected."""
DAYS_MOST: Final = 92
"""Over longer periods nothing is expected: there is no earlier one like it."""
_UNSETTLED_SHARE: Final = 0.02
_UNDECIDED: Final = ("open", "declined", "failed")
_DATE: Final = len("2026-03-01")
DIMENSION: Final = {"hour": "hour_at", "day": "day"}
"""By what a report is divided for a course."""
_FAULT_DAYS_MOST: Final = 8
_BUCKET: Final = 600 * SECOND
_FAULTS_FEW: Final = 3
_FAULT_SHARE: Final = 0.25
Figures = Mapping[str, Any]


class Asked(NamedTuple):
    """What an overview is asked for; the same as of a report.

    Attributes:
        since, until: business days, both included; "" for no bound.
        shop: "" for all.
        test: count test traffic too.
    """

    since: str = ""
    until: str = ""
    shop: str = ""
    test: bool = False

    def question(self) -> dict[str, Any]:
        """Return it as a report is asked."""
        return {"since": self.since or None, "until": self.until or None, "shop": self.shop,
                "include_test": self.test}  # fmt: skip

    def report(self, house: House, **more: Any) -> dict[str, Any]:
        """Return the report of it; `more` overrides its period and divides it."""
        return report(house, **{**self.question(), **more})

    def days(self) -> int | None:
        """Return how many days it ranges over; None if it has no bound."""
        if not (self.since and self.until):
            return None
        return (date.fromisoformat(self.until) - date.fromisoformat(self.since)).days + 1

    def back(self, days: int) -> Asked:
        """Return the same so many days earlier."""
        return self._replace(since=shifted(self.since, -days), until=shifted(self.until, -days))


def shifted(day: str, days: int) -> str:
    """Return another business day.

    >>> shifted("2026-03-01", -1)
    '2026-02-28'
    """
    return (date.fromisoformat(day) + timedelta(days)).isoformat()


def _later(step: str, days: int) -> str:
    """Return the key of the same step so many days later: of a day, or of an hour."""
    if len(step) == _DATE:
        return shifted(step, days)
    return to_text(from_text(step) + days * DAY) or ""


def period_of(known: Mapping[int, Account], asked: Asked) -> Period:
    """Return the period with its instants by the shops' clock (the first one's, if they differ)."""
    accounts = [
        each for each in known.values()
        if asked.shop in ("", each.shop) and (asked.test or each.mode != "test")
    ]  # fmt: skip
    zone, cutoff = (accounts[0].zone, accounts[0].cutoff) if accounts else ("UTC", "00:00")
    return Period(
        since=asked.since, until=asked.until, zone=zone, test=asked.test,
        from_at=bound(asked.since or None, zone, cutoff, end=False),
        to_at=bound(asked.until or None, zone, cutoff, end=True),
    )  # fmt: skip


def step_of(asked: Asked) -> Literal["hour", "day"]:
    """Return how long a step is: an hour of a single day, else a day."""
    return "hour" if asked.days() == 1 else "day"


class Known(NamedTuple):
    """How it was in earlier weeks: by step (an hour or a day), and by other dimensions.

    Attributes:
        steps: samples (called off, of how many) of the same step, a week apart.
        parts: of each (dimension, value), called off and of how many in all of these weeks.
    """

    steps: Mapping[str, Sequence[tuple[int, int]]]
    parts: Mapping[tuple[str, str], tuple[int, int]]


NOTHING: Final = Known({}, {})
PARTS: Final[tuple[Literal["source", "method", "shop"], ...]] = ("source", "method", "shop")


def earlier_weeks(house: House, asked: Asked) -> Known:
    """Count the same days of earlier weeks.

    Args:
        house: a house that reads.
        asked: the overview's question; without bounds, or for very long, nothing is known.
    """
    days = asked.days()
    if days is None or days > DAYS_MOST:
        return NOTHING
    steps: dict[str, list[tuple[int, int]]] = {}
    parts: dict[tuple[str, str], tuple[int, int]] = {}
    step = step_of(asked)
    dimension = DIMENSION[step]
    for week in range(1, WEEKS + 1):
        before = asked.back(7 * week)
        found = samples(house, [dimension, *PARTS], **before.question())
        for (name, value), sample in found.items():
            if name == dimension:
                steps.setdefault(_later(value, 7 * week), []).append(sample)
            else:
                gone, of = parts.get((name, value or ""), (0, 0))
                parts[name, value or ""] = gone + sample[0], of + sample[1]
    return Known(steps, parts)


class Course(NamedTuple):
    """The course over a period: for the eye, and for judging it.

    Attributes:
        points: every step up to now.
        steps: of the points, those that hardly grow any more, as they are held against earlier
            weeks.
        begins: when each of the `steps` begins.
    """

    points: list[Point]
    steps: list[Step]
    begins: list[Micros]


def course(found: Figures, period: Period, step: str, known: Known, now: Micros) -> Course:
    """Return the course over a period up to now.

    Args:
        found: the report, divided by the step.
        period: what it ranges over.
        step: "hour" or "day".
        known: how it was in earlier weeks.
        now: steps that begin later are left out.
    """
    dimension = DIMENSION[step]
    figures = {each["value"]: each for each in found["by"] if each["dimension"] == dimension}
    made = Course([], [], [])
    for key, at in _keys(period, step, sorted(figures)):
        if at > now:
            break
        each = figures.get(key)
        band = expected(known.steps.get(key, ()), each["payments"] if each else 0)
        point = _point(at, each, band)
        made.points.append(point)
        if point.settled:
            made.steps.append(Step(point.called_off, point.payments, band))
            made.begins.append(at)
    return made


def _keys(period: Period, step: str, found: Sequence[str]) -> list[tuple[str, Micros]]:
    """Return every step of a period: its key in the report, and when it begins."""
    if step == "hour":
        if period.from_at is None or period.to_at is None:
            return []
        first = min([period.from_at, *(from_text(key) for key in found[:1])])
        last = max([period.to_at, *(from_text(key) + HOUR for key in found[-1:])])
        return [(to_text(at) or "", at) for at in range(first // HOUR * HOUR, last, HOUR)]
    since, until = period.since or "".join(found[:1]), period.until or "".join(found[-1:])
    if not since or not until:
        return []
    count = (date.fromisoformat(until) - date.fromisoformat(since)).days + 1
    days = [shifted(since, each) for each in range(count)]
    return [(day, from_text(day, zone=period.zone)) for day in days]


def _point(at: Micros, figures: Figures | None, band: Band | None) -> Point:
    low, high = (band.low, band.high) if band else (None, None)
    if figures is None:
        return Point(at=at, payments=0, called_off=0, open=0, rate=None, rate_low=None,
                     rate_high=None, low=low, high=high, settled=True)  # fmt: skip
    undecided = sum(figures["state"][word] for word in _UNDECIDED)
    found = figures["cancel_rate"]
    return Point(
        at=at, payments=figures["payments"], called_off=figures["cancelled"], open=undecided,
        rate=found["value"], rate_low=found["low"], rate_high=found["high"], low=low, high=high,
        settled=undecided <= _UNSETTLED_SHARE * figures["payments"],
    )  # fmt: skip


def marks(house: House, period: Period, asked: Asked) -> tuple[Mark, ...]:
    """Return what is known to have happened: faults of platforms, and changes of the terms.

    Args:
        house: a house that reads.
        period: what the overview ranges over; without bounds, or for very long, only the terms.
        asked: the overview's question.
    """
    low = -FAR if period.from_at is None else period.from_at
    high = FAR if period.to_at is None else period.to_at
    found = [
        Mark(at=at, until=None, kind="terms")
        for (at,) in house.ledger.db.execute(
            "SELECT at FROM control WHERE kind = 'terms' AND at >= ? AND at < ? AND seq > "
            "(SELECT min(seq) FROM control WHERE kind = 'terms') ORDER BY seq", (low, high),
        )
    ]  # fmt: skip
    days = asked.days()
    if days is not None and days <= _FAULT_DAYS_MOST:
        found += _faults(house, asked)
    return tuple(sorted(found, key=lambda mark: mark.at))


def _faults(house: House, asked: Asked) -> list[Mark]:
    """Return when a source failed: many attempts of ten minutes broke down technically."""
    accounts = house.ledger.accounts()
    chosen = Filter(since=asked.since, until=asked.until, shop=asked.shop, test=asked.test)
    wanted = question(chosen, accounts)
    if wanted.nothing:
        return []
    low, high = wanted.began
    rows = house.ledger.db.execute(
        f"SELECT {ACCOUNT_NO}, p.spoken_at / {_BUCKET}, count(*), count(p.faulted) "
        "FROM payment p INDEXED BY payment_spoken "
        f"WHERE p.spoken_at >= {low} AND p.spoken_at < {high} AND {wanted.narrow} GROUP BY 1, 2"
    )
    sums: dict[tuple[str, int], tuple[int, int]] = {}
    for no, bucket, payments, faulted in rows:
        key = accounts[no].source, bucket
        before = sums.get(key, (0, 0))
        sums[key] = before[0] + payments, before[1] + faulted
    found: list[Mark] = []
    for (source, bucket), (payments, faulted) in sorted(sums.items()):
        if faulted < _FAULTS_FEW or faulted < _FAULT_SHARE * payments:
            continue
        at = bucket * _BUCKET
        last = found[-1] if found else None
        if last and last.detail == source and last.until is not None and at <= last.until + _BUCKET:
            found[-1] = Mark(at=last.at, until=at + _BUCKET, kind="fault", detail=source)
        else:
            found.append(Mark(at=at, until=at + _BUCKET, kind="fault", detail=source))
    return found
