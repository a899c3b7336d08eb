"""Alerts as people read them: incidents, who was told, whether it arrived, who acknowledged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal
from weakref import WeakKeyDictionary

import msgspec

from voidtrail.errors import NotFound
from voidtrail.event.model import Micros
from voidtrail.ledger.connection import marks
from voidtrail.ledger.messages import DEAD, SENT
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.response.incident import Example, Incident, State
from voidtrail.runtime.app import House
from voidtrail.runtime.notify.desk import Incidents
from voidtrail.runtime.notify.words import summary, what

Arrival = Literal["waiting", "arrived", "given_up"]
_ARRIVALS: Final[Mapping[int, Arrival]] = {SENT: "arrived", DEAD: "given_up"}
_known: WeakKeyDictionary[SqliteLog, Incidents] = WeakKeyDictionary()


class ToldRow(msgspec.Struct, frozen=True):
    """A message to a channel; `count` is of how many payments it told."""

    at: Micros
    channel: str
    why: str
    step: int
    count: int
    arrival: Arrival
    tries: int
    last_error: str


class IncidentRow(msgspec.Struct, frozen=True, kw_only=True):
    """An incident; `title` and `what` are in the language in use."""

    no: int
    title: str
    what: str
    shop: str
    rail: str
    entity: str
    zone: str
    test: bool
    count: int
    money: Mapping[str, int]
    example: Example
    opened_at: Micros
    last_at: Micros
    closed_at: Micros | None
    paid_after_all: int
    acknowledged_at: Micros | None
    acknowledged_by: str
    told: tuple[ToldRow, ...]


def incidents(house: House, limit: int = 100) -> list[IncidentRow]:
    """Return incidents that are at hand, the newest first."""
    state = _state(house)
    found = sorted((*state.incidents.values(), *state.recent), key=lambda i: -i.no)[:limit]
    return _rows(house, found)


def incident(house: House, no: int) -> IncidentRow:
    """Return one incident.

    Raises:
        NotFound: there is none of that number, or it ended long ago.
    """
    found = _state(house).find(no)
    if found is None:
        raise NotFound(f"there is no incident {no} at hand; see voidtrail alerts list")
    return _rows(house, [found])[0]


def _state(house: House) -> State:
    return _known.setdefault(house.ledger, Incidents()).catch_up(house.ledger)


def _rows(house: House, found: Sequence[Incident]) -> list[IncidentRow]:
    keys = [told.key for each in found for told in each.told]
    sent = _arrivals(house.ledger, keys)
    return [_row(each, sent) for each in found]


def _arrivals(ledger: SqliteLog, keys: Sequence[str]) -> dict[str, tuple[int, int, str]]:
    found: dict[str, tuple[int, int, str]] = {}
    for start in range(0, len(keys), 500):
        text, padded = marks(keys[start : start + 500])
        for key, *rest in ledger.db.execute(
            f"SELECT key, state, tries, last_error FROM message WHERE key IN {text}", padded
        ):
            found[key] = (rest[0], rest[1], rest[2])
    return found


def _row(found: Incident, sent: Mapping[str, tuple[int, int, str]]) -> IncidentRow:
    topic, seen = found.topic, found.acknowledged
    told = []
    for each in found.told:
        # What arrived long ago has been tidied away.
        state, tries, error = sent.get(each.key, (SENT, 1, ""))
        told.append(ToldRow(each.at, each.channel, each.why, each.step, each.count,
                            _ARRIVALS.get(state, "waiting"), tries, error))  # fmt: skip
    return IncidentRow(
        no=found.no, title=summary(found), what=what(topic), shop=topic.shop, rail=topic.rail,
        entity=found.entity, zone=found.zone, test=topic.test, count=found.count,
        money=found.money, example=found.example, opened_at=found.opened_at,
        last_at=found.last_at, closed_at=found.closed_at, paid_after_all=len(found.back),
        acknowledged_at=seen.at if seen else None, acknowledged_by=seen.who if seen else "",
        told=tuple(told),
    )  # fmt: skip
