"""Sources: how each account does, what could not be read, what contradicts itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from litestar import Response, get, post

from voidtrail.event.model import Micros
from voidtrail.runtime.app import House
from voidtrail.runtime.text import _, several
from voidtrail.runtime.views import sources as views
from voidtrail.runtime.views.source_shapes import Reread, SourceHealth
from voidtrail.web.console.desk import Asked, desk_of, query_of
from voidtrail.web.console.formats import number

_QUIET_US: Final = 24 * 3600 * 1_000_000


def headline(health: Sequence[SourceHealth], quarantined: int, now: Micros) -> str:
    """Say in one sentence whether everything is heard."""
    silent = [
        each for each in health
        if each.configured and each.mode != "test" and each.week and each.last_at is not None
        and now - each.last_at > _QUIET_US
    ]  # fmt: skip
    if quarantined:
        return several("{n} delivery waits to be understood.",
                       "{n} deliveries wait to be understood.", quarantined
                       ).format(n=number(quarantined))  # fmt: skip
    if silent:
        return several("{n} account has said nothing for a day.",
                       "{n} accounts have said nothing for a day.", len(silent)
                       ).format(n=number(len(silent)))  # fmt: skip
    if not any(each.last_at for each in health):
        return _("No source has said anything yet.")
    return _("Every source is heard and understood.")


async def _shown(request: Asked, reread: Reread | None) -> Response[str]:
    query, now = query_of(request), desk_of(request).house.clock()
    after = int(query["after"]) if query.get("after", "").isdecimal() else 0

    def work(reader: House) -> Mapping[str, Any]:
        health = views.health(reader)
        quarantine = views.quarantine(reader, after)
        return {
            "health": health, "quarantine": quarantine, "conflicts": views.conflicts(reader),
            "headline": headline(health, quarantine.total, now), "reread": reread,
        }  # fmt: skip

    return await desk_of(request).page(request, "sources.html", work)


@get("/sources", include_in_schema=False)
async def sources(request: Asked) -> Response[str]:
    """Show every account of every source."""
    return await _shown(request, None)


@post("/sources/quarantine/{number:int}", include_in_schema=False, status_code=200)
async def again(request: Asked, number: int) -> Response[str]:
    """Read one quarantined delivery again under the present translator."""
    desk = desk_of(request)
    return await _shown(request, await views.reread(desk.house, desk.intake, number))


HANDLERS: Final = (sources, again)
