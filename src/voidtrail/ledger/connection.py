"""Opening a SQLite file so that what is committed stays, and says so if it would not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

from voidtrail.errors import LedgerUnsafe

_SETTINGS: Final = {
    "journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "trusted_schema": "0",
    "cell_size_check": "1",
}  # fmt: skip
_WANTED: Final = {"synchronous": "FULL", "foreign_keys": "ON", "trusted_schema": "OFF",
                  "cell_size_check": "ON", "journal_mode": "WAL"}  # fmt: skip
_TUNING: Final = ("cache_size = -65536", "temp_store = MEMORY", "wal_autocheckpoint = 8000",
                  "journal_size_limit = 67108864", "mmap_size = 0")  # fmt: skip
"""Not mapped into memory: a mapped page is not kept, and has its cells checked at every look."""

_ALIKE_LEAST: Final = 128

# The driver asks every None and every bytes whether it wants to be adapted, at 0.9 us a value: most
# of what a row of forty columns costs. An adapter that gives back what it got cuts that short.
_nothing: Callable[[None], None] = dict[None, None]().get
sqlite3.register_adapter(type(None), _nothing)
sqlite3.register_adapter(bytes, bytes.__bytes__)


def connect(path: str | Path) -> sqlite3.Connection:
    """Open the file with the settings that durability needs, and read them back.

    Raises:
        LedgerUnsafe: a setting did not take; an acknowledged delivery could be lost.
    """
    connection = sqlite3.connect(
        str(path), isolation_level=None, check_same_thread=False, cached_statements=512, timeout=5.0
    )
    connection.execute("PRAGMA page_size = 8192")  # takes effect on a new file only
    for name, value in _WANTED.items():
        connection.execute(f"PRAGMA {name} = {value}")
    for setting in _TUNING:
        connection.execute(f"PRAGMA {setting}")
    for name, wanted in _SETTINGS.items():
        found = str(connection.execute(f"PRAGMA {name}").fetchone()[0])
        if found != wanted:
            connection.close()
            raise LedgerUnsafe(
                f"{path}: {name} is {found!r} and not {wanted!r}; a delivery could be lost after "
                "it was acknowledged. Use a local disk that supports WAL."
            )
    return connection


def connect_for_reading(path: str | Path) -> sqlite3.Connection:
    """Open the file so that nothing in it can be changed; temporary tables are allowed."""
    connection = sqlite3.connect(
        f"{Path(path).resolve().as_uri()}?mode=ro", uri=True, isolation_level=None,
        check_same_thread=False, cached_statements=512, timeout=5.0,
    )  # fmt: skip
    connection.execute("PRAGMA cache_size = -16384")
    return connection


def put(connection: sqlite3.Connection, *parts: tuple[str, Collection[Sequence[object]]]) -> None:
    """Run each statement once for every one of its rows; each mark is a value of the row."""
    for statement, rows in parts:
        if len(rows) >= _ALIKE_LEAST:
            connection.executemany(*_alike(statement, rows))
        elif rows:
            connection.executemany(statement, rows)


def _alike(
    statement: str, rows: Collection[Sequence[object]]
) -> tuple[str, Iterable[Sequence[object]]]:
    """Write into a statement what all rows have in common, if it is a number or nothing at all.

    To hand over a value costs more than all else that is done with it: half of an event's columns
    and most of a payment's are alike in the rows of a file.
    """
    columns = list(zip(*rows, strict=True))
    pieces = statement.split("?")
    said, varied = [pieces[0]], []
    for column, piece in zip(columns, pieces[1:], strict=True):
        value = column[0]
        if (value is None or type(value) is int) and column.count(value) == len(column):
            said.append(f"{'NULL' if value is None else value}{piece}")
        else:
            varied.append(column)
            said.append(f"?{piece}")
    return ("".join(said), zip(*varied, strict=True)) if varied else (statement, rows)


def marks(values: Sequence[object]) -> tuple[str, list[object]]:
    """Return the marks of an IN list and its values, padded so that statements are reused."""
    size = 1
    while size < len(values):
        size *= 2
    padded = [*values, *[values[-1]] * (size - len(values))]
    return f"({', '.join('?' * size)})", padded
