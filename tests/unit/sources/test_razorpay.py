"""Razorpay: what is refused, and what each event means; its own library checks our signatures."""

import base64
import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.signers import NOW, NOW_S, asked, events, secrets
from voidtrail.errors import KeyUnknown, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account
from voidtrail.event.model import (
    Channel,
    Delivery,
    Kind,
    Method,
    Result,
    Tag,
    Unreadable,
)
from voidtrail.event.reason import BY_NUMBER
from voidtrail.sources import razorpay as source
from voidtrail.sources.contract import Outcome
from voidtrail.testing.contract import Genuine, check_genuine, check_translation

SECRET = "webhook secret ₹"
KEYS = secrets(signing=SECRET, key_id="rzp_live_1", key_secret="api secret")
ACCOUNT = Account(source="razorpay", name="main")
S, R, P = Result.SUCCEEDED, Result.REFUSED, Result.PENDING
PAY = {
    "id": "pay_1", "entity": "payment", "amount": 49900, "currency": "INR", "status": "captured",
    "order_id": "order_1", "method": "upi", "captured": True, "customer_id": "cust_1",
    "notes": {"order_id": "A1001"},
}  # fmt: skip
REFUND = {"id": "rfnd_1", "amount": 500, "currency": "INR", "payment_id": "pay_1",
          "status": "processed", "notes": []}  # fmt: skip
DISPUTE = {"id": "disp_1", "payment_id": "pay_1", "amount": 900, "currency": "INR",
           "amount_deducted": 0, "status": "open",
           "reason_code": "credit_not_processed"}  # fmt: skip
LINK = {"id": "plink_1", "amount": 700, "amount_paid": 0, "currency": "INR", "status": "created",
        "order_id": "order_1", "reference_id": "A7", "notes": None, "expire_by": 0}  # fmt: skip


def sign(body, secret=SECRET, digest="sha256"):
    return hmac.new(secret.encode(), body, digest).hexdigest()


def body_of(event, at=NOW_S, **entities):
    payload = {name: {"entity": entity} for name, entity in entities.items()}
    return json.dumps(
        {"entity": "event", "account_id": "acc_1", "event": event, "payload": payload,
         "contains": list(entities), "created_at": at}
    ).encode()  # fmt: skip


def pushed(body, *headers):
    headers = headers or (("x-razorpay-signature", sign(body)),)
    return Delivery(source="razorpay", account="main", received_at=NOW, body=body, headers=headers)


def told(event, at=NOW_S, account=ACCOUNT, **entities):
    """Every notice passes the whole contract; Razorpay's own library finds it genuine too."""
    import razorpay

    body = body_of(event, at, **entities)
    client = razorpay.Client(auth=("rzp_live_1", "api secret"))
    assert client.utility.verify_webhook_signature(body.decode(), sign(body), SECRET)
    return check_genuine(source, Genuine(pushed(body), KEYS, NOW), account)


def facts(found):
    return [(e.kind, e.result, e.operation, e.amount_minor, e.tag) for e in found]


def slug(event):
    return BY_NUMBER[event.reason].slug


# ------------------------------------------------------------------------------------- signatures


def test_published_vector_is_accepted_and_no_forgery_of_it_is(shared):
    vectors = json.loads((shared / "psp/razorpay/vectors.json").read_text("utf-8"))
    [vector] = [each for each in vectors if "raw_body" in each]
    body = vector["raw_body"].encode()
    genuine = pushed(body, ("x-razorpay-signature", vector["expected"]))
    keys = secrets(signing=vector["secret"])
    # The mock's event is behind its own snapshot: authorised, and captured already.
    assert {e.kind for e in check_genuine(source, Genuine(genuine, keys, NOW), ACCOUNT)} == {
        Kind.AUTHORISE, Kind.CAPTURE,
    }  # fmt: skip


def test_vectors_of_other_signatures_follow_the_same_rule(shared):
    vectors = json.loads((shared / "psp/razorpay/vectors.json").read_text("utf-8"))
    texts = [each for each in vectors if "string_to_sign" in each]
    assert len(texts) == 3
    for each in texts:
        assert sign(each["string_to_sign"].encode(), each["secret"]) == each["expected"]


BODY = body_of("payment.captured", payment=PAY)
GOOD = sign(BODY)


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ((), SignatureMissing),
        ((("x-razorpay-signature", ""),), SignatureMissing),
        ((("x-razorpay-signature", GOOD), ("x-razorpay-signature", GOOD)), SignatureMissing),
        ((("x-razorpay-signature", GOOD.upper()),), SignatureInvalid),
        ((("x-razorpay-signature", GOOD[:-1]),), SignatureInvalid),
        ((("x-razorpay-signature", f"sha256={GOOD}"),), SignatureInvalid),
        ((("x-razorpay-signature", f" {GOOD}"),), SignatureInvalid),
        ((("x-razorpay-signature", f"{GOOD},{GOOD}"),), SignatureInvalid),
        ((("x-razorpay-signature", "订单"),), SignatureInvalid),
        ((("x-razorpay-signature", sign(BODY, digest="sha1")),), SignatureInvalid),
        ((("x-razorpay-signature", sign(BODY, digest="md5")),), SignatureInvalid),
        ((("x-razorpay-signature", hashlib.sha256(BODY).hexdigest()),), SignatureInvalid),
        ((("x-razorpay-signature", sign(BODY, "api secret")),), SignatureInvalid),
        ((("x-razorpay-signature", sign(BODY, "")),), SignatureInvalid),
        (
            (("x-razorpay-signature", base64.b64encode(bytes.fromhex(GOOD)).decode()),),
            SignatureInvalid,
        ),
    ],
)
def test_wrong_signature_is_refused(headers, error):
    with pytest.raises(error):
        source.verify(pushed(BODY, *(headers or (("x", "y"),))), KEYS, NOW)


def test_repetitions_under_the_old_secret_count_while_it_is_configured():
    source.verify(pushed(BODY), secrets(signing=("new", SECRET)), NOW)
    with pytest.raises(SignatureInvalid):
        source.verify(pushed(BODY), secrets(signing="new"), NOW)


def test_account_without_secret_is_told_so():
    with pytest.raises(KeyUnknown):
        source.verify(pushed(BODY), secrets(key_secret="x"), NOW)


def test_event_id_outside_of_the_signature_makes_no_second_fact():
    """The header is Razorpay's key for repetitions; whoever replays a body can write another."""
    first = pushed(BODY, ("x-razorpay-signature", GOOD), ("x-razorpay-event-id", "evt_1"))
    second = pushed(BODY, ("x-razorpay-signature", GOOD), ("x-razorpay-event-id", "evt_2"))
    assert events(source, first, ACCOUNT, KEYS) == events(source, second, ACCOUNT, KEYS)


# --------------------------------------------------------------------------------------- payments


def test_captured_payment_is_its_orders_and_the_attempt_a_name():
    [event] = told("payment.captured", payment=PAY)
    assert facts([event]) == [(Kind.CAPTURE, S, "pay_1", 49900, Tag.OWN)]
    assert (event.payment, event.names, event.order) == ("order_1", ("pay_1",), "A1001")
    assert (event.method, event.customer, event.currency) == (
        Method.BANK_TRANSFER, "cust_1", "INR",
    )  # fmt: skip
    assert event.occurred_at == NOW_S * 1_000_000


def test_payment_without_an_order_has_its_own_name():
    [event] = told("payment.captured", payment={**PAY, "order_id": None})
    assert (event.payment, event.names) == ("pay_1", ())


def test_snapshot_that_is_ahead_of_its_event_adds_and_takes_nothing():
    authorised, captured = told("payment.authorized", payment=PAY)
    assert (authorised.kind, authorised.result) == (Kind.AUTHORISE, S)
    assert (captured.kind, captured.operation) == (Kind.CAPTURE, "pay_1")
    held = {**PAY, "status": "authorized", "captured": False}
    assert facts(told("payment.authorized", payment=held)) == [
        (Kind.AUTHORISE, S, "pay_1", 49900, Tag.OWN)
    ]


@pytest.mark.parametrize(
    ("source_of", "reason", "expected", "asks"),
    [
        ("customer", "payment_cancelled", "customer_request", True),
        ("issuer_bank", "payment_cancelled", "issuer_unavailable", False),
        ("customer", "payment_timed_out", "timed_out", False),
        ("gateway", "payment_timed_out", "platform_fault", False),
        ("issuer_bank", "insufficient_funds", "insufficient_funds", False),
        ("customer", "incorrect_otp", "authentication_failed", False),
        ("gateway", "gateway_technical_error", "platform_fault", False),
        ("customer", "something_new", "unlisted", False),
        (None, None, "declined", False),
    ],
)
def test_failed_attempt_is_refused_never_the_end(source_of, reason, expected, asks):
    failed = {**PAY, "status": "failed", "captured": False, "error_code": "BAD_REQUEST_ERROR",
              "error_source": source_of, "error_reason": reason}  # fmt: skip
    event, *wish = told("payment.failed", payment=failed)
    assert (event.kind, event.result, event.operation) == (Kind.AUTHORISE, R, "pay_1")
    assert (slug(event), event.code) == (expected, reason or "BAD_REQUEST_ERROR")
    assert [(e.kind, e.result) for e in wish] == [(Kind.CANCEL, Result.REQUESTED)] * asks


def test_attempts_of_one_order_are_operations_of_one_payment():
    failed = {**PAY, "status": "failed", "captured": False}
    one = told("payment.failed", payment=failed)
    two = told("payment.captured", payment={**PAY, "id": "pay_2"})
    assert one[0].payment == two[0].payment == "order_1"
    assert (one[0].operation, two[0].operation) == ("pay_1", "pay_2")


def test_paid_order_names_its_receipt_and_counts_the_same_capture():
    order = {"id": "order_1", "amount": 49900, "amount_paid": 49900, "currency": "INR",
             "receipt": "R-9", "notes": []}  # fmt: skip
    plain = {**PAY, "notes": []}
    [event] = told("order.paid", order=order, payment=plain)
    assert facts([event]) == facts(told("payment.captured", payment=plain))
    assert (event.payment, event.order) == ("order_1", "R-9")


@pytest.mark.parametrize(("currency", "amount"), [("INR", 49900), ("KWD", 12345), ("JPY", 500)])
def test_amounts_are_minor_units_of_their_currency(currency, amount):
    [event] = told("payment.captured", payment={**PAY, "currency": currency, "amount": amount})
    assert (event.amount_minor, event.currency) == (amount, currency)


# ---------------------------------------------------------------------------------------- refunds


def test_refund_is_an_operation_of_its_own():
    [event] = told("refund.processed", refund=REFUND, payment=PAY)
    assert facts([event]) == [(Kind.REFUND, S, "rfnd_1", 500, Tag.OWN)]
    assert event.payment == "order_1"


def test_refund_that_was_only_made_waits_unless_its_snapshot_is_ahead():
    waiting = {**REFUND, "status": "pending"}
    assert told("refund.created", refund=waiting, payment=PAY)[0].result is P
    assert told("refund.created", refund=REFUND, payment=PAY)[0].result is S


def test_refund_of_money_that_was_never_captured_is_an_expired_authorisation():
    uncaptured = {**PAY, "captured": False, "status": "refunded"}
    void, expire = told("refund.processed", refund=REFUND, payment=uncaptured)
    assert (void.kind, void.result, void.reverses) == (Kind.VOID, S, "authorise:pay_1")
    assert (expire.kind, slug(expire)) == (Kind.EXPIRE, "authorisation_lapsed")


def test_failed_refund_is_refused_and_reversed():
    refused, back = told("refund.failed", refund={**REFUND, "status": "failed"}, payment=PAY)
    assert (refused.kind, refused.result) == (Kind.REFUND, R)
    assert (back.kind, back.reverses) == (Kind.REVERSE, "refund:rfnd_1")


@pytest.mark.parametrize(
    ("word", "status", "deducted", "expected"),
    [
        ("created", "open", 0, [(Kind.DISPUTE, P, "disp_1")]),
        ("created", "open", 900, [(Kind.DISPUTE, S, "disp_1:withdrawal")]),
        ("under_review", "under_review", 0, [(Kind.DISPUTE, P, "disp_1")]),
        ("lost", "lost", 900, [(Kind.DISPUTE, S, "disp_1:withdrawal")]),
        ("closed", "closed", 0, [(Kind.DISPUTE, R, "disp_1")]),
        (
            "won", "won", 0,
            [(Kind.DISPUTE, R, "disp_1"), (Kind.REVERSE, S, "disp_1:reinstatement")],
        ),
    ],
)  # fmt: skip
def test_only_deducted_money_moves_in_a_dispute(word, status, deducted, expected):
    dispute = {**DISPUTE, "status": status, "amount_deducted": deducted}
    found = told(f"payment.dispute.{word}", dispute=dispute, payment=PAY)
    assert [(e.kind, e.result, e.operation) for e in found] == expected
    assert slug(found[0]) == "dispute_quality"


# ---------------------------------------------------------------------------- links, other events


@pytest.mark.parametrize(
    ("word", "kind", "reason"),
    [("cancelled", Kind.CANCEL, "merchant_request"), ("expired", Kind.EXPIRE, "timed_out")],
)
def test_ended_link_names_its_order(word, kind, reason):
    [event] = told(f"payment_link.{word}", payment_link={**LINK, "status": word})
    assert (event.kind, event.result, slug(event)) == (kind, S, reason)
    assert (event.payment, event.names, event.order) == ("plink_1", ("order_1",), "A7")
    assert event.channel is Channel.LINK


def test_paid_link_counts_the_capture_of_its_payment():
    link = {**LINK, "status": "paid", "amount_paid": 49900}
    [event] = told("payment_link.paid", payment_link=link, payment=PAY)
    assert facts([event]) == [(Kind.CAPTURE, S, "pay_1", 49900, Tag.OWN)]


def test_unlisted_event_is_kept():
    [event] = told("payment.downtime.started", **{"payment.downtime": {"id": "down_1"}})
    assert (event.kind, event.code, event.life) == (Kind.OTHER, "payment.downtime.started", False)


def test_whose_payment_it_is_is_said_for_service_providers():
    assert told("payment.captured", payment=PAY)[0].merchant == "acc_1"


def test_another_accounts_notice_is_quarantined():
    account = Account(source="razorpay", name="main", options={"account_id": "acc_9"})
    found = source.translate(pushed(BODY), account, KEYS)
    assert isinstance(found, Unreadable)
    assert found.path == "account_id"


def test_every_mock_of_the_library_says_something_whole(shared):
    mocks = json.loads((shared / "psp/razorpay/sdk_mocks.json").read_text("utf-8"))
    for name, mock in mocks.items():
        check_translation(source, pushed(json.dumps(mock).encode()), ACCOUNT, KEYS)
        delivery = asked(
            "razorpay", json.dumps(mock).encode(), mock.get("payment_id") or mock.get("id", "")
        )
        found = check_translation(source, delivery, ACCOUNT, KEYS)
        if name in ("cancel_payment_link", "fake_payment_link", "edit_payment", "fake_refund"):
            assert not isinstance(found, Unreadable), name


def test_acknowledgement_is_a_status_and_nothing_else():
    assert [source.acknowledge(outcome).body for outcome in Outcome] == [b""] * 4


FIELDS = [*sorted(PAY), "error_reason", "error_source", "amount_refunded", "created_at"]
ENTITIES = ("payment", "refund", "dispute", "payment_link", "order", "invoice")
LEAF = st.sampled_from(
    [None, 0, 1, -1, 2**70, 1.5, "", "x", "captured", "failed", "订单", "USD", [], {}, True]
)


@given(
    event=st.sampled_from(sorted(source.EVENTS)),
    changes=st.dictionaries(st.sampled_from(FIELDS), LEAF, max_size=4),
    pushes=st.booleans(),
)
def test_any_entity_under_any_event_says_something_whole(event, changes, pushes):
    if pushes:
        body = body_of(event, **{name: {**PAY, **changes} for name in ENTITIES})
        delivery = pushed(body, ("x", "y"))
    else:
        delivery = asked("razorpay", json.dumps({**PAY, **changes}).encode(), "pay_1")
    check_translation(source, delivery, ACCOUNT, KEYS)
