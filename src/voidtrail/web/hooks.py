"""`POST /hooks/{source}/{account}`: a raw ASGI function, dispatched before the application.

Plain requests are answered by `web.door` before they come here; this is the way for the others.
Nothing slow stands between a platform and its acknowledgement: read, verify, prepare, wait for the
group to be on disk, answer in the platform's own words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import structlog

from voidtrail.event.model import QUERY, Acknowledgement
from voidtrail.runtime.app import House
from voidtrail.runtime.preparing import Entry
from voidtrail.runtime.receiving import TOO_LARGE, Receiver, answers, riddle_answered

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PREFIX: Final = "/hooks/"
TOO_SLOW: Final = b'{"code":"too_slow","message":"the body did not come in time"}'
_SLOW: Final = "too_slow"
_QUERY_MAX: Final = 4096
_CLOSE: Final = (b"connection", b"close")
_IGNORED: Final = frozenset(
    {b"host", b"connection", b"accept", b"accept-encoding", b"content-length", b"user-agent",
     b"cookie"}
)  # fmt: skip
"""Headers that prove nothing. Some platforms sign in `Authorization`: sources see it, and what is
sealed of a delivery never holds it (`runtime.envelope`)."""
_log = structlog.get_logger(__name__)


class _TooLarge(Exception):
    """The body is larger than the settings allow."""


class _Gone(Exception):
    """The client went away."""


class Hooks:
    """The door for platforms.

    Args:
        house: accounts and settings.
        receiver: what stands behind the door.
    """

    def __init__(self, house: House, receiver: Receiver) -> None:
        self._receiver = receiver
        self._max = house.settings.server.body_max_bytes
        self._deadline = house.settings.server.read_deadline_s
        self._reading: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._doors = {
            f"{PREFIX}{source}/{name}": (entry, _answers(entry))
            for (source, name), entry in house.entries.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take in one delivery."""
        door = self._doors.get(scope["path"])
        if door is None:
            await _say(send, 404, b'{"code":"not_found","message":"no such source or account"}')
            return
        entry, messages = door
        if scope["method"] == "GET":
            riddle = riddle_answered(entry, scope["query_string"].decode("latin-1"))
            if riddle is not None:
                await _send(send, *_messages(riddle))
                return
        if scope["method"] != "POST":
            await _say(send, 405, b'{"code":"wrong_use","message":"deliveries are POSTed"}',
                       (b"allow", b"POST"))  # fmt: skip
            return
        outcome = await self._take(entry, scope, receive)
        if outcome is None:
            return
        if outcome is _SLOW:
            await _say(send, 408, TOO_SLOW, _CLOSE)
            return
        await _send(send, *messages[outcome])

    async def _take(self, entry: Entry, scope: Scope, receive: Receive) -> str | None:
        """Return what the platform is told, None if nobody listens any more."""
        headers = scope["headers"]
        task = asyncio.current_task()
        assert task is not None
        self._reading[task] = asyncio.get_running_loop().time()
        try:
            body = await self._body(headers, receive)
        except _TooLarge:
            return TOO_LARGE
        except _Gone:
            return None
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            self._late.discard(task)
            task.uncancel()
            return _SLOW
        finally:
            self._reading.pop(task, None)
        client = scope.get("client")
        kept = headers_kept(headers) + query_kept(scope["query_string"])
        return await self._receiver.take(entry, body, kept, client[0] if client else "")

    async def _body(self, headers: list[tuple[bytes, bytes]], receive: Receive) -> bytes:
        for name, value in headers:
            if name == b"content-length" and value.isdigit() and int(value) > self._max:
                raise _TooLarge
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        body: bytes = message.get("body", b"")
        if not message.get("more_body") and len(body) <= self._max:
            return body
        parts, size = [body], len(body)
        while message.get("more_body"):
            if size > self._max:
                break
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            parts.append(message.get("body", b""))
            size += len(parts[-1])
        if size > self._max:
            raise _TooLarge
        return b"".join(parts)

    async def sweep(self) -> None:
        """Drop, for ever, bodies that are not complete in time.

        One sweep a second instead of a timer a request: a timer costs as much as reading a body.
        """
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(1.0, self._deadline / 2))
            late = loop.time() - self._deadline
            for task, since in list(self._reading.items()):
                if since < late:
                    self._reading.pop(task, None)
                    self._late.add(task)
                    task.cancel()
                    _log.warning("body_too_slow", deadline_s=self._deadline)


def headers_kept(headers: list[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    """Return the headers that are kept with a delivery."""
    return tuple([(k.decode("latin-1"), v.decode("latin-1"))
                  for k, v in headers if k not in _IGNORED])  # fmt: skip


def query_kept(query: bytes) -> tuple[tuple[str, str], ...]:
    """Return what stood behind "?" in the address as a header; one that is too long is dropped.

    No sender can forge it as a header: names with a colon are refused when a request is parsed.
    """
    if not query or len(query) > _QUERY_MAX:
        return ()
    return ((QUERY, query.decode("latin-1")),)


def _answers(entry: Entry) -> dict[str, tuple[Message, Message]]:
    """Return the ASGI messages of every answer, made once."""
    return {name: _messages(answer) for name, answer in answers(entry).items()}


def _messages(answer: Acknowledgement) -> tuple[Message, Message]:
    headers = [(b"content-length", str(len(answer.body)).encode())]
    if answer.body:
        headers.append((b"content-type", answer.content_type.encode()))
    return (
        {"type": "http.response.start", "status": answer.status, "headers": headers},
        {"type": "http.response.body", "body": answer.body},
    )


async def _send(send: Send, start: Message, body: Message) -> None:
    await send(start)
    await send(body)


async def _say(send: Send, status: int, body: bytes, *more: tuple[bytes, bytes]) -> None:
    headers = [(b"content-type", b"application/json"),
               (b"content-length", str(len(body)).encode()), *more]  # fmt: skip
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
