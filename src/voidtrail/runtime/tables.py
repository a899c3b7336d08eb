"""Files of history, opened and read in slices; what they mean is `voidtrail.sources.table`.

A file is read two or three times, never held: once for its digest (and its encoding or columns),
once over the few columns that tie rows together, if the mapping groups or chains them, and once for
its rows. Memory follows the slice and the groups still open, not the file.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import polars as pl

from voidtrail.errors import FileInvalid
from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Micros, Unreadable
from voidtrail.sources.table.bind import Plan
from voidtrail.sources.table.frame import plain
from voidtrail.sources.table.mapping import TableMapping
from voidtrail.sources.table.marks import FAULT, LAST, LINE, keys, marks, number_rows
from voidtrail.sources.table.rows import (
    Pen,
    T,
    TableFile,
    Translated,
    as_events,
    prepare,
    translate_numbered,
)

Form = Literal["csv", "parquet", "jsonl"]

SLICE_ROWS: Final = 20_000
CHUNK_BYTES: Final = 1 << 20
_FORMS: Final[dict[str, Form]] = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
}  # fmt: skip
_DELIMITERS: Final = ",;\t|"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTable:
    """A file that was looked at once.

    Attributes:
        rows: how many rows it holds; for text files their lines, an upper bound.
        encoding: of text files: utf-8-sig, utf-16 or gb18030.
        columns: of JSON lines: the names met, and whether each holds only yes and no.
    """

    path: Path
    form: Form
    digest: str
    rows: int
    encoding: str = "utf-8-sig"
    columns: dict[str, bool] = field(default_factory=dict)

    def named(self, received_at: Micros) -> TableFile:
        """Return the file as its deliveries name it."""
        return TableFile(name=self.path.name, digest=self.digest, received_at=received_at)


def open_table(path: Path, on_bytes: Callable[[int], None] | None = None) -> OpenTable:
    """Look at a file: its form, SHA-256, encoding and number of rows.

    Args:
        path: a CSV, Parquet or JSON lines file, told apart by its ending.
        on_bytes: called with the number of bytes read so far, for a progress bar.

    Raises:
        FileInvalid: the file is absent, of another form, or in an unknown encoding.
    """
    form = _FORMS.get(path.suffix.lower())
    if form is None:
        known = ", ".join(sorted(_FORMS))
        raise FileInvalid(f"{path.name}: an ending {path.suffix!r} is not known (known: {known})")
    try:
        digest, lines, start = _digest(path, on_bytes)
    except OSError as error:
        raise FileInvalid(f"{path.name}: cannot be read: {error.strerror}") from None
    if form == "parquet":
        return OpenTable(path=path, form=form, digest=digest, rows=_parquet(path).metadata.num_rows)
    encoding = _encoding(path, start)
    columns = _json_columns(path, encoding) if form == "jsonl" else {}
    rows = max(lines - (form == "csv"), 0)
    return OpenTable(
        path=path, form=form, digest=digest, rows=rows, encoding=encoding, columns=columns
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedTable:
    """A file whose columns its mapping fits; its rows can be read once."""

    table: OpenTable
    account: Account
    plan: Plan
    marked: pl.DataFrame | None
    pieces: Iterator[pl.DataFrame]

    def rows(
        self, received_at: Micros, pen: Pen[T], on_rows: Callable[[int], None] | None = None
    ) -> Iterator[tuple[Delivery, list[T] | Unreadable]]:
        """Translate every row, in slices.

        Args:
            received_at: when the file was handed to us.
            pen: makes events.
            on_rows: called with the number of rows read so far, for a progress bar.

        Yields:
            A delivery per row or group with its events, or with why it cannot be read.

        Raises:
            FileInvalid: the file is broken.
        """
        file, plan, start = self.table.named(received_at), self.plan, 0
        waiting: pl.DataFrame | None = None
        for piece in self.pieces:
            rows = number_rows(plain(piece), plan, start, self.marked)
            start += piece.height
            if plan.grouped:
                rows = rows if waiting is None else pl.concat([waiting, rows])
                is_whole = pl.col(LAST) < start
                waiting, rows = rows.filter(~is_whole), rows.filter(is_whole)
            yield from translate_numbered(rows, plan, file, self.account, pen)
            if on_rows is not None:
                on_rows(start)
        assert waiting is None or waiting.is_empty(), "a group lacks rows that the first look saw"


def fit(table: OpenTable, mapping: TableMapping, account: Account) -> FittedTable:
    """Find a mapping's columns in a file.

    Raises:
        MappingInvalid: the mapping does not fit the file.
        FileInvalid: the file is broken.
    """
    pieces = slices(table)
    first = next(pieces)
    plan = prepare(mapping, plain(first), account)
    return FittedTable(table=table, account=account, plan=plan, marked=_marked(table, plan),
                       pieces=chain([first], pieces))  # fmt: skip


def translate_file(
    table: OpenTable,
    mapping: TableMapping,
    account: Account,
    received_at: Micros,
    on_rows: Callable[[int], None] | None = None,
) -> Iterator[Translated]:
    """Translate every row of a file into events, in slices (see `FittedTable.rows`).

    Raises:
        MappingInvalid: the mapping does not fit the file; before the first row.
        FileInvalid: the file is broken.
    """
    yield from fit(table, mapping, account).rows(received_at, as_events, on_rows)


def _marked(table: OpenTable, plan: Plan) -> pl.DataFrame | None:
    if not plan.marking:
        return None
    names = list(plan.marking)
    found = [keys(plain(piece.select(names)), plan) for piece in slices(table, names)]
    return marks(pl.concat(found), plan)


def slices(
    table: OpenTable, columns: Sequence[str] | None = None, rows: int = SLICE_ROWS
) -> Iterator[pl.DataFrame]:
    """Read a file in slices; every slice has the same columns, and there is at least one slice.

    Args:
        table: the file.
        columns: the ones wanted, where leaving out others saves work; None for all.
        rows: how many rows a slice holds at most.

    Raises:
        FileInvalid: the file is broken.
    """
    if table.form == "parquet":
        yield from _parquet_slices(table.path, columns, rows)
    elif table.form == "csv":
        yield from _csv_slices(table, columns, rows)
    else:
        yield from _json_slices(table, rows)


def _digest(path: Path, on_bytes: Callable[[int], None] | None) -> tuple[str, int, bytes]:
    """Return a file's SHA-256, its number of lines and its first bytes."""
    digest, lines, done, start, last = hashlib.sha256(), 0, 0, b"", b"\n"
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            start, last = start or chunk[:4], chunk[-1:]
            lines += chunk.count(b"\n")
            done += len(chunk)
            if on_bytes is not None:
                on_bytes(done)
    return digest.hexdigest(), lines + (last != b"\n"), start


def _encoding(path: Path, start: bytes) -> str:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for encoding in ("utf-8-sig", "gb18030"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with path.open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise FileInvalid(f"{path.name}: is neither UTF-8 nor GBK; save it as UTF-8 and try again")


# ----------------------------------------------------------------------------------------- Parquet


def _parquet(path: Path) -> Any:
    from pyarrow import ArrowException, parquet

    try:
        return parquet.ParquetFile(path)
    except (ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise FileInvalid(f"{path.name}: cannot be read as Parquet: {reason}") from None


def _parquet_slices(path: Path, columns: Sequence[str] | None, rows: int) -> Iterator[pl.DataFrame]:
    from pyarrow import ArrowException

    with _parquet(path) as file:
        empty = True
        names = None if columns is None else list(columns)
        try:
            for batch in file.iter_batches(batch_size=rows, columns=names):
                frame = pl.from_arrow(batch)
                assert isinstance(frame, pl.DataFrame)
                empty = False
                yield frame
        except (ArrowException, OSError) as error:
            reason = str(error).splitlines()[0]
            raise FileInvalid(f"{path.name}: broken within: {reason}") from None
        if empty:
            frame = pl.from_arrow(file.schema_arrow.empty_table())
            assert isinstance(frame, pl.DataFrame)
            yield frame if columns is None else frame.select(columns)


# --------------------------------------------------------------------------------------------- CSV


def _csv_slices(
    table: OpenTable, columns: Sequence[str] | None, rows: int
) -> Iterator[pl.DataFrame]:
    with table.path.open(encoding=table.encoding, newline="") as file:
        first = file.readline()
        file.seek(0)
        delimiter = max(_DELIMITERS, key=first.count)
        reader = csv.reader(file, delimiter=delimiter)
        try:
            header = _header(next(reader, []), table.path.name)
            chosen = [at for at, name in enumerate(header) if columns is None or name in columns]
            empty = True
            while kept := list(islice(reader, rows)):
                yield _csv_frame(header, [fields for fields in kept if fields], chosen, delimiter)
                empty = False
        except csv.Error as error:
            raise FileInvalid(f"{table.path.name}: line {reader.line_num}: {error}") from None
        if empty:
            yield _csv_frame(header, [], chosen, delimiter)


def _header(names: list[str], file: str) -> list[str]:
    if not names:
        raise FileInvalid(f"{file}: is empty; the first line must name the columns")
    names = [name or f"column_{place}" for place, name in enumerate(names, 1)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FileInvalid(f"{file}: two columns are called {twice[0]!r}; rename one")
    return names


def _csv_frame(
    header: list[str], rows: list[list[str]], chosen: list[int], delimiter: str
) -> pl.DataFrame:
    """Return rows as columns of text; those with too few or too many fields hold only a fault."""
    width = len(header)
    whys: dict[int, str] = {}
    lines: dict[int, str] = {}
    if any(len(fields) != width for fields in rows):
        for place, fields in enumerate(rows):
            if len(fields) != width:
                whys[place] = f"has {len(fields)} fields, but the header names {width}"
                lines[place] = delimiter.join(fields)
                rows[place] = [""] * width
    texts = [
        pl.Series(header[at], [fields[at] for fields in rows], dtype=pl.String) for at in chosen
    ]
    return _with_faults(texts, len(rows), whys, lines)


def _with_faults(
    columns: list[pl.Series], height: int, whys: dict[int, str], lines: dict[int, str]
) -> pl.DataFrame:
    every = range(height)
    return pl.DataFrame([
        *columns,
        pl.Series(FAULT, [whys.get(place) for place in every] if whys else [None] * height,
                  dtype=pl.String),
        pl.Series(LINE, [lines.get(place) for place in every] if whys else [None] * height,
                  dtype=pl.String),
    ])  # fmt: skip


# -------------------------------------------------------------------------------------- JSON lines

_DECODER: Final = msgspec.json.Decoder(float_hook=str)


def _objects(path: Path, encoding: str) -> Iterator[tuple[str, dict[str, Any] | str]]:
    """Yield each line with its object, or with why there is none."""
    with path.open(encoding=encoding, newline="\n") as file:
        for line in file:
            text = line.strip()
            if not text:
                continue
            try:
                found = _DECODER.decode(text)
            except (msgspec.DecodeError, RecursionError):
                yield text, "is not valid JSON"
                continue
            yield text, found if isinstance(found, dict) else "is not a JSON object"


def _json_columns(path: Path, encoding: str) -> dict[str, bool]:
    found: dict[str, bool | None] = {}
    for _, row in _objects(path, encoding):
        if isinstance(row, dict):
            for name, value in row.items():
                seen = found.setdefault(name, None)
                if value is not None:
                    found[name] = isinstance(value, bool) and seen is not False
    return {name: is_yes_or_no is True for name, is_yes_or_no in found.items()}


def _json_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _json_slices(table: OpenTable, rows: int) -> Iterator[pl.DataFrame]:
    kept: list[dict[str, Any]] = []
    whys: dict[int, str] = {}
    lines: dict[int, str] = {}
    empty = True
    for text, row in _objects(table.path, table.encoding):
        if isinstance(row, str):
            whys[len(kept)], lines[len(kept)] = row, text
            kept.append({})
        else:
            kept.append(row)
        if len(kept) == rows:
            yield _json_frame(table.columns, kept, whys, lines)
            kept, whys, lines, empty = [], {}, {}, False
    if kept or empty:
        yield _json_frame(table.columns, kept, whys, lines)


def _json_frame(
    names: dict[str, bool], rows: list[dict[str, Any]], whys: dict[int, str],
    lines: dict[int, str],
) -> pl.DataFrame:  # fmt: skip
    columns = [
        pl.Series(name, [row.get(name) for row in rows], dtype=pl.Boolean) if is_yes_or_no
        else pl.Series(name, [_json_text(row.get(name)) for row in rows], dtype=pl.String)
        for name, is_yes_or_no in names.items()
    ]  # fmt: skip
    return _with_faults(columns, len(rows), whys, lines)
