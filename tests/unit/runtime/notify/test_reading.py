"""Incidents as people read them."""

import pytest

from tests.unit.runtime.notify.desk import MINUTE, office_at
from tests.unit.runtime.notify.test_desk import acknowledged
from voidtrail.errors import NotFound
from voidtrail.ledger.messages import DEAD, SENT, WAITING, Mark
from voidtrail.runtime.notify.reading import incident, incidents


@pytest.fixture
def office(tmp_path):
    with office_at(tmp_path) as office:
        yield office


def marked(office, no, state, error=""):
    ledger = office.house.ledger
    ledger.begin()
    ledger.mark([Mark(no, state, office.clock.now, 3, error)], office.clock.now)
    ledger.commit()


@pytest.mark.parametrize(
    ("state", "arrival"), [(WAITING, "waiting"), (SENT, "arrived"), (DEAD, "given_up")]
)
def test_who_was_told_and_whether_it_arrived(office, state, arrival):
    office.called_off("pi_1", 65_000)
    office.turn()
    marked(office, 1, state, "answered 500")
    (row,) = incidents(office.house)
    (told,) = row.told
    assert (told.channel, told.why, told.arrival, told.tries) == ("值班", "opened", arrival, 3)
    assert told.last_error == "answered 500"
    assert (row.count, row.money, row.shop, row.rail) == (1, {"CNY": 65_000}, "downtown", "stripe")


def test_the_newest_come_first_and_end_up_over(office):
    office.called_off("pi_1")
    office.turn()
    office.wait(30 * MINUTE)
    office.called_off("pi_2", order="A2")
    office.turn()
    second, first = incidents(office.house)
    assert (first.closed_at is None, second.closed_at) == (False, None)
    assert [row.no for row in incidents(office.house, limit=1)] == [second.no]


def test_what_arrived_long_ago_and_was_tidied_away_arrived(office):
    office.called_off("pi_1")
    office.turn()
    office.house.ledger.db.execute("DELETE FROM message")
    assert incidents(office.house)[0].told[0].arrival == "arrived"


def test_who_acknowledged_is_shown(office):
    office.called_off("pi_1")
    office.turn()
    assert incident(office.house, 1).acknowledged_by == ""
    acknowledged(office, 1, "Li")
    row = incident(office.house, 1)
    assert (row.acknowledged_by, row.acknowledged_at) == ("Li", office.clock.now)


def test_an_incident_that_is_not_there_is_said_to_be_not_there(office):
    with pytest.raises(NotFound, match="there is no incident 7"):
        incident(office.house, 7)
