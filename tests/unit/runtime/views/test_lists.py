"""Lists count what the report counts, page by page and whatever arrives; a search finds by all."""

import pytest

from tests.unit.runtime.house import NOW, event, say
from tests.unit.runtime.views.scene import DAY, scene
from voidtrail.errors import WrongUse
from voidtrail.event.model import Kind, Tag
from voidtrail.runtime.report import report
from voidtrail.runtime.views import lists
from voidtrail.runtime.views.shapes import Filter

CNY = {"currency": "CNY", "tag": Tag.OWN}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    made = scene(tmp_path_factory.mktemp("scene"))
    yield made
    made.close()


def _all(home, chosen, size=7, **more):
    """Every row over all pages."""
    rows, cursor, pages = [], "", 0
    while True:
        page = lists.page(home, chosen, cursor, size, **more)
        rows += page.rows
        cursor, pages = page.cursor, pages + 1
        assert len(page.rows) <= size
        if not cursor:
            return rows
        assert pages < 500


PERIODS = [{}, {"since": "2026-09-15", "until": "2026-09-17"}, {"until": "2026-09-14"}]
CHOSEN = [
    {}, {"state": "cancelled"}, {"state": "paid"}, {"how": "customer_cancelled"},
    {"actor": "merchant"}, {"money": "taken"}, {"source": "stripe"}, {"shop": "tea"},
    {"method": "alipay_qr"}, {"currency": "JPY"}, {"state": "cancelled", "how": "expired"},
    {"source": "alipay", "state": "cancelled"}, {"entity": "north-ltd"}, {"account": "north"},
    {"shop": "nowhere"}, {"test": True}, {"currency": "KWD"},
]  # fmt: skip


@pytest.mark.parametrize("period", PERIODS, ids=str)
@pytest.mark.parametrize("chosen", CHOSEN, ids=str)
def test_every_payment_stands_once_on_the_pages_the_latest_first(home, chosen, period):
    rows = _all(home, Filter(**chosen, **period))
    names = [row.payment for row in rows]
    assert len(set(names)) == len(names)
    assert [row.began_at for row in rows] == sorted((r.began_at for r in rows), reverse=True)
    whole = lists.page(home, Filter(**chosen, **period), size=10_000)
    assert [row.payment for row in whole.rows] == names
    assert whole.count == len(names)
    assert not whole.cursor


@pytest.mark.parametrize("period", PERIODS, ids=str)
@pytest.mark.parametrize("by", ["state", "how", "actor", "source", "shop", "method", "currency"])
def test_list_holds_what_the_report_counts(home, by, period):
    found = report(home, since=period.get("since"), until=period.get("until"), by=by)
    assert found["payments"] == len(_all(home, Filter(**period)))
    assert found["by"]
    for part in found["by"]:
        rows = _all(home, Filter(**period, **{by: part["value"]})) if part["value"] else []
        if part["value"] and part["value"] not in ("none", "unknown"):
            assert len(rows) == part["payments"], part["value"]
            gone = [row for row in rows if row.state == "cancelled"]
            assert len(gone) == part["cancelled"]
            for currency, minor in part["cancelled_minor"].items():
                assert minor == sum(row.amount.minor for row in gone
                                    if row.amount and row.amount.currency == currency)  # fmt: skip


def test_amounts_are_bounded_in_one_currency(home):
    chosen = Filter(currency="CNY", least=900, most=12_900)
    amounts = [row.amount.minor for row in _all(home, chosen)]
    everything = [row.amount.minor for row in _all(home, Filter(currency="CNY"))]
    assert sorted(amounts) == sorted(each for each in everything if 900 <= each <= 12_900)
    assert 0 < len(amounts) < len(everything)
    with pytest.raises(WrongUse, match="currency"):
        lists.page(home, Filter(least=1))


@pytest.mark.parametrize(
    "chosen", [{"state": "gone"}, {"method": "x"}, {"currency": "XYZ"}, {"since": "soon"}], ids=str
)
def test_word_that_nobody_knows_is_refused(home, chosen):
    with pytest.raises(WrongUse):
        lists.page(home, Filter(**chosen))


@pytest.mark.parametrize("cursor", ["x", "AAAA", "%%%", "gqE=", "k" * 500])
def test_damaged_cursor_is_refused(home, cursor):
    with pytest.raises(WrongUse, match="damaged"):
        lists.page(home, Filter(), cursor)


def test_pages_hold_although_payments_arrive_meanwhile(tmp_path):
    home = scene(tmp_path, count=40)
    before = [row.payment for row in _all(home, Filter())]
    seen, cursor, turn = [], "", 0
    while True:
        page = lists.page(home, Filter(), cursor, 5)
        seen += [row.payment for row in page.rows]
        turn += 1
        say(home, "stripe", "main",
            event(f"new{turn}", Kind.OPEN, occurred_at=NOW - turn * DAY // 2))  # fmt: skip
        cursor = page.cursor
        if not cursor:
            break
    assert len(set(seen)) == len(seen)
    assert [name for name in seen if "/new" not in name] == before
    home.close()


def test_page_ends_early_where_time_is_up_and_goes_on_from_there(home, monkeypatch):
    monkeypatch.setattr("voidtrail.runtime.views.paging._FIRST", 8)
    monkeypatch.setattr("voidtrail.runtime.views.paging.FEW", 0)
    chosen = Filter(state="cancelled", how="customer_cancelled")
    page = lists.page(home, chosen, size=10_000, budget_s=0.0)
    assert page.searched_to is not None
    assert page.cursor
    assert page.count is None
    whole = [row.payment for row in lists.page(home, chosen, size=10_000).rows]
    assert [row.payment for row in _all(home, chosen, 10_000, budget_s=0.0)] == whole


def test_largest_come_first_currency_by_currency(home):
    rows = _all(home, Filter(state="cancelled", order="largest"))
    latest = _all(home, Filter(state="cancelled"))
    assert {row.payment for row in rows} == {row.payment for row in latest}
    currencies = [row.amount.currency for row in rows if row.amount]
    assert len(list(dict.fromkeys(currencies))) == sum(
        left != right for left, right in zip(["", *currencies], currencies, strict=False)
    )
    for currency in set(currencies):
        amounts = [row.amount.minor for row in rows if row.amount.currency == currency]
        assert amounts == sorted(amounts, reverse=True)


def test_search_finds_an_order_by_any_of_its_references(home):
    row = next(row for row in _all(home, Filter(state="paid")) if row.order)
    for text in (row.payment, row.reference, f"op-{row.reference}", f" {row.reference} "):
        found = lists.found(home, text)
        assert found.only == f"order/{row.shop}/{row.order}"
        assert row.payment in {hit.row.payment for hit in found.hits}
    assert lists.found(home, row.order).hits[0].by == "order"
    assert lists.page(home, Filter(query=row.reference)).rows[0].payment == row.payment
    assert lists.page(home, Filter(query=row.reference, state="open")).rows == ()


def test_search_finds_by_amount_in_any_currency(home):
    hits = lists.found(home, "129.00").hits
    assert hits
    assert {hit.by for hit in hits} == {"amount"}
    assert all((hit.row.amount.minor, hit.row.amount.currency) in
               {(12900, "CNY"), (12900, "USD")} for hit in hits)  # fmt: skip
    yen = lists.found(home, "12,900")
    assert {hit.row.amount.currency for hit in yen.hits} == {"JPY"}
    assert yen.only == ""


def test_search_finds_by_the_last_four_of_a_card(home):
    say(home, "stripe", "main",
        event("card1", Kind.OPEN, order="K1", dimensions=(("card_last4", "4242"),)))  # fmt: skip
    (hit,) = lists.found(home, "4242").hits
    assert (hit.by, hit.row.reference) == ("card", "card1")
    assert lists.found(home, "4243").hits == ()


@pytest.mark.parametrize("text", ["", "   ", "nothing", "%", "' OR 1=1 --", "¥", "9" * 300])
def test_search_for_what_nobody_said_finds_nothing(home, text):
    assert lists.found(home, text).hits == ()
