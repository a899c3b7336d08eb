"""The fake Mollie answers as the real one: Mollie's own client reads it, over HTTP."""

import asyncio
import json
from typing import Any

import pytest

from tests.unit.testing.platforms.recorder import SECOND, Recorder
from voidtrail.event.model import Deed, Kind, Verb
from voidtrail.testing.platforms.fake import Asked, Situation, Step
from voidtrail.testing.platforms.mollie import FakeMollie
from voidtrail.testing.platforms.server import serve

NOW = 1_790_000_000_000_000


@pytest.fixture
def fake():
    return FakeMollie(seed=1)


def ask(fake, method, path, body=None, key=""):
    headers = (("authorization", f"Bearer {fake.secrets()['api_key']}"), ("idempotency-key", key))
    said = fake.answer(Asked(method, path, "", headers, json.dumps(body or {}).encode()), NOW)
    return said.status, json.loads(said.body)


def test_stranger_is_told_nothing(fake):
    payment = fake.open("A", 100, NOW)
    assert fake.answer(Asked("GET", f"/v2/payments/{payment.reference}"), NOW).status == 401


def test_mollie_s_own_client_makes_pays_refunds_and_cancels(fake):
    from mollie.api.client import Client
    from mollie.api.error import NotFoundError

    def shop(address):
        client = Client(api_endpoint=f"{address}/mollie", retry=0)
        client.set_api_key(fake.secrets()["api_key"])
        wanted = {
            "amount": {"currency": "EUR", "value": "10.00"},
            "description": "A7",
            "redirectUrl": "https://shop.example",
            "metadata": {"order_id": "A7"},
        }
        made = client.payments.create(wanted)
        assert (made.is_open(), made.metadata["order_id"]) == (True, "A7")
        payment = fake.payments[made.id]
        assert fake.do(payment, Step.AUTHORISE, NOW)
        assert client.payments.get(made.id).is_authorized()
        assert fake.do(payment, Step.CAPTURE, NOW)
        paid = client.payments.get(made.id)
        assert paid.is_paid()
        refund = paid.refunds.create({"amount": {"currency": "EUR", "value": "4.00"}})
        assert (refund.is_refunded(), payment.returned) == (True, 400)
        other = client.payments.create(wanted)
        gone: Any = client.payments.delete(other.id)
        assert gone.is_canceled()
        with pytest.raises(NotFoundError):
            client.payments.get("tr_unknown")
        return made.id

    async def scene():
        async with serve([fake]) as (address, _):
            return await asyncio.to_thread(shop, address)

    name = asyncio.run(scene())
    recorder = Recorder(fake)
    recorder.ask(name, NOW + SECOND)
    assert recorder.verdict(name, NOW + SECOND).money == "partly_returned"


def test_classic_notices_alone_are_enough():
    fake = FakeMollie(seed=1, next_generation=False)
    payment = fake.play(Situation.RETURNED, "A", 100, NOW)
    recorder = Recorder(fake)
    assert {event.kind for event in recorder.listen()} == {Kind.NUDGE}
    recorder.ask(payment.reference, NOW + 10**9)
    assert recorder.verdict(payment.reference, NOW + 10**9).how == "refunded_in_full"


def test_one_key_refunds_once_and_another_no_more_than_is_left(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    path = f"/v2/payments/{payment.reference}/refunds"
    body = {"amount": {"currency": "EUR", "value": "0.60"}}
    assert ask(fake, "POST", path, body, "k1") == ask(fake, "POST", path, body, "k1")
    assert payment.returned == 60
    assert ask(fake, "POST", path, body, "k2")[0] == 422
    assert payment.returned == 60


def test_paid_payment_cannot_be_cancelled_and_the_money_stays_taken(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    recorder = Recorder(fake)
    recorder.listen()
    deed = Deed(verb=Verb.CLOSE, payment=payment.reference, key="k1")
    [refused] = recorder.tell(deed, NOW + 10**9)
    assert (refused.kind, refused.code) == (Kind.CANCEL, "422")
    verdict = recorder.verdict(payment.reference, NOW + 10**9)
    assert (verdict.state, verdict.money) == ("paid", "taken")


def test_our_own_cancellation_stays_ours_when_mollie_tells_it_too(fake):
    payment = fake.open("A", 100, NOW)
    recorder = Recorder(fake)
    recorder.tell(Deed(verb=Verb.CLOSE, payment=payment.reference, key="k1"), NOW + 10**7)
    recorder.listen()
    recorder.ask(payment.reference, NOW + 10**9)
    assert recorder.verdict(payment.reference, NOW + 10**9).actor == "merchant"


def test_won_chargeback_brings_the_money_back(fake):
    payment = fake.play(Situation.DISPUTED, "A", 100, NOW)
    assert fake.do(payment, Step.DISPUTE_WON, NOW + 10**9)
    recorder = Recorder(fake)
    recorder.ask(payment.reference, NOW + 10**10)
    assert recorder.verdict(payment.reference, NOW + 10**10).money == "taken"
