"""Quiet hours and business hours by a shop's wall clock."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from voidtrail.response.hours import Hours, may_disturb, parse

NIGHT = Hours(quiet=parse("22:00-08:00"))
OFFICE = Hours(business=parse("Mon-Fri 09:00-18:00, Sat 10:00-14:00"))


def at(text, zone="Asia/Shanghai"):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1e6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("21:59", True), ("22:00", False), ("00:00", False), ("07:59", False), ("08:00", True)],
)
def test_quiet_hours_reach_over_midnight(text, expected):
    for day in range(16, 23):  # Monday to Sunday: the week's end is no exception
        now = at(f"2026-03-{day}T{text}:00")
        assert may_disturb(NIGHT, "awake", "Asia/Shanghai", now) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-16T08:59", False), ("2026-03-16T09:00", True), ("2026-03-20T17:59", True),
        ("2026-03-20T18:00", False), ("2026-03-21T10:00", True), ("2026-03-21T14:00", False),
        ("2026-03-22T12:00", False),
    ],
)  # fmt: skip
def test_business_hours_are_by_day(text, expected):
    assert may_disturb(OFFICE, "business", "Asia/Shanghai", at(text)) == expected


def test_the_same_instant_is_night_in_one_shop_and_day_in_another():
    now = at("2026-03-17T23:00")
    assert not may_disturb(NIGHT, "awake", "Asia/Shanghai", now)
    assert may_disturb(NIGHT, "awake", "Europe/London", now)


def test_hours_follow_the_clock_that_people_see_when_it_is_changed():
    for day in ("2026-03-28", "2026-03-29", "2026-03-30"):
        before, after = (at(f"{day}T{text}", "Europe/London") for text in ("07:59", "08:00"))
        assert not may_disturb(NIGHT, "awake", "Europe/London", before)
        assert may_disturb(NIGHT, "awake", "Europe/London", after)


def test_without_hours_a_shop_may_always_be_disturbed():
    for rule in ("always", "awake", "business"):
        assert may_disturb(Hours(), rule, "UTC", at("2026-03-22T03:00"))
    assert may_disturb(NIGHT, "always", "Asia/Shanghai", at("2026-03-22T03:00"))


def test_days_may_go_round_the_weeks_end():
    assert parse("Sat-Mon 10:00-11:00") == parse(
        "Sat 10:00-11:00, Sun 10:00-11:00, Mon 10:00-11:00"
    )
    sunday_night = Hours(quiet=parse("Sun 22:00-06:00"))
    assert not may_disturb(sunday_night, "awake", "Asia/Shanghai", at("2026-03-23T05:00"))


@pytest.mark.parametrize(
    "text", ["9-18", "09:00", "Mo 09:00-18:00", "25:00-26:00", "09:60-10:00", "Mon-Xyz 09:00-10:00"]
)
def test_what_is_no_hours_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"hours|day|clock"):
        parse(text)
