"""What goes into a ledger, what comes back, and what every store of it offers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from voidtrail.event.account import Account
from voidtrail.event.codec import Encoded
from voidtrail.event.model import Micros
from voidtrail.lattice import Fact, Row, Table
from voidtrail.ledger.keys import Keyring

UNDERSTOOD, QUARANTINED = 0, 1
SLICE_MAX = 256
"""Most deliveries that one transaction takes, so that nobody waits long for the writer."""


class Item(NamedTuple):
    """A delivery that is ready to be kept.

    Attributes:
        plain: what is sealed: body, headers, request and context, packed and masked.
        digest: keyed digest of the body.
        version: version of the translator that made `events`.
        path, why: for quarantine; "" if understood.
        customer: the source's id of the customer, "" if unknown; never stored in clear.
        quiet: history: nobody is told.
        file_no: number of the imported file, if it was one.
        repeat_of: the kept delivery that was read again; its content is not kept once more.
    """

    account_no: int
    via: int
    received_at: Micros
    plain: bytes
    digest: bytes
    version: int
    events: Sequence[Encoded]
    outcome: int = UNDERSTOOD
    path: str = ""
    why: str = ""
    customer: str = ""
    quiet: bool = False
    file_no: int | None = None
    repeat_of: int | None = None


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """What became of one item.

    Attributes:
        delivery_id: its sequence number in the ledger.
        new: events that were not known before.
        duplicates: events that were.
        repeat_of: the delivery that already said all of this, if any.
        conflict: an event contradicts an earlier variant of the same notice.
    """

    delivery_id: int
    new: int
    duplicates: int
    repeat_of: int | None
    conflict: bool


class DeliveryRow(NamedTuple):
    """A delivery as stored; `sealed` is None where an equal body is kept already."""

    seq: int
    account_no: int
    via: int
    received_at: Micros
    digest: bytes
    repeat_of: int | None
    outcome: int
    version: int
    key_no: int | None
    path: str
    why: str
    file_no: int | None
    sealed: bytes | None

    def public(self) -> tuple[object, ...]:
        """Return what is hashed in clear: every column but the sequence number and content."""
        return tuple(self[1:-1])


class Control(NamedTuple):
    """A control entry: an account, terms, a tick, a file, a retraction; body is JSON."""

    seq: int
    at: Micros
    kind: str
    body: str


HISTORY, TEST = 1, 2
"""Why nobody is to hear of a change; 0 if everybody may. History makes no notice at all."""


class Change(NamedTuple):
    """A change of a payment's verdict, as the outbox carries it; `quiet` is TEST or 0.

    An older ledger may hold notices of history too, marked HISTORY.
    """

    payment_id: int
    at: Micros
    before: tuple[int, ...] | None
    after: tuple[int, ...]
    quiet: int


class Head(NamedTuple):
    """The end of the chain.

    Attributes:
        group: number of the last group; 0 before the first.
        entries: sequence number of the last entry.
        digest: the head.
        tick: the ledger's clock: instant of the last tick; silence is judged by it.
    """

    group: int
    entries: int
    digest: bytes
    tick: Micros


class Judge(Protocol):
    """The pure functions that the runtime hands to a store (the ledger knows no payments)."""

    payment: Table
    operation: Table
    operation_kinds: frozenset[int]
    verdict: tuple[str, ...]
    facts_sql: str
    operation_where: str

    def fact(self, record: tuple[Any, ...], payment_id: int, order_id: int | None) -> Fact:
        """Return the fact of a record."""

    def verdict_of(self, payment: Row, operations: Sequence[Row], now: Micros) -> tuple[int, ...]:
        """Return the verdict's columns."""

    def verdict_sql(self, payment: str, operation: str, now: Micros) -> str:
        """Return the query of all verdicts: payment_id, then the verdict's columns."""

    def definition(self) -> str:
        """Return a text that changes when the meaning of verdicts does, whatever the terms."""

    def quiet(self, payment: Row, *, by_time: bool) -> int:
        """Return why nobody is to hear of a payment's change, which time alone may have made."""

    def tells(self, before: tuple[int, ...] | None, after: tuple[int, ...]) -> bool:
        """Whether somebody should hear of this change."""


class Log(Protocol):
    """A ledger: one writer at a time, everything in one transaction per group."""

    judge: Judge
    keyring: Keyring

    def accounts(self) -> Mapping[int, Account]:
        """Return the accounts by number."""

    def account_no(self, account: Account) -> int:
        """Return the account's number, entering the account (or its change) if need be."""

    def try_begin(self) -> bool:
        """Begin a write; False if another process is writing (try again in a moment)."""

    def append(self, items: Sequence[Item], at: Micros) -> list[Receipt]:
        """Write a group inside of the transaction begun; nothing is durable before `commit`."""

    def control(self, entries: Sequence[tuple[str, str]], at: Micros) -> None:
        """Write control entries (kind, JSON body) inside of the transaction begun."""

    def commit(self) -> None:
        """Make the transaction durable; may run in another thread.

        Raises:
            LedgerStopped: it could not be made durable; the store accepts nothing any more.
        """

    def rollback(self) -> None:
        """Give up the transaction begun."""

    def head(self) -> Head:
        """Return the end of the chain."""

    def due(self, now: Micros, limit: int) -> list[tuple[int, Micros]]:
        """Return payments whose verdict time has changed: (payment_id, due_at), earliest first."""

    def waiting(self, limit: int, after: int = 0) -> list[tuple[int, int, int]]:
        """Return payments whose platform is to be asked: (payment_id, account, why).

        By their number, and only those with a number above `after`; `why` is the verdict's
        `asking`.
        """

    def names_of(self, payment_id: int) -> list[str]:
        """Return a payment's names, the first heard first."""

    def outbox(
        self, limit: int, after: int = 0
    ) -> list[tuple[int, Micros, int, int, bytes | None, bytes]]:
        """Return notices not struck off: number, at, payment, quiet, before, after (msgpack).

        Args:
            limit: most notices to return.
            after: only those with a higher number.
        """

    def struck(self, up_to: int, now: Micros, after: int = 0) -> int:
        """Strike off the notices of a range of numbers; inside of the transaction begun.

        Args:
            up_to: the last number struck off.
            now: when.
            after: the number before the first that is struck off.

        Returns:
            How many there were.
        """

    def rejudge(self, payment_ids: Sequence[int], now: Micros) -> int:
        """Judge payments anew inside of the transaction begun; return how many changed."""

    def deliveries(self, after: int = 0) -> Iterator[DeliveryRow]:
        """Return deliveries in order."""

    def close(self) -> None:
        """Let go of the store."""


Progress = Callable[[int, int], None]
"""Called with (done, of how many)."""
