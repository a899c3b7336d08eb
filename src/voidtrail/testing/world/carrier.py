"""How letters travel: late, twice, out of order, as twins, or not at all."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import exp, log
from urllib.parse import quote_plus

from voidtrail.event.model import Micros
from voidtrail.testing.world.fact import HOUR, MINUTE, SECOND, Letter
from voidtrail.testing.world.rail import Pen, wall
from voidtrail.testing.world.settings import Settings

_LATE_LEAST, _LATE_MOST = MINUTE, 9 * HOUR
_EVENT_ID = re.compile(rb'"id": "evt_[^"]*"')
_NOTIFY_TIME = re.compile(rb"notify_time=[^&]*")
_CREATED = b'"type": "payment_intent.created"'
# Stripe and Alipay try again for a day or more, WeChat first after 15 seconds.
_AGAIN = {"stripe": HOUR, "alipay": 4 * MINUTE, "wechatpay": 15 * SECOND, "storefront": 5 * SECOND}


class Carrier:
    """Takes letters to the server as badly as networks and platforms do."""

    def __init__(self, settings: Settings, pen: Pen, fault_source: str) -> None:
        self.settings = settings
        self.pen = pen
        self.rng: random.Random = pen.rng
        self.fault_source = fault_source

    def carry(self, letters: Iterable[Letter]) -> list[Letter]:
        """Return what arrives, sorted by the instant of arrival."""
        arrived = [copy for letter in letters if not letter.lost for copy in self._copies(letter)]
        arrived.sort(key=lambda letter: (letter.at, letter.sent_at, letter.body))
        return arrived

    def _copies(self, letter: Letter) -> Iterator[Letter]:
        at = letter.sent_at + self._delay(letter)
        yield self._stamped(letter, at, 0)
        copy = 0
        while copy < 3 and self.rng.random() < self.settings.duplicate_share:
            copy += 1
            at += int(_AGAIN[letter.source] * self.rng.uniform(0.9, 1.6))
            yield self._stamped(letter, at, copy)
        if letter.source == "stripe" and self.rng.random() < self.settings.twin_share:
            event_id = f'"id": "evt_3{self.pen.alnum(23)}"'.encode()
            twin = replace(letter, body=_EVENT_ID.sub(event_id, letter.body, count=1), copy=9)
            yield twin.arriving(letter.sent_at + self._delay(letter))

    def _delay(self, letter: Letter) -> Micros:
        rng = self.rng
        delay = int(rng.uniform(0.2, 1.5) * SECOND + rng.expovariate(0.7) * SECOND)
        if rng.random() < self.settings.late_share:
            delay = int(exp(rng.uniform(log(_LATE_LEAST), log(_LATE_MOST))))
        elif _CREATED in letter.body and rng.random() < 0.08:
            delay += rng.randrange(20, 200) * SECOND
        begin, end = self.settings.fault
        if letter.source == self.fault_source and begin <= letter.sent_at < end:
            delay = max(delay, end - letter.sent_at + int(rng.uniform(0, 20) * MINUTE))
        return delay

    def _stamped(self, letter: Letter, at: Micros, copy: int) -> Letter:
        body = letter.body
        if letter.source == "alipay":
            body = _NOTIFY_TIME.sub(f"notify_time={quote_plus(wall(at))}".encode(), body)
        return replace(letter, body=body, at=at, copy=copy)
