"""Every payment's verdict as plain values."""

import pytest

from tests.unit.runtime.rig import HOUR, NOW, event, house_at, put, shop_told, tick
from voidtrail.event.model import Kind, Method, Result, Tag
from voidtrail.runtime.verdicts import verdicts

SHOP = {"source": "storefront"}
PAID = {"amount_minor": 500, "currency": "CNY", "tag": Tag.OWN, "operation": "ch_1"}


@pytest.fixture
def house(tmp_path):
    with house_at(tmp_path) as house:
        yield house


def only(house):
    (found,) = verdicts(house)
    return found


def test_a_payment_is_told_with_its_order_its_names_and_its_money(house):
    put(house, event(Kind.CAPTURE, names=("ch_1",), order="A1", **PAID))
    put(house, event(Kind.REFUND, notice="n2", **{**PAID, "amount_minor": 200}))
    found = only(house)
    assert (found["order"], found["payment"], found["names"]) == ("A1", "pi_1", ["ch_1"])
    assert (found["source"], found["account"]) == ("stripe", "main")
    assert (found["state"], found["money"], found["how"]) == ("paid", "partly_returned", "")
    assert (found["captured_minor"], found["returned_minor"], found["currency"]) == (
        500,
        200,
        "CNY",
    )
    assert (found["test"], found["explicit"]) == (False, False)


def test_disputed_money_counts_as_returned(house):
    put(house, event(Kind.CAPTURE, **PAID))
    put(house, event(Kind.DISPUTE, notice="n2", **{**PAID, "operation": "dp_1"}))
    found = only(house)
    assert (found["how"], found["returned_minor"], found["explicit"]) == ("reversed", 500, True)


def test_silence_is_told_apart_from_what_somebody_stated(house):
    put(house, event(payment="A1", method=Method.WECHAT_QR, **shop_told()), **SHOP)
    put(house, event(Kind.CANCEL, Result.REQUESTED, "A2", notice="n2", reason=10, **shop_told()),
        **SHOP)  # fmt: skip
    tick(house, NOW + 3 * HOUR)
    found = {each["payment"]: (each["how"], each["explicit"]) for each in verdicts(house)}
    assert found == {"A1": ("abandoned", False), "A2": ("customer_cancelled", True)}


def test_what_a_shop_said_of_its_order_is_no_payment_beside_a_real_one(house):
    put(house, event(Kind.ORDER, payment="A1", order="A1", **shop_told()), **SHOP)
    assert [each["source"] for each in verdicts(house)] == ["storefront"]
    put(house, event(notice="n2", order="A1"))
    assert [each["source"] for each in verdicts(house)] == ["stripe"]


def test_a_payment_of_which_nothing_was_understood_is_left_out(house):
    put(house, event(Kind.OTHER, Result.UNKNOWN))
    assert list(verdicts(house)) == []


def test_test_traffic_is_marked_whoever_said_it(house):
    put(house, event(test=True))
    put(house, event(payment="pi_2", notice="n2", scope="stripe/main", **shop_told()),
        source="storefront", account="try-out")  # fmt: skip
    assert [each["test"] for each in verdicts(house)] == [True, True]


def test_without_an_order_the_payment_stands_for_it(house):
    put(house, event())
    assert only(house)["order"] == "pi_1"
