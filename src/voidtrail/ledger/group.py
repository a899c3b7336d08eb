"""One group of deliveries becomes rows: pure but for sealing, the same for every store.

A store looks up what `wanted` names, calls `Group.apply`, and saves the `Changes` in the same
transaction. Names and orders are united here (house rule 2); variants, conflicts and superseded
translations are told apart here (rules 3 and 4).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from io import BytesIO
from operator import itemgetter
from typing import Any, Final

from voidtrail.event.codec import REST_AT, Rest, leaf
from voidtrail.event.model import Micros
from voidtrail.lattice import Fact, Row
from voidtrail.ledger import chain
from voidtrail.ledger.contract import (
    HISTORY,
    UNDERSTOOD,
    Change,
    DeliveryRow,
    Head,
    Item,
    Judge,
    Receipt,
)
from voidtrail.ledger.keys import ONCE, PAYMENT_CLASS, Keyring
from voidtrail.ledger.working import (
    SIGNIFICANT_COLUMNS,
    Changes,
    Known,
    Name,
    Seen,
    Union,
    id_key,
)

NAME_COLLISION: Final = "its reference has the same key as another reference"


_significant: Final = itemgetter(*(REST_AT[name] for name in SIGNIFICANT_COLUMNS))
Fresh = tuple[tuple[Any, ...], int, int | None, bool]
"""A record, the number of its name, the component of its order, and whether it is quiet."""
_VERSION, _EVENT_ID, _DIGEST = (REST_AT[name] for name in ("version", "event_id", "digest"))


class Group:
    """One group on its way into the ledger.

    Args:
        items: the deliveries, in the order of arrival.
        judge: what the runtime handed to the store.
        keyring: seals contents and blinds customers.
        head: the end of the chain, read inside of the transaction.
        at: when the group is recorded.
    """

    def __init__(
        self, items: Sequence[Item], judge: Judge, keyring: Keyring, head: Head, at: Micros
    ) -> None:
        self.items = items
        self.judge = judge
        self.keyring = keyring
        self.head = head
        self.at = at
        self.changes = Changes()
        self.payments = Union()
        self.orders = Union()
        self._chance = BytesIO(os.urandom(ONCE * len(items)))  # one call of the system for all
        self.blinds = [
            keyring.blind(f"customer/{item.account_no}", item.customer) if item.customer else b""
            for item in items
        ]

    # ------------------------------------------------------------------ what a store looks up

    def event_ids(self) -> list[bytes]:
        """Return the ids whose variants the store must look up."""
        return list({e.rest[_EVENT_ID] for item in self.items for e in item.events})

    def name_keys(self) -> list[int]:
        """Return the keys of payment names."""
        return list({key for item in self.items for e in item.events for key, _ in e.names})

    def order_keys(self) -> list[int]:
        """Return the keys of order names."""
        return list({e.order[0] for item in self.items for e in item.events if e.order})

    def customer_blinds(self) -> list[bytes]:
        """Return the blind indexes of customers."""
        return list({blind for blind in self.blinds if blind})

    # ------------------------------------------------------------------ applying

    def apply(self, known: Known) -> Changes:
        """Turn the group into changes; `known` must hold all that was looked up."""
        self.known = known
        fresh: list[Fresh] = []
        seq = self.head.entries
        for item, blind in zip(self.items, self.blinds, strict=True):
            seq = self._take(item, blind, seq, fresh)
        self._settle_orders(fresh)
        self._fold(fresh)
        find, find_order = self.payments.find, self.orders.find
        changes = self.changes
        if self.payments.parent:
            changes.names = [n._replace(component=find(n.component)) for n in changes.names]
        if self.orders.parent:
            changes.orders = [n._replace(component=find_order(n.component)) for n in changes.orders]
        return changes

    def _take(
        self, item: Item, blind: bytes, seq: int,
        fresh: list[Fresh],
    ) -> int:  # fmt: skip
        """Take one delivery: dedupe its events, name their payments, seal its body."""
        changes = self.changes
        if self._collides(item):
            item = item._replace(events=(), outcome=1, path="payment", why=NAME_COLLISION)
        delivery_id = seq = seq + 1
        subject, key_no = self._subject(blind) if blind else (None, None)
        rows: list[tuple[object, ...]] = []
        leaves: list[bytes] = []
        duplicates, repeat_of, conflict = 0, None, 0
        for encoded in item.events:
            rest = encoded.rest
            clash, active = 0, 1
            variants = self.known.events.get(rest[_EVENT_ID])
            if variants is None:
                variants = self.known.events[rest[_EVENT_ID]] = []
            else:
                twin = next((s for s in variants if s.digest == rest[_DIGEST]
                             and s.version == rest[_VERSION]), None)  # fmt: skip
                if twin is not None:
                    duplicates += 1
                    repeat_of = twin.delivery_id
                    continue
                clash, active = self._variant(rest, variants)
                conflict |= clash
            seq += 1
            name_no = self._unite(encoded.names) if active else self._enter(encoded.names)
            record = (delivery_id, subject, *rest)
            variants.append(Seen(delivery_id, active, name_no, rest[_DIGEST], rest[_VERSION],
                                 _significant(rest)))  # fmt: skip
            rows.append((seq, active, clash, name_no, id_key(rest[_EVENT_ID]), *record))
            leaves.append(leaf(record))
            order = None if encoded.order is None else self._order(encoded.order)
            if active:
                fresh.append((record, name_no, order, item.quiet))
        if rows or item.outcome != UNDERSTOOD or not duplicates:
            repeat_of = None
        if item.repeat_of is not None:
            repeat_of = item.repeat_of
        row = self._delivery(item, delivery_id, key_no, repeat_of)
        changes.deliveries.append(row)
        changes.events += rows
        changes.leaves.append(chain.delivery_leaf(row[1:-1], row.sealed))
        changes.leaves += leaves
        changes.receipts.append(
            Receipt(delivery_id, len(rows), duplicates, repeat_of, bool(conflict))
        )
        return seq

    def _collides(self, item: Item) -> bool:
        """Whether a name of the item has the key of another text (2^-63 a pair)."""
        names = self.known.names
        for encoded in item.events:
            for key, text in encoded.names:
                name = names.get(key)
                if name is not None and name.text != text:
                    return True
        return False

    def _variant(self, rest: Rest, variants: list[Seen]) -> tuple[int, int]:
        """Return whether a new variant contradicts an earlier one, and whether it is active.

        Older translations of the event are retired, and their payments folded anew.
        """
        version = rest[_VERSION]
        clash = any(s.version == version and s.significant != _significant(rest) for s in variants)
        newest = max(seen.version for seen in variants)
        if version > newest:
            self.changes.retired.append((rest[_EVENT_ID], version))
            self.changes.rebuild_names.update(s.name_no for s in variants if s.active)
        return int(clash), int(version >= newest)

    def _subject(self, blind: bytes) -> tuple[int, int]:
        """Return the subject's number and data key, making both for a new customer."""
        known, changes = self.known, self.changes
        found = known.subjects.get(blind)
        if found is None:
            known.last_subject += 1
            known.last_key += 1
            found = known.subjects[blind] = (known.last_subject, known.last_key)
            changes.subjects.append((found[0], blind))
            changes.keys.append(self.keyring.new_key(found[1], found[0], PAYMENT_CLASS))
        return found

    def _delivery(
        self, item: Item, seq: int, key_no: int | None, repeat_of: int | None
    ) -> DeliveryRow:
        sealed = None
        known = self.known
        is_kept = item.repeat_of is not None or known.digests.get(repeat_of or 0) == item.digest
        if not is_kept:
            if key_no is None:
                known.last_key = key_no = known.last_key + 1
                key, sealed = self.keyring.seal_once(
                    key_no, PAYMENT_CLASS, item.plain, item.digest, self._chance.read(ONCE)
                )
                self.changes.keys.append(key)
            else:
                sealed = self.keyring.seal(key_no, item.plain, item.digest)
        else:
            key_no = None
        known.digests[seq] = item.digest
        return DeliveryRow(seq, item.account_no, item.via, item.received_at, item.digest,
                           repeat_of, item.outcome, item.version, key_no,
                           item.path, item.why, item.file_no, sealed)  # fmt: skip

    def _unite(self, names: Iterable[tuple[int, str]]) -> int:
        """Return the number of the first name, uniting the components of all of them."""
        first, component = 0, 0
        for key, text in names:
            name = self._name(key, text, component)
            if not first:
                first, component = name.no, name.component
            elif name.component != component:
                component = self.payments.unite(component, name.component)
        return first

    def _enter(self, names: Iterable[tuple[int, str]]) -> int:
        """Return the number of the first name; what is not active unites nothing."""
        first, *_ = [self._name(key, text).no for key, text in names]
        return first

    def _name(self, key: int, text: str, component: int = 0) -> Name:
        known = self.known
        name = known.names.get(key)
        if name is None:
            known.last_name = no = known.last_name + 1
            name = known.names[key] = Name(no, key, text, component or no)
            self.changes.names.append(name)
        return name

    def _order(self, order: tuple[int, str] | None) -> int | None:
        if order is None:
            return None
        known = self.known
        name = known.orders.get(order[0])
        if name is None:
            known.last_order += 1
            no = known.last_order
            name = known.orders[order[0]] = Name(no, order[0], order[1], no)
            self.changes.orders.append(name)
        return name.component

    # ------------------------------------------------------------------ folding and judging

    def _settle_orders(self, fresh: list[Fresh]) -> None:
        """Unite orders that share a payment, and write down which components have moved."""
        known = self.known
        at = known_place(self.judge, "order_id")
        components = {name.no: name.component for name in known.names.values()}
        order_of: dict[int, int] = {}
        members = {pid: row[at] for pid, row in known.payments.items()}
        claims = [*members.items(), *((components[no], order) for _, no, order, _ in fresh)]
        for pid, order in claims:
            if order is None:
                continue
            held = order_of.get(payment := self.payments.find(pid))
            order_of[payment] = order if held is None else self.orders.unite(held, order)
        self.components = components
        moves = self.changes.payment_moves
        for member in self.payments.parent:
            moves[member] = self.payments.find(member)
        for member in self.orders.parent:
            self.changes.order_moves[member] = self.orders.find(member)

    def _fold(self, fresh: list[Fresh]) -> None:
        """Join the new facts into the rows known, and judge what changed."""
        judge, changes, known = self.judge, self.changes, self.known
        find, find_order = self.payments.find, self.orders.find
        self._move()
        kind, of_operations = judge.payment.place["kind"], judge.operation_kinds
        touched: dict[int, bool] = {}
        for record, name_no, order_no, quiet in fresh:
            pid = find(self.components[name_no])
            touched[pid] = touched.get(pid, True) and quiet
            fact = judge.fact(record, pid, None if order_no is None else find_order(order_no))
            row = known.payments.get(pid)
            if row is None:
                row = known.payments[pid] = judge.payment.row(fact)
                changes.new_payments[pid] = row
            else:
                judge.payment.absorb(row, fact)
                if pid not in changes.new_payments:
                    changes.payment_facts[(pid,)] = row
            if fact[kind] in of_operations:
                self._operate(pid, judge.operation.row_key(fact), fact)
        now = self.head.tick or self.at
        for pid, quiet in touched.items():
            self.judge_one(pid, known.payments[pid], known.operations.get(pid, ()), now, quiet)

    def _operate(self, pid: int, key: Fact, fact: Fact) -> None:
        """Join a fact into the row of its operation."""
        table, rows = self.judge.operation, self.known.operations.setdefault(pid, [])
        size = len(key)
        row = next((each for each in rows if tuple(each[:size]) == key), None)
        if row is None:
            row = table.row(fact)
            rows.append(row)
        else:
            table.absorb(row, fact)
        self.changes.operation_facts[key] = row

    def _move(self) -> None:
        """Join the known rows of payments that became one, under the least number."""
        judge, changes, known = self.judge, self.changes, self.known
        at = known_place(judge, "order_id")
        for old, new in changes.payment_moves.items():
            row = known.payments.pop(old, None)
            if row is not None:
                moved = _joined(judge.payment.join, known.payments.get(new), [new, *row[1:]])
                known.payments[new] = changes.payment_facts[(new,)] = moved
            rows = known.operations.setdefault(new, [])
            for operation in known.operations.pop(old, []):
                key = (new, *operation[1:3])
                twin = next((each for each in rows if tuple(each[:3]) == key), None)
                moved = _joined(judge.operation.join, twin, [new, *operation[1:]])
                if twin is not None:
                    rows.remove(twin)
                rows.append(moved)
                changes.operation_facts[key] = moved
        if self.orders.parent:
            for row in known.payments.values():
                order = row[at]
                if order is not None:
                    row[at] = self.orders.find(order)

    def judge_one(
        self, pid: int, payment: Row, operations: Sequence[Row], now: Micros,
        quiet: bool | None = None,
    ) -> None:  # fmt: skip
        """Judge one payment; note its verdict if that changed.

        `quiet`: whether all that was said of it is; None if nothing was said and only time went by.
        History makes no notice: nobody would be told.
        """
        verdict = self.judge.verdict_of(payment, operations, now)
        before = self.known.verdicts.get(pid)
        if verdict == before:
            return
        self.known.verdicts[pid] = verdict
        changes = self.changes
        (changes.new_verdicts if before is None else changes.verdicts).append((pid, *verdict))
        if quiet or not self.judge.tells(before, verdict):
            return
        why = self.judge.quiet(payment, by_time=quiet is None)
        if not why & HISTORY:
            changes.outbox.append(Change(pid, self.at, before, verdict, why))


def known_place(judge: Judge, column: str) -> int:
    """Return the place of a column in a payment's row."""
    return judge.payment.names.index(column)


def _joined(join, left: Row | None, right: Row) -> Row:  # type: ignore[no-untyped-def]
    return right if left is None else join(left, right)
