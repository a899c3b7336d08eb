"""The table of behaviours: what can happen to an order, how often, and on which rails."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from voidtrail.testing.world import ended_stories as ended
from voidtrail.testing.world import paid_stories as taken
from voidtrail.testing.world.tale import Tale

CARD = frozenset({"card_form"})
STRIPE = CARD | {"hosted_checkout"}
ALIPAY = frozenset({"alipay_page", "alipay_qr"})
WECHAT = frozenset({"wechat_qr", "wechat_jsapi"})
ANY = STRIPE | ALIPAY | WECHAT


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One way that an order can go.

    Attributes:
        share: weight among the behaviours of the same rail.
        calls_off: ends without a paid payment, so that a reason of the customer's is drawn.
    """

    tell: Callable[[Tale], None]
    share: float
    rails: frozenset[str] = ANY
    calls_off: bool = False


BEHAVIOURS: Mapping[str, Behaviour] = {
    "paid": Behaviour(taken.paid, 56),
    "paid_after_decline": Behaviour(taken.paid_after_decline, 6, STRIPE),
    "finished": Behaviour(taken.finished, 1, ALIPAY),
    "captured_later": Behaviour(taken.captured_later, 2, CARD),
    "held": Behaviour(taken.held, 0.4, CARD),
    "lost_paid": Behaviour(taken.lost_paid, 0.8),
    "late_success": Behaviour(taken.late_success, 0.7),
    "refunded_in_full": Behaviour(taken.refunded_in_full, 3),
    "refunded_in_part": Behaviour(taken.refunded_in_part, 2),
    "refund_failed": Behaviour(taken.refund_failed, 0.5, STRIPE | WECHAT),
    "refund_abnormal": Behaviour(taken.refund_abnormal, 0.6, WECHAT),
    "dispute_lost": Behaviour(taken.dispute_lost, 0.8, STRIPE),
    "dispute_won": Behaviour(taken.dispute_won, 0.6, STRIPE),
    "dispute_inquiry": Behaviour(taken.dispute_inquiry, 0.5, STRIPE),
    "double_paid": Behaviour(taken.double_paid, 0.7),
    "left_before_paying": Behaviour(ended.left_before_paying, 1.5, calls_off=True),
    "abandoned": Behaviour(ended.abandoned, 11, CARD | ALIPAY | WECHAT, calls_off=True),
    "cancel_pressed": Behaviour(ended.cancel_pressed, 5, calls_off=True),
    "cancelled_stated": Behaviour(ended.cancelled_stated, 4, CARD, calls_off=True),
    "expired": Behaviour(ended.expired, 4, ALIPAY | {"hosted_checkout"}, calls_off=True),
    "closed_at_platform": Behaviour(ended.closed_at_platform, 3, ALIPAY | WECHAT, calls_off=True),
    "gave_up_after_decline": Behaviour(ended.gave_up_after_decline, 4, STRIPE, calls_off=True),
    "gave_up_after_fault": Behaviour(ended.gave_up_after_fault, 0.6, calls_off=True),
    "fault_switched": Behaviour(ended.fault_switched, 0.3, calls_off=True),
    "fault_retried": Behaviour(ended.fault_retried, 0.3),
    "voided": Behaviour(ended.voided, 1.2, CARD, calls_off=True),
    "lapsed": Behaviour(ended.lapsed, 0.5, CARD, calls_off=True),
    "switched": Behaviour(ended.switched, 3, calls_off=True),
}

_FAULT_STORIES = ("gave_up_after_fault", "fault_switched", "fault_retried", "paid")
_FAULT_SHARES = (30, 15, 15, 40)
_PRICE_STORIES = ("cancel_pressed", "abandoned", "left_before_paying")
_REPRICED_LEAVES = 0.30


def draw(
    rng: random.Random, method: str, in_fault: bool, repriced: bool, shares: Mapping[str, float]
) -> str:
    """Draw the behaviour of an order.

    Args:
        rng: seeded chance.
        method: the rail that the customer takes first.
        in_fault: that rail's platform fails at this moment.
        repriced: the product became dearer at the price change.
        shares: weights that replace the table's, by name.

    Returns:
        A name in `BEHAVIOURS`.
    """
    if in_fault:
        return rng.choices(_FAULT_STORIES, _FAULT_SHARES)[0]
    allowed = [name for name, one in BEHAVIOURS.items() if method in one.rails]
    weights = [shares.get(name, BEHAVIOURS[name].share) for name in allowed]
    if repriced and rng.random() < _REPRICED_LEAVES:
        leaves = [name for name in _PRICE_STORIES if name in allowed and shares.get(name, 1) > 0]
        if leaves:
            return rng.choice(leaves)
    return rng.choices(allowed, weights)[0]
