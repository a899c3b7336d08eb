import sqlite3
import sys

import pytest

from voidtrail.testing.bench.kept import Store, check_kept
from voidtrail.testing.bench.process import ContenderFailed

PROVES = (sys.executable, "-c", "")
FAILS = (sys.executable, "-c", "raise SystemExit('broken at entry 7')")


@pytest.fixture
def store(tmp_path):
    def made(rows, **more):
        file = tmp_path / f"{rows}.db"
        with sqlite3.connect(file) as db:
            db.execute("CREATE TABLE kept (id)")
            db.executemany("INSERT INTO kept VALUES (?)", [(n,) for n in range(rows)])
        db.close()
        return Store(file, "SELECT count(*) FROM kept", **more)

    return made


def test_all_that_was_acknowledged_is_there(store):
    assert check_kept("ours", store(3, repeats=True, verify_argv=PROVES), ["a", "b", "a"]) == 3
    assert check_kept("theirs", store(2, repeats=False), ["a", "b", "a"]) == 2


def test_a_lost_notification_is_an_error(store):
    with pytest.raises(ContenderFailed, match="ours acknowledged 3 notifications, but keeps 2"):
        check_kept("ours", store(2, repeats=True), ["a", "b", "c"])


def test_a_doubled_notification_is_an_error(store):
    with pytest.raises(ContenderFailed, match="keeps 3"):
        check_kept("theirs", store(3, repeats=False), ["a", "b", "b"])


def test_a_store_that_does_not_verify_is_an_error(store):
    with pytest.raises(ContenderFailed, match="broken at entry 7"):
        check_kept("ours", store(1, repeats=True, verify_argv=FAILS), ["a"])


def test_a_store_that_is_no_file_is_asked(store):
    argv = (sys.executable, "-c", "import sys; print(len(sys.argv[1].split()))")  # words of SQL
    asked = store(0, repeats=False, ask_argv=argv)
    assert check_kept("theirs", asked, ["a", "b", "c", "d"]) == 4
    with pytest.raises(ContenderFailed, match="acknowledged 1 notifications, but keeps 4"):
        check_kept("theirs", asked, ["a"])


def test_a_store_that_gives_no_answer_is_an_error(store):
    with pytest.raises(ContenderFailed, match="cannot be counted: broken at entry 7"):
        check_kept("theirs", store(0, repeats=False, ask_argv=FAILS), ["a"])
