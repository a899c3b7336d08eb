"""Whether a server kept what it acknowledged: its store is counted after it was stopped."""

import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from voidtrail.testing.bench.process import ContenderFailed


@dataclass(frozen=True)
class Store:
    """Where a server keeps notifications.

    Attributes:
        file: Its SQLite file; its folder, where `ask_argv` is given.
        count_sql: How many notifications it holds.
        repeats: Whether a notification that is sent twice is kept twice.
        verify_argv: A command that proves the store, and ends with 0 if it is whole.
        ask_argv: A command that prints the answer to the SQL that is added to it; without one,
            SQLite is asked.
    """

    file: Path
    count_sql: str
    repeats: bool
    verify_argv: tuple[str, ...] = ()
    ask_argv: tuple[str, ...] = ()


def check_kept(name: str, store: Store, acknowledged: Sequence[str]) -> int:
    """Hold a stopped server's store against what it acknowledged.

    Args:
        name: How the server is called.
        store: Its store.
        acknowledged: The platform's id of each notification that it answered with a 2xx status.

    Returns:
        How many notifications are kept.

    Raises:
        ContenderFailed: There are fewer or more, or the store is not whole.
    """
    expected = len(acknowledged) if store.repeats else len(set(acknowledged))
    found = _count(name, store)
    if found != expected:
        raise ContenderFailed(f"{name} acknowledged {expected} notifications, but keeps {found}")
    if store.verify_argv:
        proof = subprocess.run(store.verify_argv, capture_output=True, check=False)
        if proof.returncode:
            said = (proof.stdout + proof.stderr).decode("utf-8", "replace")[-1000:]
            raise ContenderFailed(f"{name}: its store does not verify: {said}")
    return found


def _count(name: str, store: Store) -> int:
    if store.ask_argv:
        asked = subprocess.run((*store.ask_argv, store.count_sql), capture_output=True, check=False)
        if asked.returncode:
            said = asked.stderr.decode("utf-8", "replace")[-1000:]
            raise ContenderFailed(f"{name}: its store cannot be counted: {said}")
        return int(asked.stdout)
    with closing(sqlite3.connect(f"{store.file.resolve().as_uri()}?mode=ro", uri=True)) as db:
        return int(db.execute(store.count_sql).fetchone()[0])
