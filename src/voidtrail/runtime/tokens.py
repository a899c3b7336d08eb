"""Access tokens that some platforms want with every question: kept in memory, fetched anew in time.

A token is never stored and never logged; an answer that holds one is no delivery.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, NamedTuple

import msgspec

from voidtrail.errors import PlatformUnavailable
from voidtrail.event.account import Secret, Secrets
from voidtrail.event.model import Delivery, Micros, Request
from voidtrail.runtime.preparing import Entry
from voidtrail.sources.contract import token_request

_EARLY_US: Final = 60_000_000
PURPOSE: Final = "access_token"


class _Answer(msgspec.Struct):
    access_token: str
    expires_in: Annotated[float, msgspec.Meta(ge=0, le=10**9)] = 300.0


class _Token(NamedTuple):
    text: str
    until: Micros


_DECODER: Final = msgspec.json.Decoder(_Answer)


class Tokens:
    """The tokens of every account that needs one.

    Args:
        clock: the present instant.
        carry_out: sends a request to an account's platform.
    """

    def __init__(
        self, clock: Callable[[], Micros],
        carry_out: Callable[[Entry, Request], Awaitable[Delivery]],
    ) -> None:  # fmt: skip
        self._clock = clock
        self._carry_out = carry_out
        self._kept: dict[str, _Token] = {}

    async def secrets(self, entry: Entry) -> Secrets:
        """Return an account's secrets, with a token that is still good if its platform wants one.

        Raises:
            PlatformUnavailable: the platform gave none.
        """
        request = token_request(entry.source, entry.account, entry.secrets)
        if request is None:
            return entry.secrets
        kept = self._kept.get(entry.identity)
        if kept is None or kept.until <= self._clock():
            kept = await self._fetched(entry, request)
            self._kept[entry.identity] = kept
        return {**entry.secrets, PURPOSE: (Secret(kept.text),)}

    def forget(self, entry: Entry) -> None:
        """Drop a token that the platform did not take."""
        self._kept.pop(entry.identity, None)

    async def _fetched(self, entry: Entry, request: Request) -> _Token:
        answer = await self._carry_out(entry, request)
        try:
            found = _DECODER.decode(answer.body)
        except msgspec.MsgspecError:
            why = "no access token: are its credentials right?"
            raise PlatformUnavailable(f"{entry.identity}: {why}") from None
        until = self._clock() + int(found.expires_in * 1_000_000) - _EARLY_US
        return _Token(found.access_token, until)
