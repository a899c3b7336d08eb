import asyncio
import math
import os
from contextlib import asynccontextmanager

import pytest

from voidtrail.testing.bench.load import percentile, run_load

REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
BAD = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@asynccontextmanager
async def serving(answer_of):
    """A server on the loopback address; `answer_of(n)` is what the n-th request gets."""
    seen = []
    connections = []

    async def handle(reader, writer):
        connections.append(writer)
        try:
            while True:
                await reader.readexactly(len(REQUEST))
                seen.append(True)
                answer = answer_of(len(seen))
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
                if b"Connection: close" in answer:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], seen, connections
    finally:
        server.close()
        for writer in connections:
            writer.close()
        await server.wait_closed()


async def _measure(answer_of, count=50, connections=4, seconds=30.0):
    async with serving(answer_of) as (port, seen, opened):
        load = await run_load(
            [REQUEST] * count,
            host="127.0.0.1",
            port=port,
            connections=connections,
            seconds=seconds,
            server_pid=os.getpid(),
        )
        return load, len(seen), len(opened)


@pytest.mark.parametrize("answer", [OK, CHUNKED], ids=["length", "chunked"])
def test_every_request_is_sent_once_and_counted(answer):
    load, seen, opened = asyncio.run(_measure(lambda _: answer))
    assert (load.requests, load.non_2xx, load.lost, seen, opened) == (50, 0, 0, 50, 4)
    assert 0 < load.p50_s <= load.p99_s <= load.elapsed_s
    assert load.per_s == pytest.approx(50 / load.elapsed_s)
    assert load.server_peak_rss_bytes


def test_refusals_are_counted_and_are_no_throughput():
    load, seen, _ = asyncio.run(_measure(lambda number: BAD if number % 5 == 0 else OK))
    assert (load.requests, load.non_2xx, load.errors, seen) == (50, 10, 10, 50)
    assert load.per_s == pytest.approx(40 / load.elapsed_s)


def test_a_server_that_closes_after_each_answer_is_met_anew():
    load, _, opened = asyncio.run(_measure(lambda _: CLOSING, count=6, connections=1))
    assert (load.requests, load.errors, opened) == (6, 0, 6)


def test_a_broken_connection_is_a_lost_request_and_is_made_anew():
    load, _, opened = asyncio.run(
        _measure(lambda number: None if number == 3 else OK, count=10, connections=1)
    )
    assert (load.requests, load.lost, opened) == (9, 1, 2)


def test_no_request_is_begun_after_the_time_is_over():
    load, seen, _ = asyncio.run(_measure(lambda _: OK, seconds=0.0))
    assert (load.requests, seen) == (0, 0)
    assert math.isnan(load.p50_s)


def test_a_server_that_is_not_there_is_an_error():
    with pytest.raises((OSError, ExceptionGroup)):
        asyncio.run(run_load([REQUEST], host="127.0.0.1", port=1, connections=1, seconds=1.0))


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([5.0], 0.5, 5.0),
        ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.0),
        ([float(n) for n in range(1, 101)], 1.0, 100.0),
        ([1.0, 2.0], 0.0, 1.0),
    ],
)
def test_percentile_is_the_nearest_rank(values, share, expected):
    assert percentile(values, share) == expected


def test_percentile_of_nothing_is_not_a_number():
    assert math.isnan(percentile([], 0.5))
