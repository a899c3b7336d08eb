"""What a group is worked on with: what is known, what changes, who belongs together."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from voidtrail.event.model import Micros
from voidtrail.lattice import Fact, Row
from voidtrail.ledger.contract import Change, DeliveryRow, Head, Receipt
from voidtrail.ledger.keys import WrappedKey

_encode: Final = msgspec.msgpack.Encoder().encode


class Seen(msgspec.Struct, frozen=True, gc=False):
    """A variant of an event that is kept already."""

    delivery_id: int
    active: int
    name_no: int
    digest: bytes
    version: int
    significant: tuple[Any, ...]


SIGNIFICANT_COLUMNS: Final = ("kind", "result", "amount_minor", "currency", "name_key", "op")
SEEN_SQL: Final = (
    "SELECT event_id, delivery_id, active, name_no, digest, version, "
    f"{', '.join(SIGNIFICANT_COLUMNS)} FROM event WHERE id_key IN"
)
"""What a store reads of an event's variants: event_id, then the columns of `Seen`."""


def id_key(event_id: bytes) -> int:
    """Return the key under which an event's variants are looked up."""
    return int.from_bytes(event_id[:8], "big") >> 1


class Name(NamedTuple):
    """A payment's (or order's) name and the component it belongs to."""

    no: int
    key: int
    text: str
    component: int


class Known:
    """What a store knows of a group's events, names, subjects and rows."""

    def __init__(self) -> None:
        self.events: dict[bytes, list[Seen]] = {}
        self.names: dict[int, Name] = {}
        self.orders: dict[int, Name] = {}
        self.subjects: dict[bytes, tuple[int, int]] = {}  # blind -> (subject, key number)
        self.digests: dict[int, bytes] = {}  # delivery -> body digest
        self.payments: dict[int, Row] = {}
        self.operations: dict[int, list[Row]] = {}
        self.verdicts: dict[int, tuple[int, ...]] = {}
        self.last_name = 0
        self.last_order = 0
        self.last_subject = 0
        self.last_key = 0


class Changes:
    """The rows that a group adds or changes, ready to be saved."""

    def __init__(self) -> None:
        self.deliveries: list[DeliveryRow] = []
        self.events: list[tuple[object, ...]] = []  # seq … id_key, then RECORD
        self.names: list[Name] = []
        self.orders: list[Name] = []
        self.subjects: list[tuple[int, bytes]] = []
        self.keys: list[WrappedKey] = []
        self.retired: list[tuple[bytes, int]] = []  # event_id, versions below
        self.rebuild_names: set[int] = set()
        self.payment_moves: dict[int, int] = {}
        self.order_moves: dict[int, int] = {}
        self.new_payments: dict[int, Row] = {}  # of which the store has no row
        self.payment_facts: dict[Fact, Row] = {}
        self.operation_facts: dict[Fact, Row] = {}
        self.new_verdicts: list[tuple[int, ...]] = []  # of payments that were not judged before
        self.verdicts: list[tuple[int, ...]] = []
        self.outbox: list[Change] = []
        self.leaves: list[bytes] = []
        self.receipts: list[Receipt] = []

    def judged(self) -> list[tuple[int, ...]]:
        """Return all verdicts, new and changed."""
        return [*self.new_verdicts, *self.verdicts]

    def notices(self) -> list[tuple[Micros, int, int, bytes | None, bytes]]:
        """Return what the outbox keeps of the changes that somebody should hear of."""
        return [
            (c.at, c.payment_id, c.quiet, None if c.before is None else _encode(c.before),
             _encode(c.after))
            for c in self.outbox
        ]  # fmt: skip


class Ahead(NamedTuple):
    """What a group changes at an end of the chain, and the version of the file that this was."""

    changes: Changes
    head: Head
    version: int


class Union:
    """Components by their least member."""

    def __init__(self) -> None:
        self.parent: dict[int, int] = {}

    def find(self, member: int) -> int:
        """Return the least member of the component."""
        parent = self.parent
        while (up := parent.get(member, member)) != member:
            member = up
        return member

    def unite(self, left: int, right: int) -> int:
        """Unite two components; return the least member of both."""
        left, right = self.find(left), self.find(right)
        if left == right:
            return left
        low, high = (left, right) if left < right else (right, left)
        self.parent[high] = low
        return low
