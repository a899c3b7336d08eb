"""Before and after every page: who asks, from where, with whose form; and what a browser may do."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.response import Redirect

from voidtrail.runtime.text import LANGUAGES
from voidtrail.web.access import SAFE, SESSION_S, is_page
from voidtrail.web.console.desk import (
    LANGUAGE_COOKIE,
    THEME_COOKIE,
    THEMES,
    Asked,
    desk_of,
    html,
    surroundings,
)
from voidtrail.web.console.rendering import rendered

_POLICY: Final = "; ".join(
    ("default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
     "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'")
)  # fmt: skip
HEADERS: Final = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
_YEAR_S: Final = 365 * 24 * 3600


async def check(request: Asked) -> Response[str] | None:
    """Let a request through, or answer it here: not from there, not without a session."""
    access = desk_of(request).access
    client = request.client.host if request.client else None
    if not access.admits(client, request.headers):
        return told(request, "enter.html", 403, why="elsewhere")
    person = access.who(request.headers, request.cookies)
    if person is None:
        # A link in a mail brings no cookie along (SameSite=Strict); our own page, loaded once
        # more by itself, does.
        again = request.headers.get("sec-fetch-site") == "cross-site"
        return told(request, "enter.html", 401, why="again" if again else "nobody")
    request.state.person = person
    if request.method not in SAFE:
        form = await request.form()
        if not access.is_own_form(person, request.headers, str(form.get("csrf", ""))):
            return told(request, "enter.html", 403, why="form")
    return None


def protect(response: Response[Any]) -> Response[Any]:
    """Say to the browser what a page of ours may do: nothing that it does not need."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def told(request: Asked, template: str, status: int, why: str) -> Response[str]:
    """Return a page for somebody who has not come in."""
    context = {**surroundings(request, desk_of(request).house), "why": why}
    return html(rendered(template, context["language"], context), status)


@get("/enter", include_in_schema=False)
async def enter(request: Asked, ticket: str = "", to: str = "") -> Response[Any]:
    """Exchange a one-time link for a session."""
    access = desk_of(request).access
    client = request.client.host if request.client else None
    if not access.admits(client, request.headers):
        return protect(told(request, "enter.html", 403, why="elsewhere"))
    page = to if is_page(to) else "/overview"
    session = access.enter(ticket)
    if session is None:
        if access.who(request.headers, request.cookies) is not None:
            return protect(Redirect(page, status_code=303))
        return protect(told(request, "enter.html", 401, why="used"))
    cookie = Cookie(
        access.cookie(request.headers), value=session, httponly=True, samesite="strict",
        secure=access.is_secure(request.headers), max_age=SESSION_S, path="/",
    )  # fmt: skip
    return protect(Redirect(page, status_code=303, cookies=[cookie]))


@post("/preferences", include_in_schema=False, status_code=303)
async def preferences(request: Asked) -> Redirect:
    """Remember language and theme, and go back to where the person was."""
    form = await request.form()
    cookies = [
        Cookie(name, value=str(form[field]), samesite="lax", max_age=_YEAR_S, path="/",
               secure=desk_of(request).access.is_secure(request.headers))
        for name, field, known in ((LANGUAGE_COOKIE, "language", LANGUAGES),
                                   (THEME_COOKIE, "theme", THEMES))
        if form.get(field) in known
    ]  # fmt: skip
    back = str(form.get("back", ""))
    return Redirect(back if is_page(back) else "/overview", status_code=303, cookies=cookies)


@post("/leave", include_in_schema=False, status_code=303)
async def leave(request: Asked) -> Redirect:
    """End the session in this browser."""
    access = desk_of(request).access
    gone = Cookie(access.cookie(request.headers), value="", max_age=0, path="/", httponly=True,
                  samesite="strict", secure=access.is_secure(request.headers))  # fmt: skip
    return Redirect("/overview", status_code=303, cookies=[gone])
