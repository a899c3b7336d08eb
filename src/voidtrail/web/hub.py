"""One chunk of news for everybody: read ten times a second, made once a language, written to all.

There is no queue for a client: each only remembers the number up to which it was told. Whoever
comes back is told from the ring of the latest rows, or from the store, what came after its number;
whoever does not take what it is sent within some seconds is dropped, and comes back by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import structlog

TICK_S: Final = 0.1
FLOOD_TICK_S: Final = 0.5
"""The pace in a flood, whose rows nobody can read: every write to every client costs intake."""
BEAT_S: Final = 15.0
SLOW_S: Final = 10.0
"""A client that has not taken what it was sent by then is dropped."""
STREAM_MAX_S: Final = 3600.0
"""A stream ends by then, so that who listens is looked at again when it comes back."""
RING_MAX: Final = 4000
PAGE_MAX: Final = 500
"""Most rows that are written to one client at once while it catches up."""
HEARTBEAT: Final = b":\n\n"
_RETRY_S: Final = 1.0
_log = structlog.get_logger(__name__)


class Row(NamedTuple):
    """One event of the stream, by language; `no` is its id."""

    no: int
    body: Mapping[str, bytes]


class Batch(NamedTuple):
    """What came after some number; `up_to` is where the next reading begins.

    Attributes:
        more: there is more behind that.
        flood: so much came that rows were left out, and only counted.
    """

    rows: Sequence[Row]
    up_to: int
    more: bool = False
    flood: bool = False


Read = Callable[[int, Sequence[str]], Awaitable[Batch]]


class _Chunk(NamedTuple):
    """What is written to every client that was told up to `after`."""

    after: int
    up_to: int
    body: Mapping[str, bytes]


@dataclass(eq=False)
class Client:
    """Somebody who listens.

    Attributes:
        send: writes to it; returns once there is room for more.
        abort: cuts it off at once.
        no: the number up to which it was told.
        sending_since: since when it has not taken what it was sent; 0 if it has.
    """

    language: str
    send: Callable[[bytes], Awaitable[None]]
    abort: Callable[[], None]
    no: int = 0
    beat: int = 0
    sending_since: float = 0.0
    gone: bool = False


class Hub:
    """Tells all clients what is new.

    Args:
        read: returns what came after a number, in the given languages; of very many the latest.
        page: returns the first of what came after a number, and leaves out nothing.
        newest: returns the number of the newest news.
    """

    def __init__(self, read: Read, page: Read, newest: Callable[[], Awaitable[int]]) -> None:
        self._read = read
        self._page = page
        self._newest = newest
        self._clients: set[Client] = set()
        self._ring: list[Row] = []
        self._from: dict[str, int] = {}
        """By language, the number behind which the ring holds everything."""
        self._up_to = 0
        self._chunk = _Chunk(0, 0, {})
        self._event = asyncio.Event()
        self._beat, self._beat_at = 0, 0.0
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self.counts: Counter[str] = Counter()

    @property
    def clients(self) -> int:
        """Return how many listen."""
        return len(self._clients)

    async def close(self) -> None:
        """End every stream, so that the server can stop."""
        self._closed = True
        self._wake()
        if self._task is not None:
            await self._task

    # ------------------------------------------------------------------ a client's side

    async def listen(self, client: Client, since: int | None) -> None:
        """Tell a client everything after a number, until it is gone.

        Args:
            client: who listens.
            since: the last number that it knows; None for what comes from now on.
        """
        if self._closed:
            return
        until = asyncio.get_running_loop().time() + STREAM_MAX_S
        self._clients.add(client)
        try:
            await self._begin(client.language)
            if self._task is None:
                return
            client.beat = self._beat
            client.no = self._up_to if since is None or since > self._up_to else since
            await self._catch_up(client)
            await self._follow(client, until)
        finally:
            self._clients.discard(client)

    async def _catch_up(self, client: Client) -> None:
        """Tell from the store what the ring does not hold any more."""
        while client.no < self._from[client.language] and not (client.gone or self._closed):
            batch = await self._page(client.no, (client.language,))
            if batch.rows:
                self.counts["replayed"] += len(batch.rows)
                await self._write(client, b"".join(r.body[client.language] for r in batch.rows))
            client.no = batch.up_to

    async def _follow(self, client: Client, until: float) -> None:
        loop = asyncio.get_running_loop()
        while not (client.gone or self._closed):
            event = self._event
            if client.no < self._from[client.language]:
                self._drop(client)
                return
            body = self._next(client)
            if body:
                await self._write(client, body)
            elif loop.time() > until:
                return
            elif event is self._event:
                await event.wait()

    def _next(self, client: Client) -> bytes:
        """Return what a client is to be sent now, and remember that it was."""
        chunk = self._chunk
        if client.no == chunk.after < chunk.up_to:
            client.no = chunk.up_to
            return chunk.body[client.language]
        if client.no < chunk.up_to:
            start = bisect_right(self._ring, client.no, key=lambda row: row.no)
            rows = self._ring[start : start + PAGE_MAX]
            whole = start + len(rows) == len(self._ring)
            client.no = chunk.up_to if whole else rows[-1].no
            return b"".join(row.body[client.language] for row in rows)
        if client.beat != self._beat:
            client.beat = self._beat
            return HEARTBEAT
        return b""

    async def _write(self, client: Client, body: bytes) -> None:
        client.sending_since = asyncio.get_running_loop().time()
        await client.send(body)
        client.sending_since = 0.0

    def _drop(self, client: Client) -> None:
        self.counts["dropped"] += 1
        client.gone = True
        client.abort()

    # ------------------------------------------------------------------ everybody's side

    async def _begin(self, language: str) -> None:
        """Start to read if nobody listened, and in a language that nobody listened in."""
        if self._task is None:
            self._ready.clear()
            self._task = asyncio.ensure_future(self._run())
        await self._ready.wait()
        self._from.setdefault(language, self._up_to)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._up_to = await self._newest()
            self._from = dict.fromkeys(self._from, self._up_to)
            self._ring.clear()
            self._chunk = _Chunk(self._up_to, self._up_to, {})
            self._ready.set()
            at = self._beat_at = loop.time()
            while self._clients and not self._closed:
                try:
                    batch = await self._tick()
                except Exception:  # the store may be busy: the next reading begins where this did
                    _log.exception("live_failed")
                    await asyncio.sleep(_RETRY_S)
                    continue
                at = max(at + (FLOOD_TICK_S if batch.flood else TICK_S), loop.time())
                await asyncio.sleep(0 if batch.more else at - loop.time())
        except Exception:
            _log.exception("live_failed")
        finally:
            self._task = None
            self._ready.set()

    async def _tick(self) -> Batch:
        """Read once and tell everybody; return what was read."""
        languages = tuple(self._from)
        batch = await self._read(self._up_to, languages)
        if len(languages) < len(self._from):
            return batch._replace(more=True)
        self._publish(batch, languages)
        now = asyncio.get_running_loop().time()
        for client in list(self._clients):
            if client.sending_since and now - client.sending_since > SLOW_S and not client.gone:
                self._drop(client)
        return batch

    def _publish(self, batch: Batch, languages: Sequence[str]) -> None:
        now = asyncio.get_running_loop().time()
        self._up_to = batch.up_to
        if batch.rows:
            body = {each: b"".join(row.body[each] for row in batch.rows) for each in languages}
            self._chunk = _Chunk(self._chunk.up_to, batch.up_to, body)
            self._ring += batch.rows
            if len(self._ring) > 2 * RING_MAX:
                first = self._ring[-RING_MAX - 1].no
                self._from = {each: max(no, first) for each, no in self._from.items()}
                del self._ring[:-RING_MAX]
            self.counts["rows"] += len(batch.rows)
        elif now - self._beat_at > BEAT_S:
            self._beat += 1
        else:
            return
        self._beat_at = now
        self._wake()

    def _wake(self) -> None:
        event, self._event = self._event, asyncio.Event()
        event.set()


@contextlib.asynccontextmanager
async def watching(
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]], client: Client
) -> AsyncIterator[None]:
    """Notice meanwhile that a client has gone."""

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        client.gone = True

    task = asyncio.ensure_future(watch())
    try:
        yield
    finally:
        task.cancel()
