"""A ledger of millions of payments, for `voidtrail bench console`: a day of the rehearsal, copied.

The day goes through the real translators, intake and verdict; then its rows are copied to later
days (see `testing.bench.copies`). Built once and kept; its figures are those of no merchant.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Final

from voidtrail.event.model import Micros
from voidtrail.ledger import rebuild
from voidtrail.ledger.contract import SLICE_MAX
from voidtrail.lifecycle.projection import Projection
from voidtrail.lifecycle.terms import Terms
from voidtrail.runtime.app import House, add_account, build
from voidtrail.runtime.preparing import prepare
from voidtrail.runtime.settings import Ledger, Settings
from voidtrail.testing.bench.copies import copy_rows
from voidtrail.testing.world import accounts, arrivals, small_world
from voidtrail.testing.world.settings import Settings as WorldSettings

SEED: Final = 20_260_317
YEAR_US: Final = 365 * 86_400 * 1_000_000
_ORDERS: Final = 5_000
_AFTERWARDS_US: Final = 6 * 3600 * 1_000_000
"""The ledger's clock stands so long after the last payment began."""

Tell = Callable[[int, int], None]


def kept_in() -> Path:
    """Return the folder in which such a ledger is kept from one measurement to the next."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "voidtrail"


def large_store(folder: Path, payments: int, tell: Tell) -> Path:
    """Return the path of a ledger with at least so many payments, made if it is not there.

    Args:
        folder: where it is kept.
        payments: how many, shadows not counted; they began over a year.
        tell: is told (copies done, of how many).
    """
    # Read tables of another definition would be made anew at every opening.
    tables = rebuild.fingerprint(Projection(Terms()))[:8]
    path = folder / f"console-{payments}-{tables}.db"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    making = folder / f"{path.stem}.making.db"
    for leftover in folder.glob(f"{making.name}*"):
        leftover.unlink()
    house = _one_day(making, min(_ORDERS, payments))
    try:
        db = house.ledger.db
        (found,) = db.execute("SELECT count(*) FROM payment WHERE placeholder = 0").fetchone()
        copies = max(0, -(-payments // found) - 1)
        copy_rows(db, copies, YEAR_US // (copies + 1), lambda done: tell(done, copies))
        (last,) = db.execute("SELECT max(spoken_at) FROM payment").fetchone()
        _let_time_pass(house, last + _AFTERWARDS_US)
        db.execute("PRAGMA journal_mode = WAL")
    finally:
        house.close()
    Path(f"{making}.key").rename(f"{path}.key")
    making.rename(path)
    return path


def _one_day(path: Path, orders: int) -> House:
    """Put the rehearsal's day into a new ledger through translators, intake and verdict."""
    world = small_world(SEED, settings=WorldSettings(orders=orders))
    house = build(Settings(ledger=Ledger(path=str(path))), environment={})
    ledger = house.ledger
    ledger.begin()
    entries = {
        key: add_account(house, account, secrets)
        for key, (account, secrets) in accounts(world).items()
    }
    ledger.control([("tick", "{}")], world.settings.starts_at)
    ledger.commit()
    coming = arrivals(world)
    while group := list(islice(coming, SLICE_MAX)):
        items = [
            prepare(each, entries[each.source, each.account], house.keyring)
            for each, _ in group
        ]  # fmt: skip
        ledger.begin()
        ledger.append(items, items[-1].received_at)
        ledger.commit()
    _let_time_pass(house, world.settings.judged_at)
    return house


def _let_time_pass(house: House, until: Micros) -> None:
    """Set the ledger's clock and judge what silence has ended by then."""
    ledger = house.ledger
    ledger.begin()
    ledger.control([("tick", "{}")], until)
    while due := ledger.due(until, SLICE_MAX):
        if not ledger.rejudge([pid for pid, _ in due], until):
            break
    ledger.commit()
