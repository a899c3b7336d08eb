"""A row of a platform's bill, in one shape for every platform (see `sources.bill`).

A bill is what the platform says afterwards about a whole day: every payment that it took, every
refund that it made, what it kept for itself and what it paid out.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec

from voidtrail.event.model import Micros


class Item(IntEnum):
    """What a row of a bill is about; the numbers are frozen, they stand in the ledger."""

    OTHER = 0
    PAYMENT = 1
    REFUND = 2
    DISPUTE = 3
    FEE = 4
    EXCHANGE = 5  # one currency became another
    PAYOUT = 6
    ADJUSTMENT = 7


class Standing(IntEnum):
    """How the platform says that it went."""

    SUCCEEDED = 0
    PENDING = 1
    FAILED = 2
    REVERSED = 3  # went well at first, and was undone


MATCHED: frozenset[Item] = frozenset({Item.PAYMENT, Item.REFUND, Item.DISPUTE})
"""Rows that must have a counterpart in our books; the others are the platform's own affairs."""


class BillRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a bill.

    Attributes:
        line: number of the line in the file, the first is 1.
        status: the platform's own word.
        reference: the platform's reference of the payment; "" where the bill gives none.
        names: further references under which we may know the payment.
        order: the merchant's own reference.
        operation: the platform's id of the refund or dispute; "" if it has none.
        at: when it happened, by the platform's clock.
        amount_minor: in minor units of `currency`; of refunds what was given back.
        fee_minor: what the platform kept, in minor units of `settled_currency`.
        settled_minor: the amount in the currency that is paid out; None if it is the same.
        merchant: the account, shop or sub-merchant that the row itself names.
    """

    line: int
    item: Item
    standing: Standing
    status: str
    at: Micros
    reference: str = ""
    names: tuple[str, ...] = ()
    order: str = ""
    operation: str = ""
    amount_minor: int = 0
    currency: str = ""
    fee_minor: int = 0
    settled_minor: int | None = None
    settled_currency: str = ""
    merchant: str = ""
