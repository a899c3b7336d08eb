"""The fake PayPal answers as the real one where sources depend on it."""

import json
from typing import Any

import pytest

from tests.unit.testing.platforms.recorder import DAY, Recorder
from voidtrail.event.model import Deed, Kind, Result, Verb
from voidtrail.testing.platforms.fake import Asked, Situation, Step
from voidtrail.testing.platforms.paypal import FakePaypal

NOW = 1_790_000_000_000_000
MINUTE = 60_000_000


@pytest.fixture
def fake():
    return FakePaypal(seed=1)


def asked(fake, method, path, body=b"", key="", authorization=None):
    pair = authorization or f"Bearer {fake._token}"
    headers = (("authorization", pair), ("paypal-request-id", key))
    answer = fake.answer(Asked(method, path, "", headers, body), NOW)
    return answer.status, json.loads(answer.body)


def test_stranger_is_told_nothing_and_the_app_is_given_a_token(fake):
    payment = fake.open("A", 100, NOW)
    path = f"/v2/checkout/orders/{payment.reference}"
    assert asked(fake, "GET", path, authorization="Bearer x")[0] == 401
    recorder: Any = Recorder(fake)
    request = recorder.source.token(recorder.account, recorder.secrets)
    status, said = asked(fake, "POST", "/v1/oauth2/token",
                         authorization=dict(request.headers)["Authorization"])  # fmt: skip
    assert (status, said["token_type"]) == (200, "Bearer")
    assert asked(fake, "GET", path, authorization=f"Bearer {said['access_token']}")[0] == 200


def test_approval_that_is_not_captured_is_reversed_and_the_order_gone(fake):
    payment = fake.open("A", 100, NOW)
    assert fake.do(payment, Step.ARRIVE, NOW + MINUTE)
    assert fake.do(payment, Step.EXPIRE, NOW + 180 * MINUTE)
    recorder = Recorder(fake)
    assert {e.kind for e in recorder.listen()} == {Kind.SUBMIT, Kind.EXPIRE}
    assert recorder.ask(payment.reference, NOW + DAY)[0].kind is Kind.ABSENT
    assert recorder.verdict(payment.reference, NOW + DAY).how == "expired"


def test_one_key_refunds_once_and_another_no_more_than_is_left(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    name = payment.ids["capture0"]
    body = b'{"amount":{"value":"0.60","currency_code":"USD"}}'
    path = f"/v2/payments/captures/{name}/refund"
    once = asked(fake, "POST", path, body, "k1")
    assert once == asked(fake, "POST", path, body, "k1")
    assert payment.returned == 60
    status, said = asked(fake, "POST", path, body, "k2")
    assert (status, said["details"][0]["issue"]) == (422, "REFUND_AMOUNT_EXCEEDED")
    assert asked(fake, "POST", path, b"{}", "k3")[0] == 200
    assert payment.returned == 100


def test_captured_authorisation_is_not_voided(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    recorder = Recorder(fake)
    recorder.listen()
    deed = Deed(verb=Verb.VOID, payment=payment.reference, key="k",
                operation=payment.ids["authorization"])  # fmt: skip
    [event] = recorder.tell(deed, NOW + DAY)
    assert (event.kind, event.result, event.code) == (
        Kind.VOID, Result.REFUSED, "PREVIOUSLY_CAPTURED")  # fmt: skip
    assert recorder.verdict(payment.reference, NOW + DAY).state == "paid"


def test_captures_and_authorisations_are_answered_by_their_own_names(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    recorder = Recorder(fake)
    for folder, what in (("captures", "capture0"), ("authorizations", "authorization")):
        [event] = recorder.ask(f"{folder}/{payment.ids[what]}", NOW + DAY)
        assert event.payment == payment.reference


def test_failed_refund_leaves_the_payment_paid(fake):
    payment = fake.play(Situation.RETURNED, "A", 100, NOW)
    assert fake.do(payment, Step.REFUND_FAIL, NOW + DAY)
    recorder = Recorder(fake)
    recorder.listen()
    assert recorder.verdict(payment.reference, NOW + 2 * DAY).money == "taken"
