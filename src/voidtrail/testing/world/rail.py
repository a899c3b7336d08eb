"""What all platforms' payments share: who buys what, the pen for ids, the tally of money."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

from voidtrail.event.model import Micros
from voidtrail.testing.world.catalogue import Product
from voidtrail.testing.world.fact import SECOND, Letter, Notice, Said
from voidtrail.testing.world.settings import ShopPlan
from voidtrail.testing.world.truth import PaymentTruth

_ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_BEIJING = timedelta(hours=8)


class Pen:
    """Writes ids that look like the platforms' own, from seeded chance."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def alnum(self, length: int) -> str:
        """Return letters and digits."""
        return "".join(self.rng.choices(_ALNUM, k=length))

    def digits(self, length: int) -> str:
        """Return digits."""
        return f"{self.rng.randrange(10**length):0{length}d}"

    def hex(self, length: int) -> str:
        """Return lower-case hex digits."""
        return f"{self.rng.getrandbits(4 * length):0{length}x}"


def beijing(at: Micros) -> datetime:
    """Return an instant on Beijing's wall clock, whole seconds."""
    return datetime.fromtimestamp(at // SECOND, UTC) + _BEIJING


def wall(at: Micros) -> str:
    """Return "2026-03-17 12:00:00" on Beijing's wall clock."""
    return f"{beijing(at):%Y-%m-%d %H:%M:%S}"


def rfc3339(at: Micros) -> str:
    """Return "2026-03-17T12:00:00+08:00"."""
    return f"{beijing(at):%Y-%m-%dT%H:%M:%S}+08:00"


def _kept(value: Any) -> Any:
    """Return a value that later changes of the original leave alone."""
    if isinstance(value, dict):
        return {name: _kept(each) for name, each in value.items()}
    return value[:] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Customer:
    """A person, as the platforms and the shop know them."""

    number: str
    name: str
    email: str
    phone: str
    place: str
    country: str
    stripe_id: str
    openid: str
    buyer_id: str


@dataclass(frozen=True, slots=True)
class Purchase:
    """One order as it is placed.

    Attributes:
        account: name of the live or test account of the shop's own statements.
        note: what the customer typed into the order's note.
    """

    order: str
    shop: ShopPlan
    account: str
    test: bool
    product: Product
    quantity: int
    amount_minor: int
    currency: str
    customer: Customer
    placed_at: Micros
    note: str
    repriced: bool
    in_fault: bool


class Rail(ABC):
    """One payment at one platform: says what the platform says, and keeps the tally of money."""

    source: ClassVar[str] = ""
    KNOWN: ClassVar[tuple[str, ...]] = ("names", "opened_at", "held", "captured", "returned")
    """What of a payment its platform answers by; it changes while the day goes on."""

    def __init__(self, purchase: Purchase, pen: Pen, method: str, account: str, serial: int):
        self.purchase = purchase
        self.pen = pen
        self.method = method
        self.account = account
        self.serial = serial
        self.amount = purchase.amount_minor
        self.currency = purchase.currency
        self.letters: list[Letter] = []
        self.reference = ""
        self.names: list[str] = []
        self.opened_at: Micros = 0
        self.held = self.captured = self.returned = 0
        self.test_flag = False
        self.end = ("open", "", "", False)
        self.why = ""
        self._past: list[tuple[Micros, dict[str, Any]]] = []

    def remember(self, at: Micros) -> None:
        """Keep what the platform knows from this instant on, for questions about an instant."""
        self._past.append((at, {name: _kept(getattr(self, name)) for name in self.KNOWN}))

    def as_of(self, at: Micros) -> Self:
        """Return the payment as its platform knew it at an instant, not before it was made."""
        then = copy(self)
        known = [state for since, state in self._past if since <= at]
        vars(then).update(known[-1] if known else self._past[0][1])
        return then

    def close_as(self, how: str, actor: str, explicit: bool = True) -> None:
        """Note the truth: the payment is cancelled, how and by whom."""
        self.end = ("cancelled", how, actor, explicit)

    def paid(self) -> None:
        """Note the truth: the payment is paid."""
        self.end = ("paid", "", "", False)

    def notice(self, said: Said, at: Micros, **more: object) -> Notice:
        """Return a statement of this platform about this payment."""
        names = (self.reference, *self.names)
        return Notice(
            source=self.source,
            account=self.account,
            order=self.purchase.order,
            payment=self.reference,
            said=said,
            at=at // SECOND * SECOND,
            holder=(self.source, self.account),
            names=names,
            currency=self.currency,
            method=self.method,
            test=self.test_flag,
            **more,  # type: ignore[arg-type]
        )

    def post(self, at: Micros, body: bytes, *notices: Notice, lost: bool = False) -> None:
        """Put a letter on the way."""
        self.letters.append(Letter(at, self.source, self.account, body, notices, lost=lost))

    @property
    def money(self) -> str:
        """Where the money stands."""
        if self.captured:
            if not self.returned:
                return "taken"
            return "returned" if self.returned >= self.captured else "partly_returned"
        return "held" if self.held else "none"

    def truth(self, behaviour: str) -> PaymentTruth:
        """Return the end of this payment."""
        state, how, actor, explicit = self.end
        purchase = self.purchase
        return PaymentTruth(
            source=self.source,
            account=self.account,
            reference=self.reference,
            names=(self.reference, *self.names),
            order=purchase.order,
            shop=purchase.shop.name,
            method=self.method,
            state=state,
            how=how,
            actor=actor,
            money=self.money,
            amount_minor=self.amount,
            captured_minor=self.captured,
            returned_minor=self.returned,
            currency=self.currency,
            explicit=explicit,
            test=purchase.test,
            why=self.why,
            behaviour=behaviour,
        )

    # What every platform can do, each in its own words.

    @abstractmethod
    def open(self, at: Micros) -> None:
        """Make the payment."""

    def scan(self, at: Micros) -> None:  # noqa: B027 # most say nothing
        """Let the customer arrive at the platform (scanned the code, logged in)."""

    @abstractmethod
    def pay(self, at: Micros, lost: bool = False) -> None:
        """Take the money."""

    @abstractmethod
    def call_off(self, at: Micros, code: str = "", lost: bool = False) -> None:
        """Close the unpaid payment."""

    @abstractmethod
    def refund(self, at: Micros, amount: int, code: str = "") -> None:
        """Give back."""

    def stray(self, at: Micros) -> None:  # noqa: B027 # most say nothing
        """Say something that no list of a recorder has."""

    @abstractmethod
    def answer(self, at: Micros) -> dict[str, object]:
        """Return what the platform says when it is asked; {} if the payment is unknown to it.

        Args:
            at: the instant of asking, for what ends by the clock alone; see `as_of` for the rest.
        """

    @abstractmethod
    def answer_notices(self, at: Micros, reference: str = "") -> tuple[Notice, ...]:
        """Return the same in the auditor's words.

        Args:
            at: the instant of asking.
            reference: the name by which it is asked about; "" is its first one.
        """
