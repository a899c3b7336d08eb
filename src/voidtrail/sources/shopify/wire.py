"""The fields of Shopify's orders, refunds, transactions, disputes and checkouts that are read.

A notice's topic stands in a header that nobody signs, so what a body is, its fields say. Ids have
64 bits and are read as integers; amounts are decimals, in whatever form they come.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

Id = int | str


class Customer(msgspec.Struct, gc=False):
    """A customer, of whom only the id is read."""

    id: Id | None = None


class Transaction(msgspec.Struct, gc=False):
    """One movement of an order's money at a gateway."""

    id: Id = ""
    order_id: Id | None = None
    kind: str | None = None
    status: str | None = None
    gateway: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    authorization: str | None = None
    parent_id: Id | None = None
    error_code: str | None = None
    test: bool | None = None
    processed_at: str | None = None
    created_at: str | None = None


class Refund(msgspec.Struct, gc=False):
    """A return of goods or money, with its transactions."""

    id: Id = ""
    order_id: Id | None = None
    transactions: list[Transaction] | None = None
    processed_at: str | None = None
    created_at: str | None = None


class Notice(Transaction, gc=False):
    """Any body: the fields of an order, a checkout, a refund, a dispute and a transaction."""

    name: str | None = None
    order_number: int | None = None
    token: str | None = None
    checkout_token: str | None = None
    financial_status: str | None = None
    total_price: Decimal | None = None
    total_outstanding: Decimal | None = None
    cancelled_at: str | None = None
    cancel_reason: str | None = None
    updated_at: str | None = None
    refunds: list[Refund] | None = None
    customer: Customer | None = None
    source_name: str | None = None
    transactions: list[Transaction] | None = None
    type: str | None = None
    reason: str | None = None
    initiated_at: str | None = None
    finalized_on: str | None = None
    abandoned_checkout_url: str | None = None


class Answer(msgspec.Struct, gc=False):
    """An answer: an order, or errors in words."""

    order: Notice | None = None
    errors: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


def shape(found: Notice) -> str:
    """Return what a body is: order, transaction, dispute, refund, checkout, or "".

    >>> shape(Notice(id=1, order_id=2, kind="void")), shape(Notice(id=1))
    ('transaction', '')
    """
    if found.order_id not in (None, ""):
        if found.kind:
            return "transaction"
        if found.type:
            return "dispute"
        return "" if found.transactions is None else "refund"
    if found.abandoned_checkout_url is not None and found.token:
        return "checkout"
    is_order = found.financial_status is not None or found.order_number is not None
    return "order" if is_order and found.id != "" else ""
