"""UnionPay: whose certificate it is, what is hashed twice, and which code decides."""

import base64
import hashlib
from datetime import UTC, datetime
from functools import cache
from urllib.parse import parse_qs, urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from msgspec import structs

from tests.signers import NOW, asked, events, private_pem, rsa_key, secrets
from voidtrail.errors import KeyUnknown, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account
from voidtrail.event.model import (
    QUERY,
    Deed,
    Delivery,
    Kind,
    Method,
    Result,
    Tag,
    Unreadable,
    Verb,
)
from voidtrail.event.reason import number
from voidtrail.sources import unionpay
from voidtrail.testing import contract
from voidtrail.testing.contract import Genuine

CN = "041@8310000000083040@中国银联股份有限公司@00016495"
ACCOUNT = Account(source="unionpay", name="main")
SENT = "20250615230639"
Q = "252506152306390000018"
PAID = {
    "version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "txnType": "01",
    "txnSubType": "01", "bizType": "000201", "accessType": "0", "merId": "777", "orderId": "A1001",
    "txnTime": SENT, "txnAmt": "1230", "currencyCode": "156", "queryId": Q, "respCode": "00",
    "respMsg": "成功[0000000]", "settleDate": "0615", "traceTime": "0615230640", "accNo": "",
    "reqReserved": "{a b+c/=&d}",
}  # fmt: skip
VOID = {**PAID, "txnType": "31", "txnSubType": "00", "orderId": "V1", "txnTime": "20250615233000",
        "traceTime": "0615233000", "queryId": "252506152330000000028", "origQryId": Q}  # fmt: skip


@cache
def made(cn, issuer, signer, owner="leaf", until=2090, since=2020):
    """A certificate: for whose key, by whose, until when."""
    name, above = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, each)])
                   for each in (cn, issuer))  # fmt: skip
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(above)
        .public_key(rsa_key(owner).public_key())
        .serial_number(68759663125)
        .not_valid_before(datetime(since, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(until, 1, 1, tzinfo=UTC))
    )
    signed = built.sign(rsa_key(signer), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode().strip()


ROOT = made("ROOT", "ROOT", "root", "root")
MIDDLE = made("OCA1", "ROOT", "root", "middle")
LEAF = made(CN, "OCA1", "middle")
KEYS = secrets(root_cert=ROOT, middle_cert=MIDDLE)


def _sign(fields, leaf=LEAF, key="leaf", inner=hashlib.sha256, outer=hashes.SHA256):
    fields = {**fields, "signPubKeyCert": leaf.replace("\n", "\r\n")} if leaf else dict(fields)
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if fields[name])
    digest = inner(text.encode()).hexdigest().encode()
    made_by = rsa_key(key).sign(digest, PKCS1v15(), outer())
    return {**fields, "signature": base64.b64encode(made_by).decode()}


def _push(fields):
    body = urlencode(fields).encode()
    return Delivery(source="unionpay", account="main", received_at=NOW, body=body)


def _answer(fields, context="", reference=f"A1001@{SENT}"):
    body = "&".join(f"{name}={text}" for name, text in fields.items()).encode()
    return structs.replace(asked("unionpay", body, reference), context=context)


def _told(fields, delivery=None, account=ACCOUNT):
    return events(unionpay, delivery or _push(fields), account, KEYS)


# ------------------------------------------------------------------------------------- authenticity


def test_genuine_is_accepted_and_its_forgeries_are_refused():
    contract.check_genuine(unionpay, Genuine(_push(_sign(PAID)), KEYS, NOW), ACCOUNT)


def test_answer_that_is_not_url_encoded_is_accepted():
    blocks = {"customerInfo": "{certifTp=01&certifId=1==}", "reqReserved": "{order=A1&x=2}"}
    fields = {**PAID, **blocks, "origRespCode": "00"}
    given = _answer(_sign(fields))
    unionpay.verify(given, KEYS, NOW)
    [event] = _told(None, given)
    assert (event.kind, event.order) == (Kind.CAPTURE, "A1")
    broken = structs.replace(given, body=given.body.replace(b"1230", b"1231"))
    assert contract.is_refused(unionpay, broken, KEYS, NOW)


def test_text_is_hashed_before_it_is_signed():
    text = "&".join(f"{k}={v}" for k, v in sorted({**PAID, "signPubKeyCert": LEAF}.items()) if v)
    once = rsa_key("leaf").sign(text.encode(), PKCS1v15(), hashes.SHA256())
    fields = {**PAID, "signPubKeyCert": LEAF, "signature": base64.b64encode(once).decode()}
    with pytest.raises(SignatureInvalid):
        unionpay.verify(_push(fields), KEYS, NOW)


@pytest.mark.parametrize(
    ("leaf", "told"),
    [
        (made(CN, "CN", "leaf"), "does not lead to a configured root_cert"),
        (made(CN, "OCA1", "leaf"), "does not lead"),  # the name of the issuer, not its key
        (made("041@1@别的公司@1", "OCA1", "middle"), "is not UnionPay's"),
        (made("中国银联股份有限公司", "OCA1", "middle"), "is not UnionPay's"),
        (made("1@中国银联股份有限公司@2@3", "OCA1", "middle"), "is not UnionPay's"),
        (made(CN, "OCA1", "middle", until=2025), "valid until 2025-01-01 is not valid now"),
        (made(CN, "OCA1", "middle", since=2026), "is not valid now"),
    ],
)
def test_a_certificate_in_the_message_is_a_strangers_until_it_is_proved(leaf, told):
    with pytest.raises(KeyUnknown, match=told) as refused:
        unionpay.verify(_push(_sign(PAID, leaf)), KEYS, NOW)
    assert "certificate 68759663125 of " in str(refused.value)


def test_an_issuer_that_has_expired_is_named():
    old = made("OCA1", "ROOT", "root", "middle", until=2025)
    with pytest.raises(KeyUnknown, match="of OCA1, valid until 2025-01-01 is not valid now"):
        unionpay.verify(_push(_sign(PAID)), secrets(root_cert=ROOT, middle_cert=old), NOW)


def test_the_published_sandbox_certificate_is_unionpays_and_named_when_expired(shared):
    pem = (shared / "psp/unionpay/unipayCertPublicKey.cer").read_text("ascii").strip()
    fields = {**PAID, "signPubKeyCert": pem, "signature": "eA=="}
    with pytest.raises(KeyUnknown, match="does not lead to a configured root_cert"):
        unionpay.verify(_push(fields), KEYS, NOW)
    trusting = secrets(root_cert=pem)
    with pytest.raises(SignatureInvalid, match="中国银联股份有限公司"):
        unionpay.verify(_push(fields), trusting, NOW)
    later = 1_760_000_000 * 1_000_000  # 2025-10
    with pytest.raises(KeyUnknown, match=r"69678957876 .* valid until 2025-07-31 is not"):
        unionpay.verify(_push(fields), trusting, later)


@pytest.mark.parametrize("version", [0, 1, 5, 117])
def test_a_certificate_of_another_version_is_none(version):
    """Found by changing genuine answers: a library raised what is no ValueError."""
    der = x509.load_pem_x509_certificate(LEAF.encode()).public_bytes(serialization.Encoding.DER)
    changed = der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01" + bytes([version]), 1)
    assert changed != der
    text = base64.encodebytes(changed).decode()
    pem = f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----"
    assert contract.is_refused(unionpay, _push(_sign(PAID, pem)), KEYS, NOW)


def test_roots_may_be_rolled_and_no_message_brings_its_own():
    both = secrets(root_cert=(made("NEW", "NEW", "new", "new"), ROOT), middle_cert=MIDDLE)
    unionpay.verify(_push(_sign(PAID)), both, NOW)
    for keys in (secrets(middle_cert=MIDDLE), secrets(root_cert=ROOT), {}):
        assert contract.is_refused(unionpay, _push(_sign(PAID)), keys, NOW)


def test_the_old_version_needs_a_certificate_of_its_own_and_names_it():
    fields = {**PAID, "version": "5.0.0", "certId": "68759663125"}
    given = _push(_sign(fields, "", inner=hashlib.sha1, outer=hashes.SHA1))
    with pytest.raises(KeyUnknown, match=r"no public_cert '68759663125'; has none"):
        unionpay.verify(given, KEYS, NOW)
    unionpay.verify(given, secrets(public_cert=LEAF), NOW)
    old = made(CN, "OCA1", "middle", until=2025)
    with pytest.raises(KeyUnknown, match="valid until 2025-01-01 is not valid now"):
        unionpay.verify(given, secrets(public_cert=old), NOW)
    other = {**fields, "certId": "1"}
    with pytest.raises(KeyUnknown, match=r"no public_cert '1'; has certificate 68759663125 of "):
        unionpay.verify(_push(_sign(other, "")), secrets(public_cert=LEAF), NOW)


def test_a_downgrade_to_the_old_version_or_another_method_is_refused():
    every = {**KEYS, **secrets(public_cert=LEAF, signing="key")}
    for change in ({"version": "5.0.0", "certId": "68759663125"}, {"signMethod": "11"},
                   {"signMethod": "12"}, {"version": "6.0"}, {"signMethod": ""}):  # fmt: skip
        with pytest.raises(SignatureInvalid):
            unionpay.verify(_push({**_sign(PAID), **change}), every, NOW)


def test_a_shared_key_is_hashed_before_it_is_put_behind():
    fields = {**PAID, "signMethod": "11"}
    text = "&".join(f"{k}={v}" for k, v in sorted(fields.items()) if v)
    inner = hashlib.sha256(b"key").hexdigest()
    sign = hashlib.sha256(f"{text}&{inner}".encode()).hexdigest()
    unionpay.verify(_push({**fields, "signature": sign}), secrets(signing="key"), NOW)
    for keys in (secrets(signing="other"), {}):
        assert contract.is_refused(unionpay, _push({**fields, "signature": sign}), keys, NOW)


def test_parameters_of_our_own_address_are_no_part_of_the_form():
    given = _push(_sign(PAID))
    unionpay.verify(structs.replace(given, headers=((QUERY, "shop=1"),)), KEYS, NOW)


def test_what_is_not_signed_is_refused_unless_it_is_an_answer_of_an_error():
    with pytest.raises(SignatureMissing):
        unionpay.verify(_push(PAID), KEYS, NOW)
    with pytest.raises(SignatureMissing):
        unionpay.verify(_answer({**PAID, "origRespCode": "00"}), KEYS, NOW)
    unsigned = _answer({**PAID, "respCode": "34"})
    unionpay.verify(unsigned, KEYS, NOW)
    assert [event.kind for event in _told(None, unsigned)] == [Kind.OTHER]
    signed = _answer(_sign({**PAID, "respCode": "34"}))
    assert [event.kind for event in _told(None, signed)] == [Kind.ABSENT]


# ------------------------------------------------------------------------------------------ meaning


def test_payment_is_told_with_its_names_instant_and_day_of_settlement():
    [event] = _told(PAID)
    assert (event.kind, event.result, event.operation) == (Kind.CAPTURE, Result.SUCCEEDED, Q)
    assert (event.payment, event.names, event.order) == (f"A1001@{SENT}", (Q,), "A1001")
    assert (event.amount_minor, event.currency, event.tag) == (1230, "CNY", Tag.OWN)
    assert (event.occurred_at, event.method) == (NOW, Method.HOSTED_CHECKOUT)
    assert event.dimensions == (("settle_on", "2025-06-15"),)


def test_days_without_a_year_take_the_nearest():
    [event] = _told({**PAID, "txnTime": "20251231235959", "traceTime": "0101000001",
                     "settleDate": "0101"})  # fmt: skip
    assert event.occurred_at == 1_767_196_801_000_000  # 2026-01-01 00:00:01 in Beijing
    assert event.dimensions == (("settle_on", "2026-01-01"),)


@pytest.mark.parametrize(
    ("kind", "told", "target"),
    [("31", Kind.VOID, f"capture:{Q}"), ("32", Kind.VOID, f"authorise:{Q}"),
     ("33", Kind.VOID, f"capture:{Q}"), ("99", Kind.REVERSE, f"capture:{Q}"),
     ("04", Kind.REFUND, ""), ("03", Kind.CAPTURE, "")],
)  # fmt: skip
def test_a_transaction_about_another_names_it(kind, told, target):
    [event] = _told({**VOID, "txnType": kind})
    assert (event.kind, event.result, event.reverses) == (told, Result.SUCCEEDED, target)
    assert event.operation == "252506152330000000028"
    if kind == "99":  # a reversal has the number and the instant of its original
        assert event.payment == "V1@20250615233000"
    else:
        assert (event.payment, event.order) == (Q, "")
    assert ("V1@20250615233000" in event.names) == (kind == "03")


@pytest.mark.parametrize(
    ("code", "kind", "result"),
    [("00", Kind.CAPTURE, Result.SUCCEEDED), ("A6", Kind.CAPTURE, Result.SUCCEEDED),
     ("03", Kind.SUBMIT, Result.PENDING), ("04", Kind.SUBMIT, Result.PENDING),
     ("05", Kind.SUBMIT, Result.PENDING), ("64", Kind.AUTHORISE, Result.REFUSED),
     ("99", Kind.AUTHORISE, Result.REFUSED)],
)  # fmt: skip
def test_the_transactions_own_code_decides_in_notices_and_in_answers(code, kind, result):
    [pushed] = _told({**PAID, "respCode": code})
    found = _told(None, _answer(_sign({**PAID, "origRespCode": code})))
    assert (pushed.kind, pushed.result) == (kind, result)
    asked_kind = Kind.OPEN if result is Result.PENDING else kind  # not paid yet: ask again
    assert (found[0].kind, found[0].result) == (asked_kind, result)
    assert not any(event.life for event in found)


def test_a_refused_void_or_refund_is_neither():
    for kind, told in (("31", Kind.VOID), ("04", Kind.REFUND)):
        [event] = _told({**VOID, "txnType": kind, "respCode": "35"})
        assert (event.kind, event.result, event.code) == (told, Result.REFUSED, "35")


def test_success_of_the_question_is_not_success_of_the_payment():
    found = _told(None, _answer(_sign({**PAID, "respCode": "00", "origRespCode": "64"})))
    assert not any(event.kind is Kind.CAPTURE for event in found)
    assert found[0].reason == number("insufficient_funds")


@pytest.mark.parametrize("inner", ["05", "64"])
def test_after_the_pay_timeout_what_is_no_success_has_expired(inner):
    late = {**PAID, "origRespCode": inner, "payTimeout": "20250615230638"}
    [event] = _told(None, _answer(_sign(late)))
    assert (event.kind, event.reason) == (Kind.EXPIRE, number("timed_out"))
    assert event.occurred_at == NOW - 2_000_000
    early = {**late, "payTimeout": "20250615230641"}
    assert Kind.EXPIRE not in {event.kind for event in _told(None, _answer(_sign(early)))}
    timed = Account(source="unionpay", name="main", options={"timeout_s": "0"})
    early = {name: text for name, text in early.items() if name != "payTimeout"}
    [event] = _told(None, _answer(_sign(early)), timed)
    assert event.kind is Kind.EXPIRE
    paid = {**late, "origRespCode": "00"}
    assert [event.kind for event in _told(None, _answer(_sign(paid)))] == [Kind.CAPTURE]


def test_unlisted_types_and_codes_are_told_as_other():
    assert [(e.kind, e.code) for e in _told({**PAID, "txnType": "79"})] == [(Kind.OTHER, "79/00")]
    [event] = _told(None, _answer({**PAID, "respCode": "06"}))
    assert (event.kind, event.code) == (Kind.OTHER, "query/06")


def test_a_repeated_notice_is_the_same_event():
    def ids(fields):
        return {(event.identity, event.label) for event in _told(fields)}

    assert ids(_sign(PAID)) == ids({**PAID, "signature": "another"})
    assert not ids(PAID) & ids({**PAID, "queryId": "7"})
    assert not ids(VOID) & ids({**VOID, "respCode": "35"})


@pytest.mark.parametrize(
    ("change", "path"),
    [({"txnAmt": "12.30"}, "txnAmt"), ({"txnAmt": "-1"}, "txnAmt"),
     ({"orderId": "", "queryId": ""}, "orderId")],
)  # fmt: skip
def test_what_cannot_be_read_is_unreadable_by_its_field(change, path):
    found = unionpay.translate(_push({**PAID, **change}), ACCOUNT, KEYS)
    assert isinstance(found, Unreadable)
    assert found.path == path


def test_another_merchants_and_another_orders_statement_is_not_read():
    ours = Account(source="unionpay", name="main", options={"mer_id": "778"})
    assert unionpay.translate(_push(PAID), ours, KEYS).path == "merId"
    other = _answer({**PAID, "origRespCode": "00"}, reference="B1@20250615230639")
    assert unionpay.translate(other, ACCOUNT, KEYS).path == "orderId"


# --------------------------------------------------------------------------------------- requests


def _ours(**options):
    options = {"mer_id": "777", "cert_id": "68759663125", "back_url": "https://x", **options}
    return Account(source="unionpay", name="main", options=options)


def test_question_needs_order_and_instant_and_is_signed_twice_hashed():
    ours = secrets(private_key=private_pem(rsa_key("merchant")))
    assert unionpay.query("A1001", _ours(), ours, NOW, "") is None
    request = unionpay.query(f"A1001@{SENT}", _ours(), ours, NOW, "")
    fields = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    assert (fields["orderId"], fields["txnTime"], fields["txnType"]) == ("A1001", SENT, "00")
    unsigned = {name: text for name, text in fields.items() if name != "signature"}
    assert fields == _sign(unsigned, "", "merchant")
    assert request.url == "https://gateway.95516.com/gateway/api/queryTrans.do"


@pytest.mark.parametrize(
    ("verb", "txn_type", "kind"),
    [(Verb.VOID, "01", "31"), (Verb.VOID, "02", "32"), (Verb.REFUND, "01", "04")],
)
def test_a_deed_keeps_its_number_at_every_try(verb, txn_type, kind):
    ours = secrets(private_key=private_pem(rsa_key("merchant")))
    deed = Deed(verb=verb, payment=f"A1001@{SENT}", key="K1", operation=Q, amount_minor=1230)
    account = _ours(txn_type=txn_type)
    first, again = (unionpay.act(deed, account, ours, at, "") for at in (NOW, NOW + 9_000_000))
    one, two = (
        {k: v[0] for k, v in parse_qs(each.body.decode()).items()} for each in (first, again)
    )
    assert (one["txnType"], one["origQryId"], one["txnAmt"]) == (kind, Q, "1230")
    assert one["orderId"] == two["orderId"]
    assert 8 <= len(one["orderId"]) <= 32
    decided = structs.replace(deed, decided_at=NOW)  # a try after midnight is the same transaction
    late = unionpay.act(decided, account, ours, NOW + 86_400_000_000, "")
    assert parse_qs(late.body.decode())["txnTime"] == [one["txnTime"]]
    for missing in (structs.replace(deed, operation=""), structs.replace(deed, amount_minor=None),
                    structs.replace(deed, verb=Verb.CLOSE)):  # fmt: skip
        assert unionpay.act(missing, account, ours, NOW, "") is None


def test_accepted_is_not_done():
    given = _answer(_sign({**VOID, "respCode": "00"}), "act:void")
    [event] = _told(None, given)
    assert (event.kind, event.result) == (Kind.VOID, Result.PENDING)
    assert event.payment == f"A1001@{SENT}"
    [event] = _told(None, _answer(_sign({**VOID, "respCode": "12"}), "act:void"))
    assert (event.result, event.code) == (Result.PENDING, "12")  # 重复交易: taken before
    [event] = _told(None, _answer(_sign({**VOID, "respCode": "35"}), "act:void"))
    assert (event.kind, event.result, event.code) == (Kind.VOID, Result.REFUSED, "35")
    [event] = _told(None, _answer({**VOID, "respCode": "35"}, "act:void"))  # unsigned
    assert (event.kind, event.result) == (Kind.OTHER, Result.UNKNOWN)


def test_no_field_hides_in_the_one_before_it():
    signed = _sign(VOID)
    hidden = {name: text for name, text in signed.items() if name != "origQryId"}
    hidden["orderId"] = f"{VOID['orderId']}&origQryId={Q}"
    with pytest.raises(SignatureInvalid, match="and alone"):
        unionpay.verify(_push(hidden), KEYS, NOW)


@pytest.mark.parametrize("inner", ["05", "64"])
def test_an_answer_that_is_pushed_is_no_payment(inner):
    """It is signed like a notice, and its respCode is that of the question."""
    found = _told({**PAID, "respCode": "00", "origRespCode": inner})
    assert not any(event.kind is Kind.CAPTURE for event in found)
