"""What Alipay is told; and that a cancelled trade may have moved money."""

import json
from urllib.parse import parse_qs

import pytest
from msgspec import structs

from tests import signers
from voidtrail.event.account import Account
from voidtrail.event.model import Deed, Kind, Result, Tag, Verb
from voidtrail.sources import alipay

ACCOUNT = Account(source="alipay", name="main", options={"app_id": "2021"})
KEYS = signers.secrets(private_key=signers.private_pem(signers.rsa_key()))
OURS = signers.secrets(public_key=signers.public_pem(signers.rsa_key()))


def form(verb, secrets=KEYS, **more):
    order = Deed(verb=verb, payment="A1", key="key-1", **more)
    request = alipay.act(order, ACCOUNT, secrets, signers.NOW, "n")
    return request and {name: value for name, (value,) in parse_qs(request.body.decode()).items()}


def told(name, said, verb, payment="A1"):
    body = signers.alipay_answer(said, f"alipay_trade_{name}_response")
    delivery = signers.asked("alipay", body, payment)
    delivery = structs.replace(delivery, context=f"act:{verb}")
    alipay.verify(delivery, OURS, signers.NOW)
    return signers.events(alipay, delivery, ACCOUNT, {})


@pytest.mark.parametrize(
    ("verb", "more", "method", "content"),
    [
        (Verb.CLOSE, {}, "close", {"out_trade_no": "A1"}),
        (Verb.VOID, {}, "cancel", {"out_trade_no": "A1"}),
        (Verb.REFUND, {"amount_minor": 1230}, "refund",
         {"out_trade_no": "A1", "refund_amount": "12.30", "out_request_no": "key-1"}),
        (Verb.PAY_LINK, {"amount_minor": 1230, "order": "订单"}, "precreate",
         {"out_trade_no": "A1", "total_amount": "12.30", "subject": "订单"}),
    ],
)  # fmt: skip
def test_each_order_is_a_signed_form(verb, more, method, content):
    sent = form(verb, **more)
    assert sent["method"] == f"alipay.trade.{method}"
    assert json.loads(sent["biz_content"]) == content
    signature = sent.pop("sign")
    text = "&".join(f"{name}={value}" for name, value in sorted(sent.items()))
    assert signers.alipay_sdk()._verify(text, signature), "the official SDK believes it"


def test_a_refund_without_a_sum_is_not_asked_for():
    assert form(Verb.REFUND) is None


def test_a_service_provider_speaks_for_its_merchant():
    secrets = KEYS | signers.secrets(app_auth_token="2021BB")
    assert form(Verb.CLOSE, secrets)["app_auth_token"] == "2021BB"


def test_a_merchant_of_a_service_provider_is_named():
    said = {"trade_status": "TRADE_SUCCESS", "out_trade_no": "A1", "trade_no": "20",
            "total_amount": "12.30", "app_id": "2021", "auth_app_id": "2022"}  # fmt: skip
    for own, merchant in (("2022", "2022"), ("2021", "")):
        genuine = signers.alipay(signers.alipay_form(said | {"auth_app_id": own}))
        found = signers.events(alipay, genuine.delivery, ACCOUNT, {})
        assert {event.merchant for event in found} == {merchant}


def test_a_closing_is_told():
    (event,) = told("close", {"code": "10000", "out_trade_no": "A1", "trade_no": "20"}, "close")
    assert (event.kind, event.result, event.names) == (Kind.CANCEL, Result.SUCCEEDED, ("20",))


@pytest.mark.parametrize(
    ("action", "kinds"),
    [("close", [Kind.CANCEL]), ("refund", [Kind.CAPTURE, Kind.REFUND]), ("", [Kind.OTHER])],
)
def test_what_a_cancellation_did_stands_in_its_action(action, kinds):
    said = {"code": "10000", "out_trade_no": "A1", "trade_no": "20", "action": action}
    assert [event.kind for event in told("cancel", said, "void")] == kinds


@pytest.mark.parametrize(("changed", "result"), [("Y", Result.SUCCEEDED), ("N", Result.PENDING)])
def test_a_refund_counts_the_whole_trade(changed, result):
    said = {"code": "10000", "out_trade_no": "A1", "trade_no": "20", "refund_fee": "12.30",
            "fund_change": changed, "gmt_refund_pay": "2025-06-15 23:06:39"}  # fmt: skip
    (event,) = told("refund", said, "refund")
    assert (event.kind, event.result, event.operation) == (Kind.REFUND, result, "20:refunded")
    assert (event.amount_minor, event.tag) == (1230, Tag.CUMULATIVE)


@pytest.mark.parametrize(
    ("said", "kind", "result"),
    [
        ({"code": "40004", "sub_code": "ACQ.TRADE_STATUS_ERROR"}, Kind.CANCEL, Result.REFUSED),
        ({"code": "40004", "sub_code": "ACQ.TRADE_NOT_EXIST"}, Kind.CANCEL, Result.REFUSED),
        ({"code": "40004", "sub_code": "ACQ.SYSTEM_ERROR"}, Kind.OTHER, Result.UNKNOWN),
        ({"code": "20000", "sub_code": "isp.unknow-error"}, Kind.OTHER, Result.UNKNOWN),
    ],
)
def test_only_a_refusal_for_good_is_told_as_one(said, kind, result):
    (event,) = told("close", said, "close")
    assert (event.kind, event.result, event.code) == (kind, result, said["sub_code"])


def test_an_unsigned_error_refuses_nothing():
    body = b'{"error_response":{"code":"40004","sub_code":"ACQ.TRADE_STATUS_ERROR"}}'
    delivery = structs.replace(signers.asked("alipay", body, "A1"), context="act:close")
    alipay.verify(delivery, OURS, signers.NOW)
    (event,) = signers.events(alipay, delivery, ACCOUNT, {})
    assert event.kind == Kind.OTHER


def test_an_answer_about_another_trade_leads_to_nothing():
    body = signers.alipay_answer({"code": "10000", "out_trade_no": "B2"},
                                 "alipay_trade_close_response")  # fmt: skip
    delivery = structs.replace(signers.asked("alipay", body, "A1"), context="act:close")
    assert alipay.translate(delivery, ACCOUNT, {}).path == "out_trade_no"


def test_a_code_to_pay_by_is_a_payment_that_waits():
    said = {"code": "10000", "out_trade_no": "A1", "qr_code": "https://qr.alipay.com/1"}
    (event,) = told("precreate", said, "pay_link")
    assert (event.kind, event.result) == (Kind.OPEN, Result.PENDING)
