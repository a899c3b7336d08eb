"""How far files were read that grow: a table beside the chain, written in its transactions.

A place becomes durable together with what was read up to it, so that after a crash nothing is read
twice and nothing is passed by.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod

from voidtrail.errors import LedgerStopped


class PlaceTable(ABC):
    """The part of the SQLite store that holds places."""

    _db: sqlite3.Connection

    @abstractmethod
    def _stop(self, error: sqlite3.Error) -> LedgerStopped:
        """Stop the store over a failed write, and return the error that says so."""

    def place(self, name: str) -> str | None:
        """Return what was kept last under a name, None if nothing was."""
        row = self._db.execute("SELECT body FROM place WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def keep_place(self, name: str, body: str) -> None:
        """Keep a place inside of the transaction begun.

        Raises:
            LedgerStopped: it could not be written.
        """
        try:
            self._db.execute(
                "INSERT INTO place VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET body = "
                "excluded.body", (name, body),
            )  # fmt: skip
        except sqlite3.DatabaseError as error:
            raise self._stop(error) from error
