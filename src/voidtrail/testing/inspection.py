"""An inspector that reads a ledger's file as SQLite alone would, and holds it against a list.

It imports nothing of the house: what the house got wrong, it must not get wrong in the same way.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, Protocol

_EVENTS: Final = (
    "SELECT n.text, substr(e.label, 1, instr(e.label || ':', ':') - 1), e.amount_minor, "
    "n.payment_id FROM event e JOIN name n ON n.no = e.name_no WHERE e.active = 1"
)
_ENTRIES: Final = (
    "SELECT seq FROM delivery UNION ALL SELECT seq FROM event UNION ALL SELECT seq FROM control"
)


class Told(Protocol):
    """A notice that a client sent, or was told is kept."""

    @property
    def payment(self) -> str:
        """The payment's reference."""

    @property
    def label(self) -> str:
        """What happened: the first word of the event's label."""

    @property
    def amount_minor(self) -> int:
        """How much."""


class Inspection(NamedTuple):
    """What the file holds, against what clients were told.

    Attributes:
        acknowledged: how many notices clients were told are kept.
        lost: those of them that are not in the file, or not with their amount.
        doubled: notices that are in the file more than once, and payments whose money is not
            what their notices say.
        strangers: events that nobody sent.
        broken: what is wrong with the file itself, in sentences.
    """

    acknowledged: int
    deliveries: int
    events: int
    lost: list[str]
    doubled: list[str]
    strangers: list[str]
    broken: list[str]

    @property
    def clean(self) -> bool:
        """Nothing is lost, doubled, strange or broken."""
        return not (self.lost or self.doubled or self.strangers or self.broken)


def inspect(
    path: Path, acknowledged: Iterable[Told], sent: Iterable[Told] = (), *, account: str
) -> Inspection:
    """Read the file after all that was acknowledged has been copied.

    Args:
        path: the ledger's file.
        acknowledged: what clients were told is kept; copied before the file is opened.
        sent: everything that clients sent; what is in the file beyond it is strange. Empty: not
            asked.
        account: whose payments these are, as "stripe/main".
    """
    told = [(f"{account}/{one.payment}", one.label, one.amount_minor) for one in acknowledged]
    possible = {(f"{account}/{one.payment}", one.label, one.amount_minor) for one in sent}
    db = sqlite3.connect(path)
    db.text_factory = partial(str, encoding="utf-8", errors="replace")
    try:
        rows = db.execute(_EVENTS).fetchall()
        money = {pid: rest for pid, *rest in db.execute(
            "SELECT payment_id, captured, returned FROM verdict")}  # fmt: skip
        deliveries = db.execute("SELECT count(*) FROM delivery").fetchone()[0]
        broken = _broken(db)
    finally:
        db.close()
    kept = Counter((text, label, amount) for text, label, amount, _ in rows)
    times = Counter((text, label) for text, label, _, _ in rows)
    lost = [f"{text} {label}" for text, label, amount in told if not kept[text, label, amount]]
    doubled = [f"{text} {label}: {n} times" for (text, label), n in times.items() if n > 1]
    strangers = [f"{text} {label}" for text, label, amount, _ in rows
                 if possible and (text, label, amount) not in possible]  # fmt: skip
    return Inspection(
        len(told), deliveries, len(rows), lost, doubled + _wrong_money(rows, money), strangers,
        broken,
    )  # fmt: skip


def _wrong_money(rows: list[tuple[str, str, int, int]], money: dict[int, list[int]]) -> list[str]:
    """Return paid payments whose concluded money is not what their notices say, once each."""
    wanted: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    names: dict[int, str] = {}
    for text, label, amount, pid in rows:
        names[pid] = text
        if label == "capture":
            wanted[pid][0] = amount
        elif label == "refund":
            wanted[pid][1] = amount
    return [
        f"{names[pid]}: captured and returned {money.get(pid)}, its notices say {amounts}"
        for pid, amounts in wanted.items()
        if amounts[0] and list(money.get(pid, [])) != amounts
    ]


def _broken(db: sqlite3.Connection) -> list[str]:
    found = [text for (text,) in db.execute("PRAGMA integrity_check") if text != "ok"]
    sequence = sorted(seq for (seq,) in db.execute(_ENTRIES))
    if sequence != list(range(1, len(sequence) + 1)):
        found.append("the entries' numbers have gaps or come twice")
    groups = db.execute("SELECT no, first_seq, count FROM chain ORDER BY no").fetchall()
    following = 1
    for number, (no, first, count) in enumerate(groups, start=1):
        if (no, first) != (number, following):
            found.append(f"group {no} begins at {first} and not at {following}")
            break
        following = first + count
    if following != len(sequence) + 1:
        found.append(f"the chain ends before entry {following}, the entries at {len(sequence)}")
    return found
