"""Carrying out what sources put as values: questions to platforms, and deeds.

Every answer is a Delivery: verified, stored, then read, like a push. No redirects, a cap on the
size, a deadline; certificates are always checked, against a pinned one if the account names it. A
platform that does not answer is left alone for a while, and none is asked more often than agreed.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from functools import cache
from pathlib import Path
from typing import Final

import aiohttp
import msgspec
import structlog

from voidtrail.errors import NotPossible, PlatformUnavailable, Refused, SettingInvalid
from voidtrail.event.account import Secrets
from voidtrail.event.model import (
    STATUS,
    Deed,
    Delivery,
    Event,
    Kind,
    Micros,
    Request,
    Result,
    Role,
    Unreadable,
    Via,
)
from voidtrail.ledger.contract import Log
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.runtime.app import House
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.manners import Circuit, Manners
from voidtrail.runtime.preparing import Entry, item_of, translated
from voidtrail.runtime.tokens import Tokens

_ANSWER_MAX: Final = 1_048_576
_TOO_OFTEN: Final = "429"
_UNKNOWN: Final = "401"
CIRCUIT: Final = "circuit"
"""Kind of the control entries that say when a platform was given up, and when it was back."""
_log = structlog.get_logger(__name__)


class Asker:
    """Asks platforms about payments, and tells them to do things.

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
        self._manners: dict[str, Manners] = {}
        self._tokens = Tokens(house.clock, self._carry_out)

    def manners(self, entry: Entry) -> Manners:
        """Return how an account's platform is treated."""
        found = self._manners.get(entry.identity)
        if found is None:
            was = circuits(self._house).get(entry.identity, Circuit.CLOSED)
            found = Manners(self._house.settings.worker.ask_rate_per_s, was)
            self._manners[entry.identity] = found
        return found

    def circuits(self) -> dict[str, Circuit]:
        """Return the circuit of every account that was asked by this process."""
        return {identity: each.circuit for identity, each in self._manners.items()}

    async def ask(self, entry: Entry, reference: str, *, nudged: bool = False) -> bool:
        """Ask about one payment and keep the answer; False if there was none to be trusted.

        Args:
            entry: the account.
            reference: the payment's.
            nudged: whether the answer is to say that it answers a nudge.

        Raises:
            LedgerStopped: the answer could not be kept.
        """
        now, given = self._house.clock(), await self._secrets(entry)
        if given is None:
            return False
        request = entry.source.query(reference, entry.account, given, now, secrets.token_hex(16))
        if request is None:
            return False
        answer = await self._answer(entry, request)
        if answer is None:
            return False
        found = translated(answer, entry)
        # An error that only the platform understands is kept, but answers nothing.
        answered = not isinstance(found, Unreadable) and any(e.kind != Kind.OTHER for e in found)
        if nudged and answered and not isinstance(found, Unreadable):
            found = [*found, _looked_up(reference, now)]
        await self._intake.submit(item_of(answer, found, entry, self._house.keyring))
        return answered

    async def tell(self, entry: Entry, deed: Deed) -> list[Event] | None:
        """Have a deed done and keep the answer; None if there was none to be trusted.

        Raises:
            LedgerStopped: the answer could not be kept.
            NotPossible: the platform cannot do it, or the account lacks credentials for it.
        """
        given = await self._secrets(entry)
        if given is None:
            return None
        request = entry.source.act(
            deed, entry.account, given, self._house.clock(), secrets.token_hex(16)
        )
        if request is None:
            raise NotPossible(f"{entry.identity} cannot be told to {deed.verb.value}")
        answer = await self._answer(entry, request)
        if answer is None:
            return None
        found = translated(answer, entry)
        await self._intake.submit(item_of(answer, found, entry, self._house.keyring))
        return None if isinstance(found, Unreadable) else found

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
        await self.note(entry, reference, event, f"asked {tries} times, not answered")

    async def note(self, entry: Entry, reference: str, event: Event, words: str) -> None:
        """Put a note of our own about a payment on record.

        Raises:
            LedgerStopped: the note could not be kept.
        """
        note = Delivery(
            source=entry.account.source, account=entry.account.name,
            received_at=self._house.clock(), via=Via.OWN, body=words.encode(), request=reference,
        )  # fmt: skip
        await self._intake.submit(item_of(note, [event], entry, self._house.keyring))

    async def _secrets(self, entry: Entry) -> Secrets | None:
        """Return an account's secrets with its token; None if its platform gave none."""
        try:
            return await self._tokens.secrets(entry)
        except PlatformUnavailable as error:
            await self._note_failure(entry, error)
            return None

    async def _note_failure(self, entry: Entry, error: PlatformUnavailable) -> None:
        manners = self.manners(entry)
        _log.warning("question_unanswered", account=entry.identity, code=error.code)
        if manners.failure(self._house.clock()):
            await self._note_circuit(entry, manners)

    async def _answer(self, entry: Entry, request: Request) -> Delivery | None:
        """Carry out a request; None if nothing came that can be trusted."""
        manners = self.manners(entry)
        async with self._at_once:
            try:
                delivery = await self._carry_out(entry, request)
            except PlatformUnavailable as error:
                await self._note_failure(entry, error)
                return None
            if delivery.header(STATUS) == _UNKNOWN:
                self._tokens.forget(entry)
            if delivery.header(STATUS) == _TOO_OFTEN:
                manners.rest(self._house.clock(), _seconds(delivery.header("retry-after")))
            elif manners.success():
                await self._note_circuit(entry, manners)
            try:
                entry.source.verify(delivery, entry.secrets, self._house.clock())
            except Refused as error:
                _log.warning("question_unanswered", account=entry.identity, code=error.code)
                return None
        return delivery

    async def _note_circuit(self, entry: Entry, manners: Manners) -> None:
        circuit = manners.circuit.value
        _log.warning("circuit", account=entry.identity, circuit=circuit)
        body = msgspec.json.encode({"account": entry.identity, "circuit": circuit,
                                    "failures": manners.failures}).decode()  # fmt: skip
        now = self._house.clock()

        def work(store: Log) -> int:
            store.control([(CIRCUIT, body)], max(now, store.head().tick))
            return 1

        await self._intake.exclusively(work)

    async def _carry_out(self, entry: Entry, request: Request) -> Delivery:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, trust_env=False)
        pinned = entry.account.options.get("pinned_certificate")
        trust = _trusting(pinned, self._house.settings.base) if pinned else True
        try:
            async with self._session.request(
                request.method,
                request.url,
                headers=dict(request.headers),
                data=request.body or None,
                allow_redirects=False,
                ssl=trust,
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


def _seconds(after: str | None) -> float:
    return float(after) if after and after.isascii() and after.isdigit() else 1.0


def _looked_up(reference: str, now: Micros) -> Event:
    """Return the note that what was pointed at before this instant has been looked up."""
    return Event(
        label=f"answered:{reference}", identity=(reference, str(now)), kind=Kind.NUDGE,
        result=Result.SUCCEEDED, payment=reference, occurred_at=now, via=Via.ASKED, life=False,
        role=Role.LOG, code="answered",
    )  # fmt: skip


def circuits(house: House) -> dict[str, Circuit]:
    """Return the circuits on record that are not closed, by account."""
    ledger: Log = house.ledger
    if not isinstance(ledger, SqliteLog):
        return {}  # the twin in memory begins with every circuit closed
    found = circuits_on_record(ledger)
    return {name: each for name, (each, _) in found.items() if each is not Circuit.CLOSED}


def circuits_on_record(ledger: SqliteLog) -> dict[str, tuple[Circuit, int]]:
    """Return the last word on each circuit, and how many failures in a row that was after."""
    found: dict[str, tuple[Circuit, int]] = {}
    for (body,) in ledger.db.execute(
        "SELECT body FROM control WHERE kind = ? ORDER BY seq", (CIRCUIT,)
    ):
        said = msgspec.json.decode(body)
        found[said["account"]] = Circuit(said["circuit"]), said["failures"]
    return found


@cache
def _trusting(pinned: str, base: str) -> ssl.SSLContext:
    """Return a context that trusts one certificate (or what it issued) and no other.

    Args:
        pinned: the certificate in PEM, or the path of a file with it.
        base: the folder that a path is relative to.

    Raises:
        SettingInvalid: it is no certificate.
    """
    try:
        if "BEGIN CERTIFICATE" in pinned:
            context = ssl.create_default_context(cadata=pinned)
        else:
            context = ssl.create_default_context(cafile=str(Path(base) / pinned))
    except (OSError, ssl.SSLError) as error:
        raise SettingInvalid(f"option pinned_certificate: {error}") from None
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
