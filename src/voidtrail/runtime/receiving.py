"""Taking in one pushed delivery: prove it, prepare it, wait until it is durable."""

from __future__ import annotations

from typing import Final

from voidtrail.errors import LedgerStopped, Refused
from voidtrail.event.model import Acknowledgement, Delivery
from voidtrail.runtime import envelope
from voidtrail.runtime.app import House
from voidtrail.runtime.ingest import Entry, Intake, prepare
from voidtrail.runtime.refusals import Refusals
from voidtrail.sources.contract import Outcome

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
        self._keyring = house.keyring
        self._intake = intake
        self._refusals = refusals
        envelope.warm()

    async def take(
        self, entry: Entry, body: bytes, headers: tuple[tuple[str, str], ...], client: str
    ) -> str:
        """Take in one delivery; return the name of the answer that the platform is to get."""
        now = self._clock()
        account = entry.account
        delivery = Delivery(
            source=account.source, account=account.name, received_at=now, body=body, headers=headers
        )
        try:
            entry.source.verify(delivery, entry.secrets, now)
        except Refused as refusal:
            self._refusals.count(entry, refusal.code, client)
            return Outcome.REFUSED.value
        try:
            await self._intake.submit(prepare(delivery, entry, self._keyring))
        except LedgerStopped:
            return Outcome.BUSY.value
        return Outcome.KEPT.value


def answers(entry: Entry) -> dict[str, Acknowledgement]:
    """Return a platform's answers by name: kept, refused, busy, too_large."""
    return {outcome.value: entry.source.acknowledge(outcome) for outcome in Outcome}
