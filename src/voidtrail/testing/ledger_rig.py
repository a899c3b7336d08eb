"""How a store of the ledger is put under test: opened, filled, and read as plain rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from voidtrail.event.codec import encode
from voidtrail.event.model import Event, Kind, Micros, Result, Tag
from voidtrail.ledger.contract import Item, Log, Receipt
from voidtrail.ledger.keys import Keyring
from voidtrail.ledger.rebuild import Replayed, Verified
from voidtrail.lifecycle.terms import Terms
from voidtrail.lifecycle.verdict import VERDICT

T0: Final[Micros] = 1_760_000_000_000_000
HOUR: Final[Micros] = 3_600_000_000
ASKABLE_NO: Final = 9
TERMS: Final = Terms(askable=(ASKABLE_NO,))
"""The terms that a store under test must judge by; events of its checks are said by account 1."""


class Rows(NamedTuple):
    """What a store holds, as plain rows.

    Attributes:
        names: payment_id by a name's text.
        orders: order_id by an order's text.
        payments, verdicts: rows by payment_id.
        operations: rows of operations.
        marks: (active, conflict) of every event, in order.
    """

    names: dict[str, int]
    orders: dict[str, int]
    payments: dict[int, Any]
    operations: list[Any]
    verdicts: dict[int, Any]
    marks: list[tuple[int, int]]


class Store(NamedTuple):
    """A store under test; `open` gives the same ledger each time that it is called."""

    keyring: Keyring
    open: Callable[[], Log]
    rows: Callable[..., Rows]
    verify: Callable[..., Verified]
    replay: Callable[..., Replayed]


def statement(kind: Kind = Kind.OPEN, notice: str = "n1", **said: Any) -> Event:
    """Return an event with everything that a check does not care about filled in."""
    said = {"result": Result.SUCCEEDED, "payment": "p1", "occurred_at": T0, **said}
    return Event(label=kind.name.lower(), identity=(notice,), kind=kind, **said)


def money(kind: Kind, notice: str, amount_minor: int, **said: Any) -> Event:
    """Return an event of money moving, in an amount of its own."""
    return statement(kind, notice, amount_minor=amount_minor, currency="CNY", tag=Tag.OWN, **said)


def item(
    store: Store, *events: Event, body: bytes = b"", version: int = 1, customer: str = "",
    **more: Any,
) -> Item:  # fmt: skip
    """Return a delivery of events by account 1; payments of alipay/cn are at home in account 9."""
    encoded = [
        encode(each, source="stripe", account="main", account_no=1, shop="s",
               version=version, homes={"alipay/cn": ASKABLE_NO})
        for each in events
    ]  # fmt: skip
    body = body or repr(events).encode()
    return Item(1, 0, T0, body, store.keyring.body_digest(body), version, encoded,
                customer=customer, **more)  # fmt: skip


def begun(log: Log) -> Log:
    """Begin a write."""
    assert log.try_begin(), "nobody else is writing"
    return log


def put(log: Log, *items: Item, at: Micros = T0) -> list[Receipt]:
    """Write a group as a transaction of its own."""
    receipts = begun(log).append(items, at)
    log.commit()
    return receipts


def tick(log: Log, at: Micros) -> None:
    """Set the ledger's clock and judge whatever that ended, as a transaction of its own."""
    begun(log).control([("tick", "{}")], at)
    log.rejudge([pid for pid, _ in log.due(at, 1000)], at)
    log.commit()


def verdict(store: Store, log: Log, name: str = "p1") -> dict[str, Any]:
    """Return a payment's verdict by field."""
    rows = store.rows(log)
    found = rows.verdicts[rows.names[f"stripe/main/{name}"]]
    return dict(zip(VERDICT, found, strict=True))


def whole(store: Store, log: Log) -> None:
    """Assert that a ledger is whole: the chain verifies and a replay gives the same rows."""
    found = store.verify(log)
    assert found.ok, found.trouble
    assert found.head == log.head().digest.hex()
    replayed = store.replay(log)
    assert replayed.equal, replayed.differing
