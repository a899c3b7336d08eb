"""Counts are made beside the requests: at once from what is known, anew when something changed."""

import threading
import time

import pytest

from tests.unit.runtime.house import event, house, say
from tests.unit.runtime.views.scene import scene
from voidtrail.event.model import Kind
from voidtrail.runtime.views.course import Asked
from voidtrail.runtime.views.watch import Counter, Watch


@pytest.fixture
def home(tmp_path):
    made = house(tmp_path)
    say(made, "stripe", "main", event("p0", Kind.CANCEL))
    yield made
    made.close()


@pytest.fixture
def counter(home):
    made = Counter(home, "test", lambda: 0)
    yield made
    made.close()


def _soon(holds, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _payments(house_):
    return house_.ledger.db.execute("SELECT count(*) FROM payment").fetchone()[0]


def test_first_count_is_waited_for(counter):
    assert counter.get("a", _payments)[0] == 1


def test_nobody_waits_longer_than_said(counter):
    hold = threading.Event()
    began = time.monotonic()
    assert counter.get("a", lambda _: hold.wait(20), wait_s=0.05)[0] is None
    assert time.monotonic() - began < 5
    hold.set()
    _soon(lambda: counter.get("a", lambda _: True, wait_s=0.0)[0])


def test_count_is_made_anew_once_something_was_written(home, counter):
    assert counter.get("a", _payments, fresh_s=0.01)[0] == 1
    say(home, "stripe", "main", event("p1", Kind.CANCEL))
    _soon(lambda: counter.get("a", _payments, fresh_s=0.01)[0] == 2)


def test_nothing_is_counted_anew_while_nothing_changed(counter):
    made = []

    def count(house_):
        made.append(house_)
        return len(made)

    counter.get("a", count, fresh_s=0.01)
    time.sleep(0.6)
    value, age_s = counter.get("a", count, fresh_s=0.01)
    assert (value, len(made)) == (1, 1)
    assert age_s < 0.6


def test_old_count_is_made_anew_before_it_is_shown_again(home):
    now = [1000.0]
    counter = Counter(home, "test", lambda: 0, lambda: now[0])
    assert counter.get("a", _payments)[0] == 1
    say(home, "stripe", "main", event("p1", Kind.CANCEL))
    now[0] += 3600
    assert counter.get("a", _payments, wait_s=10.0) == (2, 0.0)
    counter.close()


def test_count_that_fails_keeps_the_last_one_and_tries_again(home, counter):
    turns = []

    def count(house_):
        turns.append(1)
        if len(turns) == 1:
            raise ValueError("not now")
        return _payments(house_)

    _soon(lambda: counter.get("a", count, wait_s=0.05)[0] == 1)
    assert len(turns) == 2


def test_counts_are_made_over_a_connection_that_cannot_write(counter):
    def count(house_):
        try:
            house_.ledger.db.execute("DELETE FROM payment")
        except Exception as error:
            return str(error)

    assert "readonly" in counter.get("a", count)[0]


def test_watch_gives_the_overview_its_age_and_closes_in_the_middle_of_a_count(tmp_path):
    home = scene(tmp_path, count=30)
    watch = Watch(home)
    asked = Asked("2026-09-21", "2026-09-21")
    found = watch.overview(asked)
    assert not found.pending
    assert found.age_s < 5
    assert found.report["payments"] > 0
    assert watch.saving().chances
    watch.overview(Asked())
    began = time.monotonic()
    watch.close()
    assert time.monotonic() - began < 5
    home.close()


def test_earlier_weeks_come_a_moment_later(tmp_path):
    home = scene(tmp_path, count=300)
    watch = Watch(home)
    asked = Asked("2026-09-19", "2026-09-20")
    watch.overview(asked)
    _soon(lambda: any(point.low is not None for point in watch.overview(asked).series))
    watch.close()
    home.close()
