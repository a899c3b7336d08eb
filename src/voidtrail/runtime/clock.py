"""The one clock, and instants as people write them."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from voidtrail.errors import WrongUse
from voidtrail.event.model import Micros

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> Micros:
    """Return the present instant."""
    return time.time_ns() // 1000


def from_text(text: str, *, zone: str = "UTC", end: bool = False) -> Micros:
    """Read an ISO 8601 date or instant.

    Args:
        text: as "2026-03-01", "2026-03-01T12:00" or "2026-03-01T12:00:00+08:00".
        zone: of texts that carry none.
        end: a date alone means the beginning of the day after, as an exclusive bound.

    Raises:
        WrongUse: it is neither.
    """
    try:
        if len(text) == 10:
            day = date.fromisoformat(text) + timedelta(days=int(end))
            instant = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
        else:
            instant = datetime.fromisoformat(text)
            if instant.tzinfo is None:
                instant = instant.replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        raise WrongUse(
            f"{text!r} is not a date or instant; write 2026-03-01 or 2026-03-01T12:00:00+08:00"
        ) from None
    return (instant - _EPOCH) // timedelta(microseconds=1)


def to_datetime(instant: Micros, zone: str = "UTC") -> datetime:
    """Return an aware datetime."""
    return (_EPOCH + timedelta(microseconds=instant)).astimezone(ZoneInfo(zone))


def to_text(instant: Micros | None, zone: str = "UTC") -> str | None:
    """Write an instant as ISO 8601 to the second, None as None."""
    return None if instant is None else to_datetime(instant, zone).isoformat(timespec="seconds")
