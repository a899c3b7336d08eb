"""The post: carries messages to people and machines outside, at least once, each with a key.

What waits is in the ledger's file, so a restart goes on where it was. Targets know nothing of one
another: a slow one holds up nobody. A target that keeps failing is probed with one message at a
time, and everything that waits for it goes out as soon as it answers again.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import BinaryIO, Final, NamedTuple, Protocol

import structlog

from voidtrail.errors import LedgerStopped
from voidtrail.event.model import Micros
from voidtrail.ledger.contract import SLICE_MAX
from voidtrail.ledger.messages import DEAD, KEPT_S, SENT, WAITING, Mark, Message
from voidtrail.runtime.app import House
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.pacing import Pace

POLL_S: Final = 1.0
"""How often to look for what another process has posted."""
AT_ONCE: Final = 4
"""Most messages of one target under way at one time."""
CARRY_MAX_S: Final = 60.0
"""A carrier that has not answered by then is taken to have failed."""
WAIT_MAX_S: Final = 86_400.0
"""The longest wait that a receiver may ask for."""
SPREAD: Final = 0.1
"""A wait is up to this share shorter or longer than the schedule says."""
OUTAGE_S: Final = 600
"""After an outage as long as this all that waits goes out at once, and not by its schedule."""
JUMP_S: Final = 5
"""A clock that goes back by more than this was set."""
_MARK_SHARE: Final = 4
"""Writing down rests this many times as long as it took, so that intake keeps the time."""
_SECOND: Final = 1_000_000
_FORGET_EVERY_S: Final = 3600
_log = structlog.get_logger(__name__)


class Sent(NamedTuple):
    """The receiver has it."""


class Retry(NamedTuple):
    """It did not arrive; the same may succeed later.

    Attributes:
        why: for people, without secrets.
        after_s: what the receiver asked for; the schedule's wait is kept if that is longer.
    """

    why: str
    after_s: float | None = None


class Refused(NamedTuple):
    """It will never arrive so: it becomes a dead letter."""

    why: str


Answer = Sent | Retry | Refused


class Carrier(Protocol):
    """Carries messages of one kind; every target's own time-outs are its own."""

    async def carry(self, message: Message) -> Answer:
        """Hand one message to its receiver, who may have got it before."""

    async def close(self) -> None:
        """Let go of connections."""


class Load(NamedTuple):
    """How many messages of a target wait, and how many were given up."""

    kind: str
    target: str
    waiting: int
    dead: int


class Post:
    """Carries what was posted.

    Args:
        house: the house.
        intake: the writer that it shares with everybody.
        carriers: by kind of message.
        schedules: by kind, the waits after each try in seconds; after the last one it is given up.
        jitter: returns a number in [0, 1) that spreads the waits.
        at_once: by kind, most messages of one target under way at one time.
        prompt: kinds that are written down as soon as they arrived: a kill repeats only what was
            under way. Others share their transactions, and a kill may repeat some more.
    """

    def __init__(
        self, house: House, intake: Intake, carriers: Mapping[str, Carrier],
        schedules: Mapping[str, Sequence[float]], jitter: Callable[[], float],
        at_once: Mapping[str, int] | None = None, prompt: Collection[str] = (),
    ) -> None:  # fmt: skip
        self.house = house
        self._intake = intake
        self._carriers = carriers
        self._schedules = schedules
        self._jitter = jitter
        self._at_once = at_once or {}
        self._prompt = prompt
        self._paces: dict[tuple[str, str], Pace] = {}
        self._woken = asyncio.Event()
        self._done: list[tuple[Message, Answer]] = []
        self._mark_at = 0.0
        self._seen_at: Micros | None = None
        self._forgot_at: Micros = 0
        self.counts: Counter[str] = Counter()

    def wake(self) -> None:
        """Say that messages were posted; called after the commit."""
        self._woken.set()

    async def run(self) -> None:
        """Carry until cancelled, or until the ledger stops.

        Of several processes on one ledger one carries; another takes over when that one ends.
        """
        with open(self.house.settings.key_file(), "rb") as door:
            while not _entered(door):
                await asyncio.sleep(POLL_S)
            await self._carry_on()

    async def _carry_on(self) -> None:
        try:
            while True:
                self._woken.clear()
                try:
                    await self._mind_the_clock()
                    await self._mark_in_time()
                    await self._forget()
                    self._start()
                except LedgerStopped:
                    return
                except Exception:
                    _log.exception("post_failed")
                    await asyncio.sleep(POLL_S)
                await self._rest()
        finally:
            await self._let_go()

    def load(self) -> list[Load]:
        """Return what waits and what was given up, by target."""
        return [Load(*each) for each in self.house.ledger.message_load()]

    async def once(self) -> int:
        """Carry everything that is due now, unless another process carries; return how many."""
        with open(self.house.settings.key_file(), "rb") as door:
            return await self.turn() if _entered(door) else 0

    async def turn(self) -> int:
        """Carry everything that is due now, and what that makes due; return how many."""
        count = 0
        while started := self._start():
            count += started
            await asyncio.gather(*self._under_way())
            await self._mark()
        return count

    # ------------------------------------------------------------------ carrying

    def _start(self) -> int:
        """Begin to carry what is due and has room; return how many."""
        now, ledger, count = self.house.clock(), self.house.ledger, 0
        for kind, name in ledger.message_targets():
            carrier = self._carriers.get(kind)
            if carrier is None:
                continue
            pace = self._paces.setdefault((kind, name), Pace())
            read = partial(ledger.due_messages, kind, name, now)
            for message in pace.next(self._at_once.get(kind, AT_ONCE), now, read):
                pace.busy[message.no] = asyncio.ensure_future(self._carry(carrier, message))
                count += 1
        return count

    async def _carry(self, carrier: Carrier, message: Message) -> None:
        answer: Answer
        try:
            async with asyncio.timeout(CARRY_MAX_S):
                answer = await carrier.carry(message)
        except TimeoutError:
            answer = Retry(f"no answer within {CARRY_MAX_S:.0f} s")
        except Exception as error:  # a bug in one carrier must not stop the post
            _log.exception("carrier_failed", kind=message.kind, target=message.target)
            answer = Retry(f"the carrier failed: {type(error).__name__}")
        self._done.append((message, answer))
        self._woken.set()

    async def _mark_in_time(self) -> None:
        """Write down what was answered, unless that was done a moment ago."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        if self._done and (began >= self._mark_at or self._is_prompt()):
            await self._mark()
            ended = loop.time()
            self._mark_at = ended + _MARK_SHARE * (ended - began)

    def _is_prompt(self) -> bool:
        return any(message.kind in self._prompt for message, _ in self._done)

    async def _mark(self) -> None:
        """Write down everything that was answered since the last time, in slices."""
        ledger = self.house.ledger
        while self._done:
            done = self._done[:SLICE_MAX]
            now = self.house.clock()
            marks = [self._mark_of(message, answer, now) for message, answer in done]
            back = {_target(message) for message, answer in done if self._note(message, answer)}

            def work(_: object) -> int:
                for kind, name in back:  # noqa: B023
                    since = ledger.failing_since(kind, name)
                    if since is not None and now - since >= OUTAGE_S * _SECOND:  # noqa: B023
                        ledger.hurry(kind, name, now)  # noqa: B023
                ledger.mark(marks, now)  # noqa: B023
                return 0  # nobody need be told of it

            await self._intake.exclusively(work)
            del self._done[: len(done)]
            for message, _ in done:
                self._paces[_target(message)].busy.pop(message.no, None)

    def _note(self, message: Message, answer: Answer) -> bool:
        """Remember how a receiver fares; True if it may have been out of reach until now."""
        pace = self._paces[_target(message)]
        if isinstance(answer, Sent):
            return pace.success()
        if isinstance(answer, Retry):
            pace.failure(self.house.clock())
        else:
            pace.failed = 0
        return False

    def _mark_of(self, message: Message, answer: Answer, now: Micros) -> Mark:
        """Return what is written down of an answer."""
        tries = message.tries + 1
        if isinstance(answer, Sent):
            self.counts[f"{message.kind}_sent"] += 1
            return Mark(message.no, SENT, now, tries)
        waits = self._schedules[message.kind]
        if isinstance(answer, Retry) and tries <= len(waits):
            self.counts[f"{message.kind}_failed"] += 1
            wait_s = waits[tries - 1] * (1 - SPREAD + 2 * SPREAD * self._jitter())
            wait_s = max(wait_s, min(answer.after_s or 0.0, WAIT_MAX_S))
            return Mark(message.no, WAITING, now + int(wait_s * _SECOND), tries, answer.why)
        self.counts[f"{message.kind}_dead"] += 1
        _log.warning("dead_letter", kind=message.kind, target=message.target, key=message.key,
                     tries=tries, why=answer.why)  # fmt: skip
        return Mark(message.no, DEAD, now, tries, answer.why)

    # ------------------------------------------------------------------ the loop's other parts

    def _under_way(self) -> list[asyncio.Task[None]]:
        return [task for pace in self._paces.values() for task in pace.busy.values()]

    async def _rest(self) -> None:
        """Wait until woken, until something is due or to be written down, or for a moment."""
        loop, now, ledger = asyncio.get_running_loop(), self.house.clock(), self.house.ledger
        wait_s = POLL_S
        if self._done:
            wait_s = 0.0 if self._is_prompt() else min(wait_s, self._mark_at - loop.time())
        for kind, name in ledger.message_targets():
            pace = self._paces.get((kind, name), Pace())
            at = ledger.next_message_at(kind, name)
            if at is not None and at > now and not pace.busy:
                wait_s = min(wait_s, (max(at, pace.again_at) - now) / _SECOND)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, wait_s)):
                await self._woken.wait()

    async def _mind_the_clock(self) -> None:
        """If the clock was set back, let everything go now that would wait for the old time."""
        now, ledger, seen = self.house.clock(), self.house.ledger, self._seen_at
        if seen is None:
            seen = ledger.newest_message_at() or now
        self._seen_at = now
        if now >= seen - JUMP_S * _SECOND:
            return
        _log.warning("clock_set_back", seconds=(seen - now) // _SECOND)
        for pace in self._paces.values():
            pace.reset()
        targets = ledger.message_targets()
        await self._intake.exclusively(
            lambda _: sum(ledger.hurry(kind, name, now) for kind, name in targets)
        )

    async def _forget(self) -> None:
        """Delete messages that arrived long ago, a slice an hour and more while there are more."""
        now = self.house.clock()
        if now - self._forgot_at < _FORGET_EVERY_S * _SECOND:
            return
        before = now - KEPT_S * _SECOND
        ledger = self.house.ledger
        gone = await self._intake.exclusively(lambda _: ledger.forget_sent(before, SLICE_MAX))
        if gone < SLICE_MAX:
            self._forgot_at = now

    async def _let_go(self) -> None:
        """Stop carrying; what has an answer already is written down if that is possible."""
        tasks = self._under_way()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await self._mark()
        except LedgerStopped:
            _log.warning("marks_lost", count=len(self._done))

    async def close(self) -> None:
        """Let every carrier let go of its connections."""
        for carrier in self._carriers.values():
            await carrier.close()


def _target(message: Message) -> tuple[str, str]:
    return message.kind, message.target


def _entered(door: BinaryIO) -> bool:
    """Take the lock that only one process at a time has; it ends with the process."""
    try:
        fcntl.flock(door, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
