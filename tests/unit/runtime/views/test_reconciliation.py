"""The page of reconciliation: open differences of the runs in force, in pages, by filter."""

import pytest

from tests.simulation.bills import book, house_in
from voidtrail.runtime.reconciling.run import Asked, reconcile_file
from voidtrail.runtime.views import reconciliation as views
from voidtrail.runtime.views.reconciliation import Chosen
from voidtrail.testing.bills import planted, write


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A ledger in which two bills were reconciled, one of them twice."""
    folder = tmp_path_factory.mktemp("scene")
    house = house_in(folder)
    found = []
    for seed in (2, 3, 2):
        day = planted(seed, "wechatpay", ordinary=2)
        name = f"wechatpay-{seed}" if len(found) == 2 else book(house, day)
        file = folder / f"{name}.csv"
        file.write_bytes(write(day))
        found.append(reconcile_file(house, Asked(file, "wechatpay", name)))
    yield house, found
    house.close()


def test_only_runs_in_force_are_open(scene):
    house, (first, second, again) = scene
    page = views.page(house, Chosen())
    assert [each.number for each in page.runs] == [3, 2, 1]
    assert page.replaced == {1}
    assert page.open == second.run.open + again.run.open
    assert page.accounts == ("wechatpay/wechatpay-2", "wechatpay/wechatpay-3")
    assert first.findings == again.findings


def test_pages_hold_everything_once(scene):
    house, (_, second, again) = scene
    every, after = [], 0
    while True:
        page = views.page(house, Chosen(after=after), size=7)
        assert page.total == len(second.findings) + len(again.findings)
        every += page.rows
        after = page.next
        if not after:
            break
    assert [each.finding for each in every] == [*again.findings, *second.findings]


def test_filters_narrow(scene):
    house, (first, second, _) = scene
    page = views.page(house, Chosen(kind="paid_twice"))
    assert {each.finding.kind for each in page.rows} <= {"paid_twice"}
    only = views.page(house, Chosen(account="wechatpay/wechatpay-3"), size=500)
    assert tuple(each.finding for each in only.rows) == second.findings
    old = views.page(house, Chosen(run=1), size=500)
    assert tuple(each.finding for each in old.rows) == first.findings


def test_an_export_holds_what_the_pages_hold(scene):
    house, (_, second, again) = scene
    assert len([*views.found(house, Chosen())]) == len(second.findings) + len(again.findings)
