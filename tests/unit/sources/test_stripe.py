"""Stripe: what is refused, and what each event means."""

import json

import msgspec
import pytest

from tests import signers
from tests.signers import NOW, NOW_S, STRIPE, STRIPE_SECRET, asked, secrets, stripe, stripe_body
from voidtrail.errors import KeyUnknown, SignatureExpired, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account
from voidtrail.event.model import Channel, Delivery, Kind, Method, Result, Tag, Unreadable
from voidtrail.event.reason import BY_NUMBER
from voidtrail.sources import stripe as source
from voidtrail.sources.contract import Outcome
from voidtrail.testing.contract import check_events, check_genuine

A = (Kind.AUTHORISE, Result.SUCCEEDED)
PI = {
    "id": "pi_1",
    "object": "payment_intent",
    "amount": 1099,
    "amount_capturable": 0,
    "amount_received": 0,
    "currency": "eur",
    "customer": "cus_1",
    "metadata": {"order_id": "A1001"},
    "payment_method_types": ["card"],
    "status": "requires_payment_method",
    "created": NOW_S - 900,
}
CH = {
    "id": "ch_1",
    "object": "charge",
    "amount": 1099,
    "amount_captured": 0,
    "amount_refunded": 0,
    "captured": False,
    "currency": "eur",
    "payment_intent": "pi_1",
    "status": "succeeded",
}
RE = {
    "id": "re_1",
    "object": "refund",
    "amount": 500,
    "charge": "ch_1",
    "currency": "eur",
    "payment_intent": "pi_1",
    "reason": None,
    "status": "succeeded",
}
DP = {
    "id": "dp_1",
    "object": "dispute",
    "amount": 1099,
    "charge": "ch_1",
    "currency": "eur",
    "payment_intent": "pi_1",
    "reason": "fraudulent",
    "status": "needs_response",
}
CS = {
    "id": "cs_1",
    "object": "checkout.session",
    "amount_total": 1099,
    "client_reference_id": "A1001",
    "currency": "eur",
    "expires_at": NOW_S - 60,
    "payment_intent": "pi_1",
    "payment_status": "paid",
    "status": "complete",
}


def told(kind, obj, account=STRIPE, **changes):
    """Every event passes the whole contract: signed by Stripe's SDK, forgeries refused."""
    return check_genuine(source, stripe(stripe_body(kind, obj, **changes)), account)


def facts(events):
    return [(e.kind, e.result, e.operation, e.amount_minor, e.tag) for e in events]


def slug(event):
    return BY_NUMBER[event.reason].slug


# ------------------------------------------------------------------------------------- signatures


def delivery(header, body=b'{"id":"evt_1"}'):
    headers = () if header is None else (("stripe-signature", header),)
    return Delivery(source="stripe", account="main", received_at=NOW, body=body, headers=headers)


BODY = b'{"id":"evt_1"}'
GOOD = signers.stripe_header(BODY)
HEX = GOOD.partition("v1=")[2]
KEYS = secrets(signing=STRIPE_SECRET)


def test_signature_of_the_official_sdk_is_accepted():
    source.verify(delivery(GOOD), KEYS, NOW)


def test_published_vector_is_accepted(shared):
    vector = json.loads((shared / "psp/stripe/computed_vector.json").read_text())
    given = delivery(vector["Stripe-Signature"], vector["raw_body"].encode())
    source.verify(given, secrets(signing=vector["secret"]), vector["t"] * 1_000_000)


@pytest.mark.parametrize(
    "header",
    [
        f"t={NOW_S},v1={'0' * 64},v1={HEX}",
        f"v1={HEX},t={NOW_S}",
        f"t={NOW_S},v0={'0' * 64},v1={HEX},v9=x",
        f"t={NOW_S}, v1={HEX}",
    ],
)
def test_any_matching_v1_is_enough(header):
    source.verify(delivery(header), KEYS, NOW)


@pytest.mark.parametrize(
    ("header", "error"),
    [
        (None, SignatureMissing),
        ("", SignatureMissing),
        (f"t={NOW_S}", SignatureMissing),
        (f"v1={HEX}", SignatureMissing),
        (f"t={NOW_S},t={NOW_S},v1={HEX}", SignatureMissing),
        (f"t={NOW_S},v0={HEX}", SignatureMissing),
        (f"t={NOW_S},V1={HEX}", SignatureMissing),
        (f"t={NOW_S},v1={HEX.upper()}", SignatureInvalid),
        (f"t={NOW_S},v1={HEX[:-1]}", SignatureInvalid),
        (f"t={NOW_S},v1={HEX}0", SignatureInvalid),
        (f"t={NOW_S},v1=", SignatureInvalid),
        (f"t={NOW_S},v1=订单", SignatureInvalid),
        (f"t={NOW_S + 1},v1={HEX}", SignatureInvalid),
        (f"t=0{NOW_S},v1={HEX}", SignatureInvalid),
        (f"t={NOW_S}.0,v1={HEX}", SignatureInvalid),
        (f"t=٣,v1={HEX}", SignatureInvalid),
        (f"t={'9' * 5000},v1={HEX}", SignatureInvalid),
        (f"t=-{NOW_S},v1={HEX}", SignatureInvalid),
    ],
)
def test_wrong_header_is_refused(header, error):
    with pytest.raises(error):
        source.verify(delivery(header), KEYS, NOW)


@pytest.mark.parametrize(
    "body", [BODY + b"\n", BODY.replace(b":", b": "), BODY.replace(b"1", b"2"), b"", BODY[:-1]]
)
def test_changed_body_is_refused(body):
    with pytest.raises(SignatureInvalid):
        source.verify(delivery(GOOD, body), KEYS, NOW)


@pytest.mark.parametrize("away_s", [-301, 301, 86_400])
def test_replay_outside_of_the_window_is_refused(away_s):
    with pytest.raises(SignatureExpired):
        source.verify(delivery(GOOD), KEYS, NOW + away_s * 1_000_000)


@pytest.mark.parametrize("away_s", [-300, 0, 300])
def test_window_is_five_minutes_either_way(away_s):
    source.verify(delivery(GOOD), KEYS, NOW + away_s * 1_000_000)


def test_both_secrets_count_while_one_is_rolled():
    source.verify(delivery(GOOD), secrets(signing=("whsec_new", STRIPE_SECRET)), NOW)


def test_secret_is_the_whole_text_and_not_its_base64():
    with pytest.raises(SignatureInvalid):
        source.verify(delivery(GOOD), secrets(signing=STRIPE_SECRET.removeprefix("whsec_")), NOW)


def test_account_without_secret_is_told_so():
    with pytest.raises(KeyUnknown):
        source.verify(delivery(GOOD), {}, NOW)


# ---------------------------------------------------------------------------------------- intents


def test_created_intent_waits_for_the_customer():
    (event,) = told("payment_intent.created", PI)
    assert (event.kind, event.result, event.payment) == (Kind.OPEN, Result.PENDING, "pi_1")
    assert (event.order, event.customer, event.method) == ("A1001", "cus_1", Method.CARD_FORM)
    assert (event.amount_minor, event.currency, event.tag) == (1099, "EUR", Tag.NONE)
    assert event.occurred_at == (NOW_S - 60) * 1_000_000


@pytest.mark.parametrize(
    ("word", "kind"), [("requires_action", Kind.AUTHENTICATE), ("processing", Kind.SUBMIT)]
)
def test_intent_under_way_is_pending(word, kind):
    (event,) = told(f"payment_intent.{word}", {**PI, "status": word})
    assert (event.kind, event.result, event.code) == (kind, Result.PENDING, word)


def test_paid_intent_states_the_running_total():
    paid = {**PI, "status": "succeeded", "amount_received": 1099, "latest_charge": "ch_1"}
    (event,) = told("payment_intent.succeeded", paid)
    assert facts([event]) == [(Kind.CAPTURE, Result.SUCCEEDED, "pi_1", 1099, Tag.CUMULATIVE)]
    assert event.names == ("ch_1",)


def test_held_intent_is_an_authorisation_of_its_charge():
    held = {**PI, "status": "requires_capture", "amount_capturable": 1099, "latest_charge": "ch_1"}
    (event,) = told("payment_intent.amount_capturable_updated", held)
    assert facts([event]) == [(*A, "ch_1", 1099, Tag.OWN)]
    (charge,) = told("charge.succeeded", CH)
    assert facts([charge]) == facts([event]), "both notices speak of one operation"


def test_failed_attempt_is_refused_and_not_the_end():
    error = {"code": "card_declined", "decline_code": "insufficient_funds", "charge": "ch_1"}
    failed = {**PI, "last_payment_error": error, "latest_charge": "ch_1"}
    (event,) = told("payment_intent.payment_failed", failed)
    assert facts([event]) == [(Kind.AUTHORISE, Result.REFUSED, "ch_1", 1099, Tag.OWN)]
    assert (slug(event), event.code, event.life) == (
        "insufficient_funds",
        "insufficient_funds",
        True,
    )


def test_attempts_without_a_charge_differ_by_their_error():
    wrong = {"code": "incorrect_number"}
    (event,) = told("payment_intent.payment_failed", {**PI, "last_payment_error": wrong})
    assert (event.operation, slug(event)) == ("pi_1:incorrect_number", "card_data_wrong")


def test_two_failed_attempts_are_two_facts_and_a_retry_is_one():
    def failed(charge, event_id):
        error = {"code": "card_declined", "charge": charge}
        body = {**PI, "last_payment_error": error, "latest_charge": charge}
        return told("payment_intent.payment_failed", body, event_id=event_id)[0]

    assert failed("ch_1", "evt_1").identity != failed("ch_2", "evt_2").identity
    assert failed("ch_1", "evt_1").identity == failed("ch_1", "evt_twin").identity


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("requested_by_customer", "customer_request"),
        ("abandoned", "customer_left"),
        ("duplicate", "duplicate"),
        ("fraudulent", "fraud_suspected"),
        ("failed_invoice", "invoice_failed"),
        ("void_invoice", "invoice_voided"),
        ("automatic", "timed_out"),
        ("expired", "timed_out"),
        ("something_new", "unlisted"),
        (None, "unstated"),
    ],
)
def test_cancelled_intent_keeps_its_reason(code, expected):
    cancelled = {**PI, "status": "canceled", "cancellation_reason": code}
    (event,) = told("payment_intent.canceled", cancelled)
    assert (event.kind, event.result) == (Kind.CANCEL, Result.SUCCEEDED)
    assert (slug(event), event.code) == (expected, code or "")


def test_cancelled_hold_is_let_go():
    cancelled = {**PI, "status": "canceled", "capture_method": "manual", "latest_charge": "ch_1"}
    cancel, void = told("payment_intent.canceled", cancelled)
    assert (cancel.kind, void.kind, void.result) == (Kind.CANCEL, Kind.VOID, Result.SUCCEEDED)
    assert void.reverses == ""


def test_cancelling_after_a_failed_attempt_lets_nothing_go():
    error = {"code": "card_declined", "charge": "ch_1"}
    cancelled = {**PI, "status": "canceled", "latest_charge": "ch_1", "last_payment_error": error}
    assert [e.kind for e in told("payment_intent.canceled", cancelled)] == [Kind.CANCEL]


def test_embedded_and_thin_api_versions_tell_the_same():
    old = {**PI, "charges": {"data": [{"id": "ch_1", "amount": 1}]}, "amount_received": 1099}
    new = {**PI, "latest_charge": "ch_1", "amount_received": 1099}
    expanded = {**PI, "latest_charge": {"id": "ch_1", "object": "charge"}, "amount_received": 1099}
    word = "payment_intent.succeeded"
    assert told(word, old) == told(word, new) == told(word, expanded)


# ---------------------------------------------------------------------------------------- charges


def test_charge_captured_at_once_is_authorised_and_captured():
    taken = {**CH, "captured": True, "amount_captured": 1099}
    assert facts(told("charge.succeeded", taken)) == [
        (*A, "ch_1", 1099, Tag.OWN),
        (Kind.CAPTURE, Result.SUCCEEDED, "ch_1", 1099, Tag.OWN),
    ]


def test_success_that_does_not_say_how_much_was_received_is_of_all_of_it():
    whole = {"id": "pi_1", "object": "payment_intent", "amount": 4200, "currency": "eur",
             "status": "succeeded"}  # fmt: skip
    for received, taken in (({}, 4200), ({"amount_received": 1000}, 1000)):
        body = stripe_body("payment_intent.succeeded", whole | received)
        [event] = source.translate(stripe(body).delivery, STRIPE, {})
        assert (event.kind, event.amount_minor) == (Kind.CAPTURE, taken)


def test_partial_capture_takes_its_part():
    part = {**CH, "captured": True, "amount_captured": 600, "amount_refunded": 499}
    (event,) = told("charge.captured", part)
    assert facts([event]) == [(Kind.CAPTURE, Result.SUCCEEDED, "ch_1", 600, Tag.OWN)]


def test_remainder_of_a_partial_capture_is_no_refund():
    part = {**CH, "captured": True, "amount_captured": 600, "amount_refunded": 499}
    (event,) = told("charge.refunded", part)
    assert (event.kind, event.reverses) == (Kind.VOID, "authorise:ch_1")
    (refund,) = told("charge.refunded", {**part, "amount_refunded": 699})
    assert facts([refund]) == [
        (Kind.REFUND, Result.SUCCEEDED, "ch_1:refunded", 200, Tag.CUMULATIVE)
    ]


def test_refunded_charge_states_the_running_total():
    back = {**CH, "captured": True, "amount_captured": 1099, "amount_refunded": 300}
    (first,) = told("charge.refunded", back)
    (second,) = told("charge.refunded", {**back, "amount_refunded": 1099})
    assert facts([first]) == [(Kind.REFUND, Result.SUCCEEDED, "ch_1:refunded", 300, Tag.CUMULATIVE)]
    assert first.operation == second.operation
    assert first.identity != second.identity


def test_refund_of_an_uncaptured_charge_is_a_void():
    (event,) = told("charge.refunded", {**CH, "amount_refunded": 1099})
    assert (event.kind, event.reverses, event.amount_minor) == (Kind.VOID, "authorise:ch_1", 1099)


def test_lapsed_authorisation_is_voided_and_expired():
    void, expired = told("charge.expired", {**CH, "amount_refunded": 1099})
    assert (void.kind, void.reverses) == (Kind.VOID, "authorise:ch_1")
    assert (expired.kind, expired.result) == (Kind.EXPIRE, Result.SUCCEEDED)
    assert slug(void) == slug(expired) == "authorisation_lapsed"


@pytest.mark.parametrize(
    ("outcome", "code", "expected"),
    [
        ("insufficient_funds", "card_declined", "insufficient_funds"),
        ("highest_risk_level", "card_declined", "risk_refused"),
        (None, "expired_card", "card_expired"),
        (None, None, "declined"),
        ("brand_new_code", "card_declined", "unlisted"),
    ],
)
def test_failed_charge_keeps_the_most_specific_code(outcome, code, expected):
    failed = {**CH, "status": "failed", "failure_code": code, "outcome": {"reason": outcome}}
    (event,) = told("charge.failed", failed)
    assert (event.kind, event.result, event.operation) == (Kind.AUTHORISE, Result.REFUSED, "ch_1")
    assert (slug(event), event.code) == (expected, outcome or code or "")


def test_free_text_never_becomes_a_code():
    failed = {**CH, "status": "failed", "failure_code": "call jane@example.org"}
    (event,) = told("charge.failed", failed)
    assert (slug(event), event.code) == ("unlisted", "")


# ---------------------------------------------------------------------------------------- refunds


@pytest.mark.parametrize(
    ("status", "result"),
    [
        ("succeeded", Result.SUCCEEDED),
        ("pending", Result.PENDING),
        ("requires_action", Result.PENDING),
        ("something_new", Result.UNKNOWN),
    ],
)
@pytest.mark.parametrize("word", ["refund.created", "refund.updated", "charge.refund.updated"])
def test_refund_goes_as_far_as_its_status(word, status, result):
    (event,) = told(word, {**RE, "status": status})
    assert facts([event]) == [(Kind.REFUND, result, "re_1", 500, Tag.OWN)]
    assert (event.payment, event.names) == ("pi_1", ("ch_1",))


def test_refund_notice_that_lacks_the_intent_names_the_charge():
    (event,) = told("refund.updated", {**RE, "payment_intent": None})
    assert (event.payment, event.names) == ("ch_1", ())


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_refund_that_failed_later_is_a_reversal(status):
    failed = {**RE, "status": status, "failure_reason": "expired_or_canceled_card"}
    refund, reverse = told("refund.failed", failed)
    assert (refund.kind, refund.result, refund.operation) == (Kind.REFUND, Result.REFUSED, "re_1")
    assert facts([reverse]) == [(Kind.REVERSE, Result.SUCCEEDED, "re_1:failed", 500, Tag.OWN)]
    assert (reverse.reverses, slug(reverse)) == ("refund:re_1", "refund_failed")
    assert reverse.code == "expired_or_canceled_card"


def test_failed_refund_whose_money_came_back_had_gone_out():
    failed = {**RE, "status": "failed", "failure_balance_transaction": "txn_1"}
    refund, reverse = told("refund.failed", failed)
    assert (refund.result, reverse.reverses) == (Result.SUCCEEDED, "refund:re_1")


def test_refund_of_a_lapsed_hold_moves_no_captured_money():
    (event,) = told("refund.created", {**RE, "reason": "expired_uncaptured_charge"})
    assert (event.kind, event.reverses) == (Kind.VOID, "authorise:ch_1")
    assert slug(event) == "authorisation_lapsed"


# --------------------------------------------------------------------------------------- disputes


def test_withdrawal_and_reinstatement_are_operations_of_their_own():
    (out,) = told("charge.dispute.funds_withdrawn", DP)
    (back,) = told("charge.dispute.funds_reinstated", {**DP, "status": "won"})
    assert facts([out, back]) == [
        (Kind.DISPUTE, Result.SUCCEEDED, "dp_1:withdrawal", 1099, Tag.OWN),
        (Kind.REVERSE, Result.SUCCEEDED, "dp_1:reinstatement", 1099, Tag.OWN),
    ]
    assert back.reverses == "dispute:dp_1:withdrawal"
    assert (out.payment, out.names, slug(out)) == ("pi_1", ("ch_1",), "dispute_fraud")


@pytest.mark.parametrize("word", ["created", "updated"])
@pytest.mark.parametrize("status", ["warning_needs_response", "needs_response"])
def test_open_dispute_and_inquiry_move_no_money(word, status):
    (event,) = told(f"charge.dispute.{word}", {**DP, "status": status})
    assert (event.kind, event.result, event.operation) == (Kind.DISPUTE, Result.PENDING, "dp_1")


@pytest.mark.parametrize("status", ["won", "warning_closed", "prevented"])
def test_dispute_closed_in_our_favour_moves_no_money(status):
    (event,) = told("charge.dispute.closed", {**DP, "status": status})
    assert (event.kind, event.result, event.operation) == (Kind.DISPUTE, Result.REFUSED, "dp_1")


def test_lost_dispute_asserts_the_withdrawal_once():
    (lost,) = told("charge.dispute.closed", {**DP, "status": "lost"})
    (out,) = told("charge.dispute.funds_withdrawn", DP)
    assert facts([lost]) == facts([out])


# --------------------------------------------------------------------------------------- sessions


def test_paid_session_is_the_intent_under_another_name():
    (event,) = told("checkout.session.completed", CS)
    assert facts([event]) == [(Kind.CAPTURE, Result.SUCCEEDED, "pi_1", 1099, Tag.CUMULATIVE)]
    assert (event.payment, event.names, event.order) == ("pi_1", ("cs_1",), "A1001")
    assert (event.method, event.channel) == (Method.HOSTED_CHECKOUT, Channel.WEB)


def test_unpaid_session_is_still_under_way():
    (event,) = told("checkout.session.completed", {**CS, "payment_status": "unpaid"})
    assert (event.kind, event.result) == (Kind.SUBMIT, Result.PENDING)


def test_late_failure_of_a_session_is_no_end():
    (event,) = told("checkout.session.async_payment_failed", CS)
    assert (event.kind, event.result, event.operation) == (Kind.CAPTURE, Result.REFUSED, "pi_1")


def test_session_past_its_time_has_expired():
    session = {**CS, "payment_intent": None, "status": "expired", "payment_status": "unpaid"}
    (event,) = told("checkout.session.expired", session)
    assert (event.kind, event.result, event.payment) == (Kind.EXPIRE, Result.SUCCEEDED, "cs_1")
    assert slug(event) == "timed_out"


def test_session_expired_before_its_time_was_closed_by_the_merchant():
    (event,) = told("checkout.session.expired", {**CS, "expires_at": NOW_S + 80_000})
    assert slug(event) == "merchant_request"


def test_payment_link_is_its_own_channel():
    (event,) = told("checkout.session.completed", {**CS, "payment_link": "plink_1"})
    assert event.channel == Channel.LINK


# ------------------------------------------------------------------------------------------ others


def test_unlisted_type_is_an_event_and_not_silence():
    (event,) = told("customer.created", {"id": "cus_1", "object": "customer", "amount": "x"})
    assert (event.kind, event.result, event.code) == (
        Kind.OTHER,
        Result.UNKNOWN,
        "customer.created",
    )
    assert (event.payment, event.life) == ("cus_1", False)


def test_unlisted_type_about_a_payment_names_it():
    warning = {"id": "issfr_1", "object": "radar.early_fraud_warning", "charge": "ch_1"}
    (event,) = told("radar.early_fraud_warning.created", warning)
    assert event.payment == "ch_1"


def test_thin_event_names_its_related_object():
    body = {
        "id": "evt_2",
        "object": "v2.core.event",
        "type": "v1.billing.meter.error",
        "created": "2025-06-15T15:06:39.000Z",
        "livemode": True,
        "related_object": {"id": "mtr_1", "type": "billing.meter", "url": "/v1"},
    }
    (event,) = check_genuine(source, stripe(json.dumps(body).encode()), STRIPE)
    assert (event.kind, event.payment) == (Kind.OTHER, "mtr_1")
    assert event.occurred_at == NOW - 1_000_000


def test_test_mode_marks_every_event():
    assert all(event.test for event in told("charge.expired", CH, livemode=False))
    assert not any(event.test for event in told("charge.expired", CH))


def test_twin_events_of_one_fact_have_one_identity():
    one = told("payment_intent.created", PI, event_id="evt_1")
    assert one[0].identity == told("payment_intent.created", PI, event_id="evt_2")[0].identity


def test_order_field_is_an_option():
    account = Account(source="stripe", name="main", options={"order_field": "metadata.cart"})
    (event,) = told("payment_intent.created", {**PI, "metadata": {"cart": "C9"}}, account)
    assert event.order == "C9"


def test_event_of_another_connected_account_is_set_aside():
    account = Account(source="stripe", name="main", options={"account_id": "acct_1"})
    body = json.loads(stripe_body("payment_intent.created", PI))
    given = stripe(json.dumps({**body, "account": "acct_2"}).encode())
    answer = source.translate(given.delivery, account, given.secrets)
    assert isinstance(answer, Unreadable)
    assert answer.path == "account"


@pytest.mark.parametrize(
    ("currency", "amount", "expected"),
    [("jpy", 500, 500), ("isk", 500, 5), ("ugx", 1200, 12), ("mga", 5, 500), ("kwd", 5120, 5120)],
)
def test_amounts_are_in_the_minor_unit_of_iso_4217(currency, amount, expected):
    (event,) = told("payment_intent.created", {**PI, "currency": currency, "amount": amount})
    assert event.amount_minor == expected


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"currency": "zzz"}, "data.object.currency"),
        ({"currency": "isk", "amount": 501}, "data.object.currency"),
        ({"amount": "1099"}, "data.object.amount"),
        ({"amount": 2**63}, "data.object.amount"),
        ({"metadata": [1]}, "data.object.metadata"),
    ],
)
def test_listed_event_that_cannot_be_read_is_unreadable(changes, path):
    given = stripe(stripe_body("payment_intent.created", {**PI, **changes}))
    answer = source.translate(given.delivery, STRIPE, given.secrets)
    assert isinstance(answer, Unreadable)
    assert answer.path == path
    assert "1099" not in answer.why


# ------------------------------------------------------------------------------ answers, questions


def answered(obj, request="pi_1"):
    given = asked("stripe", json.dumps(obj).encode(), request)
    source.verify(given, {}, NOW)
    events = source.translate(given, STRIPE, {})
    check_events(events, given)
    assert not isinstance(events, Unreadable), events
    assert not any(event.life for event in events)
    return events


@pytest.mark.parametrize(
    "status", ["requires_payment_method", "requires_confirmation", "requires_action"]
)
def test_answer_still_unpaid_is_no_sign_of_life(status):
    (event,) = answered({**PI, "status": status})
    assert (event.kind, event.result) == (Kind.OPEN, Result.PENDING)
    assert event.occurred_at == NOW_S * 1_000_000, "what still waits, waits at the asking"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"status": "processing"}, Kind.SUBMIT),
        ({"status": "requires_capture", "amount_capturable": 9}, Kind.AUTHORISE),
        ({"status": "canceled", "canceled_at": NOW_S}, Kind.CANCEL),
        ({"status": "succeeded", "amount_received": 1099}, Kind.CAPTURE),
    ],
)
def test_answer_tells_the_state(changes, kind):
    assert [event.kind for event in answered({**PI, **changes})] == [kind]


def test_same_answer_twice_is_one_event():
    assert answered(PI) == answered(PI)


def test_unknown_intent_is_absent():
    (event,) = answered({"error": {"type": "invalid_request_error", "code": "resource_missing"}})
    assert (event.kind, event.result, event.payment) == (Kind.ABSENT, Result.SUCCEEDED, "pi_1")


@pytest.mark.parametrize("error", [{"type": "api_error"}, {"code": "rate_limit"}, {}])
def test_error_answer_is_no_conclusion(error):
    (event,) = answered({"error": error})
    assert (event.kind, event.result) == (Kind.OTHER, Result.UNKNOWN)


def test_answer_about_another_payment_is_set_aside():
    given = asked("stripe", json.dumps({**PI, "id": "pi_2"}).encode(), "pi_1")
    assert isinstance(source.translate(given, STRIPE, {}), Unreadable)


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ("pi_1", "payment_intents/pi_1"),
        ("cs_1", "checkout/sessions/cs_1"),
        ("ch_/x", "charges/ch_%2Fx"),
    ],
)
def test_question_is_a_request_value(reference, path):
    account = Account(source="stripe", name="main", options={"api_base": "http://127.0.0.1:9/"})
    request = source.query(reference, account, secrets(api_key="sk_test_1"), NOW, "")
    assert request is not None
    assert (request.method, request.url) == ("GET", f"http://127.0.0.1:9/v1/{path}")
    assert request.headers == (("Authorization", "Bearer sk_test_1"),)


@pytest.mark.parametrize("reference", ["evt_1", "re_1", "cus_1"])
def test_other_objects_cannot_be_asked_about(reference):
    assert source.query(reference, STRIPE, secrets(api_key="sk"), NOW, "") is None
    assert source.query("probe", STRIPE, secrets(api_key="sk"), NOW, "") is not None


def test_acknowledgement_is_empty():
    answer = source.acknowledge(Outcome.KEPT)
    assert (answer.status, answer.body) == (200, b"")


# ----------------------------------------------------------------------------------------- samples


def samples(shared):
    records = json.loads((shared / "psp/stripe/lago_testmode_events.json").read_text())
    return {r["path"].removeprefix("spec/fixtures/stripe/"): r for r in records}


SAMPLES = [
    ("payment_intent_canceled", Kind.CANCEL, Result.SUCCEEDED, 23040, "duplicate"),
    (
        "payment_intent_payment_failed",
        Kind.AUTHORISE,
        Result.REFUSED,
        11880,
        "authentication_failed",
    ),
    ("payment_intent_succeeded", Kind.CAPTURE, Result.SUCCEEDED, 3897, "unstated"),
]


@pytest.mark.parametrize("version", ["2020-08-27", "2024-09-30.acacia", "2025-04-30.basil"])
@pytest.mark.parametrize(("name", "kind", "result", "amount", "reason"), SAMPLES)
def test_recorded_intents_mean_the_same_in_every_version(
    shared, version, name, kind, result, amount, reason
):
    event = samples(shared)[f"{version}/webhooks/{name}.json"]["event"]
    (found,) = check_genuine(source, stripe(json.dumps(event).encode()), STRIPE)
    expected = 4620 if version.endswith("basil") and kind is Kind.CAPTURE else amount
    assert (found.kind, found.result, found.amount_minor) == (kind, result, expected)
    assert (slug(found), found.test, found.method) == (reason, True, Method.CARD_FORM)
    assert found.payment == event["data"]["object"]["id"]


def test_recorded_attempt_is_the_same_operation_in_every_version(shared):
    found = set()
    for version in ("2020-08-27", "2024-09-30.acacia", "2025-04-30.basil"):
        path = f"{version}/webhooks/payment_intent_payment_failed.json"
        body = json.dumps(samples(shared)[path]["event"]).encode()
        (event,) = check_genuine(source, stripe(body), STRIPE)
        found.add((event.operation, event.identity, event.names, event.code))
    assert found == {
        (
            "ch_3SVvxMQ8iJWBZFaM1YEcxCs2",
            next(iter(found))[1],
            ("ch_3SVvxMQ8iJWBZFaM1YEcxCs2",),
            "authentication_not_handled",
        )
    }


@pytest.mark.parametrize(
    ("path", "fact", "names"),
    [
        (
            "2020-08-27/webhooks/charge_dispute_closed.json",
            (
                Kind.DISPUTE,
                Result.SUCCEEDED,
                "dp_1OzgpEH4tiDZlIUaZ8iWQMsb:withdrawal",
                4516,
                Tag.OWN,
            ),
            ("ch_3OzgpDH4tiDZlIUa0M7QchGT",),
        ),
        (
            "2025-04-30.basil/webhooks/charge_dispute_closed.json",
            (Kind.DISPUTE, Result.REFUSED, "dp_1RWXieQ8iJWBZFaM572opwWo", 100, Tag.OWN),
            ("ch_3RWXidQ8iJWBZFaM07eC54Yk",),
        ),
        (
            "2020-08-27/webhooks/charge_refund_updated.json",
            (Kind.REFUND, Result.SUCCEEDED, "re_3M01Us2eZvKYlo2C1J36vhMv", 100, Tag.OWN),
            (),
        ),
        (
            "2025-04-30.basil/webhooks/charge_refund_updated.json",
            (Kind.REFUND, Result.SUCCEEDED, "re_3RWYCFQ8iJWBZFaM191ZqGD9", 100, Tag.OWN),
            ("ch_3RWYCFQ8iJWBZFaM1R8YF07I",),
        ),
    ],
)
def test_recorded_disputes_and_refunds(shared, path, fact, names):
    body = json.dumps(samples(shared)[path]["event"]).encode()
    (event,) = check_genuine(source, stripe(body), STRIPE)
    assert facts([event]) == [fact]
    assert event.names == names


def test_recorded_answers_are_read(shared):
    for record in samples(shared).values():
        if "api_response" not in record:
            continue
        body = record["api_response"]
        request = body.get("id", "pi_asked")
        (event,) = answered(body, request)
        expected = (Kind.OTHER, Result.UNKNOWN) if "error" in body else (Kind.OPEN, Result.PENDING)
        assert (event.kind, event.result) == expected


def test_recorded_objects_are_read(shared):
    objects = json.loads((shared / "psp/stripe/djstripe_object_fixtures.json").read_text())
    expected = {
        "charge": ("charge.succeeded", {Kind.AUTHORISE, Kind.CAPTURE}),
        "dispute": ("charge.dispute.funds_withdrawn", {Kind.DISPUTE}),
        "payment_intent": ("payment_intent.created", {Kind.OPEN}),
    }
    for obj in objects.values():
        if obj["object"] in expected:
            word, kinds = expected[obj["object"]]
            assert {event.kind for event in told(word, obj)} == kinds


def test_synthetic_refund_inside_of_a_charge_event_is_read_as_the_refund_that_it_is(shared):
    payloads = json.loads((shared / "psp/stripe/prism_webhook_payloads.json").read_text())
    body = payloads["refund_succeeded"]["grpc_req"]["request_details"]["body"]
    (event,) = check_genuine(source, stripe(json.dumps(body).encode()), STRIPE)
    assert facts([event]) == [(Kind.REFUND, Result.SUCCEEDED, "re_1234567890", 2000, Tag.OWN)]
    assert event.payment == "ch_1234567890"


def test_delivery_through_a_duplicated_header_is_refused():
    given = stripe(stripe_body("payment_intent.created", PI)).delivery
    twice = msgspec.structs.replace(given, headers=given.headers * 2)
    with pytest.raises(SignatureMissing):
        source.verify(twice, KEYS, NOW)
