"""The report to be forwarded: its periods, and figures that are the report's own."""

import pytest

from tests.unit.runtime.rig import HOUR, NOW, Clock, event, house_at, put
from voidtrail.errors import WrongUse
from voidtrail.event.model import Kind, Method, Tag
from voidtrail.runtime.report import report
from voidtrail.runtime.views.course import PARTS, Asked
from voidtrail.runtime.views.paper import (
    Days,
    days_around,
    days_before,
    days_in,
    days_of,
    kind_of,
    paper,
)

DAY = 24 * HOUR
ON = "2026-03-17"


@pytest.fixture
def house(tmp_path):
    with house_at(tmp_path, Clock(NOW + 3 * DAY)) as house:
        yield house


def pay(house, name, at, *, paid=True):
    more = {"amount_minor": 500, "currency": "CNY"}
    put(house, event(payment=name, notice=f"o{name}", at=at, method=Method.WECHAT_QR, **more))
    if paid:
        put(house, event(Kind.CAPTURE, payment=name, notice=f"c{name}", at=at, tag=Tag.OWN,
                         operation=f"ch_{name}", **more))  # fmt: skip
    else:
        put(house, event(Kind.CANCEL, payment=name, notice=f"x{name}", at=at))


def test_periods_of_the_calendar():
    assert days_around("day", ON) == Days(ON, ON)
    assert days_around("week", "2026-01-01") == Days("2025-12-29", "2026-01-04")
    assert days_around("month", "2024-02-03") == Days("2024-02-01", "2024-02-29")
    with pytest.raises(WrongUse, match="not a date"):
        days_around("week", "yesterday")


@pytest.mark.parametrize(
    ("since", "until", "kind", "before"),
    [
        (ON, ON, "day", ("2026-03-16", "2026-03-16")),
        ("2026-03-16", "2026-03-22", "week", ("2026-03-09", "2026-03-15")),
        ("2026-03-01", "2026-03-31", "month", ("2026-02-01", "2026-02-28")),
        ("2026-03-17", "2026-03-23", "days", ("2026-03-10", "2026-03-16")),
        ("2026-03-01", "2026-03-30", "days", ("2026-01-30", "2026-02-28")),
    ],
)
def test_a_period_is_held_against_the_one_before_it(since, until, kind, before):
    assert kind_of(since, until) == kind
    assert days_before(since, until) == before


def test_without_days_it_is_the_last_day_that_is_over(house):
    assert days_of(house, None, None, "") == Days("2026-03-19", "2026-03-19")
    assert days_of(house, None, None, "month") == Days("2026-03-01", "2026-03-31")
    assert days_of(house, ON, None, "") == Days(ON, ON)
    assert days_of(house, ON, "2026-03-19", "") == Days(ON, "2026-03-19")


@pytest.mark.parametrize("days", [("", ""), (ON, "2026-03-16"), ("2020-01-01", ON), ("x", ON)])
def test_days_that_make_no_report_are_refused(house, days):
    with pytest.raises(WrongUse):
        days_in(Asked(*days))
    with pytest.raises(WrongUse):
        paper(house, Asked(*days), now=NOW)


def test_its_figures_are_those_of_the_report(house):
    for n in range(6):
        pay(house, f"pi_{n}", NOW + n, paid=n > 1)
        pay(house, f"pj_{n}", NOW - DAY + n, paid=n > 0)
    found = paper(house, Asked(ON, ON), now=house.clock())
    assert found.overview.report == report(house, since=ON, until=ON, by=list(PARTS))
    assert found.before is not None
    assert found.before.report == report(house, since="2026-03-16", until="2026-03-16")
    assert (found.kind, found.over, found.before.in_part) == ("day", True, False)
    assert found.rate.value == found.overview.report["cancel_rate"]["value"] == 2 / 6
    assert found.head == house.ledger.head().digest.hex()


def test_a_day_that_is_not_over_is_held_against_the_same_time_of_the_day_before(house):
    pay(house, "pi_1", NOW)
    pay(house, "pj_1", NOW - DAY - HOUR)
    pay(house, "pj_2", NOW - DAY + 2 * HOUR)
    found = paper(house, Asked(ON, ON), now=NOW + HOUR)
    assert (found.over, found.before.in_part) == (False, True)
    assert found.before.report["payments"] == 1, "what came later that day is not compared with"


def test_what_is_usual_is_weighed_by_when_payments_began(house):
    for week in range(1, 5):
        for n in range(10):
            pay(house, f"a{week}{n}", NOW - 7 * week * DAY + n, paid=n > 0)
            pay(house, f"b{week}{n}", NOW - 7 * week * DAY + HOUR + n, paid=n > 4)
    for n in range(20):
        pay(house, f"c{n}", NOW + n)
    for n in range(20):
        pay(house, f"d{n}", NOW + HOUR + n)
    found = paper(house, Asked(ON, ON), now=house.clock())
    assert found.usual is not None
    assert found.usual.share == pytest.approx((0.1 + 0.5) / 2)
    assert (found.usual.of, found.usual.weeks) == (80, 4)


def test_nothing_is_usual_where_nothing_was_before(house):
    pay(house, "pi_1", NOW)
    assert paper(house, Asked(ON, ON), now=house.clock()).usual is None
