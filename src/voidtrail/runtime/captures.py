"""Captured messages of terminals out of a file: raw bytes, or lines of hexadecimal digits.

A raw capture is what went over the line: messages with their length in front, one behind another. A
line of digits may begin with the instant of its capture; lines beginning with "#" are passed over.
What is no message is quarantined, so half a file is imported as far as it goes. The same file again
goes on where an interrupted import ended. History never sends a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from voidtrail.errors import FileInvalid, WrongUse
from voidtrail.event.model import Micros, Via
from voidtrail.ledger.contract import SLICE_MAX, Item
from voidtrail.runtime.app import House
from voidtrail.runtime.files import Imported, counts_of, quarantined_of
from voidtrail.runtime.frames import Frames, Framing, Piece
from voidtrail.runtime.preparing import Entry, prepare
from voidtrail.runtime.revisions import Progress
from voidtrail.runtime.turns import Turns
from voidtrail.sources import pos
from voidtrail.sources.pos.wire import HEAD, may_begin
from voidtrail.sources.reading import instant

_FRAME_MAX: Final = 16_384
_READ: Final = 1 << 20
_FORM: Final = "iso8583"
"""Stands where a file of rows has the digest of its mapping."""
_HEX_LINE: Final = re.compile(rb"(?:(\d{4}-\d\d-\d\d[T ]\S+)\s+)?((?:[0-9A-Fa-f]{2}[ \t]*)+)")
_LOOKED_AT: Final = 4096


class _Told(NamedTuple):
    """A message, and when it was captured if that is written beside it."""

    data: bytes
    is_message: bool
    at: Micros | None = None


def import_capture(
    house: House,
    path: Path,
    *,
    account: str = "main",
    on: str = "",
    progress: Progress | None = None,
) -> Imported:
    """Import captured messages.

    Args:
        house: the house; nobody else writes through its ledger meanwhile.
        path: the file.
        account: of source pos, as the settings name it.
        on: day of the capture, as "2026-03-01"; messages state no year. "" takes the file's date.
        progress: told how far the import is.

    Raises:
        AccountUnknown: the settings have no such account.
        FileInvalid: the file cannot be read.
        WrongUse: `on` is no day.
        LedgerStopped: the ledger could not be written; import the file again to go on.
    """
    entry = house.entry(pos.NAME, account)
    captured_at = _captured_at(path, on, entry.account.zone)
    digest = _digest(path)
    no, done = _entered(house, path.name, digest, entry)
    events = duplicates = resumed = 0
    if not done:
        resumed = house.ledger.db.execute(
            "SELECT count(*) FROM delivery WHERE file_no = ?", (no,)
        ).fetchone()[0]
        turns = Turns(house)
        turns.tick()
        told = islice(_kept(path, entry), resumed, None)
        written = resumed
        while items := _items(house, entry, no, captured_at, islice(told, SLICE_MAX)):
            for start, stop in turns.parts(len(items)):
                with turns.turn(stop - start) as ledger:
                    receipts = ledger.append(items[start:stop], house.clock())
                events += sum(receipt.new for receipt in receipts)
                duplicates += sum(receipt.duplicates for receipt in receipts)
            written += len(items)
            if progress is not None:
                progress("rows", written, written + 1)
        with turns.turn() as ledger:
            ledger.db.execute("UPDATE file SET done = 1 WHERE no = ?", (no,))
            ledger.control([("file_done", _json({"no": no}))], house.clock())
        turns.tick()
    counts = counts_of(house, no)
    counts = msgspec.structs.replace(
        counts, events=events, duplicates=counts.events - events + duplicates
    )
    return Imported(counts, account, no, resumed, (), quarantined_of(house, no))


def _captured_at(path: Path, on: str, zone: str) -> Micros:
    """Return the end of the day of the capture, or when the file was last written."""
    try:
        if not on:
            return path.stat().st_mtime_ns // 1000
        day = date.fromisoformat(on)
    except OSError as error:
        raise FileInvalid(f"file {path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise WrongUse(f"--on {on!r} is not a day like 2026-03-01") from None
    end = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))
    return int(end.astimezone(UTC).timestamp()) * 1_000_000 - 1


def _digest(path: Path) -> str:
    found = sha256()
    try:
        with path.open("rb") as file:
            for piece in iter(partial(file.read, _READ), b""):
                found.update(piece)
    except OSError as error:
        raise FileInvalid(f"file {path} cannot be read: {error.strerror}") from None
    return found.hexdigest()


def _entered(house: House, name: str, digest: str, entry: Entry) -> tuple[int, bool]:
    """Return number of the file and whether it is whole; enter it if it is not known."""
    ledger = house.ledger
    known = ledger.db.execute(
        "SELECT no, done FROM file WHERE account_no = ? AND digest = ? AND mapping = ?",
        (entry.no, digest, _FORM),
    ).fetchone()
    if known is not None:
        return int(known[0]), bool(known[1])
    ledger.begin()
    try:
        no = int(ledger.db.execute("SELECT ifnull(max(no), 0) + 1 FROM file").fetchone()[0])
        ledger.db.execute("INSERT INTO file VALUES (?, ?, ?, ?, ?, 0, NULL)",
                          (no, name, digest, entry.no, _FORM))  # fmt: skip
        said = {"no": no, "name": name, "digest": digest, "account_no": entry.no, "mapping": _FORM}
        ledger.control([("file", _json(said))], house.clock())
    except BaseException:
        ledger.rollback()
        raise
    ledger.commit()
    return no, False


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="deterministic").decode()


# ------------------------------------------------------------------------------ what the file holds


def _kept(path: Path, entry: Entry) -> Iterator[_Told]:
    """Yield what becomes a delivery: messages about money, and what is no message."""
    dialect = entry.account.options.get("dialect", "")
    for told in _told(path, dialect):
        if not told.is_message or pos.is_about_money(told.data, dialect):
            yield told


def _told(path: Path, dialect: str) -> Iterator[_Told]:
    with path.open("rb") as file:
        head = file.read(_LOOKED_AT)
        file.seek(0)
        if _is_hex(head):
            for line in file:
                yield from _line(line)
            return
        framing: Framing = "length4" if head[:4].isdigit() else "length2"
        frames = Frames(framing, _FRAME_MAX, lambda begins: may_begin(begins, dialect), HEAD)
        for data in iter(partial(file.read, _READ), b""):
            yield from map(_piece, frames.feed(data))
        yield from map(_piece, frames.end())


def _piece(piece: Piece) -> _Told:
    return _Told(piece.data, piece.is_frame)


def _is_hex(head: bytes) -> bool:
    """Whether the first line that says anything is one of hexadecimal digits."""
    for line in head.splitlines()[:64]:
        text = line.strip()
        if text and not text.startswith(b"#"):
            is_whole = len(text) < _LOOKED_AT // 2
            return (_HEX_LINE.fullmatch if is_whole else _HEX_LINE.match)(text) is not None
    return False


def _line(line: bytes) -> Iterator[_Told]:
    text = line.strip()
    if not text or text.startswith(b"#"):
        return
    found = _HEX_LINE.fullmatch(text) or _HEX_LINE.fullmatch(text[:-1])  # cut off in a byte
    if found is None:
        yield _Told(text, False)
        return
    data = bytes.fromhex(found[2].decode())
    if len(data) > 2 and int.from_bytes(data[:2], "big") == len(data) - 2:
        data = data[2:]
    yield _Told(data, True, instant(found[1].decode()) if found[1] else None)


def _items(
    house: House, entry: Entry, no: int, captured_at: Micros, told: Iterator[_Told]
) -> Sequence[Item]:
    return [
        prepare(
            pos.received(each.data, entry.account, entry.secrets,
                         captured_at if each.at is None else each.at, Via.FILE),
            entry, house.keyring, file_no=no,
        )
        for each in told
    ]  # fmt: skip
