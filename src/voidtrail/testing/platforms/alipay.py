"""An Alipay 支付宝 of our own: QR payments on the mainland's open platform, signed with RSA2.

Alipay knows no trade before the customer scans, tells no reason for a close, and counts refunds as
one running total.

Source: opendocs.alipay.com/open/270/105902, /open/02ekfh, /open/02ekfj (close), /open/02ekfk
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import ClassVar, Final
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from voidtrail.event.model import Micros
from voidtrail.money import minor_from_major
from voidtrail.sources.crypto import rsa_sign, rsa_verifies
from voidtrail.sources.reading import wall_text
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
from voidtrail.testing.world.keys import new_key, private_pem, public_pem

_FORM: Final = (("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),)
_JSON: Final = (("Content-Type", "text/html;charset=utf-8"),)
_APP_ID: Final = "2021004100000001"
_SELLER: Final = "2088101568353491"
_SECOND: Final = 1_000_000
_OPEN, _ARRIVE = Step.OPEN, Step.ARRIVE
_PAID: Final = (_OPEN, _ARRIVE, Step.CAPTURE)
Fields = dict[str, str]


@lru_cache(maxsize=2)
def _key(owner: str) -> RSAPrivateKey:
    return new_key()


class FakeAlipay(FakePlatform):
    """One application of one merchant."""

    SOURCE = "alipay"
    PLAYS: ClassVar[Mapping[Situation, tuple[Step, ...]]] = {
        Situation.PAID: _PAID,
        Situation.LEFT: (_OPEN, _ARRIVE),
        Situation.PLATFORM_CLOSED: (_OPEN, _ARRIVE, Step.CLOSE),
        Situation.EXPIRED: (_OPEN, _ARRIVE, Step.EXPIRE),
        Situation.DECLINED: (_OPEN, _ARRIVE, Step.DECLINE),
        Situation.DECLINED_THEN_PAID: (_OPEN, _ARRIVE, Step.DECLINE, Step.CAPTURE),
        Situation.RETURNED: (*_PAID, Step.REFUND),
    }
    KNOWN: ClassVar[Mapping[Situation, Known]] = {
        Situation.PAID: Known("paid", money="taken"),
        Situation.LEFT: Known("cancelled", "abandoned", "customer"),
        Situation.PLATFORM_CLOSED: Known("cancelled", "platform_closed"),
        Situation.EXPIRED: Known("cancelled", "expired", "platform"),
        Situation.DECLINED: Known("cancelled", "abandoned", "customer"),  # nobody tells of it
        Situation.DECLINED_THEN_PAID: Known("paid", money="taken"),
        Situation.RETURNED: Known("cancelled", "refunded_in_full", "merchant", "returned"),
    }
    ASKED: ClassVar[Mapping[Situation, Known]] = {
        # An answer states no instant of a close, so that a time-out looks like any other.
        Situation.EXPIRED: Known("cancelled", "platform_closed"),
    }

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._platform = private_pem(_key("platform"))
        self._public = public_pem(_key("merchant"))

    def secrets(self) -> Mapping[str, str]:
        """Return Alipay's public key, and the application's own key and id for questions."""
        return {"public_key": public_pem(_key("platform")), "app_id": _APP_ID,
                "seller_id": _SELLER, "private_key": private_pem(_key("merchant"))}  # fmt: skip

    def options(self, address: str) -> Mapping[str, str]:
        """Return where it is, and the application whose codes are scanned."""
        return {"api_base": address, "app_id": _APP_ID, "product": "qr"}

    def reference(self, order: str) -> str:
        """Return the `out_trade_no`: the order's own number, or a further one for a retry."""
        return order if order not in self.payments else f"{order}-{len(self.payments)}"

    def _trade_no(self, payment: FakePayment) -> str:
        if "trade" not in payment.ids:
            digits = "".join(self.rng.choices("0123456789", k=14))
            payment.ids["trade"] = f"2026010122001{digits}"
        return payment.ids["trade"]

    def _is_known(self, payment: FakePayment) -> bool:
        return len(payment.done) > 1

    def _status(self, payment: FakePayment) -> str:
        if payment.status == "closed" or (payment.captured and not _left(payment)):
            return "TRADE_CLOSED"
        return "TRADE_SUCCESS" if payment.captured else "WAIT_BUYER_PAY"

    # ------------------------------------------------------------------ notices

    def tell(self, payment: FakePayment, step: Step, at: Micros) -> Iterable[Notice]:
        """Tell of payments, closes and refunds; never of a scan or of a failed try."""
        if step not in (Step.CAPTURE, Step.CLOSE, Step.EXPIRE, Step.REFUND):
            return
        scanned = payment.at(_ARRIVE) or payment.opened_at
        form = {
            "gmt_create": wall_text(scanned), "charset": "utf-8", "version": "1.0",
            "notify_type": "trade_status_sync", "notify_id": self.alnum(34),
            "notify_time": wall_text(at), "app_id": _APP_ID, "auth_app_id": _APP_ID,
            "seller_id": _SELLER, "buyer_id": self.id_of(payment, "buyer", "2088"),
            "subject": "订单", "out_trade_no": payment.reference,
            "trade_no": self._trade_no(payment), "total_amount": _yuan(payment.amount_minor),
            "trade_status": self._status(payment), "passback_params": f"order={payment.order}",
        }  # fmt: skip
        if payment.captured:
            form["gmt_payment"] = wall_text(payment.at(Step.CAPTURE) or at)
        if step is Step.REFUND:
            form |= {"gmt_refund": f"{wall_text(at)}.143", "out_biz_no": _number(payment),
                     "refund_fee": _yuan(payment.returned)}  # fmt: skip
        if payment.status == "closed":
            form |= {"gmt_close": wall_text(at), "refund_fee": "0.00"}
        if step is Step.EXPIRE:
            form["time_expire"] = wall_text(at - 2 * _SECOND)
        yield Notice(urlencode(form).encode(), at)

    def sign(self, notice: Notice, at: Micros) -> Posting:
        """Sign the decoded fields, sorted; a signature of Alipay's carries no instant."""
        text = _signed(dict(parse_qsl(notice.body.decode())))
        sign = urlencode({"sign_type": "RSA2", "sign": rsa_sign(self._platform, text)})
        return Posting(_FORM, notice.body + b"&" + sign.encode())

    # ------------------------------------------------------------------ requests

    def answer(self, asked: Asked, at: Micros) -> Answer:
        """Answer trade.query, .close, .cancel and .refund; always with HTTP 200."""
        form = dict(parse_qsl(asked.body.decode())) | dict(parse_qsl(asked.query))
        sign = form.pop("sign", "")
        if not rsa_verifies(self._public, sign, _signed(form, with_type=True)):
            said = {
                "code": "40002",
                "msg": "Invalid Arguments",
                "sub_code": "isv.invalid-signature",
            }
            return Answer(200, _JSON, json.dumps({"error_response": said}).encode())
        method = form["method"]
        wanted = json.loads(form.get("biz_content", "{}"))
        payment = self.payments.get(wanted.get("out_trade_no", "")) or next(
            (
                p
                for p in self.payments.values()
                if p.ids.get("trade") == wanted.get("trade_no", "-")
            ),
            None,
        )
        if payment is None or not self._is_known(payment):
            return self._signed(method, _failed("ACQ.TRADE_NOT_EXIST"))
        match method.rpartition(".")[2]:
            case "query":
                return self._signed(method, self._queried(payment))
            case "close":
                if payment.captured or not self.do(payment, Step.CLOSE, at):
                    return self._signed(method, _failed("ACQ.TRADE_STATUS_ERROR"))
                return self._signed(method, self._named(payment))
            case "cancel":
                return self._signed(method, self._cancelled(payment, at))
            case "refund":
                return self._signed(method, self._returned(payment, wanted, at))
        return self._signed(method, _failed("isv.invalid-method"))

    def _named(self, payment: FakePayment) -> Fields:
        return {"code": "10000", "msg": "Success", "out_trade_no": payment.reference,
                "trade_no": self._trade_no(payment)}  # fmt: skip

    def _queried(self, payment: FakePayment) -> Fields:
        found = self._named(payment) | {
            "trade_status": self._status(payment), "total_amount": _yuan(payment.amount_minor),
            "buyer_user_id": self.id_of(payment, "buyer", "2088"),
        }  # fmt: skip
        if payment.captured:
            found["send_pay_date"] = wall_text(payment.at(Step.CAPTURE) or 0)
        return found

    def _cancelled(self, payment: FakePayment, at: Micros) -> Fields:
        """Close what is unpaid, and give back all of what is paid: the trap of this verb."""
        said = self._named(payment) | {"retry_flag": "N"}
        if payment.captured and _left(payment):
            self.do(payment, Step.REFUND, at)
            return said | {"action": "refund"}
        return said | {"action": "close"} if self.do(payment, Step.CLOSE, at) else said

    def _returned(self, payment: FakePayment, wanted: Mapping[str, str], at: Micros) -> Fields:
        key = wanted.get("out_request_no", payment.reference)
        amount = minor_from_major(wanted.get("refund_amount", "0"), self.CURRENCY)
        moved = "N"
        if all(each.key != key for each in payment.refunds):
            if not 0 < amount <= _left(payment):
                return _failed("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
            self.do(payment, Step.REFUND, at, amount, key)
            moved = "Y"
        return self._named(payment) | {"fund_change": moved, "out_request_no": key,
                                       "refund_fee": _yuan(payment.returned)}  # fmt: skip

    def _signed(self, method: str, found: Fields) -> Answer:
        """Return an answer signed over the exact bytes of its value."""
        inner = json.dumps(found, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")
        name, sign = (
            f"{method.replace('.', '_')}_response",
            rsa_sign(self._platform, inner.encode()),
        )
        return Answer(200, _JSON, f'{{"{name}":{inner},"sign":"{sign}"}}'.encode())


def _left(payment: FakePayment) -> int:
    return payment.captured - payment.returned


def _number(payment: FakePayment) -> str:
    last = payment.refunds[-1]
    return last.key or f"R{last.id}"


def _failed(code: str) -> Fields:
    return {"code": "40004", "msg": "Business Failed", "sub_code": code}


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _signed(fields: Mapping[str, str], *, with_type: bool = False) -> bytes:
    """Return the signed text; a request signs its sign_type too, unlike a notice."""
    left_out = () if with_type else ("sign_type",)
    pairs = sorted((name, value) for name, value in fields.items() if value)
    return "&".join(f"{name}={value}" for name, value in pairs if name not in left_out).encode()
