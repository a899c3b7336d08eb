"""A ledger made large: a day's rows copied under new numbers and names, at later instants.

Made for measuring reads of a store of millions of payments in minutes instead of hours. The read
tables, names, statements and deliveries are as intake leaves them; what lies sealed is not copied,
and the chain is not continued, so such a file is good for reading and for nothing else.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Final, NamedTuple

from voidtrail.event.codec import key63

SECOND: Final = 1_000_000
_MASK: Final = 2**62 - 1
_STRIDE: Final = 0x1E3779B97F4A7C15
"""Spreads copied keys that nobody looks up by text."""
_INSTANTS: Final = frozenset(
    {"spoken_at", "last_at", "life_at", "ordered_at", "opened_at", "submitted_at", "until_at",
     "asked_at", "nudged_at", "answered_at", "cancel_asked_at", "tried_at", "refused_at",
     "sealed_at", "after_at", "finished_at", "due_at", "ended_at", "requested_at",
     "succeeded_at", "occurred_at", "received_at"}
)  # fmt: skip
_PACKED: Final = frozenset(
    {"cancel_asked", "cancelled", "expired", "voided", "refunded", "reversed", "disputed",
     "declined", "faulted", "packed", "method_seen"}
)  # fmt: skip
_SHIFTED: Final = {
    "payment_id": "name", "name_no": "name", "order_id": "orders", "subject": "subject",
    "seq": "seq", "delivery_id": "seq", "repeat_of": "seq",
}  # fmt: skip
_TABLES: Final = ("payment", "verdict", "operation", "event", "delivery", "name", "order_name")


class Size(NamedTuple):
    """How many numbers of each kind the original takes; a delivery comes before its events."""

    name: int
    orders: int
    subject: int
    seq: int


def copy_rows(
    db: sqlite3.Connection, copies: int, step_us: int, progress: Callable[[int], None]
) -> None:
    """Add copies of everything in a ledger, each `step_us` later than the one before.

    Args:
        db: a connection that writes; durability is given up meanwhile.
        copies: how many to add.
        step_us: between two copies.
        progress: is told after each copy.
    """
    for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1500000"):
        db.execute(f"PRAGMA {setting}")
    db.create_function("key63", 1, key63, deterministic=True)
    size = Size(*(
        db.execute(f"SELECT ifnull(max({column}), 0) FROM {table}").fetchone()[0]
        for table, column in (("name", "no"), ("order_name", "no"), ("subject", "no"),
                              ("event", "seq"))
    ))  # fmt: skip
    for table in _TABLES:
        db.execute(f"DROP TABLE IF EXISTS temp.{table}_first")
        db.execute(f"CREATE TEMP TABLE {table}_first AS SELECT * FROM main.{table}")
    for table in ("name", "order_name"):
        db.execute(f"CREATE UNIQUE INDEX temp.{table}_first_key ON {table}_first (key)")
    statements = [_copy_sql(db, table) for table in _TABLES]
    for number in range(1, copies + 1):
        values = {
            "k": number, "us": number * step_us, "s": (number * step_us // SECOND) << 16,
            "stride": number * _STRIDE & _MASK,
            **{f"{kind}_by": number * most for kind, most in size._asdict().items()},
        }  # fmt: skip
        db.execute("BEGIN")
        for statement in statements:
            db.execute(statement, values)
        db.execute("COMMIT")
        progress(number)


def _copy_sql(db: sqlite3.Connection, table: str) -> str:
    columns = [row[1] for row in db.execute(f"PRAGMA main.table_info({table})")]
    made = ", ".join(_column(table, name) for name in columns)
    return f"INSERT INTO main.{table} ({', '.join(columns)}) SELECT {made} FROM temp.{table}_first"


def _column(table: str, name: str) -> str:
    """Return what a column of a copy is made of."""
    if table in ("name", "order_name"):
        kind = "name" if table == "name" else "orders"
        named = {"key": "key63(text || '~' || :k)", "text": "text || '~' || :k"}
        return named.get(name, f"{name} + :{kind}_by")
    if table == "event" and name in ("name_key", "order_key"):
        kind = "name" if name == "name_key" else "order_name"
        return (f"(SELECT key63(text || '~' || :k) FROM temp.{kind}_first n "
                f"WHERE n.key = event_first.{name})")  # fmt: skip
    if name in _SHIFTED:
        return f"{name} + :{_SHIFTED[name]}_by"
    if name in _INSTANTS:
        return f"{name} + :us"
    if name in _PACKED:
        return f"{name} + :s"
    if name in ("op", "reverses", "id_key"):
        return f"({name} >> 1) + :stride"
    return "NULL" if (table, name) == ("delivery", "sealed") else name
