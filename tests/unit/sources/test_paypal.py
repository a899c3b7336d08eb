"""PayPal: what is refused, and what each event means."""

import base64
import json
import zlib
from datetime import UTC, datetime

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from tests.signers import NOW, NOW_S, events, rsa_key, secrets
from tests.unit.sources.test_certificate import NAME, issued
from voidtrail.errors import KeyUnknown, SignatureExpired, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Kind, Method, Result, Tag, Unreadable
from voidtrail.event.reason import BY_NUMBER
from voidtrail.sources import paypal as source
from voidtrail.testing.contract import Genuine, check_events, check_genuine

PAYPAL = Account(source="paypal", name="main")
WEBHOOK = "8PT597110X687430L"
CERTIFICATE = "CERT-360caa42-fca2a594-a5cafa77"
URL = f"https://api.paypal.com/v1/notifications/certs/{CERTIFICATE}"
TIME = "%Y-%m-%dT%H:%M:%SZ"
PEM = issued()
KEYS = secrets(webhook_id=WEBHOOK, certificate=f"{CERTIFICATE}={PEM}",
               client_id="app", client_secret="key")  # fmt: skip
ORDER = "5O190127TN364715T"
CAPTURE = "3C679366HH908993F"
RELATED = {"related_ids": {"order_id": ORDER}}


def signed(body, *, webhook=WEBHOOK, at_s=NOW_S, key="leaf", url=URL, checksum=None):
    at = datetime.fromtimestamp(at_s, UTC).strftime(TIME)
    checksum = zlib.crc32(body) if checksum is None else checksum
    raw = rsa_key(key).sign(f"t-1|{at}|{webhook}|{checksum}".encode(), PKCS1v15(), hashes.SHA256())
    headers = (
        ("paypal-transmission-id", "t-1"),
        ("paypal-transmission-time", at),
        ("paypal-transmission-sig", base64.b64encode(raw).decode()),
        ("paypal-cert-url", url),
        ("paypal-auth-algo", "SHA256withRSA"),
    )
    return Delivery(source="paypal", account="main", received_at=NOW, body=body, headers=headers)


def body_of(kind, resource, **more):
    event = {"id": "WH-1", "event_type": kind, "create_time": "2025-06-15T15:00:01Z"}
    return json.dumps({**event, "resource": resource, **more}).encode()


def told(kind, resource, account=PAYPAL):
    """Every event passes the whole contract: signed with the certificate, forgeries refused."""
    genuine = Genuine(signed(body_of(kind, resource)), KEYS, NOW)
    return check_genuine(source, genuine, account)


def money(value="42.00", currency="EUR"):
    return {"value": value, "currency_code": currency}


def resource(name, status, **more):
    return {"id": name, "status": status, "amount": money(), "create_time": "2025-06-15T15:00:00Z",
            "supplementary_data": RELATED, **more}  # fmt: skip


def up(folder, name):
    return [{"rel": "up", "href": f"https://api.paypal.com/v2/payments/{folder}/{name}"}]


def facts(found):
    return [(e.kind, e.result, e.operation, e.amount_minor, e.tag) for e in found]


def slug(event):
    return BY_NUMBER[event.reason].slug


# ------------------------------------------------------------------------------------- signatures

GOOD = signed(body_of("PAYMENT.CAPTURE.COMPLETED", resource(CAPTURE, "COMPLETED")))


def changed(name, value):
    headers = tuple((key, value if key == name else old) for key, old in GOOD.headers)
    return msgspec.structs.replace(GOOD, headers=headers)


@pytest.mark.parametrize(
    "url",
    [
        URL.replace("https", "http"),
        URL.replace("api.paypal.com", "api.paypal.com.evil.example"),
        URL.replace("api.paypal.com", "evil.example"),
        URL.replace("api.paypal.com", "API.paypal.com"),
        URL.replace("//", "//evil@"),
        URL.replace("//api.paypal.com", "//evil.example\\@api.paypal.com"),
        URL.replace(".com/", ".com:8443/"),
        URL.replace(".com/", ".com:https/"),
        URL.replace("/certs/", "/other/"),
        "https://api.paypal.com/",
        "//api.paypal.com/v1/notifications/certs/CERT-1",
        "https://[",
    ],
)
def test_certificate_from_elsewhere_is_refused(url):
    with pytest.raises(SignatureInvalid, match="PAYPAL-CERT-URL"):
        source.verify(changed("paypal-cert-url", url), KEYS, NOW)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("paypal-auth-algo", "SHA1withRSA", SignatureInvalid),
        ("paypal-auth-algo", "sha256withrsa", SignatureInvalid),
        ("paypal-auth-algo", "none", SignatureInvalid),
        ("paypal-transmission-time", "1750000000", SignatureInvalid),
        ("paypal-transmission-time", "2025-06-15T15:06:41Z", SignatureInvalid),
        ("paypal-transmission-id", "T-1", SignatureInvalid),
        ("paypal-transmission-sig", "AAAA", SignatureInvalid),
        ("paypal-transmission-sig", "", SignatureMissing),
        ("paypal-cert-url", URL + "0", KeyUnknown),
    ],
)
def test_changed_header_is_refused(name, value, error):
    with pytest.raises(error):
        source.verify(changed(name, value), KEYS, NOW)


def test_checksum_is_unsigned_decimal():
    body = next(text for n in range(99) if zlib.crc32(text := b'{"n":%d}' % n) >= 2**31)
    checksum = zlib.crc32(body)
    source.verify(signed(body), KEYS, NOW)
    for wrong in (f"{checksum:x}", str(checksum - 2**32), f"{checksum:010d}0"):
        with pytest.raises(SignatureInvalid):
            source.verify(signed(body, checksum=wrong), KEYS, NOW)


def test_several_webhooks_and_certificates_count_while_they_are_rolled():
    keys = secrets(
        webhook_id=("OTHER", WEBHOOK), certificate=(issued(key="next", serial=0xCD), PEM)
    )
    source.verify(GOOD, keys, NOW)
    source.verify(signed(GOOD.body, webhook="OTHER", key="next"), keys, NOW)
    with pytest.raises(SignatureInvalid):
        source.verify(signed(GOOD.body, webhook="THIRD"), keys, NOW)


def test_swapped_certificate_is_named():
    other = secrets(webhook_id=WEBHOOK, certificate=issued(key="next", serial=0xCD))
    with pytest.raises(SignatureInvalid, match=rf"{CERTIFICATE}.*serial CD, not after 2026"):
        source.verify(GOOD, other, NOW)


def test_certificate_that_the_account_lacks_is_named_with_its_address():
    for certificates in (f"CERT-1={PEM}", ()):
        keys = secrets(webhook_id=WEBHOOK, certificate=certificates)
        with pytest.raises(KeyUnknown, match=f"{CERTIFICATE}.*{URL}"):
            source.verify(GOOD, keys, NOW)


def test_expired_certificate_names_itself():
    old = issued(until=datetime(2025, 6, 1, tzinfo=UTC))
    keys = secrets(webhook_id=WEBHOOK, certificate=old)
    with pytest.raises(KeyUnknown, match=r"serial AB, not after 2025-06-01.*expired"):
        source.verify(GOOD, keys, NOW)


def test_certificate_of_the_other_world_is_refused():
    sandbox = signed(GOOD.body, url=URL.replace("api.", "api.sandbox."))
    with pytest.raises(KeyUnknown, match=NAME):
        source.verify(sandbox, KEYS, NOW)


def test_authority_must_have_issued_it():
    root = issued("Root", key="root", ca=True)
    leaf = issued(by=("Root", "root"))
    source.verify(GOOD, secrets(webhook_id=WEBHOOK, certificate=leaf, authority=root), NOW)
    with pytest.raises(KeyUnknown, match="issued by none"):
        source.verify(GOOD, secrets(webhook_id=WEBHOOK, certificate=PEM, authority=root), NOW)


@pytest.mark.parametrize(
    ("skew_s", "why"),
    [(3 * 86_400 + 901, "260,101 s before now"), (-901, "901 s after now")],
    ids=["old", "ahead"],
)
def test_skew_is_measured(skew_s, why):
    with pytest.raises(SignatureExpired, match=why):
        source.verify(GOOD, KEYS, NOW + skew_s * 1_000_000)
    source.verify(GOOD, KEYS, NOW + (skew_s - (1 if skew_s > 0 else -1)) * 1_000_000)


# ----------------------------------------------------------------------------------------- events


def test_approved_may_hold_a_capture_that_is_done():
    done = {"payments": {"captures": [resource(CAPTURE, "COMPLETED")]}, "amount": money(),
            "custom_id": "A1001"}  # fmt: skip
    found = told("CHECKOUT.ORDER.APPROVED", {"id": ORDER, "status": "COMPLETED",
                                             "payer": {"payer_id": "QYR5"},
                                             "payment_source": {"paypal": {}},
                                             "purchase_units": [done]})  # fmt: skip
    assert (Kind.CAPTURE, Result.SUCCEEDED, CAPTURE, 4200, Tag.OWN) in facts(found)
    assert {(e.payment, e.order, e.customer, e.method) for e in found} == {
        (ORDER, "A1001", "QYR5", Method.WALLET)
    }


@pytest.mark.parametrize(
    ("expires", "kinds", "why"),
    [
        ("2025-06-15T15:00:59Z", {Kind.VOID, Kind.EXPIRE}, "authorisation_lapsed"),
        ("2025-06-15T15:01:00Z", {Kind.VOID, Kind.EXPIRE}, "authorisation_lapsed"),
        ("2025-06-15T15:01:01Z", {Kind.VOID}, "merchant_request"),
        (None, {Kind.VOID}, "unstated"),
    ],
)
def test_voided_is_split_by_the_end_of_the_authorisation(expires, kinds, why):
    found = told("PAYMENT.AUTHORIZATION.VOIDED", resource("0AW2", "VOIDED",
                 expiration_time=expires, update_time="2025-06-15T15:00:00Z"))  # fmt: skip
    assert {e.kind for e in found} == kinds
    assert {slug(e) for e in found} == {why}
    assert found[0].reverses == "authorise:0AW2"


@pytest.mark.parametrize("shape", ["order_id", "id"])
def test_reversed_approval_is_the_end_of_time(shape):
    [event] = told("CHECKOUT.PAYMENT-APPROVAL.REVERSED", {shape: ORDER, "purchase_units": []})
    assert (event.kind, event.payment, slug(event)) == (Kind.EXPIRE, ORDER, "timed_out")


@pytest.mark.parametrize(
    ("kind", "answered", "why"),
    [
        ("PAYMENT.CAPTURE.DECLINED", "0R00", "revoked"),
        ("PAYMENT.CAPTURE.DECLINED", "5400", "card_expired"),
        ("PAYMENT.CAPTURE.DECLINED", "8110", "network_fault"),
        ("PAYMENT.CAPTURE.DECLINED", "ZZZZ", "unlisted"),
        ("PAYMENT.CAPTURE.DENIED", None, "declined"),
    ],
)
def test_declined_says_why(kind, answered, why):
    [event] = told(kind, resource(CAPTURE, "DECLINED",
                                  processor_response={"response_code": answered}))  # fmt: skip
    assert facts([event]) == [(Kind.CAPTURE, Result.REFUSED, CAPTURE, 4200, Tag.OWN)]
    assert (slug(event), event.code) == (why, answered or "")


def test_event_that_says_refused_is_believed_whatever_the_resource_says():
    [event] = told("PAYMENT.CAPTURE.DENIED", resource(CAPTURE, "COMPLETED"))
    assert event.result is Result.REFUSED


def test_status_inside_is_the_finer_word():
    [event] = told("PAYMENT.CAPTURE.COMPLETED", resource(CAPTURE, "PENDING",
                   status_details={"reason": "PENDING_REVIEW"}))  # fmt: skip
    assert (event.result, event.code) == (Result.PENDING, "PENDING_REVIEW")


def test_first_generation_is_read():
    sale = {"id": "8PT5", "state": "completed", "amount": {"total": "500", "currency": "JPY"},
            "parent_payment": "PAYID-1", "invoice_number": "A1001"}  # fmt: skip
    [event] = told("PAYMENT.SALE.COMPLETED", sale)
    assert (event.payment, event.names, event.order) == ("PAYID-1", ("captures/8PT5",), "A1001")
    assert (event.amount_minor, event.currency) == (500, "JPY")
    [back] = told("PAYMENT.SALE.REVERSED", {**sale, "state": "reversed", "amount": {
        "total": "-500", "currency": "JPY"}})  # fmt: skip
    assert (back.kind, back.amount_minor, back.payment) == (Kind.DISPUTE, 500, "PAYID-1")


def test_refund_joins_its_capture_by_the_link_up():
    refund = {"id": "1JU0", "status": "COMPLETED", "amount": money("0.01"), "invoice_id": "R-7",
              "links": up("captures", CAPTURE)}  # fmt: skip
    [event] = told("PAYMENT.CAPTURE.REFUNDED", refund)
    assert (event.payment, event.order, event.amount_minor) == (f"captures/{CAPTURE}", "", 1)
    [taken] = told("PAYMENT.CAPTURE.COMPLETED", resource(CAPTURE, "COMPLETED"))
    assert event.payment in taken.names
    assert taken.payment == ORDER


def test_failed_refund_undoes_one_that_had_succeeded():
    refused, back = told("PAYMENT.REFUND.FAILED", {"id": "1JU0", "status": "FAILED",
                         "amount": money(), "links": up("captures", CAPTURE)})  # fmt: skip
    assert (refused.kind, refused.result) == (Kind.REFUND, Result.REFUSED)
    assert (back.kind, back.reverses, slug(back)) == (Kind.REVERSE, "refund:1JU0", "refund_failed")


def test_dispute_about_two_transactions_tells_of_both():
    about = [{"seller_transaction_id": n, "gross_amount": money(v)} for n, v in
             (("A", "1.00"), ("B", "2.00"))]  # fmt: skip
    found = told("CUSTOMER.DISPUTE.RESOLVED", {
        "dispute_id": "PP-D-1", "disputed_transactions": about, "dispute_amount": money("3.00"),
        "status": "RESOLVED", "reason": "UNAUTHORISED",
        "dispute_outcome": {"outcome_code": "RESOLVED_BUYER_FAVOUR"}})  # fmt: skip
    assert [(e.payment, e.amount_minor, e.tag) for e in found] == [
        ("captures/A", 100, Tag.CUMULATIVE), ("captures/B", 200, Tag.CUMULATIVE)]  # fmt: skip
    assert {(e.result, slug(e)) for e in found} == {(Result.SUCCEEDED, "dispute_fraud")}


@pytest.mark.parametrize("outcome", ["RESOLVED_SELLER_FAVOUR", "RESOLVED_WITH_PAYOUT",
                                     "CANCELED_BY_BUYER", "DENIED", "NONE"])  # fmt: skip
def test_dispute_that_the_buyer_did_not_win_moves_nothing(outcome):
    [event] = told("CUSTOMER.DISPUTE.RESOLVED", {
        "dispute_id": "PP-D-1", "disputed_transactions": [{"seller_transaction_id": "A"}],
        "status": "RESOLVED", "dispute_outcome": {"outcome_code": outcome}})  # fmt: skip
    assert (event.result, event.code) == (Result.REFUSED, outcome)


@pytest.mark.parametrize(
    ("amount", "minor"),
    [(money("100", "HUF"), 10_000), (money("1.234", "KWD"), 1234), (money("7", "JPY"), 7)],
)
def test_amounts_are_exact(amount, minor):
    [event] = told("PAYMENT.CAPTURE.COMPLETED", resource(CAPTURE, "COMPLETED") | {"amount": amount})
    assert event.amount_minor == minor


@pytest.mark.parametrize(
    "amount",
    [
        money("1.001"),
        money("1.5", "JPY"),
        money("NaN"),
        money("x"),
        money("1", "ZZZ"),
        money("1e999999"),
    ],
)
def test_amount_that_cannot_be_is_unreadable(amount):
    body = body_of("PAYMENT.CAPTURE.COMPLETED", resource(CAPTURE, "COMPLETED") | {"amount": amount})
    found = source.translate(signed(body), PAYPAL, KEYS)
    assert isinstance(found, Unreadable)
    assert found.path == "resource.amount"


def test_sandbox_is_test_traffic():
    from_host = signed(GOOD.body, url=URL.replace("api.", "api.sandbox."))
    assert all(e.test for e in events(source, from_host, PAYPAL, KEYS))
    assert not any(e.test for e in events(source, GOOD, PAYPAL, KEYS))


def test_one_fact_is_one_event_under_whatever_event_id():
    again = signed(body_of("PAYMENT.CAPTURE.COMPLETED", resource(CAPTURE, "COMPLETED"), id="WH-2"))
    [once] = events(source, GOOD, PAYPAL, KEYS)
    [twice] = events(source, again, PAYPAL, KEYS)
    assert once.identity == twice.identity


def test_unlisted_event_is_told_as_other():
    [event] = told("BILLING.SUBSCRIPTION.CANCELLED", {"id": "I-BW452GLLEP1G"})
    assert (event.kind, event.payment, event.life) == (Kind.OTHER, "I-BW452GLLEP1G", False)
    assert event.code == "BILLING.SUBSCRIPTION.CANCELLED"


def test_order_field_may_be_named():
    account = Account(source="paypal", name="main", options={"order_field": "invoice_id"})
    both = resource(CAPTURE, "COMPLETED", custom_id="C", invoice_id="I")
    [event] = told("PAYMENT.CAPTURE.COMPLETED", both, account)
    assert event.order == "I"
    [event] = told("PAYMENT.CAPTURE.COMPLETED", both)
    assert event.order == "C"


def test_recorded_samples_are_understood(shared):
    samples = json.loads((shared / "psp" / "paypal" / "prism_webhook_payloads.json").read_text())
    for name in ("payment_succeeded", "refund_succeeded"):
        body = json.dumps(samples[name]["grpc_req"]["request_details"]["body"]).encode()
        found = events(source, signed(body), PAYPAL, KEYS)
        check_events(found, signed(body))
        assert all(e.kind in (Kind.CAPTURE, Kind.REFUND) for e in found)
