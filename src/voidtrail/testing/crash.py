"""A campaign of kills: clients post under load while the server is killed, again and again.

Nothing of the house is imported, not even its signatures: clients sign as the platform does, and
what they were told is held against the file by `testing.inspection`.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

_AGAIN_S: Final = 0.002
_ANSWER_S: Final = 20.0
_INSTANT_S: Final = 0.02
_LIFE_S: Final = 2.0
_TYPES: Final = {"open": "payment_intent.created", "capture": "payment_intent.succeeded",
                 "refund": "refund.created"}  # fmt: skip


class Notice(NamedTuple):
    """One notification that a client sends until it is acknowledged.

    Attributes:
        payment: reference of the payment that it is about.
        label: what happened, as the first word of the house's label for it.
        amount_minor: what the payment took, or what the refund gave back.
    """

    payment: str
    label: str
    amount_minor: int

    def body(self, created_s: int) -> bytes:
        """Return the bytes: an event as Stripe sends it; the same bytes each time it is sent."""
        if self.label == "refund":
            found = {"id": f"re_{self.payment[3:]}", "object": "refund", "status": "succeeded",
                     "amount": self.amount_minor, "payment_intent": self.payment}  # fmt: skip
        else:
            paid = self.label == "capture"
            found = {"id": self.payment, "object": "payment_intent", "amount": self.amount_minor,
                     "amount_received": self.amount_minor if paid else 0,
                     "capture_method": "automatic", "customer": f"cus_{self.payment[-6:]}",
                     "status": "succeeded" if paid else "requires_payment_method",
                     "metadata": {"order_id": f"O-{self.payment[3:]}"}}  # fmt: skip
        found |= {"currency": "usd", "created": created_s}
        event = {"id": f"evt_{self.label}_{self.payment}", "object": "event",
                 "created": created_s, "livemode": True, "type": _TYPES[self.label],
                 "data": {"object": found}}  # fmt: skip
        return json.dumps(event, indent=2).encode()


def payments(run: str, seed: int) -> Iterator[Sequence[Notice]]:
    """Yield payments without end: opened, paid in full, a part given back."""
    rng = random.Random(f"{run}/{seed}")
    number = 0
    while True:
        number += 1
        amount = rng.randrange(1_000, 90_000)
        name = f"pi_{run}{seed:x}x{number:07d}"
        yield (Notice(name, "open", amount), Notice(name, "capture", amount),
               Notice(name, "refund", rng.randrange(1, amount)))  # fmt: skip


class Target(Protocol):
    """A server that can be started on the same file and killed.

    Attributes:
        host, port: where it listens.
    """

    host: str
    port: int

    async def start(self) -> None:
        """Start it; return once it takes in deliveries."""

    async def kill(self) -> None:
        """Kill the whole process group with SIGKILL; return once it is gone."""


@dataclass
class Campaign:
    """What a campaign did and was told.

    Attributes:
        acknowledged: appended the moment a 2xx was read, before anything else happens.
        sent: every notice of which at least one byte may have reached the server.
        statuses: how often each status was read.
        broken: how many requests ended without an answer.
        up: set while the server is there; clients that lost it wait.
    """

    kills: int = 0
    acknowledged: list[Notice] = field(default_factory=list)
    sent: set[Notice] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    took_s: float = 0.0
    up: asyncio.Event = field(default_factory=asyncio.Event)


class Poster:
    """One client: posts the notices of payments, each until it is acknowledged.

    Args:
        target: where the server listens; it may be away.
        path: of the hook.
        secret: what is signed with.
        campaign: where everything is recorded.
    """

    def __init__(self, target: Target, path: str, secret: str, campaign: Campaign) -> None:
        self._target = target
        self._path = path
        self._secret = secret.encode()
        self._campaign = campaign
        self._began_s = int(time.time())
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def work(self, source: Iterator[Sequence[Notice]], ended: asyncio.Event) -> None:
        """Post payments until told to end; the last payment is posted to its end."""
        try:
            for notices in source:
                for notice in notices:
                    while not await self._posted(notice):
                        await asyncio.sleep(_AGAIN_S)
                        await self._campaign.up.wait()
                if ended.is_set():
                    return
        finally:
            self._drop()

    async def _posted(self, notice: Notice) -> bool:
        campaign = self._campaign
        try:
            status = await asyncio.wait_for(self._post(notice), _ANSWER_S)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            self._drop()
            campaign.broken += 1
            return False
        if 200 <= status < 300:
            campaign.acknowledged.append(notice)
        campaign.statuses[status] += 1
        return 200 <= status < 300

    async def _post(self, notice: Notice) -> int:
        target = self._target
        if self._writer is None or self._reader is None:
            self._reader, self._writer = await asyncio.open_connection(target.host, target.port)
        at_s = int(time.time())
        body = notice.body(self._began_s)
        mac = hmac.new(self._secret, f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
        head = (f"POST {self._path} HTTP/1.1\r\nHost: {target.host}\r\n"
                f"Stripe-Signature: t={at_s},v1={mac}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n")  # fmt: skip
        self._campaign.sent.add(notice)
        self._writer.write(head.encode() + body)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = answer.partition("content-length:")[2].partition("\r\n")[0].strip()
        await self._reader.readexactly(int(length or 0))
        if "connection: close" in answer:
            self._drop()
        return int(answer.split(" ", 2)[1])

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


async def _lived(campaign: Campaign, notices: int) -> None:
    """Wait until so many notices more are acknowledged, or for the longest life."""
    wanted = len(campaign.acknowledged) + notices
    until = time.monotonic() + _LIFE_S
    while len(campaign.acknowledged) < wanted and time.monotonic() < until:
        await asyncio.sleep(0.001)


async def campaign(
    target: Target, path: str, secret: str, *, kills: int, seed: int, clients: int = 16,
    life: int = 40,
) -> Campaign:  # fmt: skip
    """Kill a server under load and start it again on the same file, many times.

    Args:
        target: the server.
        path: of the hook, as "/hooks/stripe/main".
        secret: the account's signing secret.
        kills: how many times.
        seed: of amounts and of the instants of the kills.
        clients: how many post at once.
        life: most notices that a server acknowledges before it is killed, a few milliseconds
            later. A number and not a time, so that there is load on a slow machine, too.

    Returns:
        What was sent and what was acknowledged. The server is killed at the end, too.
    """
    rng, found, began = random.Random(seed), Campaign(), time.monotonic()
    ended = asyncio.Event()
    await target.start()
    found.up.set()
    posters = [
        asyncio.create_task(Poster(target, path, secret, found).work(
            payments(f"c{number}", seed), ended))
        for number in range(clients)
    ]  # fmt: skip
    while found.kills < kills:
        await _lived(found, rng.randrange(life))
        await asyncio.sleep(rng.uniform(0.0, _INSTANT_S))
        found.up.clear()
        await target.kill()
        found.kills += 1
        await target.start()
        found.up.set()
    ended.set()
    await asyncio.gather(*posters)
    await target.kill()
    found.took_s = time.monotonic() - began
    return found
