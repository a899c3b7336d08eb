"""Reconciling a file: looked at, read, compared, kept, told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from voidtrail.errors import BillMismatch, FileInvalid, WrongUse
from voidtrail.event.bill import MATCHED, Item, Standing
from voidtrail.event.model import Micros
from voidtrail.runtime.app import House
from voidtrail.runtime.files import mapping_file_text
from voidtrail.runtime.preparing import Entry
from voidtrail.runtime.reconciling import rows as bills
from voidtrail.runtime.reconciling.books import Books
from voidtrail.runtime.reconciling.comparing import Compared, Window, compare
from voidtrail.runtime.reconciling.describing import described
from voidtrail.runtime.reconciling.files import BillFile, look
from voidtrail.runtime.reconciling.keeping import Kept, runs
from voidtrail.runtime.reconciling.proving import write_proofs
from voidtrail.runtime.reconciling.shapes import KINDS, Note, Outcome, Run, Sums
from voidtrail.runtime.revisions import Progress
from voidtrail.sources.bill import FORMS
from voidtrail.sources.bill_reading import Bad, Said
from voidtrail.sources.table.mapping import parse_mapping

TABLE: Final = "table"
SLACK_S: Final = 600
"""How near midnight a payment may stand in the bill of the day beside it."""
_PLATFORM_ZONES: Final = {"alipay": "Asia/Shanghai", "wechatpay": "Asia/Shanghai"}
_RUNS_MOST: Final = 10_000


class Asked(NamedTuple):
    """What is to be reconciled.

    Attributes:
        source: whose bill it is.
        account: name of the account; "" takes the only one.
        day: the day that it should be of; "" takes what the bill says.
        mapping: a mapping file, for a table of no known form.
        proofs: a file to which one line per order is written; None writes none.
        slack_s: see `SLACK_S`.
    """

    path: Path
    source: str
    account: str = ""
    day: str = ""
    mapping: Path | None = None
    proofs: Path | None = None
    slack_s: int = SLACK_S


def reconcile_file(house: House, asked: Asked, progress: Progress | None = None) -> Outcome:
    """Reconcile a platform's bill with the ledger; keep its rows and what came of it.

    Args:
        house: the house; nobody else writes through its ledger meanwhile.
        asked: what is to be reconciled.
        progress: told how far it is.

    Raises:
        FileInvalid: the file cannot be read at all.
        BillMismatch: it is of another platform, account or day; nothing was written.
    """
    tell = progress or _nothing
    reading = _open(house, asked, tell)
    entry, file = reading.entry, reading.file
    bill = bills.read(reading.pieces("bill", tell))
    checked = bills.check_account(bill, entry, file.form)
    zone = _PLATFORM_ZONES.get(asked.source, entry.account.zone)
    slack = asked.slack_s * 1_000_000
    since, until = bills.period(bill, asked.day, zone, slack)
    kept, books = Kept(house, entry, file.form), Books(house, entry)
    window = Window(since, until, slack, kept.ends_at(since), bill.complete, bill.lacks)
    lacks = tuple(item.name.lower() for item in bill.lacks)
    tell("compare", 0, 1)
    compared = compare(books, bill, window, kept.file_no(file.digest))
    findings = described(house, bill.rows, compared.found.findings)
    if asked.proofs is not None:
        write_proofs(house, bill.rows, compared, asked.proofs)
    tell("compare", 1, 1)
    before = [each for each in runs(house, _RUNS_MOST)
              if (each.source, each.account) == (asked.source, entry.account.name)]  # fmt: skip
    run = Run(
        number=1 + max((each.number for each in runs(house, 1)), default=0), at=house.clock(),
        source=asked.source, account=entry.account.name, form=file.form, file=file.path.name,
        digest=file.digest, since=since, until=until, zone=zone, **_counts(bill, compared),
        unpaid=books.unpaid(since, until), open=sum(each.open for each in findings),
        complete=bill.complete,
        counts={kind: sum(each.kind == kind for each in findings) for kind in KINDS},
        there=_sums(bill.rows), here=_sums_here(compared.legs), notes=_notes(bill, checked),
        replaces=tuple(each.number for each in before
                       if each.digest == file.digest
                       or (each.since, each.until, each.lacks) == (since, until, lacks)),
        lacks=lacks,
    )  # fmt: skip
    said = (each for each in reading.pieces("", tell) if isinstance(each, Said | Bad))
    kept.keep(said, run, tell, bill.rows.height + bill.unreadable)
    kept.enter(run, findings)
    return Outcome(run=run, findings=findings)


class _Reading(NamedTuple):
    """A file, whose it is, and how its rows are read: twice, never held."""

    entry: Entry
    file: BillFile
    mapped: bills.Mapped | None
    now: Micros

    def pieces(self, stage: str, tell: Progress) -> Iterator[bills.Piece]:
        """Read the file from its beginning."""

        def told(done: int) -> None:
            if stage:
                tell(stage, done, max(self.file.size, done))

        return bills.pieces(self.file, self.entry.account, self.mapped, told, self.now)


def _open(house: House, asked: Asked, tell: Progress) -> _Reading:
    """Look at the file and find its account.

    Raises:
        BillMismatch: it is another platform's.
    """
    entry = _entry(house, asked)
    size = max(asked.path.stat().st_size, 1) if asked.path.exists() else 1
    file = look(asked.path, lambda done: tell("look", done, max(size, done)))
    mapped = None
    if asked.mapping is not None:
        mapping = parse_mapping(mapping_file_text(asked.mapping))
        mapped, file = bills.Mapped(asked.path, mapping), file._replace(form=TABLE)
    elif not file.form:
        known = ", ".join(sorted(name for name in FORMS if name != TABLE))
        raise FileInvalid(
            f"{file.path.name}: no form of bill that is known ({known}); say with --map what its "
            "columns mean"
        )
    elif file.form != asked.source:
        raise BillMismatch(f"{file.path.name} is a bill of {file.form}, not of {asked.source}")
    return _Reading(entry, file, mapped, house.clock())


def _entry(house: House, asked: Asked) -> Entry:
    """Return the account whose bill it is."""
    if asked.account:
        return house.entry(asked.source, asked.account)
    names = [name for source, name in house.entries if source == asked.source]
    if len(names) > 1:
        raise WrongUse(
            f"source {asked.source!r} has several accounts; say which with --account: "
            + ", ".join(sorted(names))
        )
    return house.entry(asked.source, names[0] if names else "main")


# ---------------------------------------------------------------------------------- the account


def _counts(bill: bills.Bill, compared: Compared) -> dict[str, Any]:
    rows = bill.rows
    by_item = {item: bills.of(rows, item).height for item in MATCHED}
    return {
        "rows": rows.height, "payments": by_item[Item.PAYMENT], "refunds": by_item[Item.REFUND],
        "disputes": by_item[Item.DISPUTE], "others": rows.height - sum(by_item.values()),
        "unreadable": bill.unreadable, "agreed": compared.found.agreed,
        "waiting": compared.waiting,
    }  # fmt: skip


def _sums(rows: pl.DataFrame) -> tuple[Sums, ...]:
    """Add up what the bill says, by currency."""
    done = rows.filter(pl.col("standing") == int(Standing.SUCCEEDED))
    paid = _by_currency(bills.of(done, Item.PAYMENT), "currency", "amount")
    back = _by_currency(bills.of(done, Item.REFUND), "currency", "amount")
    fees = _by_currency(rows, "settled", "fee")
    return _united(paid, back, fees)


def _sums_here(legs: pl.DataFrame) -> tuple[Sums, ...]:
    """Add up our legs that the bill must hold."""
    due = legs.filter(pl.col("required"))
    return _united(_by_currency(bills.of(due, Item.PAYMENT), "currency", "amount"),
                   _by_currency(bills.of(due, Item.REFUND), "currency", "amount"), {})  # fmt: skip


def _by_currency(rows: pl.DataFrame, currency: str, amount: str) -> dict[str, int]:
    sums = rows.group_by(currency).agg(pl.col(amount).sum())
    return {code: int(total) for code, total in sums.iter_rows() if code and total}


def _united(paid: dict[str, int], back: dict[str, int], fees: dict[str, int]) -> tuple[Sums, ...]:
    return tuple(
        Sums(currency=code, paid_minor=paid.get(code, 0), returned_minor=back.get(code, 0),
             fees_minor=fees.get(code, 0))
        for code in sorted({*paid, *back, *fees})
    )  # fmt: skip


def _notes(bill: bills.Bill, checked: bool) -> tuple[Note, ...]:
    found = []
    if not bill.closed:
        found.append(Note(code="half"))
    found += [
        Note(code="total", where=each.what, stated=each.stated, found=each.found)
        for each in bill.totals
        if not each.holds
    ]
    found += [
        Note(code="unreadable", where=f"{each.line} {each.column}".strip(), why=each.why)
        for each in bill.bad
    ]
    if not bill.complete:
        found.append(Note(code="not_judged"))
    if not checked:
        found.append(Note(code="account_unchecked"))
    return tuple(found)


def _nothing(stage: str, done: int, total: int) -> None:
    """Tell nobody."""
