"""Braintree: what is refused, and what each kind and status means."""

import base64
import json
import warnings
from functools import cache
from urllib.parse import urlencode

import msgspec
import pytest

from tests.signers import NOW, asked, events, secrets
from voidtrail.errors import KeyUnknown, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account
from voidtrail.event.model import STATUS, Deed, Delivery, Kind, Method, Result, Unreadable, Verb
from voidtrail.event.reason import BY_NUMBER
from voidtrail.sources import braintree as source
from voidtrail.testing.contract import Genuine, check_events, check_genuine

BRAINTREE = Account(source="braintree", name="main")
PUBLIC, PRIVATE = "integration_public_key", "integration_private_key"
KEYS = secrets(public_key=PUBLIC, private_key=PRIVATE, merchant_id="m1")
AT = "2025-06-15T15:00:00Z"


def _library():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the library warns of itself
        import braintree
    return braintree


_library()


@cache
def sdk():
    from braintree import BraintreeGateway, Configuration, Environment

    return BraintreeGateway(Configuration(Environment.Sandbox, "m1", PUBLIC, PRIVATE))


def posted(signature, payload, **more):
    body = urlencode({"bt_signature": signature, "bt_payload": payload, **more}).encode()
    return Delivery(source="braintree", account="main", received_at=NOW, body=body)


def signed(xml):
    """A delivery signed by the SDK's own code, which then parses it as well."""
    from braintree.util.crypto import Crypto

    payload = base64.encodebytes(xml.encode())
    signature = f"{PUBLIC}|{Crypto.sha1_hmac_hash(PRIVATE, payload)}"
    assert sdk().webhook_notification.parse(signature, payload.decode()).kind
    return posted(signature, payload.decode())


def notice(kind, subject, at=AT):
    return (f'<notification><timestamp type="datetime">{at}</timestamp><kind>{kind}</kind>'
            f"<subject>{subject}</subject></notification>")  # fmt: skip


def element(_name, /, *inside, **fields):
    words = "".join(
        f"<{k.replace('_', '-')}>{v}</{k.replace('_', '-')}>" for k, v in fields.items()
    )
    return f"<{_name}>{words}{''.join(inside)}</{_name}>"


def history(*steps):
    inside = (element("status-event", status=s, timestamp=at, user=user) for s, at, user in steps)
    return f'<status-history type="array">{"".join(inside)}</status-history>'


def transaction(status, *inside, **more):
    fields = {"id": "t1", "status": status, "type": "sale", "currency_iso_code": "USD",
              "amount": "42.00", "order_id": "A1001"}  # fmt: skip
    return element("transaction", *inside, **{**fields, **more})


def told(kind, subject):
    """Every notice passes the whole contract: the SDK signs and parses, forgeries are refused."""
    return check_genuine(source, Genuine(signed(notice(kind, subject)), KEYS, NOW), BRAINTREE)


def answer(body, request="t1", context="", status=200):
    delivery = asked("braintree", body.encode(), request, ((STATUS, str(status)),))
    delivery = msgspec.structs.replace(delivery, context=context)
    source.verify(delivery, {}, NOW)
    found = events(source, delivery, BRAINTREE, KEYS)
    check_events(found, delivery)
    return found


def slug(event):
    return BY_NUMBER[event.reason].slug


def facts(found):
    return [(e.kind, e.result, e.operation, e.amount_minor) for e in found]


# ------------------------------------------------------------------------------------- signatures

GOOD = signed(notice("transaction_settled", transaction("settled")))


def recorded(shared):
    path = shared / "psp" / "braintree" / "sdk_generated_notifications.json"
    return json.loads(path.read_text())["items"]


def test_recorded_notices_are_verified_and_understood(shared):
    kinds = set()
    for item in recorded(shared):
        delivery = posted(item["bt_signature"], item["bt_payload"])
        source.verify(delivery, KEYS, NOW)
        found = source.translate(delivery, BRAINTREE, KEYS)
        check_events(found, delivery)
        assert not isinstance(found, Unreadable), (item["kind"], found)
        kinds.add(item["kind"])
    assert len(kinds) >= 17


def test_recorded_notices_refuse_fourteen_changes_each(shared):
    for item in recorded(shared):
        signature, payload = item["bt_signature"], item["bt_payload"]
        mac = signature.partition("|")[2]
        changes = [
            (signature, payload[1:]), (signature, payload[:-2]), (signature, payload.swapcase()),
            (signature, payload + "\n\n"), (signature, payload + "="), (signature, "A" + payload),
            (signature, payload.replace("\n", "\r\n")), (signature, payload + " "),
            (signature, base64.b64decode(payload).decode()), (signature, ""),
            (signature.upper(), payload), (f"other|{mac}", payload), (mac, payload),
            (f"{PUBLIC}|{mac[:-1]}", payload), (f"{PUBLIC}|{mac}0", payload),
            (f"{PUBLIC}|", payload), ("", payload), (f"|{mac}", payload),
        ]  # fmt: skip
        for other in changes:
            with pytest.raises((SignatureInvalid, SignatureMissing, KeyUnknown)):
                source.verify(posted(*other), KEYS, NOW)


@pytest.mark.parametrize(
    ("keys", "error"),
    [
        (secrets(public_key="other", private_key=PRIVATE), KeyUnknown),
        (secrets(public_key=PUBLIC, private_key="other"), SignatureInvalid),
        (secrets(public_key=PUBLIC), KeyUnknown),
        (secrets(private_key=PRIVATE), KeyUnknown),
    ],
)
def test_other_keys_are_refused(keys, error):
    with pytest.raises(error):
        source.verify(GOOD, keys, NOW)


def test_one_of_several_pairs_and_of_several_keys_counts():
    from urllib.parse import parse_qs

    form = {name: value for name, [value] in parse_qs(GOOD.body.decode()).items()}
    pairs = f"stranger|{'0' * 40}&{form['bt_signature']}&nonsense"
    source.verify(posted(pairs, form["bt_payload"]), KEYS, NOW)
    rolled = secrets(public_key=("new", PUBLIC), private_key=("new", PRIVATE))
    source.verify(GOOD, rolled, NOW)


def test_signature_may_be_over_a_payload_whose_last_line_break_was_lost():
    from braintree.util.crypto import Crypto

    payload = base64.encodebytes(notice("check", "<check>true</check>").encode())
    mac = Crypto.sha1_hmac_hash(PRIVATE, payload)
    source.verify(posted(f"{PUBLIC}|{mac}", payload[:-1].decode()), KEYS, NOW)


def test_published_riddle_is_answered(shared):
    [vector] = json.loads((shared / "psp" / "braintree" / "vectors.json").read_text())
    keys = secrets(public_key=vector["public_key"], private_key=vector["private_key"])
    told = source.challenge(f"bt_challenge={vector['challenge']}", keys)
    assert told.body.decode() == vector["expected"] == sdk().webhook_notification.verify(
        vector["challenge"])  # fmt: skip


@pytest.mark.parametrize(
    "query",
    ["", "x=1", "bt_challenge=", "bt_challenge=" + "a" * 19, "bt_challenge=" + "a" * 33,
     "bt_challenge=" + "A" * 20, "bt_challenge=" + "g" * 20, "bt_challenge=" + "a" * 20 + "%0A",
     "bt_challenge=" + "a" * 20 + "&bt_challenge=" + "b" * 20, "bt_challenge=%FF"],
)  # fmt: skip
def test_no_riddle_is_not_answered(query):
    assert source.challenge(query, KEYS) is None


def test_answer_to_a_riddle_does_not_pass_for_a_signature():
    """Whoever asks is told the HMAC of 20 to 32 hex digits, which are base64 text as well."""
    riddle = "20f9f8ed05f77439fe955c977e4c8a53"
    public, mac = source.challenge(f"bt_challenge={riddle}", KEYS).body.decode().split("|")
    with pytest.raises(SignatureInvalid, match="riddle"):
        source.verify(posted(f"{public}|{mac}", riddle), KEYS, NOW)


# ----------------------------------------------------------------------------------------- events


def test_settled_is_taken():
    [event] = told("transaction_settled",
                   transaction("settled", payment_instrument_type="us_bank_account"))  # fmt: skip
    assert facts([event]) == [(Kind.CAPTURE, Result.SUCCEEDED, "t1", 4200)]
    assert (event.payment, event.order, event.method) == ("t1", "A1001", Method.DIRECT_DEBIT)


@pytest.mark.parametrize("user", ["ops@shop.example", ""])
def test_void_names_the_user_if_the_history_does(user):
    steps = (("authorized", AT, ""), ("voided", AT, user))
    [event] = answer(transaction("voided", history(*steps)))
    assert (event.kind, event.reverses) == (Kind.VOID, "authorise:t1")
    assert slug(event) == ("merchant_request" if user else "unstated")


def test_void_after_the_submission_undoes_that_too():
    steps = (("authorized", AT, ""), ("submitted_for_settlement", AT, ""), ("voided", AT, "x"))
    void, back = answer(transaction("voided", history(*steps)))
    assert (void.kind, back.kind, back.reverses) == (Kind.VOID, Kind.REVERSE, "capture:t1")


def test_refund_of_what_was_not_settled_yet_is_a_void():
    steps = (("submitted_for_settlement", AT, ""), ("voided", AT, "x"))
    found = answer(transaction("voided", history(*steps)), context="act:refund")
    assert [e.kind for e in found] == [Kind.VOID, Kind.REFUND, Kind.REVERSE]
    assert {e.result for e in found} == {Result.SUCCEEDED}


@pytest.mark.parametrize(
    ("status", "more", "why"),
    [
        ("processor_declined", {"processor_response_code": "2001"}, "insufficient_funds"),
        ("processor_declined", {"processor_response_code": "2999"}, "declined"),
        ("failed", {"processor_response_code": "3001"}, "network_fault"),
        ("failed", {}, "declined"),
        ("gateway_rejected", {"gateway_rejection_reason": "three_d_secure"},
         "authentication_failed"),
        ("gateway_rejected", {"gateway_rejection_reason": "risk_threshold"}, "risk_refused"),
        ("gateway_rejected", {"gateway_rejection_reason": "new_word"}, "unlisted"),
    ],
)  # fmt: skip
def test_refused_attempt_says_why_and_that_it_still_waits(status, more, why):
    refused, waits = answer(transaction(status, **more))
    assert (refused.kind, refused.result, slug(refused)) == (Kind.AUTHORISE, Result.REFUSED, why)
    assert (waits.kind, waits.result) == (Kind.OPEN, Result.PENDING)


def test_refund_is_a_credit_that_names_its_sale():
    [event] = answer(transaction("settled", id="r1", type="credit", refunded_transaction_id="t1"),
                     "r1")  # fmt: skip
    assert (event.kind, event.payment, event.names) == (Kind.REFUND, "t1", ("r1",))
    assert facts([event]) == [(Kind.REFUND, Result.SUCCEEDED, "r1", 4200)]
    taken, listed = answer(transaction("settled", "<refund-ids><item>r1</item></refund-ids>"))
    assert (listed.kind, listed.result, listed.operation) == (Kind.REFUND, Result.PENDING, "r1")
    assert taken.kind is Kind.CAPTURE


def test_failed_refund_undoes_one_that_had_succeeded():
    credit = transaction("processor_declined", id="r1", type="credit", refunded_transaction_id="t1")
    found = told("refund_failed", credit)
    assert [(e.kind, e.result, e.reverses) for e in found] == [
        (Kind.REFUND, Result.REFUSED, ""),
        (Kind.REVERSE, Result.SUCCEEDED, "refund:r1"),
    ]


@pytest.mark.parametrize(
    ("kind", "what", "result"),
    [
        ("dispute_opened", "chargeback", Result.PENDING),
        ("dispute_under_review", "chargeback", Result.PENDING),
        ("dispute_lost", "chargeback", Result.SUCCEEDED),
        ("dispute_auto_accepted", "pre_arbitration", Result.SUCCEEDED),
        ("dispute_expired", "retrieval", Result.REFUSED),
        ("dispute_won", "chargeback", Result.REFUSED),
    ],
)
def test_only_a_lost_dispute_moves_money(kind, what, result):
    dispute = element("dispute", element("transaction", id="t1", amount="42.00"), id="d1",
                      amount_disputed="10.00", amount_won="0.00", currency_iso_code="USD",
                      kind=what, reason="fraud", status=kind.removeprefix("dispute_"))  # fmt: skip
    [event] = told(kind, dispute)
    assert facts([event]) == [(Kind.DISPUTE, result, "d1", 1000)]
    assert (event.payment, slug(event)) == ("t1", "dispute_fraud")


def test_local_payment_and_its_transaction_are_one_payment_with_one_capture():
    inside = transaction("settled")
    [event] = told("local_payment_completed", element(
        "local-payment", inside, payment_id="PAY-1", payment_method_nonce="n"))  # fmt: skip
    assert (event.payment, event.names, event.operation) == ("t1", ("PAY-1",), "PAY-1")
    [again] = answer(transaction("settled", element("local-payment", payment_id="PAY-1")))
    assert again.operation == "PAY-1"
    [back] = told("local_payment_reversed", element("local-payment-reversed", payment_id="PAY-1"))
    assert (back.kind, back.reverses) == (Kind.REVERSE, "capture:PAY-1")


def test_charge_of_a_subscription_is_its_latest_transaction():
    charges = transaction("settling") + transaction("settled", id="t0")
    lists = '<add-ons type="array"></add-ons><discounts type="array"></discounts>'
    inside = f'<transactions type="array">{charges}</transactions>{lists}'
    subscription = element("subscription", inside, id="s1")
    [event] = told("subscription_charged_successfully", subscription)
    assert (event.kind, event.payment) == (Kind.CAPTURE, "t1")


def test_unlisted_kinds_and_statuses_are_told_as_other():
    review = element("transaction-review", transaction_id="t1", decision="approve",
                     reviewer_email="a@b", reviewer_note="", reviewed_time=AT)  # fmt: skip
    [event] = told("transaction_reviewed", review)
    assert (event.kind, event.payment, event.life) == (Kind.OTHER, "t1", False)
    [event] = answer(transaction("thawed"))
    assert (event.kind, event.code) == (Kind.OTHER, "thawed")


@pytest.mark.parametrize("amount", ["1.001", "-1.00", "x", "NaN", "1e40", "1e999999"])
def test_amount_that_cannot_be_is_unreadable_and_not_repeated(amount):
    delivery = asked("braintree", transaction("settled", amount=amount).encode(), "t1")
    found = source.translate(delivery, BRAINTREE, KEYS)
    assert isinstance(found, Unreadable)
    assert found.why.endswith("an amount or a currency")


def test_billion_laughs_in_a_signed_notice_is_unreadable():
    from tests.unit.sources.braintree.test_wire import BILLION

    delivery = msgspec.structs.replace(GOOD, body=BILLION)
    found = source.translate(delivery, BRAINTREE, KEYS)
    assert isinstance(found, Unreadable)
    assert "declarations" in found.why


# ------------------------------------------------------------------------------ questions and deeds


def test_errors_are_told_as_what_they_prove():
    [event] = answer("", status=404)
    assert (event.kind, event.result) == (Kind.ABSENT, Result.SUCCEEDED)
    refusal = element("api-error-response", element("errors", element("error", code="91504")))
    [event] = answer(refusal, context="act:void", status=422)
    assert (event.kind, event.result, event.code) == (Kind.VOID, Result.REFUSED, "91504")
    for status in (401, 426, 429):
        [event] = answer("", context="act:void", status=status)
        assert (event.kind, event.result) == (Kind.OTHER, Result.UNKNOWN)


def test_answer_about_another_transaction_is_unreadable():
    delivery = asked("braintree", transaction("settled").encode(), "t2")
    assert isinstance(source.translate(delivery, BRAINTREE, KEYS), Unreadable)


def test_question_goes_to_the_merchants_own_place():
    request = source.query("t/1", BRAINTREE, KEYS, NOW, "n")
    assert request.url == "https://api.braintreegateway.com/merchants/m1/transactions/t%2F1"
    assert source.query("..", BRAINTREE, KEYS, NOW, "n") is None
    test = Account(source="braintree", name="main", mode="test", options={"merchant_id": "m2"})
    assert source.query("t1", test, KEYS, NOW, "n").url.startswith(
        "https://api.sandbox.braintreegateway.com/merchants/m2/")  # fmt: skip


def test_deeds_carry_their_key_and_no_markup_of_ours():
    deed = Deed(verb=Verb.REFUND, payment="t1", key="<k>", amount_minor=500, currency="JPY")
    request = source.act(deed, BRAINTREE, KEYS, NOW, "n")
    assert (request.method, request.url[-7:]) == ("POST", "/refund")
    assert b"<amount>500</amount><api-request-key>&lt;k&gt;</api-request-key>" in request.body
    whole = msgspec.structs.replace(deed, total_minor=500)
    request = source.act(whole, BRAINTREE, KEYS, NOW, "n")
    assert (request.url[-8:], b"<amount>" in request.body) == ("/reverse", False)
    void = source.act(msgspec.structs.replace(deed, verb=Verb.VOID), BRAINTREE, KEYS, NOW, "n")
    assert (void.method, void.url[-5:], b"amount" in void.body) == ("PUT", "/void", False)
    assert (
        source.act(msgspec.structs.replace(deed, verb=Verb.CLOSE), BRAINTREE, KEYS, NOW, "n")
        is None
    )
