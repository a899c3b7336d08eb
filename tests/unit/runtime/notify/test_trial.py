"""What would have been sent, asked of the past."""

import pytest

from tests.unit.runtime.notify.desk import DUTY, MINUTE, office_at
from tests.unit.runtime.rig import HOUR, NOW
from voidtrail.errors import WrongUse
from voidtrail.runtime.notify.trial import period, tried

DAY = 24 * HOUR
QUIET = '[[route]]\nname = "none"\nto = ["lead"]\nhow = ["reversed"]\n'


def played(office):
    for number in range(5):
        office.called_off(f"pi_{number}", order=f"A{number}")
        office.turn(3 * MINUTE)
    office.wait(HOUR)


def rows(said):
    return [(each.at, each.channel, each.why, each.incidents) for each in said]


def test_a_rehearsal_says_what_was_really_sent(tmp_path):
    with office_at(tmp_path) as office:
        played(office)
        said = tried(office.house, NOW, NOW + DAY)
        posted = office.house.ledger.db.execute("SELECT target, key FROM message ORDER BY no")
        sent = [(target, key.split(":")[3]) for target, key in posted]
    assert [(each.channel, each.why) for each in said] == sent
    assert [each.why for each in said] == ["opened", "escalated", "closed", "closed"]


def test_other_routes_are_tried_on_the_same_past_and_nothing_is_written(tmp_path):
    with office_at(tmp_path, QUIET) as office:
        played(office)
        assert tried(office.house, NOW, NOW + DAY) == []
        before = office.house.ledger.head()
    with office_at(tmp_path, DUTY) as office:
        assert len(tried(office.house, NOW, NOW + DAY)) == 4
        assert office.house.ledger.head().entries == before.entries
        assert office.house.ledger.db.execute("SELECT count(*) FROM message").fetchone() == (0,)


def test_only_the_period_counts(tmp_path):
    with office_at(tmp_path) as office:
        played(office)
        late = tried(office.house, NOW + 7 * MINUTE, NOW + DAY)
        assert late[0].incidents == (4,), "the incident begins with the first change in the period"
        assert tried(office.house, NOW + 7 * MINUTE, NOW + 8 * MINUTE) == []
        assert tried(office.house, NOW + DAY, NOW + 2 * DAY) == []
        assert tried(office.house, 0, NOW) == []


def test_a_period_is_yesterday_unless_it_is_named(tmp_path):
    with office_at(tmp_path) as office:
        house = office.house
        start, end, zone = period(house, None, None)
        assert (end - start, zone) == (DAY, "Asia/Shanghai")
        assert end <= house.clock() < end + DAY
        first, last, _ = period(house, "2026-03-01", None)
        assert period(house, "2026-03-01", "2026-03-02")[:2] == (first, last + DAY)
        with pytest.raises(WrongUse, match="ends before it begins"):
            period(house, "2026-03-02", "2026-03-01")
