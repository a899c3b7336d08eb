"""What WeChat Pay is told, and that a signed empty body closes an order."""

import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from msgspec import structs

from tests import signers
from voidtrail.errors import SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account
from voidtrail.event.model import Deed, Kind, Result, Verb
from voidtrail.sources import crypto, wechatpay

OPTIONS = {"mchid": "190", "appid": "wx1", "notify_url": "https://shop.example/hooks"}
ACCOUNT = Account(source="wechatpay", name="main", options=OPTIONS)
SUB = Account(source="wechatpay", name="sub", options=OPTIONS | {"merchant": "777"})
KEYS = signers.secrets(
    private_key=signers.private_pem(signers.rsa_key()), serial_no="7A",
    platform_key=f"{signers.WECHAT_SERIAL}={signers.public_pem(signers.rsa_key())}",
)  # fmt: skip


def act(verb, account=ACCOUNT, **more):
    order = Deed(verb=verb, payment="A1", key="key-1", **more)
    return wechatpay.act(order, account, KEYS, signers.NOW, "n0nce")


def answer(body, verb, *, signed=True):
    headers = signers.wechatpay_headers(body) if signed else ()
    delivery = structs.replace(signers.asked("wechatpay", body, "A1", headers),
                               context=f"act:{verb}")  # fmt: skip
    wechatpay.verify(delivery, KEYS, signers.NOW)
    return signers.events(wechatpay, delivery, ACCOUNT, {})


def test_a_closing_names_the_merchant_and_is_signed_with_its_body():
    request = act(Verb.CLOSE)
    assert request.url.endswith("/v3/pay/transactions/out-trade-no/A1/close")
    assert json.loads(request.body) == {"mchid": "190"}
    credentials = dict(request.headers)["Authorization"]
    signature = credentials.partition('signature="')[2].partition('"')[0]
    at = signers.NOW // 1_000_000
    text = f"POST\n/v3/pay/transactions/out-trade-no/A1/close\n{at}\nn0nce\n".encode()
    text += request.body + b"\n"
    public = signers.rsa_key().public_key()
    public.verify(crypto.from_base64(signature), text, PKCS1v15(), hashes.SHA256())


def test_a_service_provider_closes_for_its_merchant():
    request = act(Verb.CLOSE, SUB)
    assert "/v3/pay/partner/transactions/out-trade-no/A1/close" in request.url
    assert json.loads(request.body) == {"sp_mchid": "190", "sub_mchid": "777"}
    asked = wechatpay.query("A1", SUB, KEYS, signers.NOW, "n")
    assert asked.url.endswith("?sp_mchid=190&sub_mchid=777")


def test_a_refund_is_once_by_its_number():
    request = act(Verb.REFUND, amount_minor=500, total_minor=1230)
    assert json.loads(request.body) == {
        "out_trade_no": "A1", "out_refund_no": "key-1",
        "amount": {"refund": 500, "total": 1230, "currency": "CNY"},
    }  # fmt: skip
    assert "sub_mchid" in json.loads(act(Verb.REFUND, SUB, amount_minor=500).body)
    assert act(Verb.REFUND) is None
    assert act(Verb.VOID) is None


def test_a_code_to_pay_by():
    content = json.loads(act(Verb.PAY_LINK, amount_minor=500, order="订单").body)
    assert (content["description"], content["amount"]["total"]) == ("订单", 500)
    (event,) = answer(b'{"code_url":"weixin://wxpay/1"}', "pay_link")
    assert (event.kind, event.result) == (Kind.OPEN, Result.PENDING)


def test_a_signed_empty_body_closes():
    (event,) = answer(b"", "close")
    assert (event.kind, event.result, event.payment) == (Kind.CANCEL, Result.SUCCEEDED, "A1")


def test_an_unsigned_empty_body_closes_nothing():
    with pytest.raises(SignatureMissing):
        answer(b"", "close", signed=False)
    body = structs.replace(signers.asked("wechatpay", b"", "A1", signers.wechatpay_headers(b"x")),
                           context="act:close")  # fmt: skip
    with pytest.raises(SignatureInvalid):
        wechatpay.verify(body, KEYS, signers.NOW)


def test_an_empty_answer_is_no_refund():
    delivery = structs.replace(signers.asked("wechatpay", b"", "A1"), context="act:refund")
    assert wechatpay.translate(delivery, ACCOUNT, {}).path == "body"


@pytest.mark.parametrize(
    ("code", "signed", "kind", "result"),
    [
        ("ORDERPAID", True, Kind.CANCEL, Result.REFUSED),
        ("ORDER_NOT_EXIST", True, Kind.CANCEL, Result.REFUSED),
        ("ORDER_CLOSED", True, Kind.CANCEL, Result.SUCCEEDED),
        ("SYSTEM_ERROR", True, Kind.OTHER, Result.UNKNOWN),
        ("ORDERPAID", False, Kind.OTHER, Result.UNKNOWN),
    ],
)
def test_only_a_signed_refusal_for_good_is_told_as_one(code, signed, kind, result):
    (event,) = answer(json.dumps({"code": code}).encode(), "close", signed=signed)
    assert (event.kind, event.result) == (kind, result)


def test_a_refund_under_way_is_pending():
    said = {"refund_id": "50", "out_refund_no": "key-1", "transaction_id": "42",
            "out_trade_no": "A1", "status": "PROCESSING", "amount": {"refund": 500}}  # fmt: skip
    (event,) = answer(json.dumps(said).encode(), "refund")
    assert (event.kind, event.result, event.operation) == (Kind.REFUND, Result.PENDING, "50")


def test_a_merchant_of_a_service_provider_is_named():
    said = {"out_trade_no": "A1", "transaction_id": "42", "trade_state": "SUCCESS",
            "sp_mchid": "190", "sub_mchid": "777", "amount": {"total": 5}}  # fmt: skip
    genuine = signers.wechatpay(signers.wechatpay_body("TRANSACTION.SUCCESS", said))
    (event,) = signers.events(wechatpay, genuine.delivery, ACCOUNT, genuine.secrets)
    assert event.merchant == "777"
