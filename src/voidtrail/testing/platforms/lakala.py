"""A Lakala 拉卡拉 of our own: aggregate scan over the open API v3, signed with RSA.

Payments, failed ones, refunds and voids are pushed; closings are learnt by asking.

Source: o.lakala.com, 聚合扫码 v3
"""

from __future__ import annotations

import json
import re
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
from voidtrail.testing.world.keys import certificate_pem, new_key, private_pem, public_pem

_JSON: Final = ("Content-Type", "application/json")
_MERCHANT: Final = "82229007392000A"
_TERM: Final = "D9261076"
_APP_ID: Final = "OP00000003"
_SERIAL: Final = "00dfba8194c41b84cf"
_PART: Final = re.compile(r'(\w+)="([^"]*)"', re.ASCII)
_OPEN: Final = Step.OPEN
_FAILED: Final = ("BBS11199", "原交易状态不允许该操作")
Json = dict[str, Any]


@lru_cache(maxsize=2)
def _key(owner: str) -> RSAPrivateKey:
    return new_key()


@lru_cache(maxsize=1)
def _certificate() -> str:
    name = "APIGW.LAKALA.EXAMPLE"
    return certificate_pem(name, _key("platform"), name, _key("platform"))


class FakeLakala(FakePlatform):
    """One merchant with one terminal."""

    SOURCE = "lakala"
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
        Situation.EXPIRED: Known("cancelled", "platform_closed"),  # CLOSE does not say by whom
        Situation.DECLINED: Known("cancelled", "gave_up_after_decline", "issuer"),
        Situation.DECLINED_THEN_PAID: Known("paid", money="taken"),
        Situation.RETURNED: Known("cancelled", "refunded_in_full", "merchant", "returned"),
    }

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._platform = private_pem(_key("platform"))
        self._merchant = public_pem(_key("merchant"))

    def secrets(self) -> Mapping[str, str]:
        """Return the gateway's certificate and the merchant's own key."""
        return {"platform_cert": _certificate(), "private_key": private_pem(_key("merchant"))}

    def options(self, address: str) -> Mapping[str, str]:
        """Return the numbers of application, merchant and terminal."""
        return {"api_base": address, "app_id": _APP_ID, "serial_no": _SERIAL,
                "merchant_no": _MERCHANT, "term_no": _TERM}  # fmt: skip

    def reference(self, order: str) -> str:
        """Return the `out_trade_no`: the order's own number, or a further one for a retry."""
        return order if order not in self.payments else f"{order}-{len(self.payments)}"

    # ------------------------------------------------------------------ statements

    def _payment(self, payment: FakePayment, at: Micros) -> Json:
        return {
            "merchant_no": _MERCHANT, "term_no": _TERM, "out_trade_no": payment.reference,
            "trade_no": self.id_of(payment, "trade", "2026"), "account_type": "WECHAT",
            "trade_main_type": "PREORDER", "total_amount": str(payment.amount_minor),
            "payer_amount": str(payment.amount_minor), "trade_time": _beijing(at),
        }  # fmt: skip

    def _refund(self, payment: FakePayment, refund: Refund) -> Json:
        return self._payment(payment, refund.at) | {
            "trade_main_type": "REFUND", "out_trade_no": refund.key or f"R{refund.id}",
            "trade_no": f"R2026{refund.id}", "total_amount": str(refund.amount_minor),
            "payer_amount": str(refund.amount_minor), "origin_out_trade_no": payment.reference,
            "origin_trade_no": payment.ids["trade"],
        }  # fmt: skip

    def tell(self, payment: FakePayment, step: Step, at: Micros) -> Iterable[Notice]:
        """Tell of payments, also of those that failed, and of refunds."""
        if step is Step.CAPTURE:
            said = self._payment(payment, at) | {"trade_status": "SUCCESS"}
        elif step is Step.DECLINE:
            said = self._payment(payment, at) | {"trade_status": "FAIL"}
            said["trade_no"] = self.id_of(payment, f"try-{len(payment.done)}", "2026")
        elif step is Step.REFUND:
            said = self._refund(payment, payment.refunds[-1]) | {"trade_status": "SUCCESS"}
        else:
            return
        yield Notice(msgspec.json.encode(said), at)

    def sign(self, notice: Notice, at: Micros) -> Posting:
        """Sign three lines: instant, nonce, body."""
        at_s, nonce = at // 1_000_000, self.alnum(12)
        signature = self._signature(f"{at_s}\n{nonce}\n", notice.body)
        header = (
            f'LKLAPI-SHA256withRSA timestamp="{at_s}",nonce_str="{nonce}",signature="{signature}"'
        )
        return Posting((_JSON, ("Authorization", header)), notice.body)

    def _signature(self, lines: str, body: bytes) -> str:
        return rsa_sign(self._platform, lines.encode() + body + b"\n")

    # ------------------------------------------------------------------ requests

    def answer(self, asked: Asked, at: Micros) -> Answer:
        """Answer about orders, close them and refund; five lines are signed."""
        code, why, data = self._answer(asked, at)
        said = {"code": code, "msg": why, "resp_time": _beijing(at), "resp_data": data}
        body = msgspec.json.encode(said)
        at_s, nonce = at // 1_000_000, self.alnum(12)
        signature = self._signature(f"{_APP_ID}\n{_SERIAL}\n{at_s}\n{nonce}\n", body)
        return Answer(200, (
            _JSON, ("Lklapi-Appid", _APP_ID), ("Lklapi-Serial", _SERIAL),
            ("Lklapi-Timestamp", str(at_s)), ("Lklapi-Nonce", nonce),
            ("Lklapi-Signature", signature),
        ), body)  # fmt: skip

    def _is_ours(self, asked: Asked) -> bool:
        given = dict(_PART.findall(asked.header("authorization")))
        lines = [given.get(name, "") for name in ("appid", "serial_no", "timestamp", "nonce_str")]
        text = "".join(f"{line}\n" for line in lines).encode() + asked.body + b"\n"
        return rsa_verifies(self._merchant, given.get("signature", ""), text)

    def _answer(self, asked: Asked, at: Micros) -> tuple[str, str, Json | None]:
        if not self._is_ours(asked):
            return "BBS00401", "验签失败", None
        wanted = json.loads(asked.body)["req_data"]
        number = wanted.get("origin_out_trade_no") or wanted.get("out_trade_no")
        payment = self.payments.get(number)
        if payment is None:
            return "BBS11114", "订单不存在", None
        if asked.path == "/api/v3/labs/query/tradequery":
            return "BBS00000", "成功", self._trade(payment, at)
        if asked.path == "/api/v3/labs/relation/close":
            return self._close(payment, at)
        if asked.path == "/api/v3/labs/relation/refund":
            return self._give_back(payment, wanted, at)
        if asked.path == "/api/v3/labs/relation/revoked":
            return (*_FAILED, None)  # a scanned order is closed or refunded, not revoked
        return "BBS00404", "接口不存在", None

    def _trade(self, payment: FakePayment, at: Micros) -> Json:
        state = {"open": "INIT", "closed": "CLOSE"}.get(payment.status, "SUCCESS")
        if payment.status == "open" and payment.at(Step.DECLINE):
            state = "FAIL"
        if payment.refunds:
            state = "REFUND" if payment.returned == payment.captured else "PART_REFUND"
        captured = payment.at(Step.CAPTURE)
        return self._payment(payment, at if captured is None else captured) | {"trade_state": state}

    def _close(self, payment: FakePayment, at: Micros) -> tuple[str, str, Json | None]:
        if not self.do(payment, Step.CLOSE, at):
            return (*_FAILED, None)  # closing twice is an error too
        data = {"merchant_no": _MERCHANT, "origin_out_trade_no": payment.reference,
                "origin_trade_no": self.id_of(payment, "trade", "2026")}  # fmt: skip
        return "BBS00000", "成功", data

    def _give_back(
        self, payment: FakePayment, wanted: Json, at: Micros
    ) -> tuple[str, str, Json | None]:
        key, amount = wanted["out_trade_no"], int(wanted["refund_amount"])
        known = [each for each in payment.refunds if each.key == key]
        if not known:
            if not 0 < amount <= payment.captured - payment.returned:
                return (*_FAILED, None)
            self.do(payment, Step.REFUND, at, amount, key)
            known = payment.refunds[-1:]
        return "BBS00000", "成功", self._refund(payment, known[0])


def _beijing(at: Micros) -> str:
    moment = datetime.fromtimestamp(at // 1_000_000, UTC) + timedelta(hours=8)
    return f"{moment:%Y%m%d%H%M%S}"
