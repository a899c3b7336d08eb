"""Square: what is refused, and what each status means."""

import base64
import hashlib
import hmac
import json

import msgspec
import pytest

from tests.signers import NOW, asked, events, secrets
from voidtrail.errors import KeyUnknown, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account
from voidtrail.event.model import (
    STATUS,
    Channel,
    Deed,
    Delivery,
    Kind,
    Method,
    Result,
    Tag,
    Unreadable,
    Verb,
)
from voidtrail.event.reason import BY_NUMBER
from voidtrail.sources import square as source
from voidtrail.testing.contract import Genuine, check_events, check_genuine

SQUARE = Account(source="square", name="main")
KEY = "Ibxx_5AKakO-3qeNVR61Dw"
URL = "https://shop.example/hooks/square/main"
KEYS = secrets(signing=KEY, notification_url=URL, access_token="EAAA1")
HEADER = "x-square-hmacsha256-signature"


def signature(body, key=KEY, url=URL):
    from square.utils.webhooks_helper import verify_signature

    raw = hmac.new(key.encode(), url.encode() + body, hashlib.sha256).digest()
    found = base64.b64encode(raw).decode()
    assert not body or verify_signature(
        request_body=body.decode(), signature_header=found, signature_key=key, notification_url=url
    )
    return found


def signed(body, *more, **other):
    return Delivery(source="square", account="main", received_at=NOW, body=body,
                    headers=((HEADER, signature(body, **other)), *more))  # fmt: skip


def body_of(kind, name, found, **more):
    event = {
        "merchant_id": "M1",
        "type": kind,
        "event_id": "e-1",
        "created_at": "2025-06-15T15:00:01.037339943Z",
        "data": {"type": f"{name}_updated", "id": found.get("id"), "object": {name: found}},
    }
    return json.dumps({**event, **more}).encode()


def told(kind, name, found, account=SQUARE):
    """Every event passes the whole contract: the SDK accepts it, forgeries are refused."""
    genuine = Genuine(signed(body_of(kind, name, found)), KEYS, NOW)
    return check_genuine(source, genuine, account)


def money(amount=4200, currency="USD"):
    return {"amount": amount, "currency": currency}


def payment(status, **more):
    return {"id": "P1", "status": status, "source_type": "CARD", "amount_money": money(4000),
            "total_money": money(), "reference_id": "A1001", "order_id": "O1",
            "updated_at": "2025-06-15T15:00:00.000Z", **more}  # fmt: skip


def facts(found):
    return [(e.kind, e.result, e.operation, e.amount_minor, e.tag) for e in found]


def slug(event):
    return BY_NUMBER[event.reason].slug


# ------------------------------------------------------------------------------------- signatures

GOOD = signed(body_of("payment.updated", "payment", payment("COMPLETED")))


def test_published_vectors_are_verified(shared):
    vectors = json.loads((shared / "psp" / "square" / "vectors.json").read_text())
    tried = 0
    for each in vectors:
        if "signature" not in each:
            continue
        body, given = each["raw_body"].encode(), each["signature"]
        keys = secrets(signing=each["signature_key"], notification_url=each["notification_url"])
        one = Delivery(source="square", account="main", received_at=NOW, body=body,
                       headers=((HEADER, given),))  # fmt: skip
        check_genuine_or_quiet(one, keys)
        for changed in _mutations(each):
            with pytest.raises((SignatureInvalid, SignatureMissing)):
                source.verify(*changed, NOW)  # type: ignore[call-arg]
            tried += 1
    assert tried >= 28


def check_genuine_or_quiet(delivery, keys):
    source.verify(delivery, keys, NOW)
    found = source.translate(delivery, SQUARE, keys)
    check_events(found, delivery)


def _mutations(vector):
    """Deliveries that differ from a published one where nobody but Square may differ."""
    body, given = vector["raw_body"].encode(), vector["signature"]
    key, url = vector["signature_key"], vector["notification_url"]
    pretty = json.dumps(json.loads(body), indent=1).encode()
    for other in (pretty, b"", body + b" ", body[1:], body.upper(), b"\xef\xbb\xbf" + body):
        yield _given(other, given), secrets(signing=key, notification_url=url)
    for other in (given.lower(), given[:-1], given + "=", "", base64.b64decode(given).hex(),
                  base64.urlsafe_b64encode(base64.b64decode(given)).decode() + "-"):  # fmt: skip
        yield _given(body, other), secrets(signing=key, notification_url=url)
    for other in (url + "/", url[:-1], url.replace("https", "http"), url.upper()):
        yield _given(body, given), secrets(signing=key, notification_url=other)
    for other in ("MCmhFRxGX82xMwg5FsaoQA", key.lower() + "x", key[:-1]):
        yield _given(body, given), secrets(signing=other, notification_url=url)


def _given(body, value):
    return Delivery(source="square", account="main", received_at=NOW, body=body,
                    headers=((HEADER, value),))  # fmt: skip


def test_older_header_with_sha1_is_not_looked_at():
    old = hmac.new(KEY.encode(), URL.encode() + GOOD.body, hashlib.sha1).digest()
    headers = (("x-square-signature", base64.b64encode(old).decode()),)
    with pytest.raises(SignatureMissing):
        source.verify(msgspec.structs.replace(GOOD, headers=headers), KEYS, NOW)


def test_keys_and_addresses_may_be_rolled():
    keys = secrets(signing=("new", KEY), notification_url=("https://old.example/", URL))
    source.verify(GOOD, keys, NOW)


@pytest.mark.parametrize("missing", ["signing", "notification_url"])
def test_missing_setting_is_named(missing):
    with pytest.raises(KeyUnknown, match=missing):
        source.verify(GOOD, {k: v for k, v in KEYS.items() if k != missing}, NOW)


# ----------------------------------------------------------------------------------------- events


@pytest.mark.parametrize("name", ["payment.created", "payment.updated"])
def test_status_decides_and_not_the_event(name):
    [event] = told(name, "payment", payment("COMPLETED"))
    assert facts([event]) == [(Kind.CAPTURE, Result.SUCCEEDED, "P1", 4200, Tag.OWN)]
    assert (event.payment, event.order, event.merchant) == ("P1", "A1001", "M1")


HOLD = {"delay_action": "CANCEL", "delayed_until": "2025-06-15T15:00:00Z",
        "approved_money": money()}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "kinds", "why"),
    [
        (HOLD, {Kind.VOID, Kind.EXPIRE}, "authorisation_lapsed"),
        ({**HOLD, "delayed_until": "2025-06-15T15:01:00Z"}, {Kind.VOID, Kind.EXPIRE},
         "authorisation_lapsed"),
        ({**HOLD, "delayed_until": "2025-06-15T15:01:01Z"}, {Kind.VOID, Kind.CANCEL},
         "merchant_request"),
        ({**HOLD, "delay_action": "COMPLETE"}, {Kind.VOID, Kind.CANCEL}, "merchant_request"),
        ({"card_details": {"status": "VOIDED"}}, {Kind.VOID, Kind.CANCEL}, "merchant_request"),
        ({}, {Kind.CANCEL}, "closed_unpaid"),
    ],
)  # fmt: skip
def test_canceled_is_split(more, kinds, why):
    found = told("payment.updated", "payment", payment("CANCELED", **more))
    assert {e.kind for e in found} == kinds
    assert {slug(e) for e in found} == {why}


@pytest.mark.parametrize(
    ("reason", "kind", "why"),
    [
        ("BUYER_CANCELED", Kind.CANCEL, "customer_request"),
        ("SELLER_CANCELED", Kind.CANCEL, "merchant_request"),
        ("TIMED_OUT", Kind.EXPIRE, "timed_out"),
        ("NEW_WORD", Kind.CANCEL, "unlisted"),
        (None, Kind.CANCEL, "closed_unpaid"),
    ],
)
def test_terminal_says_who_cancelled(reason, kind, why):
    checkout = {"id": "C1", "status": "CANCELED", "amount_money": money(), "cancel_reason": reason}
    [event] = told("terminal.checkout.updated", "checkout", checkout)
    assert (event.kind, event.result, slug(event)) == (kind, Result.SUCCEEDED, why)
    assert (event.payment, event.channel) == ("checkouts/C1", Channel.POS)


def test_terminal_waits_until_its_own_time_out_and_names_its_payment():
    checkout = {"id": "C1", "status": "PENDING", "amount_money": money(),
                "created_at": "2025-06-15T15:00:00Z", "deadline_duration": "PT5M"}  # fmt: skip
    [event] = told("terminal.checkout.created", "checkout", checkout)
    assert event.until - event.occurred_at == 300_000_000
    done = {**checkout, "status": "COMPLETED", "payment_ids": ["P1"]}
    [event] = told("terminal.checkout.updated", "checkout", done)
    assert (event.kind, event.operation, event.names) == (Kind.CAPTURE, "P1", ("P1",))
    held = {**done, "payment_options": {"autocomplete": False}}
    [event] = told("terminal.checkout.updated", "checkout", held)
    assert event.kind is Kind.AUTHORISE
    [event] = told("payment.updated", "payment", payment("COMPLETED", terminal_checkout_id="C1"))
    assert (event.names, event.method) == (("checkouts/C1",), Method.POS_CARD)


def test_request_to_cancel_is_no_cancellation():
    checkout = {"id": "C1", "status": "CANCEL_REQUESTED", "amount_money": money()}
    [event] = told("terminal.checkout.updated", "checkout", checkout)
    assert (event.kind, event.result) == (Kind.CANCEL, Result.PENDING)


@pytest.mark.parametrize(
    ("code", "why"),
    [("GENERIC_DECLINE", "declined"), ("TEMPORARY_ERROR", "issuer_unavailable"),
     ("BUYER_REFUSED_PAYMENT", "revoked"), ("NEW", "unlisted"), (None, "declined")],
)  # fmt: skip
def test_failed_says_why(code, why):
    details = {"status": "FAILED", "errors": [{"code": code}]} if code else {}
    [event] = told("payment.updated", "payment", payment("FAILED", card_details=details))
    assert (event.kind, event.result, slug(event)) == (Kind.AUTHORISE, Result.REFUSED, why)


@pytest.mark.parametrize("status", ["REJECTED", "FAILED"])
def test_failed_refund_undoes_one_that_had_succeeded(status):
    found = told("refund.updated", "refund", {"id": "R1", "payment_id": "P1", "status": status,
                                              "amount_money": money()})  # fmt: skip
    assert [(e.kind, e.result, e.reverses) for e in found] == [
        (Kind.REFUND, Result.REFUSED, ""),
        (Kind.REVERSE, Result.SUCCEEDED, "refund:R1"),
    ]


@pytest.mark.parametrize(
    ("state", "result"),
    [("INQUIRY_EVIDENCE_REQUIRED", Result.PENDING), ("INQUIRY_CLOSED", Result.REFUSED),
     ("PROCESSING", Result.PENDING), ("WON", Result.REFUSED), ("LOST", Result.SUCCEEDED),
     ("ACCEPTED", Result.SUCCEEDED)],
)  # fmt: skip
def test_only_a_lost_dispute_moves_money(state, result):
    dispute = {"id": "D1", "state": state, "reason": "NO_KNOWLEDGE", "amount_money": money(),
               "disputed_payment": {"payment_id": "P1"}}  # fmt: skip
    [event] = told("dispute.state.updated", "dispute", dispute)
    assert (event.payment, event.result, slug(event)) == ("P1", result, "dispute_fraud")


@pytest.mark.parametrize(("environment", "is_test"), [("Sandbox", True), ("Production", False)])
def test_environment_tells_test_traffic(environment, is_test):
    delivery = signed(GOOD.body, ("square-environment", environment))
    assert {e.test for e in events(source, delivery, SQUARE, KEYS)} == {is_test}


def test_one_fact_is_one_event_under_whatever_event_id():
    again = signed(body_of("payment.updated", "payment", payment("COMPLETED"), event_id="e-2"))
    [once], [twice] = (events(source, each, SQUARE, KEYS) for each in (GOOD, again))
    assert once.identity == twice.identity


def test_unlisted_events_and_statuses_are_told_as_other():
    [event] = told("invoice.canceled", "invoice", {"id": "inv:1"})
    assert (event.kind, event.payment, event.code) == (Kind.OTHER, "inv:1", "invoice.canceled")
    [event] = told("payment.updated", "payment", payment("THAWED"))
    assert (event.kind, event.code) == (Kind.OTHER, "THAWED")


@pytest.mark.parametrize("amount", [money(-1), money(1, "ZZZ"), money(1.5), money("1")])
def test_amount_that_cannot_be_is_unreadable(amount):
    body = body_of("payment.updated", "payment", payment("COMPLETED", total_money=amount))
    assert isinstance(source.translate(signed(body), SQUARE, KEYS), Unreadable)


def test_order_field_may_be_named():
    account = Account(source="square", name="main", options={"order_field": "order_id"})
    assert told("payment.updated", "payment", payment("COMPLETED"), account)[0].order == "O1"


# ------------------------------------------------------------------------------ questions and deeds


def answer(body, request="P1", context="", status=200):
    delivery = asked("square", json.dumps(body).encode(), request, ((STATUS, str(status)),))
    delivery = msgspec.structs.replace(delivery, context=context)
    source.verify(delivery, {}, NOW)
    found = events(source, delivery, SQUARE, KEYS)
    check_events(found, delivery)
    return found


def test_answer_also_tells_what_was_returned_and_what_waits():
    taken, back = answer({"payment": payment("COMPLETED", refunded_money=money(1000))})
    assert facts([back]) == [
        (Kind.REFUND, Result.SUCCEEDED, "P1:refunded", 1000, Tag.CUMULATIVE)]  # fmt: skip
    assert taken.life is False
    [event] = answer({"payment": payment("PENDING")})
    assert (event.kind, event.result, event.occurred_at) == (Kind.OPEN, Result.PENDING, NOW)
    [event] = answer({"payment": payment("PENDING", source_type="BANK_ACCOUNT")})
    assert event.kind is Kind.SUBMIT


def test_errors_are_told_as_what_they_prove():
    missing = {"errors": [{"category": "INVALID_REQUEST_ERROR", "code": "NOT_FOUND"}]}
    assert answer(missing, status=404)[0].kind is Kind.ABSENT
    refusal = {"errors": [{"category": "INVALID_REQUEST_ERROR", "code": "BAD_REQUEST"}]}
    [event] = answer(refusal, status=400, context="act:close")
    assert (event.kind, event.result) == (Kind.CANCEL, Result.REFUSED)
    for status in (401, 429, 503):
        [event] = answer(refusal, status=status, context="act:void")
        assert (event.kind, event.result) == (Kind.OTHER, Result.UNKNOWN)


def test_answer_about_another_payment_is_unreadable():
    delivery = asked("square", json.dumps({"payment": payment("COMPLETED")}).encode(), "P2")
    assert isinstance(source.translate(delivery, SQUARE, KEYS), Unreadable)


@pytest.mark.parametrize(
    ("deed", "path", "body"),
    [
        ({"verb": Verb.VOID}, "payments/P1/cancel", {}),
        ({"verb": Verb.CLOSE, "payment": "checkouts/C1"}, "terminals/checkouts/C1/cancel", {}),
        ({"verb": Verb.VOID, "payment": "checkouts/C1", "operation": "P1"}, "payments/P1/cancel",
         {}),
        ({"verb": Verb.REFUND, "total_minor": 5, "currency": "USD"}, "refunds",
         {"idempotency_key": "k", "payment_id": "P1", "amount_money": money(5)}),
        ({"verb": Verb.REFUND, "currency": "USD"}, None, None),
        ({"verb": Verb.PAY_LINK}, None, None),
    ],
)  # fmt: skip
def test_deeds_are_requests_as_square_takes_them(deed, path, body):
    deed = Deed(**{"payment": "P1", "key": "k", **deed})
    request = source.act(deed, SQUARE, KEYS, NOW, "n")
    assert (request and request.url) == (path and f"https://connect.squareup.com/v2/{path}")
    assert path is None or json.loads(request.body) == body


def test_test_account_asks_the_sandbox():
    account = Account(source="square", name="main", mode="test")
    url = source.query("checkouts/C1", account, KEYS, NOW, "n").url
    assert url == "https://connect.squareupsandbox.com/v2/terminals/checkouts/C1"
