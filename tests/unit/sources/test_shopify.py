"""Shopify: what is refused, what an order's snapshot means, and that it means it once."""

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
from voidtrail.event.model import Channel, Deed, Delivery, Kind, Result, Role, Tag, Unreadable, Verb
from voidtrail.event.reason import BY_NUMBER
from voidtrail.sources import shopify as source
from voidtrail.sources.contract import Outcome
from voidtrail.testing.contract import Genuine, check_genuine, check_translation

SECRET = "hush €"
KEYS = secrets(signing=SECRET, access_token="shpat_1")
ACCOUNT = Account(source="shopify", name="main", options={"shop_domain": "s.myshopify.com"})
S, R, P = Result.SUCCEEDED, Result.REFUSED, Result.PENDING
BIG = 820982911946154508  # no double holds it
MADE, CHANGED = "2025-06-15T10:00:00-04:00", "2025-06-15T10:20:00-04:00"
CHANGED_US = 1_749_997_200_000_000
ORDER = {
    "id": BIG, "name": "#1001", "order_number": 1001, "created_at": MADE, "updated_at": CHANGED,
    "financial_status": "pending", "cancelled_at": None, "cancel_reason": None, "test": False,
    "currency": "USD", "total_price": "403.00", "refunds": [], "source_name": "web",
    "customer": {"id": 115310627314723954}, "checkout_token": "ck1",
}  # fmt: skip
MOVED = {
    "id": 6001, "order_id": BIG, "kind": "sale", "status": "success", "gateway": "stripe",
    "amount": "403.00", "currency": "USD", "authorization": "pi_1", "parent_id": None,
    "processed_at": CHANGED, "test": False,
}  # fmt: skip
REFUND = {"id": 7001, "order_id": BIG, "created_at": CHANGED,
          "transactions": [{**MOVED, "id": 6002, "kind": "refund", "parent_id": 6001}]}  # fmt: skip
CANCELLED = {**ORDER, "cancelled_at": CHANGED, "cancel_reason": "customer"}


def sign(body, secret=SECRET, digest="sha256"):
    return base64.b64encode(hmac.new(secret.encode(), body, digest).digest()).decode()


def pushed(body, *headers):
    headers = headers or (("x-shopify-hmac-sha256", sign(body)),)
    return Delivery(source="shopify", account="main", received_at=NOW, body=body, headers=headers)


def told(body, account=ACCOUNT):
    """Every notice passes the whole contract, and every fact of it is a witness's."""
    raw = json.dumps(body).encode()
    found = check_genuine(source, Genuine(pushed(raw), KEYS, NOW), account)
    assert {event.role for event in found} == {Role.SHOP}
    return found


def answer(body, request=str(BIG), context=""):
    delivery = asked("shopify", json.dumps(body).encode(), request)
    return events(source, msgspec.structs.replace(delivery, context=context), ACCOUNT, KEYS)


def facts(found):
    return [(e.kind, e.result, e.operation, e.amount_minor, e.tag) for e in found]


def of(found, kind):
    return [event for event in found if event.kind is kind]


def slug(event):
    return BY_NUMBER[event.reason].slug


# ------------------------------------------------------------------------------------- signatures


def test_computed_vector_is_accepted_and_no_forgery_of_it_is(shared):
    vector = json.loads((shared / "psp/shopify/computed_vector.json").read_text("utf-8"))
    [given] = [value for name, value in vector.items() if "hmac" in name.lower()]
    delivery = pushed(vector["raw_body"].encode(), ("x-shopify-hmac-sha256", given))
    genuine = Genuine(delivery, secrets(signing=vector["secret"]), NOW)
    found = check_genuine(source, genuine, Account(source="shopify", name="main"))
    [cancel] = of(found, Kind.CANCEL)
    assert (cancel.payment, slug(cancel), cancel.test) == (str(BIG), "customer_request", True)


BODY = json.dumps(ORDER).encode()
GOOD = sign(BODY)


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ((("x-shopify-topic", "orders/create"),), SignatureMissing),
        ((("x-shopify-hmac-sha256", ""),), SignatureMissing),
        ((("x-shopify-hmac-sha256", GOOD), ("x-shopify-hmac-sha256", GOOD)), SignatureMissing),
        ((("x-shopify-hmac-sha256", GOOD.rstrip("=")),), SignatureInvalid),
        ((("x-shopify-hmac-sha256", GOOD + "="),), SignatureInvalid),
        ((("x-shopify-hmac-sha256", GOOD.swapcase()),), SignatureInvalid),
        ((("x-shopify-hmac-sha256", GOOD.replace("+", " ") + " "),), SignatureInvalid),
        ((("x-shopify-hmac-sha256", base64.b64decode(GOOD).hex()),), SignatureInvalid),
        ((("x-shopify-hmac-sha256", sign(BODY, digest="sha1")),), SignatureInvalid),
        ((("x-shopify-hmac-sha256", sign(BODY, digest="md5")),), SignatureInvalid),
        ((("x-shopify-hmac-sha256", sign(BODY, "shpat_1")),), SignatureInvalid),
        ((("x-shopify-hmac-sha256", sign(BODY, "")),), SignatureInvalid),
        (
            (("x-shopify-hmac-sha256",
              base64.b64encode(hashlib.sha256(BODY).digest()).decode()),),
            SignatureInvalid,
        ),
        ((("x-shopify-hmac-sha256", "订单"),), SignatureInvalid),
    ],
)  # fmt: skip
def test_wrong_signature_is_refused(headers, error):
    with pytest.raises(error):
        source.verify(pushed(BODY, *headers), KEYS, NOW)


def test_the_app_s_secret_and_the_admin_s_may_both_sign():
    source.verify(pushed(BODY), secrets(signing=("other", SECRET)), NOW)


def test_account_without_secret_is_told_so():
    with pytest.raises(KeyUnknown):
        source.verify(pushed(BODY), {}, NOW)


def test_another_shop_s_notice_is_quarantined():
    signed = ("x-shopify-hmac-sha256", GOOD)
    theirs = pushed(BODY, signed, ("x-shopify-shop-domain", "t.myshopify.com"))
    assert isinstance(source.translate(theirs, ACCOUNT, KEYS), Unreadable)
    ours = pushed(BODY, signed, ("x-shopify-shop-domain", "s.myshopify.com"))
    assert not isinstance(source.translate(ours, ACCOUNT, KEYS), Unreadable)


# ------------------------------------------------------------------------------------------ orders


def test_placed_order_keeps_its_exact_id_and_names_its_checkout():
    [event] = told(ORDER)
    assert (event.kind, event.payment, event.order) == (Kind.ORDER, str(BIG), str(BIG))
    assert (event.names, event.customer) == (("checkout:ck1",), "115310627314723954")
    assert (event.amount_minor, event.currency, event.channel) == (40300, "USD", Channel.WEB)


@pytest.mark.parametrize(
    ("field", "order"),
    [("name", "#1001"), ("order_number", "1001"), ("checkout_token", "ck1"), ("email", "")],
)
def test_order_is_known_by_the_field_that_its_gateway_was_given(field, order):
    account = Account(source="shopify", name="main", options={"order_field": field})
    assert told(ORDER, account)[0].order == order


@pytest.mark.parametrize(
    ("status", "kind", "amount", "tag"),
    [
        ("authorized", Kind.AUTHORISE, 40300, Tag.CUMULATIVE),
        ("paid", Kind.CAPTURE, 40300, Tag.CUMULATIVE),
        ("PAID", Kind.CAPTURE, 40300, Tag.CUMULATIVE),
        ("partially_refunded", Kind.CAPTURE, 40300, Tag.CUMULATIVE),
        ("voided", Kind.VOID, None, Tag.NONE),
    ],
)
def test_financial_status_says_where_the_money_stands(status, kind, amount, tag):
    [event] = told({**ORDER, "financial_status": status})[1:]
    assert (event.kind, event.result, event.amount_minor, event.tag) == (kind, S, amount, tag)


def test_order_paid_in_part_counts_what_is_no_longer_outstanding():
    part = {**ORDER, "financial_status": "partially_paid", "total_outstanding": "103.00"}
    assert told(part)[1].amount_minor == 30000
    assert told({**part, "total_outstanding": None})[1].amount_minor is None


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("customer", "customer_request"), ("fraud", "fraud_suspected"),
        ("inventory", "out_of_stock"), ("staff", "merchant_request"), ("other", "unstated"),
        ("CUSTOMER", "customer_request"), ("new", "unlisted"), (None, "unstated"),
    ],
)  # fmt: skip
def test_cancellation_is_an_instant_and_its_reason_names_the_actor(reason, expected):
    [cancel] = of(told({**CANCELLED, "cancel_reason": reason}), Kind.CANCEL)
    assert (slug(cancel), cancel.occurred_at) == (expected, CHANGED_US)


def test_declined_order_is_a_refused_attempt_and_a_cancellation():
    found = told({**CANCELLED, "cancel_reason": "declined"})
    assert [(e.kind, e.result) for e in found[1:]] == [(Kind.AUTHORISE, R), (Kind.CANCEL, S)]


def test_a_status_of_money_alone_cancels_nothing():
    assert not of(told({**ORDER, "financial_status": "voided"}), Kind.CANCEL)
    assert not of(told({**ORDER, "cancel_reason": "customer"}), Kind.CANCEL)


def test_one_cancellation_in_three_notices_is_one():
    refunded = {**CANCELLED, "financial_status": "refunded", "refunds": [REFUND]}
    later = {**refunded, "updated_at": "2025-06-16T10:00:00-04:00", "name": "#1001 (edited)"}
    account = Account(source="shopify", name="main")
    three = [told(refunded, account), told(later, account), told(REFUND, account)]
    cancels = {(e.identity, e.label) for found in three for e in of(found, Kind.CANCEL)}
    refunds = {(e.identity, e.label) for found in three for e in of(found, Kind.REFUND)}
    assert (len(cancels), len(refunds)) == (1, 1)


def test_stale_repetition_states_old_facts_again_and_undoes_none():
    stale = told({**ORDER, "financial_status": "authorized"})
    fresh = told({**CANCELLED, "financial_status": "voided"})
    assert {e.kind for e in stale} == {Kind.ORDER, Kind.AUTHORISE}
    assert stale[0].identity == fresh[0].identity


def test_test_order_is_test():
    assert all(event.test for event in told({**CANCELLED, "test": True}))


@pytest.mark.parametrize(("currency", "price", "minor"), [("JPY", "500", 500), ("KWD", 1.5, 1500)])
def test_amounts_are_exact_whatever_their_form(currency, price, minor):
    body = json.dumps({**ORDER, "currency": currency, "total_price": price}).encode()
    [event] = events(source, pushed(body), ACCOUNT, KEYS)
    assert (event.amount_minor, event.currency) == (minor, currency)


@pytest.mark.parametrize("price", ["1.005", "1e999999999", "NaN"])
def test_inexact_amount_is_quarantined(price):
    body = json.dumps({**ORDER, "total_price": price}).encode()
    assert isinstance(source.translate(pushed(body), ACCOUNT, KEYS), Unreadable)


# ------------------------------------------------------- transactions, refunds, disputes, checkouts


MAPPED = Account(source="shopify", name="main", options={"gateways": "stripe=stripe/main"})


def test_transaction_of_a_known_gateway_is_its_platform_s_payment():
    [event] = told(MOVED, MAPPED)
    assert (event.scope, event.payment, event.order) == ("stripe/main", "pi_1", str(BIG))
    [event] = told(MOVED)
    assert (event.scope, event.payment) == ("", str(BIG))


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("authorization", "success", (Kind.AUTHORISE, S)), ("sale", "success", (Kind.CAPTURE, S)),
        ("capture", "pending", (Kind.CAPTURE, P)), ("sale", "failure", (Kind.CAPTURE, R)),
        ("SALE", "ERROR", (Kind.CAPTURE, R)), ("void", "failure", (Kind.VOID, R)),
        ("refund", "success", (Kind.REFUND, S)), ("refund", "failure", (Kind.REFUND, R)),
        ("sale", "new", (Kind.CAPTURE, Result.UNKNOWN)),
        ("tip", "success", (Kind.OTHER, Result.UNKNOWN)),
    ],
)  # fmt: skip
def test_transaction_s_status_is_the_result_of_its_kind(kind, status, expected):
    [event] = told({**MOVED, "kind": kind, "status": status, "parent_id": 6000})
    assert (event.kind, event.result) == expected
    assert event.reverses == ("authorise:6000" if event.kind is Kind.VOID else "")


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [("failure", "card_declined", "declined"), ("failure", "expired_card", "card_expired"),
     ("error", None, "platform_fault"), ("failure", None, "declined")],
)  # fmt: skip
def test_failed_transaction_says_why(status, code, expected):
    [event] = told({**MOVED, "status": status, "error_code": code})
    assert slug(event) == expected


def test_refund_for_a_cancelling_customer_was_on_request():
    order = {**CANCELLED, "financial_status": "refunded", "refunds": [REFUND]}
    [refund] = of(told(order), Kind.REFUND)
    assert (refund.operation, refund.amount_minor, slug(refund)) == (
        "6002", 40300, "refund_on_request",
    )  # fmt: skip
    assert slug(told(REFUND)[0]) == "merchant_refund"


def test_order_whose_refunds_are_its_platform_s_was_returned_too():
    order = {**CANCELLED, "financial_status": "refunded", "refunds": [REFUND]}
    ours, theirs = of(told(order, MAPPED), Kind.REFUND)
    assert (ours.scope, ours.payment, ours.tag) == ("", str(BIG), Tag.CUMULATIVE)
    assert (theirs.scope, theirs.payment, theirs.tag) == ("stripe/main", "pi_1", Tag.OWN)


def test_refund_without_money_returns_none():
    [event] = told({**REFUND, "transactions": []})
    assert (event.kind, event.code) == (Kind.OTHER, "refund_without_money")


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("inquiry", "needs_response", (Kind.DISPUTE, P, "8001")),
        ("chargeback", "needs_response", (Kind.DISPUTE, S, "8001:withdrawal")),
        ("chargeback", "lost", (Kind.DISPUTE, S, "8001:withdrawal")),
        ("chargeback", "won", (Kind.REVERSE, S, "8001:reinstatement")),
        ("chargeback", "new", (Kind.OTHER, Result.UNKNOWN, "")),
    ],
)
def test_chargeback_moves_money_and_an_inquiry_none(kind, status, expected):
    dispute = {"id": 8001, "order_id": BIG, "type": kind, "status": status, "amount": "403.00"}
    more = {"currency": "USD", "reason": "fraudulent", "initiated_at": CHANGED}
    [event] = told(dispute | more)
    assert (event.kind, event.result, event.operation) == expected


def test_checkout_is_open_and_becomes_its_order():
    checkout = {"id": 1, "token": "ck1", "abandoned_checkout_url": "https://s/1", "currency": "USD",
                "total_price": "5.00", "created_at": MADE, "updated_at": CHANGED}  # fmt: skip
    [event] = told(checkout)
    assert (event.kind, event.payment, event.amount_minor) == (Kind.OPEN, "checkout:ck1", 500)
    assert event.payment in told(ORDER)[0].names


def test_any_other_body_is_kept_under_its_topic():
    body = json.dumps({"id": 1, "title": "a product"}).encode()
    delivery = pushed(body, ("x-shopify-topic", "products/update"))
    [event] = events(source, delivery, ACCOUNT, KEYS)
    assert (event.kind, event.code, event.role) == (Kind.OTHER, "products/update", Role.SHOP)


# ------------------------------------------------------------------------------ questions, orders


def test_question_needs_the_shop_and_the_order_s_number():
    request = source.query(str(BIG), ACCOUNT, KEYS, NOW, "")
    assert request.url == f"https://s.myshopify.com/admin/api/2025-10/orders/{BIG}.json"
    assert source.query("checkout:ck1", ACCOUNT, KEYS, NOW, "") is None
    assert source.query(str(BIG), MAPPED, KEYS, NOW, "") is None


def test_order_that_waits_waits_as_of_the_answer():
    *_, waiting = answer({"order": ORDER})
    assert (waiting.kind, waiting.result, waiting.occurred_at) == (Kind.OPEN, P, NOW)
    assert of(answer({"order": {**ORDER, "financial_status": "unlisted"}}), Kind.OPEN)
    assert not of(answer({"order": CANCELLED}), Kind.OPEN)
    [absent] = answer({"errors": "Not Found"})
    assert (absent.kind, absent.result) == (Kind.ABSENT, S)


def test_what_we_had_cancelled_was_ours_and_a_refusal_is_none():
    ours = {**CANCELLED, "cancel_reason": "other"}
    [cancel] = of(answer({"order": ours}, context="act:close"), Kind.CANCEL)
    assert slug(cancel) == "merchant_request"
    [refused] = answer({"error": "Cannot cancel"}, context="act:close")
    assert (refused.kind, refused.result) == (Kind.CANCEL, R)


def test_the_shop_moves_no_money():
    deed = Deed(verb=Verb.REFUND, payment=str(BIG), key="k", amount_minor=1, currency="USD")
    assert source.act(deed, ACCOUNT, KEYS, NOW, "") is None
    assert source.acknowledge(Outcome.KEPT).body == b""


LEAF = st.sampled_from(
    [None, 0, "", "x", "paid", "refunded", "void", CHANGED, {}, [], [REFUND], [MOVED], 2**70, 1.5,
     "订单", True, "chargeback"]
)  # fmt: skip
BODIES = st.sampled_from([ORDER, CANCELLED, MOVED, REFUND])
FIELDS = sorted({*ORDER, *MOVED, "transactions", "type", "token", "abandoned_checkout_url"})


@given(body=BODIES, changes=st.dictionaries(st.sampled_from(FIELDS), LEAF, max_size=4))
def test_any_body_says_something_whole(body, changes):
    raw = json.dumps({**body, **changes}).encode()
    check_translation(source, pushed(raw, ("x", "y")), MAPPED, KEYS)
