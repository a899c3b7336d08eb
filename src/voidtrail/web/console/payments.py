"""Payments: a list whose filters stand in the URL, its export, and the search."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any, Final, cast
from urllib.parse import quote

from litestar import Response, get
from litestar.response import Redirect, Stream

from voidtrail.event.model import Actor, Method
from voidtrail.event.reason import How
from voidtrail.lifecycle.verdict import Money, State
from voidtrail.runtime.app import House
from voidtrail.runtime.text import _
from voidtrail.runtime.views import lists
from voidtrail.runtime.views.shapes import Filter, Found
from voidtrail.web.console import export
from voidtrail.web.console.desk import Asked, address, desk_of, query_of, surroundings
from voidtrail.web.console.period import Days, days_of, today_of

ROWS: Final = 50
_EXPORT_ROWS: Final = 500
_FILTERS: Final = ("state", "how", "actor", "money", "source", "account", "method", "entity",
                   "currency", "shop", "query")  # fmt: skip
_OPTIONS: Final = {
    context: [each.name.lower() for each in words if each or context != "how"]
    for context, words in {
        "state": State, "money": Money, "how": How, "actor": Actor, "method": Method,
    }.items()
}  # fmt: skip


def filter_of(query: Mapping[str, str], days: Days) -> Filter:
    """Return the filter that a URL names; what it cannot mean is left out."""
    given: dict[str, Any] = {name: query[name] for name in _FILTERS if name in query}
    given |= {name: int(query[name]) for name in ("least", "most")
              if query.get(name, "").isdecimal() and query.get("currency")}  # fmt: skip
    order = "largest" if query.get("order") == "largest" else "latest"
    return Filter(**given, since=days.since, until=days.until, saveable="saveable" in query,
                  test="test" in query, order=cast(Any, order))  # fmt: skip


def _asked(request: Asked) -> tuple[Filter, Days]:
    query = query_of(request)
    # What can still be saved is looked for whenever it began.
    default = "all" if "saveable" in query or "query" in query else "today"
    days = days_of(query, today_of(desk_of(request).house), default)
    return filter_of(query, days), days


@get("/payments", include_in_schema=False)
async def payments(request: Asked) -> Response[str]:
    """List payments, 50 at a time."""
    wanted, days = _asked(request)
    query, desk = query_of(request), desk_of(request)

    def work(reader: House) -> Mapping[str, Any]:
        saving = desk.watch.saving() if wanted.saveable else None
        page = lists.page(reader, wanted, query.get("cursor", ""), ROWS, saving=saving)
        sources = sorted({entry.account.source for entry in desk.house.by_no.values()})
        return {
            "page": page, "filter": wanted, "options": {**_OPTIONS, "source": sources},
            "filtered": any(query.get(name) for name in (*_FILTERS, "saveable", "order")),
            "title": _("What can still be saved") if wanted.saveable else _("Payments"),
            "next": address("/payments", {**query, "cursor": page.cursor}),
            "export": address("/payments.csv", {**query, "cursor": ""}),
            "chosen_period": days.word, "default_period": days.word or "today",
        }  # fmt: skip

    template = "_more_payments.html" if "hx-request" in request.headers else "payments.html"
    return await desk.page(request, template, work)


@get("/payments.csv", include_in_schema=False)
async def payments_csv(request: Asked) -> Stream:
    """Send what the filter holds as CSV, a page at a time, so that nothing waits for it."""
    wanted, _days = _asked(request)
    desk = desk_of(request)

    async def parts() -> AsyncIterator[bytes]:
        yield export.head().encode()
        cursor = ""
        while True:
            page = await desk.read(
                partial(lists.page, chosen=wanted, cursor=cursor, size=_EXPORT_ROWS)
            )
            cursor = page.cursor
            yield export.lines(page.rows).encode()
            if not cursor:
                break

    name = "-".join(part for part in ("payments", wanted.since, wanted.until) if part)
    return Stream(
        parts(), media_type="text/csv",
        headers={"content-disposition": f'attachment; filename="{export.file_name(name)}.csv"',
                 "cache-control": "no-store"},
    )  # fmt: skip


@get("/find", include_in_schema=False)
async def find(request: Asked) -> Response[Any]:
    """Find by any reference, an amount or a card's last four; one order is opened at once."""
    query, desk = query_of(request), desk_of(request)
    text = query.get("query", "").strip()[:200]
    nothing = Found(query="", hits=())
    found = await desk.read(lambda reader: lists.found(reader, text)) if text else nothing
    if found.only:
        to = surroundings(request, desk.house)["link"](f"/orders/{quote(found.only)}")
        return Redirect(to, status_code=303)
    return await desk.page(request, "find.html", lambda _reader: {"found": found})


HANDLERS: Final = (payments, payments_csv, find)
