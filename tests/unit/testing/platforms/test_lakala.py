"""The fake Lakala answers as the real one where sources depend on it."""

import json

import pytest

from tests.unit.testing.platforms.recorder import Recorder
from voidtrail.event.model import Deed, Kind, Result, Verb
from voidtrail.testing.platforms.fake import Asked, Situation
from voidtrail.testing.platforms.lakala import FakeLakala

NOW = 1_790_000_000_000_000


@pytest.fixture
def fake():
    return FakeLakala(seed=1)


def test_every_repetition_is_signed_anew_over_the_same_body(fake):
    fake.play(Situation.PAID, "A", 100, NOW)
    [notice] = fake.take()
    first, again = fake.sign(notice, NOW), fake.sign(notice, NOW + 480_000_000)
    assert first.body == again.body
    assert dict(first.headers)["Authorization"] != dict(again.headers)["Authorization"]


def test_closing_twice_is_an_error_and_the_next_question_tells(fake):
    payment = fake.play(Situation.LEFT, "A", 100, NOW)
    recorder = Recorder(fake)
    deed = Deed(verb=Verb.CLOSE, payment="A", key="k1")
    results = [recorder.tell(deed, NOW + at)[0].result for at in (1, 2)]
    assert results == [Result.SUCCEEDED, Result.REFUSED]
    assert payment.status == "closed"
    [event] = recorder.ask("A", NOW + 3)
    assert (event.kind, event.result) == (Kind.CANCEL, Result.SUCCEEDED)
    assert recorder.verdict("A", NOW + 4).state == "cancelled"


def test_paid_order_is_not_closed(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    recorder = Recorder(fake)
    recorder.listen()
    [event] = recorder.tell(Deed(verb=Verb.CLOSE, payment="A", key="k1"), NOW)
    assert (event.result, payment.status) == (Result.REFUSED, "paid")
    assert recorder.verdict("A", NOW).state == "paid"


def test_stranger_is_told_nothing(fake):
    fake.play(Situation.PAID, "A", 100, NOW)
    body = json.dumps({"req_data": {"out_trade_no": "A"}}).encode()
    answer = fake.answer(Asked("POST", "/api/v3/labs/query/tradequery", body=body), NOW)
    assert json.loads(answer.body)["resp_data"] is None
