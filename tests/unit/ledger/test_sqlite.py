"""The file: refuses weak settings, stops for ever after a failed write, keeps nothing in clear."""

import sqlite3
import subprocess
import sys

import pytest
from msgspec import structs

from tests.unit.ledger.rig import JUDGE, KEYRING, STORE, filled, opened, sale
from voidtrail.errors import KeyErased, LedgerStopped, LedgerUnsafe
from voidtrail.ledger import connection, rebuild
from voidtrail.ledger.keys import Keyring, WrappedKey
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.testing.ledger_rig import T0, begun, item, put, statement

CUSTOMER, BODY, CARD = "canary-customer-7431", b"canary-body-2257", b"4242424242424242"


# ---------------------------------------------------------------- settings


class Deaf(sqlite3.Connection):
    """A store that accepts a setting and does not keep it."""

    setting = ""

    def execute(self, text, *more):
        if text.startswith(f"PRAGMA {self.setting} = "):
            text = "SELECT 1"
        return super().execute(text, *more)


@pytest.mark.parametrize("setting", ["synchronous", "journal_mode", "foreign_keys",
                                     "trusted_schema", "cell_size_check"])  # fmt: skip
def test_setting_that_did_not_take_is_refused_by_name(tmp_path, monkeypatch, setting):
    def weaker(path, **more):
        weak = type("Weak", (Deaf,), {"setting": setting})
        made: sqlite3.Connection = plain(path, **more, factory=weak)
        sqlite3.Connection.execute(made, "PRAGMA synchronous = NORMAL")
        return made

    plain = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", weaker)
    with pytest.raises(LedgerUnsafe, match=setting):
        connection.connect(tmp_path / "weak.db")


def test_memory_file_is_refused_since_it_cannot_be_durable():
    with pytest.raises(LedgerUnsafe, match="journal_mode"):
        connection.connect(":memory:")


def test_settings_are_those_that_durability_needs(tmp_path):
    log = opened(tmp_path / "l.db")
    read = {name: log.db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous")}  # fmt: skip
    assert read == {"journal_mode": "wal", "synchronous": 2}
    log.close()


# ---------------------------------------------------------------- failed writes


class Failing:
    """A connection of which one statement fails as if the disk had."""

    def __init__(self, db, word, error):
        self._db, self._word, self._error = db, word, error

    def execute(self, text, *more):
        if text.startswith(self._word):
            raise self._error
        return self._db.execute(text, *more)

    def executemany(self, text, *more):
        if text.startswith(self._word):
            raise self._error
        return self._db.executemany(text, *more)

    def __getattr__(self, name):
        return getattr(self._db, name)


def stopped_for_ever(log):
    for write in (log.try_begin, log.commit, lambda: log.append([sale(9)], T0),
                  lambda: log.control([("note", "{}")], T0)):  # fmt: skip
        with pytest.raises(LedgerStopped):
            write()
    log.rollback()
    with pytest.raises(LedgerStopped):
        log.try_begin()


IO_ERROR = sqlite3.OperationalError("disk I/O error")
CORRUPT = sqlite3.DatabaseError("database disk image is malformed")


@pytest.mark.parametrize("word", ["INSERT INTO event", "INSERT INTO chain", "SELECT seq, digest",
                                  "INSERT INTO payment", "SELECT no, first_seq"])  # fmt: skip
@pytest.mark.parametrize("error", [IO_ERROR, CORRUPT], ids=["io", "corrupt"])
def test_failed_statement_stops_the_store_for_ever(tmp_path, word, error):
    log = opened(tmp_path / "l.db")
    put(log, sale(1))
    head = log.head()
    begun(log)
    log._db = Failing(log._db, word, error)
    with pytest.raises(LedgerStopped, match=str(error)):
        log.append([sale(1), sale(2)], T0)
    stopped_for_ever(log)
    log._db = log._db._db
    log.close()
    again = opened(tmp_path / "l.db")
    assert again.head() == head
    assert rebuild.verify(again).ok
    again.close()


def test_failed_commit_stops_the_store_and_nothing_was_kept(tmp_path):
    log = opened(tmp_path / "l.db")
    put(log, sale(1))
    head = log.head()
    begun(log).append([sale(2)], T0)
    log._db = Failing(log._db, "COMMIT", IO_ERROR)
    with pytest.raises(LedgerStopped, match="disk I/O error"):
        log.commit()
    stopped_for_ever(log)
    log._db._db.close()
    again = opened(tmp_path / "l.db")
    assert again.head() == head
    again.close()


def test_full_disk_stops_the_store_and_what_was_acknowledged_stays(tmp_path):
    log = opened(tmp_path / "l.db")
    pages = log.db.execute("PRAGMA page_count").fetchone()[0]
    log.db.execute(f"PRAGMA max_page_count = {pages + 4}")
    kept = []

    def until_full():
        for number in range(1, 500):
            put(log, sale(number, body=b"x" * 2000))
            kept.append(number)

    with pytest.raises(LedgerStopped, match="full"):
        until_full()
    stopped_for_ever(log)
    log.close()
    again = opened(tmp_path / "l.db")
    assert len(list(again.deliveries())) == len(kept) > 0
    assert rebuild.verify(again).ok
    put(again, sale(1000))
    again.close()


def test_one_bad_item_is_a_bug_and_not_a_broken_disk(tmp_path):
    """An item that the tables refuse can be given up; the store goes on."""
    log = opened(tmp_path / "l.db")
    begun(log)
    with pytest.raises(sqlite3.IntegrityError):
        log.append([sale(1)._replace(path=None)], T0)
    log.rollback()
    put(log, sale(2))
    assert rebuild.verify(log).ok
    log.close()


LIMITED = """
import resource, signal, sys
from tests.unit.ledger.rig import opened, sale
from voidtrail.errors import LedgerStopped
from voidtrail.testing.ledger_rig import put
log = opened(sys.argv[1])
put(log, sale(1))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
kept = 1
try:
    for number in range(2, 500):
        put(log, sale(number, body=b"x" * 5000))
        kept += 1
except LedgerStopped as error:
    assert "disk I/O error" in str(error) or "full" in str(error), error
    try:
        log.try_begin()
    except LedgerStopped:
        print(kept)
"""


def test_write_that_the_system_refuses_stops_the_store(tmp_path):
    """A real refusal: the limit of a file's size, in a process of its own."""
    path = tmp_path / "l.db"
    ran = subprocess.run([sys.executable, "-c", LIMITED, path], capture_output=True, text=True,
                         check=False, timeout=100)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    log = opened(path)
    assert len(list(log.deliveries())) == int(ran.stdout)
    assert rebuild.verify(log).ok
    log.close()


# ---------------------------------------------------------------- two processes

WRITER = """
import sys
from tests.unit.ledger.rig import opened, sale
log = opened(sys.argv[1])
who = int(sys.argv[2])
for number in range(40):
    log.begin()
    log.append([sale(who * 1000 + number), sale(number)], 1_760_000_000_000_000)
    log.commit()
log.close()
"""


def test_processes_that_write_one_file_do_not_fork_the_chain(tmp_path):
    path = str(tmp_path / "l.db")
    opened(path).close()
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, path, str(who)], stderr=subprocess.PIPE)
        for who in (1, 2)
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=100)
        assert writer.returncode == 0, errors.decode()
    log = opened(path)
    assert log.head().group == 80
    assert len(list(log.deliveries())) == 160
    assert log.db.execute("SELECT count(*) FROM event").fetchone() == (120,), "40 are known"
    found = rebuild.verify(log)
    assert found.ok, found.trouble
    assert rebuild.replay(log).equal
    log.close()


def test_store_that_is_being_written_says_so_at_once(tmp_path):
    first, second = opened(tmp_path / "l.db"), opened(tmp_path / "l.db")
    begun(first).append([sale(1)], T0)
    assert not second.try_begin()
    with pytest.raises(LedgerStopped, match="another process"):
        second.begin(wait_s=0.01)
    assert second.stopped is None, "waiting in vain breaks nothing"
    first.commit()
    (receipt,) = put(second, sale(1))
    assert receipt.repeat_of == 1
    first.close()
    second.close()


# ---------------------------------------------------------------- what stands in the file


def everything_written(folder):
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.suffix != ".key")


def test_customers_bodies_and_card_numbers_stand_nowhere_in_clear(tmp_path):
    log = opened(tmp_path / "l.db")
    said = statement(customer=CUSTOMER)
    put(log, item(STORE, said, body=BODY + CARD, customer=CUSTOMER)._replace(plain=BODY + CARD))
    put(log, item(STORE, statement(notice="n2"), body=BODY)._replace(plain=BODY + CARD))
    assert b"stripe/main/p1" in everything_written(tmp_path), "the search can find something"
    secret = (CUSTOMER.encode(), BODY, CARD, KEYRING._index, KEYRING._digest, bytes(range(32)))
    for canary in secret:
        assert canary not in everything_written(tmp_path)
    log.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for canary in (CUSTOMER.encode(), BODY, CARD):
        assert canary not in everything_written(tmp_path)
    row, _ = log.deliveries()
    assert KEYRING.open(row.key_no, row.sealed, row.digest) == BODY + CARD
    log.close()


def test_ledger_of_another_key_file_is_refused_at_opening(tmp_path):
    filled(tmp_path / "l.db").close()
    with pytest.raises(LedgerUnsafe, match="does not belong"):
        SqliteLog(tmp_path / "l.db", JUDGE, Keyring.generate())


def erase(log, subject):
    log.begin()
    log.db.execute("UPDATE data_key SET wrapped = x'' WHERE subject = ?", (subject,))
    log.db.execute("UPDATE subject SET blind = randomblob(16) WHERE no = ?", (subject,))
    log.commit()


def test_erased_key_leaves_the_chain_whole_and_the_person_unreadable(tmp_path):
    log = opened(tmp_path / "l.db")
    put(log, sale(1, customer="c"), sale(2, customer="d"))
    erase(log, 1)
    log.close()
    log = opened(tmp_path / "l.db", Keyring(bytes(range(96))))
    first, second = log.deliveries()
    for row in (first, second):
        query = "SELECT no, subject, retention, wrapped FROM data_key WHERE no = ?"
        key = WrappedKey(*log.db.execute(query, (row.key_no,)).fetchone())
        if row is first:
            with pytest.raises(KeyErased):
                log.keyring.unwrap(key)
        else:
            log.keyring.unwrap(key)
    with pytest.raises(KeyErased):
        log.keyring.open(first.key_no, first.sealed, first.digest)
    assert rebuild.verify(log).ok
    put(log, sale(3, customer="c"))
    *_, third = log.deliveries()
    assert third.key_no not in {first.key_no, second.key_no}
    subjects = [row[0] for row in log.db.execute("SELECT subject FROM event ORDER BY seq")]
    assert subjects == [1, 2, 3], "who comes back after being forgotten is somebody new"
    log.close()


def test_no_statement_looks_through_the_whole_file(tmp_path):
    """Retiring a translation finds the event by an index."""
    log = opened(tmp_path / "l.db")
    plan = log.db.execute(
        "EXPLAIN QUERY PLAN UPDATE event SET active = 0 "
        "WHERE id_key = 1 AND event_id = x'' AND version < 2"
    ).fetchall()
    assert "USING INDEX event_id_key" in plan[0][3]
    log.close()


def test_reference_with_the_key_of_another_reference_is_quarantined(tmp_path, monkeypatch):
    log = opened(tmp_path / "l.db")
    put(log, sale(1))
    colliding = item(STORE, statement(payment="p1"))
    ((key, _),) = colliding.events[0].names
    encoded = structs.replace(colliding.events[0], names=((key, "stripe/main/other"),))
    put(log, colliding._replace(events=(encoded,)))
    *_, row = log.deliveries()
    assert (row.outcome, row.path) == (1, "payment")
    assert rebuild.verify(log).ok
    log.close()


def test_control_entries_of_a_kind_are_read_newest_first(tmp_path):
    log = opened(tmp_path / "l.db")
    assert log.last_control("terms") is None
    begun(log).control([("terms", "1"), ("terms", "2"), ("note", "3")], T0)
    log.commit()
    assert log.last_control("terms") == "2"
    log.close()


def test_reader_sees_the_end_of_the_chain_as_it_is_at_each_look(tmp_path):
    writer = opened(tmp_path / "l.db")
    reader = SqliteLog(tmp_path / "l.db", JUDGE, KEYRING, reading=True)
    ends = []
    for number in range(3):
        put(writer, sale(number))
        reader.db.execute("BEGIN")  # as a page that looks at one instant does
        ends.append(reader.head())
        reader.db.execute("COMMIT")
        assert ends[-1] == writer.head()
    assert len(set(ends)) == 3
    reader.close()
    writer.close()
