"""What the bills of several platforms are read with: encodings, cells, amounts, totals.

A reader is a generator: it takes lines and yields pieces, so a bill of a million rows is never held
as a whole. It raises nothing over foreign text; what cannot be read is a `Bad` piece.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo

import msgspec

from voidtrail.event.bill import BillRow, Item
from voidtrail.event.model import Micros
from voidtrail.money import exponent, minor_from_major

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_AROUND: Final = " \t\r\n\ufeff`"
_BRACKETS: Final = str.maketrans("（）：", "():")
FIELDS_MAX: Final = 512


class Hints(NamedTuple):
    """What the account knows and the bill may not say.

    Attributes:
        zone: IANA zone of instants that carry none.
        currency: of amounts that carry none.
    """

    zone: str = "Asia/Shanghai"
    currency: str = "CNY"


class Head(msgspec.Struct, frozen=True):
    """What a bill says of itself; the period is half-open.

    Attributes:
        lacks: what such a bill never holds, as one that was asked for refunds alone.
    """

    merchant: str = ""
    since: Micros | None = None
    until: Micros | None = None
    lacks: tuple[Item, ...] = ()


class Said(msgspec.Struct, frozen=True):
    """One row, and its cells as they stand in the file."""

    row: BillRow
    fields: dict[str, str]


class Bad(msgspec.Struct, frozen=True):
    """A line that could not be read; `why` holds nothing personal."""

    line: int
    column: str
    why: str
    text: str = ""


class Total(msgspec.Struct, frozen=True):
    """A sum that the bill states, beside what its rows add up to."""

    what: str
    stated: str
    found: str

    @property
    def holds(self) -> bool:
        """Whether both agree."""
        return self.stated == self.found


class End(msgspec.Struct, frozen=True):
    """The end of the file; not `closed` where the form's last lines are absent."""

    closed: bool


Piece = Head | Said | Bad | Total | End


class Unfit(ValueError):
    """A cell cannot be read: which column, and why."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(f"{column}: {why}")
        self.column = column
        self.why = why


class Form(Protocol):
    """The public names of a module that reads one platform's bills."""

    SOURCE: Final[str]  # type: ignore[misc]
    MERCHANT_OPTIONS: Final[tuple[str, ...]]  # type: ignore[misc]

    def recognises(self, start: str) -> bool:
        """Whether a file that begins so is this platform's bill."""

    def read(self, lines: Iterable[str], hints: Hints) -> Iterator[Piece]:
        """Read a bill."""

    def row_of(self, fields: Mapping[str, str], line: int, hints: Hints) -> BillRow:
        """Read one row again from its cells.

        Raises:
            Unfit: a cell cannot be read.
        """


# ----------------------------------------------------------------------------------------- bytes


class Encoding:
    """Finds a file's encoding while its bytes pass by: UTF-8, else GB 18030."""

    def __init__(self) -> None:
        self._utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
        self._first = b""

    def feed(self, chunk: bytes) -> None:
        """Look at the next bytes."""
        if len(self._first) < 4:
            self._first += chunk[:4]
        if self._utf8 is not None:
            try:
                self._utf8.decode(chunk)
            except UnicodeDecodeError:
                self._utf8 = None

    def name(self) -> str:
        """Return the encoding's name, as Python calls it."""
        if self._first.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "utf-16"
        if self._first.startswith(codecs.BOM_UTF8):
            return "utf-8-sig"
        return "gb18030" if self._utf8 is None else "utf-8"


def lines_of(chunks: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Yield the lines of bytes with their ends; what is no text becomes U+FFFD."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    rest = ""
    for chunk in chunks:
        parts = (rest + decoder.decode(chunk)).split("\n")
        rest = parts.pop()
        for part in parts:
            yield part + "\n"
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest


# ----------------------------------------------------------------------------------------- cells


def cell(text: str) -> str:
    r"""Return a cell without what platforms put around it against spreadsheets.

    >>> cell("`4200000925"), cell('2019091622\t'), cell('="0012"'), cell("\ufeff交易号 ")
    ('4200000925', '2019091622', '0012', '交易号')
    """
    text = text.strip(_AROUND)
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    return text


def column(text: str) -> str:
    """Return a column's name with plain brackets.

    >>> column("订单金额（元）")
    '订单金额(元)'
    """
    return cell(text).translate(_BRACKETS)


def amount(text: str, currency: str, name: str, *, rounding: bool = False) -> int:
    """Return a decimal amount in minor units, exactly; "" is 0.

    Raises:
        Unfit: it is no amount of that currency.

    >>> amount("-1,234.50", "CNY", "金额"), amount("￥0.01", "CNY", ""), amount("500", "JPY", "")
    (-123450, 1, 500)
    """
    plain = text.replace(",", "").lstrip("¥￥$").replace("-$", "-").strip()
    if plain.endswith("元"):
        plain = plain[:-1]
    if not plain:
        return 0
    try:
        return minor_from_major(plain, currency, rounding=rounding)
    except ValueError as error:
        raise Unfit(name, str(error)) from None


def currency_of(text: str, name: str, default: str = "") -> str:
    """Return a currency code in capitals.

    Raises:
        Unfit: it is not in ISO 4217.
    """
    code = (text or default).upper()
    try:
        exponent(code)
    except ValueError as error:
        raise Unfit(name, str(error)) from None
    return code


def decimal(text: str) -> Decimal | None:
    """Return a number that a total states; None if it is none."""
    try:
        return Decimal(text.replace(",", "").strip())
    except InvalidOperation:
        return None


def plain(value: Decimal) -> str:
    """Write a number so that equal ones look alike.

    >>> plain(Decimal("0.030")), plain(Decimal("-4E+1")), plain(Decimal("0.00"))
    ('0.03', '-40', '0')
    """
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def instant(text: str, zone: str, name: str) -> Micros:
    """Read an instant; without an offset it stands in a zone.

    Raises:
        Unfit: it is none.
    """
    at = _instant(text.strip(), zone)
    if at is None:
        raise Unfit(name, "is no instant")
    return at


@lru_cache(maxsize=4096)
def _instant(text: str, zone: str) -> Micros | None:
    text = text.replace("/", "-")
    if text[19:20] == " ":  # "2026-01-19 12:07:45 +0100"
        text = text[:19] + text[20:]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return (moment - _EPOCH) // _MICROSECOND


# ----------------------------------------------------------------------------------------- tables

Row = Callable[[Mapping[str, str], int, Hints], BillRow]


class Cells(NamedTuple):
    """A record of a CSV file: the line on which it ends, and its cells."""

    line: int
    cells: list[str]


def records(lines: Iterable[str], before: int = 0, delimiter: str = ",") -> Iterator[Cells | Bad]:
    """Split lines into records; quoted line ends belong to their cell.

    Args:
        lines: the rest of a file.
        before: how many lines came before.
        delimiter: between cells.
    """
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Bad(before + reader.line_num, "", f"is no CSV: {error}")
            continue
        if any(cells):
            yield Cells(before + reader.line_num, cells)


def said(names: Sequence[str], found: Cells, row_of: Row, hints: Hints) -> Said | Bad:
    """Read one record under its columns."""
    line, cells = found
    if len(cells) != len(names):
        why = f"has {len(cells)} fields, but the header names {len(names)}"
        return Bad(line, "", why, ",".join(cells)[:FIELDS_MAX])
    fields = dict(zip(names, map(cell, cells), strict=True))
    try:
        if "\ufffd" in "".join(cells):
            raise Unfit("", "is not in the encoding of the rest of the file")
        return Said(row_of(fields, line, hints), fields)
    except Unfit as error:
        return Bad(line, error.column, error.why, ",".join(cells)[:FIELDS_MAX])


def plain_table(
    lines: Iterable[str], hints: Hints, row_of: Row, head: Callable[[Mapping[str, str]], str]
) -> Iterator[Piece]:
    """Read a bill that is one header and its rows.

    Args:
        lines: of the file.
        hints: what the account knows.
        row_of: reads one row.
        head: returns the merchant that a row names, "" if none.
    """
    ended = _Ended(lines)
    names: list[str] = []
    known = False
    last: Said | Bad | None = None
    for found in records(ended):
        if isinstance(found, Cells) and not names:
            names = [column(each) for each in found.cells]
            continue
        last = found if isinstance(found, Bad) else said(names, found, row_of, hints)
        if isinstance(last, Said) and not known:
            known = True
            yield Head(head(last.fields))
        yield last
    yield End(ended.whole or not isinstance(last, Bad))


class _Ended:
    """Lines, and whether the last of them had an end."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self.whole = False

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.whole = line.endswith("\n")
            yield line
