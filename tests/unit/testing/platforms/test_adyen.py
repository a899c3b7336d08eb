"""The fake Adyen answers as the real one where the source depends on it."""

import json

import pytest

from tests.unit.testing.platforms.recorder import Recorder
from voidtrail.testing.platforms.adyen import FakeAdyen
from voidtrail.testing.platforms.fake import Asked, Situation, Step

NOW = 1_790_000_000_000_000


@pytest.fixture
def fake():
    return FakeAdyen(seed=1)


def _post(fake, path, body=b"{}", key="", method="POST"):
    headers = (("x-api-key", fake.secrets()["api_key"]), ("idempotency-key", key))
    answer = fake.answer(Asked(method, path, "", headers, body), NOW)
    return answer.status, json.loads(answer.body)


def _codes(fake):
    items = [json.loads(notice.body) for notice in fake.take()]
    return [(item["eventCode"], item["success"]) for item in items]


def test_stranger_is_told_nothing(fake):
    assert fake.answer(Asked("POST", "/payments/X/cancels"), NOW).status == 401


@pytest.mark.parametrize("situation", FakeAdyen.PLAYS, ids=lambda each: each.value)
def test_official_library_takes_every_notice(fake, situation):
    from Adyen.util import is_valid_hmac_notification

    fake.play(situation, "A:1", 100, NOW)
    for notice in fake.take():
        body = json.loads(fake.sign(notice, NOW).body)
        assert is_valid_hmac_notification(body, fake.secrets()["hmac"])


def test_cancellation_is_received_and_its_notice_says_whether_it_succeeded(fake):
    held = fake.play(Situation.REFUSED_CANCELLATION, "A", 100, NOW)
    fake.take()
    status, said = _post(fake, f"/payments/{held.reference}/cancels", key="k1")
    assert (status, said["status"]) == (201, "received")
    assert _post(fake, f"/payments/{held.reference}/cancels", key="k1")[1] == said
    assert _codes(fake) == [("CANCELLATION", "true")]
    assert _post(fake, f"/payments/{held.reference}/cancels", key="k2")[0] == 201
    assert _codes(fake) == [("CANCELLATION", "false")]
    assert _post(fake, "/payments/X/cancels", key="k3")[0] == 422


def test_one_key_refunds_once_and_another_no_more_than_is_left(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    fake.take()
    body = b'{"amount":{"currency":"EUR","value":60}}'
    once = _post(fake, f"/payments/{payment.reference}/refunds", body, "k1")
    assert once == _post(fake, f"/payments/{payment.reference}/refunds", body, "k1")
    assert payment.returned == 60
    _post(fake, f"/payments/{payment.reference}/refunds", body, "k2")
    assert payment.returned == 60
    assert _codes(fake) == [("REFUND", "true"), ("REFUND", "false")]


def test_pay_link_is_made_and_lapses(fake):
    status, made = _post(fake, "/paymentLinks", b'{"reference":"A"}')
    assert (status, made["status"], made["reference"]) == (201, "active", "A")
    path = f"/paymentLinks/{made['id']}"
    assert _post(fake, path, b'{"status":"expired"}', method="PATCH")[1]["status"] == "expired"
    assert _post(fake, "/elsewhere")[0] == 404
    assert _post(fake, "/paymentLinks", b"{")[0] == 422


def test_won_dispute_and_failed_refund_bring_the_money_back(fake):
    disputed = fake.play(Situation.DISPUTED, "A", 100, NOW)
    assert fake.do(disputed, Step.DISPUTE_WON, NOW + 10**9)
    returned = fake.play(Situation.RETURNED, "B", 100, NOW)
    assert fake.do(returned, Step.REFUND_FAIL, NOW + 10**9)
    recorder = Recorder(fake)
    recorder.listen()
    for payment in (disputed, returned):
        assert recorder.verdict(payment.reference, NOW + 10**10).money == "taken"
