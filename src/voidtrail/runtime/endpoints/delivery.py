"""One webhook on its way: a signed POST, and what came back.

No redirects, no proxies, a deadline, a cap on what is read; certificates are always checked.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver

from voidtrail import __version__
from voidtrail.event.account import Secret
from voidtrail.event.model import Micros
from voidtrail.runtime.endpoints.addresses import AddressRefused, Network, connector
from voidtrail.runtime.endpoints.settings import EndpointSettings
from voidtrail.runtime.endpoints.signature import key_of, signed_headers
from voidtrail.runtime.settings import secret_of

ANSWER_MAX: Final = 65_536
"""An answer is read up to here; a longer one is cut off together with its connection."""
EXCERPT_MAX: Final = 300
_CONNECT_S: Final = 10.0


class Fault(StrEnum):
    """Why there was no good answer."""

    NONE = "none"
    REDIRECTED = "redirected"
    STATUS = "status"
    GONE = "gone"
    PRIVATE = "private_address"
    UNKNOWN_NAME = "unknown_name"
    NO_ADDRESS = "no_address"
    NOT_LISTENING = "not_listening"
    CERTIFICATE = "certificate"
    TLS = "tls"
    TOO_SLOW = "too_slow"
    BROKEN_OFF = "broken_off"


class Reply(NamedTuple):
    """What came back.

    Attributes:
        fault: NONE if the receiver has it.
        status: 0 if there was no answer.
        took_s: from the beginning to the answer.
        detail: the address refused, where a redirect leads, what the system said.
        excerpt: the beginning of the answer, for people.
        after_s: what the receiver asked us to wait.
    """

    fault: Fault
    status: int = 0
    took_s: float = 0.0
    detail: str = ""
    excerpt: str = ""
    after_s: float | None = None

    def why(self) -> str:
        """Return it in one line, without anything that the receiver chose to say.

        >>> Reply(Fault.STATUS, 503).why(), Reply(Fault.PRIVATE, detail="10.0.0.1").why()
        ('status 503', 'private_address: 10.0.0.1')
        """
        if self.status:
            return f"status {self.status}"
        return f"{self.fault}: {self.detail}" if self.detail else str(self.fault)


class Endpoint(NamedTuple):
    """An endpoint that is ready to be told; its keys are secrets."""

    name: str
    url: str
    keys: Sequence[bytes]
    allow: Sequence[Network]
    timeout_s: float = 15.0

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r})"


def ready(
    settings: EndpointSettings, environment: Mapping[str, str] | None = None, base: str = "."
) -> Endpoint:
    """Return an endpoint with its secrets fetched.

    Raises:
        SettingInvalid: a secret is not where it should be, or is none.
    """
    where = f"endpoint {settings.name}"
    keys = [key_of(secret_of(place, where, environment, base), where)
            for place in settings.secret_places()]  # fmt: skip
    allow = [ipaddress.ip_network(network) for network in settings.allow]
    return Endpoint(settings.name, settings.url, keys, allow, settings.timeout_s)


def at_url(url: str, secret: Secret) -> Endpoint:
    """Return an endpoint that somebody at the keyboard names, wherever it is."""
    networks = [ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")]
    return Endpoint(url, url, [key_of(secret, url)], networks)


class Courier:
    """Delivers to one endpoint over connections of its own.

    Args:
        endpoint: where to.
        resolver: finds addresses; the system's if not given.
    """

    def __init__(self, endpoint: Endpoint, resolver: AbstractResolver | None = None) -> None:
        self.endpoint = endpoint
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def deliver(self, message_key: str, body: bytes, at: Micros) -> Reply:
        """Send one signed body; never raises over what the other side does."""
        began = time.monotonic()
        try:
            reply = await self._send(message_key, body, at)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            reply = _reply_of(error)
        return reply._replace(took_s=time.monotonic() - began)

    async def _send(self, message_key: str, body: bytes, at: Micros) -> Reply:
        endpoint = self.endpoint
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=connector(endpoint.allow, self._resolver), trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=endpoint.timeout_s, sock_connect=_CONNECT_S),
            )  # fmt: skip
        headers = {
            "content-type": "application/json", "user-agent": f"Voidtrail/{__version__}",
            "accept-encoding": "identity", **signed_headers(endpoint.keys, message_key, body, at),
        }  # fmt: skip
        async with self._session.post(
            endpoint.url, data=body, headers=headers, allow_redirects=False
        ) as response:
            answer = bytearray()
            async for piece in response.content.iter_any():
                answer += piece
                if len(answer) > ANSWER_MAX:
                    response.close()
                    break
            text = bytes(answer[:EXCERPT_MAX]).decode("utf-8", "replace")
            return _judged(response.status, response.headers, text, at)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _judged(status: int, headers: Mapping[str, str], text: str, at: Micros) -> Reply:
    if 200 <= status < 300:
        return Reply(Fault.NONE, status, excerpt=text)
    if 300 <= status < 400:
        place = urlsplit(headers.get("Location", ""))
        return Reply(Fault.REDIRECTED, status, detail=place._replace(query="").geturl()[:200])
    fault = Fault.GONE if status == 410 else Fault.STATUS
    after_s = _after_s(headers.get("Retry-After", ""), at)
    return Reply(fault, status, excerpt=text, after_s=after_s)


def _after_s(text: str, at: Micros) -> float | None:
    """Read Retry-After: seconds, or a date.

    >>> _after_s("120", 0), _after_s("Thu, 01 Jan 1970 00:01:00 GMT", 0), _after_s("soon", 0)
    (120.0, 60.0, None)
    """
    if text.isascii() and text.strip().isdigit():
        return min(float(text), 1e9)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - at / 1e6)
    except (ValueError, TypeError, OverflowError):
        return None


def _reply_of(error: Exception) -> Reply:
    """Return what an exception says about the way there."""
    inner = getattr(error, "os_error", None) or error
    refused = next((each for each in _chain(inner) if isinstance(each, AddressRefused)), None)
    if refused is not None:
        return Reply(Fault.PRIVATE, detail=refused.address)
    if isinstance(error, aiohttp.InvalidURL):
        return Reply(Fault.NO_ADDRESS)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Reply(Fault.CERTIFICATE, detail=str(error.certificate_error)[:200])
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return Reply(Fault.TLS, detail=str(inner)[:200])
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return Reply(Fault.TOO_SLOW)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Reply(Fault.UNKNOWN_NAME, detail=str(inner)[:200])
    if isinstance(error, aiohttp.ClientConnectorError):
        return Reply(Fault.NOT_LISTENING, detail=str(inner)[:200])
    return Reply(Fault.BROKEN_OFF, detail=type(error).__name__)


def _chain(error: BaseException | None) -> list[BaseException]:
    found = []
    while error is not None and error not in found:
        found.append(error)
        if isinstance(error, BaseExceptionGroup):
            found += error.exceptions
        error = error.__cause__ or error.__context__
    return found
