"""Nobody changes a ledger unseen: every column, every row, the end and the order."""

import sqlite3

import pytest

from tests.unit.ledger.rig import filled, opened, sale
from voidtrail.ledger import rebuild
from voidtrail.testing.ledger_rig import put

TABLES = ("delivery", "event", "control", "chain", "name", "order_name", "account")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a ledger that has something in every table, and its head."""
    path = tmp_path_factory.mktemp("whole") / "l.db"
    log = filled(path)
    found = rebuild.verify(log)
    assert found.ok, found.trouble
    log.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    log.close()
    return path.read_bytes(), found.head


@pytest.fixture
def log(whole, tmp_path):
    path = tmp_path / "l.db"
    path.write_bytes(whole[0])
    log = opened(path)
    yield log
    log.close()


def columns(table):
    from voidtrail.ledger.migrations.versions.v0001_ledger import STATEMENTS

    db = sqlite3.connect(":memory:")
    try:
        for statement in STATEMENTS:
            db.execute(statement)
        return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
    finally:
        db.close()


def flipped(value):
    if value is None:
        return 1
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1]) if value else b"\0"
    if isinstance(value, str):
        return value[:-1] + chr(ord(value[-1]) ^ 1) if value else "x"
    return value ^ 1


FLIPS = [
    (table, column) for table in ("delivery", "event", "control", "chain", "name")
    for column in columns(table)
]  # fmt: skip


@pytest.mark.parametrize(("table", "column"), FLIPS, ids=lambda part: part)
def test_a_flipped_bit_in_any_row_of_any_column_is_found(log, table, column):
    db = log.db
    rows = db.execute(f"SELECT rowid, {column} FROM {table} ORDER BY rowid").fetchall()
    assert rows
    unseen = []
    for rowid, value in rows:
        db.execute("SAVEPOINT before")
        try:
            db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (flipped(value), rowid))
            if rebuild.verify(log).ok:
                unseen.append((rowid, value))
        except sqlite3.IntegrityError:
            pass  # the table itself refuses: the number is taken, or must not be empty
        db.execute("ROLLBACK TO before")
        db.execute("RELEASE before")
    assert not unseen


@pytest.mark.parametrize("table", ["delivery", "event", "control", "chain", "name"])
def test_a_deleted_row_is_found(log, table):
    for (rowid,) in log.db.execute(f"SELECT rowid FROM {table}").fetchall():
        log.db.execute("SAVEPOINT before")
        log.db.execute(f"DELETE FROM {table} WHERE rowid = ?", (rowid,))
        assert not rebuild.verify(log).ok, rowid
        log.db.execute("ROLLBACK TO before")
        log.db.execute("RELEASE before")


@pytest.mark.parametrize("table", ["delivery", "event", "control", "chain"])
def test_two_swapped_rows_are_found(log, table):
    first, second = (row[0] for row in log.db.execute(
        f"SELECT rowid FROM {table} ORDER BY rowid LIMIT 2"))  # fmt: skip
    key = "no" if table == "chain" else "seq"
    for old, new in ((first, -1), (second, first), (-1, second)):
        log.db.execute(f"UPDATE {table} SET {key} = ? WHERE {key} = ?", (new, old))
    assert not rebuild.verify(log).ok


@pytest.mark.parametrize("table", ["delivery", "event", "control"])
@pytest.mark.parametrize("place", [0, -5, 10_000])
def test_an_inserted_row_is_found(log, table, place):
    names = columns(table)
    rest = ", ".join(names[1:])
    copied = f"SELECT ?, {rest} FROM {table} LIMIT 1"
    log.db.execute(f"INSERT INTO {table} ({names[0]}, {rest}) {copied}", (place,))
    assert not rebuild.verify(log).ok


def test_a_group_added_without_entries_is_found(log):
    log.db.execute("INSERT INTO chain SELECT no + 1, first_seq + count, 1, at, tick, root, head "
                   "FROM chain ORDER BY no DESC LIMIT 1")  # fmt: skip
    assert not rebuild.verify(log).ok


def test_a_cut_tail_is_found_by_a_head_that_was_kept(log, whole):
    """Nothing inside of the file can tell; a head kept elsewhere can."""
    kept = whole[1]
    first = log.db.execute("SELECT first_seq FROM chain ORDER BY no DESC LIMIT 1").fetchone()[0]
    for table in ("delivery", "event", "control"):
        log.db.execute(f"DELETE FROM {table} WHERE seq >= ?", (first,))
    log.db.execute("DELETE FROM chain WHERE first_seq = ?", (first,))
    assert rebuild.verify(log).ok
    found = rebuild.verify(log, kept=kept)
    assert not found.ok
    assert "cut off" in found.trouble


def test_a_kept_head_is_found_after_the_ledger_has_grown(log, whole):
    put(log, sale(77))
    assert rebuild.verify(log, kept=whole[1]).ok


def test_another_store_with_the_same_entries_has_another_chain(log):
    log.db.execute("UPDATE store SET id = randomblob(16)")
    assert not rebuild.verify(log).ok


def test_an_account_changed_beside_the_ledger_is_found(log):
    from voidtrail.event.account import Account

    log.begin()
    log.account_no(Account(source="stripe", name="main"))
    log.commit()
    assert rebuild.verify(log).ok
    log.db.execute("UPDATE account SET body = replace(body, 'live', 'test')")
    assert "account 1" in rebuild.verify(log).trouble


def test_progress_is_told_group_by_group(log):
    told = []
    found = rebuild.verify(log, lambda done, total: told.append((done, total)))
    assert told[-1] == (found.entries, found.entries)
    assert len(told) == log.head().group


def test_replay_names_what_differs(log):
    log.db.execute("UPDATE verdict SET state = 4 WHERE payment_id = 1")
    log.db.execute("DELETE FROM operation WHERE payment_id = 1")
    found = rebuild.replay(log)
    assert not found.equal
    assert found.differing == {"verdict": [1], "operation": [1]}


def test_read_tables_are_made_anew_only_when_their_meaning_changes(log, monkeypatch):
    log.begin()
    assert not rebuild.ensure(log)
    monkeypatch.setattr(type(log.judge), "definition", lambda self: "another")
    log.db.execute("DELETE FROM payment")
    assert rebuild.ensure(log)
    log.commit()
    assert rebuild.replay(log).equal
