"""What counts, once, where and under which name."""

from typing import Any

import pytest

from tests.unit.runtime.house import MAPPING, NOW, event, house, mapping, row, rows, say, table
from voidtrail.errors import WrongUse
from voidtrail.event.model import Channel, Kind, Method, Result, Role, Tag
from voidtrail.runtime.app import reader_of
from voidtrail.runtime.clock import from_text
from voidtrail.runtime.files import import_file
from voidtrail.runtime.report import report

CNY: dict[str, Any] = {"currency": "CNY", "tag": Tag.OWN}
DAY = 86_400_000_000


@pytest.fixture
def home(tmp_path):
    made = house(tmp_path)
    yield made
    made.close()


def _paid(payment, order="", amount=1000, **said):
    return event(payment, Kind.CAPTURE, order=order, operation=payment, amount_minor=amount,
                 **CNY, **said)  # fmt: skip


def _off(payment, order="", **said):
    return event(payment, Kind.CANCEL, order=order, amount_minor=700, **CNY, **said)


def test_nothing_is_counted_in_an_empty_ledger(home):
    found = report(home)
    assert (found["orders"], found["payments"], found["cancelled"]) == (0, 0, 0)
    assert found["cancel_rate"]["value"] is None
    assert found["by"] == []


def test_every_word_is_there_even_at_zero(home):
    found = report(home)
    assert set(found["state"]) == {"open", "paid", "cancelled", "declined", "failed", "unknown"}
    assert set(found["money"]) == {"none", "held", "taken", "partly_returned", "returned"}
    assert "abandoned" in found["how"]
    assert "none" not in found["how"]


def test_shop_is_a_witness_and_not_a_second_payment(home):
    say(home, "storefront", "web",
        event("A1", Kind.ORDER, order="A1", role=Role.SHOP, amount_minor=1000, **CNY))  # fmt: skip
    assert report(home)["payments"] == 1
    say(home, "stripe", "main", _paid("pi_1", "A1"))
    found = report(home)
    assert (found["orders"], found["payments"]) == (1, 1)
    assert found["state"]["paid"] == 1


def test_switched_and_paid_twice_are_orders(home):
    say(home, "stripe", "main", _off("pi_1", "A1"))
    say(home, "alipay", "main", _paid("t1", "A1", occurred_at=NOW + DAY))
    say(home, "stripe", "main", _paid("pi_2", "A2"))
    say(home, "alipay", "main", _paid("t2", "A2"))
    found = report(home)
    assert (found["orders"], found["payments"], found["cancelled"]) == (2, 4, 1)
    assert (found["switched"], found["double_paid"], found["cancelled_orders"]) == (1, 1, 0)
    # The order is judged by all of its payments, also by those outside of the period.
    only_off = report(home, until=NOW + 1)
    assert (only_off["payments"], only_off["switched"]) == (3, 1)


def test_test_traffic_is_left_out_by_account_and_by_payment(home):
    say(home, "stripe", "main", _off("pi_1"))
    say(home, "stripe", "main", _off("pi_2", test=True))
    say(home, "stripe", "trial", _off("pi_3"), mode="test")
    assert report(home)["cancelled"] == 1
    assert report(home, include_test=True)["cancelled"] == 3


def test_what_nobody_understood_is_not_counted(home):
    say(home, "stripe", "main", event("pi_1", Kind.OTHER, Result.UNKNOWN))
    assert report(home)["payments"] == 0


def test_currencies_are_never_summed(home):
    say(home, "stripe", "main", _off("pi_1"))
    say(home, "stripe", "main",
        event("pi_2", Kind.CANCEL, amount_minor=5, currency="JPY", tag=Tag.OWN))  # fmt: skip
    found = report(home, by="currency")
    assert found["cancelled_minor"] == {"CNY": 700, "JPY": 5}
    assert {each["value"]: each["cancelled"] for each in found["by"]} == {"CNY": 1, "JPY": 1}


def test_payment_given_back_is_called_off_for_what_was_taken(home):
    say(home, "stripe", "main", _paid("pi_1"),
        event("pi_1", Kind.REFUND, operation="re_1", amount_minor=1000, **CNY))  # fmt: skip
    found = report(home)
    assert found["how"]["refunded_in_full"] == 1
    assert found["cancelled_minor"] == {"CNY": 1000}
    assert found["money"]["returned"] == 1


@pytest.mark.parametrize(
    ("since", "until", "payments"),
    [
        ("2026-03-01", "2026-03-01", 2),
        ("2026-02-28", "2026-02-28", 1),
        ("2026-03-02", None, 1),
        (None, "2026-03-01", 3),
        ("2026-03-01T04:00", "2026-03-02T03:59", 1),
        ("2026-02-28T20:00:00+00:00", None, 3),
    ],
)
def test_days_are_business_days_of_the_account(home, since, until, payments):
    for no, at in enumerate(("2026-03-01T03:59", "2026-03-01T04:00", "2026-03-02T03:59",
                             "2026-03-02T04:00")):  # fmt: skip
        off = _off(f"pi_{no}", occurred_at=from_text(at, zone="Asia/Shanghai"))
        say(home, "stripe", "main", off, cutoff="04:00")
    assert report(home, since=since, until=until)["payments"] == payments


def test_division_by_time_is_by_the_local_clock(home):
    at = from_text("2026-03-29T00:30:00+00:00")  # London puts its clock forward at 01:00
    both = (_off("pi_1", occurred_at=at), _off("pi_2", occurred_at=at + DAY // 24))
    say(home, "stripe", "uk", *both, zone="Europe/London")
    say(home, "stripe", "cn", _off("pi_3", occurred_at=at))
    found = report(home, by=["day", "hour", "month"])["by"]
    values = [(each["dimension"], each["value"], each["payments"]) for each in found]
    assert values == [("day", "2026-03-29", 3), ("hour", "00", 1), ("hour", "02", 1),
                      ("hour", "08", 1), ("month", "2026-03", 3)]  # fmt: skip


@pytest.mark.parametrize(
    ("dimension", "values"),
    [
        ("shop", {"s1": 2, "s2": 1}),
        ("entity", {"e1": 3}),
        ("source", {"stripe": 3}),
        ("account", {"stripe/a": 2, "stripe/b": 1}),
        ("method", {"card_form": 2, "unknown": 1}),
        ("channel", {"app": 2, "unknown": 1}),
        ("state", {"cancelled": 2, "paid": 1}),
        ("actor", {"unknown": 3}),
        ("version", {"4.2": 2, None: 1}),
    ],
)
def test_division_by_each_dimension(home, dimension, values):
    shown = {"method": Method.CARD_FORM, "channel": Channel.APP,
             "dimensions": (("version", "4.2"),)}  # fmt: skip
    say(home, "stripe", "a", _off("pi_1", **shown), shop="s1", entity="e1")
    say(home, "stripe", "a", _paid("pi_2", **shown), shop="s1", entity="e1")
    say(home, "stripe", "b", _off("pi_3"), shop="s2", entity="e1")
    found = report(home, by=dimension)
    assert {each["value"]: each["payments"] for each in found["by"]} == values
    assert sum(each["orders"] for each in found["by"]) == found["orders"]
    assert sum(each["cancelled"] for each in found["by"]) == found["cancelled"]


def test_latest_statement_names_the_dimension(home):
    say(home, "stripe", "a", _off("pi_1", dimensions=(("city", "old"),), occurred_at=NOW - 1),
        event("pi_1", Kind.OPEN, dimensions=(("city", "new"),)))  # fmt: skip
    assert [each["value"] for each in report(home, by="city")["by"]] == ["new"]


def test_dimension_that_nobody_states_is_refused_by_name(home):
    say(home, "stripe", "a", _off("pi_1", dimensions=(("city", "x"),)))
    with pytest.raises(WrongUse, match=r"'town'; known: .*city"):
        report(home, by="town")


def test_rate_is_clustered_where_customers_are_known(home, tmp_path):
    import_file(home, table(tmp_path, rows(70)), mapping(tmp_path))
    assert report(home)["cancel_rate"]["method"] == "clustered"
    assert report(home)["cancel_rate"]["clusters"] == 7


def test_rate_is_wilson_where_they_are_not(home, tmp_path):
    without = mapping(tmp_path, MAPPING.replace('customer = "customer"\n', ""))
    import_file(home, table(tmp_path, rows(70)), without)
    found = report(home)["cancel_rate"]
    assert (found["method"], found["clusters"]) == ("wilson", None)
    assert found["denominator"] == "payments that began in the period"


def test_silence_is_judged_as_of_the_instant_asked_for(home, tmp_path):
    import_file(home, table(tmp_path, [row(1, "waiting")]), mapping(tmp_path))
    assert report(home, as_of="2026-03-01T12:00")["state"]["open"] == 1
    assert report(home)["state"]["cancelled"] == 1


def test_reader_leaves_nothing_behind_and_agrees(home, tmp_path):
    import_file(home, table(tmp_path, rows(20)), mapping(tmp_path))
    reader = reader_of(home)
    assert report(reader, by="city", as_of="2026-04-01") == report(
        home, by="city", as_of="2026-04-01"
    )
    assert reader.ledger.db.execute("SELECT count(*) FROM temp.sqlite_master").fetchone() == (0,)
    assert not reader.ledger.db.in_transaction
    reader.close()
