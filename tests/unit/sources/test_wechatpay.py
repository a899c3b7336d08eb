"""WeChat Pay: what is refused, and what each state means."""

import json

import msgspec
import pytest

from tests.signers import (
    API_V3_KEY,
    NOW,
    NOW_S,
    WECHAT_SERIAL,
    WECHATPAY,
    asked,
    events,
    private_pem,
    public_pem,
    rsa_key,
    secrets,
    self_signed,
    wechatpay,
    wechatpay_body,
    wechatpay_headers,
)
from voidtrail.errors import KeyUnknown, SignatureExpired, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account
from voidtrail.event.model import Channel, Delivery, Kind, Method, Result, Tag, Unreadable
from voidtrail.event.reason import BY_NUMBER
from voidtrail.sources import crypto
from voidtrail.sources import wechatpay as source
from voidtrail.sources.contract import Outcome
from voidtrail.testing.contract import check_events, check_genuine

PAID = {
    "mchid": "1900000001",
    "appid": "wx01",
    "out_trade_no": "A1001",
    "transaction_id": "4200001",
    "trade_type": "JSAPI",
    "trade_state": "SUCCESS",
    "trade_state_desc": "支付成功",
    "attach": "",
    "success_time": "2025-06-15T23:00:00+08:00",
    "payer": {"openid": "oUpF8uMuAJO"},
    "amount": {"total": 1230, "payer_total": 1200, "currency": "CNY"},
}
REFUND = {
    "mchid": "1900000001",
    "out_trade_no": "A1001",
    "transaction_id": "4200001",
    "out_refund_no": "R1",
    "refund_id": "50300001",
    "refund_status": "SUCCESS",
    "success_time": "2025-06-15T23:05:00+08:00",
    "user_received_account": "招商银行信用卡0403",
    "amount": {"total": 1230, "refund": 500, "payer_total": 1230, "payer_refund": 500},
}
KEYS = secrets(platform_key=f"{WECHAT_SERIAL}={public_pem(rsa_key())}", api_v3_key=API_V3_KEY)


def told(kind, plain, account=WECHATPAY):
    """Every notice passes the whole contract: signed by the SDK, forgeries refused."""
    return check_genuine(source, wechatpay(wechatpay_body(kind, plain)), account)


def facts(told_events):
    return [(e.kind, e.result, e.operation, e.amount_minor, e.tag) for e in told_events]


def slug(event):
    return BY_NUMBER[event.reason].slug


# ------------------------------------------------------------------------------------- signatures

GOOD = wechatpay(wechatpay_body("TRANSACTION.SUCCESS", PAID)).delivery


def with_header(name, value):
    headers = tuple((key, value if key == name else old) for key, old in GOOD.headers)
    return msgspec.structs.replace(GOOD, headers=headers)


SIGNATURE = dict(GOOD.headers)["wechatpay-signature"]


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("wechatpay-timestamp", str(NOW_S + 1), SignatureInvalid),
        ("wechatpay-timestamp", f"0{NOW_S}", SignatureInvalid),
        ("wechatpay-timestamp", "now", SignatureInvalid),
        ("wechatpay-timestamp", "9" * 5000, SignatureInvalid),
        ("wechatpay-timestamp", "", SignatureMissing),
        ("wechatpay-nonce", "other", SignatureInvalid),
        ("wechatpay-nonce", "\udcff", SignatureInvalid),
        ("wechatpay-serial", "PUB_KEY_ID_0", KeyUnknown),
        ("wechatpay-serial", WECHAT_SERIAL.lower(), KeyUnknown),
        ("wechatpay-signature", SIGNATURE.swapcase(), SignatureInvalid),
        ("wechatpay-signature", SIGNATURE[:-4], SignatureInvalid),
        ("wechatpay-signature", SIGNATURE.rstrip("="), SignatureInvalid),
        ("wechatpay-signature", " " + SIGNATURE, SignatureInvalid),
        ("wechatpay-signature", "WECHATPAY/SIGNTEST/" + SIGNATURE, SignatureInvalid),
        ("wechatpay-signature-type", "WECHATPAY2-SM2-WITH-SM3", SignatureInvalid),
        ("wechatpay-signature-type", "WECHATPAY2-SHA1-RSA2048", SignatureInvalid),
    ],
)
def test_changed_header_is_refused(name, value, error):
    with pytest.raises(error):
        source.verify(with_header(name, value), KEYS, NOW)


def test_two_signature_types_are_refused():
    twice = (*GOOD.headers, ("wechatpay-signature-type", "WECHATPAY2-SHA256-RSA2048"))
    with pytest.raises(SignatureInvalid):
        source.verify(msgspec.structs.replace(GOOD, headers=twice), KEYS, NOW)


def test_signature_type_may_be_absent():
    source.verify(msgspec.structs.replace(GOOD, headers=GOOD.headers[:-1]), KEYS, NOW)


@pytest.mark.parametrize("away_s", [-301, 301, 86_400])
def test_replay_outside_of_the_window_is_refused(away_s):
    with pytest.raises(SignatureExpired):
        source.verify(GOOD, KEYS, NOW + away_s * 1_000_000)


def test_empty_body_of_a_204_has_its_own_signature():
    headers = wechatpay_headers(b"")
    empty = msgspec.structs.replace(GOOD, headers=headers, body=b"")
    source.verify(empty, KEYS, NOW)


def test_serial_is_read_from_a_certificate():
    serial = 0x00AB12
    pem = self_signed(rsa_key(), serial)
    headers = wechatpay_headers(GOOD.body, serial="00ab12")
    given = msgspec.structs.replace(GOOD, headers=headers)
    source.verify(given, secrets(platform_key=pem), NOW)
    with pytest.raises(KeyUnknown):
        source.verify(GOOD, secrets(platform_key=pem), NOW)


def test_the_key_is_chosen_by_serial_and_not_by_trying():
    keys = secrets(
        platform_key=(
            f"{WECHAT_SERIAL}={public_pem(rsa_key('other'))}",
            f"PUB_KEY_ID_9={public_pem(rsa_key())}",
        )
    )
    with pytest.raises(SignatureInvalid):
        source.verify(GOOD, keys, NOW)


# ---------------------------------------------------------------------------------------- vectors


def published(shared, name):
    found = json.loads((shared / "psp/wechatpay" / name).read_text())
    return found if isinstance(found, list) else [found]


def every_published(shared):
    for name in (
        "vector_wechatpay_go.json",
        "vectors_gunsluo_transaction_refund.json",
        "vectors_yansongda_pay.json",
    ):
        for vector in published(shared, name):
            pem = vector.get("certificate_pem")
            if pem is None:
                pem = (shared / "psp/wechatpay" / vector["public_key_file"]).read_text()
            yield (
                vector,
                as_delivery(vector),
                secrets(
                    platform_key=f"{vector['headers']['Wechatpay-Serial']}={pem}",
                    api_v3_key=vector.get("api_v3_key", API_V3_KEY),
                ),
            )


def as_delivery(vector):
    headers = tuple((name.lower(), value) for name, value in vector["headers"].items())
    return Delivery(
        source="wechatpay",
        account="main",
        received_at=NOW,
        body=vector["body"].encode(),
        headers=headers,
    )


def at(vector):
    return int(vector["headers"]["Wechatpay-Timestamp"]) * 1_000_000


def test_every_published_signature_is_accepted(shared):
    for vector, given, keys in every_published(shared):
        source.verify(given, keys, at(vector))


def test_every_published_signature_refuses_a_changed_body(shared):
    for vector, given, keys in every_published(shared):
        for body in (given.body[:-1], given.body + b"\n", given.body.replace(b'"', b"'", 1)):
            with pytest.raises(SignatureInvalid):
                source.verify(msgspec.structs.replace(given, body=body), keys, at(vector))


def test_published_certificates_carry_the_serial_of_the_header(shared):
    for vector in published(shared, "vector_wechatpay_go.json"):
        pem = secrets(platform_key=vector["certificate_pem"])
        source.verify(as_delivery(vector), pem, at(vector))


def test_every_published_resource_opens(shared):
    for vector, given, keys in every_published(shared):
        if "plaintext" not in vector:
            continue
        sealed = json.loads(given.body)["resource"]
        opened = crypto.aes_gcm_open(
            keys["api_v3_key"][0].reveal(),
            sealed["nonce"],
            sealed["associated_data"],
            sealed["ciphertext"],
        )
        assert opened == vector["plaintext"].encode()


def test_recorded_payment_is_a_capture(shared):
    (vector, _) = published(shared, "vectors_gunsluo_transaction_refund.json")
    keys = secrets(api_v3_key=vector["api_v3_key"])
    (event,) = events(source, as_delivery(vector), WECHATPAY, keys)
    assert facts([event]) == [
        (Kind.CAPTURE, Result.SUCCEEDED, "4200000925202101284997714292", 1, Tag.OWN)
    ]
    assert (event.payment, event.order) == ("S20210128170702357723", "S20210128170702357723")
    assert (event.method, event.customer) == (Method.WECHAT_QR, "ofyak5qR_1wYsC99CsWA6R9MJazA")
    assert event.occurred_at == 1_611_824_831_000_000


def test_recorded_refund_belongs_to_the_recorded_payment(shared):
    (_, vector) = published(shared, "vectors_gunsluo_transaction_refund.json")
    keys = secrets(api_v3_key=vector["api_v3_key"])
    (event,) = events(source, as_delivery(vector), WECHATPAY, keys)
    assert facts([event]) == [
        (Kind.REFUND, Result.SUCCEEDED, "50300807092021020105990201735", 1, Tag.OWN)
    ]
    assert event.payment == "S20210128170702357723"


def test_documented_examples_are_read(shared):
    found = []
    for record in published(shared, "doc_examples_callbacks.json"):
        plain = record["json"]
        if "resource" in plain:
            continue
        kind = "REFUND.SUCCESS" if "refund_id" in plain else "TRANSACTION.SUCCESS"
        found += [(e.kind, e.payment, e.amount_minor) for e in told(kind, plain)]
    assert found == [
        (Kind.REFUND, "20150806125346", 999),
        (Kind.CAPTURE, "20150806125346", 10),
        (Kind.CAPTURE, "20150806124855", 10),
        (Kind.REFUND, "20150806125346", 999),
        (Kind.CAPTURE, "1217752501201407033233368018", 100),
    ]


def test_documented_envelopes_without_a_resource_are_unreadable_or_other(shared):
    for record in published(shared, "doc_examples_callbacks.json"):
        if "resource" not in record["json"]:
            continue
        body = json.dumps(record["json"]).encode()
        answer = source.translate(msgspec.structs.replace(GOOD, body=body), WECHATPAY, KEYS)
        listed = record["json"]["event_type"] in source.EVENTS
        assert isinstance(answer, Unreadable) == listed


# ------------------------------------------------------------------------------------------ notices


def test_payment_is_captured():
    (event,) = told("TRANSACTION.SUCCESS", PAID)
    assert facts([event]) == [(Kind.CAPTURE, Result.SUCCEEDED, "4200001", 1230, Tag.OWN)]
    assert (event.payment, event.names, event.currency) == ("A1001", ("4200001",), "CNY")
    assert event.customer == "oUpF8uMuAJO"


@pytest.mark.parametrize(
    ("word", "method", "channel"),
    [
        ("NATIVE", Method.WECHAT_QR, Channel.UNKNOWN),
        ("JSAPI", Method.WECHAT_JSAPI, Channel.UNKNOWN),
        ("APP", Method.WECHAT_APP, Channel.APP),
        ("MWEB", Method.WECHAT_H5, Channel.WEB),
        ("MICROPAY", Method.WECHAT_BARCODE, Channel.POS),
        ("NEW", Method.UNKNOWN, Channel.UNKNOWN),
    ],
)
def test_trade_type_is_the_method(word, method, channel):
    (event,) = told("TRANSACTION.SUCCESS", {**PAID, "trade_type": word})
    assert (event.method, event.channel) == (method, channel)


@pytest.mark.parametrize(
    ("word", "result"),
    [
        ("SUCCESS", Result.SUCCEEDED),
        ("CLOSED", Result.REFUSED),
        ("CLOSE", Result.REFUSED),
        ("ABNORMAL", Result.PENDING),
        ("PROCESSING", Result.PENDING),
    ],
)
def test_refund_goes_as_far_as_its_status(word, result):
    (event,) = told("REFUND.SUCCESS", {**REFUND, "refund_status": word})
    assert facts([event]) == [(Kind.REFUND, result, "50300001", 500, Tag.OWN)]


def test_abnormal_refund_is_pending_and_a_later_success_is_the_same_operation():
    (abnormal,) = told("REFUND.ABNORMAL", {**REFUND, "refund_status": "ABNORMAL"})
    (done,) = told("REFUND.SUCCESS", REFUND)
    assert (abnormal.result, done.result) == (Result.PENDING, Result.SUCCEEDED)
    assert abnormal.operation == done.operation
    assert abnormal.identity != done.identity


def test_refund_falls_on_its_payment():
    (event,) = told("REFUND.SUCCESS", REFUND)
    assert (event.payment, event.names) == ("A1001", ("4200001",))


def test_combined_payment_tells_each_order_and_links_none():
    sub = {**PAID, "amount": {"total_amount": 10, "currency": "CNY"}}
    plain = {
        "combine_mchid": "1900000001",
        "combine_out_trade_no": "WHOLE",
        "combine_payer_info": {"openid": "o1"},
        "sub_orders": [
            {**sub, "payer": None},
            {**sub, "out_trade_no": "A1002", "transaction_id": "4200002", "payer": None},
        ],
    }
    one, two = told("TRANSACTION.SUCCESS", plain)
    assert (one.payment, two.payment) == ("A1001", "A1002")
    assert (one.amount_minor, one.customer) == (10, "o1")
    assert "WHOLE" not in {*one.names, *two.names}
    assert one.identity != two.identity


def test_unlisted_type_is_an_event_and_not_silence():
    (event,) = told("PAYSCORE.USER_OPEN_SERVICE", {"mchid": "1900000001"})
    assert (event.kind, event.code) == (Kind.OTHER, "PAYSCORE.USER_OPEN_SERVICE")
    assert event.payment == "EV-1"


def test_unlisted_type_about_a_payment_names_it():
    (event,) = told("TRANSACTION.FAIL", {"out_trade_no": "A1001"})
    assert (event.kind, event.payment) == (Kind.OTHER, "A1001")


def test_retry_is_one_event():
    assert told("TRANSACTION.SUCCESS", PAID) == told("TRANSACTION.SUCCESS", PAID)


@pytest.mark.parametrize(
    ("attach", "expected"), [('{"order":"B7"}', "B7"), ("order=B7", "B7"), ("深圳分店", "A1001")]
)
def test_order_comes_from_what_was_attached(attach, expected):
    (event,) = told("TRANSACTION.SUCCESS", {**PAID, "attach": attach})
    assert event.order == expected


def test_resource_needs_the_key_it_was_sealed_with():
    for keys, path in (
        ({}, "resource"),
        (secrets(api_v3_key="x" * 32), "resource.ciphertext"),
        (secrets(api_v3_key="short"), "resource.ciphertext"),
    ):
        answer = source.translate(GOOD, WECHATPAY, keys)
        assert isinstance(answer, Unreadable)
        assert answer.path == path


def test_changed_resource_never_opens():
    body = json.loads(GOOD.body)
    for field in ("ciphertext", "nonce", "associated_data"):
        changed = {**body["resource"], field: "A" + body["resource"][field][1:] + "AAAA"}
        forged = json.dumps({**body, "resource": changed}).encode()
        answer = source.translate(msgspec.structs.replace(GOOD, body=forged), WECHATPAY, KEYS)
        assert isinstance(answer, Unreadable)


@pytest.mark.parametrize(
    ("options", "path"), [({"mchid": "1900000002"}, "mchid"), ({"appid": "wx02"}, "appid")]
)
def test_notice_of_another_merchant_is_set_aside(options, path):
    account = Account(source="wechatpay", name="main", options=options)
    answer = source.translate(GOOD, account, KEYS)
    assert isinstance(answer, Unreadable)
    assert answer.path == path


def test_merchant_of_a_service_provider_is_ours():
    account = Account(source="wechatpay", name="main", options={"mchid": "1900000009"})
    plain = {**PAID, "mchid": None, "sp_mchid": "1230000109", "sub_mchid": "1900000009"}
    assert told("TRANSACTION.SUCCESS", plain, account)[0].kind == Kind.CAPTURE


# ------------------------------------------------------------------------------ answers, questions


def answered(plain, *, signed=True):
    body = json.dumps(plain, ensure_ascii=False).encode()
    given = asked("wechatpay", body, "A1001", wechatpay_headers(body) if signed else ())
    source.verify(given, KEYS, NOW)
    found = events(source, given, WECHATPAY, {})
    check_events(found, given)
    assert not any(event.life for event in found)
    return found


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("NOTPAY", [(Kind.OPEN, Result.PENDING)]),
        ("USERPAYING", [(Kind.SUBMIT, Result.PENDING)]),
        ("ACCEPT", [(Kind.SUBMIT, Result.PENDING)]),
        ("SUCCESS", [(Kind.CAPTURE, Result.SUCCEEDED)]),
        ("REFUND", [(Kind.CAPTURE, Result.SUCCEEDED)]),
        ("CLOSED", [(Kind.CANCEL, Result.SUCCEEDED)]),
        ("REVOKED", [(Kind.CANCEL, Result.SUCCEEDED), (Kind.VOID, Result.SUCCEEDED)]),
        ("PAYERROR", [(Kind.AUTHORISE, Result.REFUSED), (Kind.OPEN, Result.PENDING)]),
        ("BRAND_NEW", [(Kind.OTHER, Result.UNKNOWN)]),
    ],
)
def test_answer_tells_the_state(state, expected):
    found = answered({**PAID, "trade_state": state})
    assert [(event.kind, event.result) for event in found] == expected


@pytest.mark.parametrize(
    ("state", "reason"), [("CLOSED", "closed_unpaid"), ("REVOKED", "merchant_request")]
)
def test_closing_keeps_what_is_known_of_its_reason(state, reason):
    found = answered({**PAID, "trade_state": state})
    assert {(slug(event), event.code) for event in found} == {(reason, state)}


@pytest.mark.parametrize("code", ["ORDER_NOT_EXIST", "ORDERNOTEXIST"])
def test_unknown_order_is_absent_if_the_platform_signed_that(code):
    (event,) = answered({"code": code, "message": "x"})
    assert (event.kind, event.result, event.payment) == (Kind.ABSENT, Result.SUCCEEDED, "A1001")
    (unproved,) = answered({"code": code, "message": "x"}, signed=False)
    assert (unproved.kind, unproved.result) == (Kind.OTHER, Result.UNKNOWN)


@pytest.mark.parametrize("code", ["SYSTEM_ERROR", "FREQUENCY_LIMITED", "SIGN_ERROR"])
@pytest.mark.parametrize("signed", [True, False])
def test_error_answer_is_no_conclusion(code, signed):
    (event,) = answered({"code": code, "message": "x"}, signed=signed)
    assert (event.kind, event.result, event.code) == (Kind.OTHER, Result.UNKNOWN, code)


def test_unsigned_answer_about_a_transaction_is_refused():
    body = json.dumps({**PAID, "code": "X"}).encode()
    with pytest.raises(SignatureMissing):
        source.verify(asked("wechatpay", body, "A1001"), KEYS, NOW)


def test_answer_about_another_order_is_set_aside():
    body = json.dumps({**PAID, "out_trade_no": "A9"}).encode()
    assert isinstance(
        source.translate(asked("wechatpay", body, "A1001"), WECHATPAY, {}), Unreadable
    )


def test_question_is_signed_as_the_platform_checks_it():
    from wechatpayv3.utils import rsa_sign

    merchant = rsa_key("merchant")
    account = Account(
        source="wechatpay",
        name="main",
        options={"mchid": "19", "serial_no": "5E", "api_base": "http://127.0.0.1:9"},
    )
    keys = secrets(private_key=private_pem(merchant))
    request = source.query("A/1", account, keys, NOW, "nonce")
    assert request is not None
    path = "/v3/pay/transactions/out-trade-no/A%2F1?mchid=19"
    assert (request.method, request.url) == ("GET", "http://127.0.0.1:9" + path)
    expected = rsa_sign(merchant, f"GET\n{path}\n{NOW_S}\nnonce\n\n")
    assert dict(request.headers)["Authorization"] == (
        f'WECHATPAY2-SHA256-RSA2048 mchid="19",nonce_str="nonce",signature="{expected}",'
        f'timestamp="{NOW_S}",serial_no="5E"'
    )


def test_service_provider_asks_for_its_merchant():
    options = {"mchid": "12", "serial_no": "5E", "sub_mchid": "19"}
    account = Account(source="wechatpay", name="main", options=options)
    request = source.query("A1", account, secrets(private_key=private_pem(rsa_key())), NOW, "n")
    assert request is not None
    assert request.url.endswith(
        "/v3/pay/partner/transactions/out-trade-no/A1?sp_mchid=12&sub_mchid=19"
    )


def test_acknowledgements_are_json():
    assert source.acknowledge(Outcome.KEPT).body == b'{"code":"SUCCESS"}'
    refused = json.loads(source.acknowledge(Outcome.REFUSED).body)
    assert refused["code"] == "FAIL"
    assert refused["message"]
