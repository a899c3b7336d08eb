"""The one place that answers: who is this, and what may they see?

Accounts and roles come with the console. Until then the JSON API answers this machine, and whoever
holds the configured token.
"""

from __future__ import annotations

import hmac
import ipaddress
from typing import Any, Final

from voidtrail.event.account import Secret

_FORWARDED: Final = ("x-forwarded-for", "forwarded", "x-real-ip")


def may_read(client: str | None, headers: Any, token: Secret | None) -> bool:
    """Whether a request may read the API.

    Args:
        client: the peer's address.
        headers: the request's headers, names in lower case.
        token: the configured token, None if there is none.
    """
    given = str(headers.get("authorization", "")).removeprefix("Bearer ").strip()
    if token is not None and given:
        return hmac.compare_digest(given.encode(), token.reveal().encode())
    if client is None or any(name in headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(client).is_loopback
    except ValueError:
        return False
