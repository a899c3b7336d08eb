"""A Shengpay 盛付通 of our own: H5 orders over mchapi, signed with RSA.

Payments are pushed, failed ones too, and refunds; a closed order is learnt by asking.

Source: shengpay-h5-pay-integration, payment-notify, refund-notify, order-query, refund
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar, Final

import msgspec
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
    Refund,
    Situation,
    Step,
)
from voidtrail.testing.world.keys import new_key, private_pem, public_pem

_JSON: Final = (("Content-Type", "application/json"),)
_MCH_ID: Final = "93762611"
_APP_ID: Final = "312343123132131331232"
_OPEN: Final = Step.OPEN
Json = dict[str, Any]


@lru_cache(maxsize=2)
def _key(owner: str) -> RSAPrivateKey:
    return new_key()


class FakeShengpay(FakePlatform):
    """One merchant."""

    SOURCE = "shengpay"
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
        Situation.DECLINED: Known("cancelled", "gave_up_after_decline", "issuer"),
        Situation.DECLINED_THEN_PAID: Known("paid", money="taken"),
        Situation.RETURNED: Known("cancelled", "refunded_in_full", "merchant", "returned"),
    }
    ASKED: ClassVar[Mapping[Situation, Known]] = {
        # tradeState REFUND says that some refund exists, not how much.
        Situation.RETURNED: Known("paid", money="taken"),
    }

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._platform = private_pem(_key("platform"))
        self._merchant = public_pem(_key("merchant"))

    def secrets(self) -> Mapping[str, str]:
        """Return Shengpay's public key and the merchant's own key."""
        return {
            "public_key": public_pem(_key("platform")),
            "private_key": private_pem(_key("merchant")),
        }

    def options(self, address: str) -> Mapping[str, str]:
        """Return the numbers of merchant and application, and where refunds are told."""
        return {
            "api_base": address, "mch_id": _MCH_ID, "app_id": _APP_ID,
            "notify_url": "https://shop.example/hooks/shengpay/main",
        }  # fmt: skip

    def reference(self, order: str) -> str:
        """Return the `outTradeNo`: the order's own number, or a further one for a retry."""
        return order if order not in self.payments else f"{order}-{len(self.payments)}"

    # ------------------------------------------------------------------ statements

    def _shared(self, payment: FakePayment) -> Json:
        return {
            "returnCode": "SUCCESS", "returnMsg": "SUCCESS", "resultCode": "SUCCESS",
            "appId": _APP_ID, "mchId": _MCH_ID, "outTradeNo": payment.reference,
            "transactionId": self.id_of(payment, "transaction", "WP"),
        }  # fmt: skip

    def _payment(self, payment: FakePayment, at: Micros) -> Json:
        return self._shared(payment) | {
            "tradeType": "MWEB", "totalFee": payment.amount_minor, "timeEnd": _beijing(at),
            "bankType": "ICBC", "attach": json.dumps({"order": payment.order}), "openId": "15",
        }  # fmt: skip

    def _refund(self, payment: FakePayment, refund: Refund) -> Json:
        fee = str(refund.amount_minor)
        return self._shared(payment) | {
            "totalFee": str(payment.amount_minor), "refundFee": fee, "settlementRefundFee": fee,
            "refundId": f"RF{refund.id}", "outRefundNo": refund.key or f"R{refund.id}",
        }  # fmt: skip

    def tell(self, payment: FakePayment, step: Step, at: Micros) -> Iterable[Notice]:
        """Tell of payments, failed ones too, and of refunds."""
        if step is Step.CAPTURE:
            yield Notice(msgspec.json.encode(self._payment(payment, at)), at)
        elif step is Step.DECLINE:
            failed = {"resultCode": "FAIL", "errorCode": "BANK_REFUSED", "errorCodeDes": "银行拒绝"}
            yield Notice(msgspec.json.encode(self._payment(payment, at) | failed), at)
        elif step in (Step.REFUND, Step.REFUND_FAIL):
            refund = payment.refunds[-1]
            state = {"refundStatus": "REFUND_CLOSE"} if refund.failed else {
                "refundStatus": "SUCCESS", "refundSuccessTime": _beijing(at),
            }  # fmt: skip
            yield Notice(msgspec.json.encode(self._refund(payment, refund) | state), at)

    def sign(self, notice: Notice, at: Micros) -> Posting:
        """Sign the fields; `signType` and a fresh `nonceStr` are among them."""
        return Posting(_JSON, self._signed(json.loads(notice.body)))

    def _signed(self, fields: Json) -> bytes:
        fields = {**fields, "signType": "RSA2", "nonceStr": self.alnum(32)}
        return msgspec.json.encode(fields | {"sign": rsa_sign(self._platform, _text(fields))})

    # ------------------------------------------------------------------ requests

    def answer(self, asked: Asked, at: Micros) -> Answer:
        """Answer about orders, and refund."""
        try:
            wanted = json.loads(asked.body)
        except ValueError:
            wanted = {}
        sign = str(wanted.pop("sign", ""))
        if not rsa_verifies(self._merchant, sign, _text(wanted)):
            return Answer(200, _JSON, self._signed(_failed("SIGN_ERROR", "签名错误")))
        payment = self.payments.get(wanted.get("outTradeNo", ""))
        if payment is None:
            said = _failed("ORDER_NOT_EXIST", "订单不存在")
        elif asked.path == "/api/v3/payment/orderquery":
            said = self._trade(payment, at)
        elif asked.path == "/api/v3/payment/refund":
            said = self._give_back(payment, wanted, at)
        else:
            said = _failed("PARAMS_ERROR", "接口不存在")
        return Answer(200, _JSON, self._signed(said))

    def _trade(self, payment: FakePayment, at: Micros) -> Json:
        state = {"open": "WAIT_PAY", "closed": "CLOSED"}.get(payment.status, "SUCCESS")
        if payment.status == "open" and payment.at(Step.DECLINE):
            state = "PAY_ERROR"
        said = self._payment(payment, payment.at(Step.CAPTURE) or at)
        if not payment.captured:
            del said["timeEnd"]
        return said | {"tradeState": "REFUND" if payment.refunds else state}

    def _give_back(self, payment: FakePayment, wanted: Json, at: Micros) -> Json:
        key, amount = wanted["outRefundNo"], wanted["refundFee"]
        known = [each for each in payment.refunds if each.key == key]
        if not known:
            if not payment.captured:
                return _failed("ORDER_NOT_REFUNDABLE", "订单状态不可退款")
            if not 0 < amount <= payment.captured - payment.returned:
                return _failed("REFUND_AMOUNT_ERROR", "退款金额错误")
            self.do(payment, Step.REFUND, at, amount, key)
            known = payment.refunds[-1:]
        return self._refund(payment, known[0])


def _failed(code: str, why: str) -> Json:
    return {"returnCode": "SUCCESS", "returnMsg": "SUCCESS", "resultCode": "FAIL",
            "errorCode": code, "errorCodeDes": why}  # fmt: skip


def _text(fields: Json) -> bytes:
    pairs = [f"{name}={value}" for name, value in sorted(fields.items()) if value != ""]
    return "&".join(pairs).encode()


def _beijing(at: Micros) -> str:
    moment = datetime.fromtimestamp(at // 1_000_000, UTC) + timedelta(hours=8)
    return f"{moment:%Y%m%d%H%M%S}"
