"""Opening a ledger for a command that only reads: nothing is written, made or judged anew.

A reading command must not bring its own terms along: it may run without the settings of the server
that owns the ledger. So it takes the terms from the ledger itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from voidtrail.errors import LedgerUnsafe, NotFound
from voidtrail.ledger import migrate, rebuild
from voidtrail.ledger.keys import Keyring
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.lifecycle.projection import Projection
from voidtrail.lifecycle.terms import Terms
from voidtrail.runtime import clock
from voidtrail.runtime.app import House, build
from voidtrail.runtime.settings import Settings
from voidtrail.runtime.starting import load_settings
from voidtrail.sources.registry import SOURCES


@contextmanager
def writing(config: Path | None, db: Path | None) -> Iterator[House]:
    """Open the ledger for writing, made if absent; closed at the end."""
    house = build(load_settings(config, db))
    try:
        yield house
    finally:
        house.close()


@contextmanager
def reading(config: Path | None, db: Path | None) -> Iterator[House]:
    """Open an existing ledger for reading; closed at the end.

    Raises:
        NotFound: there is no ledger.
        LedgerUnsafe: the file is no ledger of ours.
    """
    house = reader(load_settings(config, db))
    try:
        yield house
    finally:
        house.close()


def reader(settings: Settings) -> House:
    """Return a house that only reads.

    Raises:
        NotFound: there is no ledger.
        LedgerUnsafe: the file is no ledger of ours.
    """
    path = Path(settings.ledger.path)
    if not path.is_file():
        raise NotFound(f"there is no ledger at {path}; name it with --db or VOIDTRAIL_DB")
    try:
        terms = _terms(settings)
    except sqlite3.DatabaseError as error:
        raise LedgerUnsafe(f"{path} cannot be read as a ledger: {error}") from None
    key_file = settings.key_file()
    keyring = Keyring.load(key_file) if key_file.exists() else Keyring.generate()
    ledger = SqliteLog(path, Projection(terms), keyring, reading=True)
    return House(
        settings=settings, ledger=ledger, keyring=keyring, entries={}, by_no={}, sources=SOURCES,
        homes={}, clock=clock.now,
    )  # fmt: skip


def _terms(settings: Settings) -> Terms:
    """Return the terms in force, after bringing a file of an earlier version up to date."""
    ledger = SqliteLog(settings.ledger.path, Projection(Terms()), Keyring.generate(), reading=True)
    try:
        current = migrate.revision(ledger.db) == migrate.HEAD and _is_current(ledger)
        text = ledger.last_control("terms") if current else None
    finally:
        ledger.close()
    if text is None:
        house = build(settings)
        terms = house.terms
        house.close()
        return terms
    return msgspec.json.decode(text, type=Terms)


def _is_current(ledger: SqliteLog) -> bool:
    row = ledger.db.execute("SELECT fingerprint FROM read_tables").fetchone()
    return row is not None and row[0] == rebuild.fingerprint(ledger.judge)
