"""The steps of the schema: one head, the statements and nothing else, safe when two start."""

import re
import sqlite3
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from voidtrail.ledger import migrate

FOLDER = Path(migrate.__file__).parent / "migrations"


def test_head_is_what_alembic_finds():
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    assert ScriptDirectory.from_config(config).get_heads() == [migrate.HEAD]


def test_schema_after_the_upgrade_is_what_the_statements_say(tmp_path):
    versions = sorted((FOLDER / "versions").glob("v*.py"))
    steps = [import_module(f"voidtrail.ledger.migrations.versions.{each.stem}")
             for each in versions]  # fmt: skip
    migrate.upgrade(str(tmp_path / "made.db"))
    wanted, made = sqlite3.connect(":memory:"), sqlite3.connect(tmp_path / "made.db")
    try:
        for statement in [each for step in steps for each in step.STATEMENTS]:
            wanted.execute(statement)
        query = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%'"
        assert schema(made, query) == schema(wanted, query)
        assert migrate.revision(made) == migrate.HEAD
        assert migrate.revision(wanted) is None
    finally:
        wanted.close()
        made.close()


def schema(db, query):
    found = db.execute(query).fetchall()
    return sorted((kind, name, re.sub(r"\s+", " ", sql or "")) for kind, name, sql in found)


def test_upgrading_twice_changes_nothing(tmp_path):
    path = str(tmp_path / "twice.db")
    migrate.upgrade(path)
    before = Path(path).read_bytes()
    migrate.upgrade(path)
    assert Path(path).read_bytes() == before


OPEN = """
import sys
from voidtrail.ledger.keys import Keyring
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.lifecycle.projection import Projection
from voidtrail.lifecycle.terms import Terms
SqliteLog(sys.argv[1], Projection(Terms()), Keyring(bytes(96))).close()
"""


def test_processes_that_open_a_new_file_at_once_make_one_ledger(tmp_path):
    path = str(tmp_path / "new.db")
    started = [
        subprocess.Popen([sys.executable, "-c", OPEN, path], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in started:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    db = sqlite3.connect(path)
    try:
        assert db.execute("SELECT count(*) FROM store").fetchone() == (1,)
    finally:
        db.close()
