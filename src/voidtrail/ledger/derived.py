"""Columns that follow from hashed ones: nobody may change them either.

Names stand outside of the leaves (an event's leaf holds only the key), and so do the marks that say
which variant of an event is active, which contradicts an earlier one, and which names are one
payment. All of them can be made anew from what is hashed; here they are, and compared.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from voidtrail.event.codec import key63
from voidtrail.ledger.components import further
from voidtrail.ledger.working import SIGNIFICANT_COLUMNS, Union, id_key


def trouble(db: sqlite3.Connection) -> str:
    """Return the first derived column that is not what it must be, in a sentence; "" if none."""
    for check in (_texts, _named, _components, _lone, _variants, _accounts):
        for found in check(db):
            return found
    return ""


def _texts(db: sqlite3.Connection) -> Iterator[str]:
    for table in ("name", "order_name"):
        for key, text in db.execute(f"SELECT key, text FROM {table}"):
            if key63(text) != key:
                yield f"the text of {table} {key} was changed"


def _named(db: sqlite3.Connection) -> Iterator[str]:
    for (seq,) in db.execute(
        "SELECT e.seq FROM event e LEFT JOIN name n ON n.no = e.name_no AND n.key = e.name_key "
        "WHERE n.no IS NULL LIMIT 1"
    ):
        yield f"the name of event {seq} is missing"
    for (seq,) in db.execute(
        "SELECT seq FROM event WHERE order_key IS NOT NULL "
        "AND order_key NOT IN (SELECT key FROM order_name) LIMIT 1"
    ):
        yield f"the order of event {seq} is missing"


def _components(db: sqlite3.Connection) -> Iterator[str]:
    """Names are one payment if and only if active events say so."""
    links = {
        (name_no, key)
        for name_no, names in db.execute(
            "SELECT name_no, names FROM event WHERE active = 1 AND length(names) > 0"
        )
        for key in further(names)
    }
    wanted = {key for _, key in links}
    number = {key: no for no, key in db.execute("SELECT no, key FROM name") if key in wanted}
    payments = Union()
    for name_no, key in links:
        if key not in number:
            yield f"the name {key} is missing"
        else:
            payments.unite(name_no, number[key])
    for no, payment_id in db.execute("SELECT no, payment_id FROM name"):
        if payment_id != payments.find(no):
            yield f"name {no} was put to another payment"


def _lone(db: sqlite3.Connection) -> Iterator[str]:
    """An event that came in one variant is active, and contradicts nothing."""
    for (seq,) in db.execute(
        "SELECT e.seq FROM event e JOIN delivery d ON d.seq = e.delivery_id "
        "LEFT JOIN file f ON f.no = d.file_no "
        "WHERE (e.conflict <> 0 OR (e.active <> 1 AND f.superseded_by IS NULL)) "
        "AND e.id_key NOT IN (SELECT id_key FROM event GROUP BY id_key HAVING count(*) > 1) LIMIT 1"
    ):
        yield f"the marks of event {seq} were changed"
    for seq, key, event_id in db.execute("SELECT seq, id_key, event_id FROM event"):
        if key != id_key(event_id):
            yield f"the key of event {seq} was changed"


def _variants(db: sqlite3.Connection) -> Iterator[str]:
    """Of several variants the newest translations are active; a contradiction is marked."""
    rows = db.execute(
        "SELECT e.seq, e.event_id, e.version, e.active, e.conflict, f.superseded_by, "
        + ", ".join(f"e.{name}" for name in SIGNIFICANT_COLUMNS)
        + " FROM event e JOIN delivery d ON d.seq = e.delivery_id "
        "LEFT JOIN file f ON f.no = d.file_no WHERE e.id_key IN "
        "(SELECT id_key FROM event GROUP BY id_key HAVING count(*) > 1) ORDER BY e.id_key, e.seq"
    )
    variants: dict[bytes, list[tuple[object, ...]]] = {}
    newest: dict[bytes, int] = {}
    for row in rows:
        variants.setdefault(row[1], []).append(row)
        newest[row[1]] = max(newest.get(row[1], 0), row[2])
    for event_id, several in variants.items():
        seen: dict[object, set[tuple[object, ...]]] = {}
        for seq, _, version, active, conflict, superseded_by, *significant in several:
            said = seen.setdefault(version, set())
            clash = any(each != tuple(significant) for each in said)
            said.add(tuple(significant))
            if active != (version == newest[event_id]) and superseded_by is None:
                yield f"event {seq} was made {'active' if active else 'inactive'}"
            if conflict != clash:
                yield f"the mark of conflict of event {seq} was changed"


def _accounts(db: sqlite3.Connection) -> Iterator[str]:
    """The table of accounts says what the newest control entries say."""
    for (no,) in db.execute(
        "SELECT a.no FROM account a WHERE json(a.body) IS NOT (SELECT json_extract(c.body, "
        "'$.account') FROM control c WHERE c.kind = 'account' AND json_extract(c.body, '$.no') "
        "= a.no ORDER BY c.seq DESC LIMIT 1) LIMIT 1"
    ):
        yield f"account {no} was changed beside the ledger"
