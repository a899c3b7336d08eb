"""A WeChat Pay 微信支付 of our own: Native QR orders, API v3, sealed and signed with RSA.

Only payments and refunds are pushed; everything else is learnt by asking.

Source: pay.weixin.qq.com/doc/v3/merchant/4012791861 (notices), 4012791859 (query),
4012791860 (close), 4012791862 (refund)
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, ClassVar, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from voidtrail.event.model import Micros
from voidtrail.sources.crypto import rsa_sign, rsa_verifies
from voidtrail.testing.platforms.fake import (
    Answer,
    Asked,
    FakePayment,
    FakePlatform,
    Headers,
    Known,
    Notice,
    Posting,
    Refund,
    Situation,
    Step,
)
from voidtrail.testing.world.keys import new_key, private_pem, public_pem

_MCHID: Final = "1900000109"
_APPID: Final = "wx8888888888888888"
_SERIAL: Final = "7777777777777777777777777777777777777777"
_PUBLIC_ID: Final = "PUB_KEY_ID_0119000001092026010100000000"
_SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
_BEIJING: Final = timezone(timedelta(hours=8))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AUTHORIZATION: Final = re.compile(r'(\w+)="([^"]*)"')
_BY_NUMBER: Final = "pay/transactions/out-trade-no/"
_OPEN: Final = Step.OPEN
Json = dict[str, Any]


@lru_cache(maxsize=2)
def _key(owner: str) -> RSAPrivateKey:
    return new_key()


class FakeWechatpay(FakePlatform):
    """One merchant."""

    SOURCE = "wechatpay"
    PLAYS: ClassVar[Mapping[Situation, tuple[Step, ...]]] = {
        Situation.PAID: (_OPEN, Step.CAPTURE),
        Situation.LEFT: (_OPEN,),
        Situation.PLATFORM_CLOSED: (_OPEN, Step.CLOSE),
        Situation.EXPIRED: (_OPEN, Step.EXPIRE),
        Situation.DECLINED: (_OPEN, Step.DECLINE),
        Situation.DECLINED_THEN_PAID: (_OPEN, Step.DECLINE, Step.CAPTURE),
        Situation.RETURNED: (_OPEN, Step.CAPTURE, Step.REFUND),
    }
    KNOWN: ClassVar[Mapping[Situation, Known]] = {
        Situation.PAID: Known("paid", money="taken"),
        Situation.LEFT: Known("cancelled", "abandoned", "customer"),
        Situation.PLATFORM_CLOSED: Known("cancelled", "platform_closed"),
        Situation.EXPIRED: Known("cancelled", "platform_closed"),  # CLOSED does not say by whom
        Situation.DECLINED: Known("cancelled", "abandoned", "customer"),  # it stays NOTPAY
        Situation.DECLINED_THEN_PAID: Known("paid", money="taken"),
        Situation.RETURNED: Known("cancelled", "refunded_in_full", "merchant", "returned"),
    }
    ASKED: ClassVar[Mapping[Situation, Known]] = {
        # trade_state REFUND says that some refund exists, not how much.
        Situation.RETURNED: Known("paid", money="taken"),
    }

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._platform = private_pem(_key("platform"))
        self._public = public_pem(_key("merchant"))
        self._api_v3 = self.alnum(32)

    def secrets(self) -> Mapping[str, str]:
        """Return WeChat Pay's public key, the APIv3 key, and the merchant's own key."""
        return {
            "platform_key": f"{_PUBLIC_ID}={public_pem(_key('platform'))}",
            "api_v3_key": self._api_v3, "private_key": private_pem(_key("merchant")),
        }  # fmt: skip

    def options(self, address: str) -> Mapping[str, str]:
        """Return where it is, the merchant's number and its certificate's."""
        return {"api_base": address, "mchid": _MCHID, "serial_no": _SERIAL}

    def reference(self, order: str) -> str:
        """Return the `out_trade_no`: the order's own number, or a further one for a retry."""
        return order if order not in self.payments else f"{order}-{len(self.payments)}"

    # ------------------------------------------------------------------ statements

    def _transaction(self, payment: FakePayment) -> Json:
        state = {"open": "NOTPAY", "closed": "CLOSED"}.get(payment.status, "SUCCESS")
        plain: Json = {
            "mchid": _MCHID, "appid": _APPID, "out_trade_no": payment.reference,
            "trade_type": "NATIVE", "trade_state": "REFUND" if payment.refunds else state,
            "attach": f"order={payment.order}",
            "amount": {"total": payment.amount_minor, "currency": payment.currency},
        }  # fmt: skip
        if payment.captured:
            plain |= {
                "transaction_id": self.id_of(payment, "transaction", "4200002"),
                "success_time": _rfc3339(payment.at(Step.CAPTURE) or 0),
                "payer": {"openid": self.id_of(payment, "payer", "o", 27)},
            }
        return plain

    def _refund(self, payment: FakePayment, refund: Refund) -> Json:
        return {
            "out_trade_no": payment.reference, "refund_id": f"50300{refund.id}",
            "transaction_id": payment.ids["transaction"],
            "out_refund_no": refund.key or f"R{refund.id}", "success_time": _rfc3339(refund.at),
            "amount": {"total": payment.amount_minor, "refund": refund.amount_minor},
        }  # fmt: skip

    def tell(self, payment: FakePayment, step: Step, at: Micros) -> Iterable[Notice]:
        """Tell of payments and refunds, and of nothing else."""
        if step is Step.CAPTURE:
            yield self._sealed("TRANSACTION.SUCCESS", self._transaction(payment), at)
        elif step is Step.REFUND:
            refund = {**self._refund(payment, payment.refunds[-1]), "mchid": _MCHID}
            yield self._sealed("REFUND.SUCCESS", refund | {"refund_status": "SUCCESS"}, at)

    def _sealed(self, word: str, plain: Json, at: Micros) -> Notice:
        nonce, original = self.alnum(12), word.partition(".")[0].lower()
        sealed = AESGCM(self._api_v3.encode()).encrypt(
            nonce.encode(), msgspec.json.encode(plain), original.encode()
        )
        resource = {"original_type": original, "algorithm": "AEAD_AES_256_GCM",
                    "ciphertext": base64.b64encode(sealed).decode(), "nonce": nonce,
                    "associated_data": original}  # fmt: skip
        whole = {"id": f"EV-{self.alnum(20)}", "create_time": _rfc3339(at), "event_type": word,
                 "resource_type": "encrypt-resource", "resource": resource}  # fmt: skip
        return Notice(msgspec.json.encode(whole), at)

    def sign(self, notice: Notice, at: Micros) -> Posting:
        """Sign instant, nonce and body in the headers."""
        return Posting(self._headers(notice.body, at), notice.body)

    def _headers(self, body: bytes, at: Micros) -> Headers:
        at_s, nonce = at // 1_000_000, self.alnum(32)
        text = f"{at_s}\n{nonce}\n".encode() + body + b"\n"
        return (
            ("Content-Type", "application/json"), ("Wechatpay-Timestamp", str(at_s)),
            ("Wechatpay-Nonce", nonce), ("Wechatpay-Serial", _PUBLIC_ID),
            ("Wechatpay-Signature", rsa_sign(self._platform, text)),
            ("Wechatpay-Signature-Type", _SCHEME),
        )  # fmt: skip

    # ------------------------------------------------------------------ requests

    def answer(self, asked: Asked, at: Micros) -> Answer:
        """Answer about orders, close them, and refund."""
        if not self._is_ours(asked):
            said = {"code": "SIGN_ERROR", "message": "签名错误"}
            return Answer(401, (("Content-Type", "application/json"),), msgspec.json.encode(said))
        status, found = self._answer(asked, at)
        body = b"" if found is None else msgspec.json.encode(found)
        return Answer(status, self._headers(body, at), body)

    def _is_ours(self, asked: Asked) -> bool:
        given = dict(_AUTHORIZATION.findall(asked.header("authorization")))
        # What is signed is the path of the real host; a fake's own prefix may stand before it.
        where = asked.path + (f"?{asked.query}" if asked.query else "")
        prefixes = ("", f"/{self.SOURCE}")
        texts = [
            f"{asked.method}\n{prefix}{where}\n{given.get('timestamp')}\n{given.get('nonce_str')}\n"
            f"{asked.body.decode()}\n"
            for prefix in prefixes
        ]
        sign = given.get("signature", "")
        return any(rsa_verifies(self._public, sign, text.encode()) for text in texts)

    def _answer(self, asked: Asked, at: Micros) -> tuple[int, Json | None]:
        path = asked.path.removeprefix("/v3/")
        if path.startswith(_BY_NUMBER):
            number, _, verb = path.removeprefix(_BY_NUMBER).partition("/")
            payment = self.payments.get(number)
            if payment is None:
                return 404, {"code": "ORDER_NOT_EXIST", "message": "订单不存在"}
            if asked.method == "GET":
                return 200, self._transaction(payment)
            if verb == "close":
                return self._close(payment, at)
        if asked.method == "POST" and path == "refund/domestic/refunds":
            return self._give_back(json.loads(asked.body), at)
        return 404, {"code": "RESOURCE_NOT_EXISTS", "message": "资源不存在"}

    def _close(self, payment: FakePayment, at: Micros) -> tuple[int, Json | None]:
        if payment.captured:
            return 400, {"code": "ORDERPAID", "message": "订单已支付"}
        if not self.do(payment, Step.CLOSE, at):
            return 400, {"code": "ORDER_CLOSED", "message": "订单已关闭"}
        return 204, None

    def _give_back(self, wanted: Json, at: Micros) -> tuple[int, Json | None]:
        payment = self.payments.get(wanted.get("out_trade_no", "")) or next(
            (p for p in self.payments.values()
             if p.ids.get("transaction") == wanted.get("transaction_id", "-")), None
        )  # fmt: skip
        if payment is None:
            return 404, {"code": "RESOURCE_NOT_EXISTS", "message": "订单不存在"}
        key, amount = wanted["out_refund_no"], wanted["amount"]["refund"]
        known = [each for each in payment.refunds if each.key == key]
        if not known:
            if not 0 < amount <= payment.captured - payment.returned:
                return 400, {"code": "INVALID_REQUEST", "message": "订单金额或退款金额有误"}
            self.do(payment, Step.REFUND, at, amount, key)
            known = payment.refunds[-1:]
        return 200, self._refund(payment, known[0]) | {"status": "SUCCESS"}


def _rfc3339(at: Micros) -> str:
    return (_EPOCH + timedelta(microseconds=at)).astimezone(_BEIJING).isoformat(timespec="seconds")
