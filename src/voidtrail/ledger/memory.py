"""The ledger in memory: the twin of `ledger.sqlite`, for tests and rehearsals.

Plain dictionaries under the same contract. A transaction works on a copy of the tables and
replaces them when it commits, so giving one up is forgetting the copy.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

import msgspec

from voidtrail.event.account import Account
from voidtrail.event.codec import RECORD, Record
from voidtrail.event.model import Micros
from voidtrail.lattice import Fact, Row
from voidtrail.ledger import chain
from voidtrail.ledger.components import united
from voidtrail.ledger.contract import DeliveryRow, Head, Item, Judge, Progress, Receipt
from voidtrail.ledger.group import Group, known_place
from voidtrail.ledger.keys import Keyring, WrappedKey
from voidtrail.ledger.rebuild import Replayed, Verified, event_leaf, walk
from voidtrail.ledger.working import SIGNIFICANT_COLUMNS, Changes, Known, Name, Seen

_RECORD_AT: Final = 5
"""Places in front of a record in a row of events: seq, active, conflict, name_no, id_key."""
_SIGNIFICANT: Final = tuple(RECORD.index(name) for name in SIGNIFICANT_COLUMNS)


@dataclass
class Tables:
    """What the ledger holds, by the keys that are asked for."""

    deliveries: dict[int, DeliveryRow] = field(default_factory=dict)
    events: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    variants: dict[bytes, tuple[int, ...]] = field(default_factory=dict)  # event_id -> seqs
    controls: dict[int, tuple[Micros, str, str]] = field(default_factory=dict)
    groups: list[tuple[Any, ...]] = field(default_factory=list)  # as the table `chain`
    names: dict[int, Name] = field(default_factory=dict)  # by key
    orders: dict[int, Name] = field(default_factory=dict)  # by key
    subjects: dict[bytes, int] = field(default_factory=dict)  # by blind index
    keys: dict[int, WrappedKey] = field(default_factory=dict)
    accounts: dict[int, Account] = field(default_factory=dict)
    payments: dict[int, Row] = field(default_factory=dict)
    operations: dict[int, list[Row]] = field(default_factory=dict)
    verdicts: dict[int, tuple[int, ...]] = field(default_factory=dict)
    outbox: dict[int, tuple[Any, ...]] = field(default_factory=dict)

    def copy(self) -> Tables:
        """Return tables that can be changed without changing these; rows are never changed."""
        return Tables(**{each.name: getattr(self, each.name).copy() for each in fields(self)})


class MemoryLog:
    """A ledger in memory (see `ledger.contract.Log`).

    Args:
        judge: the pure functions of the house.
        keyring: the keys of this store.
    """

    def __init__(self, judge: Judge, keyring: Keyring) -> None:
        self.judge = judge
        self.keyring = keyring
        self.tables = Tables()
        self._before: Tables | None = None
        self._id = os.urandom(16)

    # ------------------------------------------------------------------ transactions

    def try_begin(self) -> bool:
        """Begin a write; False if one has begun."""
        if self._before is not None:
            return False
        self._before, self.tables = self.tables, self.tables.copy()
        return True

    def commit(self) -> None:
        """Keep what the transaction wrote."""
        self._before = None

    def rollback(self) -> None:
        """Give up the transaction begun."""
        if self._before is not None:
            self.tables, self._before = self._before, None

    def head(self) -> Head:
        """Return the end of the chain."""
        if not self.tables.groups:
            return Head(0, 0, chain.GENESIS, 0)
        no, first, count, _, tick, _, head = self.tables.groups[-1]
        return Head(no, first + count - 1, head, tick)

    # ------------------------------------------------------------------ writing

    def append(self, items: Sequence[Item], at: Micros) -> list[Receipt]:
        """Write a group inside of the transaction begun."""
        group = Group(items, self.judge, self.keyring, self.head(), at)
        changes = group.apply(self._known(group))
        self._save(changes)
        if changes.leaves:
            self._link(changes.leaves, at)
        if changes.rebuild_names:
            names = [n for n in self.tables.names.values() if n.no in changes.rebuild_names]
            self.rebuild(sorted({name.component for name in names}))
        return changes.receipts

    def control(self, entries: Sequence[tuple[str, str]], at: Micros) -> None:
        """Write control entries inside of the transaction begun."""
        for seq, (kind, body) in enumerate(entries, start=self.head().entries + 1):
            self.tables.controls[seq] = (at, kind, body)
        leaves = [chain.control_leaf(at, kind, body) for kind, body in entries]
        if leaves:
            self._link(leaves, at, at if any(kind == "tick" for kind, _ in entries) else None)

    def _link(self, leaves: Sequence[bytes], at: Micros, tick: Micros | None = None) -> None:
        last = self.head()
        first, root, tick = last.entries + 1, chain.merkle_root(leaves), tick or last.tick or at
        head = chain.head(self._id, 0, first, last.digest, root, len(leaves), at, tick)
        self.tables.groups.append((last.group + 1, first, len(leaves), at, tick, root, head))

    def _known(self, group: Group) -> Known:
        """Look up all that a group mentions."""
        tables, known = self.tables, Known()
        for event_id in group.event_ids():
            if event_id in tables.variants:
                known.events[event_id] = [self._seen(seq) for seq in tables.variants[event_id]]
        known.digests = {seq: row.digest for seq, row in tables.deliveries.items()}
        known.names = {k: tables.names[k] for k in group.name_keys() if k in tables.names}
        known.orders = {k: tables.orders[k] for k in group.order_keys() if k in tables.orders}
        of_subject = {key.subject: key for key in tables.keys.values() if key.subject is not None}
        for blind in group.customer_blinds():
            if blind in tables.subjects:
                key = of_subject[tables.subjects[blind]]
                self.keyring.unwrap(key)
                known.subjects[blind] = (tables.subjects[blind], key.no)
        known.last_name, known.last_order = len(tables.names), len(tables.orders)
        known.last_subject = max(of_subject, default=0)
        known.last_key = max(tables.keys, default=0)
        self._know_rows(known, {name.component for name in known.names.values()})
        return known

    def _seen(self, seq: int) -> Seen:
        _, active, _, name_no, _, *columns = self.tables.events[seq]
        record = Record(*columns)
        significant = tuple(record[place] for place in _SIGNIFICANT)
        return Seen(record.delivery_id, active, name_no, record.digest, record.version,
                    significant)  # fmt: skip

    def _know_rows(self, known: Known, ids: set[int]) -> None:
        tables = self.tables
        for pid in sorted(ids & tables.payments.keys()):
            known.payments[pid] = tables.payments[pid][:]
            if pid in tables.operations:
                known.operations[pid] = [row[:] for row in tables.operations[pid]]
            if pid in tables.verdicts:
                known.verdicts[pid] = tables.verdicts[pid]

    def _save(self, changes: Changes) -> None:
        tables, judge = self.tables, self.judge
        tables.deliveries.update((row.seq, row) for row in changes.deliveries)
        for row in changes.events:
            self._put_event(row)
        tables.keys.update((key.no, key) for key in changes.keys)
        tables.subjects.update((blind, no) for no, blind in changes.subjects)
        tables.names.update((name.key, name) for name in changes.names)
        tables.orders.update((name.key, name) for name in changes.orders)
        self._save_moves(changes)
        tables.payments.update((pid, row[:]) for pid, row in changes.new_payments.items())
        for (pid, *_), payment in changes.payment_facts.items():
            assert pid is not None
            old = tables.payments.get(pid)
            tables.payments[pid] = payment[:] if old is None else judge.payment.join(old, payment)
        for (pid, *_), operation in changes.operation_facts.items():
            assert pid is not None
            rows = {tuple(row[:3]): row for row in tables.operations.get(pid, [])}
            key = tuple(operation[:3])
            rows[key] = judge.operation.join(rows[key], operation) if key in rows else operation[:]
            tables.operations[pid] = list(rows.values())
        tables.verdicts.update((pid, tuple(rest)) for pid, *rest in changes.judged())
        for event_id, version in changes.retired:
            for seq in tables.variants[event_id]:
                number, _, *rest = tables.events[seq]
                if self._seen(seq).version < version:
                    tables.events[seq] = (number, 0, *rest)
        for notice in changes.notices():
            tables.outbox[len(tables.outbox) + 1] = (*notice, None)

    def _put_event(self, row: tuple[Any, ...]) -> None:
        seq, event_id = row[0], Record(*row[_RECORD_AT:]).event_id
        self.tables.events[seq] = row
        self.tables.variants[event_id] = (*self.tables.variants.get(event_id, ()), seq)

    def _save_moves(self, changes: Changes) -> None:
        tables, at = self.tables, known_place(self.judge, "order_id")
        for old in changes.payment_moves:
            tables.payments.pop(old, None)
            tables.operations.pop(old, None)
            tables.verdicts.pop(old, None)
        for held, moves in ((tables.names, changes.payment_moves),
                            (tables.orders, changes.order_moves)):  # fmt: skip
            for key, name in held.items():
                held[key] = name._replace(component=moves.get(name.component, name.component))
        for pid, row in tables.payments.items():
            order = changes.order_moves.get(row[at] or 0)
            if order is not None:
                tables.payments[pid] = [*row[:at], order, *row[at + 1 :]]

    # ------------------------------------------------------------------ read tables made anew

    def _folded(self, pids: set[int] | None = None) -> tuple[dict[int, Row], dict[int, list[Row]]]:
        """Fold active events (of some payments) into rows of payments and operations."""
        judge, tables = self.judge, self.tables
        pid_of = {name.no: name.component for name in tables.names.values()}
        facts: list[Fact] = []
        for _, active, _, name_no, _, *columns in tables.events.values():
            if active and (pids is None or pid_of[name_no] in pids):
                record = Record(*columns)
                key = record.order_key
                order = None if key is None else tables.orders[key].component
                facts.append(judge.fact(record, pid_of[name_no], order))
        kind = judge.payment.place["kind"]
        operations: dict[int, list[Row]] = {}
        for (pid, *_), row in judge.operation.fold(
            [fact for fact in facts if fact[kind] in judge.operation_kinds]
        ).items():
            assert pid is not None
            operations.setdefault(pid, []).append(row)
        payments = {pid: row for (pid,), row in judge.payment.fold(facts).items() if pid}
        return payments, operations

    def rebuild(self, payment_ids: Sequence[int]) -> None:
        """Fold some payments anew, with what only retired events had united taken apart."""
        tables, at = self.tables, known_place(self.judge, "order_id")
        orders = {row[at] for pid, row in tables.payments.items() if pid in payment_ids} - {None}
        pids = {pid for pid, row in tables.payments.items() if row[at] in orders} | {*payment_ids}
        named = {name.no: name for name in tables.names.values() if name.component in pids}
        ordered = [name for name in tables.orders.values() if name.component in orders]
        records = [(row[3], Record(*row[_RECORD_AT:])) for row in tables.events.values()
                   if row[1] and row[3] in named]  # fmt: skip
        payments, together = united(
            [(no, record.names, record.order_key) for no, record in records],
            {name.key: no for no, name in named.items()}, {name.key: name.no for name in ordered},
        )  # fmt: skip
        for name in named.values():
            tables.names[name.key] = name._replace(component=payments.find(name.no))
        for name in ordered:
            tables.orders[name.key] = name._replace(component=together.find(name.no))
        pids |= {payments.find(no) for no in named}
        for pid in pids:
            tables.payments.pop(pid, None)
            tables.operations.pop(pid, None)
        rows, operations = self._folded(pids)
        tables.payments.update(rows)
        tables.operations.update(operations)
        self.rejudge(sorted(pids), self.head().tick)
        for pid in pids - tables.payments.keys():
            tables.verdicts.pop(pid, None)

    def replay(self) -> Replayed:
        """Fold the whole ledger and compare with the live read tables."""
        payments, operations = self._folded()
        live, tick = self.tables, self.head().tick
        judged = {pid: self.judge.verdict_of(row, operations.get(pid, []), tick)
                  for pid, row in payments.items()}  # fmt: skip
        differing: dict[str, list[int]] = {}
        for table, ours, theirs in (
            ("payment", payments, live.payments), ("verdict", judged, live.verdicts),
            ("operation", _ordered(operations), _ordered(live.operations)),
        ):  # fmt: skip
            apart = {p for p in ours.keys() | theirs.keys() if ours.get(p) != theirs.get(p)}
            if apart:
                differing[table] = sorted(apart)[:10]
        rows = len(payments) + len(judged) + sum(map(len, operations.values()))
        return Replayed(not differing, rows, differing)

    def verify(self, progress: Progress | None = None, *, kept: str = "") -> Verified:
        """Recompute every leaf, root and head from what is held."""
        tables = self.tables
        leaves = {seq: chain.delivery_leaf(row.public(), row.sealed)
                  for seq, row in tables.deliveries.items()}  # fmt: skip
        leaves |= {seq: event_leaf(Record(*row[_RECORD_AT:])) for seq, row in tables.events.items()}
        leaves |= {seq: chain.control_leaf(*row) for seq, row in tables.controls.items()}
        return walk(self._id, 0, tables.groups, iter(sorted(leaves.items())), progress, kept=kept)

    # ------------------------------------------------------------------ accounts, time, reading

    def accounts(self) -> Mapping[int, Account]:
        """Return the accounts by number."""
        return dict(self.tables.accounts)

    def account_no(self, account: Account) -> int:
        """Return the account's number, entering it (or its change) inside a transaction."""
        held = self.tables.accounts
        by_name = {(each.source, each.name): no for no, each in held.items()}
        no = by_name.get((account.source, account.name), len(held) + 1)
        if held.get(no) != account:
            held[no] = account
            entry = msgspec.json.encode({"no": no, "account": account}).decode()
            self.control([("account", entry)], self.head().tick)
        return no

    def due(self, now: Micros, limit: int) -> list[tuple[int, Micros]]:
        """Return payments whose verdict may change by time alone, earliest first."""
        place = self.judge.verdict.index("due_at")
        due = [(pid, at) for pid, v in self.tables.verdicts.items()
               if 0 < (at := v[place] or 0) <= now]  # fmt: skip
        return sorted(due, key=lambda each: (each[1], each[0]))[:limit]

    def waiting(self, limit: int, after: int = 0) -> list[tuple[int, int, int]]:
        """Return payments whose platform is to be asked: (payment_id, account, why)."""
        asking = self.judge.verdict.index("asking")
        home, tables = known_place(self.judge, "home_no"), self.tables
        found = [(pid, no, why) for pid, v in tables.verdicts.items() if (why := v[asking])
                 and pid > after and (no := tables.payments[pid][home]) is not None]  # fmt: skip
        return sorted(found)[:limit]

    def names_of(self, payment_id: int) -> list[str]:
        """Return a payment's names, the first heard first."""
        names = [name for name in self.tables.names.values() if name.component == payment_id]
        return [name.text for name in sorted(names)]

    def outbox(
        self, limit: int, after: int = 0
    ) -> list[tuple[int, Micros, int, int, bytes | None, bytes]]:
        """Return notices that are not struck off, oldest first."""
        held = self.tables.outbox
        rows = [(no, *row[:-1]) for no, row in held.items() if row[-1] is None and no > after]
        return rows[:limit]

    def struck(self, up_to: int, now: Micros, after: int = 0) -> int:
        """Strike off notices inside of the transaction begun; return how many."""
        held = self.tables.outbox
        open_ = [no for no, row in held.items() if row[-1] is None and after < no <= up_to]
        held.update((no, (*held[no][:-1], now)) for no in open_)
        return len(open_)

    def rejudge(self, payment_ids: Sequence[int], now: Micros) -> int:
        """Judge payments anew inside of the transaction begun; return how many changed."""
        group = Group((), self.judge, self.keyring, self.head(), now)
        group.known = known = Known()
        self._know_rows(known, set(payment_ids))
        for pid, row in known.payments.items():
            group.judge_one(pid, row, known.operations.get(pid, []), now)
        self._save(group.changes)
        return len(group.changes.judged())

    def deliveries(self, after: int = 0) -> Iterator[DeliveryRow]:
        """Return deliveries in order."""
        yield from (row for seq, row in self.tables.deliveries.items() if seq > after)

    def close(self) -> None:
        """Let go of nothing."""


def _ordered(operations: Mapping[int, list[Row]]) -> dict[int, list[Row]]:
    return {pid: sorted(rows, key=repr) for pid, rows in operations.items() if rows}
