"""The ledger in one SQLite file: WAL, synchronous=FULL, one writer at a time.

Statements run where the caller runs; only `commit` waits for the disk and may run in a thread. A
failed write stops the store: nothing after it is accepted, nothing before it is doubted.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from voidtrail.errors import LedgerStopped
from voidtrail.event.account import Account
from voidtrail.event.model import Micros
from voidtrail.ledger import chain, migrate
from voidtrail.ledger.connection import connect, connect_for_reading, marks, put
from voidtrail.ledger.contract import DeliveryRow, Head, Item, Judge, Receipt
from voidtrail.ledger.group import Group
from voidtrail.ledger.keys import Keyring, WrappedKey
from voidtrail.ledger.messages import MessageTable
from voidtrail.ledger.places import PlaceTable
from voidtrail.ledger.statements import Statements, moves
from voidtrail.ledger.working import SEEN_SQL, Ahead, Changes, Known, Name, Seen, id_key

_STEP_S: Final = 0.002
_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_OURS: Final = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError)
"""Errors that a single item can cause; every other one says that the file cannot be trusted."""


class SqliteLog(MessageTable, PlaceTable):
    """A ledger in a SQLite file (see `ledger.contract.Log`).

    Args:
        path: the file; made if absent.
        judge: the pure functions of the house.
        keyring: the keys of this store.
        reading: open an existing file so that nothing can be written.
    """

    def __init__(
        self, path: str | Path, judge: Judge, keyring: Keyring, *, reading: bool = False
    ) -> None:
        self.path = str(path)
        self.judge = judge
        self.keyring = keyring
        self.stopped: str | None = "opened for reading only" if reading else None
        self._head: Head | None = None  # while writing; what others wrote is read each time
        self._sql = Statements(judge)
        if reading:
            self._db = connect_for_reading(path)
            return
        self._db = connect(path)
        if migrate.revision(self._db) != migrate.HEAD:
            migrate.upgrade(self.path)
        self._id = self._identity()
        self._try_keys()
        self._db.execute("PRAGMA busy_timeout = 0")  # `begin` waits by itself

    def _identity(self) -> bytes:
        self._db.execute("BEGIN IMMEDIATE")
        row = self._db.execute("SELECT id FROM store").fetchone()
        if row is None:
            row = (os.urandom(16),)
            self._db.execute("INSERT INTO store VALUES (?, 0)", row)
        self._db.execute("COMMIT")
        return bytes(row[0])

    def _try_keys(self) -> None:
        """Refuse a key file under which nothing of this ledger can be read."""
        key = self._db.execute(
            "SELECT no, subject, retention, wrapped FROM data_key WHERE wrapped <> x'' LIMIT 1"
        ).fetchone()
        if key is not None:
            self.keyring.unwrap(WrappedKey(*key))

    @property
    def db(self) -> sqlite3.Connection:
        """The writing connection, for maintenance in `ledger.rebuild` inside of a transaction."""
        return self._db

    def use(self, judge: Judge) -> None:
        """Judge under other terms from now on."""
        self.judge = judge
        self._sql = Statements(judge)

    # ------------------------------------------------------------------ transactions

    def begin(self, wait_s: float = 30.0) -> None:
        """Begin a write, waiting while another process writes (not for event loops).

        Raises:
            LedgerStopped: the other process did not finish in time.
        """
        for _ in range(int(wait_s / _STEP_S)):
            if self.try_begin():
                return
            time.sleep(_STEP_S)
        raise LedgerStopped(f"{self.path}: another process has been writing for {wait_s} s")

    def try_begin(self) -> bool:
        """Begin a write; False if another process is writing."""
        self._check()
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in _BUSY:
                return False
            raise self._stop(error) from error
        self._head = None
        return True

    def commit(self) -> None:
        """Make the transaction durable.

        Raises:
            LedgerStopped: it could not be made durable.
        """
        self._check()
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._stop(error) from error
        self._head = None

    def rollback(self) -> None:
        """Give up the transaction begun."""
        self._head = None
        if self._db.in_transaction:
            try:
                self._db.execute("ROLLBACK")
            except sqlite3.DatabaseError as error:
                self._stop(error)

    def _stop(self, error: sqlite3.Error) -> LedgerStopped:
        """Refuse everything from now on: after a failed fsync the page cache proves nothing."""
        self.stopped = f"{type(error).__name__}: {error}"
        return LedgerStopped(
            f"the ledger {self.path} could not be written ({self.stopped}); nothing was "
            "acknowledged. Free space or mend the disk, then restart."
        )

    def _check(self) -> None:
        if self.stopped is not None:
            raise LedgerStopped(f"the ledger {self.path} has stopped: {self.stopped}")

    def head(self) -> Head:
        """Return the end of the chain."""
        if self._head is not None:
            return self._head
        row = self._db.execute(
            "SELECT no, first_seq + count - 1, head, tick FROM chain ORDER BY no DESC LIMIT 1"
        ).fetchone()
        return Head(*row) if row else Head(0, 0, chain.GENESIS, 0)

    # ------------------------------------------------------------------ writing

    def ahead(self, items: Sequence[Item], at: Micros) -> Ahead:
        """Work out what a group will change, so that others wait only for the writing.

        It holds for the next `append`, unless another process writes before that.
        """
        version, head = self.data_version(), self.head()
        return Ahead(self._changes(items, head, at), head, version)

    def append(
        self, items: Sequence[Item], at: Micros, ahead: Ahead | None = None
    ) -> list[Receipt]:
        """Write a group inside of the transaction begun."""
        self._check()
        try:
            head = self.head()
            if ahead is not None and ahead[1:] == (head, self.data_version()):
                changes = ahead.changes
            else:
                changes = self._changes(items, head, at)
            self._save(changes, at)
        except sqlite3.DatabaseError as error:
            if isinstance(error, _OURS):
                raise
            raise self._stop(error) from error
        return changes.receipts

    def _changes(self, items: Sequence[Item], head: Head, at: Micros) -> Changes:
        group = Group(items, self.judge, self.keyring, head, at)
        return group.apply(self._known(group))

    def data_version(self) -> int:
        """Return what changes when another connection has written to the file."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def control(self, entries: Sequence[tuple[str, str]], at: Micros) -> None:
        """Write control entries inside of the transaction begun."""
        self._check()
        if not entries:
            return
        ticks = [at for kind, _ in entries if kind == "tick"]
        try:
            seq = self.head().entries
            rows = [(seq + n, at, kind, body) for n, (kind, body) in enumerate(entries, start=1)]
            self._db.executemany("INSERT INTO control VALUES (?, ?, ?, ?)", rows)
            self._link([chain.control_leaf(at, k, b) for _, at, k, b in rows], at, *ticks[:1])
        except sqlite3.DatabaseError as error:
            raise self._stop(error) from error

    def last_control(self, kind: str) -> str | None:
        """Return the body of the newest control entry of a kind."""
        row = self._db.execute(
            "SELECT body FROM control WHERE kind = ? ORDER BY seq DESC LIMIT 1", (kind,)
        ).fetchone()
        return None if row is None else str(row[0])

    def _link(self, leaves: Sequence[bytes], at: Micros, tick: Micros | None = None) -> None:
        head = self.head()
        root = chain.merkle_root(leaves)
        first = head.entries + 1
        tick = tick or head.tick or at  # until its first tick, the clock stands at the first entry
        digest = chain.head(self._id, 0, first, head.digest, root, len(leaves), at, tick)
        new = Head(head.group + 1, head.entries + len(leaves), digest, tick)
        self._db.execute(
            "INSERT INTO chain VALUES (?, ?, ?, ?, ?, ?, ?)",
            (new.group, first, len(leaves), at, new.tick, root, digest),
        )
        self._head = new

    def _rows(self, select: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        if not values:
            return []
        text, padded = marks(values)
        return self._db.execute(f"{select} {text}", padded).fetchall()

    def _known(self, group: Group) -> Known:
        """Look up all that a group mentions, one query a table."""
        known = Known()
        ids = group.event_ids()
        wanted = set(ids)
        for row in self._rows(SEEN_SQL, [id_key(each) for each in ids]):
            event_id, delivery_id, active, name_no, digest, version = row[:6]
            if event_id in wanted:
                seen = Seen(delivery_id, active, name_no, digest, version, row[6:])
                known.events.setdefault(event_id, []).append(seen)
        repeated = [seen.delivery_id for variants in known.events.values() for seen in variants]
        known.digests.update(self._rows("SELECT seq, digest FROM delivery WHERE seq IN", repeated))
        for row in self._rows("SELECT no, key, text, payment_id FROM name WHERE key IN",
                              group.name_keys()):  # fmt: skip
            known.names[row[1]] = Name(*row)
        for row in self._rows("SELECT no, key, text, order_id FROM order_name WHERE key IN",
                              group.order_keys()):  # fmt: skip
            known.orders[row[1]] = Name(*row)
        self._know_subjects(group, known)
        (known.last_name, known.last_order, known.last_subject, known.last_key) = self._db.execute(
            "SELECT (SELECT ifnull(max(no), 0) FROM name), "
            "(SELECT ifnull(max(no), 0) FROM order_name), "
            "(SELECT ifnull(max(no), 0) FROM subject), (SELECT ifnull(max(no), 0) FROM data_key)"
        ).fetchone()
        self._know_rows(known, sorted({name.component for name in known.names.values()}))
        return known

    def _know_subjects(self, group: Group, known: Known) -> None:
        for blind, subject, no, retention, wrapped in self._rows(
            "SELECT s.blind, s.no, k.no, k.retention, k.wrapped FROM subject s "
            "JOIN data_key k ON k.subject = s.no WHERE s.blind IN", group.customer_blinds(),
        ):  # fmt: skip
            self.keyring.unwrap(WrappedKey(no, subject, retention, wrapped))
            known.subjects[blind] = (subject, no)

    def _know_rows(self, known: Known, ids: Sequence[int]) -> None:
        for row in self._rows(self._sql.payments, ids):
            known.payments[row[0]] = list(row)
        if not known.payments:
            return
        present = list(known.payments)
        for row in self._rows(self._sql.operations, present):
            known.operations.setdefault(row[0], []).append(list(row))
        for row in self._rows(self._sql.verdicts, present):
            known.verdicts[row[0]] = row[1:]

    def _save(self, changes: Changes, at: Micros) -> None:
        sql = self._sql
        put(
            self._db,
            (sql.insert_delivery, changes.deliveries),
            (sql.insert_event, changes.events),
            ("INSERT INTO data_key VALUES (?, ?, ?, ?)", changes.keys),
            ("INSERT INTO subject VALUES (?, ?)", changes.subjects),
            ("INSERT INTO name VALUES (?, ?, ?, ?)", changes.names),
            ("INSERT INTO order_name VALUES (?, ?, ?, ?)", changes.orders),
        )
        put(
            self._db,
            *moves(changes),
            (sql.insert_payment, changes.new_payments.values()),
            (sql.upsert_payment, changes.payment_facts.values()),
            (sql.upsert_operation, changes.operation_facts.values()),
            (sql.insert_verdict, changes.new_verdicts),
            (sql.put_verdict, changes.verdicts),
            (sql.insert_notice, changes.notices()),
        )
        for event_id, version in changes.retired:
            self._db.execute(
                "UPDATE event SET active = 0 WHERE id_key = ? AND event_id = ? AND version < ?",
                (id_key(event_id), event_id, version),
            )
        if changes.leaves:
            self._link(changes.leaves, at)
        if changes.rebuild_names:
            from voidtrail.ledger.rebuild import rebuild

            ids = self._rows("SELECT payment_id FROM name WHERE no IN", list(changes.rebuild_names))
            rebuild(self, sorted({pid for (pid,) in ids}))

    # ------------------------------------------------------------------ accounts, time, reading

    def accounts(self) -> Mapping[int, Account]:
        """Return the accounts by number."""
        rows = self._db.execute("SELECT no, body FROM account ORDER BY no").fetchall()
        return {no: msgspec.json.decode(body, type=Account) for no, body in rows}

    def account_no(self, account: Account) -> int:
        """Return the account's number, entering it (or its change) inside a transaction."""
        body = msgspec.json.encode(account).decode()
        row = self._db.execute(
            "SELECT no, body FROM account WHERE source = ? AND name = ?",
            (account.source, account.name),
        ).fetchone()
        if row is not None and row[1] == body:
            return int(row[0])
        no = row[0] if row else self._db.execute(
            "SELECT ifnull(max(no), 0) + 1 FROM account").fetchone()[0]  # fmt: skip
        self._db.execute(
            "INSERT INTO account VALUES (?, ?, ?, ?) "
            "ON CONFLICT (no) DO UPDATE SET body = excluded.body",
            (no, account.source, account.name, body),
        )
        entry = msgspec.json.encode({"no": no, "account": account}).decode()
        self.control([("account", entry)], self.head().tick)
        return int(no)

    def due(self, now: Micros, limit: int) -> list[tuple[int, Micros]]:
        """Return payments whose verdict may change by time alone, earliest first."""
        return self._db.execute(
            "SELECT payment_id, due_at FROM verdict WHERE due_at IS NOT NULL AND due_at <= ? "
            "ORDER BY due_at LIMIT ?", (now, limit),
        ).fetchall()  # fmt: skip

    def waiting(self, limit: int, after: int = 0) -> list[tuple[int, int, int]]:
        """Return payments whose platform is to be asked: (payment_id, account, why)."""
        part = ("SELECT payment_id, home_no, asking FROM verdict JOIN payment USING (payment_id) "
                "WHERE asking = {} AND home_no IS NOT NULL AND payment_id > ?")  # fmt: skip
        both = f"{part.format(1)} UNION ALL {part.format(2)} ORDER BY 1 LIMIT ?"
        return self._db.execute(both, (after, after, limit)).fetchall()

    def names_of(self, payment_id: int) -> list[str]:
        """Return a payment's names, the first heard first."""
        select = "SELECT text FROM name WHERE payment_id = ? ORDER BY no"
        return [text for (text,) in self._db.execute(select, (payment_id,))]

    def outbox(
        self, limit: int, after: int = 0
    ) -> list[tuple[int, Micros, int, int, bytes | None, bytes]]:
        """Return notices that are not struck off, oldest first."""
        return self._db.execute(
            "SELECT no, at, payment_id, quiet, before, after FROM outbox "
            "WHERE done_at IS NULL AND no > ? ORDER BY no LIMIT ?", (after, limit),
        ).fetchall()  # fmt: skip

    def struck(self, up_to: int, now: Micros, after: int = 0) -> int:
        """Strike off notices inside of the transaction begun; return how many."""
        strike = "UPDATE outbox SET done_at = ? WHERE done_at IS NULL AND no > ? AND no <= ?"
        return self._db.execute(strike, (now, after, up_to)).rowcount

    def rejudge(self, payment_ids: Sequence[int], now: Micros) -> int:
        """Judge payments anew inside of the transaction begun; return how many changed."""
        group = Group((), self.judge, self.keyring, self.head(), now)
        group.known = known = Known()
        self._know_rows(known, payment_ids)
        for pid, row in known.payments.items():
            group.judge_one(pid, row, known.operations.get(pid, []), now)
        changed = len(group.changes.judged())
        self._save(group.changes, now) if changed else None
        return changed

    def deliveries(self, after: int = 0) -> Iterator[DeliveryRow]:
        """Return deliveries in order."""
        select = f"SELECT {', '.join(DeliveryRow._fields)} FROM delivery WHERE seq > ? ORDER BY seq"
        for row in self._db.execute(select, (after,)):
            yield DeliveryRow(*row)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
