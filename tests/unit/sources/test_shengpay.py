"""Shengpay: what is signed, what is pushed, and what the same word means in different places."""

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from msgspec import structs

from tests.signers import NOW, asked, events, private_pem, public_pem, rsa_key, secrets
from voidtrail.errors import KeyUnknown, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account
from voidtrail.event.model import Deed, Delivery, Kind, Result, Tag, Unreadable, Verb
from voidtrail.event.reason import number
from voidtrail.sources import shengpay
from voidtrail.sources.contract import Outcome
from voidtrail.testing import contract
from voidtrail.testing.contract import Genuine

ACCOUNT = Account(source="shengpay", name="main")
KEYS = secrets(public_key=public_pem(rsa_key()))
PAID = {
    "returnCode": "SUCCESS", "returnMsg": "SUCCESS", "resultCode": "SUCCESS", "appId": "3123",
    "mchId": "93762611", "nonceStr": "n", "signType": "RSA2", "openId": "15",
    "tradeType": "MWEB", "transactionId": "WP1", "outTradeNo": "ORD-1", "totalFee": 100,
    "bankType": "ICBC", "timeEnd": "20250615230639", "attach": '{"order":"A1"}',
    "couponFee": None, "cardNo": "",
}  # fmt: skip
REFUND = {
    "returnCode": "SUCCESS", "returnMsg": "SUCCESS", "resultCode": "SUCCESS", "appId": "3123",
    "mchId": "93762611", "nonceStr": "n", "signType": "RSA2", "transactionId": "WP1",
    "outTradeNo": "ORD-1", "refundId": "RF1", "outRefundNo": "R1", "totalFee": "100",
    "refundFee": "30", "refundStatus": "SUCCESS", "refundSuccessTime": "20250616000000",
}  # fmt: skip


def _sign(fields, digest=hashes.SHA256):
    """As the platform's own document says, by the library and not by our canonical text."""
    kept = {name: value for name, value in fields.items() if value not in (None, "")}
    text = "&".join(f"{name}={kept[name]}" for name in sorted(kept))
    made = base64.b64encode(rsa_key().sign(text.encode(), PKCS1v15(), digest())).decode()
    return {**fields, "sign": made}


def _push(fields):
    body = json.dumps(fields, ensure_ascii=False).encode()
    return Delivery(source="shengpay", account="main", received_at=NOW, body=body)


def _told(fields, delivery=None):
    return events(shengpay, delivery or _push(fields), ACCOUNT, KEYS)


def _answer(fields, context=""):
    given = asked("shengpay", json.dumps(fields).encode(), "ORD-1")
    return structs.replace(given, context=context)


@pytest.mark.parametrize("fields", [PAID, REFUND], ids=["pay", "refund"])
def test_genuine_is_accepted_and_its_forgeries_are_refused(fields):
    given = Genuine(_push(_sign(fields)), KEYS, NOW)
    contract.check_genuine(shengpay, given, ACCOUNT)
    assert contract.is_refused(shengpay, given.delivery,
                               secrets(public_key=public_pem(rsa_key("other"))), NOW)  # fmt: skip


def test_sign_type_is_among_what_is_signed():
    without = {name: value for name, value in PAID.items() if name != "signType"}
    with pytest.raises(SignatureInvalid):
        shengpay.verify(_push({**_sign(without), "signType": "RSA2"}), KEYS, NOW)


def test_json_within_a_field_is_signed_as_it_stands():
    fields = {**PAID, "attach": '{"b": 1,  "a":"é/订单"}'}
    shengpay.verify(_push(_sign(fields)), KEYS, NOW)
    tidied = {**_sign(fields), "attach": '{"a":"é/订单","b":1}'}
    assert contract.is_refused(shengpay, _push(tidied), KEYS, NOW)


def test_the_weak_algorithm_needs_a_key_of_its_own():
    old = _push(_sign({**PAID, "signType": "RSA"}, hashes.SHA1))
    with pytest.raises(KeyUnknown, match="public_key_sha1"):
        shengpay.verify(old, KEYS, NOW)
    shengpay.verify(old, secrets(public_key_sha1=public_pem(rsa_key())), NOW)
    both = secrets(public_key=public_pem(rsa_key()), public_key_sha1=public_pem(rsa_key()))
    downgraded = _push({**_sign(PAID), "signType": "RSA"})
    assert contract.is_refused(shengpay, downgraded, both, NOW)


@pytest.mark.parametrize("word", ["MD5", "rsa2", "NONE"])
def test_another_algorithm_is_refused(word):
    with pytest.raises(SignatureInvalid, match="neither RSA2 nor RSA"):
        shengpay.verify(_push(_sign({**PAID, "signType": word})), KEYS, NOW)


def test_what_is_not_signed_is_refused_by_name():
    with pytest.raises(SignatureMissing):
        shengpay.verify(_push(PAID), KEYS, NOW)
    with pytest.raises(SignatureInvalid, match="JSON"):
        shengpay.verify(_push([PAID]), KEYS, NOW)


def test_published_examples_are_read(shared):
    examples = json.loads((shared / "psp/shengpay/doc_examples.json").read_text("utf-8"))
    [paid] = _told(examples["payment_notify"])
    assert (paid.kind, paid.payment, paid.amount_minor) == (Kind.CAPTURE, "ORD202606160001", 100)
    [back] = _told(examples["refund_notify"])
    assert (back.kind, back.operation, back.amount_minor) == (
        Kind.REFUND, "RFWP2026061600001", 100,
    )  # fmt: skip
    for example in (examples["payment_notify"], examples["refund_notify"]):
        given = Genuine(_push(_sign({k: v for k, v in example.items() if k != "sign"})), KEYS, NOW)
        contract.check_genuine(shengpay, given, ACCOUNT)


def test_payment_is_told_with_its_names_order_and_instant():
    [event] = _told(PAID)
    assert (event.kind, event.result, event.operation) == (Kind.CAPTURE, Result.SUCCEEDED, "WP1")
    assert (event.payment, event.names, event.order) == ("ORD-1", ("WP1",), "A1")
    assert (event.amount_minor, event.currency, event.tag) == (100, "CNY", Tag.OWN)
    assert (event.customer, event.occurred_at) == ("15", NOW - 1_000_000)


def test_failed_payment_that_is_pushed_is_an_attempt_and_no_cancellation():
    [event] = _told({**PAID, "resultCode": "FAIL", "errorCode": "BANK_REFUSED"})
    assert (event.kind, event.result) == (Kind.AUTHORISE, Result.REFUSED)
    assert (event.reason, event.code) == (number("declined"), "BANK_REFUSED")


@pytest.mark.parametrize(
    ("state", "result"),
    [("SUCCESS", Result.SUCCEEDED), ("PROCESSING", Result.PENDING), ("CHANGE", Result.PENDING),
     ("REFUND_CLOSE", Result.REFUSED)],
)  # fmt: skip
def test_refund_amounts_are_texts_and_its_state_decides(state, result):
    [event] = _told({**REFUND, "refundStatus": state})
    assert (event.kind, event.result, event.operation) == (Kind.REFUND, result, "RF1")
    assert (event.amount_minor, event.tag, event.payment) == (30, Tag.OWN, "ORD-1")


def test_success_flag_is_honoured_for_refunds_too():
    [event] = _told({**REFUND, "resultCode": "FAIL", "errorCode": "BALANCE_NOT_ENOUGH"})
    assert (event.result, event.code) == (Result.REFUSED, "BALANCE_NOT_ENOUGH")


@pytest.mark.parametrize(
    ("state", "told"),
    [("WAIT_PAY", {(Kind.OPEN, Result.PENDING)}), ("PAYING", {(Kind.SUBMIT, Result.PENDING)}),
     ("SUCCESS", {(Kind.CAPTURE, Result.SUCCEEDED)}),
     ("REFUND", {(Kind.CAPTURE, Result.SUCCEEDED)}),
     ("CLOSED", {(Kind.CANCEL, Result.SUCCEEDED)}),
     ("REVOKED", {(Kind.CANCEL, Result.SUCCEEDED), (Kind.VOID, Result.SUCCEEDED)}),
     ("PAY_ERROR", {(Kind.AUTHORISE, Result.REFUSED), (Kind.OPEN, Result.PENDING)}),
     ("NEW_STATE", {(Kind.OTHER, Result.UNKNOWN)})],
)  # fmt: skip
def test_answer_says_by_its_state(state, told):
    found = _told(None, _answer({**PAID, "tradeState": state}))
    assert {(event.kind, event.result) for event in found} == told
    assert not any(event.life for event in found)


def test_order_that_does_not_exist_is_believed_only_if_signed():
    fields = {"returnCode": "SUCCESS", "resultCode": "FAIL", "errorCode": "ORDER_NOT_EXIST",
              "signType": "RSA2"}  # fmt: skip
    unsigned, signed = _answer(fields), _answer(_sign(fields))
    shengpay.verify(unsigned, KEYS, NOW)
    shengpay.verify(signed, KEYS, NOW)
    assert [each.kind for each in _told(None, unsigned)] == [Kind.OTHER]
    assert [each.kind for each in _told(None, signed)] == [Kind.ABSENT]
    with pytest.raises(SignatureMissing):
        shengpay.verify(_answer({**PAID, "tradeState": "SUCCESS"}), KEYS, NOW)
    with pytest.raises(SignatureMissing):
        shengpay.verify(_answer({"resultCode": "FAIL", "tradeState": "SUCCESS"}), KEYS, NOW)


def test_an_answer_about_another_order_is_not_read():
    found = shengpay.translate(_answer({**PAID, "outTradeNo": "X", "transactionId": "Y"}),
                               ACCOUNT, KEYS)  # fmt: skip
    assert isinstance(found, Unreadable)
    assert found.path == "outTradeNo"


def test_a_notice_of_another_merchant_is_not_read():
    ours = Account(source="shengpay", name="main", options={"mch_id": "1"})
    found = shengpay.translate(_push(PAID), ours, KEYS)
    assert isinstance(found, Unreadable)
    assert found.path == "mchId"


def test_a_repeated_notice_is_the_same_event_and_another_refund_is_another():
    def ids(fields):
        return {(event.identity, event.label) for event in _told(fields)}

    assert ids(PAID) == ids({**PAID, "nonceStr": "other", "sign": "other"})
    assert not ids(REFUND) & ids({**REFUND, "refundId": "RF2"})
    assert not ids(REFUND) & ids({**REFUND, "refundStatus": "PROCESSING"})


@pytest.mark.parametrize("fee", [1.5, "1.5", "-1", "1e3", "٣", True])
def test_an_amount_that_is_no_whole_fen_is_unreadable(fee):
    found = shengpay.translate(_push({**PAID, "totalFee": fee}), ACCOUNT, KEYS)
    assert isinstance(found, Unreadable)
    assert found.path == "totalFee"


def test_refund_is_ordered_once_by_its_key_and_accepted_is_not_done():
    options = {"mch_id": "93762611", "app_id": "3123", "notify_url": "https://shop.example/h"}
    account = Account(source="shengpay", name="main", options=options)
    ours = secrets(private_key=private_pem(rsa_key()))
    deed = Deed(verb=Verb.REFUND, payment="ORD-1", key="K1", amount_minor=30)
    request = shengpay.act(deed, account, ours, NOW, "n" * 40)
    body = json.loads(request.body)
    assert (body["outRefundNo"], body["refundFee"], body["outTradeNo"]) == ("K1", 30, "ORD-1")
    assert body == _sign({name: value for name, value in body.items() if name != "sign"})
    below = structs.replace(account, options={**options, "merchant": "7"})
    assert json.loads(shengpay.query("A", below, ours, NOW, "n").body)["subMchId"] == "7"
    close = Deed(verb=Verb.CLOSE, payment="ORD-1", key="K")
    assert shengpay.act(close, account, ours, 0, "") is None
    said = {"resultCode": "SUCCESS", "outTradeNo": "ORD-1", "refundId": "RF1", "signType": "RSA2"}
    [event] = _told(None, _answer(_sign(said), request.context))
    assert (event.kind, event.result, event.operation) == (Kind.REFUND, Result.PENDING, "RF1")
    said = {"resultCode": "FAIL", "errorCode": "ORDER_NOT_REFUNDABLE", "signType": "RSA2"}
    [event] = _told(None, _answer(_sign(said), request.context))
    assert (event.result, event.code) == (Result.REFUSED, "ORDER_NOT_REFUNDABLE")
    later = _sign({**said, "errorCode": "BIZERR_NEED_RETRY"})
    [event] = _told(None, _answer(later, request.context))
    assert (event.kind, event.result) == (Kind.OTHER, Result.UNKNOWN), "to be given again"
    [event] = _told(None, _answer(said, request.context))  # unsigned: nobody knows
    assert (event.kind, event.result) == (Kind.OTHER, Result.UNKNOWN)


def test_acknowledgement_is_plain_upper_case():
    kept = shengpay.acknowledge(Outcome.KEPT)
    assert (kept.status, kept.content_type, kept.body) == (200, "text/plain", b"SUCCESS")


def test_no_field_hides_in_the_one_before_it():
    """Joined, it would be signed all the same: a refund would look like a payment."""
    signed = _sign(REFUND)
    shown = ("refundId", "refundStatus", "refundSuccessTime")
    hidden = {name: text for name, text in signed.items() if name not in shown}
    hidden["refundFee"] = "&".join(
        [REFUND["refundFee"], *(f"{name}={REFUND[name]}" for name in shown)]
    )
    with pytest.raises(SignatureInvalid, match="hides in another"):
        shengpay.verify(_push(hidden), KEYS, NOW)
    shengpay.verify(_push(_sign({**PAID, "attach": "a=1&b=2"})), KEYS, NOW)


@pytest.mark.parametrize("state", ["WAIT_PAY", "PAYING", "CLOSED", "PAY_ERROR"])
def test_an_answer_that_is_pushed_is_no_payment(state):
    """It is signed like a notice, and its resultCode is that of the question."""
    found = _told({**PAID, "tradeState": state})
    assert not any(event.kind is Kind.CAPTURE for event in found)


def test_the_answer_to_a_refund_that_is_pushed_is_neither_a_payment_nor_a_refund():
    found = _told({name: text for name, text in REFUND.items() if name != "refundStatus"})
    assert [event.kind for event in found] == [Kind.OTHER]
