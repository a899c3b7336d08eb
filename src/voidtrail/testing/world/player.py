"""Plays a script of posts against a server over raw keep-alive connections, as fast as it takes.

Raw asyncio streams, because a client of comfort would cost more than the server that it measures.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from voidtrail.testing.world.fact import Post

Resign = Callable[[int, int], Post]
_SIGNATURE_OLD_S = 200
_PAUSE_LEAST_S, _PAUSE_MOST_S = 0.05, 2.0


@dataclass(slots=True)
class Played:
    """What became of one post.

    Attributes:
        status: the last HTTP status; 0 if the server could not be reached.
        latency_s: of the last try.
        tries: how often it was sent.
    """

    post: Post
    status: int
    latency_s: float
    tries: int


@dataclass
class Playback:
    """The record of a play.

    Attributes:
        played: in the order in which they ended.
        acknowledged: numbers of posts that got 2xx, appended the moment the answer was read.
        busy: how many answers were 503.
        lost_connections: how many tries ended without an answer.
    """

    played: list[Played] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    busy: int = 0
    lost_connections: int = 0
    took_s: float = 0.0

    @property
    def statuses(self) -> dict[int, int]:
        """How often each final status came."""
        return dict(sorted(Counter(one.status for one in self.played).items()))

    @property
    def unexpected(self) -> list[Played]:
        """Posts whose status is not the expected one (2xx are all alike)."""
        return [
            one
            for one in self.played
            if one.status != one.post.expected
            and not (one.status // 100 == 2 and one.post.expected // 100 == 2)
        ]

    def latency_s(self, share: float) -> float:
        """Return the quantile of latencies, as `latency_s(0.99)`."""
        ordered = sorted(one.latency_s for one in self.played)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


class Connection:
    """One keep-alive HTTP/1.1 connection."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, post: Post) -> tuple[int, float]:
        """Send a post and return status and the seconds that the server asks to wait (or 0).

        Raises:
            OSError: the connection broke.
            asyncio.IncompleteReadError: it broke in the middle of an answer.
        """
        if self._writer is None or self._reader is None or self._writer.is_closing():
            self._reader, self._writer = await asyncio.open_connection(self.host, self.port)
        head = [f"POST {post.path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        head += [f"{name}: {value}" for name, value in post.headers]
        head.append(f"Content-Length: {len(post.body)}\r\n\r\n")
        self._writer.write("\r\n".join(head).encode() + post.body)
        await self._writer.drain()
        return await self._answer(self._reader)

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, float]:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ", 2)[1])
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if "chunked" in headers.get("transfer-encoding", ""):
            while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
                await reader.readexactly(size + 2)
            await reader.readuntil(b"\r\n")
        else:
            await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "").lower() == "close":
            self.close()
        after = headers.get("retry-after", "")
        return status, float(after) if after.replace(".", "", 1).isdigit() else 0.0

    def close(self) -> None:
        """Close it; the next `send` opens a new one."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


class Player:
    """Plays posts with bounded concurrency; each platform sends on until it is acknowledged.

    Args:
        base_url: the server's address, as "http://127.0.0.1:8080".
        connections: how many at once.
        give_up_after_s: how long one post is tried while the server is busy or away.
        resign: signs post number n anew at a Unix second; used once signatures grow old.
        on_acknowledged: called the moment a 2xx was read, before anything else happens.
        progress: told how many posts have ended.
    """

    def __init__(
        self,
        base_url: str,
        connections: int = 32,
        give_up_after_s: float = 60.0,
        resign: Resign | None = None,
        on_acknowledged: Callable[[Post], None] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        url = urlsplit(base_url)
        self._host, self._port = url.hostname or "127.0.0.1", url.port or 80
        self._connections = connections
        self._give_up_after_s = give_up_after_s
        self._resign = resign
        self._on_acknowledged = on_acknowledged
        self._progress = progress
        self.playback = Playback()

    async def play(self, posts: Iterable[Post]) -> Playback:
        """Play the posts in order, as far as concurrency keeps it; return the record."""
        began, queue = time.monotonic(), iter(posts)
        signed_at = int(time.time())
        workers = [self._work(queue, signed_at) for _ in range(self._connections)]
        await asyncio.gather(*workers)
        self.playback.took_s = time.monotonic() - began
        return self.playback

    async def _work(self, queue: Iterable[Post], signed_at: int) -> None:
        connection = Connection(self._host, self._port)
        try:
            for post in queue:
                played = await self._deliver(connection, post, signed_at)
                self.playback.played.append(played)
                if self._progress:
                    self._progress(len(self.playback.played))
        finally:
            connection.close()

    async def _deliver(self, connection: Connection, post: Post, signed_at: int) -> Played:
        until = time.monotonic() + self._give_up_after_s
        pause, tries, status, latency_s = _PAUSE_LEAST_S, 0, 0, 0.0
        while True:
            now = int(time.time())
            if self._resign and now - signed_at > _SIGNATURE_OLD_S:
                post = self._resign(post.number, now)
            tries += 1
            began, wait_s = time.monotonic(), 0.0
            try:
                status, wait_s = await connection.send(post)
            except (OSError, asyncio.IncompleteReadError):
                connection.close()
                self.playback.lost_connections += 1
                status = 0
            latency_s = time.monotonic() - began
            if 200 <= status < 300:
                self.playback.acknowledged.append(post.number)
                if self._on_acknowledged:
                    self._on_acknowledged(post)
            self.playback.busy += status == 503
            if status not in (0, 503) or time.monotonic() > until:
                return Played(post, status, latency_s, tries)
            await asyncio.sleep(max(wait_s, pause))
            pause = min(pause * 2, _PAUSE_MOST_S)


async def play(base_url: str, posts: Iterable[Post], connections: int = 32,
               resign: Resign | None = None,
               progress: Callable[[int], None] | None = None) -> Playback:  # fmt: skip
    """Play posts against a server; see `Player` for what the arguments mean."""
    player = Player(base_url, connections, resign=resign, progress=progress)
    return await player.play(posts)
