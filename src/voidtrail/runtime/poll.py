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

from voidtrail.errors import PlatformUnavailable, Refused
from voidtrail.event.codec import REST_AT
from voidtrail.event.model import STATUS, Delivery, Event, Kind, Request, Result, Role, Via
from voidtrail.runtime.app import House
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.preparing import Entry, item_of, prepare

_KIND: Final = REST_AT["kind"]
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
        await self._intake.submit(item)
        # An error that only the platform understands is kept, but answers nothing.
        return any(event.rest[_KIND] != Kind.OTHER for event in item.events)

    async def note_silence(self, entry: Entry, reference: str, tries: int) -> None:
        """Put on record that the platform did not answer, so that silence may decide.

        Raises:
            LedgerStopped: the note could not be kept.
        """
        now = self._house.clock()
        event = Event(
            label=f"unanswered:{reference}", identity=(reference, str(now)), kind=Kind.ABSENT,
            result=Result.UNKNOWN, payment=reference, occurred_at=now, via=Via.OWN, life=False,
            role=Role.LOG, code="unanswered",
        )  # fmt: skip
        note = Delivery(
            source=entry.account.source, account=entry.account.name, received_at=now, via=Via.OWN,
            body=f"asked {tries} times, not answered".encode(), request=reference,
        )  # fmt: skip
        await self._intake.submit(item_of(note, [event], entry, self._house.keyring))

    async def _carry_out(self, entry: Entry, request: Request) -> Delivery:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, trust_env=False)
        try:
            async with self._session.request(
                request.method,
                request.url,
                headers=dict(request.headers),
                data=request.body or None,
                allow_redirects=False,
            ) as response:
                body = bytearray()
                async for piece in response.content.iter_any():
                    body += piece
                    if len(body) > _ANSWER_MAX:
                        raise PlatformUnavailable(f"{entry.identity}: an answer of over 1 MiB")
                if response.status >= 500:
                    raise PlatformUnavailable(f"{entry.identity}: status {response.status}")
                said = tuple((k.lower(), v) for k, v in response.headers.items())
                headers = (*said, (STATUS, str(response.status)))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PlatformUnavailable(f"{entry.identity}: {type(error).__name__}") from None
        return Delivery(
            source=entry.account.source, account=entry.account.name,
            received_at=self._house.clock(), body=bytes(body), headers=headers, via=Via.ASKED,
            request=request.payment, context=request.context,
        )  # fmt: skip

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
