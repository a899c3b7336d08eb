"""A WeChat payment (Native QR or JSAPI): sealed JSON; nothing is pushed unless money moved."""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import ClassVar

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from voidtrail.event.model import Micros
from voidtrail.testing.world.catalogue import BANKS
from voidtrail.testing.world.fact import SECOND, Notice, Said
from voidtrail.testing.world.rail import Pen, Purchase, Rail, rfc3339

MCHIDS = {"hutong": "1651900847", "northlight": "1668340219"}
APPIDS = {"hutong": "wx7c20f1d5b8a94e36", "northlight": "wxd930be5517fa2c08"}
TRADE_TYPES = {"wechat_qr": "NATIVE", "wechat_jsapi": "JSAPI"}
_SUMMARIES = {
    "TRANSACTION.SUCCESS": "支付成功",
    "REFUND.SUCCESS": "退款成功",
    "REFUND.ABNORMAL": "退款异常",
    "REFUND.CLOSED": "退款关闭",
    "COMPLAINT.CREATE": "用户投诉",
}
_NONCE = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@lru_cache(maxsize=8)
def _cipher(key: str) -> AESGCM:
    return AESGCM(key.encode())


def sealed(pen: Pen, key: str, kind: str, at: Micros, plain: dict[str, object]) -> bytes:
    """Return a notification whose resource only the merchant's key opens."""
    family = kind.partition(".")[0].lower()
    original = family if family in ("transaction", "refund") else ""
    nonce = "".join(pen.rng.choices(_NONCE, k=12))
    associated = original
    ciphertext = _cipher(key).encrypt(
        nonce.encode(), msgspec.json.encode(plain), associated.encode()
    )
    whole = {
        "id": f"{pen.hex(8)}-{pen.hex(4)}-5{pen.hex(3)}-b{pen.hex(3)}-{pen.hex(12)}",
        "create_time": rfc3339(at),
        "resource_type": "encrypt-resource",
        "event_type": kind,
        "summary": _SUMMARIES[kind],
        "resource": {
            "original_type": original or "complaint",
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(ciphertext).decode(),
            "associated_data": associated,
            "nonce": nonce,
        },
    }
    return msgspec.json.encode(whole)


class WechatPayRail(Rail):
    """One WeChat order, known by the shop's `out_trade_no`."""

    source: ClassVar[str] = "wechatpay"
    KNOWN = (*Rail.KNOWN, "transaction_id", "trade_state", "is_known", "paid_at")

    def __init__(
        self, purchase: Purchase, pen: Pen, method: str, account: str, serial: int, key: str
    ):
        super().__init__(purchase, pen, method, account, serial)
        self.reference = purchase.order + (f"-{serial}" if serial > 1 else "")
        self.key = key
        self.transaction_id = ""
        self.trade_state = "NOTPAY"
        self.is_known = True
        self.paid_at: Micros = 0

    def _send(
        self, at: Micros, kind: str, plain: dict[str, object], *notices: Notice, lost: bool = False
    ) -> None:
        self.post(at, sealed(self.pen, self.key, kind, at, plain), *notices, lost=lost)

    def open(self, at: Micros) -> None:
        """Make the order; nothing is pushed."""
        self.opened_at = at
        self.remember(at)

    def refuse_order(self, at: Micros) -> None:
        """Let the making of the order fail at WeChat, which then does not know it."""
        self.is_known = False
        self.remember(at)

    def accept_order(self, at: Micros) -> None:
        """Let the making of the order work at last."""
        self.is_known = True
        self.remember(at)

    def _transaction(self) -> dict[str, object]:
        plain: dict[str, object] = {
            "mchid": MCHIDS[self.account],
            "appid": APPIDS[self.account],
            "out_trade_no": self.reference,
            "trade_type": TRADE_TYPES[self.method],
            "trade_state": self.trade_state,
            "trade_state_desc": {
                "SUCCESS": "支付成功", "REFUND": "转入退款", "CLOSED": "订单已关闭",
            }.get(self.trade_state, "订单未支付"),
            "attach": f"order_id={self.purchase.order}",
            "amount": {"total": self.amount, "currency": "CNY"},
        }  # fmt: skip
        if self.paid_at:
            plain |= {
                "transaction_id": self.transaction_id,
                "bank_type": BANKS[int(self.transaction_id[-2:]) % len(BANKS)],
                "success_time": rfc3339(self.paid_at),
                "payer": {"openid": self.purchase.customer.openid},
                "amount": {
                    "total": self.amount,
                    "payer_total": self.amount,
                    "currency": "CNY",
                    "payer_currency": "CNY",
                },
            }
        return plain

    def pay(self, at: Micros, lost: bool = False) -> None:
        """Take the money."""
        self.transaction_id = f"4200002{self.pen.digits(21)}"
        self.names.append(self.transaction_id)
        self.paid_at, self.captured, self.trade_state = at, self.amount, "SUCCESS"
        notice = self.notice(Said.PAID, at, amount_minor=self.amount)
        self._send(at, "TRANSACTION.SUCCESS", self._transaction(), notice, lost=lost)
        self.remember(at)

    def call_off(self, at: Micros, code: str = "", lost: bool = False) -> None:
        """Close the unpaid order; only a question reveals it."""
        assert not code, "WeChat tells no reason"
        self.trade_state = "CLOSED"
        self.remember(at)

    def _refund(self, at: Micros, number: str, kind: str, amount: int, *said: Notice) -> None:
        status = kind.removeprefix("REFUND.")
        plain: dict[str, object] = {
            "mchid": MCHIDS[self.account],
            "out_trade_no": self.reference,
            "transaction_id": self.transaction_id,
            "out_refund_no": number,
            "refund_id": f"5030{self.purchase.customer.number[-4:]}{number[-6:].rjust(20, '0')}",
            "refund_status": status,
            "user_received_account": "招商银行信用卡0403" if amount % 2 else "支付用户零钱",
            "amount": {
                "total": self.amount,
                "refund": amount,
                "payer_total": self.amount,
                "payer_refund": amount,
            },
        }
        if status == "SUCCESS":
            plain["success_time"] = rfc3339(at)
        self._send(at, kind, plain, *said)

    def refund(self, at: Micros, amount: int, code: str = "", abnormal: bool = False) -> None:
        """Give back, perhaps after the customer's bank first refused it."""
        assert not code, "WeChat tells no reason"
        self.returned += amount
        self.trade_state = "REFUND"
        self.remember(at)
        number = f"R{self.reference}T{self.pen.digits(6)}"
        more = {"amount_minor": amount, "operation": number}
        if abnormal:
            waits = self.notice(Said.REFUND_PENDING, at, **more)
            self._refund(at, number, "REFUND.ABNORMAL", amount, waits)
            at += 50 * 60 * SECOND
        self._refund(at, number, "REFUND.SUCCESS", amount, self.notice(Said.REFUNDED, at, **more))

    def refund_closes(self, at: Micros, amount: int) -> None:
        """Try to give back, and have WeChat close the refund without moving money."""
        self.trade_state = "REFUND"
        self.remember(at)
        number = f"R{self.reference}T{self.pen.digits(6)}"
        notice = self.notice(Said.REFUND_FAILED, at, amount_minor=amount, operation=number)
        self._refund(at, number, "REFUND.CLOSED", amount, notice)

    def stray(self, at: Micros) -> None:
        """Say something that no list of a recorder has."""
        plain: dict[str, object] = {
            "complaint_id": f"2000{self.pen.digits(20)}",
            "action_type": "CREATE_COMPLAINT",
        }
        self._send(at, "COMPLAINT.CREATE", plain)

    def answer(self, at: Micros) -> dict[str, object]:
        """Return the order as the query shows it, or nothing if WeChat never made it."""
        return {self.reference: self._transaction()} if self.is_known else {}

    def answer_notices(self, at: Micros, reference: str = "") -> tuple[Notice, ...]:
        """Return what the answer says; it tells no instant of a close."""
        if not self.is_known:
            return (self.notice(Said.NOT_KNOWN, at, asked=True),)
        if self.captured:
            paid_at, amount = self.paid_at, self.amount
            return (self.notice(Said.PAID, paid_at, amount_minor=amount, asked=True),)
        said = Said.CLOSED if self.trade_state == "CLOSED" else Said.WAITING
        return (self.notice(said, at, asked=True),)
