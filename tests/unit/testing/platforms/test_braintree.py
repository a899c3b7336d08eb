"""The fake Braintree answers as the real one where sources depend on it."""

import warnings
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.unit.testing.platforms.recorder import DAY, Recorder
from voidtrail.event.model import Deed, Kind, Result, Verb
from voidtrail.testing.platforms.braintree import FakeBraintree
from voidtrail.testing.platforms.fake import Asked, Situation, Step

NOW = 1_790_000_000_000_000


@cache
def _library():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the library warns of itself
        import braintree
    return braintree


@pytest.fixture
def fake():
    return FakeBraintree(seed=1)


@pytest.fixture
def sdk(fake):
    """The official library, as a shop with this fake's keys uses it."""
    keys, library = fake.secrets(), _library()
    return library.BraintreeGateway(library.Configuration(
        library.Environment.Sandbox, keys["merchant_id"], keys["public_key"], keys["private_key"]
    ))  # fmt: skip


def test_stranger_is_told_nothing(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    path = f"/merchants/{fake.secrets()['merchant_id']}/transactions/{payment.reference}"
    assert fake.answer(Asked("GET", path), NOW).status == 401


def test_official_sdk_takes_its_notices(fake, sdk):
    fake.play(Situation.RETURNED, "A1", 4200, NOW)
    payment = fake.play(Situation.DISPUTED, "A2", 100, NOW)
    parsed = []
    for notice in fake.take():
        form = {
            name: value for name, [value] in parse_qs(fake.sign(notice, NOW).body.decode()).items()
        }
        parsed.append(sdk.webhook_notification.parse(form["bt_signature"], form["bt_payload"]))
    taken, returned, _, opened, lost = parsed
    assert (str(taken.transaction.amount), taken.transaction.order_id) == ("42.00", "A1")
    assert returned.transaction.refunded_transaction_id == taken.transaction.id
    assert (opened.kind, lost.dispute.status) == ("dispute_opened", "lost")
    assert lost.dispute.transaction.id == payment.reference


def test_official_sdk_asks_the_same_riddle(fake, sdk):
    riddle = "20f9f8ed05f77439fe955c977e4c8a53"
    assert fake.challenge(riddle) == sdk.webhook_notification.verify(riddle)
    recorder: Any = Recorder(fake)
    answer = recorder.source.challenge(f"bt_challenge={riddle}", recorder.secrets)
    assert answer.body.decode() == fake.challenge(riddle)


def test_official_sdk_reads_its_answers(fake, sdk):
    payment = fake.play(Situation.MERCHANT_VOIDED, "A1", 4200, NOW)
    recorder = Recorder(fake)
    request = recorder.source.query(payment.reference, recorder.account, recorder.secrets, NOW, "")
    from braintree.transaction import Transaction
    from braintree.util.xml_util import XmlUtil

    body = recorder.request(request, NOW).body
    found = Transaction(sdk, XmlUtil.dict_from_xml(body)["transaction"])
    assert (found.status, found.status_history[-1].user) == ("voided", "api@shop.example")


def test_settled_transaction_is_not_voided_and_one_key_refunds_once(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    recorder = Recorder(fake)
    recorder.listen()
    [event] = recorder.tell(Deed(verb=Verb.VOID, payment=payment.reference, key="v"), NOW + DAY)
    assert (event.kind, event.result, event.code) == (Kind.VOID, Result.REFUSED, "91504")
    part = Deed(verb=Verb.REFUND, payment=payment.reference, key="k1", amount_minor=60,
                currency="USD")  # fmt: skip
    assert recorder.tell(part, NOW + DAY) == recorder.tell(part, NOW + DAY)
    assert payment.returned == 60
    again = Deed(verb=Verb.REFUND, payment=payment.reference, key="k2", amount_minor=60,
                 currency="USD")  # fmt: skip
    [event] = recorder.tell(again, NOW + DAY)
    assert (event.kind, event.result, payment.returned) == (Kind.REFUND, Result.REFUSED, 60)
    assert recorder.verdict(payment.reference, NOW + DAY).money == "partly_returned"


def test_refund_is_answered_by_its_own_name_and_may_fail_later(fake):
    payment = fake.play(Situation.RETURNED, "A", 100, NOW)
    fake.take()
    recorder = Recorder(fake)
    recorder.ask(payment.reference, NOW + DAY)
    assert recorder.verdict(payment.reference, NOW + DAY).money == "taken"
    recorder.ask(payment.refunds[0].id, NOW + DAY)
    assert recorder.verdict(payment.reference, NOW + DAY).money == "returned"
    assert fake.do(payment, Step.REFUND_FAIL, NOW + 2 * DAY)
    recorder.listen()
    assert recorder.verdict(payment.reference, NOW + 3 * DAY).money == "taken"
