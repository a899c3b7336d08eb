"""Incidents: what belongs together, what of it is told to whom, and how the ledger's entries fold.

Changes of the same shop, rail and kind within a window are one incident. All that is known of
incidents is a fold of `AlertEvent`s, which stand in the ledger as control entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from voidtrail.event.model import Micros
from voidtrail.response.hours import Rule
from voidtrail.response.route import Send

RECENT_MAX: Final = 200
"""How many finished incidents are kept at hand."""
Why = Literal["opened", "escalated", "closed", "digest"]


class _Value(msgspec.Struct, frozen=True, omit_defaults=True):
    """A value of an entry; what is as usual is not written."""


class Topic(_Value, frozen=True):
    """What incidents are grouped by; `own` is the payment if it is an incident of its own."""

    shop: str
    rail: str
    what: str
    test: bool = False
    own: int = 0


class Example(_Value, frozen=True):
    """The payment that costs most, to show what the incident is about."""

    order: str
    amount_minor: int | None = None
    currency: str = ""
    how: str = "none"
    actor: str = "unknown"
    method: str = "unknown"


class Wish(_Value, frozen=True):
    """A route wants a channel to hear of the incident."""

    route: str
    send: Send = "at_once"
    hours: Rule = "always"


class Told(_Value, frozen=True):
    """A message to a channel: the incident had `count` payments by then."""

    at: Micros
    channel: str
    why: Why
    key: str
    count: int
    route: str = ""
    step: int = 0


class Line(_Value, frozen=True):
    """How far a channel has been told; `since` is when what it does not know yet began."""

    wish: Wish
    counted: int = 0
    since: Micros | None = None


class Acknowledgement(_Value, frozen=True):
    """Somebody has seen it and is at work on it."""

    at: Micros
    who: str


class Incident(_Value, frozen=True, kw_only=True):
    """What happened, to how many payments and how much money, and who knows."""

    no: int
    topic: Topic
    entity: str
    zone: str
    opened_at: Micros
    last_at: Micros
    count: int = 0
    money: Mapping[str, int] = {}
    example: Example = Example("")
    payments: frozenset[int] = frozenset()
    back: frozenset[int] = frozenset()
    lines: Mapping[str, Line] = {}
    told: tuple[Told, ...] = ()
    acknowledged: Acknowledgement | None = None
    closed_at: Micros | None = None


class State(msgspec.Struct, frozen=True):
    """All that is known of incidents.

    Attributes:
        incidents: those that are not finished, by number.
        open: the one that grows, by topic.
        digests: how many a channel has had.
        recent: finished ones, the last one last.
    """

    incidents: Mapping[int, Incident] = {}
    open: Mapping[Topic, int] = {}
    digests: Mapping[str, int] = {}
    recent: tuple[Incident, ...] = ()

    def find(self, no: int) -> Incident | None:
        """Return an incident by its number, if it is still at hand."""
        return self.incidents.get(no) or next((i for i in self.recent if i.no == no), None)


# ------------------------------------------------------------------------------------- what is said


class Seen(_Value, frozen=True, tag="seen"):
    """Payments came to an incident, or came back to life; it begins if `topic` is given."""

    incident: int
    at: Micros
    last_at: Micros
    topic: Topic | None = None
    entity: str = ""
    zone: str = "UTC"
    payments: tuple[int, ...] = ()
    money: Mapping[str, int] = {}
    example: Example | None = None
    back: tuple[int, ...] = ()
    wishes: Mapping[str, Wish] = {}
    told: tuple[Told, ...] = ()


class Moved(_Value, frozen=True, tag="moved"):
    """Time went by: somebody was told, it is over, nothing is left to do about it."""

    incident: int
    at: Micros
    told: tuple[Told, ...] = ()
    closed: bool = False
    finished: bool = False


class Acknowledged(_Value, frozen=True, tag="acknowledged"):
    """Somebody said that it is seen."""

    incident: int
    at: Micros
    who: str


class Digested(_Value, frozen=True, tag="digested"):
    """A channel got its digest: `counts` are the payments of each incident by then."""

    at: Micros
    channel: str
    key: str
    counts: Mapping[int, int]


AlertEvent = Seen | Moved | Acknowledged | Digested


def fold(state: State, event: AlertEvent) -> State:
    """Return the state after an event."""
    if isinstance(event, Digested):
        return _digested(state, event)
    before = state.find(event.incident)
    if isinstance(event, Seen):
        incident = grown(before, event)
        topics = state.open if event.topic is None else {**state.open, event.topic: incident.no}
        return replace(state, incidents={**state.incidents, incident.no: incident}, open=topics)
    if before is None:  # acknowledged long after it was put away
        return state
    if isinstance(event, Acknowledged):
        seen = before.acknowledged or Acknowledgement(event.at, event.who)
        return _kept(state, replace(before, acknowledged=seen))
    return _moved(state, before, event)


def grown(before: Incident | None, event: Seen) -> Incident:
    """Return an incident with what came to it."""
    if event.topic is not None:
        before = Incident(no=event.incident, topic=event.topic, entity=event.entity,
                          zone=event.zone, opened_at=event.at, last_at=event.last_at)  # fmt: skip
    assert before is not None, f"incident {event.incident} was never opened"
    fresh = set(event.payments) - before.payments
    assert len(fresh) == len(event.payments), "a payment counts once"
    money = dict(before.money)
    for currency, amount in event.money.items():
        money[currency] = money.get(currency, 0) + amount
    lines = {name: line if line.since or not fresh else replace(line, since=event.at)
             for name, line in before.lines.items()}  # fmt: skip
    for channel, wish in event.wishes.items():
        known = lines.get(channel)
        lines[channel] = Line(wish, known.counted if known else 0,
                              known.since or event.at if known else event.at)  # fmt: skip
    incident = replace(
        before, last_at=max(before.last_at, event.last_at), count=before.count + len(fresh),
        money=money, payments=before.payments | fresh, back=before.back | set(event.back),
        example=_dearer(before.example, event.example), lines=lines,
    )  # fmt: skip
    return heard(incident, event.told)


def _dearer(known: Example, other: Example | None) -> Example:
    """Return the example that costs more; the first one where that cannot be said."""
    if other is None:
        return known
    if not known.order:
        return other
    dearer = known.currency == other.currency and (other.amount_minor or 0) > (
        known.amount_minor or 0
    )
    return other if dearer else known


def heard(incident: Incident, told: tuple[Told, ...]) -> Incident:
    """Return an incident of which channels were told."""
    if not told:
        return incident
    lines = dict(incident.lines)
    for each in told:
        known = lines.get(each.channel)
        wish = known.wish if known else Wish(each.route)
        lines[each.channel] = Line(wish, counted=each.count)
    return replace(incident, lines=lines, told=incident.told + told)


def _moved(state: State, before: Incident, event: Moved) -> State:
    incident = heard(before, event.told)
    if event.closed:
        incident = replace(incident, closed_at=event.at)
        if state.open.get(incident.topic) == incident.no:
            left = {topic: no for topic, no in state.open.items() if no != incident.no}
            state = replace(state, open=left)
    if not event.finished:
        return _kept(state, incident)
    rest = {no: each for no, each in state.incidents.items() if no != incident.no}
    put_away = replace(incident, payments=frozenset())
    return replace(state, incidents=rest, recent=(*state.recent, put_away)[-RECENT_MAX:])


def _kept(state: State, incident: Incident) -> State:
    """Return the state with a changed incident where it was."""
    if incident.no in state.incidents:
        return replace(state, incidents={**state.incidents, incident.no: incident})
    recent = tuple(incident if each.no == incident.no else each for each in state.recent)
    return replace(state, recent=recent)


def _digested(state: State, event: Digested) -> State:
    incidents = dict(state.incidents)
    for no, count in event.counts.items():
        incident = incidents[no]
        route = incident.lines[event.channel].wish.route
        told = Told(event.at, event.channel, "digest", event.key, count, route)
        incidents[no] = heard(incident, (told,))
    digests = {**state.digests, event.channel: state.digests.get(event.channel, 0) + 1}
    return replace(state, incidents=incidents, digests=digests)
