"""Every page of the console, behind one door; and what is answered where a page fails."""

from __future__ import annotations

from typing import Any, Final

import structlog
from litestar import Response, Router, get
from litestar.exceptions import HTTPException, NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from voidtrail.errors import NotFound, OutsideFault, VoidtrailError, WrongUse
from voidtrail.runtime.text import _, speak
from voidtrail.runtime.wording.retelling import retold
from voidtrail.web.console import (
    acknowledge,
    alerts,
    connections,
    lives,
    overview,
    payments,
    reconciliation,
    report,
    settings,
    sources,
)
from voidtrail.web.console.assets import asset
from voidtrail.web.console.desk import Asked, desk_of, html, language_of, surroundings
from voidtrail.web.console.gate import check, enter, leave, preferences, protect, told
from voidtrail.web.console.rendering import rendered

_log = structlog.get_logger(__name__)
# Named one by one, for the application's own handlers answer machines and would be nearer.
_FAILURES: Final[tuple[type[Exception], ...]] = (VoidtrailError, NotFoundException, Exception)


@get("/", include_in_schema=False)
async def root(request: Asked) -> Redirect:
    """Open the first page."""
    return Redirect("/overview", status_code=303)


def missing(request: Asked, error: NotFoundException) -> Response[Any]:
    """Answer for an address that is none of ours: people a page, machines JSON."""
    desk = desk_of(request)
    client = request.client.host if request.client else None
    if request.url.path.startswith("/api/") or not desk.access.admits(client, request.headers):
        return Response({"status_code": 404, "detail": error.detail}, status_code=404)
    person = desk.access.who(request.headers, request.cookies)
    if person is None:
        return protect(told(request, "enter.html", 401, why="nobody"))
    request.state.person = person
    return _refused(request, error)


def _refused(request: Asked, error: Exception) -> Response[str]:
    """Tell a person what happened, that nothing is lost, and what to do."""
    speak(language_of(request))
    status, what = 500, ""
    if isinstance(error, VoidtrailError):
        status = 404 if isinstance(error, NotFound) else 400 if isinstance(error, WrongUse) else 503
        what = retold(str(error))
    elif isinstance(error, HTTPException):
        status = error.status_code
    if status >= 500 and not isinstance(error, OutsideFault):
        _log.exception("page_failed", path=request.url.path)
    titles = {404: _("Nothing is found here"), 400: _("This cannot be asked for"),
              503: _("Something outside does not answer")}  # fmt: skip
    context = {
        **surroundings(request, desk_of(request).house), "what": what,
        "title": titles.get(status, _("This page failed")),
    }  # fmt: skip
    return protect(html(rendered("error.html", language_of(request), context), status))


def routes() -> list[HTTPRouteHandler | Router]:
    """Return the console's handlers: those before the door, and those behind it."""
    behind: list[Any] = [
        root, preferences, leave, *overview.HANDLERS, *payments.HANDLERS, *lives.HANDLERS,
        *sources.HANDLERS, *connections.HANDLERS, *reconciliation.HANDLERS, *alerts.HANDLERS,
        *report.HANDLERS, *settings.HANDLERS,
    ]  # fmt: skip
    return [
        asset, enter, acknowledge.ask, acknowledge.answer,
        Router(
            "/", route_handlers=behind, before_request=check, after_request=protect,
            exception_handlers=dict.fromkeys(_FAILURES, _refused),
            include_in_schema=False,
        ),
    ]  # fmt: skip
