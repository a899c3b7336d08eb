"""The standard reasons: frozen, append-only numbers that carry actor, cause and kind of ending.

A source maps its platform's codes to these by its own REASONS table. A reason is packed with its
rank and instant into one integer, so that the earliest of the best-founded reasons is a minimum.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from voidtrail.event.model import Actor, Cause, Micros


class How(IntEnum):
    """How a payment was called off."""

    NONE = 0
    CUSTOMER_CANCELLED = 1
    ABANDONED = 2
    EXPIRED = 3
    GAVE_UP_AFTER_DECLINE = 4
    GAVE_UP_AFTER_FAULT = 5
    MERCHANT_VOIDED = 6
    PLATFORM_CLOSED = 7
    REVERSED = 8
    REFUNDED_IN_FULL = 9
    DUPLICATE = 10
    SUPERSEDED = 11
    UNSTATED = 12  # a shop's book says "cancelled" and nobody says how


class Reason(NamedTuple):
    """One standard reason.

    Attributes:
        specific: whether it explains anything; an unspecific one yields to any other evidence.
    """

    number: int
    slug: str
    actor: Actor
    cause: Cause
    how: How
    specific: bool = True


_A, _C, _H = Actor, Cause, How
REASONS: Final[tuple[Reason, ...]] = (
    Reason(0, "unstated", _A.UNKNOWN, _C.UNKNOWN, _H.PLATFORM_CLOSED, False),
    Reason(1, "unlisted", _A.UNKNOWN, _C.UNKNOWN, _H.PLATFORM_CLOSED, False),
    # by the customer
    Reason(10, "customer_request", _A.CUSTOMER, _C.CHANGE_OF_MIND, _H.CUSTOMER_CANCELLED),
    Reason(11, "customer_left", _A.CUSTOMER, _C.UNKNOWN, _H.ABANDONED),
    Reason(12, "customer_changed_mind", _A.CUSTOMER, _C.CHANGE_OF_MIND, _H.CUSTOMER_CANCELLED),
    Reason(13, "price_too_high", _A.CUSTOMER, _C.PRICE_OR_PROMOTION, _H.CUSTOMER_CANCELLED),
    Reason(14, "too_difficult", _A.CUSTOMER, _C.FRICTION, _H.CUSTOMER_CANCELLED),
    Reason(15, "goods_returned", _A.CUSTOMER, _C.QUALITY, _H.REFUNDED_IN_FULL),
    # by the merchant
    Reason(20, "merchant_request", _A.MERCHANT, _C.UNKNOWN, _H.MERCHANT_VOIDED),
    Reason(21, "duplicate", _A.MERCHANT, _C.UNKNOWN, _H.DUPLICATE),
    Reason(22, "fraud_suspected", _A.MERCHANT, _C.FRAUD_OR_ABUSE, _H.MERCHANT_VOIDED),
    Reason(23, "out_of_stock", _A.MERCHANT, _C.QUALITY, _H.MERCHANT_VOIDED),
    Reason(24, "invoice_voided", _A.MERCHANT, _C.UNKNOWN, _H.MERCHANT_VOIDED),
    Reason(25, "superseded", _A.MERCHANT, _C.UNKNOWN, _H.SUPERSEDED),
    Reason(26, "merchant_refund", _A.MERCHANT, _C.UNKNOWN, _H.REFUNDED_IN_FULL, False),
    # by the platform or by time
    Reason(30, "timed_out", _A.PLATFORM, _C.UNKNOWN, _H.EXPIRED),
    Reason(31, "closed_by_platform", _A.PLATFORM, _C.UNKNOWN, _H.PLATFORM_CLOSED),
    Reason(32, "closed_unpaid", _A.UNKNOWN, _C.UNKNOWN, _H.PLATFORM_CLOSED, False),
    Reason(33, "authorisation_lapsed", _A.PLATFORM, _C.UNKNOWN, _H.EXPIRED),
    Reason(34, "invoice_failed", _A.PLATFORM, _C.PAYMENT_MEANS, _H.GAVE_UP_AFTER_DECLINE),
    Reason(35, "risk_refused", _A.PLATFORM, _C.FRAUD_OR_ABUSE, _H.PLATFORM_CLOSED),
    Reason(36, "policy_refused", _A.PLATFORM, _C.LAW_OR_POLICY, _H.PLATFORM_CLOSED),
    Reason(37, "finished", _A.PLATFORM, _C.UNKNOWN, _H.NONE, False),
    # declined
    Reason(40, "declined", _A.ISSUER, _C.PAYMENT_MEANS, _H.GAVE_UP_AFTER_DECLINE, False),
    Reason(41, "insufficient_funds", _A.ISSUER, _C.PAYMENT_MEANS, _H.GAVE_UP_AFTER_DECLINE),
    Reason(42, "card_expired", _A.ISSUER, _C.PAYMENT_MEANS, _H.GAVE_UP_AFTER_DECLINE),
    Reason(43, "card_data_wrong", _A.CUSTOMER, _C.FRICTION, _H.GAVE_UP_AFTER_DECLINE),
    Reason(44, "authentication_failed", _A.CUSTOMER, _C.FRICTION, _H.GAVE_UP_AFTER_DECLINE),
    Reason(45, "card_lost_or_stolen", _A.ISSUER, _C.FRAUD_OR_ABUSE, _H.GAVE_UP_AFTER_DECLINE),
    Reason(46, "limit_exceeded", _A.ISSUER, _C.PAYMENT_MEANS, _H.GAVE_UP_AFTER_DECLINE),
    Reason(47, "not_permitted", _A.ISSUER, _C.LAW_OR_POLICY, _H.GAVE_UP_AFTER_DECLINE),
    Reason(48, "issuer_suspects_fraud", _A.ISSUER, _C.FRAUD_OR_ABUSE, _H.GAVE_UP_AFTER_DECLINE),
    Reason(49, "revoked", _A.CUSTOMER, _C.CHANGE_OF_MIND, _H.CUSTOMER_CANCELLED),
    # technical
    Reason(60, "issuer_unavailable", _A.ISSUER, _C.TECHNICAL_FAULT, _H.GAVE_UP_AFTER_FAULT),
    Reason(61, "platform_fault", _A.PLATFORM, _C.TECHNICAL_FAULT, _H.GAVE_UP_AFTER_FAULT),
    Reason(62, "network_fault", _A.NETWORK, _C.TECHNICAL_FAULT, _H.GAVE_UP_AFTER_FAULT),
    Reason(63, "shop_fault", _A.SYSTEM, _C.TECHNICAL_FAULT, _H.GAVE_UP_AFTER_FAULT),
    # after the money moved
    Reason(80, "dispute_fraud", _A.CUSTOMER, _C.FRAUD_OR_ABUSE, _H.REVERSED),
    Reason(81, "dispute_quality", _A.CUSTOMER, _C.QUALITY, _H.REVERSED),
    Reason(82, "dispute_other", _A.CUSTOMER, _C.UNKNOWN, _H.REVERSED),
    Reason(83, "capture_failed", _A.NETWORK, _C.TECHNICAL_FAULT, _H.REVERSED),
    Reason(84, "refund_failed", _A.ISSUER, _C.TECHNICAL_FAULT, _H.NONE),
    Reason(85, "refund_of_duplicate", _A.MERCHANT, _C.UNKNOWN, _H.DUPLICATE),
    Reason(86, "refund_of_fraud", _A.MERCHANT, _C.FRAUD_OR_ABUSE, _H.REFUNDED_IN_FULL),
    Reason(87, "refund_on_request", _A.CUSTOMER, _C.UNKNOWN, _H.REFUNDED_IN_FULL),
    Reason(88, "reversed", _A.NETWORK, _C.TECHNICAL_FAULT, _H.REVERSED, False),
    Reason(89, "reversed_unanswered", _A.NETWORK, _C.TECHNICAL_FAULT, _H.REVERSED),
    Reason(90, "reversed_by_terminal", _A.SYSTEM, _C.TECHNICAL_FAULT, _H.REVERSED),
)
BY_NUMBER: Final[dict[int, Reason]] = {reason.number: reason for reason in REASONS}
BY_SLUG: Final[dict[str, Reason]] = {reason.slug: reason for reason in REASONS}

UNSPECIFIC_RANK: Final = 8
_RANK: Final = {r.number: 0 if r.specific else UNSPECIFIC_RANK for r in REASONS}
EPOCH_2000_S: Final = 946_684_800
_SECONDS_MAX: Final = 2**32 - 1


def number(slug: str) -> int:
    """Return the number of a standard reason.

    Raises:
        KeyError: no reason has that slug; a source's table is wrong.
    """
    return BY_SLUG[slug].number


def pack(reason: int, occurred_at: Micros, role: int) -> int:
    """Pack a reason so that the best-founded, then the earliest, is the least.

    Layout, 52 bits: rank (4) · seconds since 2000 (32) · reason number (16). The rank is the
    speaker's role, and 8 more if the reason explains nothing.

    >>> unpack(pack(10, 1_700_000_000_000_000, 0))
    (0, 1700000000000000, 10)
    """
    rank = (role if role < 7 else 7) + _RANK[reason]
    seconds = min(max(occurred_at // 1_000_000 - EPOCH_2000_S, 0), _SECONDS_MAX)
    return rank << 48 | seconds << 16 | reason


def unpack(packed: int) -> tuple[int, Micros, int]:
    """Return (rank, instant to the second, reason number) of a packed reason."""
    seconds = (packed >> 16 & _SECONDS_MAX) + EPOCH_2000_S
    return packed >> 48, seconds * 1_000_000, packed & 0xFFFF
