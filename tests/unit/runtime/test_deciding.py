"""The decider that only writes to the log."""

from structlog.testing import capture_logs

from tests.unit.runtime.rig import event, house_at, put
from voidtrail.event.model import Kind, Tag
from voidtrail.runtime.deciding import NOTHING, Logbook
from voidtrail.runtime.outbox import take


def test_every_change_that_is_not_quiet_stands_in_the_log_and_nothing_is_sent(tmp_path):
    money = {"amount_minor": 500, "currency": "CNY", "tag": Tag.OWN, "operation": "ch_1"}
    with house_at(tmp_path) as house:
        put(house, event(Kind.CAPTURE, **money))
        put(house, event(Kind.CAPTURE, payment="pi_2", notice="n2", test=True, **money))
        notices = take(house.ledger, 10)
        assert [notice.quiet for notice in notices] == [False, True]
        book = Logbook()
        with capture_logs() as logs:
            assert book.decide(notices, 0) == NOTHING
            assert book.due(0) == NOTHING
            book.settled(NOTHING)
    assert [(log["event"], log["notice"]) for log in logs] == [("verdict_changed", notices[0].no)]
