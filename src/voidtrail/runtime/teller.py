"""The outbox is told: deciders turn notices into entries and messages, in one transaction.

What deciders make of a slice of notices, and the strike that ends those notices, become durable
together. A decider that fails costs nobody else anything: the slice is gone through one notice at a
time, and a notice on which somebody failed stays in the outbox for that decider, to be tried again
after growing pauses and after the next start.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import structlog

from voidtrail.errors import LedgerStopped
from voidtrail.event.model import Micros
from voidtrail.ledger.contract import SLICE_MAX
from voidtrail.runtime.app import House
from voidtrail.runtime.deciding import Decider, Decision
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.outbox import Concerns, Notice, take

_REST_S: Final = 0.02
_IDLE_REST_S: Final = 1.0
"""Between two passes while nobody is to be told of every change."""
_SHARE: Final = 4
"""A pass rests this many times as long as it took, so that intake keeps the time to itself."""
_PAUSE_S: Final = 10
_PAUSE_MAX_S: Final = 3600
_log = structlog.get_logger(__name__)

Decided = list[tuple[Decider, Decision]]


class _Failed(Exception):
    """A decider failed on a slice."""


class _Owed(NamedTuple):
    """A notice on which deciders failed.

    Attributes:
        deciders: those that have not decided about it yet.
        tries: how often they failed.
        again_at: when they are asked again.
    """

    deciders: tuple[Decider, ...]
    tries: int
    again_at: Micros


class Teller:
    """Tells deciders of changes and of the time.

    Args:
        house: the house.
        intake: the writer that it shares with the hooks; its commits wake the teller.
        deciders: who is told, in this order.
        counts: where it counts `notices`, `messages`, `undecided`.
        posted: called once messages are durable.
    """

    def __init__(
        self, house: House, intake: Intake, deciders: Sequence[Decider], counts: Counter[str],
        posted: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._house = house
        self._intake = intake
        self._deciders = tuple(deciders)
        self._counts = counts
        self._posted = posted
        self._after = 0
        self._singly = 0
        self._owed: dict[int, _Owed] = {}
        picky = [getattr(each, "concerns", None) for each in self._deciders]
        self._unhurried = all(picky)
        """Nobody who hears of every change, nor anybody at all: once a second is soon enough."""
        self._concerns: Concerns = lambda before, after: any(
            concerns is None or concerns(before, after) for concerns in picky
        )

    async def run(self) -> None:
        """Tell as soon as a commit left something to tell, and every tick, until the ledger stops.

        Raises:
            LedgerStopped: nothing can be written any more.
        """
        loop, tick_s = asyncio.get_running_loop(), self._house.settings.worker.tick_s
        written, due_at = self._intake.written, loop.time()
        while True:
            began = loop.time()
            written.clear()
            if began >= due_at:
                due_at = began + tick_s
                await self.turn()
            else:
                await self._tell()
            least_s = _IDLE_REST_S if self._unhurried else _REST_S
            rest_s = max(least_s, _SHARE * (loop.time() - began))
            await asyncio.sleep(rest_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(written.wait(), max(0.0, due_at - loop.time()))

    async def turn(self) -> None:
        """Tell all that waits, and what time made due, once."""
        await self._tell()
        await self._retry()
        await self._time()

    async def _tell(self) -> None:
        """Tell of every notice that is not struck off and was not tried yet."""
        while await self._slice():
            await asyncio.sleep(0)

    async def _slice(self) -> bool:
        """Tell of the oldest notices in one transaction; False if there were none."""
        notices, decided = list[Notice](), Decided()

        def work() -> int:
            limit = 1 if self._singly else SLICE_MAX
            notices[:] = take(
                self._house.ledger, limit, self._after, read=bool(self._deciders),
                concerns=self._concerns,
            )  # fmt: skip
            if len(notices) == 1:
                decided[:] = self._one(notices[0], self._deciders)
                return 1
            try:
                decided[:] = self._many(notices) if notices else []
            except _Failed:
                self._singly = len(notices)
                return 0
            return len(notices)

        found = await self._write(work, decided)
        if found:
            self._after = notices[found - 1].no
            self._singly = max(0, self._singly - found)
            self._counts["notices"] += found
            _log.info("verdicts_changed", notices=found, upto=self._after,
                      quiet=sum(notice.quiet for notice in notices[:found]))  # fmt: skip
        return bool(notices)

    def _many(self, notices: Sequence[Notice]) -> Decided:
        """Ask every decider about a slice, write what they decided, strike the slice off.

        Raises:
            _Failed: one of them did not decide; nothing was written.
        """
        now, ledger = self._house.clock(), self._house.ledger
        try:
            decided = [(each, each.decide(notices, now)) for each in self._deciders]
        except Exception as error:
            raise _Failed from error
        self._keep(decided, now)
        ledger.struck(notices[-1].no, now, notices[0].no - 1)
        return decided

    def _one(self, notice: Notice, deciders: Sequence[Decider]) -> Decided:
        """Ask deciders about one notice; it is struck off unless one of them failed."""
        now, decided, failed = self._house.clock(), Decided(), list[Decider]()
        for each in deciders:
            try:
                decided.append((each, each.decide([notice], now)))
            except Exception:
                _log.exception("undecided", decider=type(each).__name__, notice=notice.no)
                self._counts["undecided"] += 1
                failed.append(each)
        self._keep(decided, now)
        owed = self._owed.pop(notice.no, None)
        if failed:
            tries = owed.tries + 1 if owed else 1
            pause_s = min(_PAUSE_S * 2 ** min(tries - 1, 30), _PAUSE_MAX_S)
            self._owed[notice.no] = _Owed(tuple(failed), tries, now + pause_s * 1_000_000)
        else:
            self._house.ledger.struck(notice.no, now, notice.no - 1)
        return decided

    async def _retry(self) -> None:
        """Ask again those that failed on a notice, if it is time."""
        now = self._house.clock()
        for no in [no for no, owed in self._owed.items() if owed.again_at <= now]:
            decided = Decided()

            def work() -> int:
                notices = take(self._house.ledger, 1, no - 1)  # noqa: B023
                if [notice.no for notice in notices] != [no]:  # noqa: B023
                    self._owed.pop(no)  # noqa: B023
                    return 0
                decided[:] = self._one(notices[0], self._owed[no].deciders)  # noqa: B023
                return 1

            await self._write(work, decided)

    async def _time(self) -> None:
        """Ask every decider what the time makes necessary."""
        decided = Decided()

        def work() -> int:
            now = self._house.clock()
            for each in self._deciders:
                try:
                    decided.append((each, each.due(now)))
                except Exception:
                    _log.exception("undue", decider=type(each).__name__)
                    self._counts["undecided"] += 1
            return self._keep(decided, now)

        if self._deciders:
            await self._write(work, decided)

    def _keep(self, decided: Decided, now: Micros) -> int:
        """Write decisions inside of the transaction begun; return how much that was."""
        ledger = self._house.ledger
        entries = [entry for _, decision in decided for entry in decision.entries]
        if entries:
            ledger.control(entries, max(now, ledger.head().tick))
        messages = [message for _, decision in decided for message in decision.messages]
        if messages:
            ledger.post(messages)
        return len(entries) + len(messages)

    async def _write(self, work: Callable[[], int], decided: Decided) -> int:
        """Write durably, then tell deciders that what they decided stands."""
        owed = dict(self._owed)
        try:
            found = await self._intake.exclusively(lambda _: work())
        except LedgerStopped:
            raise
        except BaseException:
            self._owed = owed
            raise
        posted = 0
        for each, decision in decided:
            posted += len(decision.messages)
            try:
                each.settled(decision)
            except Exception:
                _log.exception("unsettled", decider=type(each).__name__)
        self._counts["messages"] += posted
        if posted:
            self._posted()
        return found
