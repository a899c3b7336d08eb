"""The fake Alipay answers as the real one where sources depend on it."""

import json
from urllib.parse import parse_qsl, urlencode

import pytest

from voidtrail.sources.crypto import rsa_sign
from voidtrail.testing.platforms.alipay import FakeAlipay
from voidtrail.testing.platforms.fake import Asked, Situation, Step

NOW = 1_790_000_000_000_000


@pytest.fixture
def fake():
    return FakeAlipay(seed=1)


def _post(fake, method, **content):
    form = {"app_id": "1", "biz_content": json.dumps(content), "charset": "utf-8",
            "method": method, "sign_type": "RSA2", "version": "1.0"}  # fmt: skip
    text = "&".join(f"{name}={value}" for name, value in sorted(form.items()))
    form["sign"] = rsa_sign(fake.secrets()["private_key"], text.encode())
    answer = fake.answer(Asked("POST", "/gateway.do", "", (), urlencode(form).encode()), NOW)
    return next(iter(json.loads(answer.body).values()))


def test_official_sdk_takes_its_notices(fake):
    from alipay import AliPay

    secrets = fake.secrets()
    sdk = AliPay(appid=secrets["app_id"], app_private_key_string=secrets["private_key"],
                 alipay_public_key_string=secrets["public_key"], sign_type="RSA2")  # fmt: skip
    fake.play(Situation.RETURNED, "A", 100, NOW)
    for notice in fake.take():
        form = dict(parse_qsl(fake.sign(notice, NOW).body.decode()))
        assert sdk.verify(form, form.pop("sign"))


def test_stranger_is_told_nothing(fake):
    fake.play(Situation.PAID, "A", 100, NOW)
    body = urlencode({"method": "alipay.trade.query", "biz_content": '{"out_trade_no":"A"}',
                      "sign": "eA=="}).encode()  # fmt: skip
    said = json.loads(fake.answer(Asked("POST", "/gateway.do", body=body), NOW).body)
    assert list(said) == ["error_response"]


def test_trade_exists_only_once_the_customer_has_scanned(fake):
    payment = fake.open("A", 100, NOW)
    asked = _post(fake, "alipay.trade.query", out_trade_no="A")
    assert asked["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    fake.do(payment, Step.ARRIVE, NOW)
    asked = _post(fake, "alipay.trade.query", out_trade_no="A")
    assert asked["trade_status"] == "WAIT_BUYER_PAY"


def test_paid_trade_cannot_be_closed_and_a_cancel_gives_its_money_back(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    closed = _post(fake, "alipay.trade.close", out_trade_no="A")
    assert closed["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
    cancelled = _post(fake, "alipay.trade.cancel", out_trade_no="A")
    assert cancelled["action"] == "refund"
    assert payment.returned == 100


def test_one_request_number_refunds_once(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    wanted = {"out_trade_no": "A", "refund_amount": "0.60", "out_request_no": "R1"}
    assert _post(fake, "alipay.trade.refund", **wanted)["fund_change"] == "Y"
    assert _post(fake, "alipay.trade.refund", **wanted)["fund_change"] == "N"
    assert payment.returned == 60
    wanted["out_request_no"] = "R2"
    assert _post(fake, "alipay.trade.refund", **wanted)["code"] == "40004"


def test_notices_tell_no_scan_and_no_failed_try(fake):
    fake.play(Situation.DECLINED, "A", 100, NOW)
    assert fake.take() == []
