"""Terminals' messages over TCP: mirrored traffic, taken in like pushes.

Whoever mirrors waits for no answer, so nothing is ever sent back. A connection reads on only when
what it brought is durable; if the ledger stops, connections are closed, so that the other side sees
it. Card data is masked before a message leaves this module.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Final

import structlog

from voidtrail.errors import VoidtrailError
from voidtrail.ledger.contract import Receipt
from voidtrail.runtime.app import House
from voidtrail.runtime.frames import Frames, Piece
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.inlets import ListenSettings
from voidtrail.runtime.preparing import Entry, prepare
from voidtrail.sources import pos
from voidtrail.sources.pos import wire as pos_wire

_READ: Final = 65_536
_NOISE_MAX: Final = 16
"""So many pieces of noise, and the connection is not what it should be."""
_log = structlog.get_logger(__name__)


class Listening:
    """Listens on every port of the settings.

    Args:
        house: accounts, keys and clock.
        intake: where messages are handed in.

    Attributes:
        counts: the intake's, with connections, refused, messages, ignored (keys, echoes, batch
            totals), noise, late.
    """

    def __init__(self, house: House, intake: Intake) -> None:
        self._house = house
        self._intake = intake
        self._servers: list[asyncio.Server] = []
        self._open: Counter[int] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self.counts = intake.counts

    async def start(self) -> list[tuple[str, int]]:
        """Listen; return the addresses.

        Raises:
            OSError: a port is taken.
        """
        for number, each in enumerate(self._house.settings.listen):
            entry = self._house.entry(each.source, each.account)
            accept = partial(self._accept, number, each, entry)
            server = await asyncio.start_server(accept, each.host, each.port, limit=_READ)
            self._servers.append(server)
        return [server.sockets[0].getsockname()[:2] for server in self._servers]

    async def close(self) -> None:
        """Stop listening and end every connection; what was read before is written."""
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(
        self, number: int, settings: ListenSettings, entry: Entry,
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
    ) -> None:  # fmt: skip
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        peer = writer.get_extra_info("peername")
        try:
            if not _may_send(settings, peer):
                self.counts["refused"] += 1
                _log.warning("listen_refused", port=settings.port, why="peer not in allow")
            elif self._open[number] >= settings.connections_max:
                self.counts["refused"] += 1
                _log.warning("listen_refused", port=settings.port, why="connections_max")
            else:
                self.counts["connections"] += 1
                self._open[number] += 1
                try:
                    await self._converse(settings, entry, reader)
                finally:
                    self._open[number] -= 1
        except (OSError, asyncio.CancelledError):
            pass  # the other side is gone, or we are leaving
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _converse(
        self, settings: ListenSettings, entry: Entry, reader: asyncio.StreamReader
    ) -> None:
        """Take in messages until the connection ends, is late, or is noise."""
        dialect = entry.account.options.get("dialect", "")
        frames = Frames(settings.framing, settings.frame_max_bytes,
                        lambda head: pos_wire.may_begin(head, dialect), pos_wire.HEAD)  # fmt: skip
        loop, noise = asyncio.get_running_loop(), 0
        since = loop.time()
        try:
            while noise < _NOISE_MAX:
                patience = settings.frame_deadline_s if frames.waiting else settings.idle_s
                try:
                    left = since + patience - loop.time()
                    data = await asyncio.wait_for(reader.read(_READ), max(0.0, left))
                except TimeoutError:
                    self.counts["late"] += frames.waiting
                    return
                if not data:
                    return
                had = frames.waiting
                pieces = frames.feed(data)
                if pieces or not had:
                    since = loop.time()
                noise += sum(not piece.is_frame for piece in pieces)
                if not await self._take(entry, dialect, pieces):
                    return
            _log.warning("listen_noise", port=settings.port, account=entry.identity)
        finally:
            await asyncio.shield(self._take(entry, dialect, frames.end()))

    async def _take(self, entry: Entry, dialect: str, pieces: list[Piece]) -> bool:
        """Hand in pieces and wait until they are durable; False if they could not be kept."""
        waiting: list[asyncio.Future[Receipt]] = []
        for piece in pieces:
            if piece.is_frame and not pos.is_about_money(piece.data, dialect):
                self.counts["ignored"] += 1
                continue
            self.counts["messages" if piece.is_frame else "noise"] += 1
            delivery = pos.received(
                piece.data, entry.account, entry.secrets, self._house.clock()
            )  # fmt: skip
            item = prepare(delivery, entry, self._house.keyring)
            waiting.append(self._intake.submit(item))
        fates = await asyncio.gather(*waiting, return_exceptions=True)
        for fate in fates:
            if isinstance(fate, VoidtrailError):
                _log.warning("listen_not_kept", account=entry.identity, code=fate.code)
                return False
        return True


def _may_send(settings: ListenSettings, peer: object) -> bool:
    """Whether a peer is on this machine or in one of the networks that may send."""
    if not isinstance(peer, tuple):
        return False
    try:
        address = ip_address(str(peer[0]).partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    address = address if mapped is None else mapped
    return address.is_loopback or any(address in ip_network(text) for text in settings.allow)
