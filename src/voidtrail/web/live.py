"""The live feed at `/live`: server-sent events, one a change, its number as the event's id.

A browser that comes back says which id it knows (`Last-Event-ID`), and is told what came after it,
without a gap and nothing twice. It works whichever process wrote the change: it is read from the
file. Events are `row` (an element for the list) and `more` (so many that only their count is told).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qs

from voidtrail.runtime.app import House, reader_of
from voidtrail.runtime.text import match
from voidtrail.runtime.views import news
from voidtrail.web.access import Access
from voidtrail.web.console.rendering import element
from voidtrail.web.hooks import Receive, Scope, Send
from voidtrail.web.hub import Batch, Client, Hub, Row, watching

PATH: Final = "/live"
CLIENTS_MAX: Final = 2000
ROWS_PER_S: Final = 250
ROWS_MOST: Final = 500
"""So many rows may come at once, after a while with fewer."""
FLOOD_ROWS: Final = 5
"""Of more changes than that only so many are rows of a reading, the latest; the others are counted.

Nobody reads hundreds of rows a second, and each costs what a tenth of a delivery does.
"""
PAGE_MAX: Final = 500
_NUMBER_DIGITS: Final = 18
_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"), (b"x-content-type-options", b"nosniff"),
]  # fmt: skip
_HELLO: Final = b"retry: 1000\n\n"


class Live:
    """The live feed as an ASGI application.

    Args:
        house: what the server works with; a reading connection of its own is opened.
        access: who may listen.
        abort: cuts off the connection of a scope at once.
    """

    def __init__(self, house: House, access: Access, abort: Callable[[Scope], None]) -> None:
        self._house = house
        self._access = access
        self._abort = abort
        self._thread = ThreadPoolExecutor(1, "live")
        self._reader: House | None = None
        self._read_at = 0.0
        self._saved = float(ROWS_MOST)
        self.hub = Hub(self._read, self._page, self._newest)

    async def close(self) -> None:
        """End every stream and let go of the thread and its connection."""
        await self.hub.close()
        self._thread.shutdown()
        if self._reader is not None:
            self._reader.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream to one client until it goes away."""
        headers = {name.decode("latin-1"): value.decode("latin-1")
                   for name, value in scope["headers"]}  # fmt: skip
        refused = self._refusal(scope, headers)
        if refused is not None:
            await send({"type": "http.response.start", "status": refused, "headers": []})
            await send({"type": "http.response.body"})
            return
        query = parse_qs(scope["query_string"].decode("latin-1"))
        known = headers.get("last-event-id") or query.get("after", [""])[0]
        since = int(known) if known.isdecimal() and len(known) <= _NUMBER_DIGITS else None

        async def write(body: bytes) -> None:
            await send({"type": "http.response.body", "body": body, "more_body": True})

        client = Client(match(query.get("lang", ["en"])[0]) or "en", write,
                        partial(self._abort, scope))  # fmt: skip
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await write(_HELLO)
        async with watching(receive, client):
            await self.hub.listen(client, since)
        await send({"type": "http.response.body"})

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> int | None:
        """Return the status with which a request is refused, None if it may listen."""
        if scope["method"] != "GET":
            return 405
        client = scope["client"][0] if scope.get("client") else None
        if not self._access.admits(client, headers):
            return 403
        try:
            cookies = {name: each.value for name, each in SimpleCookie(headers.get("cookie", ""))
                       .items()}  # fmt: skip
        except CookieError:
            return 401
        if self._access.who(headers, cookies) is None:
            return 401
        return 503 if self.hub.clients >= CLIENTS_MAX else None

    # ------------------------------------------------------------------ reading, in the thread

    async def _run(self, work: Callable[[House], Any]) -> Any:
        def run() -> Any:
            if self._reader is None:
                self._reader = reader_of(self._house)
            return work(self._reader)

        return await asyncio.get_running_loop().run_in_executor(self._thread, run)

    async def _newest(self) -> int:
        newest: int = await self._run(news.latest)
        return newest

    async def _read(self, after: int, languages: Sequence[str]) -> Batch:
        def work(house: House) -> Batch:
            # By the clock of the reading itself: it may have waited for its turn.
            before, self._read_at = self._read_at, time.monotonic()
            saved = self._saved + (self._read_at - before) * ROWS_PER_S
            saved = min(saved, ROWS_MOST)
            flood = news.latest(house) - after > saved
            found = news.since(house, after, FLOOD_ROWS if flood else max(1, int(saved)))
            self._saved = 0.0 if flood else saved - len(found.rows)
            return _batch(found, languages, after)

        batch: Batch = await self._run(work)
        return batch

    async def _page(self, after: int, languages: Sequence[str]) -> Batch:
        def work(house: House) -> Batch:
            return _batch(news.page(house, after, PAGE_MAX), languages, after)

        batch: Batch = await self._run(work)
        return batch


def _batch(found: news.News, languages: Sequence[str], after: int) -> Batch:
    rows = []
    if found.left_out:
        no = found.rows[0].no - 1 if found.rows else found.up_to
        event = b"id: %d\nevent: more\ndata: %d\n\n" % (max(no, after), found.left_out)
        rows.append(Row(no, dict.fromkeys(languages, event)))
    rows += [
        Row(each.no, {language: _event(each, language) for language in languages})
        for each in found.rows
    ]
    return Batch(rows, found.up_to, found.more, flood=bool(found.left_out))


def _event(row: news.NewsRow, language: str) -> bytes:
    """Return a change as an event: its number, and its element of the list in one line."""
    said = element(language, "_news.html", "news_row", row).replace("\n", "")
    return f"id: {row.no}\nevent: row\ndata: {said}\n\n".encode()
