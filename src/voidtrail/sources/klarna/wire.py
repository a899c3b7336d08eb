"""The fields of Klarna's pushes, orders and hosted sessions that are read."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import parse_qsl

import msgspec

from voidtrail.event.model import QUERY, Delivery
from voidtrail.money import MINOR_MAX

HOSTED: Final = "hpp:"
"""What a hosted session's reference begins with, since its id looks like an order's."""
Minor = Annotated[int, msgspec.Meta(ge=0, le=MINOR_MAX)]
_FIELDS_MAX: Final = 64


class Session(msgspec.Struct):
    """A session of the hosted payment page, as a callback names it or as it was asked about."""

    session_id: str = ""
    status: str | None = None
    order_id: str | None = None
    updated_at: str | None = None
    expires_at: str | None = None


class Push(msgspec.Struct):
    """A notification with a body: of a pending order, or of a hosted session."""

    order_id: str | None = None
    event_type: str | None = None
    session: Session | None = None


class Refund(msgspec.Struct, gc=False):
    """One return of money."""

    refund_id: str | None = None
    refunded_amount: Minor | None = None
    refunded_at: str | None = None


class Capture(msgspec.Struct, gc=False):
    """One capture."""

    capture_id: str | None = None
    captured_amount: Minor | None = None
    captured_at: str | None = None


class Initial(msgspec.Struct, gc=False):
    """What the customer chose at first."""

    type: str | None = None


class Answer(msgspec.Struct):
    """An order, a hosted session or an error: whatever Klarna answers."""

    order_id: str | None = None
    status: str | None = None
    fraud_status: str | None = None
    order_amount: Minor | None = None
    original_order_amount: Minor | None = None
    captured_amount: Minor | None = None
    refunded_amount: Minor | None = None
    remaining_authorized_amount: Minor | None = None
    purchase_currency: str | None = None
    merchant_reference1: str | None = None
    merchant_reference2: str | None = None
    created_at: str | None = None
    expires_at: str | None = None
    captures: list[Capture] | None = None
    refunds: list[Refund] | None = None
    initial_payment_method: Initial | None = None
    session_id: str | None = None
    updated_at: str | None = None
    error_code: str | None = None


def in_query(delivery: Delivery, name: str) -> str:
    """Return what the address of a push names, under the name that the merchant gave it, or ""."""
    try:
        pairs = parse_qsl(delivery.header(QUERY) or "", max_num_fields=_FIELDS_MAX)
    except ValueError:
        return ""
    found = {value for key, value in pairs if key == name}
    return found.pop() if len(found) == 1 else ""


def last_segment(address: str | None) -> str:
    """Return the end of an address, where Klarna puts the id of what was made.

    >>> last_segment("https://api.klarna.com/ordermanagement/v1/orders/o/refunds/r-1")
    'r-1'
    """
    return (address or "").rstrip("/").rpartition("/")[2]
