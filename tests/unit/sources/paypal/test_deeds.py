"""PayPal, asked and told: requests as it takes them, and answers as they are meant."""

import json

import msgspec
import pytest

from tests.signers import NOW, asked, events, secrets
from tests.unit.sources.test_paypal import CAPTURE, KEYS, ORDER, PAYPAL, resource
from voidtrail.event.account import Account
from voidtrail.event.model import STATUS, Deed, Kind, Result, Unreadable, Verb
from voidtrail.sources import paypal as source
from voidtrail.testing.contract import check_events


def answer(body, request=ORDER, context="", status=200):
    text = b"" if body is None else json.dumps(body).encode()
    delivery = asked("paypal", text, request, ((STATUS, str(status)),))
    delivery = msgspec.structs.replace(delivery, context=context)
    source.verify(delivery, {}, NOW)
    found = events(source, delivery, PAYPAL, KEYS)
    check_events(found, delivery)
    return found


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        (ORDER, f"checkout/orders/{ORDER}"),
        (f"captures/{CAPTURE}", f"payments/captures/{CAPTURE}"),
        ("authorizations/0AW2", "payments/authorizations/0AW2"),
        ("../x", "checkout/orders/..%2Fx"),
        ("PAYID-1", None),
        ("disputes/PP-D-1", None),
    ],
)
def test_question_goes_where_the_reference_lives(reference, path):
    keys = KEYS | secrets(access_token="A21")
    request = source.query(reference, PAYPAL, keys, NOW, "n")
    assert (request and request.url) == (path and f"https://api-m.paypal.com/v2/{path}")
    assert path is None or dict(request.headers)["Authorization"] == "Bearer A21"


def test_test_account_asks_the_sandbox():
    account = Account(source="paypal", name="main", mode="test")
    assert source.query(ORDER, account, KEYS, NOW, "n").url.startswith("https://api-m.sandbox.")
    assert source.token(account, KEYS).url == "https://api-m.sandbox.paypal.com/v1/oauth2/token"
    assert source.token(account, {}) is None


def test_unknown_order_is_absent_and_a_fault_is_no_conclusion():
    gone = {"name": "RESOURCE_NOT_FOUND", "details": [{"issue": "INVALID_RESOURCE_ID"}]}
    [event] = answer(gone, status=404)
    assert (event.kind, event.result) == (Kind.ABSENT, Result.SUCCEEDED)
    for body, status in (
        ({"name": "AUTHENTICATION_FAILURE"}, 401), ({"error": "invalid_token"}, 401),
        ({"name": "RATE_LIMIT_REACHED"}, 429), ({"name": "INTERNAL_SERVER_ERROR"}, 500),
    ):  # fmt: skip
        for context in ("", "act:void"):
            [event] = answer(body, status=status, context=context)
            assert (event.kind, event.result) == (Kind.OTHER, Result.UNKNOWN)


def test_answer_about_another_order_is_unreadable():
    delivery = asked("paypal", b'{"id":"OTHER","status":"CREATED"}', ORDER)
    assert isinstance(source.translate(delivery, PAYPAL, KEYS), Unreadable)


def test_capture_that_is_asked_about_joins_its_order():
    [event] = answer(resource(CAPTURE, "REFUNDED"), f"captures/{CAPTURE}")
    assert (event.payment, event.names) == (ORDER, (f"captures/{CAPTURE}",))
    assert (event.kind, event.result, event.life) == (Kind.CAPTURE, Result.SUCCEEDED, False)


@pytest.mark.parametrize(
    ("body", "status", "result"),
    [
        (None, 204, Result.SUCCEEDED),
        (resource("0AW2", "VOIDED", expiration_time="2025-07-15T15:00:00Z"), 200, Result.SUCCEEDED),
        ({"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": "PREVIOUSLY_VOIDED"}]}, 422,
         Result.SUCCEEDED),
        ({"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": "PREVIOUSLY_CAPTURED"}]}, 422,
         Result.REFUSED),
    ],
)  # fmt: skip
def test_void_that_we_asked_for_is_told_as_it_went(body, status, result):
    [event] = answer(body, context="act:void", status=status)
    assert (event.kind, event.result, event.payment) == (Kind.VOID, result, ORDER)


def test_deeds_carry_their_key_and_amounts_as_paypal_takes_them():
    deed = Deed(verb=Verb.REFUND, payment=ORDER, key="k-1", operation=CAPTURE, amount_minor=90_000,
                currency="HUF")  # fmt: skip
    request = source.act(deed, PAYPAL, KEYS, NOW, "n")
    assert json.loads(request.body) == {"amount": {"value": "900", "currency_code": "HUF"}}
    assert dict(request.headers)["PayPal-Request-Id"] == "k-1"
    whole = msgspec.structs.replace(deed, amount_minor=None)
    assert source.act(whole, PAYPAL, KEYS, NOW, "n").body == b"{}"
    assert source.act(msgspec.structs.replace(deed, operation=""), PAYPAL, KEYS, NOW, "n") is None
    assert (
        source.act(msgspec.structs.replace(deed, verb=Verb.CLOSE), PAYPAL, KEYS, NOW, "n") is None
    )
