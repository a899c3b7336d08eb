"""Writing in slices beside a server: each slice is one transaction, and others get their turn.

A server on the same file sees its notifications answered only when it can write. So a slice holds
the writer for a few milliseconds, and while somebody else writes too, the pauses are longer than
the slices; alone on the file there is hardly a pause.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from voidtrail.ledger.contract import SLICE_MAX
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.runtime.app import House
from voidtrail.sources.table import NAME

HOLD_S: Final = 0.006
"""How long a slice may hold the writer while somebody else writes."""
SHARE: Final = 3.0
"""While somebody else writes, a pause is this many times as long as the slice before it."""
ALONE_S: Final = 0.0005
COMPANY_S: Final = 2.0
"""How long after another's last write the pauses stay long."""
SMALLEST: Final = 16


class Turns:
    """Takes turns at writing.

    Args:
        house: the house whose ledger is written.
        sleep: waits for seconds.
        monotonic: seconds of a clock that only goes forward.
    """

    def __init__(
        self, house: House, sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._house = house
        self._sleep = sleep
        self._clock = monotonic
        self._seen = house.ledger.data_version()
        self._company_until = 0.0
        self._per_item_s = HOLD_S / SLICE_MAX

    @contextmanager
    def turn(self, items: int = 0) -> Iterator[SqliteLog]:
        """One transaction; committed at the end, given up on an error, then a pause."""
        ledger = self._house.ledger
        waited = not ledger.try_begin()
        if waited:
            ledger.begin()
        held = self._clock()
        try:
            yield ledger
        except BaseException:
            ledger.rollback()
            raise
        ledger.commit()
        ended = self._clock()
        if waited or ledger.data_version() != self._seen:
            self._company_until = ended + COMPANY_S
        self._seen = ledger.data_version()
        if items:
            self._per_item_s = 0.7 * self._per_item_s + 0.3 * (ended - held) / items
        self._sleep(SHARE * (ended - held) if self.in_company() else ALONE_S)

    def in_company(self) -> bool:
        """Whether somebody else wrote lately."""
        return self._clock() < self._company_until

    def parts(self, count: int) -> Iterator[tuple[int, int]]:
        """Divide a slice so that no part holds the writer for long in company."""
        start = 0
        while start < count:
            size = SLICE_MAX
            if self.in_company():
                size = max(SMALLEST, min(size, int(HOLD_S / max(self._per_item_s, 1e-6))))
            yield start, min(start + size, count)
            start += size

    def tick(self) -> None:
        """Set the ledger's clock and judge what silence has ended, nobody told of history."""
        house = self._house
        now = house.clock()
        with self.turn() as ledger:
            ledger.control([("tick", "{}")], max(now, ledger.head().tick))
            more = self._overdue(ledger)
        while more:
            with self.turn() as ledger:
                more = self._overdue(ledger)

    def _overdue(self, ledger: SqliteLog) -> bool:
        """Judge one slice of overdue payments; False when no verdict changes any more."""
        tick = ledger.head().tick
        due = [pid for pid, _ in ledger.due(tick, SLICE_MAX)]
        if not due:
            return False
        db = ledger.db
        last = db.execute("SELECT ifnull(max(no), 0) FROM outbox").fetchone()[0]
        changed = ledger.rejudge(due, tick)
        db.execute(
            "UPDATE outbox SET quiet = quiet | 1 WHERE no > ? AND payment_id IN "
            "(SELECT payment_id FROM payment WHERE mover_no IS NULL AND speaker & 4294967295 IN "
            "(SELECT no FROM account WHERE source = ?))", (last, NAME),
        )  # fmt: skip
        return bool(changed) and len(due) == SLICE_MAX
