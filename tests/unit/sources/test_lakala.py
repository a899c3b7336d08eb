"""Lakala: three lines or five, three dialects, two clocks; operations that name their payment."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from msgspec import structs

from tests.signers import NOW, NOW_S, asked, events, private_pem, public_pem, rsa_key, secrets
from voidtrail.errors import KeyUnknown, SignatureExpired, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account
from voidtrail.event.model import Deed, Delivery, Kind, Method, Result, Tag, Unreadable, Verb
from voidtrail.event.reason import number
from voidtrail.sources import lakala
from voidtrail.sources.contract import Outcome
from voidtrail.testing import contract
from voidtrail.testing.contract import Genuine
from voidtrail.testing.world.keys import certificate_pem

CERTIFICATE = certificate_pem("APIGW.LAKALA.COM", rsa_key(), "CA", rsa_key("other"))
KEYS = secrets(platform_cert=CERTIFICATE)
ACCOUNT = Account(source="lakala", name="main")
SCAN = {
    "merchant_no": "822", "term_no": "D926", "out_trade_no": "A1", "trade_no": "T1",
    "acc_trade_no": "4200", "account_type": "WECHAT", "trade_main_type": "PREORDER",
    "total_amount": "1230", "payer_amount": "1000", "trade_time": "20250615230640",
    "trade_status": "SUCCESS",
}  # fmt: skip
CASHIER = {
    "merchantNo": "822", "termId": "D926", "merchantOrderNo": "A1", "payOrderNo": "P1",
    "accountChannelOrderNo": "4200", "currency": "156", "amount": 1230, "payStatus": "S",
    "tradeType": "PAY", "payTime": "2025-06-15T15:06:40.000+00:00",
    "tradeTime": "20250615230640", "noticeNum": 1,
}  # fmt: skip
CAMEL = {"orderId": "A1", "lklOrderNo": "T1", "tradeState": "SUCCESS", "amount": "1230",
         "mercId": "822", "termNo": "D926", "payTime": "20250615230640"}  # fmt: skip
REFUND = {**SCAN, "trade_main_type": "REFUND", "out_trade_no": "R1", "trade_no": "T2",
          "total_amount": "230", "origin_out_trade_no": "A1", "origin_trade_no": "T1"}  # fmt: skip


def _signature(*lines):
    text = "".join(f"{line}\n" for line in lines)
    return base64.b64encode(rsa_key().sign(text.encode(), PKCS1v15(), hashes.SHA256())).decode()


def _header(body, at_s=NOW_S, nonce="9003323344", between=","):
    parts = (f'timestamp="{at_s}"', f'nonce_str="{nonce}"',
             f'signature="{_signature(at_s, nonce, body)}"')  # fmt: skip
    return f"LKLAPI-SHA256withRSA {between.join(parts)}"


def _push(fields, header=None, **how):
    body = json.dumps(fields, ensure_ascii=False)
    header = _header(body, **how) if header is None else header
    return Delivery(source="lakala", account="main", received_at=NOW, body=body.encode(),
                    headers=(("authorization", header),))  # fmt: skip


def _answer(data, code="BBS00000", context="", signed=True, lines=5):
    body = json.dumps({"code": code, "msg": "成功", "resp_data": data}, ensure_ascii=False)
    front = ("OP1", "S1", NOW_S, "n1")
    heads = dict(zip(("appid", "serial", "timestamp", "nonce"), map(str, front), strict=True))
    heads["signature"] = _signature(*front[5 - lines :], body)
    headers = tuple((f"lklapi-{name}", value) for name, value in heads.items()) if signed else ()
    return structs.replace(asked("lakala", body.encode(), "A1", headers), context=context)


def _told(fields, delivery=None, account=ACCOUNT):
    return events(lakala, delivery or _push(fields, ""), account, KEYS)


# ------------------------------------------------------------------------------------- authenticity


@pytest.mark.parametrize("fields", [SCAN, CASHIER, CAMEL, REFUND])
def test_genuine_is_accepted_and_its_forgeries_are_refused(fields):
    contract.check_genuine(lakala, Genuine(_push(fields), KEYS, NOW), ACCOUNT)


@pytest.mark.parametrize("between", [",", ", ", ",\n", ",\r\n", ",\r\n\t "])
def test_header_may_hold_line_breaks(between):
    lakala.verify(_push(SCAN, between=between), KEYS, NOW)


def test_a_notice_signs_three_lines_and_an_answer_five():
    body = json.dumps(SCAN)
    five = _signature("OP1", "S1", NOW_S, "n", body)
    header = (f'LKLAPI-SHA256withRSA appid="OP1",serial_no="S1",timestamp="{NOW_S}",'
              f'nonce_str="n",signature="{five}"')  # fmt: skip
    with pytest.raises(SignatureInvalid):
        lakala.verify(_push(SCAN, header), KEYS, NOW)
    lakala.verify(_answer(SCAN), KEYS, NOW)
    with pytest.raises(SignatureInvalid):
        lakala.verify(_answer(SCAN, lines=3), KEYS, NOW)
    for why, forged in contract.forgeries(_answer(SCAN)):
        assert contract.is_refused(lakala, forged, KEYS, NOW), why


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (("LKLAPI-SHA256withRSA", "LKLAPI-SHA1withRSA"), SignatureInvalid),
        (("LKLAPI-SHA256withRSA ", ""), SignatureInvalid),
        (('nonce_str="9003323344",', ""), SignatureMissing),
        (('nonce_str="', 'nonce_str="1",nonce_str="'), SignatureMissing),
        (("timestamp", "Timestamp"), SignatureMissing),
        ((f'"{NOW_S}"', '"x"'), SignatureInvalid),
        ((f'"{NOW_S}"', f'"{NOW_S + 1}"'), SignatureInvalid),
        (('"9003323344"', '"9003323345"'), SignatureInvalid),
    ],
)
def test_a_changed_header_is_refused_by_name(change, error):
    header = _header(json.dumps(SCAN)).replace(*change)
    with pytest.raises(error):
        lakala.verify(_push(SCAN, header), KEYS, NOW)


@pytest.mark.parametrize(("skew_s", "side"), [(301, "before"), (-301, "after")])
def test_a_replay_is_refused_in_both_directions_with_the_measured_skew(skew_s, side):
    for within in (-300, 300):
        lakala.verify(_push(SCAN), KEYS, NOW + within * 1_000_000)
    with pytest.raises(SignatureExpired, match=f"signed 301 s {side} now"):
        lakala.verify(_push(SCAN), KEYS, NOW + skew_s * 1_000_000)


def test_a_wrong_certificate_is_named_and_one_that_is_not_valid_too():
    other = certificate_pem("OTHER", rsa_key("other"), "CA", rsa_key("other"))
    with pytest.raises(SignatureInvalid, match=r"under certificate \d+ of OTHER, valid until 2090"):
        lakala.verify(_push(SCAN), secrets(platform_cert=other), NOW)
    lakala.verify(_push(SCAN), secrets(platform_cert=(other, CERTIFICATE)), NOW)
    long_ago = 1_500_000_000
    with pytest.raises(KeyUnknown, match=r"of APIGW\.LAKALA\.COM, .* is not valid now"):
        lakala.verify(_push(SCAN, at_s=long_ago), KEYS, long_ago * 1_000_000)
    with pytest.raises(KeyUnknown, match="'platform_cert'"):
        lakala.verify(_push(SCAN), {}, NOW)
    lakala.verify(_push(SCAN), secrets(platform_cert=public_pem(rsa_key())), NOW)


@pytest.mark.parametrize("name", ["prod", "test"])
def test_published_certificates_are_read_and_sign_nothing_of_ours(shared, name):
    pem = (shared / f"psp/lakala/lkl_apigw_{name}_cert.pem").read_text("ascii")
    with pytest.raises(SignatureInvalid, match=r"of APIGW\.LAKALA\.COM, valid until 2030-10-"):
        lakala.verify(_push(SCAN), secrets(platform_cert=pem), NOW)


def test_an_unsigned_error_is_taken_in_and_leads_to_no_conclusion():
    unsigned = _answer(None, "BBS11114", signed=False)
    lakala.verify(unsigned, KEYS, NOW)
    assert [event.kind for event in _told(None, unsigned)] == [Kind.OTHER]
    assert [event.kind for event in _told(None, _answer(None, "BBS11114"))] == [Kind.ABSENT]
    for body in (_answer(SCAN, signed=False), _answer(SCAN, "BBS11114", signed=False)):
        with pytest.raises(SignatureMissing):
            lakala.verify(body, KEYS, NOW)


# ------------------------------------------------------------------------------------------ meaning


@pytest.mark.parametrize(
    ("fields", "names"), [(SCAN, ("T1", "4200")), (CASHIER, ("P1", "4200")), (CAMEL, ("T1",))]
)
def test_every_dialect_says_the_same(fields, names):
    [event] = _told(fields)
    assert (event.kind, event.result, event.payment) == (Kind.CAPTURE, Result.SUCCEEDED, "A1")
    assert (event.names, event.order, event.operation) == (names, "A1", names[0])
    assert (event.amount_minor, event.currency, event.tag) == (1230, "CNY", Tag.OWN)
    assert event.occurred_at == NOW  # two clocks in one body, one instant


def test_the_amount_is_the_orders_and_not_what_was_left_after_discounts():
    [event] = _told(SCAN)
    assert (event.amount_minor, event.method) == (1230, Method.WECHAT_QR)
    [event] = _told({**SCAN, "trade_main_type": "MICROPAY"})
    assert event.method is Method.WECHAT_BARCODE


@pytest.mark.parametrize(
    ("state", "told"),
    [("INIT", {(Kind.OPEN, Result.PENDING)}), ("CREATE", {(Kind.OPEN, Result.PENDING)}),
     ("DEAL", {(Kind.SUBMIT, Result.PENDING)}), ("UNKNOWN", {(Kind.SUBMIT, Result.PENDING)}),
     ("SUCCESS", {(Kind.CAPTURE, Result.SUCCEEDED)}),
     ("FAIL", {(Kind.AUTHORISE, Result.REFUSED), (Kind.OPEN, Result.PENDING)}),
     ("CLOSE", {(Kind.CANCEL, Result.SUCCEEDED)}),
     ("REVOKED", {(Kind.CANCEL, Result.SUCCEEDED), (Kind.VOID, Result.SUCCEEDED)}),
     ("PART_REFUND", {(Kind.CAPTURE, Result.SUCCEEDED)}),
     ("REFUND", {(Kind.CAPTURE, Result.SUCCEEDED), (Kind.REFUND, Result.SUCCEEDED)}),
     ("NEW", {(Kind.OTHER, Result.UNKNOWN)})],
)  # fmt: skip
def test_answer_says_by_its_state(state, told):
    data = {name: text for name, text in SCAN.items() if name != "trade_status"}
    found = _told(None, _answer({**data, "trade_state": state}))
    assert {(event.kind, event.result) for event in found} == told
    assert not any(event.life for event in found)


@pytest.mark.parametrize("status", ["2", 2])
def test_cashiers_numbers_may_be_texts_or_numbers(status):
    data = {"merchant_no": "822", "out_order_no": "A1", "pay_order_no": "P1",
            "order_status": status, "total_amount": 1230}  # fmt: skip
    [event] = _told(None, _answer(data, "000000"))
    assert (event.kind, event.amount_minor) == (Kind.CAPTURE, 1230)
    [event] = _told(None, _answer({**data, "order_status": 4}, "000000"))
    assert (event.kind, event.reason) == (Kind.EXPIRE, number("timed_out"))


def test_all_that_went_back_and_part_of_it():
    found = _told({**SCAN, "trade_status": "REFUND"})
    assert (found[1].amount_minor, found[1].tag) == (1230, Tag.CUMULATIVE)
    found = _told({**SCAN, "trade_status": "PART_REFUND", "refund_amount": "230"})
    assert (found[1].amount_minor, found[1].tag) == (230, Tag.CUMULATIVE)


@pytest.mark.parametrize(
    ("state", "result"),
    [("SUCCESS", Result.SUCCEEDED), ("FAIL", Result.REFUSED), ("DEAL", Result.PENDING),
     ("INIT", Result.PENDING)],
)  # fmt: skip
def test_a_refund_or_a_void_describes_itself_and_names_its_payment(state, result):
    [event] = _told({**REFUND, "trade_status": state})
    assert (event.kind, event.result, event.operation) == (Kind.REFUND, result, "T2")
    assert (event.payment, event.order, event.names) == ("A1", "", ())
    assert (event.amount_minor, event.tag) == (230, Tag.OWN)
    [event] = _told({**REFUND, "trade_main_type": "CANCEL", "trade_status": state})
    assert (event.kind, event.result, event.reverses) == (Kind.VOID, result, "capture:T1")


def test_a_void_that_names_only_lakalas_number_is_filed_under_it():
    [event] = _told({**REFUND, "origin_out_trade_no": ""})
    assert event.payment == "T1"


@pytest.mark.parametrize("code", ["BBS10000", "BPS10034", "BBS11112", "BBS00100", "BBS00101"])
def test_pending_codes_are_asked_again(code):
    [event] = _told(None, _answer(None, code))
    assert (event.kind, event.result) == (Kind.SUBMIT, Result.PENDING)


def test_a_repetition_is_signed_anew_and_is_the_same_event():
    first, again = (events(lakala, _push(SCAN, at_s=at_s, nonce=str(at_s)), ACCOUNT, KEYS)
                    for at_s in (NOW_S, NOW_S + 480))  # fmt: skip
    assert (first[0].identity, first[0].label) == (again[0].identity, again[0].label)
    other = _told({**SCAN, "trade_status": "REFUND"})
    assert other[0].identity != first[0].identity


def test_merchants_of_a_service_provider_are_named_and_strangers_are_not_read():
    ours = Account(source="lakala", name="main", options={"merchant_no": "823"})
    assert lakala.translate(_push(SCAN, ""), ours, KEYS).path == "merchant_no"
    [event] = _told(SCAN)
    assert event.merchant == "822"
    below = structs.replace(OURS, options={**OURS.options, "merchant": "900"})
    asked_for = json.loads(lakala.query("A1", below, OWN, NOW, "n1").body)["req_data"]
    assert asked_for["merchant_no"] == "900"
    found = lakala.translate(_answer({**SCAN, "out_trade_no": "B1"}), ACCOUNT, KEYS)
    assert isinstance(found, Unreadable)
    assert found.path == "out_trade_no"


@pytest.mark.parametrize("amount", ["12.30", -1, 12.3, "٣"])
def test_an_amount_that_is_no_whole_fen_is_unreadable(amount):
    found = lakala.translate(_push({**SCAN, "total_amount": amount}, ""), ACCOUNT, KEYS)
    assert isinstance(found, Unreadable)
    assert found.path == "total_amount"


# --------------------------------------------------------------------------------------- requests


OURS = Account(source="lakala", name="main", options={
    "app_id": "OP1", "serial_no": "S1", "merchant_no": "822", "term_no": "D926"})  # fmt: skip
OWN = secrets(private_key=private_pem(rsa_key()))


def test_question_signs_five_lines():
    request = lakala.query("A1", OURS, OWN, NOW, "n1")
    body = json.loads(request.body)
    assert request.url == "https://s2.lakala.com/api/v3/labs/query/tradequery"
    assert body["req_data"] == {"merchant_no": "822", "term_no": "D926", "out_trade_no": "A1"}
    assert body["req_time"] == "20250615230640"
    signature = _signature("OP1", "S1", NOW_S, "n1", request.body.decode())
    assert dict(request.headers)["Authorization"] == (
        f'LKLAPI-SHA256withRSA appid="OP1",serial_no="S1",timestamp="{NOW_S}",nonce_str="n1",'
        f'signature="{signature}"'
    )


@pytest.mark.parametrize(
    ("product", "verb", "path", "wanted"),
    [
        ("scan", Verb.CLOSE, "labs/relation/close", {"origin_out_trade_no": "A1"}),
        ("scan", Verb.VOID, "labs/relation/revoked", {"out_trade_no": "K1"}),
        ("scan", Verb.REFUND, "labs/relation/refund",
         {"out_trade_no": "K1", "refund_amount": "1230", "origin_out_trade_no": "A1"}),
        ("cashier", Verb.CLOSE, "ccss/counter/order/close", {"out_order_no": "A1"}),
    ],
)  # fmt: skip
def test_a_deed_goes_where_its_product_wants_it(product, verb, path, wanted):
    account = structs.replace(OURS, options={**OURS.options, "product": product})
    deed = Deed(verb=verb, payment="A1", key="K1", total_minor=1230)
    request = lakala.act(deed, account, OWN, NOW, "n1")
    assert request.url.endswith(f"/api/v3/{path}")
    assert wanted.items() <= json.loads(request.body)["req_data"].items()
    assert request.context == f"act:{verb.value}"


def test_what_cannot_be_done_makes_no_request():
    cashier = structs.replace(OURS, options={**OURS.options, "product": "cashier"})
    assert lakala.act(Deed(verb=Verb.VOID, payment="A1", key="K"), cashier, OWN, NOW, "") is None
    refund = Deed(verb=Verb.REFUND, payment="A1", key="K")
    assert lakala.act(refund, OURS, OWN, NOW, "") is None
    long = Deed(verb=Verb.REFUND, payment="A1", key="k" * 64, amount_minor=1)
    number_sent = json.loads(lakala.act(long, OURS, OWN, NOW, "").body)["req_data"]["out_trade_no"]
    assert len(number_sent) == 32


@pytest.mark.parametrize(
    ("context", "code", "data", "kind", "result"),
    [
        ("act:close", "BBS00000", {"origin_out_trade_no": "A1"}, Kind.CANCEL, Result.SUCCEEDED),
        ("act:close", "BBS11199", None, Kind.CANCEL, Result.REFUSED),
        ("act:void", "BBS00000", {"origin_trade_no": "T1"}, Kind.VOID, Result.SUCCEEDED),
        ("act:void", "BBS11112", None, Kind.VOID, Result.PENDING),
        ("act:refund", "BBS00000", {"trade_no": "T2"}, Kind.REFUND, Result.PENDING),
        ("act:refund", "BBS00000", {"trade_state": "SUCCESS"}, Kind.REFUND, Result.SUCCEEDED),
        ("act:refund", "BBS11199", None, Kind.REFUND, Result.REFUSED),
        ("act:pay_link", "BBS00000", None, Kind.OTHER, Result.UNKNOWN),
    ],
)
def test_answer_to_a_deed_tells_what_became_of_it(context, code, data, kind, result):
    [event] = _told(None, _answer(data, code, context))
    assert (event.kind, event.result, event.payment) == (kind, result, "A1")
    assert event.reverses == ("capture:T1" if data == {"origin_trade_no": "T1"} else "")


def test_acknowledgement_is_exact():
    kept = lakala.acknowledge(Outcome.KEPT)
    assert (kept.status, kept.content_type) == (200, "application/json")
    assert kept.body == '{"code":"SUCCESS","message":"执行成功"}'.encode()
