"""What is kept of a reconciliation: the bill's rows as deliveries, and the run as entries.

The rows stand under an account of the source "bill", beside the platform's own; a bill of the same
period of the same account takes the place of the earlier one, and a run that of the earlier run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec

from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Event, Micros, Unreadable, Via
from voidtrail.ledger.contract import SLICE_MAX, Item
from voidtrail.runtime.app import House, add_account
from voidtrail.runtime.clock import to_text
from voidtrail.runtime.preparing import Entry, item_of
from voidtrail.runtime.reconciling.shapes import FOUND, RUN, Finding, Run
from voidtrail.runtime.revisions import Progress, supersede
from voidtrail.runtime.turns import Turns
from voidtrail.sources import bill
from voidtrail.sources.bill_reading import Bad, Said

_PER_ENTRY: Final = 200


class Kept:
    """The place of one bill in the ledger.

    Args:
        house: the house; nobody else writes through its ledger meanwhile.
        entry: the platform's account whose bill it is.
        form: of the bill.
    """

    def __init__(self, house: House, entry: Entry, form: str) -> None:
        self.house = house
        self.entry = entry
        self.form = form
        account = entry.account
        self.name = f"{account.source}-{account.name}"
        self.witness = Account(
            source=bill.NAME, name=self.name, entity=account.entity, shop=account.shop,
            mode=account.mode, zone=account.zone, cutoff=account.cutoff,
            options={name: value for name, value in account.options.items() if name == "currency"},
        )  # fmt: skip

    def file_no(self, digest: str) -> int | None:
        """Return the number of the bill's file, if it is in force already."""
        row = self.house.ledger.db.execute(
            "SELECT f.no FROM file f JOIN account a ON a.no = f.account_no WHERE a.source = ? "
            "AND a.name = ? AND f.digest = ? AND f.superseded_by IS NULL ORDER BY f.no DESC LIMIT "
            "1", (bill.NAME, self.name, digest),
        ).fetchone()  # fmt: skip
        return None if row is None else int(row[0])

    def ends_at(self, instant: Micros) -> bool:
        """Whether a bill in force ends where another begins."""
        prefix = f"..{to_text(instant)}"
        return self.house.ledger.db.execute(
            "SELECT 1 FROM file f JOIN account a ON a.no = f.account_no WHERE a.source = ? AND "
            "a.name = ? AND f.superseded_by IS NULL AND f.done = 1 "
            "AND instr(f.name, ?) > 0 LIMIT 1", (bill.NAME, self.name, prefix),
        ).fetchone() is not None  # fmt: skip

    # ------------------------------------------------------------------ rows

    def keep(
        self, rows: Iterator[Said | Bad], run: Run, tell: Progress, total: int
    ) -> int:  # fmt: skip
        """Write the rows that are not there yet; return the file's number.

        Lines that could not be read are kept too, in quarantine.
        """
        house, turns = self.house, Turns(self.house)
        parts = (self.form, f"{to_text(run.since)}..{to_text(run.until)}",
                 *(f"without {each}" for each in run.lacks))  # fmt: skip
        no, done = self._enter(run.digest, " ".join(parts))
        if done:
            return no
        witness = house.entries[bill.NAME, self.name]
        (written,) = house.ledger.db.execute(
            "SELECT count(*) FROM delivery WHERE file_no = ?", (no,)
        ).fetchone()
        # What an interrupted run wrote is a prefix: a file of this digest has no other rows.
        rows = islice(rows, written, None)
        received_at, count = house.clock(), written
        turns.tick()
        while part := list(islice(rows, SLICE_MAX)):
            items = [self._item(each, run.digest, received_at, witness, no) for each in part]
            for start, stop in turns.parts(len(items)):
                with turns.turn(stop - start) as ledger:
                    ledger.append(items[start:stop], house.clock())
            count += len(part)
            tell("keep", count, total)
        supersede(house, no, turns, tell)
        with turns.turn() as ledger:
            ledger.db.execute("UPDATE file SET done = 1 WHERE no = ?", (no,))
            ledger.control([("file_done", _json({"no": no}))], house.clock())
        turns.tick()
        return no

    def _enter(self, digest: str, name: str) -> tuple[int, bool]:
        """Enter account and file, if they are not known; return its number, and if it is whole."""
        house, known = self.house, self.file_no(digest)
        ledger, now = house.ledger, house.clock()
        ledger.begin()
        try:
            witness = add_account(house, self.witness, {})
            if known is None:
                known = ledger.db.execute("SELECT ifnull(max(no), 0) + 1 FROM file").fetchone()[0]
                mapping = f"{bill.NAME}/{self.form}"
                ledger.db.execute("INSERT INTO file VALUES (?, ?, ?, ?, ?, 0, NULL)",
                                  (known, name, digest, witness.no, mapping))  # fmt: skip
                said = {"no": known, "name": name, "digest": digest, "account_no": witness.no,
                        "mapping": mapping}  # fmt: skip
                ledger.control([("file", _json(said))], now)
            row = ledger.db.execute("SELECT done FROM file WHERE no = ?", (known,)).fetchone()
        except BaseException:
            ledger.rollback()
            raise
        ledger.commit()
        return int(known), bool(row[0])

    def _item(self, said: Said | Bad, digest: str, at: Micros, witness: Entry, no: int) -> Item:
        found: list[Event] | Unreadable
        if isinstance(said, Said):
            line, body = said.row.line, msgspec.json.encode(said.fields)
            found = bill.events_of(said.row, digest, self.entry.identity)
        else:
            line, body = said.line, said.text.encode("utf-8", "replace")
            found = Unreadable(path=f"line {line} {said.column}".strip(), why=said.why)
        headers = (
            (bill.FILE, digest), (bill.LINE, str(line)), (bill.FORM, self.form),
            (bill.OF, self.entry.identity),
        )  # fmt: skip
        delivery = Delivery(
            source=bill.NAME, account=self.name, received_at=at,
            body=body, headers=headers, via=Via.FILE, context=digest,
        )  # fmt: skip
        return item_of(delivery, found, witness, self.house.keyring, file_no=no)

    # ------------------------------------------------------------------ the run

    def enter(self, run: Run, findings: Sequence[Finding]) -> None:
        """Write a run and its findings into the ledger, in one transaction a part."""
        turns = Turns(self.house)
        for start in range(0, len(findings), _PER_ENTRY):
            part = {"run": run.number, "findings": findings[start : start + _PER_ENTRY]}
            with turns.turn() as ledger:
                ledger.control([(FOUND, _json(part))], self.house.clock())
        with turns.turn() as ledger:
            ledger.control([(RUN, _json(run))], self.house.clock())
        turns.tick()


def runs(house: House, limit: int) -> list[Run]:
    """Return the latest runs, the newest first."""
    rows = house.ledger.db.execute(
        "SELECT body FROM control WHERE kind = ? ORDER BY seq DESC LIMIT ?", (RUN, limit)
    )
    return [msgspec.json.decode(body, type=Run) for (body,) in rows]


class _Part(msgspec.Struct):
    run: int
    findings: tuple[Finding, ...]


def findings_of(house: House, number: int) -> Iterator[Finding]:
    """Yield the findings of a run."""
    db = house.ledger.db
    ends = db.execute(
        "SELECT seq, body FROM control WHERE kind = ? ORDER BY seq", (RUN,)
    )  # fmt: skip
    first = 0
    for seq, body in ends:
        if msgspec.json.decode(body, type=Run).number == number:
            rows = db.execute(
                "SELECT body FROM control WHERE kind = ? AND seq > ? AND seq < ? ORDER BY seq",
                (FOUND, first, seq),
            )
            for (part,) in rows:
                found = msgspec.json.decode(part, type=_Part)
                if found.run == number:
                    yield from found.findings
            return
        first = seq


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="deterministic").decode()
