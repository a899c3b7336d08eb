"""Taking in one pushed delivery: prove it, prepare it, wait until it is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from voidtrail.errors import Refused
from voidtrail.event.model import Acknowledgement, Delivery
from voidtrail.ledger.contract import Receipt
from voidtrail.runtime import envelope
from voidtrail.runtime.app import House
from voidtrail.runtime.ingest import Fate, Intake
from voidtrail.runtime.preparing import Entry
from voidtrail.runtime.refusals import Refusals
from voidtrail.sources.contract import Outcome, challenged

TOO_LARGE: Final = Outcome.TOO_LARGE.value


class Receiver:
    """What stands behind the door for platforms.

    Args:
        house: clock and keys.
        intake: where prepared deliveries are handed in.
        refusals: where refused ones are counted.
    """

    def __init__(self, house: House, intake: Intake, refusals: Refusals) -> None:
        self._clock = house.clock
        self._intake = intake
        self._refusals = refusals
        envelope.warm()

    async def take(
        self, entry: Entry, body: bytes, headers: tuple[tuple[str, str], ...], client: str
    ) -> str:
        """Take in one delivery; return the name of the answer that the platform is to get."""
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.deliver(
            entry,
            body,
            headers,
            client,
            lambda answer: None if told.done() else told.set_result(answer),
        )
        return await told

    def deliver(
        self, entry: Entry, body: bytes, headers: tuple[tuple[str, str], ...], client: str,
        tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        """Take in one delivery; `tell` is called with the name of the answer, now or later."""
        account = entry.account
        delivery = Delivery(
            source=account.source, account=account.name, received_at=self._clock(), body=body,
            headers=headers,
        )  # fmt: skip

        def done(fate: Fate) -> None:
            if isinstance(fate, Receipt):
                tell(_KEPT)
            elif isinstance(fate, Refused):
                self._refusals.count(entry, fate.code, client, str(fate))
                tell(_REFUSED)
            else:
                tell(_BUSY)

        self._intake.take(delivery, entry, done)


_KEPT, _REFUSED, _BUSY = (o.value for o in (Outcome.KEPT, Outcome.REFUSED, Outcome.BUSY))


def answers(entry: Entry) -> dict[str, Acknowledgement]:
    """Return a platform's answers by name: kept, refused, busy, too_large."""
    return {outcome.value: entry.source.acknowledge(outcome) for outcome in Outcome}


def riddle_answered(entry: Entry, query: str) -> Acknowledgement | None:
    """Return what a platform is told that tries the address before it sends anything, or None."""
    return challenged(entry.source, query, entry.secrets)
