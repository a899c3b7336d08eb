"""What is said to whom, and when: decided from news, or from the time alone.

Nothing here reads a clock or sends anything. A decision is events, which the ledger keeps, and
`Tell`s, which the runtime puts into words and posts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

from msgspec.structs import replace

from voidtrail.event.model import Micros
from voidtrail.response.hours import Hours, may_disturb
from voidtrail.response.incident import (
    AlertEvent,
    Digested,
    Example,
    Incident,
    Line,
    Moved,
    Seen,
    State,
    Told,
    Topic,
    Why,
    Wish,
    fold,
    grown,
)
from voidtrail.response.news import News
from voidtrail.response.route import CALLED_OFF, Route, fires

_SECOND: Final = 1_000_000
OTHER_SHOPS: Final = "*"
"""The name under which the hours of all shops stand that have none of their own."""


class Book(NamedTuple):
    """What is configured.

    Attributes:
        hours: by shop.
        window_us: how long after its last payment an incident is over.
        digest_us: how long what goes into a digest may wait.
        own_max: most incidents of single payments of one topic at a time; more are a flood, and
            flow into one.
    """

    routes: tuple[Route, ...] = ()
    hours: Mapping[str, Hours] = {}
    window_us: Micros = 900 * _SECOND
    digest_us: Micros = 3600 * _SECOND
    own_max: int = 10

    def may(self, incident: Incident, wish: Wish, now: Micros) -> bool:
        """Whether a channel may be told of an incident now."""
        hours = self.hours.get(incident.topic.shop) or self.hours.get(OTHER_SHOPS) or Hours()
        return may_disturb(hours, wish.hours, incident.zone, now)

    def route(self, name: str) -> Route | None:
        """Return a route by its name."""
        return next((route for route in self.routes if route.name == name), None)


class Tell(NamedTuple):
    """Something to be said to a channel.

    Attributes:
        key: the same for the same message, however often it is decided or sent.
        incidents: what about, as they are by then; several only in a digest.
        step: of the escalation, from 1.
    """

    channel: str
    why: Why
    key: str
    incidents: tuple[Incident, ...]
    step: int = 0


class Outcome(NamedTuple):
    """What was decided: events in their order, what is said, and the state after them."""

    events: tuple[AlertEvent, ...]
    tells: tuple[Tell, ...]
    state: State


class _Draft:
    """What a slice of news brings to one incident."""

    def __init__(self, no: int, known: Incident | None, topic: Topic, first: News) -> None:
        self.no, self.known, self.topic, self.first = no, known, topic, first
        self.payments: dict[int, None] = {}
        self.money: dict[str, int] = {}
        self.back: dict[int, None] = {}
        self.wishes: dict[str, Wish] = {}
        self.example: Example | None = None
        self.last_at = known.last_at if known else first.at

    def take(self, news: News, routes: Sequence[Route]) -> None:
        """Count a payment once, and note who wants to hear of it."""
        self.last_at = max(self.last_at, news.at)
        for route in routes:
            for channel in route.to:
                self._wish(channel, Wish(route.name, route.send, route.hours))
        if news.payment in self.payments or (self.known and news.payment in self.known.payments):
            return
        self.payments[news.payment] = None
        if news.amount_minor is not None:
            amount = self.money.get(news.currency, 0) + news.amount_minor
            self.money[news.currency] = amount
        dearest = self.example or (self.known.example if self.known else None)
        if dearest is None or _costs_more(news, dearest):
            self.example = Example(news.order, news.amount_minor, news.currency, news.after.how,
                                   news.after.actor, news.method)  # fmt: skip

    def _wish(self, channel: str, wish: Wish) -> None:
        """Keep the more urgent of two wishes for a channel, the first one if they are alike."""
        line = self.known.lines.get(channel) if self.known else None
        held = self.wishes.get(channel) or (line.wish if line else None)
        if held is None or _urgency(wish) < _urgency(held):
            self.wishes[channel] = wish

    def event(self, now: Micros) -> Seen:
        """Return what happened to the incident, nobody told yet."""
        new = self.known is None
        return Seen(
            self.no, now, self.last_at, self.topic if new else None,
            self.first.entity if new else "", self.first.zone if new else "UTC",
            tuple(self.payments), self.money, self.example, tuple(self.back), self.wishes,
        )  # fmt: skip


def _urgency(wish: Wish) -> tuple[bool, int]:
    return wish.send != "at_once", ("always", "awake", "business").index(wish.hours)


def _costs_more(news: News, example: Example) -> bool:
    same = news.currency == example.currency
    return same and (news.amount_minor or 0) > (example.amount_minor or 0)


def decide(state: State, book: Book, news: Sequence[News], now: Micros) -> Outcome:
    """Return what follows from changes, the oldest first.

    Args:
        state: everything known.
        book: what is configured.
        news: the changes.
        now: the instant of the decision.
    """
    drafts: dict[int, _Draft] = {}
    for each in news:
        if each.history:
            continue
        if each.after.state == "paid" and each.before and each.before.state in CALLED_OFF:
            _come_back(state, drafts, each)
        routes = [route for route in book.routes if fires(route, each)]
        if routes:
            _draft(state, book, drafts, each, routes).take(each, routes)
    events, tells = [], []
    for draft in drafts.values():
        event = draft.event(now)
        said = list(_openings(grown(draft.known, event), book, now))
        event = replace(event, told=tuple(told for told, _ in said))
        events.append(event)
        state = fold(state, event)
        tells += [_tell(state.incidents[draft.no], told) for told, _ in said]
    return Outcome(tuple(events), tuple(tells), state)


def _come_back(state: State, drafts: dict[int, _Draft], news: News) -> None:
    """Note that a payment of incidents is paid after all."""
    for draft in drafts.values():
        if news.payment in draft.payments:
            draft.back[news.payment] = None
    for incident in state.incidents.values():
        if news.payment in incident.payments and news.payment not in incident.back:
            fresh = _Draft(incident.no, incident, incident.topic, news)
            drafts.setdefault(incident.no, fresh).back[news.payment] = None


def _draft(
    state: State, book: Book, drafts: dict[int, _Draft], news: News, routes: Sequence[Route]
) -> _Draft:
    """Return the incident to which a change belongs; its number is that of its first notice."""
    group = Topic(news.shop, news.rail, news.after.what(), news.test)
    topics = [group]
    if any(route.each for route in routes):
        topics.insert(0, replace(group, own=news.payment))
    for topic in topics:
        for draft in drafts.values():
            if draft.topic == topic and news.at - draft.last_at <= book.window_us:
                return draft
        known = state.incidents.get(state.open.get(topic, 0))
        if known is not None and news.at - known.last_at <= book.window_us:
            return drafts.setdefault(known.no, _Draft(known.no, known, topic, news))
        if topic.own and _own(state, drafts, group) < book.own_max:
            break
    else:
        topic = group
    return drafts.setdefault(news.no, _Draft(news.no, None, topic, news))


def _own(state: State, drafts: Mapping[int, _Draft], group: Topic) -> int:
    """Count the single payments of a topic that are incidents of their own right now."""
    fresh = [draft.topic for draft in drafts.values() if draft.known is None]
    return sum(topic.own > 0 and replace(topic, own=0) == group for topic in (*state.open, *fresh))


# ---------------------------------------------------------------------------------- by time alone


def due(state: State, book: Book, now: Micros) -> Outcome:
    """Return what follows from the time: what was held, escalations, closings, digests."""
    events: list[AlertEvent] = []
    tells: list[Tell] = []
    for incident in list(state.incidents.values()):
        event = _moved(incident, book, now)
        if event is None:
            continue
        events.append(event)
        after = fold(state, event)
        moved = after.find(incident.no)
        assert moved is not None
        tells += [_tell(moved, told) for told in event.told]
        state = after
    for channel in sorted({name for i in state.incidents.values() for name in i.lines}):
        digest = _digest(state, book, channel, now)
        if digest is not None:
            events.append(digest)
            about = tuple(state.incidents[no] for no in digest.counts)
            tells.append(Tell(channel, "digest", digest.key, about))
            state = fold(state, digest)
    return Outcome(tuple(events), tuple(tells), state)


def _moved(incident: Incident, book: Book, now: Micros) -> Moved | None:
    """Return what time does to an incident, None if nothing."""
    closes = incident.closed_at is None and now - incident.last_at > book.window_us
    closed = closes or incident.closed_at is not None
    said = [told for told, _ in _openings(incident, book, now)]
    said += _escalations(incident, book, now)
    already = {told.channel for told in said}
    if closed:
        said += [told for told in _closings(incident, book, now) if told.channel not in already]
    left = {told.channel for told in said}
    waits = any(_waits(incident, name) for name in incident.lines if name not in left)
    finished = closed and not waits and not _may_escalate(incident, book, said)
    if not (said or closes or finished):
        return None
    return Moved(incident.no, now, tuple(said), closes, finished)


def _waits(incident: Incident, channel: str) -> bool:
    """Whether a channel does not know everything yet that it is to know in the end."""
    line = incident.lines[channel]
    if line.counted < incident.count:
        return True
    ended = any(told.channel == channel and told.why == "closed" for told in incident.told)
    return bool(incident.back) and line.wish.send == "at_once" and not ended


def _openings(incident: Incident, book: Book, now: Micros) -> Iterator[tuple[Told, Line]]:
    """Yield who is to be told at once and was not yet."""
    first = {told.channel for told in incident.told if told.why != "digest"}
    for channel, line in incident.lines.items():
        wish = line.wish
        if wish.send == "at_once" and channel not in first and book.may(incident, wish, now):
            yield Told(now, channel, "opened", _key(incident, channel, "opened"), incident.count,
                       wish.route), line  # fmt: skip


def _closings(incident: Incident, book: Book, now: Micros) -> Iterator[Told]:
    """Yield who was told at once and does not know how it ended."""
    ended = {told.channel for told in incident.told if told.why == "closed"}
    first = {told.channel for told in incident.told if told.why in ("opened", "escalated")}
    for channel, line in incident.lines.items():
        changed = line.counted < incident.count or incident.back
        if channel in first - ended and changed and book.may(incident, line.wish, now):
            yield Told(now, channel, "closed", _key(incident, channel, "closed"), incident.count,
                       line.wish.route)  # fmt: skip


def _escalations(incident: Incident, book: Book, now: Micros) -> Iterator[Told]:
    """Yield who is to be told because nobody acknowledged it."""
    if incident.acknowledged is not None:
        return
    for name, since in _started(incident).items():
        route = book.route(name)
        done = _steps_done(incident.told, name)
        for number, step in enumerate(route.escalate if route else (), 1):
            wish = Wish(name, "at_once", route.hours if route else "always")
            is_due = number > done and now >= since + step.after_s * _SECOND
            if is_due and book.may(incident, wish, now):
                for channel in step.to:
                    key = _key(incident, channel, "escalated", f"{name}/{number}")
                    yield Told(now, channel, "escalated", key, incident.count, name, number)


def _started(incident: Incident) -> dict[str, Micros]:
    """Return when each route first told of the incident at once."""
    started: dict[str, Micros] = {}
    for told in incident.told:
        if told.why == "opened":
            started.setdefault(told.route, told.at)
    return started


def _steps_done(told: Sequence[Told], route: str) -> int:
    steps = [each.step for each in told if each.why == "escalated" and each.route == route]
    return max(steps, default=0)


def _may_escalate(incident: Incident, book: Book, said: Sequence[Told]) -> bool:
    if incident.acknowledged is not None:
        return False
    told = (*incident.told, *said)
    names = {each.route for each in told if each.why == "opened"}
    routes = [route for name in names if (route := book.route(name)) is not None]
    return any(_steps_done(told, route.name) < len(route.escalate) for route in routes)


def _digest(state: State, book: Book, channel: str, now: Micros) -> Digested | None:
    """Return a channel's digest, if what waits for it has waited long enough."""
    waiting = {
        incident.no: (incident.count, line.since or now)
        for incident in state.incidents.values()
        if (line := incident.lines.get(channel)) is not None and line.wish.send == "digest"
        and line.counted < incident.count and book.may(incident, line.wish, now)
    }  # fmt: skip
    if not waiting or min(since for _, since in waiting.values()) + book.digest_us > now:
        return None
    key = f"digest:{quote(channel, safe='')}:{state.digests.get(channel, 0) + 1}"
    return Digested(now, channel, key, {no: count for no, (count, _) in waiting.items()})


def _key(incident: Incident, channel: str, why: Why, step: str = "") -> str:
    """Return a message's key, fit for a header whatever names people give to channels."""
    return ":".join(quote(word, safe="") for word in ("alert", str(incident.no), channel, why, step)
                    if word)  # fmt: skip


def _tell(incident: Incident, told: Told) -> Tell:
    return Tell(told.channel, told.why, told.key, (incident,), told.step)
