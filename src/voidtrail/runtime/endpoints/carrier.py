"""The carrier of kind "hook": from a message to a signed webhook, and from its answer to ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import structlog

from voidtrail.event.model import Micros
from voidtrail.ledger.contract import Log
from voidtrail.ledger.messages import Message
from voidtrail.runtime.app import House
from voidtrail.runtime.endpoints.delivery import Courier, Fault
from voidtrail.runtime.endpoints.standing import Standing, Standings
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.sending import Answer, Refused, Retry, Sent

SCHEDULE_S: Final = (
    5, 60, 600, 3600, 4 * 3600, 12 * 3600, 24 * 3600, 24 * 3600, 30 * 3600, 36 * 3600, 36 * 3600,
)  # fmt: skip
"""The waits between twelve tries: seven days, give or take a tenth."""
TRIES_MIN: Final = 5
"""An endpoint is put out of service over a message that was tried so often: a clock that jumped
ahead makes days out of seconds, but no tries."""
_DAY: Final = 86_400_000_000
_log = structlog.get_logger(__name__)


class Hooks:
    """Carries messages to endpoints.

    Args:
        house: the house.
        intake: the writer, for putting an endpoint out of service.
        couriers: by the endpoint's name.
        disable_after_days: by the endpoint's name.
    """

    def __init__(
        self, house: House, intake: Intake, couriers: Mapping[str, Courier],
        disable_after_days: Mapping[str, float],
    ) -> None:  # fmt: skip
        self._house = house
        self._intake = intake
        self._couriers = couriers
        self._patience = {name: int(days * _DAY) for name, days in disable_after_days.items()}
        self._standings = Standings(house.ledger)

    async def carry(self, message: Message) -> Answer:
        """Send one message to its endpoint.

        Raises:
            LedgerStopped: an endpoint could not be put out of service.
        """
        name = message.target
        courier = self._couriers.get(name)
        if courier is None:
            return Refused("no such endpoint in the settings")
        if self._standings.is_disabled(name):
            return Refused("the endpoint is out of service")
        reply = await courier.deliver(message.key, message.body, self._house.clock())
        if reply.fault is Fault.NONE:
            return Sent()
        if reply.fault is Fault.GONE:
            await self._disable(name, "gone", None)
            return Refused(reply.why())
        since = self._failing_since(message)
        tried = message.tries + 1 >= TRIES_MIN
        if tried and self._house.clock() - since >= self._patience[name]:
            await self._disable(name, "failing", since)
            return Refused(reply.why())
        return Retry(reply.why(), reply.after_s)

    def _failing_since(self, message: Message) -> Micros:
        """Return since when nothing has arrived at an endpoint, this message included."""
        found = self._house.ledger.failing_since("hook", message.target)
        since = min(found or self._house.clock(), self._house.clock())
        standing = self._standings.of(message.target)
        return since if standing is None else max(since, standing.at)

    async def _disable(self, name: str, why: str, since: Micros | None) -> None:
        """Put an endpoint out of service, on record, once."""
        now = self._house.clock()
        entry = Standing(name=name, disabled=True, why=why, at=now, since=since).entry()

        def work(store: Log) -> int:
            if self._standings.is_disabled(name):
                return 0
            store.control([entry], max(now, store.head().tick))
            return 1

        if await self._intake.exclusively(work):
            _log.error("endpoint_disabled", endpoint=name, why=why)

    async def close(self) -> None:
        """Close all connections."""
        for courier in self._couriers.values():
            await courier.close()
