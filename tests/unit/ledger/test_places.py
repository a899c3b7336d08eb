"""A place is kept with what was read up to it, or not at all."""

import pytest

from voidtrail.errors import LedgerStopped
from voidtrail.ledger.keys import Keyring
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.lifecycle.projection import Projection
from voidtrail.lifecycle.terms import Terms


@pytest.fixture
def log(tmp_path):
    made = SqliteLog(tmp_path / "v.db", Projection(Terms()), Keyring(bytes(range(96))))
    yield made
    made.close()


def test_a_place_is_the_one_kept_last(log):
    assert log.place("access.log") is None
    for body in ("{1}", "{2}"):
        log.begin()
        log.keep_place("access.log", body)
        log.commit()
    assert log.place("access.log") == "{2}"
    assert log.place("other.log") is None


def test_a_place_goes_with_its_transaction(log):
    log.begin()
    log.keep_place("access.log", "{1}")
    log.rollback()
    assert log.place("access.log") is None


def test_a_failed_write_stops_the_store(log):
    log.begin()
    log.db.execute("DROP TABLE place")
    with pytest.raises(LedgerStopped):
        log.keep_place("access.log", "{1}")
    log.rollback()
    assert log.stopped
