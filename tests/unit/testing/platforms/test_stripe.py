"""The fake Stripe answers as the real one where sources depend on it."""

import json

import pytest

from tests.unit.testing.platforms.recorder import Recorder
from voidtrail.testing.platforms.fake import Asked, Situation
from voidtrail.testing.platforms.stripe import FakeStripe

NOW = 1_790_000_000_000_000


@pytest.fixture
def fake():
    return FakeStripe(seed=1)


def _post(fake, path, body=b"", key=""):
    headers = (("authorization", f"Bearer {fake.secrets()['api_key']}"), ("idempotency-key", key))
    answer = fake.answer(Asked("POST", path, "", headers, body), NOW)
    return answer.status, json.loads(answer.body)


def test_stranger_is_told_nothing(fake):
    payment = fake.open("A", 100, NOW)
    asked = Asked("GET", f"/v1/payment_intents/{payment.reference}")
    assert fake.answer(asked, NOW).status == 401


def test_official_sdk_takes_its_notices(fake):
    import stripe

    fake.play(Situation.PAID, "A", 100, NOW)
    for notice in fake.take():
        posting = fake.sign(notice, NOW)
        signature = dict(posting.headers)["Stripe-Signature"]
        stripe.WebhookSignature.verify_header(
            posting.body.decode(), signature, fake.secrets()["signing"], tolerance=None
        )


def test_paid_intent_cannot_be_cancelled(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    status, said = _post(fake, f"/v1/payment_intents/{payment.reference}/cancel")
    assert (status, said["error"]["code"]) == (400, "payment_intent_unexpected_state")
    assert payment.status == "paid"


def test_one_key_refunds_once_and_another_no_more_than_is_left(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    form = f"payment_intent={payment.reference}&amount=60".encode()
    once = _post(fake, "/v1/refunds", form, "k1")
    assert once == _post(fake, "/v1/refunds", form, "k1")
    assert payment.returned == 60
    assert _post(fake, "/v1/refunds", form, "k2")[0] == 400
    assert payment.returned == 60


def test_held_money_is_let_go_by_a_cancellation(fake):
    payment = fake.play(Situation.REFUSED_CANCELLATION, "A", 100, NOW)
    fake.take()
    assert _post(fake, f"/v1/payment_intents/{payment.reference}/cancel")[0] == 200
    words = [json.loads(notice.body)["type"] for notice in fake.take()]
    assert words == ["charge.refunded", "payment_intent.canceled"]


def test_won_dispute_brings_the_money_back(fake):
    from voidtrail.testing.platforms.fake import Step

    payment = fake.play(Situation.DISPUTED, "A", 100, NOW)
    assert fake.do(payment, Step.DISPUTE_WON, NOW + 10**9)
    recorder = Recorder(fake)
    recorder.listen()
    assert recorder.verdict(payment.reference, NOW + 10**10).money == "taken"
