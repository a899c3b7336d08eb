"""The report of a day, a week or a month, to be forwarded: figures, and what they are held against.

Every figure is one of `voidtrail report --json` for the same days; nothing is counted anew here.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final, Literal, NamedTuple

from voidtrail.errors import WrongUse
from voidtrail.event.model import Micros
from voidtrail.insight.rate import Rate
from voidtrail.runtime.app import House
from voidtrail.runtime.business_day import cutoff_us
from voidtrail.runtime.clock import to_datetime, to_text
from voidtrail.runtime.views.course import WEEKS, Asked, Known, earlier_weeks, period_of, shifted
from voidtrail.runtime.views.overview import overview, rate_of
from voidtrail.runtime.views.overview_shapes import Overview
from voidtrail.runtime.views.saving import snapshot
from voidtrail.runtime.views.shapes import Shape

Kind = Literal["day", "week", "month", "days"]
_WEEK: Final = 7
_YEAR_DAYS: Final = 366
_KNOWN: Final = 0.9
"""Of fewer of the payments nothing is said of what was usual."""


class Earlier(Shape, frozen=True, kw_only=True):
    """The period before.

    Attributes:
        since, until: its business days, both included.
        in_part: only up to where the present period has come.
        report: its figures, as `voidtrail report --json` prints them.
        rate: its rate of payments called off.
    """

    since: str
    until: str
    in_part: bool
    report: dict[str, Any]
    rate: Rate


class Usual(Shape, frozen=True, kw_only=True):
    """What the same weekdays of earlier weeks lead one to expect.

    Attributes:
        share: the rate: each day (or hour) at the rate of the same one in the weeks before.
        of: payments of those earlier weeks.
        weeks: how many weeks.
    """

    share: float
    of: int
    weeks: int


class Paper(Shape, frozen=True, kw_only=True):
    """A report.

    Attributes:
        kind: "day", "week" (from Monday on), "month" (of the calendar), else "days".
        over: the period is over: what is still open belongs to nobody's delay.
        overview: the first page of these days: figures, course, breakdowns, what can be saved.
        rate: of payments called off.
        head, entries: the end of the ledger from which it was counted, in hex.
    """

    kind: Kind
    shop: str
    over: bool
    overview: Overview
    rate: Rate
    before: Earlier | None
    usual: Usual | None
    head: str
    entries: int


class Days(NamedTuple):
    """Business days, both included."""

    since: str
    until: str


def days_around(kind: Literal["day", "week", "month"], day: str) -> Days:
    """Return the day, the week from Monday or the month of the calendar in which a day lies.

    Raises:
        WrongUse: it is no date.

    >>> days_around("week", "2026-03-17"), days_around("month", "2026-02-17")
    (Days(since='2026-03-16', until='2026-03-22'), Days(since='2026-02-01', until='2026-02-28'))
    """
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise WrongUse(f"{day!r} is not a date; write it as 2026-03-01") from None
    if kind == "day":
        return Days(day, day)
    if kind == "week":
        monday = shifted(day, -on.weekday())
        return Days(monday, shifted(monday, _WEEK - 1))
    first = on.replace(day=1)
    return Days(first.isoformat(), _month_end(first).isoformat())


def days_of(house: House, since: str | None, until: str | None, kind: str) -> Days:
    """Return the days of a report: those given, or a period of the calendar.

    Args:
        house: a house that reads; its shops' clock says which day is over.
        since: first day; with a kind, any day of the period. None takes the last day that is over.
        until: last day; None takes the first, or is the end of the kind's period.
        kind: "day", "week", "month", or "" for the days as they are given.

    Raises:
        WrongUse: a date is none.
    """
    first = since or until or _yesterday(house)
    if kind in ("day", "week", "month"):
        return days_around(kind, first)  # type: ignore[arg-type]
    return Days(first, until or first)


def _yesterday(house: House) -> str:
    account = next(iter(house.ledger.accounts().values()), None)
    zone, cutoff = (account.zone, account.cutoff) if account else ("UTC", "00:00")
    today = to_datetime(house.clock() - cutoff_us(cutoff), zone).date()
    return (today - timedelta(1)).isoformat()


def _month_end(first: date) -> date:
    return (first + timedelta(31)).replace(day=1) - timedelta(1)


def kind_of(since: str, until: str) -> Kind:
    """Return what kind of period two days make.

    >>> kind_of("2026-03-01", "2026-03-31"), kind_of("2026-03-02", "2026-03-08")
    ('month', 'week')
    """
    first, last = date.fromisoformat(since), date.fromisoformat(until)
    if first == last:
        return "day"
    if first.weekday() == 0 and last - first == timedelta(_WEEK - 1):
        return "week"
    return "month" if first.day == 1 and last == _month_end(first) else "days"


def days_before(since: str, until: str) -> Days:
    """Return the period before: as many days, or the month before a whole month.

    >>> days_before("2026-03-01", "2026-03-31")
    Days(since='2026-02-01', until='2026-02-28')
    """
    if kind_of(since, until) == "month":
        return days_around("month", shifted(since, -1))
    count = (date.fromisoformat(until) - date.fromisoformat(since)).days + 1
    return Days(shifted(since, -count), shifted(until, -count))


def paper(house: House, asked: Asked, *, now: Micros) -> Paper:
    """Count a report.

    Args:
        house: a house that reads.
        asked: which days, which shop, and whether test traffic counts; both days must be given.
        now: the present instant.

    The figures of its days are of one moment, and so are those of each earlier period; a ledger
    that takes deliveries in is not held still for all of them together.

    Raises:
        WrongUse: a day is missing or none, or they are too many.
    """
    days_in(asked)
    head, known = house.ledger.head(), earlier_weeks(house, asked)
    found = overview(house, asked, known=known, saving=snapshot(house), now=now)
    return Paper(
        kind=kind_of(asked.since, asked.until), shop=asked.shop,
        over=found.period.to_at is None or now >= found.period.to_at, overview=found,
        rate=rate_of(found.report), before=_earlier(house, asked, now),
        usual=_usual(found, known), head=head.digest.hex(), entries=head.entries,
    )  # fmt: skip


def days_in(asked: Asked) -> int:
    """Return of how many days a report is asked for.

    Raises:
        WrongUse: a day is missing or none, or they are too many.
    """
    days = _days(asked)
    if days is None or not 0 < days <= _YEAR_DAYS:
        raise WrongUse(f"a report is of 1 to {_YEAR_DAYS} days: give --since and --until")
    return days


def _days(asked: Asked) -> int | None:
    try:
        return asked.days()
    except ValueError:
        raise WrongUse(
            f"{asked.since!r} to {asked.until!r} are no dates; write them as 2026-03-01"
        ) from None


def _earlier(house: House, asked: Asked, now: Micros) -> Earlier:
    """Count the period before; of a period that is not over, up to the same time of its course."""
    days = days_before(asked.since, asked.until)
    before = asked._replace(since=days.since, until=days.until)
    until: str | Micros = before.until
    accounts = house.ledger.accounts()
    present, then = period_of(accounts, asked), period_of(accounts, before)
    in_part = False
    if present.from_at is not None and then.from_at is not None and then.to_at is not None:
        gone = max(0, now - present.from_at)
        if present.to_at is not None and now < present.to_at and then.from_at + gone < then.to_at:
            until, in_part = then.from_at + gone, True
    figures = before.report(house, until=until)
    return Earlier(since=days.since, until=days.until, in_part=in_part, report=figures,
                   rate=rate_of(figures))  # fmt: skip


def _usual(found: Overview, known: Known) -> Usual | None:
    """Weigh the rates of earlier weeks by when this period's payments began."""
    weighed, payments = 0.0, 0
    for point in found.series:
        earlier = known.steps.get(_key(point.at, found), ())
        count, of = sum(c for c, _ in earlier), sum(n for _, n in earlier)
        if of:
            weighed += count / of * point.payments
            payments += point.payments
    if not payments or payments < _KNOWN * found.report["payments"]:
        return None
    of = sum(n for sample in known.steps.values() for _, n in sample)
    return Usual(share=weighed / payments, of=of, weeks=WEEKS)


def _key(at: Micros, found: Overview) -> str:
    """Return under which key a step stands in a report."""
    if found.step == "hour":
        return to_text(at) or ""
    return to_datetime(at, found.period.zone).date().isoformat()
