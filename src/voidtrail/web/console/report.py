"""The report of a period: as a page, and as files to be forwarded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any, Final

from litestar import Response, get

from voidtrail.errors import WrongUse
from voidtrail.runtime.app import House
from voidtrail.runtime.text import _
from voidtrail.runtime.views.course import Asked as Question
from voidtrail.runtime.views.course import shifted
from voidtrail.runtime.views.paper import Paper, days_around, days_before, days_in
from voidtrail.web.console.desk import Asked, desk_of, language_of, query_of, surroundings
from voidtrail.web.console.export import file_name
from voidtrail.web.console.period import days_of, today_of
from voidtrail.web.paper.pages import page, printed
from voidtrail.web.paper.story import story

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""The page to be forwarded brings its own style; opened from here it may do nothing else."""
_WAIT_S: Final = 30.0
_STEP_S: Final = 0.5
_PRESS: Final = asyncio.Semaphore(1)


def _question(request: Asked) -> Question:
    desk, query = desk_of(request), query_of(request)
    days = days_of(query, today_of(desk.house))
    asked = Question(days.since, days.until, query.get("shop", ""), bool(query.get("test")))
    if days.since and days.until:
        days_in(asked)
    return asked


def choices(today: date, link: Any) -> list[tuple[str, str]]:
    """Return the periods that are over, each with its address: day, week and month."""
    yesterday = shifted(today.isoformat(), -1)
    week = days_before(*days_around("week", today.isoformat()))
    month = days_before(*days_around("month", today.isoformat()))
    return [
        (said, link("/report", period="", since=since, until=until))
        for said, since, until in (
            (_("Yesterday"), yesterday, yesterday), (_("Last week"), *week),
            (_("Last month"), *month),
        )
    ]  # fmt: skip


@get("/report", include_in_schema=False)
async def report(request: Asked) -> Response[str]:
    """Show the report of a period."""
    desk, asked = desk_of(request), _question(request)
    around = surroundings(request, desk.house)

    def work(_reader: House) -> Mapping[str, Any]:
        bounded = bool(asked.since and asked.until)
        found = desk.watch.paper(asked) if bounded else None
        here = partial(around["link"], period="", since=asked.since, until=asked.until)
        return {
            "bounded": bounded, "found": found, "files": here,
            "choices": choices(today_of(desk.house), around["link"]),
            **(story(found, desk.house.clock()) if found else {}),
        }  # fmt: skip

    return await desk.page(request, "report.html", work)


async def _counted(request: Asked) -> Paper:
    """Return the report, waiting for its first count.

    Raises:
        WrongUse: no period with a beginning and an end was asked for.
    """
    asked, watch = _question(request), desk_of(request).watch
    days_in(asked)
    for _try in range(int(_WAIT_S / _STEP_S)):
        found = await asyncio.to_thread(watch.paper, asked)
        if found is not None:
            return found
        await asyncio.sleep(_STEP_S)
    raise WrongUse("this report is still being counted; ask again in a minute")


async def _made(request: Asked) -> tuple[str, str]:
    """Return the page to be forwarded, and the name of its file without its ending."""
    found, now = await _counted(request), desk_of(request).house.clock()
    text = await asyncio.to_thread(page, found, language_of(request), now)
    days = found.overview.period
    return text, file_name(f"voidtrail-{found.shop or 'report'}-{days.since}-{days.until}")


def _file(content: bytes, media_type: str, name: str) -> Response[bytes]:
    headers = {
        "content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store",
        "content-security-policy": _POLICY,
    }  # fmt: skip
    return Response(content, media_type=media_type, headers=headers)


@get("/report.html", include_in_schema=False)
async def report_page(request: Asked) -> Response[bytes]:
    """Send the report as one page that needs nothing else."""
    text, name = await _made(request)
    return _file(text.encode(), "text/html", f"{name}.html")


@get("/report.pdf", include_in_schema=False)
async def report_pdf(request: Asked) -> Response[bytes]:
    """Send the report as a PDF; one is set at a time, in a process of its own."""
    text, name = await _made(request)
    async with _PRESS:
        content = await asyncio.to_thread(printed, text)
    return _file(content, "application/pdf", f"{name}.pdf")


HANDLERS: Final = (report, report_page, report_pdf)
