"""What every source offers; a source is a module with these public names.

Authenticity and meaning are two steps. `verify` refuses with a named error, in constant time, on
the raw bytes; `translate` never raises on any bytes. Sources do no I/O and do not know one another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Final, NamedTuple, Protocol

import msgspec

from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import (
    Acknowledgement,
    Deed,
    Delivery,
    Event,
    Kind,
    Micros,
    Request,
    Result,
    Role,
    Unreadable,
)

Translation = list[Event] | Unreadable


class Outcome(Enum):
    """What became of a delivery, as far as the platform is told."""

    KEPT = "kept"  # durable: understood, a duplicate, or in quarantine
    REFUSED = "refused"  # the signature failed
    BUSY = "busy"  # could not be written durably: the platform must send it again
    TOO_LARGE = "too_large"


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a source can do, as data.

    Attributes:
        webhook: the platform pushes to us.
        signed: its pushes can be proved; those of others only make us ask (`Kind.NUDGE`).
        query: it can be asked about one payment.
        close, void, refund, pay_link: verbs for which `act` makes a request.
        retries: the platform's retry schedule in words, with its document.
        amount_unit: "minor" or "major".
        zone: zone of instants that carry none.
        timeout_s: after how long the platform itself closes an unpaid payment; None if never.
        secrets: purposes of the secrets that the source can use.
        needed: those without which nothing can be taken in.
        probe: a reference as the platform spells them, by which an account is found to have, or
            to lack, what a question needs.
    """

    title: str
    webhook: bool = False
    signed: bool = True
    bill_file: bool = False
    query: bool = False
    close: bool = False
    void: bool = False
    refund: bool = False
    pay_link: bool = False
    retries: str = ""
    amount_unit: str = "minor"
    zone: str = "UTC"
    timeout_s: int | None = None
    secrets: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    probe: str = "probe"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What makes an event the same event; frozen once released.

    Attributes:
        fields: the raw fields that a source puts into `Event.identity`, in order.
        significant: event fields in which two variants of one notice contradict each other.
        role: MOVER if the source holds the money.
    """

    fields: tuple[str, ...]
    significant: tuple[str, ...] = (
        "kind", "result", "amount_minor", "currency", "payment", "operation",
    )  # fmt: skip
    role: Role = Role.MOVER


class Row(NamedTuple):
    """One row of an EVENTS table: what a platform's word means, and where that is documented."""

    kind: Kind
    result: Result
    document: str


class ReasonRow(NamedTuple):
    """One row of a REASONS table: a platform's code as a standard reason."""

    slug: str
    document: str


class Source(Protocol):
    """The public names of a source module."""

    NAME: Final[str]  # type: ignore[misc]
    VERSION: Final[int]  # type: ignore[misc]
    CAPABILITIES: Final[Capabilities]  # type: ignore[misc]
    IDENTITY: Final[Identity]  # type: ignore[misc]
    EVENTS: Final[Mapping[str, Row]]  # type: ignore[misc]
    REASONS: Final[Mapping[str, ReasonRow]]  # type: ignore[misc]

    def verify(self, delivery: Delivery, secrets: Secrets, now: Micros) -> None:
        """Raise a `Refused` unless the delivery is genuine."""

    def translate(self, delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
        """Read a verified delivery. Secrets are for sources whose bodies are encrypted."""

    def acknowledge(self, outcome: Outcome) -> Acknowledgement:
        """Return the exact answer that the platform expects."""

    def query(
        self, reference: str, account: Account, secrets: Secrets, now: Micros, nonce: str
    ) -> Request | None:
        """Return the question about one payment, or None without credentials for it."""

    def act(
        self, deed: Deed, account: Account, secrets: Secrets, now: Micros, nonce: str
    ) -> Request | None:
        """Return the request that does it, or None if the platform or our credentials cannot.

        The answer comes back to `translate` with `via` ASKED and `context` "act:" + the verb.
        """


def bound(source: Source, account: Account) -> Source:
    """Return the source of one account: the module's own, or one made of the account's settings.

    Raises:
        WrongUse: the account's settings make no source; the message names the field.
    """
    made: Callable[[Account], Source] | None = getattr(source, "described", None)
    return made(account) if made else source


def token_request(source: Source, account: Account, secrets: Secrets) -> Request | None:
    """Return the request for an access token, or None if no token is wanted or to be had.

    The public name `token` is for sources whose platform wants one: its answer in JSON holds
    "access_token" and "expires_in" (seconds), and `query` and `act` find the token as the secret
    "access_token".
    """
    made: Callable[[Account, Secrets], Request | None] | None = getattr(source, "token", None)
    return made(account, secrets) if made else None


def challenged(source: Source, query: str, secrets: Secrets) -> Acknowledgement | None:
    """Return the answer to a platform that tries an address with a GET, or None.

    The public name `challenge` is for sources whose platform does so before it sends anything.
    """
    made: Callable[[str, Secrets], Acknowledgement | None] | None
    made = getattr(source, "challenge", None)
    return made(query, secrets) if made else None


def spoken_to_as(source: Source, names: Sequence[str]) -> str:
    """Return the name by which a platform is asked and told about a payment, or "".

    That is the name first heard, unless the source's public name `best_name` chooses another of
    those that were linked: the object that holds the money, where several are one payment.
    """
    chosen: Callable[[Sequence[str]], str] | None = getattr(source, "best_name", None)
    return chosen(names) if chosen and names else next(iter(names), "")


def never_asked(
    reference: str, account: Account, secrets: Secrets, now: Micros, nonce: str
) -> Request | None:
    """Return None: the `query` of a source that cannot be asked."""
    return None


def never_told(
    deed: Deed, account: Account, secrets: Secrets, now: Micros, nonce: str
) -> Request | None:
    """Return None: the `act` of a source that cannot be told to do anything."""
    return None


def can_be_asked(source: Source, account: Account, secrets: Secrets) -> bool:
    """Return whether an account has what a question to its platform needs."""
    probe = source.CAPABILITIES.probe
    return source.query(probe, account, secrets, 0, "0") is not None


Verify = Callable[[Delivery, Secrets, Micros], None]
Registry = Mapping[str, Source]


def first(*values: str | None) -> str:
    """Return the first value that is neither None nor empty, else the empty text."""
    for value in values:
        if value:
            return value
    return ""


def unreadable(path: str, why: str) -> Unreadable:
    """Return the quarantine's note on where reading stopped and why."""
    return Unreadable(path=path, why=why)


def listed(events: Sequence[Event]) -> list[Event]:
    """Return events without exact repetitions, in order."""
    return list(dict.fromkeys(events))
