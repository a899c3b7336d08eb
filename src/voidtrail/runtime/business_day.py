"""The business day of a shop: its zone's wall clock, begun at its cut-off.

A zone is laid out as spans of constant offset, so that SQL can tell the day of a payment.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from voidtrail.errors import WrongUse
from voidtrail.event.model import Micros
from voidtrail.runtime.clock import from_text

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO: Final = timedelta(microseconds=1)
SECOND: Final = 1_000_000
HOUR: Final = 3600 * SECOND
DAY: Final = 24 * HOUR


class Span(NamedTuple):
    """From an instant on, until the next span, local time is UTC plus the offset."""

    start: Micros
    offset: Micros


def cutoff_us(cutoff: str) -> Micros:
    """Return how long after midnight the business day begins.

    >>> cutoff_us("04:00") == 4 * HOUR
    True
    """
    hour, _, minute = cutoff.partition(":")
    return (int(hour) * 60 + int(minute)) * 60 * SECOND


def _offset(instant: Micros, zone: ZoneInfo) -> Micros:
    shift = (_EPOCH + timedelta(microseconds=instant)).astimezone(zone).utcoffset()
    assert shift is not None
    return shift // _MICRO


@lru_cache(maxsize=256)
def spans(zone: str, first_year: int, last_year: int) -> tuple[Span, ...]:
    """Return a zone's spans of constant offset over some years.

    >>> [span.offset // HOUR for span in spans("Europe/London", 2011, 2011)]
    [0, 1, 0]
    """
    rules = ZoneInfo(zone)
    at = (datetime(first_year, 1, 1, tzinfo=UTC) - _EPOCH) // _MICRO
    end = (datetime(last_year + 1, 1, 1, tzinfo=UTC) - _EPOCH) // _MICRO
    found = [Span(at, _offset(at, rules))]
    while at < end:
        later = at + DAY
        if _offset(later, rules) != found[-1].offset:
            low, high = at, later
            while high - low > SECOND:
                middle = (low + high) // 2 // SECOND * SECOND
                if _offset(middle, rules) == found[-1].offset:
                    low = middle
                else:
                    high = middle
            found.append(Span(high, _offset(high, rules)))
        at = later
    return tuple(found)


def bound(text: str | Micros | None, zone: str, cutoff: str, *, end: bool) -> Micros | None:
    """Return the instant at which a period begins or ends for a shop.

    Args:
        text: a date is the shop's business day; a date and time is taken as it is, by the shop's
            clock if it names no zone; a number is an instant.
        zone: of the shop.
        cutoff: of the shop.
        end: a date means the end of that day.

    Raises:
        WrongUse: it is neither.
    """
    if text is None or isinstance(text, int):
        return text
    if len(text) != 10:
        return from_text(text, zone=zone)
    try:
        day = date.fromisoformat(text) + timedelta(days=int(end))
        begin = datetime.combine(day, time.fromisoformat(cutoff), tzinfo=ZoneInfo(zone))
    except (ValueError, OverflowError):
        raise WrongUse(f"{text!r} is not a date; write it as 2026-03-01") from None
    return (begin - _EPOCH) // _MICRO
