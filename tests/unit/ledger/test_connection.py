"""What many rows have in common stands in the statement; what is stored is the same."""

import sqlite3

import pytest

from voidtrail.ledger.connection import put

_ROWS = [
    [(n, None, 7, "?", b"x", n % 2) for n in range(300)],
    [(n, None if n else 5, 7, f"'{n}", None, True) for n in range(300)],
    [(1, None, 7, "a", b"", -(2**63))] * 300,
    [(1, None, 7, None, None, 2)] * 300,
    [(n, 2, 3, "few", b"", 4) for n in range(3)],
    [],
]


@pytest.mark.parametrize("rows", _ROWS)
def test_rows_are_stored_as_they_are(rows):
    stored = []
    for run in (sqlite3.Connection.executemany, lambda db, text, rows: put(db, (text, rows))):
        db = sqlite3.connect(":memory:")
        db.execute("CREATE TABLE t (a INTEGER, b INTEGER, c INTEGER, d TEXT, e BLOB, f INTEGER)")
        run(db, "INSERT INTO t (a, b, c, d, e, f) VALUES (?, ?, ?, ?, ?, ?)", rows)
        stored.append(db.execute("SELECT * FROM t ORDER BY rowid").fetchall())
        db.close()
    assert stored[0] == stored[1]
    assert len(stored[0]) == len(rows)
