"""The worker's loop: the ledger's clock, overdue payments, questions to platforms, the outbox.

All of its state is in the ledger, so a restart goes on where it was. It writes in slices between
the groups of intake.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

import structlog

from voidtrail.errors import LedgerStopped
from voidtrail.event.model import Micros
from voidtrail.ledger.contract import SLICE_MAX, Log
from voidtrail.runtime.app import House
from voidtrail.runtime.deciding import Decider
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.poll import Asker
from voidtrail.runtime.refusals import Refusals
from voidtrail.runtime.teller import Teller

_IDLE_TICK_S: Final = 60
_log = structlog.get_logger(__name__)


class Tries(NamedTuple):
    """How often a payment's platform was asked, how often in vain, and when to ask again."""

    asked: int
    failed: int
    again_at: Micros


_NEVER: Final = Tries(0, 0, 0)
_PAUSE_MAX_S: Final = 3600.0
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
        self.counts: Counter[str] = Counter()
        self._teller = Teller(house, intake, deciders, self.counts, posted)

    async def run(self) -> None:
        """Work until cancelled, or until the ledger stops.

        Questions go their own pace: a platform that hangs holds up neither clock nor notices.
        """
        await asyncio.gather(
            self._again(self._judge), self._again(self._ask), self._again(self._teller.run)
        )

    async def _again(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except LedgerStopped:
                return
            except Exception:
                _log.exception("worker_turn_failed")
            await asyncio.sleep(self._house.settings.worker.tick_s)

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
        if not terms.askable:
            return
        waiting = self._house.ledger.waiting(_ASK_SLICE, self._asked_to)
        due = [(pid, no) for pid, no in waiting if self._may_ask(pid, now)]
        for start in range(0, len(due), 64):
            await asyncio.gather(
                *(self._ask_one(pid, no, now) for pid, no in due[start : start + 64])
            )
        self._seen.update(pid for pid, _ in waiting)
        if len(waiting) == _ASK_SLICE:
            self._asked_to = waiting[-1][0]
            return
        self._tries = {pid: state for pid, state in self._tries.items() if pid in self._seen}
        self._asked_to, self._seen = 0, set()

    def _may_ask(self, pid: int, now: Micros) -> bool:
        return now >= self._tries.get(pid, _NEVER).again_at

    async def _ask_one(self, pid: int, account_no: int, now: Micros) -> None:
        entry = self._house.by_no.get(account_no)
        references = self._references(pid, entry.identity) if entry else ()
        if entry is None or not references:
            return
        worker = self._house.settings.worker
        tries = self._tries.get(pid, _NEVER)
        self.counts["asked"] += 1
        try:
            answered = await self._asker.ask(entry, references[0])
        except LedgerStopped:
            raise
        except Exception:  # one account's broken key must not keep all others waiting
            _log.exception("question_failed", account=entry.identity)
            answered = False
        failed = 0 if answered else tries.failed + 1
        pause_s = min(worker.ask_backoff_s * 2 ** min(tries.asked, 30), _PAUSE_MAX_S)
        self._tries[pid] = Tries(tries.asked + 1, failed, now + int(pause_s * 1_000_000))
        if answered:
            self.counts["answered"] += 1
        elif failed >= worker.ask_tries:
            await self._asker.note_silence(entry, references[0], failed)
            self.counts["unanswered"] += 1

    def _references(self, pid: int, scope: str) -> Sequence[str]:
        """Return the reference to ask by: the first by which the platform's payment was known."""
        prefix = f"{scope}/"
        names = self._house.ledger.names_of(pid)
        return [name.removeprefix(prefix) for name in names if name.startswith(prefix)][:1]
