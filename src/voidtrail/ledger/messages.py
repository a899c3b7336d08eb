"""Messages on their way out: a table beside the chain, written in the ledger's own transactions.

What was decided stands in the chain; a message is only that decision on its way to somebody. The
first message of a lane is carried, those behind it wait until it is done with, so that whoever
listens to one target hears of one order in the order in which things happened.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from voidtrail.errors import LedgerStopped
from voidtrail.event.model import Micros

WAITING, BEHIND, SENT, DEAD = 0, 1, 2, 3
"""States of a message: may go, waits behind another of its lane, arrived, given up."""
ERROR_MAX: Final = 500
COUNTED_MAX: Final = 10_000
KEPT_S: Final = 30 * 86_400
"""How long a message that arrived is still known, should it be posted once more."""


class Message(NamedTuple):
    """Something to be told to somebody outside, at least once.

    Attributes:
        no: its number; 0 before it is stored.
        key: unique; sent along, so that a receiver may drop a repetition.
        kind: who carries it: "alert" or "hook".
        target: the route's channel, or the endpoint's name.
        lane: messages of one lane of one target keep their order; "" for none.
        body: JSON.
        due_at: not carried before.
        tries: how often it was carried in vain.
        state: WAITING, BEHIND, SENT or DEAD.
        done_at: when it arrived or was given up.
        failed_at: when it was first carried in vain.
    """

    no: int
    key: str
    kind: str
    target: str
    lane: str
    body: bytes
    created_at: Micros
    due_at: Micros
    tries: int = 0
    state: int = WAITING
    last_error: str = ""
    done_at: Micros | None = None
    failed_at: Micros | None = None


class Mark(NamedTuple):
    """What became of one carrying: the message `no` is now in `state`, due at `due_at`."""

    no: int
    state: int
    due_at: Micros
    tries: int
    error: str = ""


_COLUMNS: Final = ", ".join(Message._fields)
_INSERT: Final = (
    f"INSERT OR IGNORE INTO message ({_COLUMNS}) "
    f"VALUES ({', '.join(':' + name for name in Message._fields)})"
)
_LANE: Final = "kind = ? AND target = ? AND lane = ? AND lane <> '' AND state < 2"
_RELEASE: Final = (
    f"UPDATE message SET state = {WAITING} WHERE state = {BEHIND} AND no = "
    f"(SELECT min(no) FROM message WHERE {_LANE})"
)


class MessageTable(ABC):
    """The part of the SQLite store that holds messages."""

    _db: sqlite3.Connection

    @abstractmethod
    def _stop(self, error: sqlite3.Error) -> LedgerStopped:
        """Stop the store over a failed write, and return the error that says so."""

    @contextmanager
    def _stopping(self) -> Iterator[None]:
        """Stop the store over a failed write: a half-written mark must not be believed."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.IntegrityError | sqlite3.DataError):
                raise
            raise self._stop(error) from error

    # ------------------------------------------------------------------ writing

    def post(self, messages: Sequence[Message]) -> int:
        """Enter messages inside of the transaction begun; one whose key is known is left out.

        Returns:
            How many were new.
        """
        new = 0
        with self._stopping():
            for message in messages:
                row = message._asdict() | {"no": None, "state": self._state_of(message)}
                new += max(0, self._db.execute(_INSERT, row).rowcount)
        return new

    def _state_of(self, message: Message) -> int:
        """Return whether a message may go, or waits behind another one of its lane."""
        if not message.lane:
            return WAITING
        lane = (message.kind, message.target, message.lane)
        found = self._db.execute(f"SELECT 1 FROM message WHERE {_LANE} LIMIT 1", lane).fetchone()
        return WAITING if found is None else BEHIND

    def mark(self, marks: Sequence[Mark], now: Micros) -> int:
        """Write what became of messages inside of the transaction begun; return how many."""
        with self._stopping():
            for mark in marks:
                done_at = now if mark.state >= SENT else None
                failed_at = None if mark.state == SENT else now
                row = self._db.execute(
                    "UPDATE message SET state = ?, due_at = ?, tries = ?, last_error = ?, "
                    "done_at = ?, failed_at = ifnull(failed_at, ?) WHERE no = ? "
                    "RETURNING kind, target, lane",
                    (mark.state, mark.due_at, mark.tries, mark.error[:ERROR_MAX], done_at,
                     failed_at, mark.no),
                ).fetchall()  # fmt: skip
                if row and row[0][2] and mark.state >= SENT:
                    self._db.execute(_RELEASE, row[0])
        return len(marks)

    def resend(self, numbers: Sequence[int], now: Micros) -> int:
        """Let dead letters go out again inside of the transaction begun, with all their tries.

        Returns:
            How many were dead letters.
        """
        count = 0
        with self._stopping():
            for no in sorted(numbers):
                row = self._db.execute(
                    f"SELECT {_COLUMNS} FROM message WHERE no = ? AND state = {DEAD}", (no,)
                ).fetchone()
                if row is not None:
                    self._db.execute(
                        "UPDATE message SET state = ?, due_at = ?, tries = 0, done_at = NULL, "
                        "failed_at = NULL WHERE no = ?", (self._state_of(Message(*row)), now, no),
                    )  # fmt: skip
                    count += 1
        return count

    def hurry(self, kind: str, target: str, now: Micros) -> int:
        """Let everything that waits for another try at a target be due now."""
        with self._stopping():
            return self._db.execute(
                "UPDATE message SET due_at = ? WHERE state = 0 AND kind = ? AND target = ? "
                "AND due_at > ?", (now, kind, target, now),
            ).rowcount  # fmt: skip

    def forget_sent(self, before: Micros, limit: int) -> int:
        """Delete messages that arrived before an instant; return how many."""
        with self._stopping():
            return self._db.execute(
                "DELETE FROM message WHERE no IN (SELECT no FROM message "
                f"WHERE state = {SENT} AND done_at < ? LIMIT ?)", (before, limit),
            ).rowcount  # fmt: skip

    # ------------------------------------------------------------------ reading

    def message_targets(self) -> list[tuple[str, str]]:
        """Return (kind, target) of everything that waits, without walking over what waits."""
        return self._targets_in(f"state = {WAITING}")

    def _targets_in(self, state: str) -> list[tuple[str, str]]:
        """Leap from one target to the next in the index of a state."""

        def least(what: str, where: str, *values: str) -> str:
            select = f"SELECT min({what}) FROM message WHERE {state} AND {where}"
            return str(self._db.execute(select, values).fetchone()[0] or "")

        found, kind, target = [], "", ""
        while kind := least("kind", "kind > ?", kind):
            while target := least("target", "kind = ? AND target > ?", kind, target):
                found.append((kind, target))
        return found

    def due_messages(self, kind: str, target: str, now: Micros, limit: int) -> list[Message]:
        """Return a target's messages that are due, the longest due first, one a lane."""
        return self._messages(
            "state = 0 AND kind = ? AND target = ? AND due_at <= ? ORDER BY due_at, no LIMIT ?",
            (kind, target, now, limit),
        )

    def next_message_at(self, kind: str, target: str) -> Micros | None:
        """Return when the next message of a target is due, None if nothing waits."""
        at: Micros | None = self._db.execute(
            "SELECT min(due_at) FROM message WHERE state = 0 AND kind = ? AND target = ?",
            (kind, target),
        ).fetchone()[0]
        return at

    def newest_message_at(self) -> Micros | None:
        """Return when the newest message was made, None if there is none."""
        row = self._db.execute("SELECT created_at FROM message ORDER BY no DESC LIMIT 1").fetchone()
        return None if row is None else int(row[0])

    def dead_letters(self, kind: str, target: str, limit: int, after: int = 0) -> list[Message]:
        """Return messages that were given up, oldest first; target "" for those of every target."""
        if not target:
            where = "state = 3 AND kind = ? AND no > ? ORDER BY no LIMIT ?"
            return self._messages(where, (kind, after, limit))
        where = "state = 3 AND kind = ? AND target = ? AND no > ? ORDER BY no LIMIT ?"
        return self._messages(where, (kind, target, after, limit))

    def failing_since(self, kind: str, target: str) -> Micros | None:
        """Return when a target first failed since its last success.

        None if nothing fails, or only what failed while other messages arrived.
        """
        at: Micros | None = self._db.execute(
            "SELECT min(failed_at) FROM message WHERE kind = ? AND target = ? AND state <> 2 "
            "AND failed_at > 0 AND failed_at > (SELECT ifnull(max(done_at), 0) FROM message "
            "WHERE kind = ? AND target = ? AND state = 2)", (kind, target, kind, target),
        ).fetchone()[0]  # fmt: skip
        return at

    def message_load(self) -> list[tuple[str, str, int, int]]:
        """Return (kind, target, how many wait, how many were given up), each counted to a limit.

        The limit is `COUNTED_MAX`: whoever scrapes a metric must not hold up intake.
        """
        targets = {*self.message_targets(), *self._targets_in(f"state = {DEAD}")}
        return [
            (kind, target,
             self._counted(kind, target, WAITING) + self._counted(kind, target, BEHIND),
             self._counted(kind, target, DEAD))
            for kind, target in sorted(targets)
        ]  # fmt: skip

    def _counted(self, kind: str, target: str, state: int) -> int:
        row = self._db.execute(
            "SELECT count(*) FROM (SELECT 1 FROM message WHERE kind = ? AND target = ? AND "
            f"state = {state:d} LIMIT {COUNTED_MAX})", (kind, target),
        ).fetchone()  # fmt: skip
        return int(row[0])

    def message_count(self, kind: str, target: str, state: int) -> int:
        """Return how many messages of a target are in a state."""
        count: int = self._db.execute(
            f"SELECT count(*) FROM message WHERE kind = ? AND target = ? AND state = {state:d}",
            (kind, target),
        ).fetchone()[0]
        return count

    def message_by_key(self, key: str) -> Message | None:
        """Return the message of a key."""
        found = self._messages("key = ?", (key,))
        return found[0] if found else None

    def _messages(self, where: str, values: tuple[Any, ...]) -> list[Message]:
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM message WHERE {where}", values)
        return [Message(*row) for row in rows]
