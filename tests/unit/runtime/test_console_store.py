"""A store made large is whole: as many payments, found by their names, counted by the report."""

import pytest

from voidtrail.runtime import console_store
from voidtrail.runtime.app import build, reader_of
from voidtrail.runtime.console_store import kept_in, large_store
from voidtrail.runtime.report import report
from voidtrail.runtime.settings import Ledger, Settings
from voidtrail.runtime.views import lists, lives
from voidtrail.runtime.views.shapes import Filter


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console_store, "_ORDERS", 40)
        folder = tmp_path_factory.mktemp("large")
        path = large_store(folder, 600, lambda done, of: told.append((done, of)))
        assert told[-1][0] == told[-1][1] > 2
        told.clear()
        assert large_store(folder, 600, lambda *each: told.append(each)) == path
        assert not told
    house = build(Settings(ledger=Ledger(path=str(path))), environment={})
    yield house
    house.close()


def test_it_holds_as_many_payments_as_were_asked_for(made):
    house = reader_of(made)
    counted = report(house, include_test=True)["payments"]
    assert counted >= 600
    rows = lists.page(house, Filter(test=True), size=10_000).rows
    assert len(rows) == counted
    assert len({row.payment for row in rows}) == len(rows)
    house.ledger.close()


def test_copies_are_found_by_their_names_and_stand_in_orders_of_their_own(made):
    house = reader_of(made)
    assert report(house)["orders"] > 100
    copied = [row for row in lists.page(house, Filter(), size=500).rows if "~3" in row.payment]
    assert copied
    for row in copied:
        page = lives.payment(house, row.payment)
        assert page.row == row
        assert page.lanes
        assert all("~3" in other.payment for other in page.others)
    house.ledger.close()


def test_copies_begin_over_a_year(made):
    db = made.ledger.db
    first, last = db.execute("SELECT min(spoken_at), max(spoken_at) FROM payment").fetchone()
    assert last - first > 0.7 * console_store.YEAR_US


def test_store_is_kept_where_caches_are(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert str(kept_in()) == "/somewhere/voidtrail"
