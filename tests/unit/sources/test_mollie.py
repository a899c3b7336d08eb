"""Mollie: what proves nothing, what is refused, and what a payment means."""

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
from voidtrail.event.model import Deed, Delivery, Kind, Method, Result, Tag, Unreadable, Verb
from voidtrail.event.reason import BY_NUMBER
from voidtrail.sources import mollie as source
from voidtrail.sources.contract import Outcome
from voidtrail.testing.contract import Genuine, check_genuine, check_translation

SECRET = "webhook secret €"
KEYS = secrets(signing=SECRET, api_key="live_1")
ACCOUNT = Account(source="mollie", name="main")
S, R, P = Result.SUCCEEDED, Result.REFUSED, Result.PENDING
EUR10 = {"currency": "EUR", "value": "10.00"}
PAYMENT = {
    "resource": "payment", "id": "tr_1", "mode": "live", "status": "open", "amount": EUR10,
    "createdAt": "2025-06-15T14:00:00+00:00", "expiresAt": "2025-06-15T14:15:00+00:00",
    "method": "ideal", "metadata": {"order_id": "A1001"}, "customerId": "cst_1",
}  # fmt: skip
PAID = {**PAYMENT, "status": "paid", "paidAt": "2025-06-15T14:01:00+00:00"}
REFUND = {"resource": "refund", "id": "re_1", "paymentId": "tr_1", "status": "refunded",
          "amount": {"currency": "EUR", "value": "4.00"},
          "createdAt": "2025-06-16T10:00:00+02:00"}  # fmt: skip
CHARGEBACK = {"resource": "chargeback", "id": "chb_1", "paymentId": "tr_1", "amount": EUR10,
              "createdAt": "2025-07-01T08:00:00+00:00", "reversedAt": None,
              "reason": {"code": "MD01"}}  # fmt: skip


def sign(body, secret=SECRET, digest="sha256"):
    return "sha256=" + hmac.new(secret.encode(), body, digest).hexdigest()


def pushed(body, *signatures):
    headers = tuple(("x-mollie-signature", value) for value in signatures)
    return Delivery(source="mollie", account="main", received_at=NOW, body=body, headers=headers)


def body_of(entity, kind=None):
    event = {"resource": "event", "id": "event_1", "entityId": entity["id"],
             "type": kind or f"{entity['resource']}.{entity['status']}",
             "createdAt": "2025-06-15T14:10:00+00:00", "_embedded": {"entity": entity}}  # fmt: skip
    return json.dumps(event).encode()


def told(entity, kind=None):
    """Every signed event passes the whole contract."""
    body = body_of(entity, kind)
    return check_genuine(source, Genuine(pushed(body, sign(body)), KEYS, NOW), ACCOUNT)


def answer(entity, request="tr_1", context="", account=ACCOUNT):
    delivery = asked("mollie", json.dumps(entity).encode(), request)
    return events(source, msgspec.structs.replace(delivery, context=context), account, KEYS)


def facts(found):
    return [(e.kind, e.result, e.operation, e.amount_minor, e.tag) for e in found]


def slug(event):
    return BY_NUMBER[event.reason].slug


# ------------------------------------------------------------------------------- classic notices


@pytest.mark.parametrize("body", [b"id=tr_d0b0E3EA3v", b"id=ord_1", b"id=tr_unknown0"])
def test_classic_notice_is_taken_unsigned_and_only_makes_us_ask(body):
    source.verify(pushed(body), {}, NOW)
    [event] = check_translation(source, pushed(body), ACCOUNT, {})
    assert (event.kind, event.payment, event.life) == (Kind.NUDGE, body[3:].decode(), False)
    assert event.amount_minor is None


def test_each_notice_is_a_reason_to_ask_anew():
    first = events(source, pushed(b"id=tr_1"), ACCOUNT, {})
    later = msgspec.structs.replace(pushed(b"id=tr_1"), received_at=NOW + 1)
    assert first != events(source, later, ACCOUNT, {})


@pytest.mark.parametrize(
    "body",
    [
        b"", b"id=", b"id=tr_1&id=tr_2", b"id=tr_1\n", b"ID=tr_1", b"id=tr_1%20", b"id=tr 1",
        b"x=1&id=tr_1", b'{"id":"tr_1"}', b"id=tr_" + b"a" * 65, b"id=../tr_1", b"id=<script>",
    ],
)  # fmt: skip
def test_unsigned_body_of_any_other_form_is_refused(body):
    with pytest.raises(SignatureMissing):
        source.verify(pushed(body), KEYS, NOW)


def test_published_shapes_are_understood(shared):
    shapes = json.loads((shared / "psp/mollie/shape_examples.json").read_text("utf-8"))
    source.verify(pushed(shapes["classic_webhook_body"].encode()), {}, NOW)
    for payment in shapes["payment_resource"]:
        found = answer(payment, payment["id"])
        assert all(event.test for event in found), payment["status"]
    # The example's entity has no amount: the statement is whole without one.
    [event] = told(shapes["nextgen_event"]["_embedded"]["entity"])
    assert (event.kind, event.amount_minor) == (Kind.CANCEL, None)


# ------------------------------------------------------------------------------------- signatures


BODY = body_of(PAID)
GOOD = sign(BODY)
HEX = GOOD.partition("=")[2]


@pytest.mark.parametrize(
    ("signatures", "error"),
    [
        ((), SignatureMissing),
        (("",), SignatureMissing),
        ((GOOD, GOOD), SignatureMissing),
        ((f"{GOOD},{GOOD}",), SignatureMissing),
        ((GOOD, sign(BODY, "a"), sign(BODY, "b")), SignatureMissing),
        ((HEX,), SignatureInvalid),
        ((GOOD.upper(),), SignatureInvalid),
        ((f"sha256={HEX.upper()}",), SignatureInvalid),
        ((f"sha1={HEX}",), SignatureInvalid),
        ((sign(BODY, digest="sha1"),), SignatureInvalid),
        (("sha256=" + sign(BODY, digest="sha1")[7:],), SignatureInvalid),
        ((GOOD[:-1],), SignatureInvalid),
        ((GOOD + "0",), SignatureInvalid),
        (("sha256=" + hashlib.sha256(BODY).hexdigest(),), SignatureInvalid),
        (("sha256=" + base64.b64encode(bytes.fromhex(HEX)).decode(),), SignatureInvalid),
        ((sign(BODY, "live_1"),), SignatureInvalid),
        (("sha256=订单",), SignatureInvalid),
    ],
)
def test_wrong_signature_is_refused(signatures, error):
    with pytest.raises(error):
        source.verify(pushed(BODY, *signatures), KEYS, NOW)


@pytest.mark.parametrize("joined", [True, False])
def test_two_values_come_while_the_secret_is_rolled(joined):
    values = (sign(BODY, "the old one"), GOOD)
    given = pushed(BODY, ", ".join(values)) if joined else pushed(BODY, *values)
    source.verify(given, KEYS, NOW)
    source.verify(given, secrets(signing=("the old one", "x")), NOW)
    with pytest.raises(SignatureInvalid):
        source.verify(given, secrets(signing="x"), NOW)


def test_a_wrong_signature_on_a_classic_notice_is_refused():
    with pytest.raises(SignatureInvalid):
        source.verify(pushed(b"id=tr_1", GOOD), KEYS, NOW)


def test_account_without_secret_is_told_so():
    with pytest.raises(KeyUnknown):
        source.verify(pushed(BODY, GOOD), secrets(api_key="live_1"), NOW)


# ---------------------------------------------------------------------------------------- payments


def test_waiting_payment_says_until_when():
    [event] = answer(PAYMENT)
    assert (event.kind, event.result, event.occurred_at) == (Kind.OPEN, P, NOW)
    assert event.until == 1_749_996_900_000_000
    assert (event.order, event.customer, event.method) == ("A1001", "cst_1", Method.BANK_TRANSFER)


def test_payment_on_its_way_is_not_paid_as_of_the_answer():
    submit, waiting = answer({**PAYMENT, "status": "pending"})
    assert (submit.kind, waiting.kind, waiting.occurred_at) == (Kind.SUBMIT, Kind.OPEN, NOW)
    assert [event.kind for event in told({**PAYMENT, "status": "pending"})] == [Kind.SUBMIT]


@pytest.mark.parametrize("say", [told, answer])
def test_paid_payment_is_captured_when_it_was_paid(say):
    [event] = say(PAID)
    assert facts([event]) == [(Kind.CAPTURE, S, "tr_1", 1000, Tag.CUMULATIVE)]
    assert event.occurred_at == 1_749_996_060_000_000


def test_payment_captured_in_part_counts_what_was_taken():
    part = {**PAID, "amountCaptured": {"currency": "EUR", "value": "3.50"}}
    assert answer(part)[0].amount_minor == 350


def test_cancelled_by_its_customer_unless_money_was_held():
    gone = {**PAYMENT, "status": "canceled", "canceledAt": "2025-06-15T14:05:00+00:00"}
    [cancel] = answer(gone)
    assert (cancel.kind, cancel.result, slug(cancel)) == (Kind.CANCEL, S, "customer_request")
    released = {**gone, "authorizedAt": "2025-06-15T14:02:00+00:00"}
    cancel, void = answer(released)
    assert (slug(cancel), void.kind, void.result) == ("merchant_request", Kind.VOID, S)


def test_what_we_had_cancelled_was_ours():
    gone = {**PAYMENT, "status": "canceled", "canceledAt": "2025-06-15T14:05:00+00:00"}
    [ours], [theirs] = answer(gone, context="act:close"), answer(gone)
    assert slug(ours) == "merchant_request"
    assert ours.occurred_at < theirs.occurred_at, "so it is believed before the other"


def test_expired_payment_and_lapsed_authorisation():
    over = {**PAYMENT, "status": "expired", "expiredAt": "2025-06-15T14:15:00+00:00"}
    [expire] = answer(over)
    assert (expire.kind, slug(expire)) == (Kind.EXPIRE, "timed_out")
    expire, void = answer({**over, "authorizedAt": "2025-06-15T14:02:00+00:00"})
    assert (slug(expire), void.kind) == ("authorisation_lapsed", Kind.VOID)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("insufficient_funds", "insufficient_funds"), ("card_expired", "card_expired"),
        ("authentication_abandoned", "customer_left"), ("possible_fraud", "issuer_suspects_fraud"),
        ("authentication_unavailable_acs", "issuer_unavailable"), ("new_code", "unlisted"),
        (None, "declined"),
    ],
)  # fmt: skip
def test_failed_payment_is_refused_and_asked_as_one_that_waits(code, expected):
    failed = {**PAYMENT, "status": "failed", "failedAt": "2025-06-15T14:01:00+00:00",
              "details": {"failureReason": code}}  # fmt: skip
    refused, waiting = answer(failed)
    assert (refused.kind, refused.result, slug(refused)) == (Kind.AUTHORISE, R, expected)
    assert (waiting.kind, waiting.occurred_at) == (Kind.OPEN, NOW)
    assert [e.kind for e in told(failed)] == [Kind.AUTHORISE]


@pytest.mark.parametrize(
    ("currency", "value", "minor"), [("JPY", "100", 100), ("KWD", "1.234", 1234), ("ISK", "5", 5)]
)
def test_amounts_have_their_currency_s_decimals(currency, value, minor):
    found = answer({**PAID, "amount": {"currency": currency, "value": value}})
    assert (found[0].amount_minor, found[0].currency) == (minor, currency)


@pytest.mark.parametrize("value", ["10.001", "1e999999999", "NaN", "-1.00", "ten"])
def test_inexact_amount_is_quarantined(value):
    body = json.dumps({**PAID, "amount": {"currency": "EUR", "value": value}}).encode()
    assert isinstance(source.translate(asked("mollie", body, "tr_1"), ACCOUNT, KEYS), Unreadable)


@pytest.mark.parametrize("status", ["queued", "pending", "processing", "refunded", "canceled"])
def test_embedded_refund_is_an_operation_of_its_own(status):
    refund = {**REFUND, "status": status}
    capture, event = answer({**PAID, "_embedded": {"refunds": [refund]}})
    expected = {"refunded": S, "canceled": R}.get(status, P)
    assert facts([event]) == [(Kind.REFUND, expected, "re_1", 400, Tag.OWN)]
    assert event.identity != capture.identity
    assert event.occurred_at == 1_750_060_800_000_000, "an offset is an offset"


def test_failed_refund_is_refused_and_reversed():
    *_, refused, back = answer({**PAID, "_embedded": {"refunds": [{**REFUND, "status": "failed"}]}})
    assert (refused.result, back.kind, back.reverses) == (R, Kind.REVERSE, "refund:re_1")


def test_chargeback_withdraws_and_its_reversal_brings_back():
    found = answer({**PAID, "_embedded": {"chargebacks": [CHARGEBACK]}})
    assert facts(found)[1:] == [(Kind.DISPUTE, S, "chb_1", 1000, Tag.OWN)]
    back = {**CHARGEBACK, "reversedAt": "2025-07-09T08:00:00+00:00"}
    *_, reverse = answer({**PAID, "_embedded": {"chargebacks": [back]}})
    assert (reverse.kind, reverse.reverses) == (Kind.REVERSE, "dispute:chb_1")


def test_event_that_knows_of_returned_money_but_not_which_makes_us_ask():
    found = told({**PAID, "amountRefunded": EUR10})
    assert [e.kind for e in found] == [Kind.CAPTURE, Kind.NUDGE]


def test_event_without_its_payment_makes_us_ask():
    body = json.dumps({"resource": "event", "type": "payment.paid", "entityId": "tr_1"}).encode()
    source.verify(pushed(body, sign(body)), KEYS, NOW)
    [event] = events(source, pushed(body, sign(body)), ACCOUNT, KEYS)
    assert (event.kind, event.payment) == (Kind.NUDGE, "tr_1")


def test_refund_event_speaks_of_its_payment():
    [event] = told(REFUND)
    assert (event.kind, event.payment, event.operation) == (Kind.REFUND, "tr_1", "re_1")


def test_unlisted_event_and_status_are_kept():
    [event] = told({"resource": "profile", "id": "pfl_1", "status": "x"}, "profile.blocked")
    assert (event.kind, event.code) == (Kind.OTHER, "profile.blocked")
    [event] = answer({**PAYMENT, "status": "brand-new"})
    assert (event.kind, event.code) == (Kind.OTHER, "brand-new")


def test_whose_payment_it_is_is_said_for_service_providers():
    assert answer({**PAID, "profileId": "pfl_1"})[0].merchant == "pfl_1"


@pytest.mark.parametrize("metadata", [{"order_id": 7}, '{"order_id":"7"}', "order_id=7"])
def test_order_is_found_in_metadata_of_any_form(metadata):
    assert answer({**PAID, "metadata": metadata})[0].order == "7"


# ------------------------------------------------------------------------------ questions, orders


def test_question_brings_refunds_and_chargebacks_along():
    request = source.query("tr_1", ACCOUNT, KEYS, NOW, "")
    assert request.url == "https://api.mollie.com/v2/payments/tr_1?embed=refunds,chargebacks"
    assert source.query("ord_1", ACCOUNT, KEYS, NOW, "") is None


@pytest.mark.parametrize(
    ("status", "context", "kind", "result"),
    [
        (404, "", Kind.ABSENT, S), (401, "", Kind.OTHER, Result.UNKNOWN),
        (422, "act:close", Kind.CANCEL, R), (404, "act:void", Kind.VOID, R),
        (409, "act:refund", Kind.REFUND, R), (429, "act:refund", Kind.OTHER, Result.UNKNOWN),
        (401, "act:close", Kind.OTHER, Result.UNKNOWN),  # a wrong key refuses nothing for good
    ],
)  # fmt: skip
def test_error_is_a_conclusion_only_where_it_is_one(status, context, kind, result):
    [event] = answer({"status": status, "title": "x", "detail": "y"}, context=context)
    assert (event.kind, event.result, event.code) == (kind, result, str(status))


def test_orders_carry_their_key_and_exact_amounts():
    deed = Deed(verb=Verb.REFUND, payment="tr_1", key="k-1", amount_minor=123, currency="KWD")
    request = source.act(deed, ACCOUNT, KEYS, NOW, "")
    assert json.loads(request.body) == {"amount": {"currency": "KWD", "value": "0.123"}}
    assert dict(request.headers)["Idempotency-Key"] == "k-1"
    close = msgspec.structs.replace(deed, verb=Verb.CLOSE)
    assert source.act(close, ACCOUNT, KEYS, NOW, "").method == "DELETE"


def test_acknowledgement_is_the_same_for_every_id():
    assert source.acknowledge(Outcome.KEPT).status == 200
    assert [source.acknowledge(outcome).body for outcome in Outcome] == [b""] * 4


LEAF = st.sampled_from(
    [None, 0, "", "x", "canceled", "refunded", "2025-06-15T14:00:00", EUR10, {}, [], [REFUND],
     {"refunds": [REFUND]}, {"currency": "XXX", "value": "1"}, 2**70, 1.5, "订单"]
)  # fmt: skip


FIELDS = [*sorted(PAYMENT), "canceledAt", "authorizedAt", "_embedded", "details", "amountRefunded"]


@given(changes=st.dictionaries(st.sampled_from(FIELDS), LEAF, max_size=4), pushes=st.booleans())
def test_any_payment_and_refund_says_something_whole(changes, pushes):
    if pushes:
        entity = {**REFUND, **changes, "resource": "refund", "id": "re_1"}
        delivery = pushed(body_of(entity, "refund.x"), "x")
    else:
        delivery = asked("mollie", json.dumps({**PAYMENT, **changes}).encode(), "tr_1")
    check_translation(source, delivery, ACCOUNT, KEYS)
