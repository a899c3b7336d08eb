"""What Adyen is told to do, and that "received" is not yet "done"."""

import json

import pytest

from tests.signers import NOW, secrets
from voidtrail.event.account import Account
from voidtrail.event.model import Deed, Delivery, Kind, Result, Unreadable, Verb, Via
from voidtrail.sources import adyen as source
from voidtrail.testing.contract import check_events

TEST = Account(source="adyen", name="main", mode="test", options={"merchant_account": "ShopEU"})
KEYS = secrets(api_key="AQE1")
DEED = Deed(verb=Verb.REFUND, payment="PAYMENT1", key="k" * 80, amount_minor=1000, currency="CLP",
            order="A1001")  # fmt: skip


def told(verb, account=TEST, **changes):
    deed = Deed(**{name: getattr(DEED, name) for name in DEED.__struct_fields__} | changes
                | {"verb": verb})  # fmt: skip
    return source.act(deed, account, KEYS, NOW, "n")


def answer(body, verb=Verb.VOID):
    delivery = Delivery(
        source="adyen", account="main", received_at=NOW, body=json.dumps(body).encode(),
        via=Via.ASKED, request="PAYMENT1", context=f"act:{verb.value}",
    )  # fmt: skip
    source.verify(delivery, {}, NOW)
    found = source.translate(delivery, TEST, {})
    check_events(found, delivery)
    return found


def test_refund_is_in_adyens_unit_and_goes_under_one_key():
    request = told(Verb.REFUND)
    assert request.url == "https://checkout-test.adyen.com/v71/payments/PAYMENT1/refunds"
    assert json.loads(request.body)["amount"] == {"currency": "CLP", "value": 100_000}
    headers = dict(request.headers)
    assert headers["Idempotency-Key"] == "k" * 64, "no longer than Adyen takes"
    assert headers["X-API-Key"] == "AQE1"
    assert told(Verb.REFUND, currency="IDR", amount_minor=550) is None, "finer than its unit"
    assert told(Verb.REFUND, amount_minor=None) is None, "all of it must be said"
    whole = told(Verb.REFUND, amount_minor=None, total_minor=900)
    assert json.loads(whole.body)["amount"]["value"] == 90_000


def test_what_is_held_or_pending_is_cancelled_and_a_link_is_made_to_lapse():
    for verb in (Verb.VOID, Verb.CLOSE):
        assert told(verb).url.endswith("/payments/PAYMENT1/cancels")
    request = told(Verb.CLOSE, payment="PL1")
    assert (request.method, request.url[-17:]) == ("PATCH", "/paymentLinks/PL1")
    assert json.loads(request.body) == {"status": "expired"}


def test_pay_link_is_for_the_order():
    request = told(Verb.PAY_LINK, amount_minor=1230, currency="EUR")
    said = json.loads(request.body)
    assert (said["reference"], said["amount"]["value"]) == ("A1001", 1230)
    assert told(Verb.PAY_LINK, order="") is None


def test_live_address_has_the_merchants_own_prefix():
    live = {"merchant_account": "ShopEU"}
    assert told(Verb.VOID, Account(source="adyen", name="main", options=live)) is None
    live["live_prefix"] = "1797a841fbb37ca7-ShopEU"
    url = told(Verb.VOID, Account(source="adyen", name="main", options=live)).url
    assert url.startswith("https://1797a841fbb37ca7-ShopEU-checkout-live.adyenpayments.com/")


def test_company_speaks_for_each_of_its_merchant_accounts():
    sub = Account(source="adyen", name="eu", mode="test", options={"merchant": "ShopEU"})
    assert json.loads(told(Verb.VOID, sub).body)["merchantAccount"] == "ShopEU"


def test_nothing_can_be_asked():
    assert source.query("PAYMENT1", TEST, KEYS, NOW, "n") is None
    assert not source.CAPABILITIES.query


@pytest.mark.parametrize(
    ("verb", "kind", "operation"),
    [(Verb.VOID, Kind.VOID, "MODIFIC1"), (Verb.REFUND, Kind.REFUND, "MODIFIC1"),
     (Verb.CLOSE, Kind.CANCEL, "")],
)  # fmt: skip
def test_received_is_pending_under_the_reference_that_the_notice_will_have(verb, kind, operation):
    said = {"status": "received", "pspReference": "MODIFIC1", "paymentPspReference": "PAYMENT1"}
    [event] = answer(said, verb)
    assert (event.kind, event.result, event.operation) == (kind, Result.PENDING, operation)
    assert event.payment == "PAYMENT1"


def test_refusal_is_told_with_its_code_and_a_wrong_key_is_none():
    refusal = {"status": 422, "errorCode": "167", "errorType": "validation", "message": "…"}
    [event] = answer(refusal)
    assert (event.kind, event.result, event.code) == (Kind.VOID, Result.REFUSED, "167")
    [event] = answer({"status": 401, "errorCode": "000", "errorType": "security"})
    assert (event.kind, event.result) == (Kind.OTHER, Result.UNKNOWN)


def test_link_made_waits_and_link_lapsed_is_closed():
    made = {"id": "PL1", "status": "active", "expiresAt": "2026-01-06T10:00:00Z",
            "reference": "A1001", "amount": {"currency": "EUR", "value": 1230}}  # fmt: skip
    [event] = answer(made, Verb.PAY_LINK)
    assert (event.kind, event.payment, event.order) == (Kind.OPEN, "PL1", "A1001")
    assert (event.amount_minor, event.until) == (1230, 1_767_693_600_000_000)
    [event] = answer({"id": "PL1", "status": "expired"}, Verb.CLOSE)
    assert (event.kind, event.result) == (Kind.CANCEL, Result.SUCCEEDED)
    [event] = answer({"id": "PL1", "status": "completed"}, Verb.CLOSE)
    assert (event.kind, event.result) == (Kind.CANCEL, Result.REFUSED)


@pytest.mark.parametrize("body", [{}, {"status": None}, {"pspReference": "M"}])
def test_answer_that_says_nothing_is_unreadable(body):
    assert isinstance(answer(body), Unreadable)


def test_link_in_no_currency_is_unreadable():
    amount = {"currency": "???", "value": 5}
    found = answer({"id": "PL1", "status": "active", "amount": amount}, Verb.PAY_LINK)
    assert isinstance(found, Unreadable)
