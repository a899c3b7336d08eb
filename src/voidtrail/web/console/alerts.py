"""Alerts: what goes on, who was told, who has seen it; and what the routes would have sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from litestar import Response, get, post
from litestar.response import Redirect

from voidtrail.event.model import Micros
from voidtrail.response.route import Route
from voidtrail.runtime.app import House
from voidtrail.runtime.notify.desk import acknowledge
from voidtrail.runtime.notify.reading import IncidentRow, incidents
from voidtrail.runtime.notify.trial import Said, period, tried
from voidtrail.runtime.text import _, label, several
from voidtrail.runtime.views.shapes import Amount
from voidtrail.web.console.desk import Asked, address, desk_of, query_of
from voidtrail.web.console.formats import money, number
from voidtrail.web.console.period import days_of, today_of

_MOST: Final = 50
_TRIED_MOST: Final = 50
_CONDITIONS: Final = {"state": "state", "was": "state", "how": "how", "actor": "actor",
                      "money": "money", "rail": "source", "method": "method", "shop": "",
                      "entity": ""}  # fmt: skip


def headline(found: Sequence[IncidentRow]) -> str:
    """Say in one sentence what goes on and what nobody has seen."""
    going_on = [each for each in found if each.closed_at is None]
    unseen = [each for each in going_on if each.acknowledged_at is None]
    if not going_on:
        return _("Nothing is going on that somebody must see.")
    if not unseen:
        return several("{n} incident is going on, and somebody has seen it.",
                       "{n} incidents are going on, and somebody has seen each.", len(going_on)
                       ).format(n=number(len(going_on)))  # fmt: skip
    said = several("{unseen} of {n} incident that is going on has been seen by nobody.",
                   "{unseen} of {n} incidents that are going on have been seen by nobody.",
                   len(going_on))  # fmt: skip
    return said.format(unseen=number(len(unseen)), n=number(len(going_on)))


def conditions(route: Route) -> Iterator[str]:
    """Yield a route's conditions in words."""
    for name, context in _CONDITIONS.items():
        values: tuple[str, ...] = getattr(route, name)
        if values:
            said = [label(context, each) if context else each for each in values]
            yield (_("was {values}") if name == "was" else "{values}").format(
                values=" / ".join(said))  # fmt: skip
    for currency, minor in route.at_least.items():
        yield _("at least {amount}").format(amount=money(Amount(minor=minor, currency=currency)))
    for currency, minor in route.below.items():
        yield _("below {amount}").format(amount=money(Amount(minor=minor, currency=currency)))
    for tag, values in route.tags.items():
        yield f"{tag} = {' / '.join(values)}"


@get("/alerts", include_in_schema=False)
async def alerts(request: Asked) -> Response[str]:
    """Show incidents, routes and, if asked, what the routes would have sent in a period."""
    desk, query = desk_of(request), query_of(request)
    days = days_of(query, today_of(desk.house), "yesterday")
    rehearsed = bool(query.get("try"))

    def work(reader: House) -> Mapping[str, Any]:
        found = incidents(reader, _MOST)
        sent: list[Said] = []
        zone = "UTC"
        if rehearsed:
            since, until, zone = period(reader, days.since or None, days.until or None)
            sent = tried(reader, since, until)
        book = desk.house.settings.book()
        return {
            "headline": headline(found), "incidents": found, "rehearsed": rehearsed,
            "sent": sent[:_TRIED_MOST], "sent_count": len(sent), "sent_zone": zone, "days": days,
            "routes": [(route, list(conditions(route))) for route in book.routes],
            "channels": desk.house.settings.channel, "money_of": money_of,
            "default_period": "yesterday", "chosen_period": days.word,
        }  # fmt: skip

    return await desk.page(request, "alerts.html", work)


def money_of(sums: Mapping[str, int]) -> list[Amount]:
    """Return sums by currency as amounts."""
    return [Amount(minor=minor, currency=currency) for currency, minor in sorted(sums.items())]


@post("/alerts/{no:int}/seen", include_in_schema=False, status_code=303)
async def seen(request: Asked, no: int) -> Redirect:
    """Put on record that this person has seen an incident; nobody else is called."""
    desk = desk_of(request)
    now: Micros = desk.house.clock()
    await acknowledge(desk.intake, no, request.state.person.name, now)
    return Redirect(address("/alerts", query_of(request)) + f"#incident-{no}", status_code=303)


HANDLERS: Final = (alerts, seen)
