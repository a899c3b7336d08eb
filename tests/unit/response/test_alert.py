"""Laws of alerts: who is told, once, when; with a virtual clock."""

import pytest
from msgspec import json

from tests.unit.response.told import (
    CANCELLED,
    FAILED,
    GAVE_UP,
    HOUR,
    MINUTE,
    NOW,
    PAID,
    SECOND,
    Office,
    news,
    route,
    said,
)
from voidtrail.response.hours import Hours, parse
from voidtrail.response.route import Step

STEPS = (Step(300, ("lead",)), Step(900, ("head", "duty")))


def outage(office, count, *, slice_=256, every=SECOND // 100, first=1):
    """Let payments fail, a slice of notices at a time."""
    at = office.now
    for start in range(first, first + count, slice_):
        numbers = range(start, min(start + slice_, first + count))
        office.hear(*(news(no, FAILED, at=at + (no - first) * every) for no in numbers))


def test_ten_thousand_failures_are_one_incident_with_count_and_money():
    office = Office(route())
    outage(office, 10_000)
    (incident,) = office.state.incidents.values()
    assert (incident.count, incident.money) == (10_000, {"CNY": 10_000_000})
    assert said(tell for _, tell in office.tells) == [("duty", "opened")]
    assert len(office.entries) == 40, "one entry a slice"
    (closed,) = office.wait(20 * MINUTE)
    assert (closed.why, closed.incidents[0].count) == ("closed", 10_000)
    assert closed.incidents[0].money == {"CNY": 10_000_000}
    assert office.wait(24 * HOUR) == []
    assert not office.state.incidents
    assert office.state.recent[0].count == 10_000
    assert office.replayed() == office.state


def test_giving_up_after_a_fault_that_was_told_is_no_second_incident():
    office = Office(route())
    outage(office, 30, slice_=10)
    office.wait(2 * HOUR)
    office.hear(*(news(100 + no, GAVE_UP, before=FAILED, payment=no, at=office.now)
                  for no in range(1, 31)))  # fmt: skip
    assert said(tell for _, tell in office.tells) == [("duty", "closed"), ("duty", "opened")]


def test_giving_up_is_told_to_whom_failing_was_not():
    office = Office(route(state=("cancelled",)))
    outage(office, 30)
    assert office.tells == []
    office.hear(*(news(100 + no, GAVE_UP, before=FAILED, payment=no, at=office.now + HOUR)
                  for no in range(1, 31)))  # fmt: skip
    assert said(tell for _, tell in office.tells) == [("duty", "opened")]


def test_a_payment_counts_once_however_often_it_is_called_off():
    office = Office(route())
    office.hear(news(1), news(2, PAID, before=CANCELLED, payment=1), news(3, payment=1))
    office.hear(news(4, PAID, before=CANCELLED, payment=1), news(5, payment=1))
    (incident,) = office.state.incidents.values()
    assert (incident.count, incident.money, set(incident.back)) == (1, {"CNY": 1000}, {1})


def test_what_came_back_is_told_when_the_incident_is_over():
    office = Office(route())
    office.hear(news(1))
    office.hear(news(2, PAID, before=CANCELLED, payment=1, at=NOW + MINUTE))
    (closed,) = office.wait(HOUR)
    assert (closed.why, len(closed.incidents[0].back)) == ("closed", 1)


def test_an_incident_that_did_not_grow_ends_in_silence():
    office = Office(route())
    office.hear(news(1))
    assert office.wait(24 * HOUR) == []
    assert [incident.no for incident in office.state.recent] == [1]


def test_another_shop_rail_or_kind_is_another_incident():
    office = Office(route())
    office.hear(news(1), news(2, shop="airport"), news(3, rail="stripe"), news(4, FAILED), news(5))
    assert [i.count for i in office.state.incidents.values()] == [2, 1, 1, 1]
    assert len(office.tells) == 4


def test_after_the_window_a_new_incident_begins():
    office = Office(route(), window_us=10 * MINUTE)
    office.hear(news(1))
    office.hear(news(2, at=NOW + 10 * MINUTE))
    assert len(office.tells) == 1, "still within the window of the last one"
    office.hear(news(3, at=NOW + 20 * MINUTE + 1))
    assert [tell.incidents[0].no for _, tell in office.tells] == [1, 3]
    assert office.replayed() == office.state


@pytest.mark.parametrize("closed_before", [False, True])
def test_what_nobody_acknowledges_escalates_after_5_and_15_minutes(closed_before):
    window = MINUTE if closed_before else HOUR
    office = Office(route(escalate=STEPS), window_us=window)
    office.hear(news(1))
    assert office.wait(5 * MINUTE - SECOND, SECOND) == []
    assert said(office.wait(SECOND)) == [("lead", "escalated")]
    assert office.wait(10 * MINUTE - SECOND, SECOND) == []
    assert said(office.wait(SECOND)) == [("duty", "escalated"), ("head", "escalated")]
    assert office.wait(24 * HOUR) == []
    assert len({tell.key for _, tell in office.tells}) == 4
    assert office.replayed() == office.state


def test_what_somebody_acknowledged_does_not_escalate():
    office = Office(route(escalate=STEPS))
    office.hear(news(1))
    office.wait(6 * MINUTE)
    office.acknowledge(1)
    assert office.wait(24 * HOUR) == []
    assert office.state.recent[0].acknowledged.who == "Li"
    office.acknowledge(1, "Wang")
    assert office.state.recent[0].acknowledged.who == "Li", "the first one counts"
    office.acknowledge(77)
    assert office.replayed() == office.state


def test_after_a_long_stop_both_steps_are_told_once():
    office = Office(route(escalate=STEPS))
    office.hear(news(1))
    assert said(office.wait(3 * HOUR, 3 * HOUR)) == [
        ("duty", "escalated"), ("head", "escalated"), ("lead", "escalated")]  # fmt: skip
    assert office.wait(3 * HOUR) == []


def test_one_digest_for_the_rest():
    office = Office(route("large", ("duty",), at_least={"CNY": 50_000}),
                    route("rest", ("duty", "mail"), send="digest"))  # fmt: skip
    office.hear(news(1, amount_minor=60_000), news(2, shop="airport"), news(3, rail="stripe"))
    assert said(tell for _, tell in office.tells) == [("duty", "opened")]
    digests = office.wait(HOUR + MINUTE)
    assert said(digests) == [("duty", "digest"), ("mail", "digest")]
    told = {tell.channel: [i.no for i in tell.incidents] for tell in digests}
    assert told == {"duty": [2, 3], "mail": [1, 2, 3]}, "who was told at once reads it no more"
    assert office.wait(24 * HOUR) == []
    assert not office.state.incidents
    assert office.replayed() == office.state


def test_a_growing_incident_is_one_line_in_each_digest():
    office = Office(route("rest", send="digest"), window_us=2 * HOUR)
    counts = []
    for hour in range(3):
        office.hear(*(news(100 * hour + n, at=NOW + hour * HOUR + n) for n in range(1, 6)))
        counts += [tell.incidents[0].count for tell in office.wait(HOUR)]
    assert counts == [5, 10, 15]
    keys = [tell.key for _, tell in office.tells]
    assert keys == ["digest:duty:1", "digest:duty:2", "digest:duty:3"]


def test_quiet_hours_hold_a_message_until_morning():
    night = {"downtown": Hours(quiet=parse("14:00-08:00"))}
    office = Office(route("calm", hours="awake", escalate=STEPS), route("loud", ("pager",)),
                    hours=night)  # fmt: skip
    office.hear(news(1), news(2, shop="airport"))
    assert said(tell for _, tell in office.tells) == [
        ("duty", "opened"), ("pager", "opened"), ("pager", "opened")]  # fmt: skip
    office.hear(news(3, at=NOW + HOUR))
    told = office.wait(18 * HOUR)
    first = next(tell for tell in told if tell.incidents[0].topic.shop == "downtown"
                 and tell.channel == "duty")  # fmt: skip
    at = next(at for at, tell in office.tells if tell is first)
    assert (first.why, at // HOUR * HOUR) == ("opened", 1_773_792_000 * SECOND), "08:00 there"
    assert {tell.channel for tell in told if tell.why == "escalated"} == {"lead", "head", "duty"}


def test_each_large_payment_is_told_alone_until_there_is_a_flood():
    office = Office(route("large", each=True, at_least={"CNY": 50_000}), own_max=3)
    for no in range(1, 8):
        office.hear(news(no, amount_minor=60_000, at=NOW + no * SECOND))
    assert [tell.incidents[0].no for _, tell in office.tells] == [1, 2, 3, 4]
    assert [i.count for i in office.state.incidents.values()] == [1, 1, 1, 4]
    assert office.replayed() == office.state


def test_history_is_told_to_nobody_and_test_traffic_only_to_a_test_route():
    office = Office(route(), route("try", ("bench",), test=True))
    office.hear(news(1, history=True), news(2, test=True, history=True), news(3, test=True))
    assert said(tell for _, tell in office.tells) == [("bench", "opened")]
    assert office.state.incidents[3].topic.test
    assert list(office.state.incidents) == [3]


def test_the_same_decision_again_gives_the_same_keys():
    office = Office(route("a", ("duty", "值班 群")), route("b", ("mail",), send="digest"))
    office.hear(news(1))
    again = Office(*office.book.routes)
    again.hear(news(1), now=NOW + 7 * SECOND)
    keys = [tell.key for _, tell in office.tells]
    assert keys == [tell.key for _, tell in again.tells]
    assert keys == ["alert:1:duty:opened", "alert:1:%E5%80%BC%E7%8F%AD%20%E7%BE%A4:opened"]


def test_an_entry_stays_small():
    office = Office(route())
    outage(office, 1000)
    assert max(map(len, office.entries)) < 3000
    assert json.decode(office.entries[0])["type"] == "seen"
