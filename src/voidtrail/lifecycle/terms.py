"""The terms under which silence is judged: patience and tolerance (house rules 3 and 8).

Patience is how long an unfinished payment may be silent before it counts as abandoned; it runs
from the last sign of life, or from the platform's own time-out where that is stated. Terms are
written into the ledger when they change, so that a replay judges under what was in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from voidtrail.event.model import Method, Micros

MINUTE: Final = 60
HOUR: Final = 3600
DEFAULT_PATIENCE_S: Final[Mapping[str, int]] = {
    "unknown": 24 * HOUR,
    "card_form": 30 * MINUTE,
    "hosted_checkout": 24 * HOUR,
    # Alipay: its own time-out, 15 minutes where the merchant states none, and 15 beyond it.
    "alipay_page": 30 * MINUTE,
    "alipay_app": 30 * MINUTE,
    "alipay_qr": 30 * MINUTE,
    "wechat_qr": 2 * HOUR,
    "wechat_jsapi": 2 * HOUR,
    "wechat_app": 2 * HOUR,
    "wechat_h5": 2 * HOUR,
    "wechat_barcode": 10 * MINUTE,
    "bank_transfer": 72 * HOUR,
    "direct_debit": 72 * HOUR,
    "wallet": 30 * MINUTE,
    "pay_later": 24 * HOUR,
    "cash": 72 * HOUR,
    "pos_card": 10 * MINUTE,
    "voucher": 72 * HOUR,
    "other": 24 * HOUR,
}
DEFAULT_BEYOND_S: Final = 15 * MINUTE


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What was agreed on how long to wait.

    Attributes:
        patience_s: seconds of silence, by the lower-case name of the method.
        beyond_s: seconds that are added to a time-out that the platform itself stated.
        tolerance_s: how far two clocks may differ before their order counts.
        askable: numbers of the accounts whose platform can be asked; there, silence only decides
            once the platform answered, or it is on record that it did not answer.
    """

    patience_s: Mapping[str, int] = msgspec.field(default_factory=lambda: dict(DEFAULT_PATIENCE_S))
    beyond_s: int = DEFAULT_BEYOND_S
    tolerance_s: int = 2 * MINUTE
    askable: tuple[int, ...] = ()

    def patience_us(self) -> tuple[Micros, ...]:
        """Return the patience by method number, in microseconds."""
        fallback = self.patience_s.get("unknown", DEFAULT_PATIENCE_S["unknown"])
        return tuple(
            self.patience_s.get(method.name.lower(), fallback) * 1_000_000 for method in Method
        )
