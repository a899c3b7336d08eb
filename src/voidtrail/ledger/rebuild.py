"""Read tables made anew from the ledger, and the proof that nothing was changed.

The read tables (payment, operation, verdict) are folds of the active events. `ensure` makes them
when their definition has changed, `rebuild` mends single payments, `replay` makes all of them
beside the live ones and compares row for row, `verify` walks the chain.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from voidtrail.event.codec import RECORD, Record, digest_of, leaf
from voidtrail.event.model import Micros
from voidtrail.ledger import chain
from voidtrail.ledger.components import united
from voidtrail.ledger.contract import DeliveryRow, Judge, Progress
from voidtrail.ledger.derived import trouble

if TYPE_CHECKING:
    from voidtrail.ledger.sqlite import SqliteLog


def schema(judge: Judge) -> list[str]:
    """Return the statements that make the read tables."""
    verdict = ", ".join(
        f"{name} INTEGER{'' if name in ('due_at', 'ended_at') else ' NOT NULL'}"
        for name in judge.verdict
    )
    return [
        f"CREATE TABLE payment ({judge.payment.schema_sql()})".replace(
            "payment_id BIGINT NOT NULL", "payment_id INTEGER NOT NULL", 1),
        "CREATE INDEX payment_order ON payment (order_id) WHERE order_id IS NOT NULL",
        # What lists and counts of a period ask first, so that they rarely need the wide row.
        "CREATE INDEX payment_spoken ON payment (spoken_at, placeholder, mover_no, speaker, "
        "method_seen, test, order_id, asked_minor)",
        f"CREATE TABLE operation ({judge.operation.schema_sql()}) WITHOUT ROWID",
        f"CREATE TABLE verdict (payment_id INTEGER PRIMARY KEY, {verdict})",
        "CREATE INDEX verdict_due ON verdict (due_at) WHERE due_at IS NOT NULL",
        "CREATE INDEX verdict_asking ON verdict (payment_id) WHERE asking = 1",
        "CREATE INDEX verdict_nudged ON verdict (payment_id) WHERE asking = 2",
        "CREATE INDEX verdict_outcome ON verdict (state, how, actor, money)",
        "CREATE INDEX verdict_ended ON verdict (ended_at) WHERE ended_at IS NOT NULL",
    ]  # fmt: skip


def fingerprint(judge: Judge) -> str:
    """Return what changes when the definition of the read tables does."""
    text = "\n".join([*schema(judge), judge.facts_sql,
                      judge.payment.group_by_sql("fact"), judge.operation.group_by_sql("fact"),
                      judge.definition()])  # fmt: skip
    return sha256(text.encode()).hexdigest()


def ensure(log: SqliteLog) -> bool:
    """Make or remake the read tables inside of a transaction begun; True if there was work."""
    db, wanted = log.db, fingerprint(log.judge)
    row = db.execute("SELECT fingerprint FROM read_tables").fetchone()
    if row is not None and row[0] == wanted:
        return False
    for table in ("payment", "operation", "verdict"):
        db.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in schema(log.judge):
        db.execute(statement)
    fill(db, log.judge, "", log.head().tick)
    db.execute("DELETE FROM read_tables")
    db.execute("INSERT INTO read_tables VALUES (?)", (wanted,))
    return True


def fill(db: sqlite3.Connection, judge: Judge, suffix: str, now: Micros) -> None:
    """Fold all active events into (empty) read tables `payment<suffix>` and so on."""
    facts = f"({judge.facts_sql})"
    for table, where in ((judge.payment, ""), (judge.operation, judge.operation_where)):
        db.execute(f"INSERT INTO {table.name}{suffix} {table.group_by_sql(facts, where=where)}")
    query = judge.verdict_sql(f"payment{suffix}", f"operation{suffix}", now)
    db.execute(f"INSERT INTO verdict{suffix} {query}")


def rejudge_all(log: SqliteLog) -> None:
    """Judge every payment anew under the present terms, inside of a transaction begun."""
    log.db.execute("DELETE FROM verdict")
    query = log.judge.verdict_sql("payment", "operation", log.head().tick)
    log.db.execute(f"INSERT INTO verdict {query}")


def rebuild(log: SqliteLog, payment_ids: Sequence[int]) -> None:
    """Fold some payments anew from their active events, inside of the transaction begun.

    What only retired events had united falls apart: the payments, and the orders they stand in.
    """
    db, judge = log.db, log.judge
    before = _with_their_orders(db, payment_ids)
    after = sorted({*before, *_reunite(db, before)})
    ids = ", ".join(map(str, after))
    facts = f"({judge.facts_sql} AND n.payment_id IN ({ids}))"
    for table in ("payment", "operation"):
        db.execute(f"DELETE FROM {table} WHERE payment_id IN ({ids})")
    for rows, where in ((judge.payment, ""), (judge.operation, judge.operation_where)):
        db.execute(f"INSERT INTO {rows.name} {rows.group_by_sql(facts, where=where)}")
    log.rejudge(after, log.head().tick)
    db.execute(f"DELETE FROM verdict WHERE payment_id IN ({ids}) AND payment_id NOT IN "
               "(SELECT payment_id FROM payment)")  # fmt: skip


def _with_their_orders(db: sqlite3.Connection, payment_ids: Sequence[int]) -> list[int]:
    """Return the payments and all others of their orders."""
    ids = ", ".join(map(str, payment_ids))
    others = db.execute(
        "SELECT payment_id FROM payment WHERE order_id IN "
        f"(SELECT order_id FROM payment WHERE payment_id IN ({ids}))"
    )
    return sorted({*payment_ids, *(pid for (pid,) in others)})


def _reunite(db: sqlite3.Connection, payment_ids: Sequence[int]) -> set[int]:
    """Make the components of some payments and their orders anew; return the payments' ids."""
    ids = ", ".join(map(str, payment_ids))
    names = dict(db.execute(f"SELECT key, no FROM name WHERE payment_id IN ({ids})"))
    orders = dict(
        db.execute("SELECT key, no FROM order_name WHERE order_id IN "
                   f"(SELECT order_id FROM payment WHERE payment_id IN ({ids}))")
    )  # fmt: skip
    claims = db.execute("SELECT name_no, names, order_key FROM event WHERE active = 1 AND name_no "
                        f"IN (SELECT no FROM name WHERE payment_id IN ({ids}))")  # fmt: skip
    payments, together = united(claims, names, orders)
    found = [(payments.find(no), no) for no in names.values()]
    db.executemany("UPDATE name SET payment_id = ? WHERE no = ?", found)
    db.executemany("UPDATE order_name SET order_id = ? WHERE no = ?",
                   [(together.find(no), no) for no in orders.values()])  # fmt: skip
    return {pid for pid, _ in found}


class Replayed(NamedTuple):
    """What a replay found.

    Attributes:
        equal: the rebuilt read tables equal the live ones.
        rows: rows compared.
        differing: by table, up to ten payments that differ.
    """

    equal: bool
    rows: int
    differing: dict[str, list[int]]


def replay(log: SqliteLog) -> Replayed:
    """Fold the whole ledger into temporary tables and compare them with the live ones."""
    db, judge = log.db, log.judge
    for table in ("payment", "operation", "verdict"):
        db.execute(f"DROP TABLE IF EXISTS temp.{table}_replayed")
    for statement in schema(judge):
        if statement.startswith("CREATE TABLE"):
            name = statement.split()[2]
            db.execute(statement.replace(f"TABLE {name}", f"TEMP TABLE {name}_replayed", 1))
    fill(db, judge, "_replayed", log.head().tick)
    rows, differing = 0, {}
    for table in ("payment", "operation", "verdict"):
        rows += db.execute(f"SELECT count(*) FROM {table}_replayed").fetchone()[0]
        query = (f"SELECT payment_id FROM (SELECT * FROM main.{table} EXCEPT SELECT * FROM "
                 f"{table}_replayed) UNION SELECT payment_id FROM (SELECT * FROM "
                 f"{table}_replayed EXCEPT SELECT * FROM main.{table}) LIMIT 10")  # fmt: skip
        found = [row[0] for row in db.execute(query)]
        if found:
            differing[table] = found
        db.execute(f"DROP TABLE temp.{table}_replayed")
    return Replayed(not differing, rows, differing)


class Verified(NamedTuple):
    """What a walk along the chain found.

    Attributes:
        ok: every leaf, root and head is what it must be, and nothing is missing.
        entries: entries walked.
        head: hexadecimal head; compare it with one kept elsewhere to prove nothing was cut off.
        trouble: the first thing that is wrong, in a sentence; "" if nothing is.
    """

    ok: bool
    entries: int
    head: str
    trouble: str


def verify(log: SqliteLog, progress: Progress | None = None, *, kept: str = "") -> Verified:
    """Recompute every leaf, root and head from what is stored.

    Args:
        log: the ledger.
        progress: told how far the walk is.
        kept: a hexadecimal head that was kept elsewhere, to prove that nothing was cut off since.
    """
    db = log.db
    store, lane = db.execute("SELECT id, lane FROM store").fetchone()
    groups = db.execute(
        "SELECT no, first_seq, count, at, tick, root, head FROM chain ORDER BY no"
    ).fetchall()
    found = walk(store, lane, groups, _leaves(db), progress, kept=kept)
    return found if not found.ok or not (why := trouble(db)) else found._replace(
        ok=False, trouble=why)  # fmt: skip


def walk(
    store: bytes, lane: int, groups: Sequence[tuple[Any, ...]],
    leaves: Iterator[tuple[int, bytes]], progress: Progress | None = None, *, kept: str = "",
) -> Verified:  # fmt: skip
    """Walk along a chain: groups in order, beside all entries' leaves in order."""
    total = sum(group[2] for group in groups)
    before, done = chain.GENESIS, 0
    met = not kept
    for group_no, (no, first, count, at, tick, root, head) in enumerate(groups, start=1):
        if no != group_no or first != done + 1 or count < 1:
            return Verified(False, done, before.hex(), f"group {group_no} is missing or misplaced")
        group = list(islice(leaves, count))
        for place, (seq, _) in enumerate(group):
            if seq != first + place:
                return Verified(False, done, before.hex(), f"entry {first + place} is missing")
        if len(group) < count:
            return Verified(False, done, before.hex(), f"entry {first + len(group)} is missing")
        if chain.merkle_root([digest for _, digest in group]) != root:
            why = f"an entry among {first} to {first + count - 1} was changed"
            return Verified(False, done, before.hex(), why)
        before = chain.head(store, lane, first, before, root, count, at, tick)
        if before != head:
            return Verified(False, done, before.hex(), f"the head of group {no} was changed")
        met = met or before.hex() == kept
        done += count
        if progress is not None:
            progress(done, total)
    extra = next(leaves, None)
    if extra is not None:
        return Verified(False, done, before.hex(), f"entry {extra[0]} stands outside of the chain")
    cut = "" if met else "the head that was kept is not in the chain: entries were cut off"
    return Verified(met, done, before.hex(), cut)


def event_leaf(record: Record) -> bytes:
    """Return the leaf of a record; one whose content does not fit its digest has none."""
    return leaf(record) if digest_of(record) == record.digest else b""


def _leaves(db: sqlite3.Connection) -> Iterator[tuple[int, bytes]]:
    """Yield (sequence number, leaf) of all entries, merged in order."""
    deliveries = _recomputed(
        db, f"SELECT {', '.join(DeliveryRow._fields)} FROM delivery ORDER BY seq",
        lambda row: chain.delivery_leaf((d := DeliveryRow(*row)).public(), d.sealed),
    )  # fmt: skip
    events = _recomputed(
        db, f"SELECT seq, {', '.join(RECORD)} FROM event ORDER BY seq",
        lambda row: event_leaf(Record(*row[1:])),
    )  # fmt: skip
    controls = _recomputed(
        db, "SELECT seq, at, kind, body FROM control ORDER BY seq",
        lambda row: chain.control_leaf(*row[1:]),
    )  # fmt: skip
    waiting = [(each[0], each[1], source) for source in (deliveries, events, controls)
               if (each := next(source, None))]  # fmt: skip
    while waiting:
        least = min(waiting, key=lambda w: w[0])
        yield least[0], least[1]
        waiting.remove(least)
        following = next(least[2], None)
        if following is not None:
            waiting.append((*following, least[2]))


def _recomputed(db: sqlite3.Connection, query: str, hashed: Any) -> Iterator[tuple[int, bytes]]:
    for row in db.execute(query):
        yield row[0], hashed(row)
