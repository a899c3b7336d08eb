"""Read tables made anew from the ledger, and the proof that nothing was changed.

The read tables (payment, operation, verdict) are folds of the active events. `ensure` makes them
when their definition has changed, `rebuild` mends single payments, `replay` makes all of them beside
the live ones and compares row for row, `verify` walks the chain.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from voidtrail.event.codec import RECORD, Record, digest_of, key63, leaf
from voidtrail.event.model import Micros
from voidtrail.ledger import chain
from voidtrail.ledger.contract import DeliveryRow, Judge, Progress

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
        f"CREATE TABLE operation ({judge.operation.schema_sql()}) WITHOUT ROWID",
        f"CREATE TABLE verdict (payment_id INTEGER PRIMARY KEY, {verdict})",
        "CREATE INDEX verdict_due ON verdict (due_at) WHERE due_at IS NOT NULL",
        "CREATE INDEX verdict_asking ON verdict (due_at) WHERE asking = 1",
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
    """Fold some payments anew from their active events, inside of the transaction begun."""
    db, judge = log.db, log.judge
    ids = ", ".join(map(str, payment_ids))
    facts = f"({judge.facts_sql} AND n.payment_id IN ({ids}))"
    for table in ("payment", "operation"):
        db.execute(f"DELETE FROM {table} WHERE payment_id IN ({ids})")
    gone = [(pid,) for pid in payment_ids]
    for table, where in ((judge.payment, ""), (judge.operation, judge.operation_where)):
        db.execute(f"INSERT INTO {table.name} {table.group_by_sql(facts, where=where)}")
    log.rejudge(payment_ids, log.head().tick)
    db.executemany("DELETE FROM verdict WHERE payment_id = ? AND payment_id NOT IN "
                   "(SELECT payment_id FROM payment)", gone)  # fmt: skip


_DIGEST: Final = RECORD.index("digest")


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


def verify(log: SqliteLog, progress: Progress | None = None) -> Verified:
    """Recompute every leaf, root and head from what is stored."""
    db = log.db
    store, lane = db.execute("SELECT id, lane FROM store").fetchone()
    total = log.head().entries
    leaves = _leaves(db)
    before, done = chain.GENESIS, 0
    group_no = 0
    for no, first, count, at, tick, root, head in db.execute(
        "SELECT no, first_seq, count, at, tick, root, head FROM chain ORDER BY no"
    ).fetchall():
        group_no += 1
        if no != group_no or first != done + 1 or count < 1:
            return Verified(False, done, before.hex(), f"group {group_no} is missing or misplaced")
        group = list(islice(leaves, count))
        for place, (seq, _) in enumerate(group):
            if seq != first + place:
                return Verified(False, done, before.hex(), f"entry {first + place} is missing")
        if len(group) < count:
            return Verified(False, done, before.hex(), f"entry {first + len(group)} is missing")
        if chain.merkle_root([digest for _, digest in group]) != root:
            return Verified(False, done, before.hex(),
                            f"an entry among {first} to {first + count - 1} was changed")  # fmt: skip
        before = chain.head(store, lane, first, before, root, count, at, tick)
        if before != head:
            return Verified(False, done, before.hex(), f"the head of group {no} was changed")
        done += count
        if progress is not None:
            progress(done, total)
    extra = next(leaves, None)
    if extra is not None:
        return Verified(False, done, before.hex(), f"entry {extra[0]} stands outside of the chain")
    trouble = _names(db)
    return Verified(not trouble, done, before.hex(), trouble)


def _leaves(db: sqlite3.Connection) -> Iterator[tuple[int, bytes]]:
    """Yield (sequence number, leaf) of all entries, merged in order."""
    deliveries = _recomputed(
        db, f"SELECT {', '.join(DeliveryRow._fields)} FROM delivery ORDER BY seq",
        lambda row: chain.delivery_leaf((d := DeliveryRow(*row)).public(), d.sealed),
    )  # fmt: skip
    events = _recomputed(
        db, f"SELECT seq, {', '.join(RECORD)} FROM event ORDER BY seq",
        lambda row: leaf(row[1:]) if digest_of(Record(*row[1:])) == row[1 + _DIGEST] else b"",
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


def _names(db: sqlite3.Connection) -> str:
    """Return what is wrong with the names: their texts stand outside of the leaves."""
    for table in ("name", "order_name"):
        for key, text in db.execute(f"SELECT key, text FROM {table}"):
            if key63(text) != key:
                return f"the text of {table} {key} was changed"
    missing = db.execute(
        "SELECT e.seq FROM event e LEFT JOIN name n ON n.no = e.name_no AND n.key = e.name_key "
        "WHERE n.no IS NULL LIMIT 1"
    ).fetchone()
    return "" if missing is None else f"the name of event {missing[0]} is missing"
