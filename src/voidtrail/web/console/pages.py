"""Every page of the console, behind one door; and what is answered where a page fails."""

from __future__ import annotations

from typing import Any

import structlog
from litestar import Response, Router, get
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from voidtrail.errors import NotFound, OutsideFault, VoidtrailError, WrongUse
from voidtrail.runtime.text import _, speak
from voidtrail.web.console import acknowledge, payments, settings
from voidtrail.web.console.assets import asset
from voidtrail.web.console.desk import Asked, desk_of, html, language_of, surroundings
from voidtrail.web.console.gate import check, enter, leave, preferences, protect
from voidtrail.web.console.rendering import rendered

_log = structlog.get_logger(__name__)


@get("/", include_in_schema=False)
async def root(request: Asked) -> Redirect:
    """Open the first page."""
    return Redirect("/overview", status_code=303)


def _refused(request: Asked, error: Exception) -> Response[str]:
    """Tell a person what happened, that nothing is lost, and what to do."""
    speak(language_of(request))
    status, what = 500, ""
    if isinstance(error, VoidtrailError):
        status = 404 if isinstance(error, NotFound) else 400 if isinstance(error, WrongUse) else 503
        what = str(error)
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
    behind: list[Any] = [root, preferences, leave, *payments.HANDLERS, *settings.HANDLERS]
    return [
        asset, enter, acknowledge.ask, acknowledge.answer,
        Router(
            "/", route_handlers=behind, before_request=check, after_request=protect,
            exception_handlers={Exception: _refused}, include_in_schema=False,
        ),
    ]  # fmt: skip
