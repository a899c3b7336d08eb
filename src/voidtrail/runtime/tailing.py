"""Logs that are read while they grow: lines that a rule is about become deliveries.

How far a log was read becomes durable in the transaction of what was read up to there, so that
neither a crash nor a rotation loses a line or tells of it twice. Lines without a reference are
observations: counted by rule and minute. Of all other lines only their number is known.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import structlog

from voidtrail.errors import LedgerStopped
from voidtrail.event.model import Delivery, Micros
from voidtrail.ledger.contract import QUARANTINED, SLICE_MAX, Item, Log, Receipt
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.runtime.app import House
from voidtrail.runtime.growing import Growing, Line, Places
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.inlets import TailSettings
from voidtrail.runtime.preparing import Entry, item_of, translated
from voidtrail.sources.gateway_log import CUT_HEADER, NAME
from voidtrail.sources.gateway_log.facts import Reader

POLL_S: Final = 0.2
_KEEP_S: Final = 5.0
"""So often the place of lines that state nothing is kept; after a crash those are read again."""
_MINUTE: Final = 60_000_000
_log = structlog.get_logger(__name__)


class _Kept(msgspec.Struct, kw_only=True):
    """What is kept of a path: places, and what was counted since the last control entry."""

    places: Places
    observed: list[tuple[str, Micros, int]] = []


class Tail:
    """Reads one path.

    Args:
        house: ledger, keys and clock.
        intake: the writer that it shares with the doors.
        settings: how the log is read.
        path: the file.
        entry: whose log it is.
    """

    def __init__(
        self, house: House, intake: Intake, settings: TailSettings, path: Path, entry: Entry
    ) -> None:
        self._house = house
        self._intake = intake
        self._settings = settings
        self._entry = entry
        self._counts = intake.counts
        self._reader = Reader(settings.form())
        self._name = f"{entry.identity}:{path}"
        kept = house.ledger.place(self._name)
        known = None if kept is None else msgspec.json.decode(kept, type=_Kept)
        self._observed: Counter[tuple[str, Micros]] = Counter()
        for rule, minute, count in known.observed if known else ():
            self._observed[rule, minute] = count
        self._open = partial(
            Growing, path, known.places if known else None, settings.line_max_bytes,
            from_start=settings.since == "start",
        )  # fmt: skip
        self._growing: Growing | None = None
        with suppress(OSError):  # a log that cannot be read must not keep payments out
            self._growing = self._open()
        self._items: list[Item] = []
        self._keeping: asyncio.Future[None] | None = None
        self._gaps = 0
        # A log that is seen for the first time is known to the ledger at once: what is written
        # into it from now on is not the past.
        self._is_kept = known is not None
        self._kept_at = house.clock() if known else 0

    async def turn(self) -> bool:
        """Read one piece; return whether there may be more.

        Raises:
            LedgerStopped: nothing can be written any more.
            OSError: the log cannot be read.
        """
        now = self._house.clock()
        growing = self._growing = self._growing or self._open()
        for line in growing.read(now / 1e6):
            self._counts["lines"] += 1
            self._is_kept = False
            item = self._take(line, now)
            if item is not None:
                self._items.append(item)
            if len(self._items) >= SLICE_MAX:
                await self._keep()
        self._note_gaps(growing)
        is_due = not self._is_kept and now - self._kept_at >= _KEEP_S * 1_000_000
        if self._items or is_due or self._is_over(now):
            await self._keep()
        return growing.moved

    def _take(self, line: Line, now: Micros) -> Item | None:
        """Return the delivery that a line is, None if it is none."""
        self._counts["cut"] += line.is_cut
        match = self._reader.match(line.data)
        if match is None:
            return None
        if match.meaning is None:
            self._observed[match.rule.name, now // _MINUTE] += 1
            self._counts["observed"] += 1
            return None
        self._counts["statements"] += 1
        account = self._entry.account
        headers = ((CUT_HEADER, str(len(line.data))),) if line.is_cut else ()
        delivery = Delivery(source=NAME, account=account.name, received_at=now, body=line.data,
                            headers=headers)  # fmt: skip
        return item_of(delivery, translated(delivery, self._entry), self._entry,
                       self._house.keyring)  # fmt: skip

    def _is_over(self, now: Micros) -> bool:
        """Whether a minute is over in which something was counted."""
        return any(minute < now // _MINUTE for _, minute in self._observed)

    def _note_gaps(self, growing: Growing) -> None:
        fresh, self._gaps = growing.gaps - self._gaps, growing.gaps
        if fresh:
            self._counts["gaps"] += fresh
            _log.warning("tail_gap", log=self._name, files=fresh)

    async def _keep(self) -> None:
        """Make durable what was read; whoever is cancelled meanwhile, it goes to its end."""
        self._keeping = asyncio.ensure_future(self._write())
        await asyncio.shield(self._keeping)

    async def _write(self) -> None:
        """Write deliveries, finished minutes and the place, in one transaction."""
        now, items = self._house.clock(), self._items
        over = {key: count for key, count in self._observed.items() if key[1] < now // _MINUTE}
        rows = [
            {"account_no": self._entry.no, "rule": rule, "minute": minute * 60, "count": count}
            for (rule, minute), count in sorted(over.items())
        ]
        left = [(rule, minute, count) for (rule, minute), count in self._observed.items()
                if (rule, minute) not in over]  # fmt: skip
        assert self._growing is not None
        body = msgspec.json.encode(_Kept(places=self._growing.places(), observed=left)).decode()

        def work(store: Log) -> int:
            assert isinstance(store, SqliteLog)
            if items:
                self._count(store.append(items, now), items)
            if rows:
                entries = [("observed", msgspec.json.encode(rows).decode())]
                store.control(entries, max(now, store.head().tick))
            store.keep_place(self._name, body)
            return len(items)

        try:
            await self._intake.exclusively(work)
        except LedgerStopped:
            raise
        except Exception:
            if not items:
                raise
            _log.exception("tail_group_failed", log=self._name)
            await self._singly()
            items.clear()
            await self._intake.exclusively(work)
        items.clear()
        for key in over:
            del self._observed[key]
        self._is_kept, self._kept_at = True, now

    async def _singly(self) -> None:
        """Keep lines one by one: what cannot be stored must not stand in the way of the rest."""
        now = self._house.clock()
        for item in self._items:
            plain = item._replace(events=(), outcome=QUARANTINED, path="", why="could not be kept")
            for each in (item, plain):
                try:
                    await self._intake.exclusively(partial(_append, item=each, at=now))
                except LedgerStopped:
                    raise
                except Exception:
                    _log.exception("tail_line_failed", log=self._name)
                else:
                    break

    def _count(self, receipts: Sequence[Receipt], items: Sequence[Item]) -> None:
        counts = self._intake.counts
        counts["deliveries"] += len(receipts)
        counts["events"] += sum(receipt.new for receipt in receipts)
        counts["duplicates"] += sum(receipt.duplicates for receipt in receipts)
        counts["unreadable"] += sum(item.outcome for item in items)
        counts["conflicts"] += sum(receipt.conflict for receipt in receipts)
        counts["groups"] += bool(receipts)

    async def run(self) -> None:
        """Read until cancelled, or until the ledger stops."""
        complained = False
        while True:
            try:
                more = await self.turn()
                complained = False
            except LedgerStopped:
                return
            except OSError as error:
                more = False
                if not complained:
                    _log.warning("tail_unreadable", log=self._name, why=error.strerror)
                complained = True
            await asyncio.sleep(0 if more else POLL_S)

    async def close(self) -> None:
        """Keep what was read, and let go of the files."""
        try:
            if self._keeping is not None:
                await asyncio.wait([self._keeping])
            if self._growing and not self._is_kept and self._intake.stopped is None:
                await self._keep()
        finally:
            if self._growing:
                self._growing.close()


def _append(store: Log, item: Item, at: Micros) -> int:
    return len(store.append([item], at))


class Tailing:
    """Reads every log of the settings.

    Args:
        house: the house.
        intake: the writer that it shares with the doors.

    Attributes:
        counts: the intake's, with lines, statements (deliveries), observed, cut, gaps.
    """

    def __init__(self, house: House, intake: Intake) -> None:
        self.counts = intake.counts
        base = Path(house.settings.base)
        self._tails = [
            Tail(house, intake, each, base / path, house.entry(NAME, each.account))
            for each in house.settings.tail
            for path in each.paths()
        ]

    async def run(self) -> None:
        """Read until cancelled."""
        await asyncio.gather(*(tail.run() for tail in self._tails))

    async def close(self) -> None:
        """Keep every place, and let go of the files; to be called when `run` has ended."""
        for tail in self._tails:
            await tail.close()
