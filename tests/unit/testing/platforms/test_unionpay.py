"""The fake UnionPay answers as the real one where sources depend on it."""

from urllib.parse import parse_qs

import pytest

from tests.unit.testing.platforms.recorder import Recorder
from voidtrail.event.model import Deed, Kind, Result, Verb
from voidtrail.testing.platforms.fake import Asked, Situation
from voidtrail.testing.platforms.unionpay import FakeUnionpay

NOW = 1_790_000_000_000_000


@pytest.fixture
def fake():
    return FakeUnionpay(seed=1)


def test_only_successes_are_pushed(fake):
    for number, situation in enumerate((Situation.LEFT, Situation.EXPIRED, Situation.DECLINED)):
        fake.play(situation, f"A{number}", 100, NOW)
    assert fake.take() == []
    fake.play(Situation.MERCHANT_VOIDED, "B", 100, NOW)
    kinds = [parse_qs(each.body.decode())["txnType"][0] for each in fake.take()]
    assert kinds == ["02", "32"]


def test_answers_are_not_url_encoded(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    recorder = Recorder(fake)
    request = recorder.source.query(payment.reference, recorder.account, recorder.secrets, NOW, "")
    said = recorder.request(request, NOW)
    assert "respMsg=成功[0000000]".encode() in said.body
    assert b"-----BEGIN CERTIFICATE-----\r\n" in said.body


def test_stranger_is_told_nothing(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    order, _, sent = payment.reference.partition("@")
    body = f"orderId={order}&txnTime={sent}&signature=eA%3D%3D".encode()
    said = fake.answer(Asked("POST", "/gateway/api/queryTrans.do", body=body), NOW).body
    assert b"respCode=11" in said
    assert b"origRespCode" not in said


def test_a_void_is_in_full_and_of_what_is_held(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    recorder = Recorder(fake)
    recorder.listen()
    deed = Deed(verb=Verb.VOID, payment=payment.reference, key="k1",
                operation=payment.ids["query"], amount_minor=100)  # fmt: skip
    [event] = recorder.tell(deed, NOW)
    assert (event.kind, event.result, event.code) == (Kind.VOID, Result.REFUSED, "35")
    assert recorder.verdict(payment.reference, NOW).state == "paid"
