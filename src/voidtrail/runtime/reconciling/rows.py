"""A bill's rows as columns, and what the bill says of itself, read once from its file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from voidtrail.errors import BillMismatch, WrongUse
from voidtrail.event.account import Account
from voidtrail.event.bill import MATCHED, BillRow, Item
from voidtrail.event.model import Micros, Unreadable
from voidtrail.runtime import clock, tables
from voidtrail.runtime.preparing import Entry
from voidtrail.runtime.reconciling.files import BillFile
from voidtrail.sources.bill import FORMS, hints_of
from voidtrail.sources.bill_reading import Bad, End, Head, Said, Total
from voidtrail.sources.table.bill import fields_of, rows_of
from voidtrail.sources.table.mapping import TableMapping

SCHEMA: Final[dict[str, Any]] = {
    "line": pl.Int64, "item": pl.Int8, "standing": pl.Int8, "amount": pl.Int64,
    "currency": pl.String, "at": pl.Int64, "reference": pl.String, "names": pl.String,
    "order": pl.String, "operation": pl.String, "status": pl.String, "fee": pl.Int64,
    "settled": pl.String,
}  # fmt: skip
BETWEEN: Final = "\x1f"
_SLICE: Final = 50_000
_BAD_SHOWN: Final = 20
_HALF: Final = 0.5

Told = Callable[[int], None]


class Bill(NamedTuple):
    """A bill that was read.

    Attributes:
        rows: with the columns of `SCHEMA`, all of them.
        merchants: the accounts that it names.
        bad: the first lines that could not be read; `unreadable` counts all.
        totals: sums that it states.
        lacks: what a bill of its type never holds.
        closed: its end was there.
    """

    rows: pl.DataFrame
    merchants: frozenset[str]
    since: Micros | None
    until: Micros | None
    bad: tuple[Bad, ...]
    unreadable: int
    totals: tuple[Total, ...]
    closed: bool
    lacks: tuple[Item, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing of it is missing."""
        return self.closed and not self.unreadable and all(each.holds for each in self.totals)


class Mapped(NamedTuple):
    """A table and its mapping file, for a bill of no form that we know."""

    path: Path
    mapping: TableMapping


Piece = Said | Bad | Head | Total | End


def pieces(
    file: BillFile, account: Account, mapped: Mapped | None, told: Told, now: Micros
) -> Iterator[Piece]:
    """Yield what a bill holds, piece by piece."""
    if mapped is None:
        lines = file.lines(told)
        yield from FORMS[file.form].read(lines, hints_of(account))
        return
    table = tables.open_table(mapped.path)
    line = 1
    for _delivery, found in tables.translate_file(table, mapped.mapping, account, now, told):
        line += 1
        if isinstance(found, Unreadable):
            yield Bad(line, found.path, found.why)
            continue
        for row in rows_of(found, line):
            yield Said(row, fields_of(row))
    yield End(closed=True)


def read(every: Iterator[Piece]) -> Bill:
    """Read a bill into columns."""
    frames: list[pl.DataFrame] = []
    rows: list[tuple[object, ...]] = []
    merchants: set[str] = set()
    bad: list[Bad] = []
    totals: list[Total] = []
    head, closed, unreadable = Head(), False, 0
    for piece in every:
        if isinstance(piece, Said):
            rows.append(_columns(piece.row))
            if piece.row.merchant:
                merchants.add(piece.row.merchant)
            if len(rows) == _SLICE:
                frames.append(pl.DataFrame(rows, schema=SCHEMA, orient="row"))
                rows = []
        elif isinstance(piece, Bad):
            unreadable += 1
            bad += [piece] if len(bad) < _BAD_SHOWN else []
        elif isinstance(piece, Head):
            head = piece
            merchants |= {piece.merchant} - {""}
        elif isinstance(piece, Total):
            totals.append(piece)
        else:
            closed = piece.closed
    frames.append(pl.DataFrame(rows, schema=SCHEMA, orient="row"))
    return Bill(
        pl.concat(frames), frozenset(merchants), head.since, head.until, tuple(bad), unreadable,
        tuple(totals), closed, head.lacks,
    )  # fmt: skip


def _columns(row: BillRow) -> tuple[object, ...]:
    return (
        row.line, int(row.item), int(row.standing), row.amount_minor, row.currency, row.at,
        row.reference, BETWEEN.join(row.names), row.order, row.operation, row.status,
        row.fee_minor, row.settled_currency or row.currency,
    )  # fmt: skip


# ------------------------------------------------------------------------- whose, and of when


def check_account(bill: Bill, entry: Entry, form: str) -> bool:
    """Return whether the bill says whose it is; refuse one of somebody else.

    Raises:
        BillMismatch: it is another account's.
    """
    account, names = entry.account, FORMS[form].MERCHANT_OPTIONS if form in FORMS else ()
    ours = [account.options[name] for name in (*names, "sub_mchid") if name in account.options]
    ours += [each.reveal() for name in names for each in entry.secrets.get(name, ())]
    if not bill.merchants or not ours:
        return False
    for merchant in sorted(bill.merchants):
        if not any(_is_ours(merchant, each) for each in ours):
            raise BillMismatch(
                f"the bill is of account {merchant!r}, but {account.source}/{account.name} is "
                f"{' or '.join(map(repr, ours))}; name the right account with --account"
            )
    return True


def _is_ours(merchant: str, ours: str) -> bool:
    """Whether a bill's account is ours: Alipay writes four digits of its own behind it."""
    whole, _, sub = merchant.partition("/")
    return ours in (whole, sub) or (len(ours) >= 16 and whole == f"{ours}0156")


def period(bill: Bill, day: str, zone: str, slack: Micros) -> tuple[Micros, Micros]:
    """Return the period that a bill covers, half-open.

    Args:
        bill: the bill.
        day: the day that somebody says it is of, as "2026-03-01"; "" if nobody does.
        zone: in which the platform's day begins.
        slack: how near midnight a row may belong to the day beside it.

    Raises:
        BillMismatch: the bill is of another day.
    """
    at = bill.rows.filter(pl.col("item").is_in([int(each) for each in MATCHED])).get_column("at")
    if day:
        since, until = _day(day, zone)
        _check_day(bill, at, day, since, until, zone, slack)
        return since, until
    if bill.since is not None and bill.until is not None:
        return bill.since, bill.until
    if not len(at):
        raise WrongUse("the bill holds no payment and does not say of which day it is: say --day")
    days = _days(at, zone, slack)
    return _day(days[0], zone)[0], _day(days[-1], zone)[1]


def _day(text: str, zone: str) -> tuple[Micros, Micros]:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise WrongUse(f"{text!r} is not a day; write it as 2026-03-01") from None
    return clock.from_text(text, zone=zone), clock.from_text(text, zone=zone, end=True)


def _check_day(
    bill: Bill, at: pl.Series, day: str, since: Micros, until: Micros, zone: str, slack: Micros
) -> None:
    if bill.since is not None and bill.until is not None:
        if (bill.since, bill.until) != (since, until) and not bill.since <= since < bill.until:
            stated = clock.to_datetime(bill.since, zone).date().isoformat()
            raise BillMismatch(f"the bill is of {stated}, not of {day}")
        return
    within = int(at.is_between(since - slack, until + slack, closed="left").sum())
    if len(at) and within < _HALF * len(at):
        other = _days(at, zone, slack)[0]
        raise BillMismatch(f"the bill is of {other}, not of {day}")


def _days(at: pl.Series, zone: str, slack: Micros) -> list[str]:
    """Return the days of a bill's rows; one that only a moment of is there is no day of it."""
    count: Counter[date] = Counter()
    core: Counter[date] = Counter()
    for instant in at.to_list():
        moment = clock.to_datetime(instant, zone)
        count[moment.date()] += 1
        core[moment.date()] += not _near_midnight(moment, zone, slack)
    days = sorted(day for day in count if core[day]) or sorted(count)[:1]
    return [day.isoformat() for day in days]


def _near_midnight(moment: datetime, zone: str, slack: Micros) -> bool:
    midnight = datetime(moment.year, moment.month, moment.day, tzinfo=ZoneInfo(zone))
    width = timedelta(microseconds=slack)
    return moment - midnight < width or midnight + timedelta(days=1) - moment <= width


def of(rows: pl.DataFrame, item: Item) -> pl.DataFrame:
    """Return the rows that are about one thing."""
    return rows.filter(pl.col("item") == int(item))
