"""A closed-loop load generator that spends next to nothing on the client's side.

N keep-alive connections, one request in flight on each, whole requests made beforehand; the
server's processor time and memory are read from the kernel.
"""

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from voidtrail.testing.bench.process import cpu_seconds, peak_rss_bytes
from voidtrail.testing.bench.wire import ResponseReader

_STRAGGLER_GRACE_S = 30.0


@dataclass(frozen=True)
class Load:
    """What one run measured.

    Attributes:
        requests: Responses received, whatever their status.
        non_2xx: Responses whose status was not 2xx.
        lost: Requests whose connection broke, or that had no answer within the grace.
        elapsed_s: From the first request to the last response.
        p50_s: Median latency.
        p99_s: 99th percentile of latency.
        client_cpu_share: This process's own processor time, as a share of the elapsed time; near 1
            the client was the limit and `per_s` says little about the server.
        server_cpu_s: Processor time of the server and its children, user and system; None when no
            process was named.
        server_peak_rss_bytes: The server's largest resident memory so far; None likewise.
    """

    requests: int
    non_2xx: int
    lost: int
    elapsed_s: float
    p50_s: float
    p99_s: float
    client_cpu_share: float
    server_cpu_s: float | None
    server_peak_rss_bytes: int | None

    @property
    def per_s(self) -> float:
        """Responses with a 2xx status per second."""
        return (self.requests - self.non_2xx) / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def per_server_cpu_s(self) -> float | None:
        """Responses with a 2xx status per second of the server's processor time."""
        if not self.server_cpu_s:
            return None
        return (self.requests - self.non_2xx) / self.server_cpu_s

    @property
    def errors(self) -> int:
        """All requests that were not answered with a 2xx status."""
        return self.non_2xx + self.lost


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return a percentile by the nearest rank.

    Args:
        ordered: Values in ascending order.
        share: Between 0 and 1; 0.99 for the 99th percentile.

    Returns:
        The least value that at least this share of the values does not exceed; NaN of nothing.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 0.5)
    2.0
    """
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass
class _Tally:
    waiting: list[bytes]
    deadline: float
    latencies: list[float] = field(default_factory=list)
    non_2xx: int = 0
    lost: int = 0
    last_at: float = 0.0


class _Connection(asyncio.Protocol):
    """One connection: sends the next request as soon as the last one is answered."""

    def __init__(self, tally: _Tally, done: asyncio.Future[bool]) -> None:
        self._tally = tally
        self._done = done
        self._reader = ResponseReader()
        self._transport: asyncio.Transport | None = None
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        status = self._reader.feed(data)
        if status is None:
            return
        tally = self._tally
        now = time.perf_counter()
        tally.last_at = now
        tally.latencies.append(now - self._sent_at)
        self._sent_at = 0.0
        if not 200 <= status < 300:
            tally.non_2xx += 1
        if self._reader.closes:
            self._finish(again=True)
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._done.done():
            return
        if self._sent_at:
            self._tally.lost += 1
        self._finish(again=True)

    def abandon(self) -> None:
        """Close; a request in flight counts as lost."""
        if self._done.done():
            return
        if self._sent_at:
            self._tally.lost += 1
        self._finish(again=False)

    def _send(self) -> None:
        now = time.perf_counter()
        waiting = self._tally.waiting
        if not waiting or now >= self._tally.deadline:
            self._finish(again=False)
            return
        assert self._transport is not None
        self._sent_at = now
        self._transport.write(waiting.pop())

    def _finish(self, *, again: bool) -> None:
        if not self._done.done():
            self._done.set_result(again)
        if self._transport is not None:
            self._transport.close()


async def run_load(
    requests: Sequence[bytes],
    *,
    host: str,
    port: int,
    connections: int,
    seconds: float,
    server_pid: int | None = None,
) -> Load:
    """Send requests over keep-alive connections until they are used up or the time is over.

    Args:
        requests: Whole HTTP/1.1 requests; each is sent at most once.
        host: The server's address.
        port: Its port.
        connections: How many connections, one request in flight on each; at least 1.
        seconds: No request is begun after this time.
        server_pid: The process whose processor time and memory are read.

    Returns:
        What was measured.

    Raises:
        OSError: The server could not be reached at all.
    """
    start = time.perf_counter()
    tally = _Tally(list(reversed(requests)), start + seconds, last_at=start)
    cpu_before = cpu_seconds(server_pid) if server_pid is not None else 0.0
    own_before = time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(min(connections, max(1, len(requests)))):
            group.create_task(_keep_connected(tally, host, port))
    own = time.process_time() - own_before
    used = cpu_seconds(server_pid) - cpu_before if server_pid is not None else None
    latencies = sorted(tally.latencies)
    elapsed_s = tally.last_at - start
    return Load(
        requests=len(latencies),
        non_2xx=tally.non_2xx,
        lost=tally.lost,
        elapsed_s=elapsed_s,
        p50_s=percentile(latencies, 0.5),
        p99_s=percentile(latencies, 0.99),
        client_cpu_share=own / elapsed_s if elapsed_s else 0.0,
        server_cpu_s=used,
        server_peak_rss_bytes=peak_rss_bytes(server_pid) if server_pid is not None else None,
    )


async def _keep_connected(tally: _Tally, host: str, port: int) -> None:
    """Keep one connection busy; make it anew when the server closes it."""
    loop = asyncio.get_running_loop()
    again = True
    while again and tally.waiting and time.perf_counter() < tally.deadline:
        done: asyncio.Future[bool] = loop.create_future()
        _, connection = await loop.create_connection(
            lambda done=done: _Connection(tally, done),  # type: ignore[misc]
            host,
            port,
        )
        wait_s = max(0.0, tally.deadline - time.perf_counter()) + _STRAGGLER_GRACE_S
        await asyncio.wait([done], timeout=wait_s)
        connection.abandon()
        again = done.result()
