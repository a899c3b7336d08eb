"""Listeners to the live feed, as a process of their own: what each was told, and how late.

A notification's reference holds the instant at which it was sent (`REFERENCE`), and the row that it
makes shows that reference; so each row says by itself how long it was on its way. One listener is
cut off for a while and comes back with the last number that it knows.

Run as `python -m voidtrail.testing.bench.listeners`, a JSON object on standard input; it says
`ready` when everybody listens, listens until its standard input ends, and then says what it heard.
"""

import asyncio
import json
import re
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import cast

import uvloop

REFERENCE = "pi_t{at_us:016d}n{number}"
_SENT = re.compile(rb"/pi_t(\d{16})n")
_ID = re.compile(rb"^id: (\d+)$", re.MULTILINE)
_ROW = b"event: row\n"
_CHUNK = re.compile(rb"\r\n[0-9a-f]+\r\n")
_GRACE_S = 3.0
_POLL_S = 0.1
_ANSWER_S = 20.0


@dataclass(frozen=True)
class Orders:
    """What the listeners are to do.

    Attributes:
        host, port, cookie: Where to listen, and as whom.
        clients: How many.
        timed: How many of them measure how late each row is.
        cut_after_s: When the one listener is cut off that comes back; 0 for nobody.
        cut_s: For how long.
    """

    host: str
    port: int
    cookie: str
    clients: int
    timed: int
    cut_after_s: float = 0.0
    cut_s: float = 0.0


@dataclass
class Heard:
    """What all listeners together heard.

    Attributes:
        rows: How many rows each was told.
        late_s: How late rows were, of those who measured it.
        whole: The numbers that an undisturbed listener was told.
        cut: The numbers that the one was told who was cut off.
        broken: How many connections ended by themselves.
        cpu_share: This process's own processor time, as a share of the elapsed time.
    """

    rows: list[int] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    whole: list[int] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)
    broken: int = 0
    cpu_share: float = 0.0


class Listener(asyncio.Protocol):
    """One connection."""

    def __init__(self, orders: Orders, heard: Heard, *, timed: bool, last: int = 0) -> None:
        self._head = (
            f"GET /live?lang=zh-CN HTTP/1.1\r\nHost: {orders.host}:{orders.port}\r\n"
            f"Cookie: {orders.cookie}\r\n" + (f"Last-Event-ID: {last}\r\n" if last else "") + "\r\n"
        )
        self._heard = heard
        self._timed = timed
        self._rest = b""
        self.rows = 0
        self.kept: list[bytes] = []
        self.ready = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None
        self.closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the feed."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._head.encode())

    def data_received(self, data: bytes) -> None:
        """Count rows; note how late they are."""
        if not self.ready.done():
            self.ready.set_result(data.startswith(b"HTTP/1.1 200"))
        text = self._rest + data
        self.rows += text.count(_ROW)
        self._rest = text[-len(_ROW) + 1 :]
        if self._timed:
            now = time.time()
            self._heard.late_s += [now - int(at) / 1e6 for at in _SENT.findall(data)]
            self.kept.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Notice that nobody speaks any more."""
        if not self.ready.done():
            self.ready.set_result(False)
        if not self.closing:
            self._heard.broken += 1

    def close(self) -> None:
        """Hang up."""
        self.closing = True
        if self.transport is not None:
            self.transport.abort()

    @property
    def numbers(self) -> list[int]:
        """The numbers that a listener was told who measures."""
        return [int(no) for no in _ID.findall(_CHUNK.sub(b"", b"".join(self.kept)))]


async def listen(orders: Orders) -> Heard:
    """Listen until standard input ends.

    Args:
        orders: What to do.

    Returns:
        What was heard.
    """
    heard, everybody = Heard(), list[Listener]()
    for place in range(orders.clients):
        everybody.append(await _one(orders, heard, timed=place < orders.timed))
    cut = asyncio.ensure_future(_cut_off(orders, heard)) if orders.cut_s else None
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    began, used = time.monotonic(), time.process_time()
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, sys.stdin.readline)
    await asyncio.sleep(_GRACE_S)
    heard.cpu_share = (time.process_time() - used) / (time.monotonic() - began)
    heard.rows = [each.rows for each in everybody]
    heard.whole = everybody[0].numbers
    if cut is not None:
        heard.cut = await cut
    for each in everybody:
        each.close()
    return heard


async def _one(orders: Orders, heard: Heard, *, timed: bool, last: int = 0) -> Listener:
    loop = asyncio.get_running_loop()
    _, one = await loop.create_connection(
        lambda: Listener(orders, heard, timed=timed, last=last), orders.host, orders.port
    )
    if not await asyncio.wait_for(one.ready, _ANSWER_S):
        raise ConnectionError("the feed was refused")
    return one


async def _cut_off(orders: Orders, heard: Heard) -> list[int]:
    """Listen, be cut off, come back with the last number known, and listen to the end."""
    aside = Heard()  # what was missed is late by design
    first = await _one(orders, aside, timed=True)
    await asyncio.sleep(orders.cut_after_s)
    first.close()
    known = first.numbers
    await asyncio.sleep(orders.cut_s)
    again = await _one(orders, aside, timed=True, last=known[-1] if known else 0)
    while not heard.whole:
        await asyncio.sleep(_POLL_S)
    for _ in range(int(_GRACE_S / _POLL_S)):
        if set(known + again.numbers) >= set(heard.whole[-1:]):
            break
        await asyncio.sleep(_POLL_S)
    again.close()
    return known + again.numbers


def main() -> None:
    """Read orders, listen, say what was heard."""
    orders = Orders(**json.loads(sys.stdin.readline()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        heard = runner.run(listen(orders))
    sys.stdout.write(json.dumps(asdict(heard)) + "\n")


if __name__ == "__main__":
    main()
