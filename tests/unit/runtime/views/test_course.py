"""The course: its steps by the shops' days, what was expected, and what happened meanwhile."""

import pytest

from tests.unit.runtime.house import NOW, event, house, say
from tests.unit.runtime.views.scene import DAY, HOUR
from voidtrail.event.model import Kind, Result
from voidtrail.event.reason import number
from voidtrail.runtime.views.course import (
    DIMENSION,
    NOTHING,
    Asked,
    course,
    earlier_weeks,
    marks,
    period_of,
    step_of,
)

MINUTE = HOUR // 60
ASKED = Asked("2026-09-21", "2026-09-21")


@pytest.fixture
def home(tmp_path):
    made = house(tmp_path)
    yield made
    made.close()


def _course(home, asked, known=NOTHING, now=NOW):
    period, step = period_of(home.ledger.accounts(), asked), step_of(asked)
    return course(asked.report(home, by=DIMENSION[step]), period, step, known, now)


def test_hours_are_those_of_the_business_day_up_to_now(home):
    say(home, "stripe", "main", event("p1", Kind.CANCEL), cutoff="04:00")
    points = _course(home, ASKED).points
    period = period_of(home.ledger.accounts(), ASKED)
    assert points[0].at == period.from_at
    assert points[-1].at <= NOW < points[-1].at + HOUR
    assert [point.payments for point in points if point.payments] == [1]
    assert points[-1].called_off == 1


def test_days_without_payments_stand_in_the_course_too(home):
    for back in (0, 3):
        say(home, "stripe", "main", event(f"p{back}", Kind.CANCEL, occurred_at=NOW - back * DAY))
    for asked in (Asked(), Asked("2026-09-18", "2026-09-21")):
        points = _course(home, asked).points
        assert [point.payments for point in points] == [1, 0, 0, 1]
        assert points[1].rate is None


def test_step_that_is_still_growing_is_not_judged(home):
    for no in range(10):
        say(home, "stripe", "main", event(f"p{no}", Kind.OPEN, Result.PENDING))
    found = _course(home, ASKED)
    last = found.points[-1]
    assert (last.open, last.settled) == (10, False)
    assert len(found.steps) == len(found.points) - 1 == len(found.begins)


def test_earlier_weeks_are_the_same_hours(home):
    for week in range(1, 6):
        at = NOW - week * 7 * DAY
        for no in range(week):
            say(home, "stripe", "main", event(f"w{week}-{no}", Kind.CANCEL, occurred_at=at))
            say(home, "stripe", "main", event(f"x{week}-{no}", Kind.CAPTURE, occurred_at=at - HOUR))
    known = earlier_weeks(home, ASKED)
    (now, before) = (sorted(known.steps)[place] for place in (-1, -2))
    assert sorted(known.steps[now]) == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert sorted(known.steps[before]) == [(0, 1), (0, 2), (0, 3), (0, 4)]
    assert known.parts["source", "stripe"] == (10, 20)
    assert earlier_weeks(home, Asked()) is NOTHING
    assert earlier_weeks(home, Asked("2026-01-01", "2026-09-21")) is NOTHING


def _attempts(home, source, minute, faults, payments=4):
    for no in range(payments):
        at = NOW - 2 * HOUR + minute * MINUTE + no
        name = f"{source}{minute}-{no}"
        say(home, source, "main", event(name, Kind.OPEN, Result.PENDING, occurred_at=at))
        if no < faults:
            say(home, source, "main",
                event(name, Kind.SUBMIT, Result.REFUSED, occurred_at=at + 1,
                      reason=number("platform_fault")))  # fmt: skip


def test_fault_of_a_platform_is_marked_with_its_span(home):
    for minute in (0, 10, 20):
        _attempts(home, "alipay", minute, faults=3)
    _attempts(home, "alipay", 60, faults=1)
    _attempts(home, "stripe", 10, faults=2)
    (found,) = marks(home, period_of(home.ledger.accounts(), ASKED), ASKED)
    assert (found.kind, found.detail) == ("fault", "alipay")
    assert 20 * MINUTE < found.until - found.at <= 40 * MINUTE


def test_change_of_the_terms_is_marked_but_not_the_first_ones(home):
    say(home, "stripe", "main", event("p1", Kind.OPEN))
    home.ledger.begin()
    home.ledger.control([("terms", home.ledger.last_control("terms"))], NOW - HOUR)
    home.ledger.commit()
    (found,) = marks(home, period_of(home.ledger.accounts(), ASKED), ASKED)
    assert (found.kind, found.at) == ("terms", NOW - HOUR)
    other = Asked("2026-09-01", "2026-09-02")
    assert marks(home, period_of(home.ledger.accounts(), other), other) == ()
