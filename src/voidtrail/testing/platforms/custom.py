"""An acquirer of our own that nobody wrote a source for: its settings are its description.

It signs as many Chinese acquirers do: MD5 in capitals over the sorted fields with the key behind.
It pushes every change, and cannot be asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

import msgspec

from voidtrail.event.model import Micros
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

DESCRIPTION: Final = """
title = "Acquirer by description"
body = "json"
amount_unit = "minor"
currency = "CNY"
zone = "Asia/Shanghai"

[signature]
algorithm = "md5"
at = "sign"
text = "{fields}&key={secret}"

[fields]
payment = "orderId"
names = ["transactionId"]
order = "orderId"
operation = "transactionId"
status = ["tradeType", "tradeState"]
amount = "amount"
at = "finishTime"
reason = "respCode"

[reasons]
"51" = "insufficient_funds"

[status."PAY/WAIT"]
kind = "OPEN"
result = "PENDING"

[status."PAY/SUCCESS"]
kind = "CAPTURE"
result = "SUCCEEDED"

[status."PAY/FAIL"]
kind = "AUTHORISE"
result = "REFUSED"
reason = "declined"

[status."PAY/CANCELLED"]
kind = "CANCEL"
result = "SUCCEEDED"
reason = "customer_request"

[status."PAY/CLOSED"]
kind = "CANCEL"
result = "SUCCEEDED"
reason = "closed_unpaid"

[status."PAY/TIMEOUT"]
kind = "EXPIRE"
result = "SUCCEEDED"
reason = "timed_out"

[status."REFUND/SUCCESS"]
kind = "REFUND"
result = "SUCCEEDED"
reason = "merchant_refund"

[status."REFUND/FAIL"]
kind = "REFUND"
result = "REFUSED"

[acknowledge]
content_type = "application/json"
body = '{"code":"00"}'
refused = '{"code":"99"}'
"""
_JSON: Final = (("Content-Type", "application/json"),)
_OPEN: Final = Step.OPEN
_STATES: Final = {
    Step.OPEN: "PAY/WAIT", Step.CAPTURE: "PAY/SUCCESS", Step.DECLINE: "PAY/FAIL",
    Step.CUSTOMER_CANCEL: "PAY/CANCELLED", Step.CLOSE: "PAY/CLOSED", Step.EXPIRE: "PAY/TIMEOUT",
    Step.REFUND: "REFUND/SUCCESS",
}  # fmt: skip


class FakeCustom(FakePlatform):
    """One merchant of it."""

    SOURCE = "custom"
    PLAYS: ClassVar[Mapping[Situation, tuple[Step, ...]]] = {
        Situation.PAID: (_OPEN, Step.CAPTURE),
        Situation.LEFT: (_OPEN,),
        Situation.CUSTOMER_CANCELLED: (_OPEN, Step.CUSTOMER_CANCEL),
        Situation.PLATFORM_CLOSED: (_OPEN, Step.CLOSE),
        Situation.EXPIRED: (_OPEN, Step.EXPIRE),
        Situation.DECLINED: (_OPEN, Step.DECLINE),
        Situation.DECLINED_THEN_PAID: (_OPEN, Step.DECLINE, Step.CAPTURE),
        Situation.RETURNED: (_OPEN, Step.CAPTURE, Step.REFUND),
    }
    KNOWN: ClassVar[Mapping[Situation, Known]] = {
        Situation.PAID: Known("paid", money="taken"),
        Situation.LEFT: Known("cancelled", "abandoned", "customer"),
        Situation.CUSTOMER_CANCELLED: Known("cancelled", "customer_cancelled", "customer"),
        Situation.PLATFORM_CLOSED: Known("cancelled", "platform_closed"),
        Situation.EXPIRED: Known("cancelled", "expired", "platform"),
        Situation.DECLINED: Known("cancelled", "gave_up_after_decline", "issuer"),
        Situation.DECLINED_THEN_PAID: Known("paid", money="taken"),
        Situation.RETURNED: Known("cancelled", "refunded_in_full", "merchant", "returned"),
    }

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._signing = self.alnum(32)

    def secrets(self) -> Mapping[str, str]:
        """Return the shared key."""
        return {"signing": self._signing}

    def options(self, address: str) -> Mapping[str, str]:
        """Return the description of this platform."""
        return {"description": DESCRIPTION}

    def reference(self, order: str) -> str:
        """Return the `orderId`: the order's own number, or a further one for a retry."""
        return order if order not in self.payments else f"{order}-{len(self.payments)}"

    def tell(self, payment: FakePayment, step: Step, at: Micros) -> Iterable[Notice]:
        """Tell of everything that happens."""
        kind, _, state = _STATES[step].partition("/")
        tried = f"{step.value}-{len(payment.done)}"
        said: dict[str, Any] = {
            "tradeType": kind, "tradeState": state, "orderId": payment.reference,
            "transactionId": self.id_of(payment, tried, "RYX"), "amount": payment.amount_minor,
            "finishTime": _beijing(at), "signType": "MD5",
        }  # fmt: skip
        if step is Step.DECLINE:
            said["respCode"] = "51"
        if step is Step.REFUND:
            said["amount"] = payment.refunds[-1].amount_minor
        yield Notice(msgspec.json.encode(said), at)

    def sign(self, notice: Notice, at: Micros) -> Posting:
        """Sign the fields, with the key behind."""
        fields = json.loads(notice.body)
        pairs = "&".join(f"{name}={value}" for name, value in sorted(fields.items()))
        text = f"{pairs}&key={self._signing}"
        made = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()
        return Posting(_JSON, msgspec.json.encode(fields | {"sign": made}))

    def answer(self, asked: Asked, at: Micros) -> Answer:
        """Answer nothing: it cannot be asked."""
        return Answer(404, _JSON, b'{"code":"404"}')


def _beijing(at: Micros) -> str:
    moment = datetime.fromtimestamp(at // 1_000_000, UTC) + timedelta(hours=8)
    return f"{moment:%Y%m%d%H%M%S}"
