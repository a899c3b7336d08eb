"""WooCommerce: what is refused, what a status means, and what it cannot say."""

import base64
import hashlib
import hmac
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.signers import NOW, asked, events, secrets
from voidtrail.errors import KeyUnknown, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account
from voidtrail.event.model import (
    Channel,
    Deed,
    Delivery,
    Kind,
    Method,
    Result,
    Role,
    Tag,
    Unreadable,
    Verb,
)
from voidtrail.event.reason import BY_NUMBER
from voidtrail.sources import woocommerce as source
from voidtrail.sources.contract import Outcome
from voidtrail.testing.contract import Genuine, check_genuine, check_translation

SECRET = "woo secret €"
KEYS = secrets(signing=SECRET, consumer_key="ck_1", consumer_secret="cs_1")
ACCOUNT = Account(source="woocommerce", name="main", options={"store_url": "https://shop.example"})
MAPPED = Account(source="woocommerce", name="main", options={"gateways": "stripe=stripe/main"})
S, R, P = Result.SUCCEEDED, Result.REFUSED, Result.PENDING
MODIFIED_US, PAID_US = 1_749_989_700_000_000, 1_749_988_860_000_000
ORDER = {
    "id": 456, "number": "W-456", "status": "pending", "currency": "USD", "total": "29.99",
    "date_created": "2025-06-15T14:00:00", "date_created_gmt": "2025-06-15T12:00:00",
    "date_modified": "2025-06-15T14:15:00", "date_modified_gmt": "2025-06-15T12:15:00",
    "date_paid": None, "date_paid_gmt": None, "payment_method": "stripe", "transaction_id": "",
    "customer_id": 7, "created_via": "checkout", "refunds": [],
}  # fmt: skip
PAID = {**ORDER, "status": "processing", "transaction_id": "pi_1",
        "date_paid": "2025-06-15T14:01:00", "date_paid_gmt": "2025-06-15T12:01:00"}  # fmt: skip


def sign(body, secret=SECRET, digest="sha256"):
    return base64.b64encode(hmac.new(secret.encode(), body, digest).digest()).decode()


def pushed(body, *headers):
    headers = headers or (("x-wc-webhook-signature", sign(body)),)
    return Delivery(
        source="woocommerce", account="main", received_at=NOW, body=body, headers=headers
    )


def told(body, account=ACCOUNT):
    """Every notice passes the whole contract, and every fact of it is a witness's."""
    raw = json.dumps(body).encode()
    found = check_genuine(source, Genuine(pushed(raw), KEYS, NOW), account)
    assert {event.role for event in found} == {Role.SHOP}
    return found


def answer(body, context=""):
    delivery = asked("woocommerce", json.dumps(body).encode(), "456")
    return events(source, msgspec.structs.replace(delivery, context=context), ACCOUNT, KEYS)


def kinds(found):
    return [(event.kind, event.result) for event in found]


def slug(event):
    return BY_NUMBER[event.reason].slug


# ------------------------------------------------------------------------------------- signatures


BODY = json.dumps(ORDER).encode()
GOOD = sign(BODY)
NAME = "x-wc-webhook-signature"


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        (((NAME, ""),), SignatureMissing),
        (((NAME, GOOD), (NAME, GOOD)), SignatureMissing),
        ((("x-wc-webhook-topic", "order.updated"),), SignatureMissing),
        (((NAME, GOOD.rstrip("=")),), SignatureInvalid),
        (((NAME, GOOD + "="),), SignatureInvalid),
        (((NAME, GOOD.swapcase()),), SignatureInvalid),
        (((NAME, " " + GOOD),), SignatureInvalid),
        (((NAME, base64.b64decode(GOOD).hex()),), SignatureInvalid),
        (((NAME, sign(BODY, digest="sha1")),), SignatureInvalid),
        (((NAME, sign(BODY, digest="md5")),), SignatureInvalid),
        (((NAME, base64.b64encode(hashlib.sha256(BODY).digest()).decode()),), SignatureInvalid),
        (((NAME, sign(BODY, "cs_1")),), SignatureInvalid),
        (((NAME, sign(BODY, "")),), SignatureInvalid),
        (((NAME, "订单"),), SignatureInvalid),
    ],
)
def test_wrong_signature_is_refused(headers, error):
    with pytest.raises(error):
        source.verify(pushed(BODY, *headers), KEYS, NOW)


def test_both_secrets_count_while_one_is_changed():
    source.verify(pushed(BODY), secrets(signing=("new", SECRET)), NOW)


def test_account_without_secret_is_told_so():
    with pytest.raises(KeyUnknown):
        source.verify(pushed(BODY), {}, NOW)


def test_first_ping_is_accepted_unsigned_and_says_nothing():
    ping = Delivery(source="woocommerce", account="main", received_at=NOW, body=b"webhook_id=11")
    source.verify(ping, KEYS, NOW)
    [event] = check_translation(source, ping, ACCOUNT, KEYS)
    assert (event.kind, event.payment, event.life) == (Kind.OTHER, "webhook:11", False)
    assert source.acknowledge(Outcome.KEPT).status == 200


@pytest.mark.parametrize(
    "body", [b"webhook_id=", b"webhook_id=11&x=1", b"webhook_id=1x", b"webhook_id=" + b"9" * 11]
)
def test_no_other_unsigned_form_is_a_ping(body):
    unsigned = Delivery(source="woocommerce", account="main", received_at=NOW, body=body)
    with pytest.raises(SignatureMissing):
        source.verify(unsigned, KEYS, NOW)


def test_ping_with_a_wrong_signature_is_refused():
    with pytest.raises(SignatureInvalid):
        source.verify(pushed(b"webhook_id=11", (NAME, GOOD)), KEYS, NOW)


def test_another_shop_s_notice_is_quarantined():
    theirs = pushed(BODY, (NAME, GOOD), ("x-wc-webhook-source", "https://other.example/"))
    assert isinstance(source.translate(theirs, ACCOUNT, KEYS), Unreadable)
    ours = pushed(BODY, (NAME, GOOD), ("x-wc-webhook-source", "https://shop.example/"))
    assert not isinstance(source.translate(ours, ACCOUNT, KEYS), Unreadable)


# ------------------------------------------------------------------------------------------ orders


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("checkout-draft", (Kind.OPEN, P)), ("pending", (Kind.OPEN, P)),
        ("on-hold", (Kind.SUBMIT, P)), ("failed", (Kind.AUTHORISE, R)),
        ("cancelled", (Kind.CANCEL, S)), ("processing", (Kind.SUBMIT, P)),
        ("wc-awaiting-pickup", (Kind.OTHER, Result.UNKNOWN)),
        ("trash", (Kind.OTHER, Result.UNKNOWN)),
    ],
)  # fmt: skip
def test_status_of_an_order_that_nobody_paid(status, expected):
    placed, event = told({**ORDER, "status": status})
    assert (placed.kind, placed.result) == (Kind.ORDER, S)
    assert (event.kind, event.result) == expected
    if event.kind is Kind.OTHER:
        assert (event.code, event.life) == (status, False)


def test_published_shape_is_a_cancellation_before_payment(shared):
    shape = json.loads((shared / "psp/woocommerce/shape_examples.json").read_text("utf-8"))
    found = told(shape["body"])
    assert kinds(found) == [(Kind.ORDER, S), (Kind.CANCEL, S)]


def test_instants_without_a_zone_are_gmt():
    placed, event = told({**ORDER, "status": "cancelled"})
    assert placed.occurred_at == MODIFIED_US - 900 * 1_000_000
    assert event.occurred_at == MODIFIED_US


def test_cancellation_gives_no_reason():
    _, cancel = told({**ORDER, "status": "cancelled"})
    assert (slug(cancel), cancel.code) == ("unstated", "cancelled")


def test_cancelled_after_payment_keeps_the_money_taken():
    _, capture, cancel = told({**PAID, "status": "cancelled"})
    assert (capture.kind, capture.occurred_at, capture.amount_minor) == (
        Kind.CAPTURE,
        PAID_US,
        2999,
    )
    assert cancel.kind is Kind.CANCEL


@pytest.mark.parametrize("status", ["processing", "completed"])
def test_paid_order_is_a_capture_when_it_was_paid(status):
    placed, capture = told({**PAID, "status": status})
    assert (placed.order, placed.customer, placed.channel) == ("W-456", "7", Channel.WEB)
    assert (capture.kind, capture.operation, capture.tag) == (Kind.CAPTURE, "456", Tag.CUMULATIVE)


def test_payment_on_delivery_is_in_work_and_not_paid():
    _, event = told({**ORDER, "status": "processing", "payment_method": "cod"})
    assert (event.kind, event.result, event.method) == (Kind.SUBMIT, P, Method.CASH)


def test_refunds_are_operations_and_a_refunded_order_returned_everything():
    refund = {"id": 457, "reason": "", "total": "-10.00"}
    *_, event = told({**PAID, "refunds": [refund]})
    assert (event.kind, event.operation, event.amount_minor) == (Kind.REFUND, "457", 1000)
    *_, part, whole = told({**PAID, "status": "refunded", "refunds": [refund]})
    assert (part.amount_minor, whole.amount_minor, whole.tag) == (1000, 2999, Tag.CUMULATIVE)


def test_status_that_is_told_again_is_no_second_fact():
    first = told({**PAID, "status": "processing"})
    again = told({**PAID, "status": "completed", "date_modified_gmt": "2025-06-20T12:00:00"})
    assert [e.identity for e in first] == [e.identity for e in again]


def test_transaction_of_a_known_gateway_is_its_platform_s_payment():
    assert {(e.scope, e.payment) for e in told(PAID, MAPPED)} == {("stripe/main", "pi_1")}
    assert {(e.scope, e.payment) for e in told(PAID)} == {("", "456")}
    assert {(e.scope, e.payment) for e in told(ORDER, MAPPED)} == {("", "456")}


def test_order_field_may_be_the_id():
    account = Account(source="woocommerce", name="main", options={"order_field": "id"})
    assert told(ORDER, account)[0].order == "456"


@pytest.mark.parametrize(
    ("currency", "total", "minor"),
    [("JPY", "500", 500), ("KWD", "1.234", 1234), ("USD", 29.99, 2999), ("USD", "29.990", 2999)],
)
def test_amounts_are_exact_whatever_their_form(currency, total, minor):
    assert told({**ORDER, "currency": currency, "total": total})[1].amount_minor == minor


@pytest.mark.parametrize("total", ["1.005", "1e999999999", "NaN"])
def test_inexact_amount_is_quarantined(total):
    body = json.dumps({**ORDER, "total": total}).encode()
    assert isinstance(source.translate(pushed(body), ACCOUNT, KEYS), Unreadable)


def test_deleted_order_says_only_its_id():
    delivery = pushed(b'{"id":456}', ("x-wc-webhook-topic", "order.deleted"))
    [event] = events(source, delivery, ACCOUNT, KEYS)
    assert (event.kind, event.code, event.payment) == (Kind.OTHER, "order.deleted", "456")


def test_ids_of_64_bits_are_exact():
    assert told({**ORDER, "id": 2**63 - 1})[0].payment == str(2**63 - 1)


# ------------------------------------------------------------------------------ questions, orders


def test_question_is_signed_with_the_key_pair():
    request = source.query("456", ACCOUNT, KEYS, NOW, "")
    assert request.url == "https://shop.example/wp-json/wc/v3/orders/456"
    pair = base64.b64encode(b"ck_1:cs_1").decode()
    assert dict(request.headers) == {"Authorization": f"Basic {pair}"}
    assert source.query("456", MAPPED, KEYS, NOW, "") is None
    assert source.query("webhook:11", ACCOUNT, KEYS, NOW, "") is None


@pytest.mark.parametrize("status", ["pending", "failed", "on-hold", "processing", "wc-own"])
def test_order_that_nobody_paid_waits_as_of_the_answer(status):
    *_, waiting = answer({**ORDER, "status": status})
    assert (waiting.kind, waiting.occurred_at, waiting.life) == (Kind.OPEN, NOW, False)


@pytest.mark.parametrize("order", [PAID, {**ORDER, "status": "cancelled"}])
def test_order_that_is_paid_or_over_waits_for_nothing(order):
    assert Kind.OPEN not in {event.kind for event in answer(order)}


@pytest.mark.parametrize(
    ("code", "context", "expected"),
    [
        ("woocommerce_rest_shop_order_invalid_id", "", (Kind.ABSENT, S)),
        ("woocommerce_rest_cannot_view", "", (Kind.OTHER, Result.UNKNOWN)),
        ("woocommerce_rest_cannot_edit", "act:close", (Kind.CANCEL, R)),
    ],
)
def test_error_is_a_conclusion_only_where_it_is_one(code, context, expected):
    [event] = answer({"code": code, "message": "", "data": {"status": 404}}, context)
    assert (event.kind, event.result) == expected


def test_what_we_had_cancelled_was_ours():
    *_, cancel = answer({**ORDER, "status": "cancelled"}, "act:close")
    assert slug(cancel) == "merchant_request"


def test_an_order_is_ended_and_no_money_moved():
    deed = Deed(verb=Verb.CLOSE, payment="456", key="k", amount_minor=1, currency="USD")
    request = source.act(deed, ACCOUNT, KEYS, NOW, "")
    assert (request.method, json.loads(request.body)) == ("PUT", {"status": "cancelled"})
    refund = msgspec.structs.replace(deed, verb=Verb.REFUND)
    assert source.act(refund, ACCOUNT, KEYS, NOW, "") is None


LEAF = st.sampled_from(
    [None, 0, "", "x", "cancelled", "refunded", "processing", "2025-06-15T12:00:00", {}, [],
     [{"id": 1, "total": "-1"}], 2**70, 1.5, "订单", True]
)  # fmt: skip


@given(changes=st.dictionaries(st.sampled_from(sorted(PAID)), LEAF, max_size=4))
def test_any_order_says_something_whole(changes):
    raw = json.dumps({**PAID, **changes}).encode()
    check_translation(source, pushed(raw, ("x", "y")), MAPPED, KEYS)
