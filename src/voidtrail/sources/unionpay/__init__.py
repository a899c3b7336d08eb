"""UnionPay ACP 银联 (5.1.0, and 5.0.0): forms signed over the hex hash of their sorted fields.

A message brings the certificate that signed it; it is a stranger's until it leads to a configured
root, is UnionPay's own and valid. Only successes are pushed: what failed, was left or ran out is
learnt by asking, and there `origRespCode` decides, not `respCode`. A void, a completion or a refund
is a transaction of its own that names its original by `origQryId`.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode

from voidtrail.errors import KeyUnknown, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import Acknowledgement, Deed, Delivery, Micros, Request, Verb
from voidtrail.sources import canonical, crypto, reading
from voidtrail.sources.contract import Capabilities, Identity, Outcome, Translation, unreadable
from voidtrail.sources.telling import ASKED
from voidtrail.sources.unionpay import facts, wire

NAME: Final = "unionpay"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="UnionPay ACP 银联", webhook=True, query=True, void=True, refund=True,
    retries="5 times (0, 1, 2, 4 m apart); open.unionpay.com",
    amount_unit="minor", zone="Asia/Shanghai",
    secrets=("root_cert", "middle_cert", "public_cert", "signing", "private_key"),
    needed=("root_cert",), probe="probe@20260101000000",
)  # fmt: skip
IDENTITY: Final = Identity(
    fields=("via", "queryId or orderId@txnTime", "txnType", "respCode", "origRespCode")
)
"""Signatures carry no instant: the set of known events is the protection against replays."""

EVENTS: Final = facts.EVENTS
REASONS: Final = facts.REASONS
_VERSIONS: Final = ("5.1.0", "5.0.0")
_READ: Final = frozenset({
    "merId", "orderId", "txnTime", "txnType", "txnAmt", "currencyCode", "queryId", "origQryId",
    "respCode", "origRespCode", "settleDate", "traceTime", "payTimeout", "subMerId",
    "origOrderId", "origTxnTime",
})  # fmt: skip
_API_BASE: Final = "https://gateway.95516.com"
_QUERY: Final = "/gateway/api/queryTrans.do"
_BACK: Final = "/gateway/api/backTransReq.do"
_FORM: Final = "application/x-www-form-urlencoded;charset=UTF-8"
_ANSWERS: Final = {
    Outcome.KEPT: Acknowledgement(200, "text/plain", b"ok"),
    Outcome.REFUSED: Acknowledgement(401, "text/plain", b"fail"),
    Outcome.BUSY: Acknowledgement(503, "text/plain", b"fail"),
    Outcome.TOO_LARGE: Acknowledgement(413, "text/plain", b"fail"),
}


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Check the signature of a notice's form or of an answer, and whose certificate it is.

    5.1.0 is checked by the certificate in the message, which must lead over "middle_cert" to a
    "root_cert", belong to UnionPay and be valid. 5.0.0 is checked only by certificates given as
    "public_cert", signMethod 11 only by a key given as "signing". Parameters of our own address are
    no part of the form. The answer of an error may come unsigned; it proves nothing then.

    Raises:
        SignatureMissing: no `signature`.
        SignatureInvalid: the signature, the algorithm or the body is wrong.
        KeyUnknown: the certificate, which is named, is a stranger's or not valid, or none is known.
    """
    fields = _fields(delivery)
    if fields is None or canonical.hides_field(fields, _READ):
        raise SignatureInvalid("the body is no form in which every field stands once, and alone")
    signature, method = fields.get("signature", ""), fields.get("signMethod", "")
    if not signature:
        if delivery.via is ASKED and fields.get("respCode") not in facts.DONE:
            return
        raise SignatureMissing("the form has no signature")
    version = fields.get("version", "")
    if version not in _VERSIONS or method not in ("01", "11"):
        raise SignatureInvalid(
            "version is neither 5.1.0 nor 5.0.0, or signMethod neither 01 nor 11"
        )
    text = wire.signed_text(fields)
    if method == "11":
        keys = [each.reveal() for each in secrets.get("signing", ())]
        if not any(crypto.same(_hashed(text, key), signature.lower()) for key in keys):
            raise SignatureInvalid("signature does not match under any of the account's keys")
        return
    key = _pinned(delivery, fields, secrets, now) if version == "5.0.0" else (
        _chained(fields, secrets, now))  # fmt: skip
    if not wire.verifies(version, key.pem, signature, text):
        raise SignatureInvalid(f"signature does not match the form under {key.title}")


def _fields(delivery: Delivery) -> Mapping[str, str] | None:
    if delivery.via is ASKED:
        return wire.answer(delivery.body)
    return wire.form(delivery.body)


def _hashed(text: bytes, key: str) -> bytes:
    inner = sha256(key.encode()).hexdigest().encode()
    return sha256(text + b"&" + inner).hexdigest().encode()


def _chained(fields: Mapping[str, str], secrets: Secrets, now: Micros) -> crypto.Certificate:
    """Return the certificate of a message, proved to be UnionPay's and valid."""
    found = crypto.certificate(fields.get("signPubKeyCert", ""))
    if found is None:
        raise SignatureInvalid("signPubKeyCert is no certificate")
    if not wire.is_unionpays(found):
        raise KeyUnknown(f"{found.title} is not UnionPay's")
    middles, roots = (
        tuple(each.reveal() for each in secrets.get(name, ()))
        for name in ("middle_cert", "root_cert")
    )
    chain = wire.chain(found.pem, middles, roots)
    if chain is None:
        raise KeyUnknown(
            f"{found.title} does not lead to a configured root_cert over middle_cert; "
            "test certificates have other issuers than those of production"
        )
    for each in chain:
        link = crypto.certificate(each)
        if link is None or not link.is_valid(now):
            raise KeyUnknown(f"{link.title if link else found.title} is not valid now")
    return found


def _pinned(
    delivery: Delivery, fields: Mapping[str, str], secrets: Secrets, now: Micros
) -> crypto.Certificate:
    """Return the configured certificate that a message of version 5.0.0 names."""
    known = [crypto.certificate(each.reveal()) for each in secrets.get("public_cert", ())]
    serial = fields.get("certId", "")
    found = next((each for each in known if each and each.serial == serial), None)
    if found is None:
        ours = ", ".join(each.title for each in known if each) or "none"
        raise KeyUnknown(
            f"account {delivery.account} has no public_cert {serial[:40]!r}; has {ours}"
        )
    if not found.is_valid(now):
        raise KeyUnknown(f"{found.title} is not valid now")
    return found


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read a notice of one transaction, or an answer."""
    fields = _fields(delivery)
    if fields is None:
        return unreadable("body", "no form in which every field stands once")
    return facts.facts(fields, delivery, account)


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return 200; UnionPay reads the status alone."""
    return _ANSWERS[outcome]


def query(
    reference: str, account: Account, secrets: Secrets, now: Micros, nonce: str
) -> Request | None:
    """Ask about "orderId@txnTime"; None without it, "private_key", mer_id and cert_id."""
    order, _, sent = reference.partition("@")
    wanted = {"txnType": "00", "txnSubType": "00", "orderId": order, "txnTime": sent}
    return _request(_QUERY, wanted, reference, account, secrets) if order and sent else None


def act(deed: Deed, account: Account, secrets: Secrets, now: Micros, nonce: str) -> Request | None:
    """Void in full or refund, by the `queryId` of the original; None without it and the amount.

    Order number and instant of the new transaction are those of the decision. UnionPay knows a
    transaction by both, so that a repeated try, be it after midnight, does nothing twice.
    """
    amount = deed.amount_minor or deed.total_minor
    back_url = account.options.get("back_url", "")
    if (
        deed.verb not in (Verb.VOID, Verb.REFUND)
        or not deed.operation
        or not amount
        or not back_url
    ):
        return None
    is_hold = account.options.get("txn_type") == "02"
    kind = "04" if deed.verb is Verb.REFUND else "32" if is_hold else "31"
    wanted = {
        "txnType": kind, "txnSubType": "00", "origQryId": deed.operation, "txnAmt": str(amount),
        "orderId": "V" + sha256(deed.key.encode()).hexdigest()[:24], "backUrl": back_url,
        "txnTime": _beijing(deed.decided_at or now), "currencyCode": "156",
    }  # fmt: skip
    return _request(_BACK, wanted, deed.payment, account, secrets, f"act:{deed.verb.value}")


def _beijing(now: Micros) -> str:
    return "".join(each for each in reading.wall_text(now) if each.isdigit())


def _request(
    path: str, wanted: dict[str, str], payment: str, account: Account, secrets: Secrets,
    context: str = "",
) -> Request | None:  # fmt: skip
    keys = secrets.get("private_key", ())
    mer_id, cert_id = account.options.get("mer_id", ""), account.options.get("cert_id", "")
    if not keys or not mer_id or not cert_id:
        return None
    fields = {
        "version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "accessType": "0",
        "bizType": account.options.get("biz_type", "000201"), "channelType": "07",
        "merId": mer_id, "certId": cert_id, **wanted,
    }  # fmt: skip
    digest = crypto.hashed_hex(wire.signed_text(fields), "sha256")
    form = {**fields, "signature": crypto.rsa_sign(keys[0].reveal(), digest)}
    return Request(
        method="POST", url=account.options.get("api_base", _API_BASE).rstrip("/") + path,
        payment=payment, headers=(("Content-Type", _FORM),), body=urlencode(form).encode(),
        context=context,
    )  # fmt: skip
