"""Stores for laws: opened once, filled inside of a transaction, emptied by giving that up."""

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tests.property.strategies import LATER
from voidtrail.event.codec import RECORD
from voidtrail.ledger import rebuild
from voidtrail.ledger.keys import Keyring
from voidtrail.ledger.memory import MemoryLog
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.lifecycle.order import Part, judge_order, orders_sql
from voidtrail.lifecycle.projection import Projection
from voidtrail.lifecycle.terms import Terms
from voidtrail.lifecycle.verdict import VERDICT

KEYRING = Keyring.generate()
JUDGE = Projection(Terms(askable=(2,)))
_shm = Path("/dev/shm")
_opened: dict[str, Any] = {}


def sqlite():
    """The one SQLite ledger of this process, with read tables."""
    if "sqlite" not in _opened:
        folder = tempfile.TemporaryDirectory(dir=_shm if _shm.is_dir() else None)
        log = SqliteLog(Path(folder.name) / "laws.db", JUDGE, KEYRING)
        assert log.try_begin()
        rebuild.ensure(log)
        log.commit()
        _opened["sqlite"] = (log, folder)
    return _opened["sqlite"][0]


@contextlib.contextmanager
def filled(log, groups, tick=LATER):
    """A store in which groups of deliveries arrived, within a transaction that is given up."""
    assert log.try_begin()
    try:
        log.control([("tick", "{}")], tick)
        for group in groups:
            log.append([told.item(KEYRING) for told in group], tick)
        yield log
    finally:
        log.rollback()


def memory(groups, tick=LATER):
    """A ledger in memory in which each group was a transaction of its own."""
    log = MemoryLog(JUDGE, KEYRING)
    for step in [None, *groups]:
        assert log.try_begin()
        if step is None:
            log.control([("tick", "{}")], tick)
        else:
            log.append([told.item(KEYRING) for told in step], tick)
        log.commit()
    return log


# ------------------------------------------------------------------ what does not hang on arrival


def rows_of(log):
    """(names, order names, payments, operations, verdicts) of either store, as plain rows."""
    if isinstance(log, MemoryLog):
        t = log.tables
        return (
            sorted(t.names.values()), sorted(t.orders.values()), list(t.payments.values()),
            [row for rows in t.operations.values() for row in rows],
            [(pid, *verdict) for pid, verdict in t.verdicts.items()],
        )  # fmt: skip
    return tuple(
        log.db.execute(query).fetchall()
        for query in (
            "SELECT no, key, text, payment_id FROM name",
            "SELECT no, key, text, order_id FROM order_name",
            "SELECT * FROM payment ORDER BY 1", "SELECT * FROM operation ORDER BY 1, 2, 3",
            "SELECT * FROM verdict ORDER BY 1",
        )
    )  # fmt: skip


def picture(log):
    """What a ledger says, in words that do not hang on the order of arrival."""
    return drawn(*rows_of(log))


def drawn(names, orders, payments, operations, verdicts):
    """Rows without the numbers that a store gave out."""
    columns = JUDGE.payment.names
    order_text: dict[int, str] = {}
    for _, _, text, order_id in sorted(orders, key=lambda row: row[2]):
        order_text.setdefault(order_id, text)
    of, seen = {}, {}
    for row in payments:
        held = dict(zip(columns, row, strict=True))
        of[row[0]] = held["key"]
        held["order_id"] = order_text.get(held["order_id"])
        held["subject"] = held["subject"] is not None
        del held["payment_id"]
        assert held["key"] not in seen, "two payments share a key"
        seen[held["key"]] = held
    components: dict[int, set[str]] = {}
    ordered: dict[int, set[str]] = {}
    for _, _, text, component in names:
        components.setdefault(component, set()).add(text)
    for _, _, text, component in orders:
        ordered.setdefault(component, set()).add(text)
    return {
        "payments": seen,
        "operations": sorted((of[row[0]], *map(repr, row[1:])) for row in operations),
        "verdicts": {of[pid]: tuple(rest) for pid, *rest in verdicts},
        "names": {frozenset(each) for each in components.values()},
        "orders": {frozenset(each) for each in ordered.values()},
        "order_verdicts": order_verdicts(payments, verdicts, order_text),
    }


def order_verdicts(payments, verdicts, order_text):
    """The verdicts of all orders, by a text of theirs or else by the payment's key."""
    place = {name: at for at, name in enumerate(JUDGE.payment.names)}
    verdict = {pid: dict(zip(VERDICT, rest, strict=True)) for pid, *rest in verdicts}
    parts: dict[object, list[Part]] = {}
    for row in payments:
        order = row[place["order_id"]]
        name = row[place["key"]] if order is None else order_text[order]
        parts.setdefault(name, []).append(part_of(row, verdict[row[0]], place))
    return {name: judge_order(each) for name, each in parts.items()}


def part_of(row, verdict, place):
    """One payment of an order."""
    net = verdict["captured"] - verdict["returned"] - verdict["withdrawn"]
    facts = {
        "key": row[place["key"]], "mover": row[place["mover_no"]] is not None, "net": net,
        "placeholder": row[place["placeholder"]], "spoken_at": row[place["spoken_at"]] or 0,
        **{name: verdict[name] for name in ("state", "how", "actor")},
    }  # fmt: skip
    return Part(**{name: facts[name] for name in Part._fields})


# ------------------------------------------------------------------ the same, by engines

_INTEGERS = tuple(
    name for name in RECORD
    if name not in {"event_id", "digest", "names", "label", "operation", "code", "dimensions"}
)  # fmt: skip
LOADED = ("seq", "active", "name_no", *_INTEGERS)
LOADS = {
    "event": (LOADED, f"SELECT {', '.join(LOADED)} FROM event"),
    "name": (("no", "payment_id"), "SELECT no, payment_id FROM name"),
    "order_name": (("key", "order_id"), "SELECT key, order_id FROM order_name"),
}
FOLDS = (("dp", "payment"), ("d_o", "operation"), ("dv", "verdict"))


def duck(*, optimised=False):
    """A DuckDB connection of this process; without its optimiser, queries are planned once.

    On tables as small as these, DuckDB spends its time on planning. The optimiser has a test of
    its own, on many worlds at once.
    """
    name, used = f"duck {optimised}", _opened.get("uses", 0)
    _opened["uses"] = used + 1
    if used % 50 == 0:  # rows that were deleted are still walked over
        for each in ("duck True", "duck False"):
            if each in _opened:
                _opened.pop(each).close()
    if name in _opened:
        return _opened[name]
    con = _opened[name] = duckdb.connect(config={"threads": 1})
    if not optimised:
        con.execute("PRAGMA disable_optimizer")
    for name, (columns, _) in LOADS.items():
        con.execute(f"CREATE TABLE {name} ({', '.join(f'{each} BIGINT' for each in columns)})")
    for name, table in FOLDS[:2]:
        columns = getattr(JUDGE, table).names
        con.execute(f"CREATE TABLE {name} ({', '.join(f'{each} BIGINT' for each in columns)})")
    verdict = ", ".join(f"{each} BIGINT" for each in ("payment_id", *VERDICT))
    con.execute(f"CREATE TABLE dv ({verdict})")
    facts = f"({JUDGE.facts_sql})"
    where = JUDGE.operation_where
    queries = {
        "dp": JUDGE.payment.group_by_sql(facts),
        "d_o": JUDGE.operation.group_by_sql(facts, where=where),
        "dv": JUDGE.verdict_sql("dp", "d_o", LATER),
    }
    for name, query in queries.items():
        con.execute(f"PREPARE fold_{name} AS INSERT INTO {name} {query}")
    con.execute(f"PREPARE orders AS {orders_sql(ORDERED.format('dp'), 'dv')}")
    return con


def folded_by_sqlite(log):
    """Fold and judge in SQLite: rows of payments, operations and verdicts, as in the store."""
    facts = f"({JUDGE.facts_sql})"
    return tuple(
        sorted(log.db.execute(query))
        for query in (
            JUDGE.payment.group_by_sql(facts),
            JUDGE.operation.group_by_sql(facts, where=JUDGE.operation_where),
            JUDGE.verdict_sql("payment", "operation", LATER),
        )
    )


def folded_by_duck(log, *, optimised=False):
    """Fold and judge a SQLite ledger's events in DuckDB.

    Returns rows of payments, operations and verdicts as in the store, and the orders' verdicts.
    """
    con = duck(optimised=optimised)
    for name, (columns, query) in LOADS.items():
        values = list(zip(*log.db.execute(query), strict=True)) or [()] * len(columns)
        arrays = [pa.array(each, pa.int64()) for each in values]
        con.register("loaded", pa.table(arrays, names=list(columns)))
        con.execute(f"DELETE FROM {name}")
        con.execute(f"INSERT INTO {name} SELECT * FROM loaded")
        con.unregister("loaded")
    found = []
    for name, _ in FOLDS:
        con.execute(f"DELETE FROM {name}")
        con.execute(f"EXECUTE fold_{name}")
        found.append(set(con.execute(f"SELECT * FROM {name}").fetchall()))
    orders = {row[0]: tuple(row[1:]) for row in con.execute("EXECUTE orders").fetchall()}
    return tuple(found), orders


NAMES = JUDGE.payment.names
ORDERED = (
    "(SELECT "
    + ", ".join("coalesce(order_id, -payment_id) AS order_id" if n == "order_id" else n
                for n in NAMES)
    + " FROM {})"
)  # fmt: skip


def orders_by_sql(con, payment, verdict):
    """Every order's verdict by SQL: order_id (negative payment_id where none) to the columns."""
    rows = con.execute(orders_sql(ORDERED.format(payment), verdict)).fetchall()
    return {row[0]: tuple(row[1:]) for row in rows}
