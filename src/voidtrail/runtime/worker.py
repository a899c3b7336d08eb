"""The worker's loop: the ledger's clock, overdue payments, questions to platforms, the outbox.

All of its state is in the ledger, so a restart goes on where it was. It writes in slices between
the groups of intake.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

import structlog

from voidtrail.errors import LedgerStopped
from voidtrail.event.model import Micros
from voidtrail.ledger.contract import SLICE_MAX, Log
from voidtrail.lifecycle.verdict import NUDGED
from voidtrail.runtime.app import House
from voidtrail.runtime.deciding import Decider
from voidtrail.runtime.deeds.desk import open_cases
from voidtrail.runtime.holding import EVERY_S, unheard_of
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.manners import Circuit, Gaps
from voidtrail.runtime.poll import Asker
from voidtrail.runtime.preparing import Entry
from voidtrail.runtime.refusals import Refusals
from voidtrail.runtime.teller import Teller
from voidtrail.sources.contract import spoken_to_as

_IDLE_TICK_S: Final = 60
_log = structlog.get_logger(__name__)


class Tries(NamedTuple):
    """How often a payment's platform was asked, how often in vain, and when to ask again."""

    asked: int
    failed: int
    again_at: Micros


_NEVER: Final = Tries(0, 0, 0)
_PAUSE_MAX_S: Final = 3600.0
_SPREAD: Final = 0.1
"""A pause is up to this share shorter, so that what fell silent together is not asked together."""
_LEFT_S: Final = 0.2
_ASK_SLICE: Final = 1024


class Worker:
    """Does what time makes necessary.

    Args:
        house: the house.
        intake: the writer that it shares with the hooks.
        asker: puts questions to platforms.
        refusals: what the hooks counted.
        deciders: who turns changes into messages.
        posted: called once messages are durable.
    """

    def __init__(
        self, house: House, intake: Intake, asker: Asker, refusals: Refusals,
        deciders: Sequence[Decider] = (), posted: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._house = house
        self._intake = intake
        self._asker = asker
        self._refusals = refusals
        self._tries: dict[int, Tries] = {}
        # Silent payments are gone through slice by slice, so that a platform that never answers
        # does not keep those behind it waiting.
        self._asked_to = 0
        self._seen: set[int] = set()
        self._gaps = Gaps()
        self._left = False
        self._held_to, self._held_at = 0, 0
        self.counts: Counter[str] = Counter()
        self._teller = Teller(house, intake, deciders, self.counts, posted)

    async def run(self) -> None:
        """Work until cancelled, or until the ledger stops.

        Questions go their own pace: a platform that hangs holds up neither clock nor notices.
        """
        await asyncio.gather(
            self._again(self._judge), self._again(self._ask, self._until_asked),
            self._again(self._teller.run),
        )  # fmt: skip

    async def _again(
        self, work: Callable[[], Awaitable[None]], rest: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        while True:
            try:
                await work()
            except LedgerStopped:
                return
            except Exception:
                _log.exception("worker_turn_failed")
            await (rest() if rest else asyncio.sleep(self._house.settings.worker.tick_s))

    async def _until_asked(self) -> None:
        """Wait for the next tick, for a nudge, or shortly if questions were left over."""
        tick_s = self._house.settings.worker.tick_s
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(
                self._intake.nudged.wait(), min(tick_s, _LEFT_S) if self._left else tick_s
            )

    def circuits(self) -> dict[str, bool]:
        """Return by account whether its platform is left alone since it does not answer."""
        return {name: each is not Circuit.CLOSED for name, each in self._asker.circuits().items()}

    def late_successes(self) -> int:
        """Return how many successes after a cancellation wait for a person."""
        return len(open_cases(self._house))

    async def turn(self) -> None:
        """Do everything that is due now, once."""
        await self._judge()
        await self._ask()
        await self._teller.turn()

    async def _judge(self) -> None:
        """Set the clock and judge whatever it ended."""
        now = self._house.clock()
        await self._tick(now)
        while await self._overdue(now):
            await asyncio.sleep(0)

    async def _tick(self, now: Micros) -> None:
        """Set the ledger's clock if silence may have ended something, or a minute went by."""
        ledger = self._house.ledger
        refused = self._refusals.flush()
        idle = now - ledger.head().tick < _IDLE_TICK_S * 1_000_000
        if refused is None and idle and not ledger.due(now, 1):
            return
        entries = [("tick", "{}")] if refused is None else [refused, ("tick", "{}")]

        def work(store: Log) -> int:
            store.control(entries, max(now, store.head().tick))
            return 1

        self.counts["ticks"] += await self._intake.exclusively(work)

    async def _overdue(self, now: Micros) -> int:
        """Judge one slice of overdue payments; return how many there were."""
        due = self._house.ledger.due(now, SLICE_MAX)
        if not due:
            return 0
        ids = [pid for pid, _ in due]
        changed = await self._intake.exclusively(
            lambda store: store.rejudge(ids, store.head().tick)
        )
        self.counts["judged"] += len(ids)
        # Judged under the ledger's clock: what that clock leaves open is not asked for again now.
        return changed and len(ids)

    async def _ask(self) -> None:
        """Ask platforms about payments whose patience is over, before silence decides."""
        terms, now = self._house.terms, self._house.clock()
        self._left = False
        self._intake.nudged.clear()
        if not terms.askable:
            return
        await self._ask_held(now)
        waiting = self._house.ledger.waiting(_ASK_SLICE, self._asked_to)
        due = [each for each in waiting if self._may_ask(each[0], each[2], now)]
        for start in range(0, len(due), 64):
            await asyncio.gather(*(self._ask_one(*each, now) for each in due[start : start + 64]))
        self._seen.update(pid for pid, *_ in waiting)
        if len(waiting) == _ASK_SLICE:
            self._asked_to = waiting[-1][0]
            return
        self._tries = {pid: state for pid, state in self._tries.items() if pid in self._seen}
        self._asked_to, self._seen = 0, set()

    async def _ask_held(self, now: Micros) -> None:
        """Ask about held money of which nobody has spoken for long, slice by slice."""
        every_s = self._house.settings.worker.ask_held_s
        if not every_s or now < self._held_at:
            return
        before = now - int(every_s * 1_000_000)
        found = unheard_of(self._house, before, self._held_to, _ASK_SLICE)
        for start in range(0, len(found), 64):
            due = [
                each for each in found[start : start + 64] if self._may_ask(each[0], NUDGED, now)
            ]
            await asyncio.gather(*(self._ask_one(*each, NUDGED, now) for each in due))
        self._held_to = found[-1].payment_id if len(found) == _ASK_SLICE else 0
        if not self._held_to:
            self._held_at = now + EVERY_S * 1_000_000

    def _may_ask(self, pid: int, why: int, now: Micros) -> bool:
        if now < self._tries.get(pid, _NEVER).again_at:
            return False
        if why == NUDGED and not self._gaps.may(pid, now):
            self._left = True
            return False
        return True

    async def _ask_one(self, pid: int, account_no: int, why: int, now: Micros) -> None:
        entry = self._house.by_no.get(account_no)
        reference = self._reference(pid, entry) if entry else ""
        if entry is None or not reference:
            return
        manners = self._asker.manners(entry)
        out = manners.is_out(now)
        if not out and not manners.enter(now):
            self._left = True
            return
        worker = self._house.settings.worker
        tries = self._tries.get(pid, _NEVER)
        answered = not out and await self._put(entry, reference, pid, why, now)
        failed = 0 if answered else tries.failed + 1
        pause_s = min(worker.ask_backoff_s * 2 ** min(tries.asked, 30), _PAUSE_MAX_S)
        pause_s *= 1 - _SPREAD * _share(pid, tries.asked)
        self._tries[pid] = Tries(tries.asked + 1, failed, now + int(pause_s * 1_000_000))
        if answered:
            self.counts["answered"] += 1
        elif failed % worker.ask_tries == 0:
            await self._asker.note_silence(entry, reference, failed)
            self.counts["unanswered"] += 1

    async def _put(self, entry: Entry, reference: str, pid: int, why: int, now: Micros) -> bool:
        """Put a question; whether it was answered and the answer is kept."""
        self.counts["asked"] += 1
        try:
            if why == NUDGED:
                self._gaps.note(pid, now)
                return await self._asker.ask(entry, reference, nudged=True)
            return await self._asker.ask(entry, reference)
        except LedgerStopped:
            raise
        except Exception:  # one account's broken key must not keep all others waiting
            _log.exception("question_failed", account=entry.identity)
            return False

    def _reference(self, pid: int, entry: Entry) -> str:
        """Return the reference to ask by, of those by which the platform's payment is known."""
        prefix = f"{entry.identity}/"
        names = self._house.ledger.names_of(pid)
        own = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        return spoken_to_as(entry.source, own)


def _share(pid: int, tries: int) -> float:
    """Return a number in [0, 1) that is another for each payment and try, the same every time."""
    return (pid * 2_654_435_761 + tries * 40_503 >> 4 & 1023) / 1024
