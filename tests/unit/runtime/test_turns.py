"""Writing beside others: short parts and long pauses in company, hardly a pause alone."""

import contextlib

import pytest

from tests.unit.runtime.house import house
from voidtrail.ledger.contract import SLICE_MAX
from voidtrail.runtime.turns import ALONE_S, COMPANY_S, Turns


class _Clock:
    def __init__(self):
        self.now = 0.0
        self.slept = []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    def __call__(self):
        return self.now


@pytest.fixture
def home(tmp_path):
    made = house(tmp_path)
    yield made
    made.close()


@pytest.fixture
def other(home, tmp_path):
    made = house(tmp_path)
    yield made
    made.close()


def _write(home):
    with Turns(home, sleep=lambda _: None).turn() as ledger:
        ledger.control([("note", "{}")], 1)


def test_alone_there_is_hardly_a_pause(home):
    clock = _Clock()
    turns = Turns(home, clock.sleep, clock)
    with turns.turn() as ledger:
        ledger.control([("note", "{}")], 1)
    assert clock.slept == [ALONE_S]
    assert list(turns.parts(600)) == [(0, 256), (256, 512), (512, 600)]


def test_company_is_noticed_and_given_time(home, other):
    clock = _Clock()
    turns = Turns(home, clock.sleep, clock)
    _write(other)
    with turns.turn(SLICE_MAX) as ledger:
        ledger.control([("note", "{}")], 1)
        clock.now += 0.1
    assert turns.in_company()
    assert clock.slept[-1] == pytest.approx(0.3)
    sizes = [stop - start for start, stop in turns.parts(256)]
    assert max(sizes) < SLICE_MAX
    assert sum(sizes) == 256
    clock.now += COMPANY_S + 1
    assert not turns.in_company()


def test_failed_turn_leaves_nothing(home):
    before = home.ledger.head()
    failing = contextlib.ExitStack()
    ledger = failing.enter_context(Turns(home, sleep=lambda _: None).turn())
    ledger.control([("note", "{}")], 1)
    assert not failing.__exit__(RuntimeError, RuntimeError(), None)
    assert home.ledger.head() == before
    assert not home.ledger.db.in_transaction


def test_both_write_one_chain(home, other):
    for _ in range(3):
        _write(home)
        _write(other)
    from voidtrail.runtime.upkeep import verify

    assert verify(home)["ok"]
