"""No bytes make a source raise; what is not the platform's own statement is refused."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import signers
from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Unreadable, Via
from voidtrail.sources.registry import SOURCES
from voidtrail.testing import contract

NAMES = ("stripe", "alipay", "wechatpay")
STATES = st.sampled_from(
    ["succeeded", "canceled", "failed", "pending", "lost", "won", "expired", "open", "x", None]
)


def keys():
    return signers.secrets(
        signing=signers.STRIPE_SECRET,
        public_key=signers.public_pem(signers.rsa_key()),
        platform_key=f"{signers.WECHAT_SERIAL}={signers.public_pem(signers.rsa_key())}",
        api_v3_key=signers.API_V3_KEY,
    )


def translate(name, body, via=Via.PUSH, request="pi_1"):
    delivery = Delivery(
        source=name, account="main", received_at=1, body=body, via=via, request=request
    )
    account = Account(source=name, name="main")
    return contract.check_translation(SOURCES[name], delivery, account, keys())


STRIPE_FIELDS = {
    "payment_intent": ["amount", "amount_received", "amount_capturable", "latest_charge", "status"],
    "charge": ["amount", "amount_captured", "amount_refunded", "captured", "payment_intent"],
    "refund": ["amount", "charge", "payment_intent", "reason", "status"],
    "dispute": ["amount", "charge", "reason", "status"],
    "checkout.session": ["amount_total", "payment_intent", "payment_status", "expires_at"],
}
SMALL = st.integers(-5, 10**6) | st.none()


@st.composite
def stripe_events(draw):
    word = draw(st.sampled_from(sorted(SOURCES["stripe"].EVENTS)))
    kind = draw(st.sampled_from(sorted(STRIPE_FIELDS)))
    obj = {"id": f"{kind[:2]}_1", "object": kind, "currency": draw(st.sampled_from(["eur", "isk"]))}
    for field in STRIPE_FIELDS[kind]:
        is_amount = field.startswith("amount") or field == "expires_at"
        value = SMALL.map(lambda v: v and abs(v)) if is_amount else STATES
        obj[field] = draw(st.booleans()) if field == "captured" else draw(value)
    return signers.stripe_body(word, obj)


@given(body=stripe_events())
def test_any_stripe_object_under_any_listed_type_says_something_whole(body):
    translate("stripe", body)


@given(
    fields=st.dictionaries(
        st.sampled_from(
            [
                "trade_status", "out_trade_no", "trade_no", "total_amount", "refund_fee",
                "gmt_create", "gmt_payment", "gmt_close", "gmt_refund", "out_biz_no", "charset",
                "passback_params", "time_expire", "timeout_express", "notify_id",
            ]
        ),
        st.sampled_from(
            [
                "WAIT_BUYER_PAY", "TRADE_SUCCESS", "TRADE_CLOSED", "TRADE_FINISHED", "12.30", "0",
                "2025-06-15 20:00:00", "2025-06-15 22:00:30", "gbk", "utf-8", "A1", "90m", "订单",
            ]
        ),
        min_size=2,
    )
)  # fmt: skip
def test_any_alipay_form_says_something_whole(fields):
    from urllib.parse import urlencode

    translate("alipay", urlencode(fields).encode())
    answer = {"alipay_trade_query_response": {"code": "10000", **fields}, "sign": "x"}
    translate("alipay", json.dumps(answer).encode(), Via.ASKED, fields.get("out_trade_no", ""))


@given(
    word=st.sampled_from(["TRANSACTION.SUCCESS", "REFUND.ABNORMAL", "NEW.TYPE"]),
    plain=st.dictionaries(
        st.sampled_from(["out_trade_no", "transaction_id", "trade_state", "refund_id", "status"]),
        st.sampled_from(["A1", "SUCCESS", "CLOSED", "NOTPAY", "REVOKED", "ABNORMAL", None]),
    ),
    amount=st.none() | st.fixed_dictionaries({"total": SMALL, "refund": SMALL}),
)
def test_any_wechatpay_resource_says_something_whole(word, plain, amount):
    value = {**plain, "amount": amount}
    translate("wechatpay", signers.wechatpay_body(word, value))
    translate("wechatpay", json.dumps(value).encode(), Via.ASKED, plain.get("out_trade_no") or "p")


SIGNED = {
    "stripe": signers.stripe(
        signers.stripe_body("charge.expired", {"id": "ch_1", "object": "charge"})
    ),
    "alipay": signers.alipay(
        signers.alipay_form({"trade_status": "TRADE_SUCCESS", "out_trade_no": "A"})
    ),
    "wechatpay": signers.wechatpay(signers.wechatpay_body("REFUND.SUCCESS", {"refund_id": "1"})),
}


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_no_changed_byte_is_accepted(name, data):
    genuine = SIGNED[name]
    body = genuine.delivery.body
    place = data.draw(st.integers(0, len(body) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != body[place]))
    changed = body[:place] + bytes([byte]) + body[place + 1 :]
    forged = msgspec.structs.replace(genuine.delivery, body=changed)
    if contract.is_refused(SOURCES[name], forged, genuine.secrets, genuine.now):
        return
    # A form has several spellings of the same signed fields, as %2B and %2b: the same is read.
    account = Account(source=name, name="main")
    assert name == "alipay"
    same = SOURCES[name].translate(genuine.delivery, account, genuine.secrets)
    assert SOURCES[name].translate(forged, account, genuine.secrets) == same
    assert not isinstance(same, Unreadable)


@pytest.mark.parametrize("name", NAMES)
@given(header=st.text(max_size=200))
def test_no_foreign_header_is_accepted_or_raises_anything_but_a_refusal(name, header):
    genuine = SIGNED[name]
    headers = tuple((key, header) for key, _ in genuine.delivery.headers)
    forged = msgspec.structs.replace(genuine.delivery, headers=headers)
    if genuine.delivery.headers:
        assert contract.is_refused(SOURCES[name], forged, genuine.secrets, genuine.now)
