"""Carrying out the questions that sources put as values.

Every answer is a Delivery: verified, stored, then read, like a push. No redirects, a cap on the
size, a deadline; certificates are always checked.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

import aiohttp
import structlog

from voidtrail.errors import LedgerStopped, PlatformUnavailable, Refused
from voidtrail.event.model import Delivery, Request, Via
from voidtrail.runtime.app import House
from voidtrail.runtime.ingest import Entry, Intake, prepare

_ANSWER_MAX: Final = 1_048_576
_log = structlog.get_logger(__name__)


class Asker:
    """Asks platforms about payments.

    Args:
        house: accounts and clock.
        intake: where answers are handed in.
    """

    def __init__(self, house: House, intake: Intake) -> None:
        self._house = house
        self._intake = intake
        worker = house.settings.worker
        self._timeout = aiohttp.ClientTimeout(total=worker.ask_timeout_s)
        self._at_once = asyncio.Semaphore(worker.ask_at_once)
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, entry: Entry, reference: str) -> bool:
        """Ask about one payment and keep the answer; False if there was none to be trusted.

        Raises:
            LedgerStopped: the answer could not be kept.
        """
        now = self._house.clock()
        request = entry.source.query(
            reference, entry.account, entry.secrets, now, secrets.token_hex(16)
        )
        if request is None:
            return False
        async with self._at_once:
            try:
                delivery = await self._carry_out(entry, request)
                entry.source.verify(delivery, entry.secrets, self._house.clock())
            except (PlatformUnavailable, Refused) as error:
                _log.warning("question_unanswered", account=entry.identity, code=error.code)
                return False
        item = prepare(delivery, entry, self._house.keyring)
        try:
            await self._intake.submit(item)
        except LedgerStopped:
            raise
        return not item.outcome

    async def _carry_out(self, entry: Entry, request: Request) -> Delivery:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, trust_env=False)
        try:
            async with self._session.request(
                request.method, request.url, headers=dict(request.headers), data=request.body or None,
                allow_redirects=False,
            ) as response:
                body = await response.content.read(_ANSWER_MAX + 1)
                if len(body) > _ANSWER_MAX:
                    raise PlatformUnavailable(f"{entry.identity}: the answer is larger than 1 MiB")
                if response.status >= 500:
                    raise PlatformUnavailable(f"{entry.identity}: status {response.status}")
                headers = tuple((k.lower(), v) for k, v in response.headers.items())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PlatformUnavailable(f"{entry.identity}: {type(error).__name__}") from None
        return Delivery(
            source=entry.account.source, account=entry.account.name,
            received_at=self._house.clock(), body=body, headers=headers, via=Via.ASKED,
            request=request.payment, context=request.context,
        )  # fmt: skip

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
