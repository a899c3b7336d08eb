"""What all fake platforms share: payments, what may happen to them, money, what there is to know.

A platform is told steps (`do`); it changes the payment and says what the real platform would say
(`tell`), signs it at the instant of sending (`sign`), and answers requests (`answer`). What a
recorder can possibly know in the end stands in `KNOWN`, typed from the platform's documents.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Final, NamedTuple

from voidtrail.event.model import QUERY, Delivery, Micros

Headers = tuple[tuple[str, str], ...]
MINUTE: Final = 60_000_000


class Step(Enum):
    """What can happen to a payment at a platform."""

    OPEN = "open"  # the payment object is made
    ARRIVE = "arrive"  # the customer reaches the platform (scans, logs in)
    AUTHORISE = "authorise"
    CAPTURE = "capture"  # money is taken, of what is held or at once
    DECLINE = "decline"  # an attempt is refused
    CUSTOMER_CANCEL = "customer_cancel"  # the customer presses cancel at the platform
    CLOSE = "close"  # the merchant closes what is unpaid
    EXPIRE = "expire"  # the platform's own time-out
    VOID = "void"  # the merchant lets go what is held
    VOID_REFUSED = "void_refused"  # the platform refuses that: the payment stays alive
    REFUND = "refund"
    REFUND_FAIL = "refund_fail"  # the last refund did not reach the customer
    DISPUTE = "dispute"  # disputed money is withdrawn
    DISPUTE_WON = "dispute_won"  # and comes back
    LATE = "late"  # the approval of an attempt comes after it was taken back
    VOID_UNDONE = "void_undone"  # the last void is taken back


class Situation(Enum):
    """The situations of the recognition table, and two in which nothing was called off."""

    PAID = "paid"
    LEFT = "left"  # walked away: nobody says anything
    CUSTOMER_CANCELLED = "customer_cancelled"
    MERCHANT_VOIDED = "merchant_voided"
    PLATFORM_CLOSED = "platform_closed"
    EXPIRED = "expired"
    DECLINED = "declined"  # and given up
    DECLINED_THEN_PAID = "declined_then_paid"
    RETURNED = "returned"  # refunded in full
    DISPUTED = "disputed"
    REFUSED_CANCELLATION = "refused_cancellation"
    LATE_APPROVAL = "late_approval"  # reversed, then approved: stays reversed
    VOID_UNDONE = "void_undone"  # voided, and the void reversed: paid


class Known(NamedTuple):
    """The verdict that a perfect recorder reaches after the last question, in its own words."""

    state: str
    how: str = "none"
    actor: str = "unknown"
    money: str = "none"


PLAYS: Final[Mapping[Situation, tuple[Step, ...]]] = {
    Situation.PAID: (Step.OPEN, Step.AUTHORISE, Step.CAPTURE),
    Situation.LEFT: (Step.OPEN,),
    Situation.CUSTOMER_CANCELLED: (Step.OPEN, Step.CUSTOMER_CANCEL),
    Situation.MERCHANT_VOIDED: (Step.OPEN, Step.AUTHORISE, Step.VOID),
    Situation.EXPIRED: (Step.OPEN, Step.EXPIRE),
    Situation.DECLINED: (Step.OPEN, Step.DECLINE),
    Situation.DECLINED_THEN_PAID: (Step.OPEN, Step.DECLINE, Step.AUTHORISE, Step.CAPTURE),
    Situation.RETURNED: (Step.OPEN, Step.AUTHORISE, Step.CAPTURE, Step.REFUND),
    Situation.DISPUTED: (Step.OPEN, Step.AUTHORISE, Step.CAPTURE, Step.DISPUTE),
    Situation.REFUSED_CANCELLATION: (Step.OPEN, Step.AUTHORISE, Step.VOID_REFUSED),
}
"""The steps of a situation, unless a platform's own `PLAYS` says otherwise."""


@dataclass(slots=True)
class Refund:
    """One return of money."""

    id: str
    amount_minor: int
    at: Micros
    key: str = ""
    failed: bool = False


@dataclass(slots=True)
class FakePayment:
    """One payment as its platform keeps it.

    Attributes:
        reference: the name that the platform's source uses for it.
        ids: further ids by what they are of, as {"capture": "…"}; made by `FakePlatform.id_of`.
        status: open, held, paid or closed.
        done: every step so far, with its instant.
    """

    reference: str
    order: str
    amount_minor: int
    currency: str
    opened_at: Micros = 0
    ids: dict[str, str] = field(default_factory=dict)
    status: str = "open"
    held: int = 0
    captured: int = 0
    refunds: list[Refund] = field(default_factory=list)
    disputed: int = 0
    done: list[tuple[Step, Micros]] = field(default_factory=list)

    @property
    def returned(self) -> int:
        """How much went back."""
        return sum(each.amount_minor for each in self.refunds if not each.failed)

    def at(self, step: Step) -> Micros | None:
        """Return when a step last happened, or None."""
        return next((at for each, at in reversed(self.done) if each is step), None)


@dataclass(frozen=True, slots=True)
class Notice:
    """A statement before it is signed; `more` is whatever `sign` needs besides (an event id)."""

    body: bytes
    at: Micros
    more: Mapping[str, str] = field(default_factory=dict)


class Posting(NamedTuple):
    """A signed notice as it is sent: to the account's address, `query` behind it."""

    headers: Headers
    body: bytes
    query: str = ""


class Asked(NamedTuple):
    """A request as a platform receives it. Header names in lower case; `path` begins with "/"."""

    method: str
    path: str
    query: str = ""
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str:
        """Return a header, or ""."""
        return next((value for key, value in self.headers if key == name), "")


class Answer(NamedTuple):
    """What a platform answers."""

    status: int
    headers: Headers
    body: bytes


class FakePlatform(ABC):
    """One account at one platform.

    Args:
        seed: of the ids that it makes up.

    Attributes:
        payments: by reference.
        waiting: notices that were not yet fetched with `take`.
    """

    SOURCE: ClassVar[str]
    CURRENCY: ClassVar[str] = "CNY"
    PLAYS: ClassVar[Mapping[Situation, tuple[Step, ...]]]
    """The situations that this platform knows, with their steps."""
    KNOWN: ClassVar[Mapping[Situation, Known]]
    """What there is to know of each of them after all notices and questions."""
    ASKED: ClassVar[Mapping[Situation, Known]] = {}
    """The same for those of which answers alone tell less, had every notice been lost."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = random.Random(f"{self.SOURCE}/{seed}")
        self.payments: dict[str, FakePayment] = {}
        self.waiting: list[Notice] = []

    # What a subclass says.

    @abstractmethod
    def secrets(self) -> Mapping[str, str]:
        """Return the account's secrets by purpose, for the settings of the recorder."""

    def options(self, address: str) -> Mapping[str, str]:
        """Return the account's options; `address` is where this platform can be asked."""
        return {"api_base": address}

    @abstractmethod
    def reference(self, order: str) -> str:
        """Make up the name of a new payment."""

    @abstractmethod
    def tell(self, payment: FakePayment, step: Step, at: Micros) -> Iterable[Notice]:
        """Return what the platform pushes about a step that has just happened; often nothing."""

    @abstractmethod
    def sign(self, notice: Notice, at: Micros) -> Posting:
        """Sign a notice at the instant of sending; a repetition is signed anew."""

    @abstractmethod
    def answer(self, asked: Asked, at: Micros) -> Answer:
        """Answer a question or carry out an order (close, void, refund), as of the instant.

        An order that changes a payment calls `do`. The same idempotency key changes nothing twice.
        """

    # What they share.

    def open(self, order: str, amount_minor: int, at: Micros, currency: str = "") -> FakePayment:
        """Make a payment."""
        reference = self.reference(order)
        payment = FakePayment(reference, order, amount_minor, currency or self.CURRENCY, at)
        self.payments[reference] = payment
        self.do(payment, Step.OPEN, at)
        return payment

    def do(
        self, payment: FakePayment, step: Step, at: Micros, amount_minor: int = 0, key: str = ""
    ) -> bool:
        """Let a step happen; False if the payment's status does not allow it.

        Args:
            payment: one of `payments`.
            step: what happens.
            at: when.
            amount_minor: of a capture or refund; 0 is all of it.
            key: of the order that asked for it.
        """
        if step not in _ALLOWED[payment.status]:
            return False
        _change(self, payment, step, at, amount_minor, key)
        payment.done.append((step, at))
        self.waiting.extend(self.tell(payment, step, at))
        return True

    def play(
        self, situation: Situation, order: str, amount_minor: int, at: Micros,
        pause: Micros = MINUTE,
    ) -> FakePayment:  # fmt: skip
        """Play a situation from beginning to end, a pause between its steps."""
        steps = self.PLAYS[situation]
        assert steps[0] is Step.OPEN
        payment = self.open(order, amount_minor, at)
        for number, step in enumerate(steps[1:], 1):
            assert self.do(payment, step, at + number * pause), (situation, step)
        return payment

    def take(self) -> list[Notice]:
        """Return the notices since the last call, oldest first."""
        taken, self.waiting = self.waiting, []
        return taken

    def delivery(self, notice: Notice, account: str, at: Micros) -> Delivery:
        """Return a notice as the recorder receives it, signed at that instant."""
        posting = self.sign(notice, at)
        headers = tuple((name.lower(), value) for name, value in posting.headers)
        if posting.query:
            headers = (*headers, (QUERY, posting.query))
        return Delivery(source=self.SOURCE, account=account, received_at=at, body=posting.body,
                        headers=headers)  # fmt: skip

    def id_of(self, payment: FakePayment, what: str, prefix: str = "", length: int = 16) -> str:
        """Return an id of the payment, made up at the first call."""
        if what not in payment.ids:
            payment.ids[what] = prefix + self.alnum(length)
        return payment.ids[what]

    def alnum(self, length: int) -> str:
        """Make up letters and digits."""
        return "".join(self.rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", k=length))


_LIVE: Final = frozenset({Step.DECLINE, Step.ARRIVE, Step.AUTHORISE, Step.CAPTURE})
_ALLOWED: Final[Mapping[str, frozenset[Step]]] = {
    "open": _LIVE | {Step.OPEN, Step.CUSTOMER_CANCEL, Step.CLOSE, Step.EXPIRE},
    "held": frozenset({Step.CAPTURE, Step.VOID, Step.VOID_REFUSED, Step.EXPIRE,
                       Step.CUSTOMER_CANCEL}),
    "paid": frozenset({Step.REFUND, Step.REFUND_FAIL, Step.DISPUTE, Step.DISPUTE_WON}),
    "closed": frozenset(),
}  # fmt: skip


def _change(
    platform: FakePlatform, payment: FakePayment, step: Step, at: Micros, amount: int, key: str
) -> None:
    if step is Step.AUTHORISE:
        payment.status, payment.held = "held", payment.amount_minor
    elif step is Step.CAPTURE:
        payment.status, payment.held = "paid", 0
        payment.captured = amount or payment.amount_minor
    elif step in (Step.CUSTOMER_CANCEL, Step.CLOSE, Step.EXPIRE, Step.VOID):
        payment.status, payment.held = "closed", 0
    elif step is Step.REFUND:
        left = payment.captured - payment.returned
        refund = Refund(platform.alnum(14), min(amount or left, left), at, key)
        payment.refunds.append(refund)
    elif step is Step.REFUND_FAIL and payment.refunds:
        payment.refunds[-1].failed = True
    elif step is Step.DISPUTE:
        payment.disputed = payment.captured
    elif step is Step.DISPUTE_WON:
        payment.disputed = 0
