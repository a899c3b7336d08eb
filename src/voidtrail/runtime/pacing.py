"""How fast one receiver of messages is spoken to: what is under way, and whether it fails.

A receiver that fails several times in a row is probed with one message at a time, at growing
pauses, so that a hundred thousand messages do not wait for its time-outs one after the other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from voidtrail.event.model import Micros
from voidtrail.ledger.messages import Message

FAILING: Final = 5
"""After so many failures in a row a receiver is probed with one message at a time."""
PROBE_MAX_S: Final = 300.0
AHEAD: Final = 64
"""So many messages are read at a time."""
UNMARKED_MAX: Final = 256
"""With so many messages carried and not written down yet, no further one is begun."""
_SECOND: Final = 1_000_000


class Pace:
    """What is known of one receiver since this process began."""

    def __init__(self) -> None:
        self.busy: dict[int, asyncio.Task[None]] = {}
        self.failed = 0
        self.is_proved = False
        self.again_at: Micros = 0
        self._ready: deque[Message] = deque()

    def next(
        self, at_once: int, now: Micros, read: Callable[[int], list[Message]]
    ) -> list[Message]:
        """Return the messages that may be begun now.

        Args:
            at_once: most of them under way at one time.
            now: the present instant.
            read: returns so many of the messages that are due.
        """
        room = self._room(at_once, now)
        if room <= 0:
            return []
        if not self._ready:
            due = read(len(self.busy) + AHEAD)
            self._ready.extend(each for each in due if each.no not in self.busy)
        return [self._ready.popleft() for _ in range(min(room, len(self._ready)))]

    def _room(self, at_once: int, now: Micros) -> int:
        under_way = sum(not task.done() for task in self.busy.values())
        if self.failed >= FAILING:
            return int(not self.busy and now >= self.again_at)
        return min(at_once - under_way, UNMARKED_MAX - len(self.busy))

    def failure(self, now: Micros) -> None:
        """Remember that a message did not arrive."""
        self.failed += 1
        wait_s = min(2.0 ** min(self.failed - FAILING, 20), PROBE_MAX_S)
        self.again_at = now + int(wait_s * _SECOND)

    def success(self) -> bool:
        """Remember that one did; True if the receiver may have been out of reach until now."""
        may_be_back = self.failed >= FAILING or not self.is_proved
        self.failed, self.is_proved = 0, True
        return may_be_back

    def reset(self) -> None:
        """Forget what was read ahead and every pause: the clock was set back."""
        self._ready.clear()
        self.again_at = 0
