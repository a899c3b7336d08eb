"""A link in a message says who has seen an incident; a signature stands for the session.

Opening the link changes nothing, for mail servers open links too: a person presses the button.
"""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, get, post

from voidtrail.errors import NotFound
from voidtrail.runtime.app import House
from voidtrail.runtime.notify.desk import acknowledge, is_ours
from voidtrail.runtime.notify.reading import IncidentRow, incident
from voidtrail.runtime.text import speak
from voidtrail.web.console.desk import Asked, desk_of, html, surroundings
from voidtrail.web.console.gate import protect
from voidtrail.web.console.rendering import rendered

_PATH: Final = "/acknowledge/{no:int}/{proof:str}"


@get(_PATH, include_in_schema=False)
async def ask(request: Asked, no: int, proof: str, by: str = "") -> Response[Any]:
    """Show the incident and the button."""
    return await _answer(request, no, proof, by)


@post(_PATH, include_in_schema=False, status_code=200)
async def answer(request: Asked, no: int, proof: str, by: str = "") -> Response[Any]:
    """Put on record that the holder of the link has seen the incident."""
    return await _answer(request, no, proof, by, pressed=True)


async def _answer(
    request: Asked, no: int, proof: str, by: str, *, pressed: bool = False
) -> Response[Any]:
    desk = desk_of(request)
    client = request.client.host if request.client else None
    context = {**surroundings(request, desk.house), "by": by, "found": None}
    speak(context["language"])  # what is read is put into words while it is read

    def page(status: int, found: IncidentRow | None = None) -> Response[Any]:
        text = rendered("acknowledge.html", context["language"], {**context, "found": found})
        return protect(html(text, status))

    if not desk.access.admits(client, request.headers):
        elsewhere = rendered("enter.html", context["language"], {**context, "why": "elsewhere"})
        return protect(html(elsewhere, 403))
    if not is_ours(desk.house, no, by, proof):
        return page(403)

    def read(house: House) -> IncidentRow:
        return incident(house, no)

    try:
        found = await desk.read(read)
        if pressed and not found.acknowledged_by:
            await acknowledge(desk.intake, no, by, desk.house.clock())
            found = await desk.read(read)
    except NotFound:
        return page(404)
    return page(200, found)
