"""Earlier revisions of a file: what they said is made inactive, slice by slice.

The ledger keeps every statement; a superseded one no longer takes part in any payment. The payments
so touched are folded anew in the same transaction, and nobody is told: it is history.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from voidtrail.ledger import rebuild
from voidtrail.ledger.contract import SLICE_MAX
from voidtrail.runtime.app import House
from voidtrail.runtime.turns import Turns

Progress = Callable[[str, int, int], None]
"""Called with (what is done: "look", "rows" or "supersede", how much, of how much)."""


def supersede(house: House, no: int, turns: Turns, tell: Progress) -> tuple[int, ...]:
    """Let the earlier revisions of a file give way, in slices; safe to be interrupted.

    Args:
        house: the house.
        no: number of the file's newest revision, wholly written.
        turns: takes turns with others who write.
        tell: told how far it is.

    Returns:
        The numbers of the revisions that gave way.
    """
    db = house.ledger.db
    earlier = db.execute(
        "SELECT e.no FROM file e JOIN file f ON f.account_no = e.account_no AND f.name = e.name "
        "WHERE f.no = ? AND e.no <> f.no AND e.superseded_by IS NULL ORDER BY e.no", (no,),
    ).fetchall()  # fmt: skip
    if earlier:
        entries = [
            ("supersede", msgspec.json.encode({"file": old, "by": no}).decode())
            for (old,) in earlier
        ]
        with turns.turn() as ledger:
            ledger.control(entries, house.clock())
            db.executemany("UPDATE file SET superseded_by = ? WHERE no = ?",
                           [(no, old) for (old,) in earlier])  # fmt: skip
    gone = [old for (old,) in db.execute("SELECT no FROM file WHERE superseded_by = ?", (no,))]
    for old in gone:
        _retire(house, old, turns, tell)
    return tuple(gone)


def _retire(house: House, no: int, turns: Turns, tell: Progress) -> None:
    """Make what a file's deliveries said inactive, and fold the payments so touched anew."""
    db = house.ledger.db
    seqs = [seq for (seq,) in db.execute(
        "SELECT seq FROM delivery WHERE file_no = ? ORDER BY seq", (no,))]  # fmt: skip
    for start in range(0, len(seqs), SLICE_MAX):
        part = seqs[start : start + SLICE_MAX]
        end = next_delivery(house, part[-1])
        with turns.turn() as ledger:
            found = ledger.db.execute(
                "SELECT e.seq, n.payment_id FROM event e JOIN delivery d ON d.seq = e.delivery_id "
                "JOIN name n ON n.no = e.name_no WHERE e.seq > ? AND e.seq < ? AND e.active = 1 "
                "AND d.file_no = ?", (part[0], end, no),
            ).fetchall()  # fmt: skip
            ledger.db.executemany("UPDATE event SET active = 0 WHERE seq = ?",
                                  [(seq,) for seq, _ in found])  # fmt: skip
            if found:
                quietly(house, lambda: rebuild.rebuild(
                    house.ledger, sorted({pid for _, pid in found})))  # noqa: B023 # fmt: skip
        tell("supersede", start + len(part), len(seqs))


def quietly(house: House, work: Callable[[], None]) -> None:
    """Do what may change verdicts without telling anybody, inside of a transaction begun."""
    db = house.ledger.db
    last = db.execute("SELECT ifnull(max(no), 0) FROM outbox").fetchone()[0]
    work()
    db.execute("DELETE FROM outbox WHERE no > ?", (last,))


def next_delivery(house: House, seq: int) -> int:
    """Return the first sequence number that belongs to a later delivery."""
    row = house.ledger.db.execute(
        "SELECT min(seq) FROM delivery WHERE seq > ?", (seq,)).fetchone()  # fmt: skip
    return int(row[0]) if row[0] is not None else house.ledger.head().entries + 1
