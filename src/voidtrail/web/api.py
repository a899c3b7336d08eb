"""The JSON API: what the console and other systems read. OpenAPI stands at `/api/schema`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, NamedTuple

from litestar import Litestar, MediaType, Request, Response, get
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

import voidtrail
from voidtrail.errors import NotFound, OutsideFault, VoidtrailError, WrongUse
from voidtrail.event.account import Secret
from voidtrail.runtime import reading
from voidtrail.runtime.app import House
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.refusals import Refusals
from voidtrail.runtime.sending import Post
from voidtrail.runtime.worker import Worker
from voidtrail.web.access import may_read
from voidtrail.web.console.desk import Desk
from voidtrail.web.console.pages import missing, routes
from voidtrail.web.metrics import exposition

STATUS: Final[dict[type[VoidtrailError], int]] = {NotFound: 404, WrongUse: 400, OutsideFault: 503}


class Rooms(NamedTuple):
    """What the application answers from.

    Attributes:
        reader: the house over a connection that only reads, used by one thread.
        worker, post: None where another process works.
    """

    reader: House
    intake: Intake
    refusals: Refusals
    worker: Worker | None
    token: Secret | None
    post: Post | None = None


def _only_readers(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    rooms: Rooms = connection.app.state.rooms
    client = connection.client.host if connection.client else None
    if not may_read(client, connection.headers, rooms.token):
        raise NotAuthorizedException("give the configured token as Authorization: Bearer …")


def _refusal(_: Request[Any, Any, Any], error: VoidtrailError) -> Response[dict[str, str]]:
    status = next((s for kind, s in STATUS.items() if isinstance(error, kind)), 400)
    body = {"code": error.code, "message": str(error), "retry": error.retry}
    return Response(body, status_code=status)


_THREAD: Final = ThreadPoolExecutor(1, thread_name_prefix="read")


async def _read(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Run a read in the one thread that owns the reading connection."""
    return await asyncio.get_running_loop().run_in_executor(_THREAD, work)


@get("/healthz", media_type=MediaType.TEXT, summary="The process answers")
async def healthz() -> str:
    """Answer as long as the process lives."""
    return "ok"


@get("/readyz", media_type=MediaType.TEXT, summary="Deliveries are being kept")
async def readyz(request: Request[Any, Any, Any]) -> Response[str]:
    """Answer 503 once the ledger has stopped."""
    rooms: Rooms = request.app.state.rooms
    if rooms.intake.stopped is not None:
        return Response("the ledger has stopped", status_code=503)
    return Response("ready")


@get("/metrics", summary="Metrics for Prometheus", guards=[_only_readers])
async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Return the counters in Prometheus' text format."""
    rooms: Rooms = request.app.state.rooms
    body = exposition(rooms.intake, rooms.refusals, rooms.worker, rooms.post)
    return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")


@get("/api/report", summary="How many payments were called off, how, by whom, for how much",
     guards=[_only_readers])  # fmt: skip
async def report(
    request: Request[Any, Any, Any], since: str | None = None, until: str | None = None,
    as_of: str | None = None, by: str | None = None, test: bool = False, shop: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Return the same figures as `voidtrail report --json`."""
    rooms: Rooms = request.app.state.rooms
    work = partial(reading.report, rooms.reader, since=since, until=until, as_of=as_of, by=by,
                   include_test=test, shop=shop)  # fmt: skip
    return await _read(work)


@get("/api/orders/{reference:path}", summary="The whole life of an order", guards=[_only_readers])
async def order(
    request: Request[Any, Any, Any], reference: str, as_of: str | None = None
) -> dict[str, Any]:
    """Find an order or payment by any of its references, as `voidtrail show --json`."""
    rooms: Rooms = request.app.state.rooms
    return await _read(partial(reading.show, rooms.reader, reference.lstrip("/"), as_of=as_of))


@get("/api/quarantine", summary="Deliveries that could not be understood", guards=[_only_readers])
async def quarantine(request: Request[Any, Any, Any], after: int = 0) -> dict[str, Any]:
    """Return up to 100 quarantined deliveries with path and reason, oldest first."""
    rooms: Rooms = request.app.state.rooms
    return await _read(partial(reading.quarantine, rooms.reader, after))


@get("/api/conflicts", summary="Notices that contradict an earlier variant", guards=[_only_readers])
async def conflicts(request: Request[Any, Any, Any], after: int = 0) -> dict[str, Any]:
    """Return up to 100 contradicting events, oldest first."""
    rooms: Rooms = request.app.state.rooms
    return await _read(partial(reading.conflicts, rooms.reader, after))


@get("/api/head", summary="The end of the chain", guards=[_only_readers])
async def head(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Return the head; keep it elsewhere to prove later that nothing was cut off."""
    rooms: Rooms = request.app.state.rooms
    return await _read(partial(reading.head, rooms.reader))


def application(rooms: Rooms, desk: Desk) -> Litestar:
    """Build the application: the API, and the console's pages from their desk."""
    app = Litestar(
        [healthz, readyz, metrics, report, order, quarantine, conflicts, head, *routes()],
        exception_handlers={VoidtrailError: _refusal, NotFoundException: missing},
        logging_config=None,
        openapi_config=OpenAPIConfig(
            title="Voidtrail", version=voidtrail.__version__, path="/api/schema",
            render_plugins=[JsonRenderPlugin()],
        ),
    )  # fmt: skip
    app.state.rooms = rooms
    app.state.desk = desk
    return app
