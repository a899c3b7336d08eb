"""Whether an endpoint is in service: the last control entry about it says so.

Putting one out of service, and back, is a decision, and so it stands in the ledger's chain.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from voidtrail.event.model import Micros
from voidtrail.ledger.sqlite import SqliteLog

KIND: Final = "endpoint"


class Standing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entry about an endpoint.

    Attributes:
        name: the endpoint.
        disabled: nothing is sent to it any more.
        why: a stable word: "gone", "failing" or "resent".
        at: when it was decided.
        since: since when it had failed.
    """

    name: str
    disabled: bool
    why: str
    at: Micros
    since: Micros | None = None

    def entry(self) -> tuple[str, str]:
        """Return the control entry."""
        return KIND, msgspec.json.encode(self).decode()


class Standings:
    """What the ledger says of endpoints, read again only when there is a newer entry."""

    def __init__(self, ledger: SqliteLog) -> None:
        self._ledger = ledger
        self._seen = -1
        self._by_name: dict[str, Standing] = {}

    def of(self, name: str) -> Standing | None:
        """Return the last entry about an endpoint, None if there is none."""
        db = self._ledger.db
        newest = db.execute(
            "SELECT ifnull(max(seq), 0) FROM control WHERE kind = ?", (KIND,)
        ).fetchone()[0]
        if newest != self._seen:
            rows = db.execute(
                "SELECT body FROM control WHERE kind = ? AND seq > ? ORDER BY seq",
                (KIND, self._seen),
            )
            for (body,) in rows.fetchall():
                found = msgspec.json.decode(body, type=Standing)
                self._by_name[found.name] = found
            self._seen = newest
        return self._by_name.get(name)

    def disabled(self, names: Iterable[str]) -> dict[str, bool]:
        """Return of each endpoint whether nothing is sent to it any more."""
        return {name: self.is_disabled(name) for name in names}

    def is_disabled(self, name: str) -> bool:
        """Whether nothing is sent to an endpoint any more."""
        found = self.of(name)
        return found is not None and found.disabled
