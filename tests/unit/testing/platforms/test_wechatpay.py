"""The fake WeChat Pay answers as the real one where sources depend on it."""

import json

import pytest

from tests.unit.testing.platforms.recorder import Recorder
from voidtrail.event.model import Deed, Kind, Result, Verb
from voidtrail.testing.platforms.fake import Asked, Situation
from voidtrail.testing.platforms.wechatpay import FakeWechatpay

NOW = 1_790_000_000_000_000


@pytest.fixture
def fake():
    return FakeWechatpay(seed=1)


def test_official_sdk_takes_its_notices(fake):
    from wechatpayv3.utils import aes_decrypt, load_public_key, rsa_verify

    secrets = fake.secrets()
    fake.play(Situation.RETURNED, "A", 100, NOW)
    words = []
    for notice in fake.take():
        posting = fake.sign(notice, NOW)
        heads = dict(posting.headers)
        key = load_public_key(secrets["platform_key"].partition("=")[2])
        assert rsa_verify(heads["Wechatpay-Timestamp"], heads["Wechatpay-Nonce"],
                          posting.body.decode(), heads["Wechatpay-Signature"], key)  # fmt: skip
        whole = json.loads(posting.body)
        sealed = whole["resource"]
        plain = aes_decrypt(sealed["nonce"], sealed["ciphertext"], sealed["associated_data"],
                            secrets["api_v3_key"])  # fmt: skip
        assert json.loads(plain)["out_trade_no"] == "A"
        words.append(whole["event_type"])
    assert words == ["TRANSACTION.SUCCESS", "REFUND.SUCCESS"]


def test_stranger_is_told_nothing(fake):
    fake.play(Situation.PAID, "A", 100, NOW)
    path = "/v3/pay/transactions/out-trade-no/A"
    assert fake.answer(Asked("GET", path, "mchid=1900000109"), NOW).status == 401


def test_paid_order_is_not_closed(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    recorder = Recorder(fake)
    recorder.listen()
    events = recorder.tell(Deed(verb=Verb.CLOSE, payment="A", key="k1"), NOW + 10**9)
    assert payment.status == "paid"
    assert not any(e.kind is Kind.CANCEL and e.result is Result.SUCCEEDED for e in events)
    assert recorder.verdict("A", NOW + 10**10).state == "paid"


def test_nothing_is_pushed_about_a_closed_or_an_expired_order(fake):
    fake.play(Situation.PLATFORM_CLOSED, "A", 100, NOW)
    fake.play(Situation.EXPIRED, "B", 100, NOW)
    assert fake.take() == []
