"""Style sheets, scripts and shapes: kept in memory, compressed once, cached for ever by content."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final, NamedTuple

from litestar import Request, Response, get

_TYPES: Final = {
    "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml", "txt": "text/plain; charset=utf-8",
}  # fmt: skip
_FOR_EVER: Final = "public, max-age=31536000, immutable"


class Asset(NamedTuple):
    """One file as it is sent."""

    media_type: str
    plain: bytes
    packed: bytes
    digest: str


@cache
def assets() -> dict[str, Asset]:
    """Return every file under `web/static`, by its path there."""
    return dict(_under(resources.files("voidtrail") / "web" / "static", ""))


def _under(folder: Traversable, prefix: str) -> list[tuple[str, Asset]]:
    found: list[tuple[str, Asset]] = []
    for each in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if each.is_dir():
            found += _under(each, f"{prefix}{each.name}/")
            continue
        kind = _TYPES.get(each.name.rpartition(".")[2])
        if kind is not None:
            plain = each.read_bytes()
            packed = gzip.compress(plain, 9, mtime=0)
            digest = hashlib.sha256(plain).hexdigest()[:12]
            found.append((f"{prefix}{each.name}", Asset(kind, plain, packed, digest)))
    return found


def static(path: str) -> str:
    """Return the address of an asset, "" if it is not there (scripts that were never fetched)."""
    found = assets().get(path)
    return f"/static/{path}?{found.digest}" if found else ""


@get("/static/{path:path}", include_in_schema=False, sync_to_thread=False)
def asset(request: Request[Any, Any, Any], path: str) -> Response[bytes]:
    """Send one file; its address changes with its content."""
    found = assets().get(path.lstrip("/"))
    if found is None:
        return Response(b"", status_code=404, media_type="text/plain")
    packed = "gzip" in request.headers.get("accept-encoding", "")
    headers = {"cache-control": _FOR_EVER, "vary": "accept-encoding",
               "x-content-type-options": "nosniff"}  # fmt: skip
    if packed:
        headers["content-encoding"] = "gzip"
    return Response(found.packed if packed else found.plain, media_type=found.media_type,
                    headers=headers)  # fmt: skip
