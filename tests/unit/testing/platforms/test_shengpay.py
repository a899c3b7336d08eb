"""The fake Shengpay answers as the real one where sources depend on it."""

import json

import pytest

from tests.unit.testing.platforms.recorder import Recorder
from voidtrail.event.model import Deed, Kind, Result, Verb
from voidtrail.testing.platforms.fake import Asked, Situation
from voidtrail.testing.platforms.shengpay import FakeShengpay

NOW = 1_790_000_000_000_000


@pytest.fixture
def fake():
    return FakeShengpay(seed=1)


def test_amounts_are_numbers_in_payments_and_texts_in_refunds(fake):
    fake.play(Situation.RETURNED, "A", 100, NOW)
    paid, back = (json.loads(fake.sign(each, NOW).body) for each in fake.take())
    assert paid["totalFee"] == 100
    assert (back["totalFee"], back["refundFee"]) == ("100", "100")


def test_failed_payments_are_pushed_and_closed_ones_are_not(fake):
    fake.play(Situation.DECLINED, "A", 100, NOW)
    [failed] = fake.take()
    assert json.loads(failed.body)["resultCode"] == "FAIL"
    fake.play(Situation.PLATFORM_CLOSED, "B", 100, NOW)
    assert fake.take() == []


def test_stranger_is_told_nothing(fake):
    fake.play(Situation.PAID, "A", 100, NOW)
    body = json.dumps({"outTradeNo": "A", "signType": "RSA2", "sign": "eA=="}).encode()
    said = json.loads(fake.answer(Asked("POST", "/api/v3/payment/orderquery", body=body), NOW).body)
    assert said["errorCode"] == "SIGN_ERROR"
    assert "tradeState" not in said


def test_unpaid_order_is_not_refunded(fake):
    fake.play(Situation.LEFT, "A", 100, NOW)
    recorder = Recorder(fake)
    deed = Deed(verb=Verb.REFUND, payment="A", key="k1", amount_minor=100)
    [event] = recorder.tell(deed, NOW)
    assert (event.kind, event.result) == (Kind.REFUND, Result.REFUSED)
    assert event.code == "ORDER_NOT_REFUNDABLE"
