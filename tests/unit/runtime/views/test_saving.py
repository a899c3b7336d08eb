"""A snapshot of what can be saved, filtered as any list is."""

import pytest

from tests.unit.runtime.house import NOW
from tests.unit.runtime.views.scene import scene
from voidtrail.errors import WrongUse
from voidtrail.runtime.views import lists
from voidtrail.runtime.views.saving import at_risk, snapshot
from voidtrail.runtime.views.shapes import Filter


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    made = scene(tmp_path_factory.mktemp("scene"), count=300)
    yield made
    made.close()


@pytest.mark.parametrize(
    "chosen",
    [
        {}, {"state": "cancelled"}, {"how": "expired"}, {"actor": "customer"}, {"money": "none"},
        {"source": "alipay"}, {"shop": "tea"}, {"method": "card_form"}, {"currency": "USD"},
        {"currency": "CNY", "least": 900}, {"currency": "CNY", "most": 900}, {"test": True},
        {"since": "2026-09-20"}, {"until": "2026-09-20"}, {"shop": "nowhere"},
    ],
    ids=str,
)  # fmt: skip
def test_snapshot_leaves_what_the_same_filter_leaves_of_all_payments(home, chosen):
    saved = lists.page(home, Filter(saveable=True, **chosen), size=1000).rows
    every = lists.page(home, Filter(**chosen), size=1000).rows
    assert [row.payment for row in saved] == [row.payment for row in every if row.saveable]
    assert at_risk(home, snapshot(home), Filter(**chosen)).count == len(saved)


def test_snapshot_is_not_empty_and_stands_at_the_ledgers_clock(home):
    taken = snapshot(home)
    assert taken.at == NOW
    assert len({each.payment_id for each in taken.chances}) == len(taken.chances) > 5


def test_amounts_without_currency_and_unknown_words_are_refused(home):
    taken = snapshot(home)
    for chosen in (Filter(least=1), Filter(state="gone"), Filter(currency="XYZ")):
        with pytest.raises(WrongUse):
            at_risk(home, taken, chosen)
