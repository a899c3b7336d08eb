"""The first page says what the report says: every figure of it, for every period and shop."""

import msgspec
import pytest

from tests.unit.runtime.house import NOW, event, house, say
from tests.unit.runtime.views.scene import DAY, HOUR, scene
from voidtrail.event.model import Kind, Tag
from voidtrail.runtime.report import report
from voidtrail.runtime.views import lists
from voidtrail.runtime.views.course import NOTHING, Asked, earlier_weeks
from voidtrail.runtime.views.overview import overview, uncounted
from voidtrail.runtime.views.saving import snapshot
from voidtrail.runtime.views.shapes import Filter

CNY = {"currency": "CNY", "tag": Tag.OWN}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    made = scene(tmp_path_factory.mktemp("scene"))
    yield made
    made.close()


def _overview(home, asked, known=NOTHING, now=NOW):
    return overview(home, asked, known=known, saving=snapshot(home), now=now)


ASKED = [
    Asked(), Asked("2026-09-21", "2026-09-21"), Asked("2026-09-15", "2026-09-18"),
    Asked("2026-09-01", "2026-09-30", "tea"), Asked(test=True), Asked(shop="nowhere"),
]  # fmt: skip


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_every_number_is_the_reports(home, asked):
    found = _overview(home, asked)
    said = report(home, since=asked.since or None, until=asked.until or None, shop=asked.shop,
                  include_test=asked.test, by=["source", "method", "shop"])  # fmt: skip
    assert found.report == said
    called_off, rate, cost, _ = found.tiles
    assert called_off.count == rate.count == rate.rate.count == said["cancelled"]
    assert msgspec.to_builtins(rate.rate) == said["cancel_rate"]
    assert {each.currency: each.minor for each in cost.amounts} == said["cancelled_minor"]
    assert (found.quarantined, found.conflicts) == (said["quarantined"], said["conflicts"])
    assert found.sentence.payments == said["payments"]
    for breakdown in found.breakdowns:
        for part in breakdown.slices:
            if breakdown.dimension in ("how", "actor"):
                assert part.called_off == said[breakdown.dimension][part.value]
                continue
            (same,) = [each for each in said["by"] if each["dimension"] == breakdown.dimension
                       and (each["value"] or "") == part.value]  # fmt: skip
            assert (part.payments, part.called_off) == (same["payments"], same["cancelled"])
            assert msgspec.to_builtins(part.rate) == same["cancel_rate"]
            assert {a.currency: a.minor for a in part.amounts} == same["cancelled_minor"]
        assert sum(part.called_off for part in breakdown.slices) == said["cancelled"]


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_steps_of_the_course_add_up_to_the_report(home, asked):
    found = _overview(home, asked)
    assert sum(point.payments for point in found.series) == found.report["payments"]
    assert sum(point.called_off for point in found.series) == found.report["cancelled"]
    assert [point.at for point in found.series] == sorted({point.at for point in found.series})
    assert found.step == ("hour" if asked.days() == 1 else "day")


def test_what_can_be_saved_is_what_the_list_holds(home):
    some = 0
    for shop in ("", "tea"):
        risk = _overview(home, Asked(shop=shop)).at_risk
        rows = lists.page(home, Filter(saveable=True, shop=shop, order="largest"), size=1000).rows
        assert risk.count == len(rows)
        assert all(row.saveable and row.save_until > NOW for row in rows)
        sums = {}
        for row in rows:
            if row.amount and row.amount.minor and row.amount.currency:
                sums[row.amount.currency] = sums.get(row.amount.currency, 0) + row.amount.minor
        assert {each.currency: each.minor for each in risk.amounts} == sums
        assert risk.largest == rows[:3]
        some += len(rows)
    assert some


def test_nothing_is_said_of_nothing_and_little_of_few(tmp_path):
    home = house(tmp_path)
    assert _overview(home, Asked()).sentence.kind == "nothing"
    assert _overview(home, Asked()).latest_on == ""
    say(home, "stripe", "main", event("p1", Kind.CANCEL))
    found = _overview(home, Asked())
    assert (found.sentence.kind, found.sentence.called_off) == ("few", 1)
    assert found.latest_on == "2026-09-21"
    home.close()


def _weeks(home, gone_now, source_now="stripe"):
    """Four calm Mondays, then one on which more is called off at one rail."""
    for week in range(5):
        for hour in range(8):
            for no in range(20):
                source = "alipay" if no % 2 else "stripe"
                at = NOW - week * 7 * DAY - (8 - hour) * HOUR + no
                bad = week == 0 and hour >= 4 and source == source_now and no < gone_now * 2
                kind = Kind.CANCEL if bad or no < 2 else Kind.CAPTURE
                say(home, source, "main",
                    event(f"w{week}-{hour}-{no}", kind, occurred_at=at, amount_minor=100,
                          operation=f"o{week}-{hour}-{no}", **CNY))  # fmt: skip


def test_departure_says_since_when_how_much_and_where(tmp_path):
    home = house(tmp_path)
    _weeks(home, 9)
    asked = Asked("2026-09-21", "2026-09-21")
    known = earlier_weeks(home, asked)
    found = _overview(home, asked, known)
    said = found.sentence
    assert (said.kind, said.source) == ("higher", "stripe")
    assert said.since_at == (NOW - 4 * HOUR) // HOUR * HOUR
    assert said.times > 2
    assert any(point.low is not None and point.rate > point.high for point in found.series)
    home.close()


def test_calm_day_is_usual_and_compared_up_to_the_same_hour(tmp_path):
    home = house(tmp_path)
    _weeks(home, 0)
    asked = Asked("2026-09-21", "2026-09-21")
    found = _overview(home, asked, earlier_weeks(home, asked))
    assert found.sentence.kind == "usual"
    _, week = found.tiles[0].compared
    assert (week.basis, week.since, week.times) == ("week_before", "2026-09-14", 1.0)
    # At noon of that day only what had begun by then is compared.
    noon = _overview(home, asked, now=NOW - 4 * HOUR)
    assert noon.tiles[0].compared[1].value < week.value
    home.close()


def test_page_before_the_first_count_says_so(home):
    found = uncounted(home.ledger.accounts(), Asked("2026-09-21", "2026-09-21"))
    assert found.pending
    assert found.counted_at is None
    assert found.period.to_at - found.period.from_at == DAY
