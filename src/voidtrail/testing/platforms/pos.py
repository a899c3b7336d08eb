"""A card terminal and its host of our own: sales, voids, refunds, reversals, as they are mirrored.

Nothing can be asked of a terminal, so what is lost on the way is lost. `send` carries messages to a
`[[listen]]` as two bytes of length and the message, which is how a mirror passes them on.

Source: UnionPay Q/CUP 009, POS terminal specification; ISO 8583:1987
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final

from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Micros, Via
from voidtrail.money import currency_number
from voidtrail.sources import pos
from voidtrail.sources.pos.wire import encode
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

_CARD: Final = "6200000000000005"
_BEIJING: Final = timedelta(hours=8)
_SALE, _VOID, _REFUND = "22", "23", "25"
_REVERSED: Final = {Step.CUSTOMER_CANCEL: "17", Step.EXPIRE: "98", Step.CLOSE: "96"}
"""Why a terminal takes a sale back that was not answered: DE39 of its reversal."""
_MORE: Final[Mapping[str, frozenset[Step]]] = {
    "paid": frozenset({Step.VOID, Step.VOID_REFUSED}),
    "closed": frozenset({Step.LATE, Step.VOID_UNDONE}),
}
"""What may happen at a terminal besides: a void is of money that was taken."""


class FakePos(FakePlatform):
    """One terminal of one merchant."""

    SOURCE = "pos"
    PLAYS: ClassVar[Mapping[Situation, tuple[Step, ...]]] = {
        Situation.PAID: (Step.OPEN, Step.CAPTURE),
        Situation.LEFT: (Step.OPEN,),
        Situation.CUSTOMER_CANCELLED: (Step.OPEN, Step.CUSTOMER_CANCEL),
        Situation.MERCHANT_VOIDED: (Step.OPEN, Step.CAPTURE, Step.VOID),
        Situation.PLATFORM_CLOSED: (Step.OPEN, Step.CLOSE),
        Situation.EXPIRED: (Step.OPEN, Step.EXPIRE),
        Situation.DECLINED: (Step.OPEN, Step.DECLINE),
        Situation.RETURNED: (Step.OPEN, Step.CAPTURE, Step.REFUND),
        Situation.REFUSED_CANCELLATION: (Step.OPEN, Step.CAPTURE, Step.VOID_REFUSED),
        Situation.LATE_APPROVAL: (Step.OPEN, Step.EXPIRE, Step.LATE),
        Situation.VOID_UNDONE: (Step.OPEN, Step.CAPTURE, Step.VOID, Step.VOID_UNDONE),
    }
    KNOWN: ClassVar[Mapping[Situation, Known]] = {
        Situation.PAID: Known("paid", money="taken"),
        Situation.LEFT: Known("cancelled", "abandoned", "customer"),
        Situation.CUSTOMER_CANCELLED: Known("cancelled", "customer_cancelled", "customer"),
        Situation.MERCHANT_VOIDED: Known("cancelled", "merchant_voided", "merchant", "returned"),
        Situation.PLATFORM_CLOSED: Known("cancelled", "reversed", "system"),
        Situation.EXPIRED: Known("cancelled", "reversed", "network"),
        Situation.DECLINED: Known("cancelled", "gave_up_after_decline", "issuer"),
        Situation.RETURNED: Known("cancelled", "refunded_in_full", "merchant", "returned"),
        Situation.REFUSED_CANCELLATION: Known("paid", money="taken"),
        Situation.LATE_APPROVAL: Known("cancelled", "reversed", "network", "returned"),
        Situation.VOID_UNDONE: Known("paid", money="taken"),
    }

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._terminal = f"{self.rng.randrange(10**8):08}"
        self._merchant = f"8500{self.rng.randrange(10**11):011}"
        self._trace = self.rng.randrange(1, 100_000)

    def secrets(self) -> Mapping[str, str]:
        """Return the key of cards' pseudonyms; messages are signed by nobody."""
        return {"card_key": f"cards-of-{self._terminal}"}

    def options(self, address: str) -> Mapping[str, str]:
        """Return where the order's number stands, and whose terminal it is."""
        return {"order_field": "62", "merchant": self._merchant}

    def reference(self, order: str) -> str:
        """Return the next slip: terminal, merchant, batch, trace number."""
        return self._slip(self._next())

    def _next(self) -> str:
        self._trace += 1
        return f"{self._trace:06}"

    def _slip(self, trace: str) -> str:
        return f"{self._terminal}-{self._merchant}-000024-{trace}"

    def do(
        self, payment: FakePayment, step: Step, at: Micros, amount_minor: int = 0, key: str = ""
    ) -> bool:
        """Let a step happen; False if the payment's status does not allow it."""
        if step not in _MORE.get(payment.status, ()):
            return super().do(payment, step, at, amount_minor, key)
        if step is Step.VOID:
            payment.status, payment.captured = "closed", 0
        elif step is Step.VOID_UNDONE:
            payment.status, payment.captured = "paid", payment.amount_minor
        payment.done.append((step, at))
        self.waiting.extend(self.tell(payment, step, at))
        return True

    def tell(self, payment: FakePayment, step: Step, at: Micros) -> Iterable[Notice]:
        """Return what goes over the line between terminal and host."""
        said = [Notice(body, at) for body in self._messages(payment, step, at)]
        # The answer comes a moment after the question.
        return [Notice(each.body, at + n * 1_000_000) for n, each in enumerate(said)]

    def _messages(self, payment: FakePayment, step: Step, at: Micros) -> list[bytes]:
        trace = payment.reference.rpartition("-")[2]
        card = {2: _CARD, 14: "2806", 22: "0710", 35: f"{_CARD}D28062013949031013"}
        if step is Step.OPEN:
            order = {62: payment.order.encode().hex()}
            return [self._message("0200", payment, trace, _SALE, card | order)]
        if step in (Step.CAPTURE, Step.LATE):
            return [self._answer("0210", payment, trace, _SALE, "00", at)]
        if step is Step.DECLINE:
            return [self._answer("0210", payment, trace, _SALE, "51", at)]
        if step in _REVERSED:
            sent = self._message("0400", payment, trace, _SALE,
                                 {2: _CARD, 22: "0710", 39: _REVERSED[step],
                                  61: f"000024{trace}"})  # fmt: skip
            return [sent, self._answer("0410", payment, trace, _SALE, "00", at)]
        original = {37: self._retrieval(trace), 61: f"000024{trace}"}
        own = payment.ids.get("void", "") if step is Step.VOID_UNDONE else self._next()
        if step is Step.VOID_UNDONE:
            sent = self._message("0400", payment, own, _VOID, {39: "98", 61: f"000024{trace}"})
            return [sent, self._answer("0410", payment, own, _VOID, "00", at)]
        if step is Step.REFUND:
            asked = self._message("0220", payment, own, _REFUND, card | original)
            return [asked, self._answer("0230", payment, own, _REFUND, "00", at)]
        payment.ids["void"] = own
        code = "00" if step is Step.VOID else "22"
        return [self._message("0200", payment, own, _VOID, card | original),
                self._answer("0210", payment, own, _VOID, code, at)]  # fmt: skip

    def _message(
        self, mti: str, payment: FakePayment, trace: str, kind: str, more: Mapping[int, str]
    ) -> bytes:
        amount = payment.refunds[-1].amount_minor if kind == _REFUND else payment.amount_minor
        fields = {3: "000000" if kind == _SALE else "200000", 4: f"{amount:012}", 11: trace,
                  25: "00", 41: self._terminal, 42: self._merchant,
                  49: f"{currency_number(payment.currency):03}",
                  60: f"{kind}00002400060"}  # fmt: skip
        return encode(mti, {**fields, **more})

    def _answer(
        self, mti: str, payment: FakePayment, trace: str, kind: str, code: str, at: Micros
    ) -> bytes:
        local = datetime.fromtimestamp(at // 1_000_000, UTC) + _BEIJING
        said = {12: f"{local:%H%M%S}", 13: f"{local:%m%d}", 37: self._retrieval(trace), 39: code}
        return self._message(mti, payment, trace, kind, said)

    def _retrieval(self, trace: str) -> str:
        return f"{self._terminal[:6]}{trace}"

    def sign(self, notice: Notice, at: Micros) -> Posting:
        """Return the message with its length in front: nobody signs it."""
        return Posting((), len(notice.body).to_bytes(2, "big") + notice.body)

    def delivery(self, notice: Notice, account: str, at: Micros) -> Delivery:
        """Return a message as the recorder keeps it, as if out of a captured file."""
        secrets = {"card_key": ()}
        owner = Account(source=self.SOURCE, name=account)
        return pos.received(notice.body, owner, secrets, at, Via.FILE)

    def answer(self, asked: Asked, at: Micros) -> Answer:
        """Answer that there is nobody to be asked."""
        return Answer(404, (), b"")

    async def send(self, host: str, port: int) -> int:
        """Carry the messages since the last call to a listener; return how many they were."""
        notices = self.take()
        _, writer = await asyncio.open_connection(host, port)
        for notice in notices:
            writer.write(self.sign(notice, notice.at).body)
        await writer.drain()
        writer.write_eof()
        writer.close()
        await writer.wait_closed()
        return len(notices)
