"""From an Event to the flat record that the ledger keeps, hashes and folds.

A record is a tuple in the order of `RECORD`; that order and the hashes are frozen (version 1),
since the chain stands on them. Names become 63-bit keys; the text of a name is kept once, beside
its key, and a key that meets another text is refused (`NameCollision`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import Final, NamedTuple

import msgspec

from voidtrail.event.model import Event, Kind
from voidtrail.event.reason import BY_NUMBER, EPOCH_2000_S, pack
from voidtrail.money import currency_number

OPERATIONS: Final = frozenset(
    {Kind.AUTHORISE, Kind.CAPTURE, Kind.VOID, Kind.REVERSE, Kind.REFUND, Kind.DISPUTE}
)
"""Kinds of which each has rows of its own, by the platform's id of the operation."""

SIGNIFICANT: Final = ("kind", "result", "amount_minor", "currency", "payment", "operation")
"""Fields in which two variants of one notice contradict each other, unless a source says else."""


class Record(NamedTuple):
    """An event as the ledger keeps it. Integers unless said otherwise; None where unstated.

    `account_no` numbers (source, account) in the store; `delivery_id` is the ledger's sequence
    number of the delivery; `subject` is the pseudonym's number. Both are filled in by the ledger.
    """

    delivery_id: int
    version: int
    account_no: int
    event_id: bytes  # 16 bytes
    digest: bytes  # 16 bytes
    significant: int
    kind: int
    result: int
    role: int
    via: int
    tag: int
    life: int
    test: int
    cause: int
    name_key: int
    names: bytes  # further name keys, 8 bytes each, big-endian
    order_key: int | None
    op: int | None
    reverses: int | None
    occurred_at: int
    until_at: int | None
    amount_minor: int | None
    currency: int | None
    packed: int
    speaker: int
    method_seen: int | None
    subject: int | None
    label: str
    operation: str
    code: str
    dimensions: str  # JSON object, keys sorted


RECORD: Final = Record._fields


class Encoded(NamedTuple):
    """A record together with the names it mentions (key and text) and the raw customer id."""

    record: Record
    names: tuple[tuple[int, str], ...]
    order: tuple[int, str] | None
    customer: str


def key63(text: str) -> int:
    """Return the 63-bit key of a text.

    >>> key63("stripe/main/pi_1") == key63("stripe/main/pi_1")
    True
    """
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def payment_name(scope: str, reference: str) -> str:
    """Return a payment's full name, as "stripe/main/pi_1"."""
    return f"{scope}/{reference}"


def order_name(shop: str, reference: str) -> str:
    """Return an order's full name, as "order/shop-1/A1001"."""
    return f"order/{shop}/{reference}"


def op_key(scope: str, operation: str) -> int:
    """Return the key of an operation given as "kind:id" by the speaker `scope`."""
    return key63(f"{scope}|{operation}")


@lru_cache(maxsize=64)
def _kind_word(kind: int) -> str:
    return Kind(kind).name.lower()


def encode(event: Event, *, source: str, account: str, account_no: int, shop: str, version: int,
           significant: Sequence[str] = SIGNIFICANT) -> Encoded:
    """Encode an event.

    Args:
        event: the statement.
        source: the speaker's source.
        account: the speaker's account.
        account_no: the number of (source, account) in the store.
        shop: the shop within which the order reference is unique.
        version: the version of the source's translator.
        significant: fields that make two variants a conflict.
    """
    scope = f"{source}/{account}"
    home = event.scope or scope
    main = payment_name(home, event.payment)
    main_key = key63(main)
    names = [(main_key, main)]
    for reference in event.names:
        name = payment_name(home, reference)
        names.append((key63(name), name))
    order = None
    if event.order:
        text = order_name(shop, event.order)
        order = (key63(text), text)
    kind, at = int(event.kind), event.occurred_at
    method = None
    if event.method or event.channel:
        seconds = max(at // 1_000_000 - EPOCH_2000_S, 0)
        method = seconds << 16 | event.method << 8 | event.channel
    stated = event.amount_minor is not None
    body = (
        kind, int(event.result), int(event.role), int(event.via), int(event.tag), int(event.life),
        int(event.test), int(BY_NUMBER[event.reason].cause), main_key,
        b"".join([key.to_bytes(8, "big") for key, _ in names[1:]]),
        order[0] if order else None,
        op_key(scope, f"{_kind_word(kind)}:{event.operation}") if kind in OPERATIONS else None,
        op_key(scope, event.reverses) if event.reverses else None,
        at, event.until, event.amount_minor,
        currency_number(event.currency) if stated else None,
        pack(event.reason, at, event.role), int(event.role) << 32 | account_no, method,
    )  # fmt: skip
    texts = (event.label, event.operation, event.code,
             msgspec.json.encode(dict(sorted(event.dimensions))).decode()
             if event.dimensions else "{}")  # fmt: skip
    identity = "\0".join((source, account, *event.identity, event.label)).encode()
    contradiction = repr([getattr(event, name) for name in significant]).encode()
    return Encoded(
        Record(
            0, version, account_no,
            blake2b(identity, digest_size=16).digest(),
            blake2b(msgspec.msgpack.encode((scope, body, texts)), digest_size=16).digest(),
            int.from_bytes(blake2b(contradiction, digest_size=8).digest(), "big") >> 1,
            *body, None, *texts,
        ),
        tuple(names), order, event.customer,
    )  # fmt: skip


_ENTRY_TAG: Final = b"voidtrail/1/event\0"


def leaf(record: Record) -> bytes:
    """Return the ledger leaf of an event: SHA-256 over a tag and the canonical record."""
    return sha256(_ENTRY_TAG + msgspec.msgpack.encode(tuple(record))).digest()
