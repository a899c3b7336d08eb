"""The fake Checkout.com answers as the real one where the source depends on it."""

import json

import pytest

from tests.unit.testing.platforms.recorder import Recorder
from voidtrail.testing.platforms.checkout import FakeCheckout
from voidtrail.testing.platforms.fake import Asked, Situation, Step

NOW = 1_790_000_000_000_000


@pytest.fixture
def fake():
    return FakeCheckout(seed=1)


def _send(fake, method, path, body=b"", key=""):
    headers = (
        ("authorization", f"Bearer {fake.secrets()['api_key']}"), ("cko-idempotency-key", key),
    )  # fmt: skip
    answer = fake.answer(Asked(method, path, "", headers, body), NOW)
    return answer.status, json.loads(answer.body) if answer.body else None


def test_stranger_is_told_nothing(fake):
    assert fake.answer(Asked("GET", "/payments/pay_1"), NOW) == (401, (), b"")


def test_void_is_accepted_once_and_an_event_follows_under_its_action(fake):
    payment = fake.play(Situation.REFUSED_CANCELLATION, "A", 100, NOW)
    fake.take()
    path = f"/payments/{payment.reference}/voids"
    status, said = _send(fake, "POST", path, b"{}", "k1")
    assert status == 202
    assert _send(fake, "POST", path, b"{}", "k1") == (202, said)
    [notice] = fake.take()
    event = json.loads(notice.body)
    assert (event["type"], event["data"]["action_id"]) == ("payment_voided", said["action_id"])
    assert _send(fake, "POST", path, b"{}", "k2") == (403, None)
    assert _send(fake, "GET", f"/payments/{payment.reference}")[1]["status"] == "Voided"


def test_one_key_refunds_once_and_another_no_more_than_is_left(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    path = f"/payments/{payment.reference}/refunds"
    assert _send(fake, "POST", path, b'{"amount":60}', "k1")[0] == 202
    assert _send(fake, "POST", path, b'{"amount":60}', "k1")[0] == 202
    assert payment.returned == 60
    assert _send(fake, "POST", path, b'{"amount":60}', "k2")[0] == 422
    assert _send(fake, "GET", f"/payments/{payment.reference}")[1]["status"] == "Partially Refunded"
    assert _send(fake, "POST", path, b"{}", "k3")[0] == 202, "what is left"
    assert _send(fake, "POST", path, b"{}", "k4") == (403, None)


def test_what_it_does_not_know_it_answers_without_a_word(fake):
    assert _send(fake, "GET", "/payments/pay_0") == (404, None)
    assert _send(fake, "POST", "/payments/pay_0/voids", b"{}") == (404, None)
    assert _send(fake, "POST", "/payment-links", b"{")[0] == 422
    assert _send(fake, "POST", "/payment-links", b'{"reference":"A"}')[1]["reference"] == "A"


def test_won_dispute_brings_the_money_back(fake):
    payment = fake.play(Situation.DISPUTED, "A", 100, NOW)
    assert fake.do(payment, Step.DISPUTE_WON, NOW + 10**9)
    recorder = Recorder(fake)
    recorder.listen()
    assert recorder.verdict(payment.reference, NOW + 10**10).money == "taken"
