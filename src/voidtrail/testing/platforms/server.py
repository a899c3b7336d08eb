"""Fake platforms on one loopback port, each under its own prefix, for anybody's integration tests.

    async with serve([FakeStripe()]) as (address, lies): ...

`address + "/" + SOURCE` is where a platform can be asked. `post` carries its notices to a recorder
as badly as networks and platforms do: late, twice, out of order, or not at all.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from voidtrail.event.model import Micros
from voidtrail.testing.platforms.fake import Asked, FakePlatform, Notice


@dataclass(frozen=True, slots=True)
class Lies:
    """How badly a platform behaves, as shares of its notices and of its answers.

    Attributes:
        twice: notices that come again, signed anew.
        reordered: notices that change places with the next one.
        forgotten: notices that never come.
        failing: requests that are answered with HTTP 500 at the first try.
        late_s: the most that a notice is held back, in seconds.
    """

    twice: float = 0.0
    reordered: float = 0.0
    forgotten: float = 0.0
    failing: float = 0.0
    late_s: float = 0.0


HONEST = Lies()


def carried(notices: Iterable[Notice], lies: Lies, rng: random.Random) -> list[Notice]:
    """Return notices as they arrive: some twice, some swapped, some never."""
    found: list[Notice] = []
    for notice in notices:
        if rng.random() < lies.forgotten:
            continue
        found.append(notice)
        if rng.random() < lies.twice:
            found.append(notice)
    for place in range(len(found) - 1):
        if rng.random() < lies.reordered:
            found[place], found[place + 1] = found[place + 1], found[place]
    return found


def now() -> Micros:
    """Return the present instant."""
    return time.time_ns() // 1000


class Stage:
    """Platforms that share an address.

    Attributes:
        asked: how many requests came, by (source, status of the answer).
    """

    def __init__(self, platforms: Iterable[FakePlatform], lies: Lies, seed: int) -> None:
        self.platforms = {platform.SOURCE: platform for platform in platforms}
        self.lies = lies
        self.rng = random.Random(seed)
        self.asked: Counter[tuple[str, int]] = Counter()
        self._failed: set[tuple[str, str, bytes]] = set()

    def application(self) -> web.Application:
        """Return the web application."""
        app = web.Application()
        app.router.add_route("*", "/{source}{path:/.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        source = request.match_info["source"]
        platform = self.platforms.get(source)
        if platform is None:
            return web.Response(status=404)
        body = await request.read()
        once = (source, request.path_qs, body)
        if self.rng.random() < self.lies.failing and once not in self._failed:
            self._failed.add(once)
            self.asked[source, 500] += 1
            return web.Response(status=500)
        path = request.raw_path.partition("?")[0].removeprefix(f"/{source}")
        headers = tuple((name.lower(), value) for name, value in request.headers.items())
        asked = Asked(request.method, path, request.query_string, headers, body)
        status, headers, said = platform.answer(asked, now())
        self.asked[source, status] += 1
        return web.Response(status=status, headers=dict(headers), body=said)

    async def post(self, source: str, address: str) -> list[int]:
        """Send what a platform has to say to a recorder's address; return the answers' statuses.

        Args:
            source: the platform.
            address: as "http://127.0.0.1:8420/hooks/stripe/main".
        """
        platform, statuses = self.platforms[source], []
        async with aiohttp.ClientSession() as session:
            for notice in carried(platform.take(), self.lies, self.rng):
                await asyncio.sleep(self.rng.uniform(0, self.lies.late_s))
                headers, body, query = platform.sign(notice, now())
                place = f"{address}?{query}" if query else address
                async with session.post(place, data=body, headers=dict(headers)) as answer:
                    statuses.append(answer.status)
        return statuses


@asynccontextmanager
async def serve(
    platforms: Iterable[FakePlatform], lies: Lies = HONEST, *,
    host: str = "127.0.0.1", port: int = 0, seed: int = 0,
) -> AsyncIterator[tuple[str, Stage]]:  # fmt: skip
    """Serve platforms until the context ends; yield their address and the stage.

    Args:
        platforms: one of each source.
        lies: how badly they behave.
        host: address to listen on.
        port: 0 takes any free one.
        seed: of the lies.
    """
    stage = Stage(platforms, lies, seed)
    runner = web.AppRunner(stage.application(), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        address = runner.addresses[0]
        yield f"http://{address[0]}:{address[1]}", stage
    finally:
        await runner.cleanup()
