"""Reading the outbox: changes of verdicts that somebody should hear of."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from voidtrail.event.model import Micros
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.lifecycle.verdict import Verdict


class Notice(NamedTuple):
    """A change of a payment's verdict, durable and not yet struck off.

    Attributes:
        no: number in the outbox; the key under which a receiver may drop a repetition.
        quiet: history or test traffic: recorded, told to nobody.
    """

    no: int
    at: Micros
    payment_id: int
    quiet: bool
    before: Verdict | None
    after: Verdict


def take(ledger: SqliteLog, limit: int) -> list[Notice]:
    """Return the oldest notices that are not struck off."""
    return [
        Notice(no, at, pid, bool(quiet), None if before is None else _verdict(before),
               _verdict(after))
        for no, at, pid, quiet, before, after in ledger.outbox(limit)
    ]  # fmt: skip


def _verdict(packed: bytes) -> Verdict:
    return Verdict._make(msgspec.msgpack.decode(packed))
