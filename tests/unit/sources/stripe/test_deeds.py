"""What Stripe is told, and what its answers to that say."""

import json
from urllib.parse import parse_qs

import pytest
from msgspec import structs

from tests import signers
from voidtrail.event.account import Account
from voidtrail.event.model import Deed, Kind, Result, Verb
from voidtrail.sources import stripe

ACCOUNT = Account(source="stripe", name="main", options={"return_url": "https://shop.example/"})
KEYS = signers.secrets(api_key="sk_1")


def deed(verb, payment="pi_1", **more):
    return Deed(verb=verb, payment=payment, key="key-1", **more)


def told(verb, body, payment="pi_1"):
    delivery = signers.asked("stripe", json.dumps(body).encode(), payment)
    delivery = structs.replace(delivery, context=f"act:{verb}")
    return [(e.kind, e.result, e.code) for e in signers.events(stripe, delivery, ACCOUNT, {})]


def test_an_intent_is_cancelled_under_the_key_and_without_a_reason_of_its_own():
    request = stripe.act(deed(Verb.CLOSE), ACCOUNT, KEYS, 0, "n")
    assert request.url == "https://api.stripe.com/v1/payment_intents/pi_1/cancel"
    headers = dict(request.headers)
    assert headers["Idempotency-Key"] == "key-1"
    assert headers["Authorization"] == "Bearer sk_1"
    assert (request.body, request.context) == (b"", "act:close")


def test_a_session_expires_and_cannot_be_voided():
    request = stripe.act(deed(Verb.CLOSE, "cs_1"), ACCOUNT, KEYS, 0, "n")
    assert request.url.endswith("/v1/checkout/sessions/cs_1/expire")
    assert stripe.act(deed(Verb.VOID, "cs_1"), ACCOUNT, KEYS, 0, "n") is None


@pytest.mark.parametrize(
    ("payment", "operation", "currency", "amount", "form"),
    [
        ("pi_1", "ch_9", "EUR", 500, {"payment_intent": ["pi_1"], "amount": ["500"]}),
        ("cs_1", "pi_2", "JPY", 500, {"payment_intent": ["pi_2"], "amount": ["500"]}),
        ("ch_1", "", "ISK", 5, {"charge": ["ch_1"], "amount": ["500"]}),
    ],
)
def test_a_refund_names_what_was_taken(payment, operation, currency, amount, form):
    order = deed(Verb.REFUND, payment, operation=operation, amount_minor=amount, currency=currency)
    assert parse_qs(stripe.act(order, ACCOUNT, KEYS, 0, "n").body.decode()) == form


def test_a_connected_account_is_named_in_the_header():
    account = Account(source="stripe", name="sub", options={"merchant": "acct_1"})
    request = stripe.query("pi_1", account, KEYS, 0, "n")
    assert dict(request.headers)["Stripe-Account"] == "acct_1"


def test_a_page_to_pay_on_needs_a_price_and_somewhere_to_return():
    order = deed(Verb.PAY_LINK, amount_minor=500, currency="EUR", order="A1")
    form = parse_qs(stripe.act(order, ACCOUNT, KEYS, 0, "n").body.decode())
    assert form["line_items[0][price_data][unit_amount]"] == ["500"]
    assert form["client_reference_id"] == ["A1"]
    bare = Account(source="stripe", name="main")
    assert stripe.act(order, bare, KEYS, 0, "n") is None


def test_what_was_done_is_told_as_the_same_fact_that_a_question_learns():
    intent = {"id": "pi_1", "object": "payment_intent", "status": "canceled", "amount": 5,
              "currency": "eur", "canceled_at": 1_750_000_000}  # fmt: skip
    assert told("close", intent) == [(Kind.CANCEL, Result.SUCCEEDED, "")]
    refund = {"id": "re_1", "object": "refund", "status": "succeeded", "amount": 5,
              "currency": "eur", "payment_intent": "pi_1", "charge": "ch_1"}  # fmt: skip
    assert told("refund", refund) == [(Kind.REFUND, Result.SUCCEEDED, "")]
    session = {"id": "cs_7", "object": "checkout.session", "status": "open",
               "amount_total": 5, "currency": "eur", "url": "https://checkout"}  # fmt: skip
    assert told("pay_link", session, "A1") == [(Kind.OPEN, Result.PENDING, "")]


def test_a_session_that_was_expired_early_was_ended_by_the_merchant():
    session = {"id": "cs_1", "object": "checkout.session", "status": "expired", "currency": "eur",
               "amount_total": 5, "expires_at": signers.NOW_S + 3600}  # fmt: skip
    delivery = signers.asked("stripe", json.dumps(session).encode(), "cs_1")
    (event,) = signers.events(stripe, delivery, ACCOUNT, {})
    assert (event.kind, event.occurred_at) == (Kind.EXPIRE, signers.NOW)


@pytest.mark.parametrize(
    ("error", "kind", "result"),
    [
        ({"code": "payment_intent_unexpected_state", "type": "invalid_request_error"},
         Kind.CANCEL, Result.REFUSED),
        ({"code": "resource_missing", "type": "invalid_request_error"},
         Kind.CANCEL, Result.REFUSED),
        ({"code": "lock_timeout", "type": "invalid_request_error"}, Kind.OTHER, Result.UNKNOWN),
        ({"type": "api_error"}, Kind.OTHER, Result.UNKNOWN),
        ({"type": "invalid_request_error"}, Kind.OTHER, Result.UNKNOWN),
    ],
)  # fmt: skip
def test_only_a_refusal_for_good_is_told_as_one(error, kind, result):
    ((found, how, _),) = told("close", {"error": error})
    assert (found, how) == (kind, result)


def test_an_answer_about_another_object_leads_to_nothing():
    delivery = signers.asked("stripe", b'{"id":"pi_2","object":"payment_intent","status":"canceled"'
                             b',"currency":"eur"}', "pi_1")  # fmt: skip
    assert stripe.translate(delivery, ACCOUNT, {}).path == "id"
