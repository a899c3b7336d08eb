"""The console is measured over a real server: every kind of page, with what it took."""

import pytest

from voidtrail.runtime import console_store
from voidtrail.testing.bench.console import FILTERS, ConsolePlan, PageTimes, run_console


def test_quantile_is_a_measured_time():
    found = PageTimes("payments")
    for number in range(1, 101):
        found.add(f"/p{number}", number / 1000)
    assert (found.quantile(0.5), found.quantile(0.95), found.quantile(1.0)) == (0.051, 0.096, 0.1)
    assert found.slowest == "/p100"


def test_filters_are_all_different():
    assert len({tuple(sorted(each.items())) for each in FILTERS}) == len(FILTERS)


@pytest.mark.timeout(120)
def test_every_kind_of_page_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(console_store, "_ORDERS", 60)
    store = console_store.large_store(tmp_path, 300, lambda *_: None)
    plan = ConsolePlan(payments=300, lives=5, overviews=3, searches=2, pages_each=2)
    told = []
    found = run_console(store, plan, tmp_path, told.append)
    asked = {page.name: len(page.taken_s) for page in found.pages}
    assert asked == {
        "overview": 3, "overview, first look": 3, "payments": 2 * len(FILTERS), "payment": 5,
        "search": 6, "sources": 10,
    }  # fmt: skip
    assert all(0 < taken < 60 for page in found.pages for taken in page.taken_s)
    assert found.peak_rss_bytes > 50e6
    assert found.counted_s > 0
    assert told
    data = found.as_data()
    assert {page["name"] for page in data["pages"]} == set(asked)
    lists = next(page for page in found.pages if page.name == "payments")
    assert 0 < lists.quantile(0.5) <= lists.quantile(0.95) <= max(lists.taken_s)
