"""When a shop wants to be disturbed: quiet hours and business hours, by its own wall clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from voidtrail.event.model import Micros

Rule = Literal["always", "awake", "business"]
RULES: Final = ("always", "awake", "business")
"""Always; outside of quiet hours; inside of business hours."""
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY_MIN: Final = 24 * 60
_WEEK_MIN: Final = 7 * _DAY_MIN
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PART: Final = re.compile(
    r"(?:([A-Z][a-z]{2})(?:-([A-Z][a-z]{2}))? +)?(\d\d):(\d\d) ?- ?(\d\d):(\d\d)"
)


class Span(NamedTuple):
    """Minutes of the week, counted from Monday 00:00; the end may lie in the next week."""

    start: int
    end: int


class Hours(NamedTuple):
    """A shop's hours; without business hours it is always open."""

    quiet: tuple[Span, ...] = ()
    business: tuple[Span, ...] = ()


def parse(text: str) -> tuple[Span, ...]:
    """Read hours as people write them; an end before its start lies on the next day.

    Raises:
        ValueError: a part is not hours.

    >>> parse("Mon-Tue 09:00-18:00")
    (Span(start=540, end=1080), Span(start=1980, end=2520))
    >>> len(parse("22:00-08:00")), parse("")
    (7, ())
    """
    return tuple(span for part in text.split(",") if part.strip() for span in _spans(part.strip()))


def _spans(part: str) -> list[Span]:
    found = _PART.fullmatch(part)
    if found is None:
        raise ValueError(f"{part!r} is not hours; write 22:00-08:00 or Mon-Fri 09:00-18:00")
    first, last, *clock = found.groups()
    for day in (first, last):
        if day is not None and day not in DAYS:
            raise ValueError(f"{day!r} is not a day; write one of {', '.join(DAYS)}")
    hour, minute, to_hour, to_minute = map(int, clock)
    start, end = hour * 60 + minute, to_hour * 60 + to_minute
    if max(minute, to_minute) > 59 or max(start, end) > _DAY_MIN:
        raise ValueError(f"{part!r} holds a time that no clock shows")
    if end <= start:
        end += _DAY_MIN
    begin = 0 if first is None else DAYS.index(first)
    until = 6 if first is None else begin if last is None else DAYS.index(last)
    days = range(begin, until + 1 if until >= begin else until + 8)
    return [Span(day % 7 * _DAY_MIN + start, day % 7 * _DAY_MIN + end) for day in days]


def may_disturb(hours: Hours, rule: Rule, zone: str, now: Micros) -> bool:
    """Whether somebody may be told now under a rule.

    >>> night = Hours(quiet=parse("22:00-08:00"))
    >>> may_disturb(night, "awake", "Asia/Shanghai", 1_773_750_600_000_000)  # 20:30 there
    True
    >>> may_disturb(night, "awake", "Asia/Shanghai", 1_773_757_800_000_000)  # 22:30 there
    False
    """
    if rule == "always":
        return True
    spans = hours.quiet if rule == "awake" else hours.business
    if not spans:
        return True
    minute = _minute(zone, now // 60_000_000)
    return _within(spans, minute) == (rule == "business")


def _within(spans: tuple[Span, ...], minute: int) -> bool:
    return any(start <= minute < end or start <= minute + _WEEK_MIN < end for start, end in spans)


@lru_cache(maxsize=256)
def _minute(zone: str, epoch_minute: int) -> int:
    """Return the minute of the week on a zone's wall clock."""
    local = (_EPOCH + timedelta(minutes=epoch_minute)).astimezone(ZoneInfo(zone))
    return local.weekday() * _DAY_MIN + local.hour * 60 + local.minute
