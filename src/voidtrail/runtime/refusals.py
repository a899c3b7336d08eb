"""Deliveries that were refused: counted, never stored.

A stranger can send as many forgeries as he likes; what stands in the ledger is one control entry
an interval, with counts by account and reason. No body, no address.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec
import structlog

from voidtrail.runtime.preparing import Entry

_LOGGED_MAX: Final = 10
_WHY_MAX: Final = 300
_log = structlog.get_logger(__name__)


class Refusals:
    """Counts by (account number, code), since the last flush and in all."""

    def __init__(self) -> None:
        self.total: Counter[tuple[str, str]] = Counter()
        self._fresh: Counter[tuple[int, str]] = Counter()
        self._logged = 0

    def count(self, entry: Entry, code: str, client: str, why: str = "") -> None:
        """Count one refusal; the first few of an interval are logged, with what was wrong."""
        self.total[entry.identity, code] += 1
        self._fresh[entry.no, code] += 1
        if self._logged < _LOGGED_MAX:
            self._logged += 1
            network = client.rpartition(".")[0] or client.rpartition(":")[0]
            _log.warning("delivery_refused", account=entry.identity, code=code, network=network,
                         why=why[:_WHY_MAX])  # fmt: skip

    def flush(self) -> tuple[str, str] | None:
        """Return the control entry of what was counted since the last flush, if anything."""
        self._logged = 0
        if not self._fresh:
            return None
        rows = [{"account_no": no, "code": code, "count": count}
                for (no, code), count in sorted(self._fresh.items())]  # fmt: skip
        self._fresh.clear()
        return "refused", msgspec.json.encode(rows).decode()
