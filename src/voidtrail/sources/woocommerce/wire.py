"""The fields of WooCommerce's orders that are read, and its first ping."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

import msgspec

Id = int | str
_PING: Final = re.compile(rb"webhook_id=([0-9]{1,10})")


class Refund(msgspec.Struct, gc=False):
    """A return of money, as an order lists it; its total has a minus sign."""

    id: Id = ""
    total: Decimal | None = None


class Order(msgspec.Struct, gc=False):
    """An order, or an error in its place (`code`)."""

    id: Id = ""
    number: Id | None = None
    status: str | None = None
    currency: str | None = None
    total: Decimal | None = None
    date_created_gmt: str | None = None
    date_modified_gmt: str | None = None
    date_paid_gmt: str | None = None
    payment_method: str | None = None
    transaction_id: str | None = None
    customer_id: int | None = None
    created_via: str | None = None
    order_key: str | None = None
    refunds: list[Refund] | None = None
    code: str | None = None
    data: Any = None


def pinged(body: bytes) -> str:
    """Return the webhook's id in the ping that follows its making, or "" if the body is none.

    >>> pinged(b"webhook_id=11"), pinged(b'{"id":1}')
    ('11', '')
    """
    found = _PING.fullmatch(body)
    return found[1].decode() if found else ""
