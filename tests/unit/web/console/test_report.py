"""The periods that the report's page offers."""

from datetime import date

import pytest

from voidtrail.runtime.text import speak
from voidtrail.web.console.report import choices


def link(path, **wanted):
    return f"{path} {wanted['since']} {wanted['until']}"


@pytest.mark.parametrize(
    ("today", "addresses"),
    [
        (date(2026, 3, 17), ("2026-03-16 2026-03-16", "2026-03-09 2026-03-15",
                             "2026-02-01 2026-02-28")),
        (date(2026, 1, 1), ("2025-12-31 2025-12-31", "2025-12-22 2025-12-28",
                            "2025-12-01 2025-12-31")),
    ],
)  # fmt: skip
def test_day_week_and_month_that_are_over_are_offered(today, addresses):
    speak("en")
    assert choices(today, link) == [
        (said, f"/report {days}")
        for said, days in zip(("Yesterday", "Last week", "Last month"), addresses, strict=True)
    ]
