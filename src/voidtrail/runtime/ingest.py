"""Intake: from a delivery to a durable group (house section 7).

`Intake` groups whatever arrived during the last commit and takes the whole group through one step
after the other: verify, translate, encode, write. (A step that runs sixty times in a row finds its
code and tables in the processor's cache: the same steps delivery by delivery cost half as much
again.) Statements run on the event loop's thread and only the commit waits in another, since a busy
loop and a writer thread would starve each other.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import structlog

from voidtrail.errors import LedgerStopped, OutsideFault, Refused, VoidtrailError
from voidtrail.event.codec import REST_AT
from voidtrail.event.model import Delivery, Micros
from voidtrail.ledger.contract import QUARANTINED, SLICE_MAX, Item, Log, Receipt
from voidtrail.runtime.preparing import NUDGE, Entry, item_of, translated

_KIND: Final = REST_AT["kind"]
_RETRY_S: Final = 0.001
_COMPANY_S: Final = 0.001
_COMPANY_TURNS: Final = 8
log = structlog.get_logger(__name__)


Fate = Receipt | VoidtrailError
"""What becomes of an arrival: it is durable, or why it is not."""


class Raw(NamedTuple):
    """A delivery as received, still to be proven and read."""

    delivery: Delivery
    entry: Entry


class Arrival(NamedTuple):
    """What waits for its group; `done` is called once, when its fate is known."""

    work: Item | Raw
    done: Callable[[Fate], None]


def _authentic(delivery: Delivery, entry: Entry, done: Callable[[Fate], None]) -> bool:
    """Whether a delivery is from whom it says; if not, `done` hears why."""
    try:
        entry.source.verify(delivery, entry.secrets, delivery.received_at)
    except Refused as refusal:
        done(refusal)
        return False
    except Exception as error:  # a bug of ours: not acknowledged, and its neighbours go on
        log.exception("verifier_failed", account=entry.identity)
        done(OutsideFault(f"the verifier failed: {type(error).__name__}"))
        return False
    return True


class Intake:
    """Groups deliveries into durable transactions.

    Args:
        ledger: the store; nobody else writes to it from this process.
        clock: the present instant.
        group_max: most items of one transaction.
    """

    def __init__(
        self, ledger: Log, clock: Callable[[], Micros], group_max: int = SLICE_MAX
    ) -> None:
        self.ledger = ledger
        self.stopped: LedgerStopped | None = None
        self.counts: Counter[str] = Counter()
        self.written = asyncio.Event()
        """Set after every commit that changed something, for who tells of it."""
        self.nudged = asyncio.Event()
        """Set after a commit of what only says that something changed: ask the platform."""
        self._clock = clock
        self._max = group_max
        self._waiting: deque[Arrival] = deque()
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._last = 0
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="commit")

    def submit(self, item: Item) -> asyncio.Future[Receipt]:
        """Hand in a prepared item; the future is done when the item is durable.

        Raises (through the future):
            LedgerStopped: the store has stopped; the platform must send again.
        """
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()

        def done(fate: Fate) -> None:
            if future.done():
                return
            if isinstance(fate, Receipt):
                future.set_result(fate)
            else:
                future.set_exception(fate)
                future.exception()  # a caller that went away does not make a warning

        self._arrive(Arrival(item, done))
        return future

    def take(self, delivery: Delivery, entry: Entry, done: Callable[[Fate], None]) -> None:
        """Hand in a delivery as received; `done` is called when its fate is known."""
        self._arrive(Arrival(Raw(delivery, entry), done))

    def _arrive(self, arrival: Arrival) -> None:
        if self.stopped is not None:
            arrival.done(self.stopped)
            return
        self._waiting.append(arrival)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        """Write groups until nothing waits."""
        try:
            while self._waiting:
                if self._last > 1 or len(self._waiting) > 1:
                    await self._company()
                async with self._turn:
                    size = min(self._max, len(self._waiting))
                    group = [self._waiting.popleft() for _ in range(size)]
                    try:
                        await self._group(group)
                    except LedgerStopped as error:
                        self._stop(error, group)
                        return
                    except Exception as error:
                        # Not even over a bug of ours may a platform wait for ever.
                        log.exception("writer_failed")
                        self._stop(LedgerStopped(f"writing failed: {type(error).__name__}"), group)
                        return
        finally:
            self._task = None

    async def _company(self) -> None:
        """Wait as long as each moment brings more.

        Whoever was just answered sends again at once, and a whole group costs each delivery two
        thirds of what a small one does. A platform that sends alone is not kept waiting.
        """
        for _ in range(_COMPANY_TURNS):
            before = len(self._waiting)
            if before >= self._max:
                return
            await asyncio.sleep(_COMPANY_S)
            if len(self._waiting) == before:
                return

    def _stop(self, error: LedgerStopped, group: Sequence[Arrival]) -> None:
        self.stopped = error
        log.critical("ledger_stopped", why=str(error))
        left = (*group, *self._waiting)
        self._waiting.clear()
        for arrival in left:
            arrival.done(error)

    def _proven(self, group: Sequence[Arrival]) -> tuple[list[Arrival], list[Item]]:
        """Return what is authentic, and it prepared; tell the others at once that they are not."""
        proven = [
            arrival
            for arrival in group
            if not isinstance(arrival.work, Raw) or _authentic(*arrival.work, arrival.done)
        ]
        found = [translated(*arrival.work) if isinstance(arrival.work, Raw) else None
                 for arrival in proven]  # fmt: skip
        keyring, items = self.ledger.keyring, []
        for (work, _), read in zip(proven, found, strict=True):
            if isinstance(work, Raw):
                assert read is not None
                items.append(item_of(work.delivery, read, work.entry, keyring))
            else:
                items.append(work)
        return proven, items

    async def _group(self, arrived: list[Arrival]) -> None:
        self._last = len(arrived)
        group, items = self._proven(arrived)
        if not items:
            return
        await self.begin()
        try:
            receipts = self.ledger.append(items, self._clock())
        except LedgerStopped:
            raise
        except Exception:
            # One item that cannot be stored must not take its neighbours along.
            self.ledger.rollback()
            log.exception("group_failed", items=len(items))
            receipts = await self._one_by_one(items)
        else:
            await self.commit()
        counts = self.counts
        counts["deliveries"] += len(items)
        counts["events"] += sum([receipt.new for receipt in receipts])
        counts["duplicates"] += sum([receipt.duplicates for receipt in receipts])
        counts["unreadable"] += sum([item.outcome for item in items])
        counts["conflicts"] += sum([receipt.conflict for receipt in receipts])
        counts["groups"] += 1
        for arrival, receipt in zip(group, receipts, strict=True):
            arrival.done(receipt)
        self.written.set()
        if any(receipt.new and item.events[0].rest[_KIND] == NUDGE
               for item, receipt in zip(items, receipts, strict=True)):  # fmt: skip
            self.nudged.set()

    async def _one_by_one(self, items: Sequence[Item]) -> list[Receipt]:
        receipts = []
        for item in items:
            await self.begin()
            try:
                receipts += self.ledger.append([item], self._clock())
            except LedgerStopped:
                raise
            except Exception as error:
                self.ledger.rollback()
                await self.begin()
                kept = item._replace(events=(), outcome=QUARANTINED, path="",
                                     why=f"could not be kept: {type(error).__name__}")  # fmt: skip
                receipts += self.ledger.append([kept], self._clock())
            await self.commit()
        return receipts

    async def begin(self) -> None:
        """Begin a write, waiting in short steps while another process writes."""
        while not self.ledger.try_begin():
            await asyncio.sleep(_RETRY_S)

    async def commit(self) -> None:
        """Commit in the committing thread, so that the loop goes on."""
        loop = asyncio.get_running_loop()
        committing = loop.run_in_executor(self._committer, self.ledger.commit)
        try:
            await asyncio.shield(committing)
        except asyncio.CancelledError:
            # Whoever writes next must find the transaction ended, not half way in the thread.
            await asyncio.wait([committing])
            if committing.exception() is not None:
                log.critical("commit_failed", why=str(committing.exception()))
            raise

    async def exclusively(self, work: Callable[[Log], int]) -> int:
        """Run other writing (a tick, a slice of the worker) between two groups, durably.

        Raises:
            LedgerStopped: the store has stopped.
        """
        async with self._turn:
            if self.stopped is not None:
                raise self.stopped
            await self.begin()
            try:
                done = work(self.ledger)
            except LedgerStopped as error:
                self._stop(error, [])
                raise
            except BaseException:
                self.ledger.rollback()
                raise
            try:
                await self.commit()
            except LedgerStopped as error:
                self._stop(error, [])
                raise
            if done:
                self.written.set()
            return done

    async def close(self) -> None:
        """Write what waits, then let go of the committing thread."""
        while self._task is not None:
            await asyncio.shield(self._task)
        self._committer.shutdown()
