"""What would yesterday have sent? The routes of today over the changes of a period, told nobody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import msgspec

from voidtrail.errors import WrongUse
from voidtrail.event.model import Micros
from voidtrail.ledger.contract import SLICE_MAX
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.response import alert
from voidtrail.response.alert import Outcome
from voidtrail.response.incident import State
from voidtrail.runtime.app import House
from voidtrail.runtime.business_day import bound, cutoff_us
from voidtrail.runtime.clock import to_datetime
from voidtrail.runtime.notify.desk import links, news_of
from voidtrail.runtime.notify.words import letter
from voidtrail.runtime.outbox import Notice
from voidtrail.runtime.outbox import notices as read
from voidtrail.runtime.text import language

STEP_US: Final = 60_000_000
"""How often the rehearsed clock looks for what is due."""


class Said(msgspec.Struct, frozen=True):
    """A message that would have been sent."""

    at: Micros
    channel: str
    why: str
    step: int
    title: str
    text: str
    incidents: tuple[int, ...]


def period(house: House, since: str | None, until: str | None) -> tuple[Micros, Micros, str]:
    """Return a period's bounds, and the zone in which it is meant: that of the first account.

    Args:
        house: the house.
        since: first business day, or an instant; yesterday if None.
        until: last business day, that day included; the day of `since` if None.
    """
    account = next(iter(house.ledger.accounts().values()), None)
    zone, cutoff = (account.zone, account.cutoff) if account else ("UTC", "00:00")
    if since is None:
        today = to_datetime(house.clock() - cutoff_us(cutoff), zone)
        since = str((today - timedelta(days=1)).date())
    start = bound(since, zone, cutoff, end=False)
    end = bound(until or since, zone, cutoff, end=True)
    assert start is not None
    assert end is not None
    if end <= start:
        raise WrongUse(f"the period ends before it begins: {since} to {until or since}")
    return start, end, zone


def tried(house: House, since: Micros, until: Micros) -> list[Said]:
    """Return what the configured routes would have sent; nobody acknowledges anything in it.

    Args:
        house: the house; nothing of it is changed.
        since: beginning of the period.
        until: its end, exclusive.
    """
    rehearsal = _Rehearsal(house, since)
    slice_: list[Notice] = []
    for notice in _notices(house.ledger, since, until):
        if slice_ and (notice.at != slice_[0].at or len(slice_) == SLICE_MAX):
            rehearsal.hear(slice_)
            slice_ = []
        slice_.append(notice)
    if slice_:
        rehearsal.hear(slice_)
    rehearsal.wait(until)
    return rehearsal.said


class _Rehearsal:
    """The decider without a ledger, under a clock of its own."""

    def __init__(self, house: House, now: Micros) -> None:
        self._house, self._book = house, house.settings.book()
        self._now, self._state = now, State()
        self.said: list[Said] = []

    def wait(self, until: Micros) -> None:
        """Let time go by."""
        while self._state.incidents and self._now + STEP_US < until:
            self._now += STEP_US
            self._take(alert.due(self._state, self._book, self._now))
        self._now = max(self._now, until)

    def hear(self, notices: list[Notice]) -> None:
        """Decide about changes of one instant."""
        self.wait(notices[0].at)
        news = list(news_of(self._house, notices))
        self._take(alert.decide(self._state, self._book, news, self._now))

    def _take(self, outcome: Outcome) -> None:
        self._state = outcome.state
        for tell in outcome.tells:
            words = letter(tell, links(self._house, tell), language())
            numbers = tuple(incident.no for incident in tell.incidents)
            self.said.append(Said(self._now, tell.channel, tell.why, tell.step, words.title,
                                  words.text, numbers))  # fmt: skip


def _notices(ledger: SqliteLog, since: Micros, until: Micros) -> Iterator[Notice]:
    """Yield the changes of a period, struck off or not."""
    after = _first(ledger, since) - 1
    while rows := ledger.db.execute(
        "SELECT no, at, payment_id, quiet, before, after FROM outbox WHERE no > ? ORDER BY no "
        "LIMIT ?", (after, SLICE_MAX),
    ).fetchall():  # fmt: skip
        after = rows[-1][0]
        yield from read(ledger, [row for row in rows if since <= row[1] < until])
        if rows[0][1] >= until:
            return


def _first(ledger: SqliteLog, since: Micros) -> int:
    """Return a number before which no change is as young; numbers grow with time."""
    low, high = 0, int(ledger.db.execute("SELECT ifnull(max(no), 0) + 1 FROM outbox").fetchone()[0])
    while low < high:
        middle = (low + high) // 2
        row = ledger.db.execute(
            "SELECT at FROM outbox WHERE no >= ? ORDER BY no LIMIT 1", (middle,)
        ).fetchone()
        if row is not None and row[0] < since:
            low = middle + 1
        else:
            high = middle
    return low
