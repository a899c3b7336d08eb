"""Razorpay: what it is asked and told, and what its answers mean."""

import base64
import json

import msgspec
import pytest

from tests.signers import NOW, NOW_S, asked, events
from tests.unit.sources.test_razorpay import ACCOUNT, KEYS, PAY, REFUND, P, R, S, facts
from voidtrail.event.model import Deed, Kind, Result, Tag, Unreadable, Verb
from voidtrail.sources import razorpay as source


def answer(entity, request="pay_1", context=""):
    delivery = asked("razorpay", json.dumps(entity).encode(), request)
    delivery = msgspec.structs.replace(delivery, context=context)
    return events(source, delivery, ACCOUNT, KEYS)


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ("pay_1", "payments/pay_1"), ("order_1", "orders/order_1/payments"),
        ("plink_1", "payment_links/plink_1"), ("rfnd_1", None), ("A1001", None),
    ],
)  # fmt: skip
def test_question_by_the_kind_of_its_name(reference, path):
    request = source.query(reference, ACCOUNT, KEYS, NOW, "")
    assert (request and request.url) == (path and f"https://api.razorpay.com/v1/{path}")
    if request:
        pair = base64.b64encode(b"rzp_live_1:api secret").decode()
        assert dict(request.headers)["Authorization"] == f"Basic {pair}"


def test_order_with_attempts_in_vain_still_waits():
    failed = {**PAY, "status": "failed", "captured": False, "error_reason": "card_declined",
              "created_at": NOW_S - 60}  # fmt: skip
    refused, waiting = answer({"entity": "collection", "items": [failed]}, "order_1")
    assert (refused.kind, refused.result) == (Kind.AUTHORISE, R)
    assert refused.occurred_at == (NOW_S - 60) * 1_000_000
    assert (waiting.kind, waiting.result, waiting.occurred_at) == (Kind.OPEN, P, NOW)
    [nobody] = answer({"entity": "collection", "items": []}, "order_1")
    assert (nobody.kind, nobody.payment, nobody.life) == (Kind.OPEN, "order_1", False)


def test_refunded_payment_counts_what_went_back():
    found = answer({**PAY, "status": "refunded", "amount_refunded": 49900})
    assert facts(found)[1] == (Kind.REFUND, S, "pay_1:refunded", 49900, Tag.CUMULATIVE)
    lapsed = answer({**PAY, "status": "refunded", "captured": False, "amount_refunded": 49900})
    assert {e.kind for e in lapsed} == {Kind.VOID, Kind.EXPIRE}


@pytest.mark.parametrize(
    ("context", "code", "description", "kind", "result"),
    [
        ("", "BAD_REQUEST_ERROR", "The id provided does not exist", Kind.ABSENT, S),
        ("", "BAD_REQUEST_ERROR", "Authentication failed", Kind.OTHER, Result.UNKNOWN),
        ("act:close", "BAD_REQUEST_ERROR", "cannot be cancelled", Kind.CANCEL, R),
        ("act:refund", "BAD_REQUEST_ERROR", "fully refunded already", Kind.REFUND, R),
        ("act:refund", "SERVER_ERROR", "try again", Kind.OTHER, Result.UNKNOWN),
    ],
)
def test_error_is_a_conclusion_only_where_it_is_one(context, code, description, kind, result):
    [event] = answer({"error": {"code": code, "description": description}}, "plink_1", context)
    assert (event.kind, event.result, event.payment) == (kind, result, "plink_1")


def test_answer_about_another_payment_is_no_answer():
    delivery = asked("razorpay", json.dumps(PAY).encode(), "pay_9")
    assert isinstance(source.translate(delivery, ACCOUNT, KEYS), Unreadable)


def act(verb, payment, operation="", key="k-1", amount=500):
    deed = Deed(verb=verb, payment=payment, key=key, operation=operation, amount_minor=amount,
                currency="INR", order="A7")  # fmt: skip
    return source.act(deed, ACCOUNT, KEYS, NOW, "")


def test_refund_is_of_a_payment_and_carries_a_key_that_razorpay_takes():
    request = act(Verb.REFUND, "order_1", "pay_1")
    assert request.url.endswith("/v1/payments/pay_1/refund")
    assert json.loads(request.body) == {"amount": 500}
    key = dict(request.headers)["X-Refund-Idempotency"]
    assert len(key) >= 10
    assert dict(act(Verb.REFUND, "order_1", "pay_1").headers)["X-Refund-Idempotency"] == key
    assert dict(act(Verb.REFUND, "order_1", "pay_1", "k-2").headers)["X-Refund-Idempotency"] != key


def test_only_links_are_closed_and_nothing_is_let_go():
    assert act(Verb.CLOSE, "plink_1").url.endswith("/v1/payment_links/plink_1/cancel")
    assert act(Verb.CLOSE, "order_1") is None
    assert act(Verb.VOID, "order_1", "pay_1") is None
    assert act(Verb.REFUND, "order_1") is None, "its capture is not known"


def test_order_s_refund_is_filed_under_the_payment_that_was_asked_for():
    [event] = answer(REFUND, "order_1", "act:refund")
    assert (event.kind, event.payment, event.names) == (Kind.REFUND, "order_1", ("pay_1",))


@pytest.mark.parametrize("key", ["k-1", "k" * 64])
def test_pay_link_names_our_order_and_is_made_once_for_a_key(key):
    request = act(Verb.PAY_LINK, "order_1", key=key)
    wanted = json.loads(request.body)
    assert wanted["notes"] == {"order_id": "A7"}
    assert len(wanted["reference_id"]) <= 40
    other = json.loads(act(Verb.PAY_LINK, "order_1", key=key + "x").body)
    assert wanted["reference_id"] != other["reference_id"]


def test_made_link_waits_under_its_own_name():
    made = {"id": "plink_9", "status": "created", "amount": 500, "currency": "INR"}
    more = {"reference_id": "k-1", "notes": {"order_id": "A7"}, "expire_by": NOW_S + 60}
    event, *_ = answer(made | more, "order_1", "act:pay_link")
    assert (event.kind, event.result, event.payment, event.order) == (
        Kind.OPEN, Result.PENDING, "plink_9", "A7",
    )  # fmt: skip
    assert event.until == (NOW_S + 60) * 1_000_000
