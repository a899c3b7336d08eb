"""What the console's handlers work with: readers, the door, and how a page is made."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from litestar import Request, Response

from voidtrail.runtime.app import House, reader_of
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.text import match, speak
from voidtrail.runtime.views.course import Asked as Wanted
from voidtrail.runtime.views.overview_shapes import Overview
from voidtrail.runtime.views.watch import Watch
from voidtrail.web.access import Access, Person
from voidtrail.web.console.period import Days
from voidtrail.web.console.rendering import rendered

Asked = Request[Any, Any, Any]
T = TypeVar("T")
LANGUAGE_COOKIE: Final = "voidtrail-language"
THEME_COOKIE: Final = "voidtrail-theme"
THEMES: Final = ("auto", "light", "dark")
KEPT: Final = ("period", "since", "until", "shop", "test")
"""What a link within the console takes along: over which time and which shop a person looks."""
_READERS: Final = 2


class Desk:
    """The console's reading connections, one a thread, and its door.

    Args:
        house: what the server works with.
        intake: the only writer.
    """

    def __init__(self, house: House, intake: Intake) -> None:
        self.house = house
        self.intake = intake
        self.access = Access(house)
        self._own = threading.local()
        self._readers: list[House] = []
        self._threads = ThreadPoolExecutor(_READERS, "console", self._open)
        self.watch = Watch(house)

    def _open(self) -> None:
        self._own.reader = reader_of(self.house)
        self._readers.append(self._own.reader)

    async def read(self, work: Callable[[House], T]) -> T:
        """Run a read in a thread that owns a reading connection."""

        def run() -> T:
            return work(self._own.reader)

        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, partial(context.run, run)
        )

    async def overview(self, days: Days, shop: str, *, test: bool) -> Overview:
        """Return the first page's figures, counted beside the requests."""
        wanted = Wanted(days.since, days.until, shop, test)
        return await self.read(lambda _reader: self.watch.overview(wanted))

    async def page(
        self, request: Asked, template: str, work: Callable[[House], Mapping[str, Any]],
        status: int = 200,
    ) -> Response[str]:  # fmt: skip
        """Read and render in a thread; the event loop stays free for deliveries."""
        always = surroundings(request, self.house)

        def run(house: House) -> str:
            speak(always["language"])
            return rendered(template, always["language"], {**always, **work(house)})

        return html(await self.read(run), status)

    def close(self) -> None:
        """Let go of the threads and their connections."""
        self.watch.close()
        self._threads.shutdown()
        for reader in self._readers:
            reader.close()


def html(text: str, status: int = 200) -> Response[str]:
    """Return a page as an answer; what staff see is never kept by a cache."""
    headers = {"cache-control": "no-store"}
    return Response(text, status_code=status, media_type="text/html", headers=headers)


def desk_of(request: Asked) -> Desk:
    """Return the application's desk."""
    found: Desk = request.app.state.desk
    return found


def language_of(request: Asked) -> str:
    """Return the reader's language: chosen, else what the browser prefers, else English."""
    chosen = match(request.cookies.get(LANGUAGE_COOKIE, "")) if LANGUAGE_COOKIE in (
        request.cookies) else None  # fmt: skip
    if chosen:
        return chosen
    ranked = []
    for place, part in enumerate(request.headers.get("accept-language", "").split(",")):
        name, _, weight = part.strip().partition(";q=")
        try:
            ranked.append((-float(weight or 1), place, name))
        except ValueError:
            continue
    known = (match(name) for _, _, name in sorted(ranked) if name)
    return next((found for found in known if found), "en")


def address(path: str, wanted: Mapping[str, Any]) -> str:
    """Return a path with a query; what is empty does not stand in it."""
    text = urlencode([(name, value) for name, value in wanted.items() if value not in ("", None)])
    return f"{path}?{text}" if text else path


def query_of(request: Asked) -> dict[str, str]:
    """Return what stands in the URL, without what is empty."""
    found: dict[str, str] = {}
    for name, value in request.query_params.items():
        if value:
            found[str(name)] = str(value)
    return found


def theme_of(request: Asked) -> str:
    """Return the chosen theme; "auto" leaves it to the system."""
    chosen = request.cookies.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


def surroundings(request: Asked, house: House) -> dict[str, Any]:
    """Return what every page's frame shows."""
    query = query_of(request)
    kept: dict[str, Any] = {name: query[name] for name in KEPT if name in query}
    person: Person | None = request.state.get("person")

    def link(path: str, /, **changes: Any) -> str:
        return address(path, {**kept, **changes})

    def here(**changes: Any) -> str:
        return address(request.url.path, {**query, **changes})

    return {
        "person": person, "csrf": person.csrf if person else "", "language": language_of(request),
        "theme": theme_of(request), "path": request.url.path, "query": query, "link": link,
        "here": here, "now": house.clock(), "partial": "hx-request" in request.headers,
        "shops": sorted({entry.account.shop for entry in house.by_no.values()}),
        "entities": sorted({entry.account.entity for entry in house.by_no.values()}),
        "chosen_period": query.get("period", "" if "since" in query else "today"),
        "default_period": "today",
        "zone": next((entry.account.zone for entry in house.by_no.values()), "UTC"),
    }  # fmt: skip
