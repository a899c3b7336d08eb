"""The fake Square answers as the real one where sources depend on it."""

import json

import pytest

from tests.unit.testing.platforms.recorder import DAY, Recorder
from voidtrail.event.model import Deed, Kind, Result, Verb
from voidtrail.testing.platforms.fake import Asked, Situation, Step
from voidtrail.testing.platforms.square import FakeSquare

NOW = 1_790_000_000_000_000


@pytest.fixture
def fake():
    return FakeSquare(seed=1)


def post(fake, path, body):
    headers = (("authorization", f"Bearer {fake.secrets()['access_token']}"),)
    answer = fake.answer(Asked("POST", path, "", headers, json.dumps(body).encode()), NOW)
    return answer.status, json.loads(answer.body)


def test_stranger_is_told_nothing(fake):
    payment = fake.open("A", 100, NOW)
    assert fake.answer(Asked("GET", f"/v2/payments/{payment.reference}"), NOW).status == 401


def test_official_sdk_takes_its_notices(fake):
    from square.utils.webhooks_helper import verify_signature

    fake.play(Situation.PAID, "A", 100, NOW)
    keys = fake.secrets()
    for notice in fake.take():
        posting = fake.sign(notice, NOW)
        assert verify_signature(
            request_body=posting.body.decode(), signature_key=keys["signing"],
            signature_header=dict(posting.headers)["x-square-hmacsha256-signature"],
            notification_url=keys["notification_url"],
        )  # fmt: skip


def test_one_key_refunds_once_and_another_no_more_than_is_left(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    body = {"idempotency_key": "k1", "payment_id": payment.reference,
            "amount_money": {"amount": 60, "currency": "USD"}}  # fmt: skip
    once = post(fake, "/v2/refunds", body)
    assert once == post(fake, "/v2/refunds", body)
    assert payment.returned == 60
    assert post(fake, "/v2/refunds", {**body, "idempotency_key": "k2"})[0] == 400
    assert post(fake, "/v2/refunds", {**body, "payment_id": "x", "idempotency_key": "k3"})[0] == 404


def test_completed_payment_is_not_cancelled(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    recorder = Recorder(fake)
    recorder.listen()
    [event] = recorder.tell(Deed(verb=Verb.VOID, payment=payment.reference, key="k"), NOW + DAY)
    assert (event.kind, event.result) == (Kind.VOID, Result.REFUSED)
    assert recorder.verdict(payment.reference, NOW + DAY).state == "paid"


def test_failed_refund_leaves_the_payment_paid(fake):
    payment = fake.play(Situation.RETURNED, "A", 100, NOW)
    assert fake.do(payment, Step.REFUND_FAIL, NOW + DAY)
    recorder = Recorder(fake)
    recorder.listen()
    recorder.ask(payment.reference, NOW + 2 * DAY)
    assert recorder.verdict(payment.reference, NOW + 2 * DAY).money == "taken"
