"""A merchant's account at a source, and the secrets that prove its deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Mode = Literal["live", "test"]


class Secret:
    """A text that shows itself only when asked: `repr`, `str`, `format` and pickling refuse it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret text."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


Secrets = Mapping[str, tuple[Secret, ...]]
"""By purpose, as "signing"; several values are all valid while one replaces another."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Whose deliveries these are.

    Attributes:
        source: name of the source, as "stripe".
        name: the account's name in `/hooks/{source}/{name}`.
        entity: the legal entity that the money belongs to.
        shop: the shop; order references are unique within it.
        mode: "test" keeps everything of this account out of live numbers, alerts and messages.
        zone: IANA time zone of the shop's day (and of platform instants without a zone).
        cutoff: local time at which the business day begins, as "04:00".
        options: what a source wants to know besides, as {"order_field": "metadata.order_id"}.
    """

    source: str
    name: str
    entity: str = "default"
    shop: str = "default"
    mode: Mode = "live"
    zone: str = "Asia/Shanghai"
    cutoff: str = "00:00"
    options: Mapping[str, str] = msgspec.field(default_factory=dict)
