"""A platform's connection: a whole delivery is taken in without a task, a scope or an event.

A plain `POST /hooks/…` with a length, one at a time, is answered from here; whatever else comes
(another path, chunks, `Expect`, a query, a request before the last one was answered) goes the
usual way through uvicorn to `Hooks`. Both ways end in the same `Receiver`; this one costs a third.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from voidtrail.runtime.app import House
from voidtrail.runtime.preparing import Entry
from voidtrail.runtime.receiving import Receiver, answers
from voidtrail.web.hooks import PREFIX, TOO_SLOW, headers_kept

_UNUSUAL: Final = frozenset({b"expect", b"transfer-encoding", b"upgrade"})
_NO_LENGTH: Final = -1
HEAD_MAX: Final = 65_536
"""Most bytes before a request's body; the parser has no bound of its own and keeps every header."""
_WHOLE: Final = -1
_TOO_MUCH: Final = b'{"code":"head_too_large","message":"the headers are longer than 64 KiB"}'
_log = structlog.get_logger(__name__)

Answers = dict[str, tuple[bytes, bytes]]
"""What stands before and after the headers that every answer has, by the answer's name."""


class Doors:
    """What all connections share: the accounts' doors, the receiver, and who reads slowly.

    Args:
        house: accounts and settings.
        receiver: what stands behind the doors.
    """

    def __init__(self, house: House, receiver: Receiver) -> None:
        self.deliver = receiver.deliver
        self.largest = house.settings.server.body_max_bytes
        self.doors: dict[bytes, tuple[Entry, Answers]] = {
            f"{PREFIX}{source}/{name}".encode(): (entry, _answers(entry))
            for (source, name), entry in house.entries.items()
        }
        self.reading: dict[Door, float] = {}
        self._deadline = house.settings.server.read_deadline_s
        self._given: object = None
        self._lead = b""

    def lead(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        """Return the headers that every answer has; uvicorn renews their list once a second."""
        if headers is not self._given:
            self._given = headers
            self._lead = b"".join([name + b": " + value + b"\r\n" for name, value in headers])
        return self._lead

    async def sweep(self) -> None:
        """Close, for ever, connections whose body is not complete in time."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(1.0, self._deadline / 2))
            late = loop.time() - self._deadline
            for door, since in list(self.reading.items()):
                if since < late:
                    del self.reading[door]
                    door.too_slow()
                    _log.warning("body_too_slow", deadline_s=self._deadline)


class _Cycle:
    """One delivery on its way in, with what uvicorn asks of a request."""

    __slots__ = ("answers", "body", "disconnected", "entry", "keep_alive", "response_complete")

    def __init__(self, entry: Entry, answers: Answers, keep_alive: bool) -> None:
        self.entry = entry
        self.answers = answers
        self.keep_alive = keep_alive
        self.body: list[bytes] = []
        self.disconnected = False
        self.response_complete = False

    @property
    def message_event(self) -> _Cycle:
        """What uvicorn sets when the connection is lost."""
        return self

    def set(self) -> None:
        """Wake nobody: nobody waits for more of the body."""


class Door(HttpToolsProtocol):
    """One connection.

    Args:
        shared: what all connections share.
        given: what uvicorn hands to its own protocol.
    """

    def __init__(self, shared: Doors, **given: Any) -> None:
        super().__init__(**given)
        self._shared = shared
        self._hot: _Cycle | None = None
        self._length = _NO_LENGTH
        self._head = _WHOLE
        self._address = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Note who calls."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a body that will not be completed."""
        self._shared.reading.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; a body that is not complete yet is given a deadline."""
        super().data_received(data)
        if self._hot is not None:
            self._shared.reading.setdefault(self, self.loop.time())
        elif self._head != _WHOLE:
            self._head += len(data)
            if self._head > HEAD_MAX:
                self._give_up(431, _TOO_MUCH)
                _log.warning("head_too_large", most=HEAD_MAX)

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.url = b""
        self.headers = []
        self._length = _NO_LENGTH
        self._head = 0
        self._hot = None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; look at the few that say how the body comes."""
        name = name.lower()
        if name == b"content-length":
            self._length = int(value) if value.isdigit() else _NO_LENGTH
        elif name in _UNUSUAL:
            self._length = _NO_LENGTH
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Choose the way of the request."""
        self._head = _WHOLE
        door = self._shared.doors.get(self.url)
        cycle: Any = self.cycle  # None before the first request
        if (
            door is not None
            and 0 <= self._length <= self._shared.largest
            and (cycle is None or cycle.response_complete)
            and self.parser.get_method() == b"POST"
            and not any(name in _UNUSUAL for name, _ in self.headers)
        ):
            keep_alive = self.parser.get_http_version() == "1.1" and self.parser.should_keep_alive()
            self._hot = _Cycle(*door, keep_alive)
            self.cycle = self._hot  # type: ignore[assignment] # the little that uvicorn asks of it
        else:
            self._usual()

    def _usual(self) -> None:
        """Leave the request to uvicorn, with all that was read of it."""
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        for name, value in headers:
            super().on_header(name, value)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        if self._hot is None:
            super().on_body(body)
        else:
            self._hot.body.append(body)

    def on_message_complete(self) -> None:
        """Hand the delivery in."""
        hot = self._hot
        if hot is None:
            super().on_message_complete()
            return
        self._hot = None
        if self._shared.reading:
            self._shared.reading.pop(self, None)
        body = hot.body[0] if len(hot.body) == 1 else b"".join(hot.body)
        self._shared.deliver(
            hot.entry, body, headers_kept(self.headers), self._address,
            lambda answer: self._answer(hot, answer),
        )  # fmt: skip

    def _answer(self, cycle: _Cycle, name: str) -> None:
        cycle.response_complete = True
        if cycle.disconnected or self.transport.is_closing():
            return
        before, after = cycle.answers[name]
        lead = self._shared.lead(self.server_state.default_headers)
        self.server_state.total_requests += 1
        if not cycle.keep_alive:
            self.transport.write(before + lead + b"connection: close\r\n" + after)
            self.transport.close()
            return
        self.transport.write(before + lead + after)
        if self.pipeline:
            self.flow.resume_reading()
            self._start_asgi_task(*self.pipeline.pop())

    def too_slow(self) -> None:
        """Give up a body that did not come in time."""
        hot, self._hot = self._hot, None
        if hot is not None:
            hot.response_complete = True
        self._give_up(408, TOO_SLOW)

    def _give_up(self, status: int, why: bytes) -> None:
        self.transport.write(
            STATUS_LINE[status] + b"content-type: application/json\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n" % len(why) + why
        )
        self.transport.close()


def _answers(entry: Entry) -> Answers:
    """Return the bytes of every answer, made once."""
    found = {}
    for name, answer in answers(entry).items():
        after = b"content-length: %d\r\n" % len(answer.body)
        if answer.body:
            after += b"content-type: " + answer.content_type.encode() + b"\r\n"
        found[name] = (STATUS_LINE[answer.status], after + b"\r\n" + answer.body)
    return found
