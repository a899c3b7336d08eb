"""The chart's title says the finding, and its numbers are words already."""

from tests.unit.web.console.overviews import HOUR, START, overview, point
from voidtrail.runtime.text import speak
from voidtrail.runtime.views.overview_shapes import Mark
from voidtrail.web.console.course import course


def drawn(*points, marks=(), **changes):
    speak("en")
    return course(overview(series=points, marks=tuple(marks), **changes))


def test_a_departure_from_what_was_expected_makes_the_title():
    found = drawn(point(0, 100, 10, low=0.05, high=0.2), point(1, 100, 50, low=0.05, high=0.2))
    assert found["title"] == "Above what was expected from 13:00 on; 50.0% at 13:00"
    assert found["expected"]


def test_a_rate_within_its_band_is_said_to_be():
    found = drawn(point(0, 100, 10, low=0.05, high=0.2), point(1, 100, 12, low=0.05, high=0.2))
    assert found["title"] == (
        "No single moment is beyond what was expected; highest at 13:00 with 12.0%"
    )


def test_a_few_payments_do_not_make_a_peak():
    found = drawn(point(0, 100, 10), point(1, 2, 2))
    assert found["title"] == "Highest at 12:00: 10.0% of what began then was called off"
    assert not found["expected"]


def test_what_is_still_growing_does_not_make_the_title():
    found = drawn(point(0, 100, 10), point(1, 100, 90, settled=False))
    assert "12:00" in found["title"]


def test_without_points_nothing_is_claimed():
    found = drawn(point(0, 0, 0))
    assert found["title"] == "How the share that is called off developed"
    assert found["description"] == "A line chart without points."


def test_every_point_is_told_with_its_interval_and_what_is_open():
    (told,) = drawn(point(0, 100, 10, low=0.05, high=0.2, still_open=3))["points"]
    assert told["told"].split("\n") == [
        "10 of 100 called off", "10.0% (5.5–17.4)", "expected 5.0% to 20.0%", "3 still open",
    ]  # fmt: skip


def test_marks_stand_at_the_step_in_which_they_happened():
    marks = [Mark(at=START + HOUR + 5, until=None, kind="fault", detail="alipay"),
             Mark(at=START + 5, until=None, kind="terms"),
             Mark(at=START - HOUR, until=None, kind="price", detail="tea")]  # fmt: skip
    found = drawn(point(0, 10, 1), point(1, 10, 1), marks=marks)
    assert found["marks"] == [{"label": "fault: Alipay", "tick": "13:00"},
                              {"label": "patience changed", "tick": "12:00"}]  # fmt: skip


def test_days_are_named_by_date():
    found = drawn(point(0, 10, 1), step="day")
    assert found["points"][0]["label"] == "Mar 17, 2026"
