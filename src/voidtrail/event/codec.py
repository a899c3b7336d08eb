"""From an Event to the flat record that the ledger keeps, hashes and folds.

A record is a tuple in the order of `RECORD`; that order and the hashes are frozen (version 1),
since the chain stands on them. Names become 63-bit keys; the text of a name is kept once, beside
its key, and a key that meets another text is refused (`NameCollision`).
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b, sha256
from typing import Any, Final, NamedTuple

import msgspec

from voidtrail.event.model import Event, Kind, Role
from voidtrail.event.reason import EPOCH_2000_S, REASONS, pack
from voidtrail.money import currency_number

OPERATIONS: Final = frozenset(
    {Kind.AUTHORISE, Kind.CAPTURE, Kind.VOID, Kind.REVERSE, Kind.REFUND, Kind.DISPUTE}
)
"""Kinds of which each has rows of its own, by the platform's id of the operation."""


class Record(NamedTuple):
    """An event as the ledger keeps it. Integers unless said otherwise; None where unstated.

    `delivery_id` is the ledger's sequence number of the delivery and `subject` the number of the
    pseudonym; the ledger puts both in front of what `encode` made. `account_no` numbers (source,
    account) in the store.
    """

    delivery_id: int
    subject: int | None
    version: int
    account_no: int
    home_no: int | None  # the account at which the payment itself is, if it is ours
    event_id: bytes  # 16 bytes
    digest: bytes  # 16 bytes, over everything below
    kind: int
    result: int
    role: int
    via: int
    tag: int
    life: int
    test: int
    placeholder: int  # 1: the shop spoke of an order of its own, not of a platform's payment
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
    method_seen: int | None
    label: str
    operation: str
    code: str
    dimensions: str  # JSON object, keys sorted; "" if empty


RECORD: Final = Record._fields
Rest = tuple[Any, ...]
"""A record without its first two columns."""
HEAD: Final = 2
DIGESTED: Final = RECORD.index("kind")
REST_AT: Final = {name: place - HEAD for place, name in enumerate(RECORD)}
"""Places of columns in what `encode` makes."""


class Encoded(msgspec.Struct, frozen=True, gc=False):
    """A record's columns from `version` on, the names it mentions, and the raw customer id."""

    rest: Rest
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


def operation_key(scope: str, kind: int, operation: str) -> int | None:
    """Return the key of an operation at an account; None for kinds that have none."""
    return key63(f"{scope}|{_KIND_WORD[kind]}{operation}") if kind in _IS_OPERATION else None


_KIND_WORD: Final = {int(kind): kind.name.lower() + ":" for kind in Kind}
_CAUSE: Final = {reason.number: int(reason.cause) for reason in REASONS}
_IS_OPERATION: Final = frozenset(int(kind) for kind in OPERATIONS)
_NOWHERE: Final[Mapping[str, int]] = {}
_SHOP: Final = int(Role.SHOP)
_pack: Final = msgspec.msgpack.Encoder().encode


def encode(
    event: Event, *, source: str, account: str, account_no: int, shop: str, version: int,
    homes: Mapping[str, int] = _NOWHERE,
) -> Encoded:  # fmt: skip
    """Encode an event.

    Args:
        event: the statement.
        source: the speaker's source.
        account: the speaker's account.
        account_no: the number of (source, account) in the store.
        shop: the shop within which the order reference is unique.
        version: the version of the source's translator.
        homes: numbers of the merchant's accounts by "source/account".
    """
    scope = f"{source}/{account}"
    home = event.scope or scope
    main = f"{home}/{event.payment}"
    main_key = key63(main)
    names: tuple[tuple[int, str], ...] = ((main_key, main),)
    others = b""
    if event.names:
        named = [(key63(text), text) for text in [f"{home}/{name}" for name in event.names]]
        names += tuple(named)
        others = b"".join([key.to_bytes(8, "big") for key, _ in named])
    order = None
    if event.order:
        text = order_name(shop, event.order)
        order = (key63(text), text)
    kind, role, at = int(event.kind), int(event.role), event.occurred_at
    seconds = at // 1_000_000 - EPOCH_2000_S
    method = None
    if event.method or event.channel:
        method = max(seconds, 0) << 16 | event.method << 8 | event.channel
    stated = event.amount_minor is not None
    content = (
        kind, int(event.result), role, int(event.via), int(event.tag), int(event.life),
        int(event.test), int(role == _SHOP and not event.scope), _CAUSE[event.reason],
        main_key, others,
        order[0] if order else None,
        operation_key(scope, kind, event.operation),
        key63(f"{scope}|{event.reverses}") if event.reverses else None,
        at, event.until, event.amount_minor,
        currency_number(event.currency) if stated else None,
        pack(event.reason, at, role), method,
        event.label, event.operation, event.code,
        dimensions_text(event.dimensions),
    )  # fmt: skip
    identity = "\0".join((source, account, *event.identity, event.label))
    rest = (
        version, account_no, homes.get(home) if event.scope else account_no,
        blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).digest(),
        content_digest(content), *content,
    )  # fmt: skip
    return Encoded(rest, names, order, event.customer)


def dimensions_text(dimensions: tuple[tuple[str, str], ...]) -> str:
    """Return dimensions as a record has them.

    >>> dimensions_text((("shop", "1"), ("country", "CN"))), dimensions_text(())
    ('{"country":"CN","shop":"1"}', '')
    """
    return msgspec.json.encode(dict(sorted(dimensions))).decode() if dimensions else ""


def content_digest(content: tuple[Any, ...]) -> bytes:
    """Return the digest of a record's columns from `kind` on."""
    return blake2b(_pack(content), digest_size=16).digest()


def digest_of(record: Record) -> bytes:
    """Recompute the digest of a record's content, for proof."""
    return content_digest(tuple(record[DIGESTED:]))


_ENTRY_TAG: Final = b"voidtrail/1/event\0"


def leaf(record: tuple[Any, ...]) -> bytes:
    """Return the ledger leaf of a record: SHA-256 over a tag and its columns up to the digest.

    The digest stands for the rest; whoever verifies recomputes it (`digest_of`).
    """
    return sha256(_ENTRY_TAG + _pack(tuple(record[:DIGESTED]))).digest()
