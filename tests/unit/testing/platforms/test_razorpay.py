"""The fake Razorpay answers as the real one where its source depends on it."""

import base64
import json

import pytest

from tests.unit.testing.platforms.recorder import Recorder
from voidtrail.testing.platforms.fake import Asked, Situation, Step
from voidtrail.testing.platforms.razorpay import FakeRazorpay

NOW = 1_790_000_000_000_000


@pytest.fixture
def fake():
    return FakeRazorpay(seed=1)


def ask(fake, method, path, body=None, key=""):
    known = fake.secrets()
    pair = base64.b64encode(f"{known['key_id']}:{known['key_secret']}".encode()).decode()
    headers = (("authorization", f"Basic {pair}"), ("x-refund-idempotency", key))
    said = fake.answer(Asked(method, path, "", headers, json.dumps(body or {}).encode()), NOW)
    return said.status, json.loads(said.body)


def test_stranger_is_told_nothing(fake):
    payment = fake.open("A", 100, NOW)
    assert fake.answer(Asked("GET", f"/v1/payment_links/{payment.reference}"), NOW).status == 401


@pytest.mark.parametrize("situation", FakeRazorpay.PLAYS, ids=lambda each: each.value)
def test_official_library_takes_every_notice(fake, situation):
    import razorpay

    fake.play(situation, "A", 100, NOW)
    check = razorpay.Client(auth=("key", "secret")).utility.verify_webhook_signature
    for notice in fake.take():
        posting = fake.sign(notice, NOW)
        signature = dict(posting.headers)["X-Razorpay-Signature"]
        assert check(posting.body.decode(), signature, fake.secrets()["signing"])


def test_attempts_are_listed_under_their_order(fake):
    payment = fake.play(Situation.DECLINED, "A", 100, NOW)
    order = payment.ids["order"]
    status, said = ask(fake, "GET", f"/v1/orders/{order}/payments")
    assert (status, said["count"], said["items"][0]["error_reason"]) == (
        200, 1, "insufficient_funds",
    )  # fmt: skip
    recorder = Recorder(fake)
    assert {event.payment for event in recorder.ask(order, NOW)} == {order}


def test_order_that_nobody_tried_to_pay_is_known_and_empty(fake):
    payment = fake.open("A", 100, NOW)
    _, link = ask(fake, "GET", f"/v1/payment_links/{payment.reference}")
    assert ask(fake, "GET", f"/v1/orders/{link['order_id']}/payments")[1]["items"] == []


def test_one_key_refunds_once_and_another_no_more_than_is_left(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    [paid] = [name for what, name in payment.ids.items() if what.startswith("try")]
    path, once = f"/v1/payments/{paid}/refund", {"amount": 60}
    assert ask(fake, "POST", path, once, "k" * 10) == ask(fake, "POST", path, once, "k" * 10)
    assert payment.returned == 60
    assert ask(fake, "POST", path, once, "l" * 10)[0] == 400
    assert ask(fake, "POST", path, {"amount": 40}, "short")[0] == 400
    assert payment.returned == 60


def test_one_reference_makes_one_link(fake):
    wanted = {"amount": 700, "currency": "INR", "reference_id": "r-1", "notes": {"order_id": "A7"}}
    status, made = ask(fake, "POST", "/v1/payment_links", wanted)
    assert (status, fake.payments[made["id"]].order) == (200, "A7")
    assert ask(fake, "POST", "/v1/payment_links", wanted)[0] == 400
    assert len(fake.payments) == 1


def test_late_authorisation_brings_a_failed_payment_back(fake):
    payment = fake.play(Situation.DECLINED, "A", 100, NOW)
    recorder = Recorder(fake)
    recorder.listen()
    order = payment.ids["order"]
    assert recorder.verdict(order, NOW + 10**9).state == "declined"
    assert fake.do(payment, Step.AUTHORISE, NOW + 2 * 10**11)
    assert fake.do(payment, Step.CAPTURE, NOW + 3 * 10**11)
    recorder.listen()
    assert recorder.verdict(order, NOW + 4 * 10**11).state == "paid"


def test_won_dispute_brings_the_money_back(fake):
    payment = fake.play(Situation.DISPUTED, "A", 100, NOW)
    assert fake.do(payment, Step.DISPUTE_WON, NOW + 10**9)
    recorder = Recorder(fake)
    recorder.listen()
    recorder.ask(payment.reference, NOW + 10**10)
    assert recorder.verdict(payment.reference, NOW + 10**10).money == "taken"
