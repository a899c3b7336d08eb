"""`voidtrail serve`: intake, API and worker in one process."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import uvicorn

from voidtrail.runtime.app import House, reader_of
from voidtrail.runtime.carriers import post_office
from voidtrail.runtime.deciders import deciders
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.listening import Listening
from voidtrail.runtime.poll import Asker
from voidtrail.runtime.receiving import Receiver
from voidtrail.runtime.refusals import Refusals
from voidtrail.runtime.settings import Server as Settings
from voidtrail.runtime.settings import secret_of
from voidtrail.runtime.tailing import Tailing
from voidtrail.runtime.worker import Worker
from voidtrail.web.api import Rooms, application
from voidtrail.web.console.desk import Desk
from voidtrail.web.door import Door, Doors
from voidtrail.web.hooks import PREFIX, Hooks, Receive, Scope, Send
from voidtrail.web.live import PATH as LIVE
from voidtrail.web.live import Live

KEEP_ALIVE_S: Final = 30


async def _nothing() -> None:
    """Do nothing."""


class Server(uvicorn.Server):
    """A uvicorn server that leaves signals to us, and says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self.ending: Callable[[], Awaitable[None]] = _nothing
        """Ends what would never end by itself, before requests are waited for."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        """Do nothing: `serve` handles signals for the worker too."""
        yield

    async def startup(self, sockets=None) -> None:  # type: ignore[no-untyped-def]
        """Start listening, then say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets=None) -> None:  # type: ignore[no-untyped-def]
        """End the streams, then wait for the other requests."""
        await self.ending()
        await super().shutdown(sockets)

    def abort(self, scope: Scope) -> None:
        """Cut off the connection of a request, whatever it has not taken yet."""
        for connection in list[Any](self.server_state.connections):
            if connection.scope is scope:
                connection.transport.abort()

    async def sweep(self, deadline_s: float) -> None:
        """Close, for ever, connections on which no request begins in time.

        uvicorn itself waits without end for the first byte, and for the rest of slow headers.
        """
        loop, since = asyncio.get_running_loop(), dict[Any, tuple[object, float]]()
        while True:
            await asyncio.sleep(min(1.0, deadline_s / 2))
            now, before = loop.time(), since
            since = {}
            for connection in list[Any](self.server_state.connections):
                cycle = connection.cycle
                if cycle is not None and not cycle.response_complete:
                    continue
                known, at = before.get(connection, (cycle, now))
                since[connection] = cycle, at if known is cycle else now
                patience_s = deadline_s if cycle is None else deadline_s + KEEP_ALIVE_S
                if now - since[connection][1] > patience_s:
                    connection.transport.close()


def _config(dispatch: Any, doors: Doors, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        dispatch, host=settings.host, port=settings.port, loop="uvloop",
        http=partial(Door, doors),  # type: ignore[arg-type] # any factory of protocols will do
        ws="none", lifespan="off", access_log=False, log_config=None, server_header=False,
        proxy_headers=False, timeout_keep_alive=KEEP_ALIVE_S, timeout_graceful_shutdown=5,
        backlog=2048,
    )  # fmt: skip


def _settle_down() -> None:
    """Make this process one that lives long and does several things at once."""
    # Whoever watches the live feed holds a connection: as many as the system allows.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # What is built by now lives as long as the process: the collector need not walk it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    # A thread that computes gives way within this time, and a group of statements has to win the
    # interpreter back many times: with the usual 5 ms its p99 was 1.3 s, with this 0.2 s.
    sys.setswitchinterval(0.0001)


async def serve(
    house: House, *, ready: Callable[[], None] = lambda: None, work: bool = True
) -> None:
    """Serve until SIGINT or SIGTERM; what was taken in is written before the process ends.

    Args:
        house: the house.
        ready: called once deliveries are being taken in.
        work: run the worker's loop here too.
    """
    settings = house.settings.server
    intake = Intake(house.ledger, house.clock, settings.group_max)
    refusals = Refusals()
    asker = Asker(house, intake)
    post = post_office(house, intake, asker=asker)
    worker = Worker(house, intake, asker, refusals, deciders(house), post.wake)
    receiver = Receiver(house, intake, refusals)
    hooks, doors = Hooks(house, receiver), Doors(house, receiver)
    listening, tailing = Listening(house, intake), Tailing(house, intake)
    reader = reader_of(house)
    token = None
    if settings.api_token:
        token = secret_of(settings.api_token, "server.api_token", base=house.settings.base)
    desk = Desk(house, intake)
    rooms = Rooms(reader, intake, refusals, worker if work else None, token, post if work else None)
    api = application(rooms, desk)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await hooks(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == LIVE:
            await live(scope, receive, send)
        else:
            await api(scope, receive, send)  # type: ignore[arg-type]

    server = Server(_config(dispatch, doors, settings), ready)
    live = Live(house, desk.access, server.abort)
    server.ending = live.close
    _settle_down()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, setattr, server, "should_exit", True)
    tasks = [loop.create_task(hooks.sweep()), loop.create_task(doors.sweep()),
             loop.create_task(server.sweep(settings.read_deadline_s))]  # fmt: skip
    tasks.append(loop.create_task(tailing.run()))
    if work:
        tasks += [loop.create_task(worker.run()), loop.create_task(post.run())]
    try:
        await listening.start()
        await server.serve()
    finally:
        for task in tasks:
            task.cancel()
        await listening.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        await tailing.close()
        await asker.close()
        await post.close()
        await intake.close()
        desk.close()
        reader.close()
