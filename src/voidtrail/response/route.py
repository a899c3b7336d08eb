"""Routes: who is told of what, as data.

A route fires when a payment *enters* its conditions: it fits now and did not fit before. So a
cancelled payment that is sealed later, or whose fault ends in giving up, is not told of twice.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from voidtrail.event.model import Actor, Method
from voidtrail.event.reason import How
from voidtrail.lifecycle.verdict import Money, State
from voidtrail.money import exponent
from voidtrail.response.hours import RULES, Rule
from voidtrail.response.news import News, Standing

Send = Literal["at_once", "digest"]
CALLED_OFF: Final = ("cancelled", "declined", "failed")
"""The states that a route is about if it names none."""


class Step(NamedTuple):
    """Who is told if nobody acknowledged an incident for some time."""

    after_s: int
    to: tuple[str, ...]


class Route(NamedTuple):
    """Conditions, and who is told if all of them hold; an empty condition always holds.

    Attributes:
        to: channels by name.
        send: at once, or in the channel's next digest.
        each: each payment is an incident of its own, unless there is a flood of them.
        hours: hold messages until the shop wants to be disturbed.
        test: for test traffic, and for nothing else.
        state, how, actor, money: of the verdict.
        was: state before.
        rail, method, shop, entity: of the payment.
        tags: by name of a public dimension, its values.
        at_least, below: by currency, in minor units; another currency does not fit.
        switched: also payments whose order is paid another way.
        escalate: steps, the earliest first.
    """

    name: str
    to: tuple[str, ...]
    send: Send = "at_once"
    each: bool = False
    hours: Rule = "always"
    test: bool = False
    state: tuple[str, ...] = ()
    was: tuple[str, ...] = ()
    how: tuple[str, ...] = ()
    actor: tuple[str, ...] = ()
    money: tuple[str, ...] = ()
    rail: tuple[str, ...] = ()
    method: tuple[str, ...] = ()
    shop: tuple[str, ...] = ()
    entity: tuple[str, ...] = ()
    tags: Mapping[str, tuple[str, ...]] = {}
    at_least: Mapping[str, int] = {}
    below: Mapping[str, int] = {}
    switched: bool = False
    escalate: tuple[Step, ...] = ()


def fires(route: Route, news: News) -> bool:
    """Whether a change is news for a route."""
    return (
        not news.history
        and route.test == news.test
        and (route.switched or not news.switched)
        and _stands(route, news.after)
        and not (news.before is not None and _stands(route, news.before))
        and (not route.was or (news.before is not None and news.before.state in route.was))
        and _fits(route, news)
    )


def _stands(route: Route, standing: Standing) -> bool:
    return (
        standing.state in (route.state or CALLED_OFF)
        and (not route.how or standing.how in route.how)
        and (not route.actor or standing.actor in route.actor)
        and (not route.money or standing.money in route.money)
    )


def _fits(route: Route, news: News) -> bool:
    return (
        (not route.rail or news.rail in route.rail)
        and (not route.method or news.method in route.method)
        and (not route.shop or news.shop in route.shop)
        and (not route.entity or news.entity in route.entity)
        and all(news.tags.get(name, "") in values for name, values in route.tags.items())
        and _costs(route, news)
    )


def _costs(route: Route, news: News) -> bool:
    if not route.at_least and not route.below:
        return True
    amount, currency = news.amount_minor, news.currency
    if amount is None or (route.at_least and currency not in route.at_least):
        return False
    if route.below and currency not in route.below:
        return False
    return route.at_least.get(currency, amount) <= amount < route.below.get(currency, amount + 1)


# ---------------------------------------------------------------------------- what cannot be meant

_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "state": tuple(each.name.lower() for each in State),
    "was": tuple(each.name.lower() for each in State),
    "how": tuple(each.name.lower() for each in How if each),
    "actor": tuple(each.name.lower() for each in Actor),
    "money": tuple(each.name.lower() for each in Money),
    "method": tuple(each.name.lower() for each in Method),
    "hours": RULES,
    "send": ("at_once", "digest"),
}


class Fault(NamedTuple):
    """What is wrong with which field of which route."""

    route: str
    field: str
    why: str


_PLACES: Final = {"to": "channel", "rail": "source", "shop": "shop", "entity": "entity"}


def faults(routes: Sequence[Route], known: Mapping[str, Collection[str]]) -> Iterator[Fault]:
    """Yield everything about routes that cannot be meant.

    Args:
        routes: the routes.
        known: what is configured, by the field that may name it: to, rail, shop, entity.
    """
    names = [route.name for route in routes]
    for route in routes:
        if not route.name:
            yield Fault(route.name, "name", "must not be empty")
        if names.count(route.name) > 1:
            yield Fault(route.name, "name", "is given to two routes")
        if not route.to:
            yield Fault(route.name, "to", "names nobody")
        for field, what in _PLACES.items():
            yield from _unknown(route, field, getattr(route, field), known[field], what)
        for field, words in _WORDS.items():
            value = getattr(route, field)
            given = (value,) if isinstance(value, str) else value
            yield from _unknown(route, field, given, words, "value")
        yield from _amounts(route)
        yield from _steps(route, known["to"])


def _unknown(
    route: Route, field: str, given: Sequence[str], known: Collection[str], what: str
) -> Iterator[Fault]:
    for each in given:
        if each not in known:
            near = difflib.get_close_matches(each, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(known) or '–'}"
            yield Fault(route.name, field, f"{each!r} is not a {what}{hint}")


def _amounts(route: Route) -> Iterator[Fault]:
    for field in ("at_least", "below"):
        for currency, amount in getattr(route, field).items():
            try:
                exponent(currency)
            except ValueError as error:
                yield Fault(route.name, field, str(error))
            if amount < 0:
                yield Fault(route.name, field, f"{currency}: an amount is never below 0")
    for currency in route.at_least.keys() & route.below.keys():
        if route.at_least[currency] >= route.below[currency]:
            yield Fault(route.name, "below", f"{currency}: nothing lies below it and at_least")


def _steps(route: Route, channels: Collection[str]) -> Iterator[Fault]:
    if route.escalate and route.send == "digest":
        yield Fault(route.name, "escalate", "a digest is not escalated; send at_once")
    last = 0
    for number, step in enumerate(route.escalate, 1):
        if step.after_s <= last:
            yield Fault(route.name, "escalate", f"step {number} must come after the one before it")
        if not step.to:
            yield Fault(route.name, "escalate", f"step {number} names nobody")
        last = step.after_s
        yield from _unknown(route, "escalate", step.to, channels, "channel")
