"""The fake Shopify answers as the real one where its source depends on it."""

import json

import pytest

from tests.unit.testing.platforms.recorder import Recorder
from voidtrail.event.model import Deed, Kind, Verb
from voidtrail.testing.platforms.fake import Asked, Situation, Step
from voidtrail.testing.platforms.shopify import FakeShopify

NOW = 1_790_000_000_000_000


@pytest.fixture
def fake():
    return FakeShopify(seed=1)


def test_stranger_is_told_nothing(fake):
    payment = fake.open("A", 100, NOW)
    asked = Asked("GET", f"/admin/api/2025-10/orders/{payment.reference}.json")
    assert fake.answer(asked, NOW).status == 401


def test_one_cancellation_is_told_more_than_once(fake):
    fake.play(Situation.MERCHANT_VOIDED, "A", 100, NOW)
    bodies = [json.loads(notice.body) for notice in fake.take()]
    assert sum(bool(body.get("cancelled_at")) for body in bodies) == 2
    assert {body["id"] for body in bodies if "name" in body} == {int(next(iter(fake.payments)))}


def test_id_is_more_than_a_double_holds(fake):
    reference = fake.open("A", 100, NOW).reference
    assert int(float(reference)) != int(reference) or int(reference) > 2**53


def test_stale_repetition_after_the_cancellation_changes_nothing(fake):
    payment = fake.play(Situation.MERCHANT_VOIDED, "A", 100, NOW)
    notices = fake.take()
    recorder = Recorder(fake)
    for notice in [*notices, *notices[:3]]:
        recorder.hear(fake.delivery(notice, "main", NOW + 10**10))
    assert recorder.verdict(payment.reference, NOW + 10**10).how == "merchant_voided"


def test_paid_order_cannot_be_cancelled_here(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    recorder = Recorder(fake)
    recorder.listen()
    [refused] = recorder.tell(Deed(verb=Verb.CLOSE, payment=payment.reference, key="k"), NOW)
    assert refused.kind is Kind.CANCEL
    assert recorder.verdict(payment.reference, NOW + 10**10).state == "paid"


def test_partial_refund_leaves_the_rest_taken(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    assert fake.do(payment, Step.REFUND, NOW + 10**9, 30)
    recorder = Recorder(fake)
    recorder.listen()
    assert recorder.verdict(payment.reference, NOW + 10**10).money == "partly_returned"


def test_won_chargeback_brings_the_money_back(fake):
    payment = fake.play(Situation.DISPUTED, "A", 100, NOW)
    assert fake.do(payment, Step.DISPUTE_WON, NOW + 10**9)
    recorder = Recorder(fake)
    recorder.listen()
    assert recorder.verdict(payment.reference, NOW + 10**10).money == "taken"
