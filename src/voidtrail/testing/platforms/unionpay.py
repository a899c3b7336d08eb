"""A UnionPay 银联 (ACP 5.1.0) of our own: gateway payments and pre-authorisations.

Only successful transactions are pushed. Every message brings the certificate that signed it, issued
by a root of this fake's own; answers are not URL-encoded.

Source: open.unionpay.com, 平台接入接口规范
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import ClassVar, Final
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from voidtrail.event.model import Micros
from voidtrail.sources.crypto import rsa_sign, rsa_verifies
from voidtrail.testing.platforms.fake import (
    Answer,
    Asked,
    FakePayment,
    FakePlatform,
    Known,
    Notice,
    Posting,
    Situation,
    Step,
)
from voidtrail.testing.world.keys import certificate_pem, new_key, private_pem, public_pem

_MER_ID: Final = "777290058110048"
_CERT_ID: Final = "68759663125"
_OWNER: Final = "041@8310000000083040@中国银联股份有限公司@00016495"
_FORM: Final = (("Content-Type", "application/x-www-form-urlencoded"),)
_TEXT: Final = (("Content-Type", "text/html;charset=UTF-8"),)
_OPEN: Final = Step.OPEN
_SHARED: Final = {
    "version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "bizType": "000201",
    "accessType": "0", "merId": _MER_ID, "currencyCode": "156",
}  # fmt: skip
_NAMES: Final = {"root": "FAKE ROOT CA", "middle": "FAKE OCA1", "unionpay": _OWNER}
_CODES: Final = {"open": "05", "declined": "64", "done": "00"}
Fields = dict[str, str]


@lru_cache(maxsize=4)
def _key(owner: str) -> RSAPrivateKey:
    return new_key()


@lru_cache(maxsize=4)
def _certificate(owner: str, issuer: str) -> str:
    """Return a certificate for one of our keys, valid for long."""
    return certificate_pem(_NAMES[owner], _key(owner), _NAMES[issuer], _key(issuer))


class FakeUnionpay(FakePlatform):
    """One merchant."""

    SOURCE = "unionpay"
    PLAYS: ClassVar[Mapping[Situation, tuple[Step, ...]]] = {
        Situation.PAID: (_OPEN, Step.CAPTURE),
        Situation.LEFT: (_OPEN,),
        Situation.MERCHANT_VOIDED: (_OPEN, Step.AUTHORISE, Step.VOID),
        Situation.EXPIRED: (_OPEN, Step.EXPIRE),
        Situation.DECLINED: (_OPEN, Step.DECLINE),
        Situation.DECLINED_THEN_PAID: (_OPEN, Step.DECLINE, Step.CAPTURE),
        Situation.RETURNED: (_OPEN, Step.CAPTURE, Step.REFUND),
        Situation.REFUSED_CANCELLATION: (_OPEN, Step.AUTHORISE, Step.VOID_REFUSED),
    }
    KNOWN: ClassVar[Mapping[Situation, Known]] = {
        Situation.PAID: Known("paid", money="taken"),
        Situation.LEFT: Known("cancelled", "abandoned", "customer"),
        Situation.MERCHANT_VOIDED: Known("cancelled", "merchant_voided", "merchant"),
        Situation.EXPIRED: Known("cancelled", "expired", "platform"),
        Situation.DECLINED: Known("cancelled", "gave_up_after_decline", "issuer"),
        Situation.DECLINED_THEN_PAID: Known("paid", money="taken"),
        Situation.RETURNED: Known("cancelled", "refunded_in_full", "merchant", "returned"),
        Situation.REFUSED_CANCELLATION: Known("open", money="held"),
    }
    ASKED: ClassVar[Mapping[Situation, Known]] = {
        # A query tells of its own transaction alone: voids and refunds have numbers of their own.
        Situation.MERCHANT_VOIDED: Known("open", money="held"),
        Situation.RETURNED: Known("paid", money="taken"),
    }

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._private = private_pem(_key("unionpay"))
        self._merchant = public_pem(_key("merchant"))
        self._sent: set[tuple[str, str]] = set()
        self._made = 0

    def secrets(self) -> Mapping[str, str]:
        """Return the certificates above UnionPay's own, and the merchant's key."""
        return {
            "root_cert": _certificate("root", "root"),
            "middle_cert": _certificate("middle", "root"),
            "private_key": private_pem(_key("merchant")),
        }

    def options(self, address: str) -> Mapping[str, str]:
        """Return the merchant's numbers; voids are of pre-authorisations."""
        return {
            "api_base": address, "mer_id": _MER_ID, "cert_id": _CERT_ID, "txn_type": "02",
            "back_url": "https://shop.example/hooks/unionpay/main",
        }  # fmt: skip

    def reference(self, order: str) -> str:
        """Return "orderId@txnTime"; the instant is made up, and each payment has another."""
        self._made += 1
        return f"{order}@20260921{self._made // 60 % 24:02d}{self._made % 60:02d}00"

    # ------------------------------------------------------------------ statements

    def _fields(self, payment: FakePayment, kind: str, at: Micros) -> Fields:
        order, _, sent = payment.reference.partition("@")
        return {
            **_SHARED, "txnType": kind, "txnSubType": "01" if kind in ("01", "02") else "00",
            "orderId": order, "txnTime": sent, "txnAmt": str(payment.amount_minor),
            "queryId": self.id_of(payment, "query", "2609", 17), "traceTime": _beijing(at)[4:],
            "settleDate": _beijing(at)[4:8], "respCode": "00", "respMsg": "成功[0000000]",
            "reqReserved": f"{{order={payment.order}}}",
        }  # fmt: skip

    def _modification(self, payment: FakePayment, kind: str, at: Micros, amount: int) -> Fields:
        query = self.id_of(payment, f"{kind}-{len(payment.done)}", "2609", 17)
        return self._fields(payment, kind, at) | {
            "orderId": f"M{query}", "txnTime": _beijing(at), "queryId": query,
            "origQryId": payment.ids["query"], "txnAmt": str(amount),
        }  # fmt: skip

    def tell(self, payment: FakePayment, step: Step, at: Micros) -> Iterable[Notice]:
        """Tell of what succeeded, and of nothing else."""
        if step is Step.AUTHORISE:
            said = self._fields(payment, "02", at)
        elif step is Step.CAPTURE and payment.at(Step.AUTHORISE):
            said = self._modification(payment, "03", at, payment.captured)
        elif step is Step.CAPTURE:
            said = self._fields(payment, "01", at)
        elif step is Step.VOID:
            said = self._modification(payment, "32", at, payment.amount_minor)
        elif step is Step.REFUND:
            said = self._modification(payment, "04", at, payment.refunds[-1].amount_minor)
        else:
            return
        yield Notice(urlencode(said).encode(), at)

    def sign(self, notice: Notice, at: Micros) -> Posting:
        """Sign the fields, the certificate among them."""
        return Posting(
            _FORM, urlencode(self._signed(dict(parse_qsl(notice.body.decode())))).encode()
        )

    def _signed(self, fields: Fields) -> Fields:
        certificate = _certificate("unionpay", "middle").strip().replace("\n", "\r\n")
        fields = {**fields, "signPubKeyCert": certificate}
        return fields | {"signature": rsa_sign(self._private, _digest(fields))}

    # ------------------------------------------------------------------ requests

    def answer(self, asked: Asked, at: Micros) -> Answer:
        """Answer about transactions, void and refund; answers are not URL-encoded."""
        wanted = dict(parse_qsl(asked.body.decode("utf-8", "replace")))
        sign = wanted.pop("signature", "")
        echo = {name: wanted.get(name, "") for name in ("txnType", "orderId", "txnTime")}
        if not rsa_verifies(self._merchant, sign, _digest(wanted)):
            said = {**_SHARED, **echo, "respCode": "11", "respMsg": "验签失败[9100004]"}
        elif asked.path.endswith("/queryTrans.do"):
            said = self._asked(wanted, echo, at)
        else:
            said = self._ordered(wanted, echo, at)
        fields = self._signed({name: text for name, text in said.items() if text})
        return Answer(200, _TEXT, "&".join(f"{k}={v}" for k, v in fields.items()).encode())

    def _asked(self, wanted: Fields, echo: Fields, at: Micros) -> Fields:
        payment = self.payments.get(f"{wanted.get('orderId')}@{wanted.get('txnTime')}")
        if payment is None:
            return {**_SHARED, **echo, "respCode": "34", "respMsg": "查无此交易[2600000]"}
        done = payment.at(Step.CAPTURE) or payment.at(Step.AUTHORISE)
        state = "done" if done else "declined" if payment.at(Step.DECLINE) else "open"
        kind = "02" if payment.at(Step.AUTHORISE) else "01"
        said = self._fields(payment, kind, done or at) | {"origRespCode": _CODES[state]}
        if payment.at(Step.EXPIRE):
            said["payTimeout"] = _beijing(payment.at(Step.EXPIRE) or 0)
        return said

    def _ordered(self, wanted: Fields, echo: Fields, at: Micros) -> Fields:
        """Accept a void or a refund; a number that was used today is refused."""
        accepted = {**_SHARED, **echo, "origQryId": wanted.get("origQryId", ""), "respCode": "00"}
        original = wanted.get("origQryId", "-")
        payment = next(
            (each for each in self.payments.values() if each.ids.get("query") == original), None
        )
        if payment is None:
            return accepted | {"respCode": "34", "respMsg": "查无此交易[2600000]"}
        # A number is known for its day alone: a later one makes another transaction of it.
        once = wanted["orderId"], wanted["txnTime"][:8]
        if once in self._sent:
            return accepted | {"respCode": "12", "respMsg": "重复交易[2040004]"}
        amount = int(wanted["txnAmt"])
        if wanted["txnType"] == "04":
            fits = payment.status == "paid" and amount <= payment.captured - payment.returned
            done = fits and self.do(payment, Step.REFUND, at, amount, wanted["orderId"])
        else:
            fits = wanted["txnType"] == "32" and amount == payment.held
            done = fits and self.do(payment, Step.VOID, at)
        if not done:
            return accepted | {"respCode": "35", "respMsg": "原交易状态不正确[2050004]"}
        self._sent.add(once)
        return accepted | {"respMsg": "成功[0000000]"}


def _digest(fields: Mapping[str, str]) -> bytes:
    pairs = "&".join(f"{name}={text}" for name, text in sorted(fields.items()) if text)
    return sha256(pairs.encode()).hexdigest().encode()


def _beijing(at: Micros) -> str:
    moment = datetime.fromtimestamp(at // 1_000_000, UTC) + timedelta(hours=8)
    return f"{moment:%Y%m%d%H%M%S}"
