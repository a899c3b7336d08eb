"""History from files: read in slices, written between the groups of intake, resumed where it was.

A file is known by its account, its SHA-256 and the SHA-256 of its mapping. What one revision said
gives way, at the end of the import of the next one of the same name, in slices as well; an import
that was interrupted is taken up by importing the same file again. History never sends a message.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from voidtrail.errors import FileInvalid, NotFound, WrongUse
from voidtrail.event.account import Account, Mode
from voidtrail.event.codec import Encoded
from voidtrail.event.model import Delivery, Micros, Unreadable
from voidtrail.ledger.contract import SLICE_MAX
from voidtrail.runtime.app import House, add_account
from voidtrail.runtime.casting import Casting
from voidtrail.runtime.preparing import Entry
from voidtrail.runtime.revisions import Progress, next_delivery, supersede
from voidtrail.runtime.turns import Turns
from voidtrail.sources.table import NAME

if TYPE_CHECKING:
    from voidtrail.runtime.tables import FittedTable, OpenTable
    from voidtrail.sources.table.mapping import TableMapping

REVISION: Final = 1000
"""A delivery's version is the translator's, plus this for every time its file was mapped anew."""
_PLAIN_NAMES: Final = frozenset({"map", "mapping"})


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did.

    Attributes:
        deliveries: rows (or groups of rows) that the file holds.
        events: statements that were new.
        duplicates: statements that were known already.
        unreadable: deliveries of the file in quarantine.
        payments, orders: how many of them in the ledger the file speaks of.
    """

    deliveries: int = 0
    events: int = 0
    duplicates: int = 0
    unreadable: int = 0
    payments: int = 0
    orders: int = 0


class Imported(NamedTuple):
    """An import that came to its end.

    Attributes:
        account: name of the account that the rows stand under.
        resumed: deliveries that an interrupted import of the same file had written.
        superseded: numbers of earlier revisions that gave way.
        quarantined: the first few deliveries that could not be read, as (path, why).
    """

    counts: Counts
    account: str
    file_no: int
    resumed: int
    superseded: tuple[int, ...]
    quarantined: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A row of the table `file`, on its way."""

    no: int
    name: str
    entry: Entry
    version: int
    done: bool


def import_file(
    house: House,
    path: Path,
    mapping: Path,
    *,
    account: str = "",
    shop: str | None = None,
    entity: str | None = None,
    mode: Mode | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Import a file of history.

    Args:
        house: the house; nobody else writes through its ledger meanwhile.
        path: a CSV, Parquet or JSON lines file.
        mapping: its mapping file.
        account: name of the account; the mapping file's own name if "".
        shop: of the account; None keeps what it has.
        entity: the same.
        mode: the same.
        progress: told how far the import is.

    Raises:
        FileInvalid, MappingInvalid: the file or its mapping cannot be used; nothing was written.
        LedgerStopped: the ledger could not be written; import the file again to go on.
    """
    from voidtrail.runtime import tables
    from voidtrail.sources.table.mapping import parse_mapping

    tell = progress or _nothing
    text = mapping_file_text(mapping)
    parsed = parse_mapping(text)
    owner = _account(house, parsed, account or name_of(mapping), shop, entity, mode)
    size = max(path.stat().st_size, 1) if path.exists() else 1
    table = tables.open_table(path, lambda done: tell("look", done, size))
    known = _find(house, owner, table.digest, parsed.digest)
    if known is None or not known.done:
        received_at = house.clock()
        fitted = tables.fit(table, parsed, owner)  # or refused, before anything is written
        turns = Turns(house)
        known = _enter(house, known, owner, table, parsed, text)
        with _seldom_collected():
            done = _write(house, known, fitted, received_at, turns, tell)
        gone = supersede(house, known.no, turns, tell)
        _finish(house, known, turns)
    else:
        done, gone = _Done(0, 0, 0), ()
    counts = counts_of(house, known.no)
    counts = msgspec.structs.replace(
        counts, events=done.events, duplicates=counts.events - done.events + done.duplicates
    )
    quarantined = quarantined_of(house, known.no)
    return Imported(counts, owner.name, known.no, done.resumed, gone, quarantined)


def name_of(mapping: Path) -> str:
    """Return the account's name that a mapping file stands for.

    >>> name_of(Path("taobao.toml")), name_of(Path("examples/taobao/map.toml"))
    ('taobao', 'taobao')
    """
    stem = mapping.stem
    if stem in _PLAIN_NAMES and mapping.resolve().parent.name:
        stem = mapping.resolve().parent.name
    return re.sub(r"[\s/]+", "-", stem) or NAME


def _nothing(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Look for cycles of garbage seldom: rows make none, and each look goes through thousands."""
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def mapping_file_text(path: Path) -> str:
    """Return the text of a mapping file.

    Raises:
        NotFound, FileInvalid: it cannot be read.
    """
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise NotFound(f"mapping file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FileInvalid(f"mapping file {path} is not UTF-8; save it as UTF-8") from None


# ------------------------------------------------------------------------------ accounts and files


def _account(
    house: House, mapping: TableMapping, name: str, shop: str | None, entity: str | None,
    mode: Mode | None,
) -> Account:  # fmt: skip
    """Return the account as it will be entered; one that the settings name stays as they say."""
    if "/" in name:
        raise WrongUse(f"account {name!r}: a name must not hold a slash")
    given = {"shop": shop, "entity": entity, "mode": mode, "zone": mapping.zone or None}
    wanted = {field: value for field, value in given.items() if value is not None}
    configured = house.entries.get((NAME, name))
    if configured is not None and any(
        each.source == NAME and each.name == name for each in house.settings.account
    ):
        found = configured.account
        differs = sorted(
            field for field, value in wanted.items()
            if field != "zone" and getattr(found, field) != value
        )  # fmt: skip
        if differs:
            raise WrongUse(
                f"account table/{name} stands in the settings; change its {differs[0]} there"
            )
        return found
    stored = [each for each in house.ledger.accounts().values()
              if each.source == NAME and each.name == name]  # fmt: skip
    known = stored[0] if stored else Account(source=NAME, name=name)
    return msgspec.structs.replace(known, **wanted)


def _find(house: House, owner: Account, digest: str, mapping: str) -> _File | None:
    """Return the file if this very revision, so mapped, is in force or was begun."""
    row = house.ledger.db.execute(
        "SELECT f.no, f.name, f.done FROM file f JOIN account a ON a.no = f.account_no "
        "WHERE a.source = ? AND a.name = ? AND f.digest = ? AND f.mapping = ? "
        "AND f.superseded_by IS NULL ORDER BY f.no DESC LIMIT 1",
        (owner.source, owner.name, digest, mapping),
    ).fetchone()
    if row is None:
        return None
    entry = _entry(house, owner)
    return _File(no=row[0], name=row[1], entry=entry, version=_version(house, entry, row[0]),
                 done=bool(row[2]))  # fmt: skip


def _entry(house: House, owner: Account) -> Entry:
    ledger = house.ledger
    ledger.begin()
    try:
        configured = house.entries.get((owner.source, owner.name))
        entry = add_account(house, owner, configured.secrets if configured else {})
    except BaseException:
        ledger.rollback()
        raise
    ledger.commit()
    return entry


def _version(house: House, entry: Entry, no: int) -> int:
    """Return the version of a file's deliveries: a file mapped anew is translated anew."""
    again = house.ledger.db.execute(
        "SELECT count(*) FROM file f JOIN file g ON g.account_no = f.account_no "
        "AND g.digest = f.digest WHERE f.no = ? AND g.no < f.no", (no,),
    ).fetchone()[0]  # fmt: skip
    return entry.source.VERSION + REVISION * int(again)


def _enter(
    house: House, known: _File | None, owner: Account, table: OpenTable,
    mapping: TableMapping, text: str,
) -> _File:  # fmt: skip
    """Enter a file that is not known yet, with its mapping, into the table and the chain."""
    if known is not None:
        return known
    entry = _entry(house, owner)
    ledger, now = house.ledger, house.clock()
    ledger.begin()
    try:
        no = ledger.db.execute("SELECT ifnull(max(no), 0) + 1 FROM file").fetchone()[0]
        name = table.path.name
        ledger.db.execute("INSERT INTO file VALUES (?, ?, ?, ?, ?, 0, NULL)",
                          (no, name, table.digest, entry.no, mapping.digest))  # fmt: skip
        said = {"no": no, "name": name, "digest": table.digest, "account_no": entry.no,
                "mapping": mapping.digest}  # fmt: skip
        entries = [("file", _json(said))]
        if mapping_text(house, mapping.digest) is None:
            entries.insert(0, ("mapping", _json({"digest": mapping.digest, "text": text})))
        ledger.control(entries, now)
        version = _version(house, entry, no)
    except BaseException:
        ledger.rollback()
        raise
    ledger.commit()
    return _File(no=no, name=name, entry=entry, version=version, done=False)


def mapping_text(house: House, digest: str) -> str | None:
    """Return the text of a mapping file that was used before, as the ledger keeps it."""
    row = house.ledger.db.execute(
        "SELECT json_extract(body, '$.text') FROM control WHERE kind = 'mapping' "
        "AND json_extract(body, '$.digest') = ? ORDER BY seq DESC LIMIT 1", (digest,),
    ).fetchone()  # fmt: skip
    return None if row is None else str(row[0])


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="deterministic").decode()


# ------------------------------------------------------------------------------------ writing rows


class _Done(NamedTuple):
    resumed: int
    events: int
    duplicates: int


def _write(
    house: House, file: _File, fitted: FittedTable, received_at: Micros, turns: Turns,
    tell: Progress,
) -> _Done:  # fmt: skip
    """Write what is not there yet, in slices; return what became of it."""
    total = fitted.table.rows
    casting = Casting(file.entry, file.version)
    rows = fitted.rows(received_at, casting, lambda done: tell("rows", done, total))
    rows = _resumed(house, file, rows)
    events = duplicates = 0
    resumed = house.ledger.db.execute(
        "SELECT count(*) FROM delivery WHERE file_no = ?", (file.no,)
    ).fetchone()[0]
    turns.tick()
    while True:
        items = [casting.item(delivery, found, house.keyring, file.entry.no, file.no)
                 for delivery, found in islice(rows, SLICE_MAX)]  # fmt: skip
        if not items:
            break
        for start, stop in turns.parts(len(items)):
            part, at = items[start:stop], house.clock()
            # In company it would rarely hold, and would have to be worked out again.
            ahead = None if turns.in_company() else house.ledger.ahead(part, at)
            with turns.turn(stop - start) as ledger:
                receipts = ledger.append(part, at, ahead)
            events += sum(receipt.new for receipt in receipts)
            duplicates += sum(receipt.duplicates for receipt in receipts)
    return _Done(resumed, events, duplicates)


Cast = tuple[Delivery, list[Encoded] | Unreadable]


def _resumed(house: House, file: _File, rows: Iterator[Cast]) -> Iterator[Cast]:
    """Leave out the rows that an interrupted import wrote: a prefix, recognised row by row."""
    written = house.ledger.db.execute(
        "SELECT digest FROM delivery WHERE file_no = ? ORDER BY seq", (file.no,)
    )
    for each in rows:
        row = written.fetchone()
        if row is None or row[0] != house.keyring.body_digest(each[0].body):
            yield each
            break
    yield from rows


# -------------------------------------------------------------------------- the end, and counting


def _finish(house: House, file: _File, turns: Turns) -> None:
    with turns.turn() as ledger:
        ledger.db.execute("UPDATE file SET done = 1 WHERE no = ?", (file.no,))
        ledger.control([("file_done", _json({"no": file.no}))], house.clock())
    turns.tick()


def counts_of(house: House, no: int) -> Counts:
    """Count what the ledger holds of a file; `events` are all of them, new or not."""
    db = house.ledger.db
    first, last, deliveries = db.execute(
        "SELECT min(seq), max(seq), count(*) FROM delivery WHERE file_no = ?", (no,)
    ).fetchone()
    if not deliveries:
        return Counts()
    events, payments, orders = db.execute(
        "SELECT count(*), count(DISTINCT n.payment_id), "
        "count(DISTINCT coalesce(p.order_id, -n.payment_id)) FROM event e "
        "JOIN delivery d ON d.seq = e.delivery_id JOIN name n ON n.no = e.name_no "
        "LEFT JOIN payment p ON p.payment_id = n.payment_id "
        "WHERE e.seq > ? AND e.seq < ? AND d.file_no = ?",
        (first, next_delivery(house, last), no),
    ).fetchone()
    (unreadable,) = db.execute(
        "SELECT count(*) FROM delivery INDEXED BY delivery_quarantine "
        "WHERE outcome = 1 AND file_no = ?", (no,)).fetchone()  # fmt: skip
    return Counts(deliveries=deliveries, events=events, unreadable=unreadable,
                  payments=payments, orders=orders)  # fmt: skip


def quarantined_of(house: House, no: int, limit: int = 20) -> tuple[tuple[str, str], ...]:
    """Return where and why the first few deliveries of a file could not be read."""
    rows: Sequence[tuple[str, str]] = house.ledger.db.execute(
        "SELECT path, why FROM delivery INDEXED BY delivery_quarantine "
        "WHERE file_no = ? AND outcome = 1 ORDER BY seq LIMIT ?",
        (no, limit),
    ).fetchall()
    return tuple((path, why) for path, why in rows)
