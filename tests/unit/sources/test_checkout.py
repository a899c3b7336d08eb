"""Checkout.com: one signature over the body, and types that tell who ended a payment."""

import hmac
import json

import msgspec
import pytest

from tests.signers import NOW, events, secrets
from voidtrail.errors import KeyUnknown, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account
from voidtrail.event.model import STATUS, Delivery, Kind, Method, Result, Unreadable, Via
from voidtrail.event.reason import BY_NUMBER
from voidtrail.sources import checkout as source
from voidtrail.testing.contract import Genuine, check_events, check_genuine, is_refused

KEY = "wsk_test_key"
KEYS = secrets(signing=KEY, api_key="sk_1")
CHECKOUT = Account(source="checkout", name="main")
DATA = {"id": "pay_1", "action_id": "act_1", "reference": "A1001", "amount": 1230,
        "currency": "EUR", "processed_on": "2026-01-05T09:00:00.6252516Z"}  # fmt: skip
YES, NO, PENDING = Result.SUCCEEDED, Result.REFUSED, Result.PENDING


def body(kind, links=None, **changes):
    return json.dumps({"id": "evt_1", "type": kind, "created_on": "2026-01-05T09:00:01Z",
                       "data": {**DATA, **changes}, "_links": links or {}}).encode()  # fmt: skip


def signed(raw, key=KEY):
    mac = hmac.new(key.encode(), raw, "sha256").hexdigest()
    headers = (("content-type", "application/json"), ("cko-signature", mac))
    return Delivery(source="checkout", account="main", received_at=NOW, body=raw, headers=headers)


def told(kind, account=CHECKOUT, links=None, **changes):
    """Every event passes the whole contract: forgeries of it are refused."""
    genuine = Genuine(signed(body(kind, links, **changes)), KEYS, NOW)
    return check_genuine(source, genuine, account)


def asked(said, *, status="200", context="", request="pay_1"):
    raw = said if isinstance(said, bytes) else json.dumps(said).encode()
    delivery = Delivery(
        source="checkout", account="main", received_at=NOW, body=raw, headers=((STATUS, status),),
        via=Via.ASKED, request=request, context=context,
    )  # fmt: skip
    source.verify(delivery, {}, NOW)
    found = source.translate(delivery, CHECKOUT, {})
    check_events(found, delivery)
    return found


def facts(said):
    return [(e.kind, e.result, e.operation, e.amount_minor) for e in said]


def slug(event):
    return BY_NUMBER[event.reason].slug


# ------------------------------------------------------------------------------------- signatures

GOOD = signed(body("payment_approved"))
MAC = dict(GOOD.headers)["cko-signature"]


@pytest.mark.parametrize(
    "changed",
    [MAC.upper(), MAC[:-1], MAC + "0", f"sha256={MAC}", MAC[::-1], " " + MAC, "\udcff", "0" * 64,
     hmac.new(KEY.encode(), GOOD.body, "sha1").hexdigest(),
     hmac.new(KEY.encode(), GOOD.body, "sha512").hexdigest(),
     hmac.new(KEY.encode(), GOOD.body.rstrip(b"}"), "sha256").hexdigest()],
)  # fmt: skip
def test_changed_signature_is_refused(changed):
    with pytest.raises(SignatureInvalid):
        source.verify(_with(("cko-signature", changed)), KEYS, NOW)


def _with(*headers):
    return msgspec.structs.replace(GOOD, headers=headers)


def test_signature_must_come_once_and_a_key_be_there():
    for headers in ((), (("cko-signature", ""),), (("cko-signature", MAC),) * 2):
        with pytest.raises(SignatureMissing):
            source.verify(_with(*headers), KEYS, NOW)
    with pytest.raises(KeyUnknown):
        source.verify(GOOD, {}, NOW)
    assert is_refused(source, GOOD, secrets(signing="wsk_other"), NOW)
    source.verify(GOOD, secrets(signing=("wsk_new", KEY)), NOW)


def test_shape_examples_are_read(shared):
    found = json.loads((shared / "psp/checkout/shape_examples.json").read_text("utf-8"))
    for example in found["items"]:
        delivery = signed(json.dumps(example).encode())
        source.verify(delivery, KEYS, NOW)
        said = events(source, delivery, CHECKOUT, {})
        check_events(said, delivery)
        assert said[0].kind is not Kind.OTHER
        assert said[0].order == "ORD-1"


# ------------------------------------------------------------------------------------------ meaning


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("payment_pending", [(Kind.SUBMIT, PENDING, "", 1230)]),
        ("payment_approved", [(Kind.AUTHORISE, YES, "pay_1", 1230)]),
        ("payment_declined", [(Kind.AUTHORISE, NO, "pay_1", 1230)]),
        ("payment_captured", [(Kind.CAPTURE, YES, "act_1", 1230)]),
        ("payment_capture_declined", [(Kind.CAPTURE, NO, "act_1", 1230)]),
        ("payment_voided", [(Kind.CANCEL, YES, "", None), (Kind.VOID, YES, "act_1", 1230)]),
        ("payment_void_declined", [(Kind.VOID, NO, "act_1", 1230)]),
        ("payment_canceled", [(Kind.CANCEL, YES, "", 1230)]),
        ("payment_expired", [(Kind.EXPIRE, YES, "", 1230)]),
        ("payment_refunded", [(Kind.REFUND, YES, "act_1", 1230)]),
        ("payment_refund_pending", [(Kind.REFUND, PENDING, "act_1", 1230)]),
        ("payment_refund_declined", [(Kind.REFUND, NO, "act_1", 1230)]),
        ("payment_returned", [(Kind.DISPUTE, YES, "act_1", 1230)]),
        ("payment_paid", [(Kind.OTHER, Result.UNKNOWN, "", None)]),
        ("authentication_failed", [(Kind.OTHER, Result.UNKNOWN, "", None)]),
        ("something_new", [(Kind.OTHER, Result.UNKNOWN, "", None)]),
    ],
)
def test_type_says_what_happened(kind, expected):
    said = told(kind)
    assert facts(said) == expected
    assert {event.payment for event in said} == {"pay_1"}


@pytest.mark.parametrize(
    ("kind", "changes", "expected"),
    [
        ("payment_canceled", {}, "customer_request"),
        ("payment_voided", {}, "merchant_request"),
        ("payment_voided", {"trigger": "manual"}, "merchant_request"),
        ("payment_voided", {"trigger": "automatic"}, "closed_by_platform"),
        ("payment_expired", {}, "timed_out"),
        ("payment_declined", {"response_code": "20051"}, "insufficient_funds"),
        ("payment_declined", {"response_code": "29999"}, "declined"),
        ("payment_declined", {"response_code": "30033"}, "card_expired"),
        ("payment_declined", {"response_code": "40101"}, "risk_refused"),
        ("payment_declined", {"response_code": "50001"}, "platform_fault"),
        ("payment_declined", {"response_code": "9"}, "unlisted"),
        ("payment_declined", {}, "declined"),
    ],
)
def test_actor_is_carried_by_the_type_and_the_cause_by_the_code(kind, changes, expected):
    said = told(kind, **changes)
    assert {slug(event) for event in said} == {expected}


def test_void_that_was_declined_ends_nothing():
    [event] = told("payment_void_declined", response_code="20006")
    assert (event.kind, event.result, event.code) == (Kind.VOID, NO, "20006")


def test_one_action_that_comes_as_two_events_is_one():
    once, again = (signed(raw) for raw in (body("payment_voided"),
                   body("payment_voided").replace(b"evt_1", b"evt_2")))  # fmt: skip
    ids = [{e.identity for e in events(source, each, CHECKOUT, {})} for each in (once, again)]
    assert ids[0] == ids[1] == {("payment_voided", "pay_1", "act_1")}
    assert told("payment_voided", action_id="act_2")[0].identity not in ids[0]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("dispute_evidence_required", (Kind.DISPUTE, YES, "dsp_1", "")),
        ("dispute_received", (Kind.DISPUTE, YES, "dsp_1", "")),
        ("dispute_evidence_submitted", (Kind.DISPUTE, PENDING, "dsp_1", "")),
        ("dispute_lost", (Kind.DISPUTE, YES, "dsp_1", "")),
        ("dispute_resolved", (Kind.DISPUTE, NO, "dsp_1", "")),
        ("dispute_won", (Kind.REVERSE, YES, "dsp_1:back", "dispute:dsp_1")),
        ("dispute_canceled", (Kind.REVERSE, YES, "dsp_1:back", "dispute:dsp_1")),
    ],
)
def test_dispute_is_about_its_payment_and_withdrawn_once(kind, expected):
    [event] = told(kind, id="dsp_1", action_id=None, payment_id="pay_1", category="fraudulent",
                   reason_code="10.4", payment_reference="A1001", reference=None)  # fmt: skip
    assert (event.kind, event.result, event.operation, event.reverses) == expected
    assert (event.payment, event.order, event.code) == ("pay_1", "A1001", "10.4")
    assert slug(event) == "dispute_fraud"


def test_instant_method_customer_and_sandbox():
    links = {"self": {"href": "https://api.sandbox.checkout.com/workflows/events/evt_1"}}
    card = {"type": "card", "scheme": "Visa", "last4": "4242", "issuer_country": "GB"}
    [event] = told("payment_approved", links=links, source=card, customer={"id": "cus_1"},
                   entity_id="ent_1")  # fmt: skip
    assert event.occurred_at == 1_767_603_600_625_251
    assert (event.method, event.customer, event.test) == (Method.CARD_FORM, "cus_1", True)
    assert dict(event.dimensions) == {"card_brand": "visa", "card_country": "GB",
                                      "card_last4": "4242"}  # fmt: skip
    assert event.merchant == "ent_1"
    assert not told("payment_approved")[0].test


def test_order_may_stand_in_the_metadata():
    account = Account(source="checkout", name="main", options={"order_field": "metadata.order"})
    assert told("payment_approved", account, metadata={"order": 7})[0].order == "7"
    assert told("payment_approved", account)[0].order == "A1001"


@pytest.mark.parametrize(
    ("currency", "amount", "minor"),
    [("EUR", 5, 5), ("JPY", 5, 5), ("KWD", 1230, 1230), ("ISK", 5, 5), ("CLP", 500, 5)],
)
def test_amounts_are_in_the_unit_of_iso_4217(currency, amount, minor):
    [event] = told("payment_captured", currency=currency, amount=amount)
    assert (event.amount_minor, event.currency) == (minor, currency)


@pytest.mark.parametrize(
    "raw",
    [body("payment_captured", currency="???"), body("payment_captured", currency="CLP"),
     body("payment_captured", id=""), body("payment_captured", amount=-1), b'{"type":5}'],
)  # fmt: skip
def test_what_cannot_be_read_is_kept_unread(raw):
    assert isinstance(source.translate(signed(raw), CHECKOUT, {}), Unreadable)


# ------------------------------------------------------------------------------------------ answers

PAYMENT = {"id": "pay_1", "amount": 1230, "currency": "EUR", "reference": "A1001",
           "requested_on": "2026-01-05T09:00:00Z"}  # fmt: skip


@pytest.mark.parametrize(
    ("status", "balances", "kinds"),
    [
        ("Pending", {}, [(Kind.OPEN, PENDING)]),
        ("Retry Scheduled", {}, [(Kind.OPEN, PENDING)]),
        ("Authorized", {}, [(Kind.AUTHORISE, YES)]),
        ("Voided", {}, [(Kind.CANCEL, YES), (Kind.VOID, YES)]),
        ("Canceled", {}, [(Kind.CANCEL, YES)]),
        ("Expired", {}, [(Kind.EXPIRE, YES)]),
        ("Declined", {}, [(Kind.AUTHORISE, NO), (Kind.OPEN, PENDING)]),
        ("Captured", {"total_captured": 1230}, [(Kind.AUTHORISE, YES), (Kind.CAPTURE, YES)]),
        ("Refunded", {"total_captured": 1230, "total_refunded": 1230},
         [(Kind.AUTHORISE, YES), (Kind.CAPTURE, YES), (Kind.REFUND, YES)]),
        ("Chargeback", {}, [(Kind.AUTHORISE, YES), (Kind.CAPTURE, YES), (Kind.DISPUTE, YES)]),
        ("Card Verified", {}, [(Kind.OTHER, Result.UNKNOWN)]),
    ],
)  # fmt: skip
def test_payment_that_was_asked_about_tells_its_status(status, balances, kinds):
    said = asked({**PAYMENT, "status": status, "balances": balances})
    assert [(event.kind, event.result) for event in said] == kinds
    assert not any(event.life for event in said)


def test_part_of_it_captured_and_part_of_that_returned_is_told_by_the_balances():
    balances = {"total_authorized": 1230, "total_captured": 900, "total_refunded": 100}
    said = asked({**PAYMENT, "status": "Partially Refunded", "balances": balances})
    assert [event.amount_minor for event in said] == [1230, 900, 100]


def test_unknown_payment_is_absent_and_a_wrong_key_says_nothing():
    [event] = asked(b"", status="404")
    assert (event.kind, event.result, event.payment) == (Kind.ABSENT, YES, "pay_1")
    [event] = asked(b"", status="401")
    assert (event.kind, event.result) == (Kind.OTHER, Result.UNKNOWN)
    assert isinstance(asked({**PAYMENT, "id": "pay_2", "status": "Voided"}), Unreadable)
    assert isinstance(asked({**PAYMENT, "currency": "???", "status": "Voided"}), Unreadable)
    assert isinstance(asked(b""), Unreadable)
