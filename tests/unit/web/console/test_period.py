"""Over which days a page looks."""

from datetime import UTC, date, datetime

import pytest

from voidtrail.runtime.text import speak
from voidtrail.web.console.period import Days, business_day, days_of, period_label

TODAY = date(2026, 3, 8)


@pytest.mark.parametrize(("query", "since", "until", "word"), [
    ({}, "2026-03-08", "2026-03-08", "today"),
    ({"period": "yesterday"}, "2026-03-07", "2026-03-07", "yesterday"),
    ({"period": "week"}, "2026-03-02", "2026-03-08", "week"),
    ({"period": "month"}, "2026-02-07", "2026-03-08", "month"),
    ({"period": "all"}, "", "", "all"),
    ({"period": "nonsense"}, "2026-03-08", "2026-03-08", "today"),
    ({"since": "2026-01-01"}, "2026-01-01", "", ""),
    ({"since": "2026-01-01", "until": "2026-01-31"}, "2026-01-01", "2026-01-31", ""),
    ({"period": "all", "since": "2026-01-01"}, "", "", "all"),
])  # fmt: skip
def test_period_of_a_url(query, since, until, word):
    assert days_of(query, TODAY) == Days(since, until, word)


def test_what_can_be_saved_is_looked_for_at_all_times_unless_said_otherwise():
    assert days_of({}, TODAY, "all") == Days("", "", "all")
    assert days_of({"period": "today"}, TODAY, "all").is_today


def test_a_business_day_begins_at_its_cut_off():
    at = int(datetime(2026, 3, 8, 19, 30, tzinfo=UTC).timestamp()) * 1_000_000
    assert business_day(at, "Asia/Shanghai", "00:00") == date(2026, 3, 9)
    assert business_day(at, "Asia/Shanghai", "04:00") == date(2026, 3, 8)


def test_period_is_called_as_the_reader_says_it():
    speak("zh_CN")
    assert period_label({"period": "week"}) == "近 7 天"
    assert period_label({}, "all") == "全部时间"
    assert period_label({"since": "2026-03-08", "until": "2026-03-08"}) == "2026年3月8日"
    speak("en")
    assert period_label({"since": "2026-03-01"}) == "Mar 1, 2026 – …"
