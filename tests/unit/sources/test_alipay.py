"""Alipay: what is refused, and what each trade status means."""

import json
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.signers import (
    ALIPAY,
    NOW,
    alipay,
    alipay_answer,
    alipay_form,
    asked,
    events,
    private_pem,
    public_pem,
    rsa_key,
    secrets,
)
from voidtrail.errors import AccountMismatch, KeyUnknown, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Kind, Method, Result, Tag, Unreadable
from voidtrail.event.reason import BY_NUMBER
from voidtrail.sources import alipay as source
from voidtrail.sources.alipay import wire as alipay_wire
from voidtrail.sources.contract import Outcome
from voidtrail.testing.contract import check_events, check_genuine

TRADE = {
    "app_id": "9021000122682882",
    "buyer_id": "2088722003899169",
    "gmt_create": "2025-06-15 20:00:00",
    "notify_id": "2025061501222",
    "notify_time": "2025-06-15 23:06:40",
    "notify_type": "trade_status_sync",
    "out_trade_no": "A1001",
    "seller_id": "2088721003899159",
    "subject": "订单 A&B=C + 1 ",
    "total_amount": "12.30",
    "trade_no": "2025061522001",
    "trade_status": "WAIT_BUYER_PAY",
}
PAID = {**TRADE, "trade_status": "TRADE_SUCCESS", "gmt_payment": "2025-06-15 20:00:11"}
CLOSED = {
    **TRADE,
    "trade_status": "TRADE_CLOSED",
    "gmt_close": "2025-06-15 22:00:46",
    "refund_fee": "0.00",
}
REFUNDED = {
    **PAID,
    "trade_status": "TRADE_CLOSED",
    "gmt_refund": "2025-06-15 21:00:00.143",
    "refund_fee": "12.30",
    "out_biz_no": "R1",
}
KEYS = secrets(public_key=public_pem(rsa_key()))


def told(fields, account=ALIPAY, **changes):
    """Every notice passes the whole contract: signed by the SDK, forgeries refused."""
    return check_genuine(source, alipay(alipay_form(fields, **changes)), account)


def facts(told_events):
    return [(e.kind, e.result, e.operation, e.amount_minor, e.tag) for e in told_events]


def slug(event):
    return BY_NUMBER[event.reason].slug


def delivery(body):
    return Delivery(source="alipay", account="main", received_at=NOW, body=body)


def beijing(text):
    from datetime import datetime

    return int(datetime.fromisoformat(text + "+08:00").timestamp() * 1_000_000)


# ------------------------------------------------------------------------------------- signatures


def vectors(shared):
    return json.loads((shared / "psp/alipay/vectors_yansongda_pay.json").read_text())


def as_delivery(vector):
    if "raw_body_reconstructed" in vector:
        return asked("alipay", vector["raw_body_reconstructed"].encode(), "")
    if "url" in vector:
        return delivery(urlsplit(vector["url"]).query.encode())
    return delivery(urlencode(vector["params"]).encode())


def sandbox(shared):
    certificate = (shared / "psp/alipay/alipay_sandbox_public_cert.crt").read_text()
    return secrets(public_key=certificate)


def test_every_published_signature_is_accepted(shared):
    for vector in vectors(shared):
        source.verify(as_delivery(vector), sandbox(shared), NOW)


def test_every_published_signature_refuses_a_changed_body(shared):
    for vector in vectors(shared):
        given = as_delivery(vector)
        place = given.body.index(b"0")
        changed = given.body[:place] + b"9" + given.body[place + 1 :]
        forged = delivery(changed) if not given.via else asked("alipay", changed, "")
        with pytest.raises((SignatureInvalid, SignatureMissing)):
            source.verify(forged, sandbox(shared), NOW)


def test_published_text_to_sign_is_ours(shared):
    for vector in vectors(shared):
        given = as_delivery(vector)
        if given.via:
            answer = alipay_wire.answer(given.body)
            assert answer is not None
            text = answer.raw
        else:
            text = alipay_wire.signed_text(alipay_wire.form(given.body) or {})
        assert text.decode() == vector["string_to_sign"], vector["name"]


GOOD = alipay_form(PAID)
PAIRS = parse_qsl(GOOD.decode(), keep_blank_values=True)


def without(*names):
    return urlencode([(name, value) for name, value in PAIRS if name not in names]).encode()


def with_value(name, value):
    return urlencode([(n, value if n == name else v) for n, v in PAIRS]).encode()


SIGN = dict(PAIRS)["sign"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (without("sign"), SignatureMissing),
        (without("sign_type"), SignatureMissing),
        (with_value("sign", ""), SignatureMissing),
        (with_value("sign", SIGN[:-4]), SignatureInvalid),
        (with_value("sign", SIGN.rstrip("=")), SignatureInvalid),
        (with_value("sign", SIGN.swapcase()), SignatureInvalid),
        (with_value("sign", SIGN + "\n"), SignatureInvalid),
        (with_value("sign", SIGN.replace("+", "-").replace("/", "_") + "-"), SignatureInvalid),
        (with_value("sign", "签名"), SignatureInvalid),
        (with_value("sign_type", "rsa2"), SignatureInvalid),
        (with_value("sign_type", "MD5"), SignatureInvalid),
        (with_value("sign_type", "RSA"), KeyUnknown),
        (with_value("total_amount", "0.01"), SignatureInvalid),
        (with_value("subject", TRADE["subject"].strip()), SignatureInvalid),
        (with_value("subject", TRADE["subject"] + " "), SignatureInvalid),
        (without("notify_id"), SignatureInvalid),
        (GOOD + b"&refund_fee=12.30", SignatureInvalid),
        (GOOD + b"&trade_status=TRADE_CLOSED", SignatureInvalid),
        (GOOD.replace(b"%2B", b"+"), SignatureInvalid),
        (b"", SignatureInvalid),
        (b"{}", SignatureInvalid),
    ],
)
def test_changed_notice_is_refused(body, error):
    with pytest.raises(error):
        source.verify(delivery(body), KEYS, NOW)


def test_sha1_is_never_checked_with_the_key_of_rsa2():
    body = alipay_form(PAID, sign_type="RSA")
    source.verify(delivery(body), secrets(public_key_sha1=public_pem(rsa_key())), NOW)
    with pytest.raises(KeyUnknown):
        source.verify(delivery(body), KEYS, NOW)
    both = {**KEYS, **secrets(public_key_sha1=public_pem(rsa_key()))}
    with pytest.raises(SignatureInvalid):
        source.verify(delivery(with_value("sign_type", "RSA")), both, NOW)


def test_merchants_own_key_is_not_the_platforms():
    with pytest.raises(SignatureInvalid):
        source.verify(delivery(GOOD), secrets(public_key=public_pem(rsa_key("merchant"))), NOW)


def test_key_may_be_bare_base64():
    bare = "".join(public_pem(rsa_key()).splitlines()[1:-1])
    source.verify(delivery(GOOD), secrets(public_key=bare), NOW)


def test_spaces_at_the_end_of_a_value_are_signed():
    (event,) = told({**PAID, "subject": "two spaces  "})
    assert event.kind == Kind.CAPTURE


def test_empty_values_are_not_signed():
    body = alipay_form({**PAID, "out_biz_no": ""})
    source.verify(delivery(body), KEYS, NOW)
    source.verify(delivery(GOOD + b"&refund_fee="), KEYS, NOW)
    assert [e.kind for e in events(source, delivery(body), ALIPAY, {})] == [Kind.CAPTURE]


def test_parameters_of_our_own_address_are_left_out():
    body = alipay_form(PAID, extra=[("shop", "7"), ("voidtrail", "x")])
    source.verify(delivery(body), KEYS, NOW)
    assert source.translate(delivery(body), ALIPAY, {}) == source.translate(
        delivery(GOOD), ALIPAY, {}
    )


def test_a_field_cannot_be_hidden_in_the_one_before():
    returned = {**PAID, "trade_status": "TRADE_CLOSED", "gmt_create": "2025-06-15 23:06:00",
                "gmt_payment": "2025-06-15 23:06:39"}  # fmt: skip
    body = alipay_form(returned)
    source.verify(delivery(body), KEYS, NOW)
    fields = dict(parse_qsl(body.decode()))
    fields["gmt_create"] += "&gmt_payment=" + fields.pop("gmt_payment")
    hidden = urlencode(fields).encode()
    assert alipay_wire.signed_text(alipay_wire.form(hidden)) == alipay_wire.signed_text(
        alipay_wire.form(body)
    )
    with pytest.raises(SignatureInvalid):
        source.verify(delivery(hidden), KEYS, NOW)
    source.verify(delivery(alipay_form({**PAID, "subject": "tea & cake = 1"})), KEYS, NOW)


def test_unread_names_cannot_smuggle_a_documented_field():
    body = alipay_form(PAID, extra=[("shop", "7"), ("refund_fee", "12.30")])
    with pytest.raises(SignatureInvalid):
        source.verify(delivery(body), KEYS, NOW)


@pytest.mark.parametrize("name", ["app_id", "seller_id"])
def test_notice_for_another_merchant_is_refused_by_name(name):
    with pytest.raises(AccountMismatch):
        source.verify(delivery(GOOD), {**KEYS, **secrets(**{name: "somebody else"})}, NOW)
    source.verify(delivery(GOOD), {**KEYS, **secrets(**{name: TRADE[name]})}, NOW)


@pytest.mark.parametrize("name", ["app_id", "seller_id"])
def test_notice_for_another_merchant_is_set_aside_by_options(name):
    account = Account(source="alipay", name="main", options={name: "somebody else"})
    answer = source.translate(delivery(GOOD), account, {})
    assert isinstance(answer, Unreadable)
    assert answer.path == name


# --------------------------------------------------------------------------------------- statuses


def test_waiting_trade_is_open():
    (event,) = told({**TRADE, "timeout_express": "90m"})
    assert (event.kind, event.result, event.amount_minor) == (Kind.OPEN, Result.PENDING, 1230)
    assert (event.payment, event.names, event.order) == ("A1001", ("2025061522001",), "A1001")
    assert event.until == event.occurred_at + 90 * 60 * 1_000_000
    assert event.occurred_at == beijing("2025-06-15 20:00:00")
    assert event.customer == "2088722003899169"


def test_stated_end_of_a_trade_is_kept():
    (event,) = told({**TRADE, "time_expire": "2025-06-15 21:00:00"})
    assert event.until == beijing("2025-06-15 21:00:00")


def test_paid_trade_is_captured():
    (event,) = told(PAID)
    assert facts([event]) == [(Kind.CAPTURE, Result.SUCCEEDED, "2025061522001", 1230, Tag.OWN)]
    assert event.occurred_at == beijing("2025-06-15 20:00:11")


def test_partial_refund_is_told_beside_the_capture():
    capture, refund = told({**PAID, "refund_fee": "5.00", "out_biz_no": "R1"})
    assert capture.kind == Kind.CAPTURE
    assert facts([refund]) == [(Kind.REFUND, Result.SUCCEEDED, "R1", 500, Tag.CUMULATIVE)]


def test_refund_fee_of_zero_is_no_refund():
    assert [event.kind for event in told({**PAID, "refund_fee": "0.00"})] == [Kind.CAPTURE]


def test_closed_trade_that_was_paid_is_a_full_refund():
    capture, refund = told(REFUNDED)
    assert (capture.kind, capture.amount_minor) == (Kind.CAPTURE, 1230)
    assert facts([refund]) == [(Kind.REFUND, Result.SUCCEEDED, "R1", 1230, Tag.CUMULATIVE)]
    assert refund.occurred_at == beijing("2025-06-15 21:00:00") + 143_000


def test_closed_trade_without_payment_two_hours_later_timed_out():
    (event,) = told(CLOSED)
    assert (event.kind, event.result, slug(event)) == (Kind.EXPIRE, Result.SUCCEEDED, "timed_out")
    assert (event.occurred_at, event.code) == (beijing("2025-06-15 22:00:46"), "TRADE_CLOSED")


@pytest.mark.parametrize(
    ("closed", "kind"),
    [
        ("20:15:01", Kind.EXPIRE),
        ("20:20:00", Kind.EXPIRE),
        ("20:20:01", Kind.CANCEL),
        ("20:14:59", Kind.CANCEL),
        ("20:30:30", Kind.EXPIRE),
        ("21:00:10", Kind.EXPIRE),
        ("20:07:00", Kind.CANCEL),
    ],
)
def test_closing_outside_of_every_time_out_is_a_cancellation(closed, kind):
    (event,) = told({**CLOSED, "gmt_close": f"2025-06-15 {closed}"})
    assert event.kind == kind
    assert slug(event) == {Kind.EXPIRE: "timed_out", Kind.CANCEL: "closed_unpaid"}[kind]


def test_time_out_is_an_option():
    account = Account(source="alipay", name="main", options={"timeout_s": "420"})
    closed = {**CLOSED, "gmt_close": "2025-06-15 20:07:01"}
    assert told(closed, account)[0].kind == Kind.EXPIRE
    assert told(CLOSED, account)[0].kind == Kind.CANCEL


def test_closing_without_instants_is_a_cancellation():
    bare = {name: value for name, value in CLOSED.items() if not name.startswith("gmt")}
    (event,) = told(bare)
    assert (event.kind, event.occurred_at) == (Kind.CANCEL, beijing("2025-06-15 23:06:40"))


def test_finished_trade_is_paid_and_not_closed():
    capture, finish = told({**PAID, "trade_status": "TRADE_FINISHED"})
    assert (capture.kind, finish.kind, finish.result) == (
        Kind.CAPTURE,
        Kind.FINISH,
        Result.SUCCEEDED,
    )


def test_unlisted_status_is_an_event_and_not_silence():
    (event,) = told({**TRADE, "trade_status": "TRADE_PENDING"})
    assert (event.kind, event.result, event.code) == (Kind.OTHER, Result.UNKNOWN, "TRADE_PENDING")


def test_page_return_is_no_statement_about_the_trade(shared):
    (vector,) = [v for v in vectors(shared) if v["kind"] == "return_url_get"]
    (event,) = events(source, as_delivery(vector), ALIPAY, {})
    assert (event.kind, event.code) == (Kind.OTHER, "alipay.trade.page.pay.return")
    assert event.payment == "1703141270"


def test_recorded_notice_is_a_capture(shared):
    (vector,) = [v for v in vectors(shared) if v["kind"] == "async_notify"]
    (event,) = events(source, as_delivery(vector), ALIPAY, {})
    check_events([event], as_delivery(vector))
    assert facts([event]) == [
        (Kind.CAPTURE, Result.SUCCEEDED, "2023122122001499160501589436", 1, Tag.OWN)
    ]
    assert (event.payment, event.occurred_at) == ("1703147160", beijing("2023-12-21 16:26:43"))


def test_old_gateway_states_a_full_refund_by_its_own_field():
    old = {
        "buyer_email": "sealed",
        "gmt_create": "2014-06-15 20:00:00",
        "gmt_payment": "2014-06-15 20:00:11",
        "gmt_refund": "2014-06-16 20:00:11",
        "out_trade_no": "A1",
        "refund_status": "REFUND_SUCCESS",
        "total_fee": "12.30",
        "trade_no": "2014061522001",
        "trade_status": "TRADE_CLOSED",
    }
    body = alipay_form(old, sign_type="RSA")
    source.verify(delivery(body), secrets(public_key_sha1=public_pem(rsa_key())), NOW)
    capture, refund = events(source, delivery(body), ALIPAY, {})
    assert (capture.amount_minor, refund.kind, refund.amount_minor) == (1230, Kind.REFUND, 1230)


def test_retry_is_one_event_and_a_further_refund_is_another():
    def identity(**changes):
        return told({**PAID, "refund_fee": "5.00", "out_biz_no": "R1", **changes})[0].identity

    assert identity() == identity(notify_time="2025-06-16 09:00:00")
    assert identity() != identity(refund_fee="7.00", out_biz_no="R2")


def test_charset_of_the_form_counts():
    passed = '{"order":"订单7"}'
    (event,) = told({**PAID, "passback_params": passed}, charset="gbk")
    assert event.order == "订单7"


def test_value_outside_of_the_charset_is_unreadable():
    body = alipay_form({**PAID, "passback_params": "order=订单7"}, charset="gbk")
    answer = source.translate(delivery(body.replace(b"charset=gbk", b"charset=utf-8")), ALIPAY, {})
    assert isinstance(answer, Unreadable)
    assert answer.path == "charset"


@pytest.mark.parametrize(
    ("passed", "field", "expected"),
    [
        ('{"order":"B7"}', None, "B7"),
        ("order=B7&x=1", None, "B7"),
        ("free text", None, "A1001"),
        ('{"order":', None, "A1001"),
        ("cart=B7", "cart", "B7"),
        ("B7", "*", "B7"),
    ],
)
def test_order_comes_from_what_was_passed_on(passed, field, expected):
    options = {"order_field": field} if field else {}
    account = Account(source="alipay", name="main", options=options)
    (event,) = told({**PAID, "passback_params": passed}, account)
    assert event.order == expected


@pytest.mark.parametrize(
    ("product", "method"),
    [("page", Method.ALIPAY_PAGE), ("app", Method.ALIPAY_APP), ("qr", Method.ALIPAY_QR)],
)
def test_product_is_an_option(product, method):
    account = Account(source="alipay", name="main", options={"product": product})
    assert told(PAID, account)[0].method == method


@pytest.mark.parametrize("amount", ["12.305", "1e99", "NaN", "twelve", "-1.00", "１２.30x"])
def test_amount_that_is_no_yuan_is_unreadable(amount):
    body = alipay_form({**PAID, "total_amount": amount})
    answer = source.translate(delivery(body), ALIPAY, {})
    assert isinstance(answer, Unreadable)
    assert amount not in answer.why


# ------------------------------------------------------------------------------ answers, questions

QUERIED = {
    "code": "10000",
    "msg": "Success",
    "buyer_user_id": "2088722003899169",
    "out_trade_no": "A1001",
    "total_amount": "12.30",
    "trade_no": "2025061522001",
}


def answered(fields, name="alipay_trade_query_response"):
    given = asked("alipay", alipay_answer(fields, name), "A1001")
    source.verify(given, KEYS, NOW)
    found = events(source, given, ALIPAY, {})
    check_events(found, given)
    assert not any(event.life for event in found)
    return found


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({"trade_status": "WAIT_BUYER_PAY"}, [Kind.OPEN]),
        ({"trade_status": "TRADE_SUCCESS", "send_pay_date": "2025-06-15 20:00:11"}, [Kind.CAPTURE]),
        ({"trade_status": "TRADE_CLOSED"}, [Kind.CANCEL]),
        (
            {"trade_status": "TRADE_CLOSED", "send_pay_date": "2025-06-15 20:00:11"},
            [Kind.CAPTURE, Kind.REFUND],
        ),
        ({"trade_status": "TRADE_FINISHED"}, [Kind.CAPTURE, Kind.FINISH]),
        ({"trade_status": "NEW"}, [Kind.OTHER]),
    ],
)
def test_answer_tells_the_state(changes, kinds):
    assert [event.kind for event in answered({**QUERIED, **changes})] == kinds


def test_unknown_trade_is_absent():
    (event,) = answered({"code": "40004", "msg": "x", "sub_code": "ACQ.TRADE_NOT_EXIST"})
    assert (event.kind, event.result, event.payment) == (Kind.ABSENT, Result.SUCCEEDED, "A1001")


@pytest.mark.parametrize(
    "fields",
    [
        {"code": "40004", "sub_code": "ACQ.SYSTEM_ERROR"},
        {"code": "20000", "sub_code": "isp.unknow-error"},
        {"code": "10003"},
    ],
)
def test_error_answer_is_no_conclusion(fields):
    (event,) = answered(fields)
    assert (event.kind, event.result) == (Kind.OTHER, Result.UNKNOWN)


def test_unsigned_error_is_no_conclusion():
    body = b'{"error_response":{"code":"40004","sub_code":"ACQ.TRADE_NOT_EXIST"}}'
    given = asked("alipay", body, "A1001")
    source.verify(given, KEYS, NOW)
    (event,) = events(source, given, ALIPAY, {})
    assert (event.kind, event.result) == (Kind.OTHER, Result.UNKNOWN)


def test_answer_to_another_method_is_no_conclusion():
    (event,) = answered({"code": "10000", "out_trade_no": "A1001"}, "alipay_trade_close_response")
    assert (event.kind, event.code) == (Kind.OTHER, "alipay_trade_close_response")


def test_signature_covers_the_exact_bytes_of_an_answer():
    body = alipay_answer({**QUERIED, "trade_status": "TRADE_SUCCESS", "store": "a/b"})
    source.verify(asked("alipay", body, "A1001"), KEYS, NOW)
    for old, new in ((b"\\/", b"/"), (b'": "', b'":"'), (b"TRADE_SUCCESS", b"TRADE_CLOSED")):
        with pytest.raises(SignatureInvalid):
            source.verify(asked("alipay", body.replace(old, new), "A1001"), KEYS, NOW)


def test_answer_without_signature_is_refused():
    body = json.dumps({"alipay_trade_query_response": QUERIED}).encode()
    with pytest.raises(SignatureMissing):
        source.verify(asked("alipay", body, "A1001"), KEYS, NOW)


def test_answer_about_another_trade_is_set_aside():
    given = asked("alipay", alipay_answer({**QUERIED, "trade_status": "TRADE_CLOSED"}), "A9")
    assert isinstance(source.translate(given, ALIPAY, {}), Unreadable)


def test_recorded_query_answer_is_a_capture(shared):
    (vector,) = [v for v in vectors(shared) if v["name"] == "alipay_trade_query_response"]
    (event,) = events(source, as_delivery(vector), ALIPAY, {})
    assert (event.kind, event.amount_minor, event.payment) == (Kind.CAPTURE, 1, "1703141270")
    assert event.occurred_at == beijing("2023-12-21 14:48:36")


def test_question_is_signed_as_the_gateway_checks_it():
    merchant = rsa_key("merchant")
    account = Account(
        source="alipay",
        name="main",
        options={"app_id": "9021", "gateway": "http://127.0.0.1:9/gateway.do"},
    )
    keys = secrets(private_key=private_pem(merchant))
    request = source.query("A/1", account, keys, NOW, "")
    assert request is not None
    assert (request.method, request.url) == ("POST", "http://127.0.0.1:9/gateway.do")
    form = dict(parse_qsl(request.body.decode()))
    assert json.loads(form["biz_content"]) == {"out_trade_no": "A/1"}
    assert form["timestamp"] == "2025-06-15 23:06:40"
    from alipay import AliPay

    checker = AliPay(
        appid="9021",
        app_private_key_string=private_pem(merchant),
        alipay_public_key_string=public_pem(merchant),
    )
    sign = form.pop("sign")
    text = "&".join(f"{name}={value}" for name, value in sorted(form.items()))
    assert checker._verify(text, sign)


def test_acknowledgement_is_seven_bytes():
    assert source.acknowledge(Outcome.KEPT).body == b"success"
    assert source.acknowledge(Outcome.BUSY).body == b"fail"
