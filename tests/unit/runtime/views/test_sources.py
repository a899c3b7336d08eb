"""How sources do: what came, what was refused, what waits, and what reading again makes of it."""

import asyncio

import pytest

from tests.unit.runtime.rig import HOUR, NOW, Clock, event, house_at, put, stated
from voidtrail.errors import NotFound
from voidtrail.event.model import Delivery, Unreadable
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.preparing import item_of
from voidtrail.runtime.report import report
from voidtrail.runtime.views import sources

DAY = 24 * HOUR


@pytest.fixture
def home(tmp_path):
    with house_at(tmp_path, Clock(NOW)) as made:
        yield made


def _garbage(home, body, why="no JSON", account="main", at=NOW):
    entry = home.entry("storefront", account)
    delivery = Delivery(source="storefront", account=account, received_at=at, body=body)
    home.ledger.begin()
    item = item_of(delivery, Unreadable(path="body", why=why), entry, home.keyring)
    (receipt,) = home.ledger.append([item], at)
    home.ledger.commit()
    return receipt.delivery_id


def _reread(home, number):
    async def run():
        intake = Intake(home.ledger, home.clock)
        try:
            return await sources.reread(home, intake, number)
        finally:
            await intake.close()

    return asyncio.run(run())


def _account(home, source="stripe", name="main"):
    return next(e for e in sources.health(home) if (e.source, e.account) == (source, name))


def test_deliveries_are_counted_by_business_day(home):
    for back, count in ((0, 3), (1, 2), (6, 1), (9, 5)):
        for no in range(count):
            put(home, event(payment=f"p{back}-{no}", notice=f"n{back}-{no}"), at=NOW - back * DAY)
    found = _account(home)
    assert found.by_day == (1, 0, 0, 0, 0, 2, 3)
    assert (found.today, found.week, found.last_at) == (3, 6, NOW)
    assert (found.hook, found.configured) == ("/hooks/stripe/main", True)
    assert _account(home, "storefront").last_at is None


def test_refusals_are_summed_from_what_the_worker_wrote(home):
    no = home.entry("stripe", "main").no
    body = f'[{{"account_no":{no},"code":"signature_wrong","count":2}}]'
    home.ledger.begin()
    home.ledger.control([("refused", body)], NOW - 9 * DAY)
    home.ledger.control([("refused", body), ("refused", body)], NOW)
    home.ledger.commit()
    assert _account(home).refused == {"signature_wrong": 4}


def test_quarantine_is_paged_the_newest_first(home, monkeypatch):
    monkeypatch.setattr(sources, "_PAGE", 2)
    numbers = [_garbage(home, f"x{no}".encode(), f"why {no}") for no in range(5)]
    seen, cursor = [], 0
    while True:
        page = sources.quarantine(home, cursor)
        assert page.total == 5
        seen += page.rows
        cursor = page.cursor
        if not cursor:
            break
    assert [each.delivery for each in seen] == numbers[::-1]
    assert (seen[0].path, seen[0].why, seen[0].via) == ("body", "why 4", "push")
    assert _account(home, "storefront").quarantined == 5


def test_delivery_that_is_understood_now_leaves_the_quarantine(home):
    body, _ = stated(order="A7", at="2026-03-17T10:00:00+08:00", amount="12.50", currency="CNY")
    number, stays = _garbage(home, body), _garbage(home, b"still nothing")
    done = _reread(home, number)
    assert (done.outcome, done.events, done.payments) == ("understood", 1, ("storefront/main/A7",))
    assert [each.delivery for each in sources.quarantine(home).rows] == [stays]
    assert report(home)["quarantined"] == 1 == _account(home, "storefront").quarantined
    again = _reread(home, stays)
    assert again.outcome == "unreadable"
    assert again.why
    assert _reread(home, number).outcome == "understood"


def test_delivery_whose_key_is_gone_is_erased_and_one_that_never_was_is_refused(home):
    number = _garbage(home, b"{")
    home.ledger.db.execute("UPDATE data_key SET wrapped = x''")
    assert _reread(home, number).outcome == "erased"
    with pytest.raises(NotFound):
        _reread(home, 999)


def test_conflicts_are_named(home):
    for amount in (100, 900):
        put(home, event(amount_minor=amount, currency="CNY"))
    (found,) = sources.conflicts(home)
    assert (found.source, found.payment, found.label) == ("stripe", "stripe/main/pi_1", "open")
    assert _account(home).conflicts == 1
