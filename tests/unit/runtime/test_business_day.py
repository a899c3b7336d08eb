"""A shop's day begins at its cut-off on its own clock, also when the clock is put forward."""

import pytest

from voidtrail.errors import WrongUse
from voidtrail.runtime.business_day import HOUR, bound, cutoff_us, spans
from voidtrail.runtime.clock import from_text


def test_spring_has_a_short_day():
    since = bound("2026-03-29", "Europe/London", "00:00", end=False)
    until = bound("2026-03-29", "Europe/London", "00:00", end=True)
    assert until - since == 23 * HOUR


def test_day_begins_at_the_cutoff():
    assert bound("2026-03-01", "Asia/Shanghai", "04:00", end=False) == from_text(
        "2026-03-01T04:00:00+08:00"
    )
    assert bound("2026-03-01", "Asia/Shanghai", "04:00", end=True) == from_text(
        "2026-03-02T04:00:00+08:00"
    )
    assert cutoff_us("04:30") == 4.5 * HOUR


def test_instants_are_taken_as_they_are():
    assert bound("2026-03-01T12:00", "Asia/Shanghai", "04:00", end=True) == from_text(
        "2026-03-01T12:00:00+08:00"
    )
    assert bound(7, "Asia/Shanghai", "04:00", end=True) == 7
    assert bound(None, "Asia/Shanghai", "04:00", end=True) is None


def test_what_is_no_day_is_refused():
    with pytest.raises(WrongUse, match="2026-02-30"):
        bound("2026-02-30", "UTC", "00:00", end=False)


def test_spans_change_where_the_zone_does():
    starts = [span.start for span in spans("America/New_York", 2026, 2026)]
    assert from_text("2026-03-08T07:00:00+00:00") in starts
    assert from_text("2026-11-01T06:00:00+00:00") in starts
    assert len(starts) == 3
