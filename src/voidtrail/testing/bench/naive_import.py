"""The import that one writes in ten minutes: read the file, put its rows into a table.

Run as `python -m voidtrail.testing.bench.naive_import FILE DATABASE`, a process of its own, so that
its processor time and memory are measured as those of `voidtrail ingest` are. It understands
nothing, recognises no duplicate and keeps no history; it is there for orientation.
"""

import sqlite3
import sys
from pathlib import Path

import polars as pl


def import_rows(file: Path, database: Path) -> int:
    """Put every row of a CSV or Parquet file into a table, in one transaction.

    Args:
        file: The file.
        database: A SQLite file; made if absent.

    Returns:
        How many rows there were.
    """
    frame = pl.read_parquet(file) if file.suffix == ".parquet" else pl.read_csv(file)
    columns = ", ".join(f'"{name}"' for name in frame.columns)
    db = sqlite3.connect(database)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        with db:
            db.execute(f"CREATE TABLE orders ({columns})")
            db.executemany(
                f"INSERT INTO orders VALUES ({', '.join('?' * frame.width)})",
                ([str(value) if value is not None else None for value in row]
                 for row in frame.iter_rows()),
            )  # fmt: skip
    finally:
        db.close()
    return frame.height


if __name__ == "__main__":
    import_rows(Path(sys.argv[1]), Path(sys.argv[2]))
