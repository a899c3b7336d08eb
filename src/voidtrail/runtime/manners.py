"""How often a platform may be asked: a bucket of tokens, and a breaker that spares what is down.

One of each an account. They work on instants that they are handed, and remember nothing beyond the
process but what the breaker's transitions put on record.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from voidtrail.event.model import Micros

_SECOND: Final = 1_000_000
FAILURES: Final = 5
"""Failures in a row after which a platform is left alone."""
OPEN_S: Final = 30
OPEN_MAX_S: Final = 600
PAUSE_MAX_S: Final = 3600


class Circuit(Enum):
    """Whether a platform is asked."""

    CLOSED = "closed"  # as usual
    OPEN = "open"  # not at all until a while has passed
    PROBING = "probing"  # one question decides


class Bucket:
    """Tokens that come back at a steady rate.

    Args:
        rate_per_s: how many come back a second.
        burst: how many there are at most.
    """

    def __init__(self, rate_per_s: float, burst: float) -> None:
        self._rate, self._burst = rate_per_s / _SECOND, burst
        self._tokens, self._at = burst, 0

    def take(self, now: Micros) -> bool:
        """Take a token; False if there is none."""
        since = max(0, now - self._at) if self._at else 0
        self._tokens = min(self._burst, self._tokens + since * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Manners:
    """How one account's platform is treated.

    Args:
        rate_per_s: most questions and deeds a second, on average.
        circuit: as it was when the last process ended; an open one begins with a probe.

    Attributes:
        circuit: whether it is asked.
        failures: in a row.
        until: when it is asked again, while the circuit is open.
    """

    def __init__(self, rate_per_s: float, circuit: Circuit = Circuit.CLOSED) -> None:
        self._bucket = Bucket(rate_per_s, max(1.0, 2 * rate_per_s))
        self.circuit = circuit
        self.failures = 0 if circuit is Circuit.CLOSED else FAILURES
        self.until: Micros = 0
        self._opened = 0

    def is_out(self, now: Micros) -> bool:
        """Whether the platform is left alone at this instant."""
        return self.circuit is not Circuit.CLOSED and now < self.until

    def enter(self, now: Micros) -> bool:
        """Take leave for one question; False if it has to wait. An open circuit lets one probe by.

        A probe of which nothing is heard is forgotten after the longest an answer may take.
        """
        if self.is_out(now) or not self._bucket.take(now):
            return False
        if self.circuit is not Circuit.CLOSED:
            self.circuit, self.until = Circuit.PROBING, now + OPEN_S * _SECOND
        return True

    def success(self) -> bool:
        """Note that it answered; True if the circuit was not closed before."""
        was, self.circuit = self.circuit, Circuit.CLOSED
        self.failures, self._opened, self.until = 0, 0, 0
        return was is not Circuit.CLOSED

    def failure(self, now: Micros) -> bool:
        """Note that it did not answer; True if that opened the circuit anew."""
        self.failures += 1
        if self.circuit is Circuit.CLOSED and self.failures < FAILURES:
            return False
        if self.circuit is Circuit.OPEN and now < self.until:
            return False  # asked before the circuit opened
        self.circuit = Circuit.OPEN
        pause_s = min(OPEN_S * 2 ** min(self._opened, 30), OPEN_MAX_S)
        self.until, self._opened = now + pause_s * _SECOND, self._opened + 1
        return True

    def rest(self, now: Micros, seconds: float) -> None:
        """Leave it alone for as long as it asked for, which says nothing of its health."""
        self.circuit = Circuit.OPEN
        self.failures = max(self.failures, FAILURES)
        wait = int(min(max(seconds, 1.0), PAUSE_MAX_S) * _SECOND)
        self.until = max(self.until, now + wait)


class Gaps:
    """Growing pauses between lookups of one payment that somebody keeps pointing at.

    The first lookup is at once; whoever sends a thousand nudges a second causes one in `most_s`.

    Args:
        most_s: the longest pause.
        kept: payments that are remembered; the longest unheard-of is forgotten first.
    """

    def __init__(self, most_s: int = 60, kept: int = 100_000) -> None:
        self._most, self._kept = most_s * _SECOND, kept
        self._known: dict[int, tuple[int, Micros]] = {}

    def may(self, payment: int, now: Micros) -> bool:
        """Whether a payment may be looked up."""
        return now >= self._known.get(payment, (0, 0))[1]

    def note(self, payment: int, now: Micros) -> None:
        """Note a lookup: the pause after it doubles, unless there was quiet for ten pauses."""
        count, again_at = self._known.pop(payment, (0, 0))
        if now - again_at > 10 * self._most:
            count = 0
        pause = min(_SECOND << min(count, 20), self._most)
        self._known[payment] = (count + 1, now + pause)
        if len(self._known) > self._kept:
            del self._known[next(iter(self._known))]
