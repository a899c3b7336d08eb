"""Adyen: eight signed fields an item, and what each code means with each success flag."""

import json

import msgspec
import pytest

from tests.signers import NOW, events, secrets
from voidtrail.errors import KeyUnknown, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Kind, Method, Result, Unreadable
from voidtrail.event.reason import BY_NUMBER
from voidtrail.sources import adyen as source
from voidtrail.sources.contract import Outcome
from voidtrail.testing.contract import check_events, is_refused

KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
KEYS = secrets(hmac=KEY)
ADYEN = Account(source="adyen", name="main", options={"capture": "delayed"})
AT_ONCE = Account(source="adyen", name="main")
ITEM = {
    "pspReference": "PAYMENT1",
    "merchantAccountCode": "ShopEU",
    "merchantReference": "A1001",
    "amount": {"value": 1230, "currency": "EUR"},
    "eventCode": "AUTHORISATION",
    "success": "true",
    "reason": "051793:1142:03/2030",
    "eventDate": "2026-01-05T10:00:00+01:00",
    "paymentMethod": "visa",
}


def item(code="AUTHORISATION", success="true", *, more=None, **changes):
    """An item; what modifies a payment has a reference of its own."""
    modifies = {} if code in ("AUTHORISATION", "EXPIRE", "OFFER_CLOSED", "ORDER_CLOSED") else {
        "pspReference": "MODIFIC1", "originalReference": "PAYMENT1", "reason": ""}  # fmt: skip
    return {**ITEM, **modifies, "eventCode": code, "success": success,
            "additionalData": more or {}, **changes}  # fmt: skip


def signed(*items, key=KEY, live="true"):
    """Sign items with Adyen's own library."""
    from Adyen.util import generate_notification_sig

    wrapped = []
    for each in items:
        mac = generate_notification_sig(each, key).decode()
        more = {"hmacSignature": mac, **each.get("additionalData", {})}
        wrapped.append({"NotificationRequestItem": {**each, "additionalData": more}})
    return delivery(json.dumps({"live": live, "notificationItems": wrapped}).encode())


def delivery(body, headers=()):
    return Delivery(
        source="adyen", account="main", received_at=NOW, body=body, headers=tuple(headers)
    )


def told(*items, account=ADYEN, live="true"):
    """What genuine items say."""
    found = signed(*items, live=live)
    source.verify(found, KEYS, NOW)
    said = source.translate(found, account, {})
    check_events(said, found)
    return events(source, found, account, {})


def facts(said):
    return [(e.kind, e.result, e.operation, e.amount_minor, e.reverses) for e in said]


def slug(event):
    return BY_NUMBER[event.reason].slug


# ------------------------------------------------------------------------------------- signatures


def vectors(shared):
    found = json.loads((shared / "psp/adyen/vectors.json").read_text("utf-8"))
    assert len(found) == 6
    return found


def test_published_vectors_are_verified_and_no_mutation_of_them_is(shared):
    from Adyen.util import is_valid_hmac_notification

    for vector in vectors(shared):
        if "item" not in vector:
            continue
        genuine = vector["item"]
        genuine.setdefault("additionalData", {})["hmacSignature"] = vector["expected"]
        body = {"live": "false",
                "notificationItems": [{"NotificationRequestItem": genuine}]}  # fmt: skip
        found, keys = delivery(json.dumps(body).encode()), secrets(hmac=vector["hmac_key_hex"])
        source.verify(found, keys, NOW)
        assert is_valid_hmac_notification(body, vector["hmac_key_hex"])
        said = source.translate(found, AT_ONCE, {})
        check_events(said, found)
        assert all(event.test for event in said)
        mutations = list(changed(genuine, vector["hmac_key_hex"]))
        assert len(mutations) >= 14
        for why, body, keys in mutations:
            assert is_refused(source, delivery(body), keys, NOW), f"accepted: {why}"


def changed(genuine, key):
    """What nobody but the sender may change: every signed field, the signature, the key."""
    more, amount = genuine["additionalData"], genuine["amount"]
    signature, keys = more["hmacSignature"], secrets(hmac=key)

    def wrap(changes, keys=keys):
        each = {**genuine, **changes}
        body = {"live": "false", "notificationItems": [{"NotificationRequestItem": each}]}
        return json.dumps(body).encode(), keys

    for name in ("pspReference", "merchantAccountCode", "merchantReference", "eventCode"):
        yield f"{name} changed", *wrap({name: genuine[name] + "0"})
        yield f"{name} empty", *wrap({name: ""})
    yield "original reference added", *wrap({"originalReference": "X"})
    yield "amount changed", *wrap({"amount": {**amount, "value": amount["value"] + 1}})
    yield "currency changed", *wrap({"amount": {**amount, "currency": "USD"}})
    yield "no amount", *wrap({"amount": None})
    yield "success turned", *wrap({"success": "false"})
    for why, other in (
        ("turned bit", signature[:-2] + ("A=" if signature[-2] != "A" else "B=")),
        ("cut", signature[:-1]),
        ("in the other case", signature.swapcase()),
        ("in hexadecimal", signature.encode().hex()),
        ("empty", ""),
        ("twice", signature * 2),
    ):
        yield f"signature {why}", *wrap({"additionalData": {**more, "hmacSignature": other}})
    yield "no additional data", *wrap({"additionalData": None})
    yield "another key", *wrap({}, secrets(hmac=key[2:] + "00"))
    yield "key read as text", *wrap({}, secrets(hmac=key.encode().hex()))
    yield "no key", *wrap({}, {})
    yield "no items", b'{"live":"false","notificationItems":[]}', keys
    yield "no json", b"live=false", keys


def test_webhooks_of_other_kinds_are_proved_by_their_header(shared):
    from Adyen.util import is_valid_hmac_payload

    vector = vectors(shared)[-1]
    body, keys = vector["raw_body"].encode(), secrets(hmac=vector["hmac_key_hex"])
    headers = [("hmacsignature", vector["expected"]), ("protocol", "HmacSHA256")]
    found = delivery(body, headers)
    assert is_valid_hmac_payload(vector["expected"], vector["hmac_key_hex"], body)
    source.verify(found, keys, NOW)
    [event] = events(source, found, ADYEN, {})
    assert (event.kind, event.code, event.test) == (Kind.OTHER, "merchant.created", True)
    for changed_headers in (
        (), headers[1:], [*headers, headers[0]], [headers[0], ("protocol", "HmacSHA1")],
        [("hmacsignature", vector["expected"].lower())], [("hmacsignature", "")],
    ):  # fmt: skip
        with pytest.raises((SignatureMissing, SignatureInvalid)):
            source.verify(delivery(body, changed_headers), keys, NOW)
    for changed_body in (body + b" ", body[1:], body.replace(b"created", b"deleted")):
        with pytest.raises(SignatureInvalid):
            source.verify(delivery(changed_body, headers), keys, NOW)


def test_every_item_of_a_delivery_must_be_signed():
    two = signed(item(), item(pspReference="PAYMENT2"))
    source.verify(two, KEYS, NOW)
    body = json.loads(two.body)
    body["notificationItems"][1]["NotificationRequestItem"]["amount"]["value"] += 1
    with pytest.raises(SignatureInvalid):
        source.verify(delivery(json.dumps(body).encode()), KEYS, NOW)
    said = events(source, two, ADYEN, {})
    assert [event.payment for event in said] == ["PAYMENT1", "PAYMENT2"]


def test_colon_may_not_wander_from_one_field_into_its_neighbour():
    """The fields are joined without escaping: other splits have the same signature."""
    genuine = json.loads(signed(item(merchantReference="X:A1001")).body)
    inner = genuine["notificationItems"][0]["NotificationRequestItem"]
    inner |= {"merchantAccountCode": "ShopEU:X", "merchantReference": "A1001"}
    with pytest.raises(SignatureInvalid, match="ambiguous"):
        source.verify(delivery(json.dumps(genuine).encode()), KEYS, NOW)


def test_both_keys_count_while_one_replaces_the_other():
    both = secrets(hmac=("00" * 32, KEY))
    source.verify(signed(item()), both, NOW)
    with pytest.raises(KeyUnknown, match="hexadecimal"):
        source.verify(signed(item()), secrets(hmac="no hex"), NOW)


def test_reason_and_date_are_not_signed_so_they_do_not_make_another_event():
    once = told(item("AUTHORISATION", "false", reason="Refused"))
    again = told(
        item("AUTHORISATION", "false", reason="Shopper Cancelled", eventDate="2026-02-01T")
    )
    assert {e.identity for e in once} == {e.identity for e in again}
    assert once[0].identity == ("PAYMENT1", "AUTHORISATION", "false")


def test_answer_is_the_word_that_old_accounts_wait_for():
    kept = source.acknowledge(Outcome.KEPT)
    assert (kept.status, kept.content_type, kept.body) == (200, "text/plain", b"[accepted]")


# ------------------------------------------------------------------------------------------ meaning

YES, NO = Result.SUCCEEDED, Result.REFUSED


@pytest.mark.parametrize(
    ("code", "success", "expected"),
    [
        ("CAPTURE", "true", [(Kind.CAPTURE, YES, "MODIFIC1", 1230, "")]),
        ("CAPTURE", "false", [(Kind.CAPTURE, NO, "MODIFIC1", 1230, "")]),
        ("CANCELLATION", "true",
         [(Kind.CANCEL, YES, "", None, ""), (Kind.VOID, YES, "MODIFIC1", 1230, "")]),
        ("CANCELLATION", "false", [(Kind.VOID, NO, "MODIFIC1", 1230, "")]),
        ("TECHNICAL_CANCEL", "false", [(Kind.VOID, NO, "MODIFIC1", 1230, "")]),
        ("REFUND", "true", [(Kind.REFUND, YES, "MODIFIC1", 1230, "")]),
        ("REFUND", "false", [(Kind.REFUND, NO, "MODIFIC1", 1230, "")]),
        ("POSTPONED_REFUND", "true", [(Kind.REFUND, Result.PENDING, "MODIFIC1", 1230, "")]),
        ("OFFER_CLOSED", "true", [(Kind.EXPIRE, YES, "", 1230, "")]),
        ("OFFER_CLOSED", "false", [(Kind.OTHER, Result.UNKNOWN, "", None, "")]),
        ("ORDER_CLOSED", "false", [(Kind.EXPIRE, YES, "", 1230, "")]),
        ("ORDER_CLOSED", "true", [(Kind.OTHER, Result.UNKNOWN, "", None, "")]),
        ("CHARGEBACK", "true", [(Kind.DISPUTE, YES, "MODIFIC1", 1230, "")]),
        ("SECOND_CHARGEBACK", "true", [(Kind.DISPUTE, YES, "MODIFIC1:second", 1230, "")]),
        ("PREARBITRATION_LOST", "true", [(Kind.DISPUTE, YES, "MODIFIC1:prearbitration", 1230, "")]),
        ("PREARBITRATION_WON", "true", [(Kind.DISPUTE, NO, "MODIFIC1:prearbitration", 1230, "")]),
        ("CHARGEBACK_REVERSED", "true",
         [(Kind.REVERSE, YES, "MODIFIC1:reversed", 1230, "dispute:MODIFIC1")]),
        ("NOTIFICATION_OF_FRAUD", "true", [(Kind.OTHER, Result.UNKNOWN, "", None, "")]),
        ("SOMETHING_NEW", "true", [(Kind.OTHER, Result.UNKNOWN, "", None, "")]),
        ("CAPTURE", "maybe", [(Kind.OTHER, Result.UNKNOWN, "", None, "")]),
    ],
)  # fmt: skip
def test_code_and_success_flag_together_say_what_happened(code, success, expected):
    assert facts(told(item(code, success))) == expected


def test_capture_that_failed_is_reversed_though_the_event_succeeded():
    [of_capture, of_payment] = told(item("CAPTURE_FAILED", reason="Capture Failed"))
    assert (of_capture.kind, of_capture.reverses) == (Kind.REVERSE, "capture:MODIFIC1")
    assert of_payment.reverses == "capture:PAYMENT1", "the assumed one of immediate capture"
    [again] = told(item("CAPTURE", reason="Transaction Recaptured"))
    assert again.operation == "MODIFIC1:recaptured", "the reversal does not reach it"


def test_refund_that_failed_is_reversed_and_refused():
    refused, reversal = told(item("REFUND_FAILED"))
    assert (refused.kind, refused.result) == (Kind.REFUND, Result.REFUSED)
    assert (reversal.kind, reversal.reverses) == (Kind.REVERSE, "refund:MODIFIC1")


@pytest.mark.parametrize(
    ("action", "kinds"),
    [
        ("cancel", [Kind.CANCEL, Kind.VOID]),
        ("refund", [Kind.REFUND]),
        (None, [Kind.REFUND, Kind.CANCEL, Kind.VOID]),
    ],
)
def test_cancel_or_refund_is_what_its_action_says_else_both(action, kinds):
    more = {"modification.action": action} if action else {}
    assert [event.kind for event in told(item("CANCEL_OR_REFUND", more=more))] == kinds


@pytest.mark.parametrize(
    ("reason", "slugs"),
    [
        ("Shopper Cancelled", ["customer_request", "customer_request"]),
        ("Shopper cancelled", ["customer_request", "customer_request"]),
        ("CANCELLED", ["customer_request", "customer_request"]),
        ("FRAUD-CANCELLED", ["risk_refused", "risk_refused"]),
        ("FRAUD", ["risk_refused"]),
        ("Not enough balance", ["insufficient_funds"]),
        ("Expired Card", ["card_expired"]),
        ("Issuer Unavailable", ["issuer_unavailable"]),
        ("A text of tomorrow", ["declined"]),
        ("", ["declined"]),
    ],
)
def test_reason_tells_a_cancelled_attempt_from_a_declined_one(reason, slugs):
    said = told(item("AUTHORISATION", "false", reason=reason))
    assert [slug(event) for event in said] == slugs
    assert [event.kind for event in said][1:] == [Kind.CANCEL] * (len(slugs) - 1)


def test_reason_of_a_success_holds_card_data_and_is_not_kept():
    [event] = told(item())
    assert (event.code, event.reason) == ("", 0)
    assert b"1142" not in msgspec.json.encode(event)


def test_with_immediate_capture_what_is_authorised_is_taken():
    assert [e.kind for e in told(item(), account=AT_ONCE)] == [Kind.AUTHORISE, Kind.CAPTURE]
    assert [e.kind for e in told(item(operations=["REFUND"]))] == [Kind.AUTHORISE, Kind.CAPTURE]
    assert [e.kind for e in told(item(operations=["CANCEL", "CAPTURE"]))] == [Kind.AUTHORISE]
    zero = item(amount={"value": 0, "currency": "EUR"})
    assert [e.kind for e in told(zero, account=AT_ONCE)] == [Kind.AUTHORISE]


def test_cancellation_proves_that_nothing_was_captured_whatever_was_assumed():
    [*_, reversal] = told(item("CANCELLATION"), account=AT_ONCE)
    assert (reversal.kind, reversal.reverses) == (Kind.REVERSE, "capture:PAYMENT1")


def test_expiry_lets_go_and_names_the_payment_itself():
    expired, void = told(item("EXPIRE"))
    assert (expired.kind, expired.payment) == (Kind.EXPIRE, "PAYMENT1")
    assert (void.kind, void.operation) == (Kind.VOID, "PAYMENT1:expired")
    assert slug(void) == "authorisation_lapsed"


def test_chargeback_that_is_already_won_comes_with_its_reversal():
    code = {"chargebackReasonCode": "10.4", "disputeStatus": "Won"}
    taken, back = told(item("CHARGEBACK", more=code))
    assert (taken.kind, back.kind) == (Kind.DISPUTE, Kind.REVERSE)
    assert slug(taken) == "dispute_fraud"
    assert taken.names == ("MODIFIC1",), "later steps may name only the dispute"


def test_reference_of_a_modification_is_not_the_order():
    assert told(item("REFUND", merchantReference="refund-1"))[0].order == ""
    assert told(item())[0].order == "A1001"
    assert told(item("CHARGEBACK"))[0].order == "A1001"


def test_payment_link_is_a_name_of_the_payment_and_the_shopper_is_known():
    more = {"paymentLinkId": "PL1", "shopperReference": "shopper-1", "cardSummary": "1142"}
    [event] = told(item(more=more))
    assert (event.names, event.customer) == (("PL1",), "shopper-1")
    assert dict(event.dimensions) == {"card_brand": "visa", "card_last4": "1142"}
    assert event.method is Method.CARD_FORM
    assert event.occurred_at == 1_767_603_600_000_000


@pytest.mark.parametrize(
    ("currency", "value", "minor"),
    [("EUR", 5, 5), ("JPY", 5, 5), ("KWD", 1234, 1234), ("CLP", 500, 5), ("ISK", 500, 5),
     ("IDR", 5, 500), ("CVE", 5, 500)],
)  # fmt: skip
def test_amounts_are_in_the_unit_of_iso_4217(currency, value, minor):
    [event] = told(item(amount={"value": value, "currency": currency}))
    assert (event.amount_minor, event.currency) == (minor, currency)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"amount": {"value": 550, "currency": "ISK"}}, "notificationItems.0.amount"),
        ({"amount": {"value": 5, "currency": "???"}}, "notificationItems.0.amount"),
        ({"pspReference": ""}, "notificationItems.0.pspReference"),
        ({"eventCode": 5}, "notificationItems[0].NotificationRequestItem.eventCode"),
    ],
)
def test_what_cannot_be_read_says_where(changes, path):
    body = {"notificationItems": [{"NotificationRequestItem": {**item(), **changes}}]}
    found = source.translate(delivery(json.dumps(body).encode()), ADYEN, {})
    assert isinstance(found, Unreadable)
    assert found.path.replace("...", "0") == path


def test_other_merchant_accounts_are_not_ours_and_without_a_setting_they_are_named():
    assert told(item())[0].merchant == "ShopEU"
    ours = Account(source="adyen", name="main", options={"merchant_account": "ShopUS"})
    found = source.translate(signed(item()), ours, {})
    assert isinstance(found, Unreadable)
    assert "another merchant account" in found.why


def test_test_traffic_says_so():
    assert told(item(), live="false")[0].test
    assert not told(item(), live="true")[0].test


def test_documented_example_of_every_code_is_read(shared):
    found = json.loads((shared / "psp/adyen/doc_examples_all_event_codes.json").read_text("utf-8"))
    assert len(found) == 42
    for name, body in found.items():
        each = delivery(json.dumps(body).encode())
        said = source.translate(each, ADYEN, {})
        assert not isinstance(said, Unreadable), (name, said)
        check_events(said, each)
        code = name.partition("-")[0]
        listed = any(word.startswith(f"{code}/") for word in source.EVENTS)
        assert listed or said[0].kind is Kind.OTHER


def test_recorded_traffic_of_others_is_read(shared):
    found = json.loads((shared / "psp/adyen/lago_fixtures.json").read_text("utf-8"))
    for body in found.values():
        each = delivery(json.dumps(body).encode())
        check_events(events(source, each, ADYEN, {}), each)
