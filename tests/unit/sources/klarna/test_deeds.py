"""What Klarna is asked and told, and that an answer without a body is an answer."""

import base64
import json

import pytest

from tests.signers import NOW, secrets
from voidtrail.event.account import Account
from voidtrail.event.model import STATUS, Deed, Delivery, Kind, Result, Unreadable, Verb, Via
from voidtrail.sources import klarna as source
from voidtrail.testing.contract import check_events

KLARNA = Account(source="klarna", name="main")
KEYS = secrets(username="PK1_ab", password="pw")
DEED = {"payment": "ord-1", "key": "k-1", "amount_minor": 500, "currency": "EUR", "order": "A1001"}


def told(verb, account=KLARNA, **changes):
    return source.act(Deed(verb=verb, **{**DEED, **changes}), account, KEYS, NOW, "n")


def answer(verb, status, said=None, headers=(), request="ord-1"):
    delivery = Delivery(
        source="klarna", account="main", received_at=NOW, via=Via.ASKED, request=request,
        body=b"" if said is None else json.dumps(said).encode(),
        headers=(*headers, (STATUS, str(status))), context=f"act:{verb.value}",
    )  # fmt: skip
    found = source.translate(delivery, KLARNA, {})
    check_events(found, delivery)
    return found


def facts(said):
    return [(event.kind, event.result, event.operation) for event in said]


def test_question_goes_to_the_order_or_to_the_hosted_session():
    request = source.query("ord/1", KLARNA, KEYS, NOW, "n")
    assert request.url == "https://api.klarna.com/ordermanagement/v1/orders/ord%2F1"
    pair = base64.b64encode(b"PK1_ab:pw").decode()
    assert dict(request.headers) == {"Authorization": f"Basic {pair}"}
    hosted = source.query("hpp:ses-1", KLARNA, KEYS, NOW, "n")
    assert hosted.url == "https://api.klarna.com/hpp/v1/sessions/ses-1"
    assert source.query("ord-1", KLARNA, secrets(username="PK1_ab"), NOW, "n") is None


@pytest.mark.parametrize(
    ("options", "mode", "host"),
    [({}, "test", "api.playground.klarna.com"), ({"region": "na"}, "live", "api-na.klarna.com"),
     ({"region": "oc"}, "test", "api-oc.playground.klarna.com")],
)  # fmt: skip
def test_each_region_has_its_address(options, mode, host):
    account = Account(source="klarna", name="main", mode=mode, options=options)
    assert source.query("o", account, KEYS, NOW, "n").url.startswith(f"https://{host}/")


def test_what_is_unpaid_is_closed_where_it_is():
    checkout, hosted = told(Verb.CLOSE), told(Verb.CLOSE, payment="hpp:ses-1")
    assert (checkout.method, checkout.url.rpartition("klarna.com")[2]) == (
        "POST", "/checkout/v3/orders/ord-1/abort"
    )  # fmt: skip
    assert (hosted.method, hosted.url.rpartition("/")[2]) == ("DELETE", "ses-1")
    assert told(Verb.VOID, payment="hpp:ses-1") is None
    assert told(Verb.PAY_LINK) is None


def test_void_cancels_the_order_and_refund_states_its_amount():
    assert told(Verb.VOID).url.endswith("/orders/ord-1/cancel")
    request = told(Verb.REFUND)
    assert json.loads(request.body) == {"refunded_amount": 500, "reference": "A1001"}
    assert dict(request.headers)["Klarna-Idempotency-Key"] == "k-1"
    assert told(Verb.REFUND, amount_minor=None) is None
    whole = told(Verb.REFUND, amount_minor=None, total_minor=900)
    assert json.loads(whole.body)["refunded_amount"] == 900


def test_done_is_said_without_a_body():
    assert facts(answer(Verb.VOID, 204)) == [
        (Kind.CANCEL, Result.SUCCEEDED, ""), (Kind.VOID, Result.SUCCEEDED, "ord-1:ended"),
    ]  # fmt: skip
    closed = [(Kind.CANCEL, Result.SUCCEEDED, "")]
    assert facts(answer(Verb.CLOSE, 204, request="hpp:ses-1")) == closed
    assert facts(answer(Verb.CLOSE, 200, {"order_id": "ord-1"})) == closed


@pytest.mark.parametrize(
    "header",
    [("refund-id", "r-1"),
     ("location", "https://api.klarna.com/ordermanagement/v1/orders/ord-1/refunds/r-1")],
)  # fmt: skip
def test_refund_has_the_name_under_which_the_order_will_list_it(header):
    expected = [(Kind.REFUND, Result.SUCCEEDED, "r-1")]
    assert facts(answer(Verb.REFUND, 201, headers=(header,))) == expected


def test_refusal_is_told_with_its_code_and_leaves_the_order_as_it_is():
    [event] = answer(Verb.VOID, 403, {"error_code": "CANCEL_NOT_ALLOWED"})
    assert (event.kind, event.result, event.code) == (
        Kind.VOID, Result.REFUSED, "CANCEL_NOT_ALLOWED"
    )  # fmt: skip
    [event] = answer(Verb.CLOSE, 404)
    assert (event.kind, event.result, event.code) == (Kind.CANCEL, Result.REFUSED, "404")


@pytest.mark.parametrize("status", [401, 409, 429])
def test_answer_that_asks_to_try_again_refuses_nothing(status):
    [event] = answer(Verb.VOID, status)
    assert (event.kind, event.result) == (Kind.OTHER, Result.UNKNOWN)


def test_answer_without_a_status_says_nothing():
    assert isinstance(answer(Verb.VOID, ""), Unreadable)
