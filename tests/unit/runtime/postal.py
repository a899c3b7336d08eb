"""A post over a small house, and a carrier that answers as the test says."""

import asyncio

from tests.unit.runtime.rig import NOW
from voidtrail.ledger.messages import Message
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.sending import Post, Sent

WAITS = (5.0, 60.0, 600.0)


class Receiver:
    """A carrier that answers as the test says and writes down what it got."""

    def __init__(self, answer=lambda message: Sent()):
        self.answer = answer
        self.got: list[str] = []
        self.held: dict[str, asyncio.Event] = {}

    async def carry(self, message):
        self.got.append(message.key)
        if message.target in self.held:
            await self.held[message.target].wait()
        answer = self.answer(message)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self):
        self.closed = True


class Office:
    """A post over a small house, and everything that it works with."""

    def __init__(self, house, receiver, **more):
        self.house, self.clock, self.receiver = house, house.clock, receiver
        self.intake = Intake(house.ledger, house.clock)
        self.post = Post(house, self.intake, {"hook": receiver}, {"hook": WAITS},
                         lambda: 0.5, **more)  # fmt: skip

    async def turn(self, at=None):
        self.clock.now = at or self.clock.now
        return await self.post.turn()

    def row(self, key):
        return self.house.ledger.message_by_key(key)


def message(key, target="shop", lane="", at=NOW, kind="hook"):
    return Message(0, key, kind, target, lane, b"{}", at, at)


def posted(house, *messages):
    house.ledger.begin()
    count = house.ledger.post(messages)
    house.ledger.commit()
    return count


def run(work):
    return asyncio.run(work())
