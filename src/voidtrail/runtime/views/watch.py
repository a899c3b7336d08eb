"""Counts kept fresh beside the requests: a page answers at once and says how old its count is.

Counting a period can take longer than a page may. So it is done by threads of their own, each over
a connection of its own: again after a few seconds if somebody still looks and something was
written since, and never for more than a tenth of the time. The counts of a long period have a
thread apart, so that the present day does not wait for them.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, Final, Generic, TypeVar

import structlog
from msgspec import structs

from voidtrail.runtime.app import House, reader_of
from voidtrail.runtime.views.course import NOTHING, Asked, Known, earlier_weeks
from voidtrail.runtime.views.overview import overview, uncounted
from voidtrail.runtime.views.overview_shapes import Overview
from voidtrail.runtime.views.paper import Paper, paper
from voidtrail.runtime.views.saving import Snapshot, snapshot

FRESH_S: Final = 2.0
"""A count that is no older is not made anew."""
IDLE_SHARE: Final = 9.0
"""After a count its thread rests this many times as long."""
LOOKED_S: Final = 60.0
"""What nobody looked at for so long is not counted anew."""
WAITED_S: Final = 15.0
"""Who waits for a first count asks again within this time; else it is not made."""
KEPT_MOST: Final = 64
WAIT_S: Final = 0.5
WAIT_LARGE_S: Final = 0.03
"""How long a page waits for a count that was never made; then it says that it is under way.

In a large ledger the first count takes longer than anybody should wait.
"""
_LARGE: Final = 200_000
_PAUSE_S: Final = 0.25
_EARLIER_S: Final = 1800.0
_PAPER_S: Final = 20.0
_PAPER_WAIT_S: Final = 4.0
_LONG_DAYS: Final = 8
T = TypeVar("T")
_log = structlog.get_logger(__name__)


class _Count(Generic[T]):
    """One thing that is counted, and its newest value."""

    def __init__(self, make: Callable[[House], T], fresh_s: float) -> None:
        self.make = make
        self.fresh_s = fresh_s
        self.value: T | None = None
        self.made_at = 0.0
        self.cost_s = 0.0
        self.version: Any = None
        self.wanted_at = 0.0
        self.tried_at = 0.0

    def due(self, now: float) -> bool:
        """Whether it is to be counted anew."""
        age = now - self.made_at
        return now - self.wanted_at < LOOKED_S and age >= max(
            self.fresh_s, IDLE_SHARE * self.cost_s
        )


class Counter:
    """A thread that counts what is asked for, over a reading connection of its own.

    Args:
        house: what the server works with.
        name: of the thread.
        outside: a value that changes when something changed besides what is in the store.
        monotonic: seconds of a clock that only goes forward.
    """

    def __init__(
        self, house: House, name: str, outside: Callable[[], object],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._house = house
        self._clock = monotonic
        self._outside = outside
        self._reader: House | None = None
        self._rest_until = 0.0
        self._counts: dict[Hashable, _Count[Any]] = {}
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def get(
        self, key: Hashable, make: Callable[[House], T], *, fresh_s: float = FRESH_S,
        wait_s: float = WAIT_S,
    ) -> tuple[T | None, float]:  # fmt: skip
        """Return the newest value and its age in seconds; None while it was never counted.

        Args:
            key: what is counted.
            make: counts it, over a house that reads.
            fresh_s: how old it may be before it is counted anew.
            wait_s: how long to wait for a first count.
        """
        with self._changed:
            now = self._clock()
            count = self._counts.get(key)
            if count is None:
                self._forget()
                count = self._counts[key] = _Count(make, fresh_s)
            count.wanted_at = now
            self._changed.notify_all()
            if count.value is None or now - count.made_at > LOOKED_S:
                # Nobody has looked for a while: better a moment's wait than an old figure.
                self._changed.wait_for(lambda: count.made_at >= now or self._closing, wait_s)
            return count.value, max(0.0, self._clock() - count.made_at)

    def close(self) -> None:
        """Stop; a count under way is broken off."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._reader is not None:
            with contextlib.suppress(sqlite3.ProgrammingError):  # it may be closed by now
                self._reader.ledger.db.interrupt()
        self._thread.join(timeout=10.0)

    def _forget(self) -> None:
        """Forget what was not looked at for longest, beyond what is kept."""
        while len(self._counts) >= KEPT_MOST:
            oldest = min(self._counts, key=lambda key: self._counts[key].wanted_at)
            del self._counts[oldest]

    def _run(self) -> None:
        self._reader = reader = reader_of(self._house)
        try:
            while not self._closing:
                with self._changed:
                    count = self._next()
                    if count is None:
                        self._changed.wait(_PAUSE_S)
                if count is not None:
                    self._count(reader, count)
        finally:
            reader.close()

    def _next(self) -> _Count[Any] | None:
        """Return what is to be counted now: what never was, then what is oldest."""
        now = self._clock()
        never = [
            each for each in self._counts.values()
            if each.value is None and now - each.wanted_at < WAITED_S
        ]  # fmt: skip
        if never:
            return min(never, key=lambda each: each.tried_at)
        due = [each for each in self._counts.values() if each.due(now)]
        if now < self._rest_until or not due:
            return None
        return min(due, key=lambda each: each.made_at)

    def _count(self, reader: House, count: _Count[Any]) -> None:
        began = self._clock()
        count.tried_at = began
        try:
            (written,) = reader.ledger.db.execute("PRAGMA data_version").fetchone()
            version = written, self._outside()
            if count.value is not None and version == count.version:
                with self._changed:
                    count.made_at = began
                    self._changed.notify_all()
                return
            value = count.make(reader)
        except Exception:
            if not self._closing:
                _log.exception("count_failed")
                time.sleep(_PAUSE_S)
            return
        count.cost_s = self._clock() - began
        self._rest_until = self._clock() + IDLE_SHARE * count.cost_s
        with self._changed:
            count.value, count.version, count.made_at = value, version, self._clock()
            self._changed.notify_all()


class Watch:
    """What the console's pages look at all day: the overview, and what can still be saved.

    Args:
        house: what the server works with.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        # Read now, where the house is built: its connection belongs to the writer from here on.
        self._accounts = house.ledger.accounts()
        (names,) = house.ledger.db.execute("SELECT ifnull(max(no), 0) FROM name").fetchone()
        self._wait_s = WAIT_LARGE_S if names > _LARGE else WAIT_S
        self._known_made = 0
        self._long = Counter(house, "count-long", lambda: 0)
        self._short = Counter(house, "count", lambda: self._known_made)
        self._short.get("saving", snapshot, wait_s=0.0)

    def overview(self, asked: Asked) -> Overview:
        """Return the first page as it was last counted; pending while it never was.

        Args:
            asked: which period, shop, and whether test traffic counts.
        """
        days = asked.days()
        counter = self._short if days is not None and days <= _LONG_DAYS else self._long
        found, age_s = counter.get(
            ("overview", asked),
            lambda reader: self._overview(reader, asked),
            wait_s=self._wait_s,
        )
        if found is None:
            return uncounted(self._accounts, asked)
        return structs.replace(found, age_s=round(age_s, 1))

    def saving(self) -> Snapshot | None:
        """Return what can still be saved as it was last found; None while it never was."""
        return self._short.get("saving", snapshot, wait_s=self._wait_s)[0]

    def paper(self, asked: Asked) -> Paper | None:
        """Return the report to be forwarded as it was last counted; None while it never was.

        Args:
            asked: which days, which shop, and whether test traffic counts.
        """
        return self._long.get(
            ("paper", asked), lambda reader: paper(reader, asked, now=self._house.clock()),
            fresh_s=_PAPER_S, wait_s=_PAPER_WAIT_S if self._wait_s == WAIT_S else self._wait_s,
        )[0]  # fmt: skip

    def close(self) -> None:
        """Stop counting."""
        self._short.close()
        self._long.close()

    def _overview(self, reader: House, asked: Asked) -> Overview:
        known, _ = self._long.get(
            ("earlier", asked), lambda other: self._earlier(other, asked), fresh_s=_EARLIER_S,
            wait_s=0.0,
        )  # fmt: skip
        return overview(reader, asked, known=known or NOTHING, saving=snapshot(reader),
                        now=self._house.clock())  # fmt: skip

    def _earlier(self, reader: House, asked: Asked) -> Known:
        found = earlier_weeks(reader, asked)
        self._known_made += 1
        return found
