"""What Checkout.com is asked and told, and that "accepted" is not yet "done"."""

import json

import pytest

from tests.signers import NOW, secrets
from voidtrail.event.account import Account
from voidtrail.event.model import STATUS, Deed, Delivery, Kind, Result, Unreadable, Verb, Via
from voidtrail.sources import checkout as source
from voidtrail.testing.contract import check_events

CHECKOUT = Account(source="checkout", name="main", options={"country": "DE"})
KEYS = secrets(api_key="sk_1")
DEED = {"payment": "pay_1", "key": "k-1", "amount_minor": 10, "currency": "CLP", "order": "A1001"}


def told(verb, account=CHECKOUT, **changes):
    return source.act(Deed(verb=verb, **{**DEED, **changes}), account, KEYS, NOW, "n")


def answer(said, verb, status):
    delivery = Delivery(
        source="checkout", account="main", received_at=NOW, via=Via.ASKED, request="pay_1",
        body=json.dumps(said).encode() if said is not None else b"",
        headers=((STATUS, str(status)),), context=f"act:{verb.value}",
    )  # fmt: skip
    found = source.translate(delivery, CHECKOUT, {})
    check_events(found, delivery)
    return found


def test_question_goes_to_the_payment_with_the_key():
    request = source.query("pay_1/x", CHECKOUT, KEYS, NOW, "n")
    assert request.url == "https://api.checkout.com/payments/pay_1%2Fx"
    assert dict(request.headers) == {"Authorization": "Bearer sk_1"}
    sandbox = Account(source="checkout", name="main", mode="test")
    assert source.query("pay_1", sandbox, KEYS, NOW, "n").url.startswith(
        "https://api.sandbox.checkout.com/"
    )


def test_void_and_refund_go_under_one_key_and_in_its_own_unit():
    request = told(Verb.VOID)
    assert request.url.endswith("/payments/pay_1/voids")
    assert json.loads(request.body) == {"reference": "A1001"}
    assert dict(request.headers)["Cko-Idempotency-Key"] == "k-1"
    assert json.loads(told(Verb.REFUND).body) == {"reference": "A1001", "amount": 1000}
    assert "amount" not in json.loads(told(Verb.REFUND, amount_minor=None).body), "all of it"


def test_pay_link_needs_a_country_and_an_amount():
    said = json.loads(told(Verb.PAY_LINK, currency="EUR", amount_minor=1230).body)
    assert said == {"reference": "A1001", "amount": 1230, "currency": "EUR",
                    "billing": {"address": {"country": "DE"}}}  # fmt: skip
    assert told(Verb.PAY_LINK, amount_minor=None) is None
    assert told(Verb.PAY_LINK, Account(source="checkout", name="main")) is None


def test_what_is_unpaid_cannot_be_closed():
    assert told(Verb.CLOSE) is None
    assert not source.CAPABILITIES.close


@pytest.mark.parametrize(("verb", "kind"), [(Verb.VOID, Kind.VOID), (Verb.REFUND, Kind.REFUND)])
def test_accepted_is_pending_under_the_action_that_an_event_will_name(verb, kind):
    [event] = answer({"action_id": "act_1", "reference": "A1001"}, verb, 202)
    assert (event.kind, event.result, event.operation) == (kind, Result.PENDING, "act_1")


def test_refusal_is_told_with_its_code():
    [event] = answer(None, Verb.VOID, 403)
    assert (event.kind, event.result, event.code) == (Kind.VOID, Result.REFUSED, "403")
    error = {"error_type": "request_invalid", "error_codes": ["refund_amount_exceeds_balance"]}
    [event] = answer(error, Verb.REFUND, 422)
    assert (event.kind, event.result) == (Kind.REFUND, Result.REFUSED)
    assert event.code == "refund_amount_exceeds_balance"


@pytest.mark.parametrize("status", [401, 409, 429])
def test_answer_that_asks_to_try_again_refuses_nothing(status):
    [event] = answer(None, Verb.VOID, status)
    assert (event.kind, event.result) == (Kind.OTHER, Result.UNKNOWN)


def test_link_that_was_made_waits_and_one_that_was_not_concludes_nothing():
    [event] = answer({"id": "pl_1", "reference": "A1001"}, Verb.PAY_LINK, 201)
    assert (event.kind, event.payment, event.order) == (Kind.OPEN, "pl_1", "A1001")
    [event] = answer({"error_codes": ["country_invalid"]}, Verb.PAY_LINK, 422)
    assert event.kind is Kind.OTHER
    assert isinstance(answer({}, Verb.VOID, 202), Unreadable)
