"""An order is found by every name that anybody gave it, and told whole."""

from typing import Any

import pytest

from tests.unit.runtime.house import NOW, event, house, say
from voidtrail.errors import NotFound
from voidtrail.event.model import Kind, Result, Role, Tag
from voidtrail.event.reason import number
from voidtrail.runtime.show import show

CNY: dict[str, Any] = {"currency": "CNY", "tag": Tag.OWN}


@pytest.fixture
def home(tmp_path):
    made = house(tmp_path)
    yield made
    made.close()


@pytest.fixture
def told(home):
    say(home, "storefront", "web", event("A1", Kind.ORDER, order="A1", role=Role.SHOP))
    say(home, "stripe", "main",
        event("pi_1", Kind.OPEN, names=("cs_1",), order="A1", amount_minor=1250, **CNY),
        event("pi_1", Kind.CANCEL, order="A1", occurred_at=NOW + 5, code="requested_by_customer",
              reason=number("customer_request")))  # fmt: skip
    paid = event("t1", Kind.CAPTURE, order="A1", operation="op9", amount_minor=1250, **CNY)
    say(home, "alipay", "main", paid)
    return home


@pytest.mark.parametrize(
    "name",
    ["A1", "order/default/A1", "pi_1", "cs_1", "stripe/main/pi_1", "t1", "op9", " A1 "],
)
def test_order_is_found_by_any_name(told, name):
    found = show(told, name)
    assert found["order"] == "A1"
    assert len(found["payments"]) == 3


def test_name_that_nobody_gave_is_refused(told):
    for name in ("A2", "", "order/other/A1"):
        with pytest.raises(NotFound):
            show(told, name)


def test_name_of_several_orders_asks_which(told):
    say(told, "stripe", "other", event("pi_1", Kind.OPEN, order="B1"), shop="s2")
    with pytest.raises(NotFound, match=r"2 orders.*stripe/main/pi_1.*stripe/other/pi_1"):
        show(told, "pi_1")
    assert show(told, "stripe/other/pi_1")["order"] == "B1"


def test_life_is_told_with_its_proof(told):
    found = show(told, "A1")
    assert found["switched"]
    off = next(each for each in found["payments"] if each["payment"] == "stripe/main/pi_1")
    verdict = off["verdict"]
    assert (verdict["state"], verdict["how"], verdict["actor"], verdict["reason"]) == (
        "cancelled", "customer_cancelled", "customer", "customer_request",
    )  # fmt: skip
    assert verdict["switched"]
    proof = [each for each in off["events"] if each["proves"]]
    assert [each["code"] for each in proof] == ["requested_by_customer"]
    assert proof[0]["occurred_at"].endswith("+08:00")
    assert off["names"] == ["stripe/main/cs_1"]
    shadow = next(each for each in found["payments"] if each["source"] == "storefront")
    assert shadow["verdict"]["shadow"]
    paid = next(each for each in found["payments"] if each["source"] == "alipay")
    assert paid["verdict"]["captured"] == "12.50"
    assert paid["verdict"]["evidence"][0]["column"] == "capture"
    assert paid["events"][0]["amount"] == "12.50"


def test_contradiction_is_marked(home):
    one = event("pi_1", Kind.REFUND, operation="re_1", amount_minor=100, **CNY)
    two = event("pi_1", Kind.REFUND, operation="re_1", amount_minor=999, **CNY)
    say(home, "stripe", "main", one)
    say(home, "stripe", "main", two, body=b"other")
    marked = [each["conflict"] for each in show(home, "pi_1")["payments"][0]["events"]]
    assert sorted(marked) == [False, True]


def test_payment_without_an_order_is_its_own(home):
    say(home, "stripe", "main", event("pi_1", Kind.CAPTURE, Result.REFUSED))
    found = show(home, "pi_1")
    assert found["order"] == "pi_1"
    assert found["payments"][0]["verdict"]["state"] in ("declined", "cancelled")


def test_silence_is_told_as_of_an_instant(home):
    say(home, "stripe", "main", event("pi_1", Kind.OPEN))
    late = show(home, "pi_1", as_of="2027-01-01")["payments"][0]["verdict"]
    assert (late["state"], late["rule"]) == ("cancelled", "silent")
    assert show(home, "pi_1", as_of=NOW)["payments"][0]["verdict"]["state"] == "open"
