"""An Alipay trade (page or QR code): signed forms in Beijing time, yuan and sometimes GBK."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlencode

from voidtrail.event.model import Micros
from voidtrail.testing.world.fact import SECOND, Notice, Said
from voidtrail.testing.world.rail import Pen, Purchase, Rail, beijing, wall

APP_IDS = {
    "hutong": "2021003128674512",
    "northlight": "2021004133907788",
    "hutong-sandbox": "9021000137650042",
}
SELLERS = {
    "hutong": "2088141873009215",
    "northlight": "2088341207756630",
    "hutong-sandbox": "2088721037711043",
}
CHARSETS = {"northlight": "GBK"}
TIMEOUT_S = 30 * 60
"""What both shops set as `timeout_express`."""


def yuan(minor: int) -> str:
    """Return an amount as Alipay writes it.

    >>> yuan(1205)
    '12.05'
    """
    return f"{minor // 100}.{minor % 100:02d}"


def encode(form: dict[str, str]) -> bytes:
    """Return the form as it is posted, in its own character set, without a signature.

    What the character set lacks becomes a question mark, as at the platform.
    """
    charset = form.get("charset", "utf-8")
    return urlencode(form, encoding=charset, errors="replace").encode()


class AlipayRail(Rail):
    """One trade, known by the shop's `out_trade_no`."""

    source: ClassVar[str] = "alipay"
    KNOWN = (*Rail.KNOWN, "trade_no", "trade_status", "paid_at", "refund_fee")

    def __init__(self, purchase: Purchase, pen: Pen, method: str, account: str, serial: int):
        super().__init__(purchase, pen, method, account, serial)
        self.reference = purchase.order + (f"-{serial}" if serial > 1 else "")
        self.trade_no = ""
        self.trade_status = ""
        self.paid_at: Micros = 0
        self.refund_fee = 0

    def _form(self, at: Micros, status: str, **more: str) -> bytes:
        purchase = self.purchase
        paid = yuan(self.amount)
        form = {
            "gmt_create": wall(self.opened_at),
            "charset": CHARSETS.get(self.account, "utf-8"),
            "notify_time": wall(at + SECOND),
            "subject": f"{purchase.product.title} ×{purchase.quantity}".replace("×", "x"),
            "buyer_id": purchase.customer.buyer_id,
            "buyer_logon_id": f"{purchase.customer.phone[:3]}******{purchase.customer.phone[-2:]}",
            "version": "1.0",
            "notify_id": f"{beijing(at):%Y%m%d}01222{self.pen.digits(22)}",
            "notify_type": "trade_status_sync",
            "out_trade_no": self.reference,
            "total_amount": paid,
            "trade_status": status,
            "trade_no": self.trade_no,
            "auth_app_id": APP_IDS[self.account],
            "app_id": APP_IDS[self.account],
            "seller_id": SELLERS[self.account],
            "passback_params": f"order_id={purchase.order}",
        }
        if self.paid_at:
            form |= {
                "gmt_payment": wall(self.paid_at),
                "invoice_amount": paid,
                "fund_bill_list": f'[{{"amount":"{paid}","fundChannel":"ALIPAYACCOUNT"}}]',
                "receipt_amount": paid,
                "buyer_pay_amount": paid,
                "point_amount": "0.00",
            }
        return encode(form | more)

    def open(self, at: Micros) -> None:
        """Make the code or the page: Alipay knows no trade before the customer arrives."""
        self.opened_at = at
        self.remember(at)

    def scan(self, at: Micros) -> None:
        """Let the customer arrive, so that the trade exists and waits for payment."""
        if self.trade_no:
            return
        self.opened_at = at
        tail = self.pen.digits(12)
        self.trade_no = f"{beijing(at):%Y%m%d}22001{self.purchase.customer.buyer_id[-4:]}{tail}"
        self.names.append(self.trade_no)
        self.trade_status = "WAIT_BUYER_PAY"
        self.remember(at)

    def pay(self, at: Micros, lost: bool = False) -> None:
        """Take the money."""
        self.scan(at - 8 * SECOND)
        self.paid_at, self.captured, self.trade_status = at, self.amount, "TRADE_SUCCESS"
        notice = self.notice(Said.PAID, at, amount_minor=self.amount)
        self.post(at, self._form(at, "TRADE_SUCCESS"), notice, lost=lost)
        self.remember(at)

    def finish(self, at: Micros) -> None:
        """Say that it can no longer be refunded."""
        self.trade_status = "TRADE_FINISHED"
        self.remember(at)
        said = (
            self.notice(Said.PAID, at, amount_minor=self.amount),
            self.notice(Said.FINISHED, at),
        )
        self.post(at, self._form(at, "TRADE_FINISHED"), *said)

    @property
    def times_out_at(self) -> Micros:
        """When Alipay closes the unpaid trade by itself."""
        return self.opened_at + TIMEOUT_S * SECOND

    def call_off(self, at: Micros, code: str = "", lost: bool = False) -> None:
        """Close the unpaid trade; the notice is the same whoever closed it."""
        assert not code, "Alipay tells no reason"
        self.trade_status = "TRADE_CLOSED"
        self.remember(at)
        timed_out = at >= self.times_out_at
        notice = self.notice(Said.CLOSED, at, timed_out=timed_out)
        more = {"gmt_close": wall(at)}
        if self.pen.rng.random() < 0.5:
            more["refund_fee"] = "0.00"
        self.post(at, self._form(at, "TRADE_CLOSED", **more), notice, lost=lost)

    def time_out(self, lost: bool = False) -> None:
        """Let the trade run into its time-out."""
        late = self.pen.rng.randrange(1, 50) * SECOND
        self.call_off(self.times_out_at + late, lost=lost)

    def refund(self, at: Micros, amount: int, code: str = "") -> None:
        """Give back: told as the sum so far."""
        assert not code, "Alipay tells no reason"
        self.returned += amount
        self.refund_fee += amount
        whole = self.refund_fee >= self.amount
        self.trade_status = "TRADE_CLOSED" if whole else "TRADE_SUCCESS"
        self.remember(at)
        number = f"R{self.reference}-{self.refund_fee}"
        notices = (
            self.notice(Said.PAID, self.paid_at, amount_minor=self.amount),
            self.notice(Said.REFUNDED, at, so_far_minor=self.refund_fee),
        )
        more = {
            "gmt_refund": f"{wall(at)}.{self.pen.digits(3)}",
            "refund_fee": yuan(self.refund_fee),
            "out_biz_no": number,
        }
        if whole:
            more["gmt_close"] = wall(at)
        self.post(at, self._form(at, self.trade_status, **more), *notices)

    def answer(self, at: Micros) -> dict[str, object]:
        """Return the fields of `alipay.trade.query`, or nothing if no trade was made."""
        if not self.trade_no:
            return {}
        paid = yuan(self.amount) if self.captured else "0.00"
        found = {
            "code": "10000",
            "msg": "Success",
            "buyer_logon_id": "138******05",
            "buyer_pay_amount": paid,
            "buyer_user_id": self.purchase.customer.buyer_id,
            "buyer_user_type": "PRIVATE",
            "invoice_amount": paid,
            "out_trade_no": self.reference,
            "point_amount": "0.00",
            "receipt_amount": paid,
            "total_amount": yuan(self.amount),
            "trade_no": self.trade_no,
            "trade_status": self._status(at),
        }
        if self.paid_at:
            found["send_pay_date"] = wall(self.paid_at)
        return {self.reference: found}

    def _status(self, at: Micros) -> str:
        """Return the trade's status at an instant: one that waits for too long is closed."""
        waits = self.trade_status == "WAIT_BUYER_PAY"
        return "TRADE_CLOSED" if waits and at >= self.times_out_at else self.trade_status

    def answer_notices(self, at: Micros, reference: str = "") -> tuple[Notice, ...]:
        """Return what the answer says; it tells no instant of a close."""
        if not self.trade_no:
            return (self.notice(Said.NOT_KNOWN, at, asked=True),)
        if self.captured:
            amount = self.amount
            paid = self.notice(Said.PAID, self.paid_at, amount_minor=amount, asked=True)
            if self.trade_status != "TRADE_CLOSED":
                return (paid,)
            # A trade that was paid is closed only by giving all of it back.
            return (paid, self.notice(Said.REFUNDED, at, so_far_minor=amount, asked=True))
        said = Said.CLOSED if self._status(at) == "TRADE_CLOSED" else Said.WAITING
        return (self.notice(said, at, asked=True),)
