"""From changes in a real ledger to messages for an order system."""

import json

import pytest

from tests.unit.runtime.endpoints.office import (
    cancelled,
    captured,
    house_telling,
    office,
    opened,
    pressed,
    run,
)
from tests.unit.runtime.rig import NOW, SECOND, event, put
from voidtrail.event.model import Kind, Role, Tag
from voidtrail.response.telling import Word
from voidtrail.runtime.endpoints.telling import sample


def told(house):
    async def work():
        async with office(house) as here:
            await here.worker._teller.turn()
            return [(each.key, each.lane, json.loads(each.body)) for each in here.messages()]

    return run(work)


@pytest.fixture
def house(tmp_path):
    with house_telling(tmp_path) as house:
        yield house


def test_a_cancelled_payment_is_told_with_everything_an_order_system_asks(house):
    opened(house)
    cancelled(house)
    [(key, lane, body)] = told(house)
    assert (key[:4], len(key), lane) == ("msg_", 36, "shop-1/A1")
    assert body["type"] == "payment.called_off"
    assert body["timestamp"].startswith("2026-03-17T")
    data = body["data"]
    wanted = {
        "order": "A1", "shop": "shop-1", "payment": "pi_1", "source": "stripe", "account": "main",
        "state": "cancelled", "how": "customer_cancelled", "actor": "customer", "sealed": True,
        "amount_minor": 1230, "currency": "CNY", "captured_minor": 0, "money": "none",
        "first": True, "test": False,
    }  # fmt: skip
    assert {name: data[name] for name in wanted} == wanted
    assert data["before"]["state"] == "open"
    assert data["advice"] == {"release_order": True, "release_stock": True,
                              "release_coupon": True, "because": "nobody_pays"}  # fmt: skip


def test_the_same_change_decided_again_has_the_same_key(house):
    cancelled(house)
    house.ledger.begin()
    before = told_keys(house)
    house.ledger.rollback()
    assert told_keys(house) == before


def told_keys(house):
    from voidtrail.runtime.endpoints.telling import Telling
    from voidtrail.runtime.outbox import take

    telling = Telling(house, house.settings.endpoint)
    return [each.key for each in telling.decide(take(house.ledger, 10), NOW).messages]


def test_what_another_payment_pays_for_is_not_released(house):
    captured(house, payment="pi_2")
    cancelled(house, payment="pi_1")
    body = told(house)[-1][2]
    assert body["type"] == "payment.called_off"
    assert body["data"]["advice"]["because"] == "paid"
    assert not body["data"]["advice"]["release_order"]


def test_a_payment_that_lives_again_came_back(house):
    pressed(house)
    captured(house, at=NOW + 400 * SECOND)
    types = [body["type"] for _, _, body in told(house)]
    assert types == ["payment.called_off", "payment.came_back"]


def test_an_order_paid_twice_is_told_once_with_both_payments(house):
    captured(house, payment="pi_1")
    captured(house, payment="pi_2", at=NOW + SECOND)
    bodies = [body for _, _, body in told(house) if body["type"] == "order.paid_twice"]
    assert [[each["payment"] for each in body["data"]["payments"]] for body in bodies] == [
        ["pi_1", "pi_2"]]  # fmt: skip
    assert bodies[0]["data"]["payments"][0]["net_minor"] == 1230


def test_every_further_refund_is_told_with_the_sum(house):
    captured(house)
    for n, amount in enumerate((200, 300)):
        put(house, event(Kind.REFUND, payment="pi_1", operation=f"re_{n}", amount_minor=amount,
                         currency="CNY", tag=Tag.OWN, notice=f"r{n}"))  # fmt: skip
    found = [body["data"] for _, _, body in told(house)]
    assert [each["returned_minor"] for each in found] == [200, 500]
    assert [each["before"]["returned_minor"] for each in found] == [0, 200]


def test_a_shops_word_beside_a_platforms_payment_is_not_told(house):
    put(house, event(Kind.ORDER, payment="A1", order="A1", role=Role.SHOP), source="storefront")
    opened(house)
    put(house, event(Kind.CANCEL, payment="A1", order="A1", role=Role.SHOP, notice="n2",
                     reason=10), source="storefront")  # fmt: skip
    assert [body["data"]["payment"] for _, _, body in told(house)] == []


def test_test_traffic_and_history_are_told_to_nobody(house):
    put(house, event(Kind.CANCEL, payment="pi_9", test=True))
    assert told(house) == []


@pytest.mark.parametrize(("more", "count"), [
    ('events = ["payment.refunded"]', 0), ('events = ["payment.called_off"]', 1),
    ('shops = ["shop-2"]', 0), ('shops = ["shop-2", "shop-1"]', 1), ("", 1),
])  # fmt: skip
def test_an_endpoint_hears_of_what_it_wants(tmp_path, more, count):
    with house_telling(tmp_path, more=more) as house:
        cancelled(house)
        assert len(told(house)) == count


@pytest.mark.parametrize("word", list(Word))
def test_a_sample_has_the_keys_of_the_real_thing_and_says_that_it_is_a_test(house, word):
    cancelled(house)
    real = told(house)[0][2]["data"]
    made = json.loads(sample(word, NOW))
    assert made["type"] == word.value
    assert set(made["data"]) - {"payments"} == set(real)
    assert made["data"]["test"] is True
    assert set(made["data"]["advice"]) == set(real["advice"])
