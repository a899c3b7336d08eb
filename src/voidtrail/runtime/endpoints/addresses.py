"""Where a webhook may be sent: to public addresses, and to others only by allow-list.

A name is resolved once, judged, and connected to by the very addresses that were judged; the
address of every socket is judged once more before it connects. So a name that changes between
two look-ups (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(OSError):
    """An address is private and no allow-list names it."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} is not a public address")
        self.address = address


def is_allowed(address: str, allow: Sequence[Network]) -> bool:
    """Whether a socket may be connected to an address.

    >>> is_allowed("93.184.215.14", ()), is_allowed("10.0.0.1", ()), is_allowed("::1", ())
    (True, False, False)
    >>> is_allowed("::ffff:10.0.0.1", [ipaddress.ip_network("10.0.0.0/8")])
    True
    """
    try:
        found = _plain(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    if any(found.version == network.version and found in network for network in allow):
        return True
    return found.is_global and not found.is_multicast


def _plain(address: _Address) -> _Address:
    """Return the IPv4 address that an IPv6 address stands for, else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address.teredo is not None:
        inner = address.teredo[1]
    if inner is None and address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


class _Judging(AbstractResolver):
    """Resolves names to addresses that may be connected to."""

    def __init__(self, resolver: AbstractResolver, allow: Sequence[Network]) -> None:
        self._resolver = resolver
        self._allow = allow

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        allowed = [each for each in found if is_allowed(each["host"], self._allow)]
        if found and not allowed:
            raise AddressRefused(found[0]["host"])
        return allowed

    async def close(self) -> None:
        await self._resolver.close()


def connector(
    allow: Sequence[Network], resolver: AbstractResolver | None = None
) -> aiohttp.TCPConnector:
    """Return a connector that connects only to what is allowed.

    Args:
        allow: networks that are allowed though they are not public.
        resolver: finds addresses; the system's if not given.
    """

    def guarded(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, place = info
        if not is_allowed(str(place[0]), allow):
            raise AddressRefused(str(place[0]))
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    return aiohttp.TCPConnector(
        resolver=_Judging(resolver or aiohttp.ThreadedResolver(), allow), use_dns_cache=False,
        socket_factory=guarded, limit=0, happy_eyeballs_delay=None,
    )  # fmt: skip
