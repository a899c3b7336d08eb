"""What an order of WooCommerce tells; `voidtrail.sources.woocommerce` has the tables.

An order's body shows how it stands, and comes with every change of it. Each fact has an identity
of its own, so that a status that is told again is no second fact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from voidtrail.event.account import Account
from voidtrail.event.model import Channel, Delivery, Event, Kind, Method, Micros
from voidtrail.event.reason import number
from voidtrail.sources import reading, shop
from voidtrail.sources.contract import ReasonRow, Row, first
from voidtrail.sources.telling import (
    ASKED,
    AUTHORISE,
    CANCEL,
    CAPTURE,
    CUMULATIVE,
    OPEN,
    OTHER,
    OWN,
    PENDING,
    REFUND,
    SUBMIT,
    SUCCEEDED,
    UNKNOWN,
    Teller,
    ordered,
)
from voidtrail.sources.woocommerce import wire

_METHODS: Final = {"bacs": Method.BANK_TRANSFER, "cheque": Method.OTHER, "cod": Method.CASH}
_CHANNELS: Final = {"checkout": Channel.WEB, "store-api": Channel.WEB}
_OTHER_ROW: Final = Row(OTHER, UNKNOWN, "")
_UNKNOWN: Final = Method.UNKNOWN
_NOWHERE: Final = Channel.UNKNOWN


def order(
    reasons: Mapping[str, ReasonRow],
    events: Mapping[str, Row],
    delivery: Delivery,
    account: Account,
    found: wire.Order,
) -> list[Event]:
    """Return what an order tells.

    Raises:
        ValueError: an amount cannot be read.
    """
    about, status = str(found.id), (found.status or "").lower()
    currency = (found.currency or "").upper()
    total = shop.minor(found.total, currency)
    made, changed = reading.instant(found.date_created_gmt, 0), _changed(delivery, found)
    paid = reading.instant(found.date_paid_gmt, 0)
    scope = shop.scope_of(account, found.payment_method) if found.transaction_id else ""
    field = account.options.get("order_field", "number")
    tell = Teller(
        reasons,
        ("order", about, status, found.date_modified_gmt or "", str(total or "")),
        (found.transaction_id or about) if scope else about,
        changed,
        order=first(str(found.number or "") if field == "number" else "", about),
        currency=currency,
        via=delivery.via,
        method=_METHODS.get(found.payment_method or "", _UNKNOWN),
        channel=_CHANNELS.get(found.created_via or "", _NOWHERE),
        customer=str(found.customer_id or ""),
        life=delivery.via is not ASKED,
    )
    row = events.get(f"order/{status}", _OTHER_ROW)
    placed = tell._replace(identity=("order", about, "placed", found.date_created_gmt or "", ""))
    told = [placed(Kind.ORDER, SUCCEEDED, "", at=changed if made is None else made)]
    told += _status(tell, delivery, row, about, status, total, paid)
    if tell.via is ASKED and row.kind is not CANCEL and not any(e.kind is CAPTURE for e in told):
        # Whatever the status is, nobody has paid: that holds as of the answer.
        waits = tell._replace(identity=("order", about, "waiting", status, str(total or "")))
        told.append(waits(OPEN, PENDING, reason=(0, status), at=delivery.received_at))
    told += _refunds(tell, found, about, status, total)
    return [shop.witnessed(event, scope) for event in told]


def _changed(delivery: Delivery, found: wire.Order) -> Micros:
    at = reading.instant(found.date_modified_gmt, 0)
    return delivery.received_at if at is None else at


def _status(
    tell: Teller, delivery: Delivery, row: Row, about: str, status: str, total: int | None,
    paid: Micros | None,
) -> list[Event]:  # fmt: skip
    """Tell what the status says; only an instant of payment says that money was taken."""
    kind, result = row.kind, row.result
    told = []
    if paid is not None:
        once = tell._replace(identity=("order", about, "paid", str(paid), str(total or "")))
        told.append(once(CAPTURE, SUCCEEDED, about, total, CUMULATIVE, at=paid))
    if kind is OTHER:
        told.append(tell(OTHER, UNKNOWN, reason=(0, status)))
    elif kind is OPEN:
        told.append(tell(OPEN, PENDING, "", total))
    elif kind is AUTHORISE:
        why = (number("declined"), "")
        told.append(tell(AUTHORISE, result, f"{about}:failed", total, OWN, reason=why))
    elif kind is CANCEL:
        ours = ordered(delivery.context) is CANCEL
        why = (number("merchant_request" if ours else "unstated"), status)
        told.append(tell(CANCEL, SUCCEEDED, "", total, reason=why))
    elif kind is SUBMIT or not told:  # paid on delivery: in work, and no money yet
        told.append(tell(SUBMIT, PENDING, "", total, reason=(0, status)))
    return told


def _refunds(
    tell: Teller, found: wire.Order, about: str, status: str, total: int | None
) -> list[Event]:
    """Tell each return of money, and that all of it went back if only the status says so."""
    why = (number("merchant_refund"), "")
    told = []
    for refund in found.refunds or ():
        once = tell._replace(identity=("refund", str(refund.id), "", "", str(refund.total or "")))
        amount = shop.minor(refund.total, tell.currency)
        told.append(once(REFUND, SUCCEEDED, str(refund.id), amount, OWN, reason=why))
    if status == "refunded":
        told.append(tell(REFUND, SUCCEEDED, f"{about}:refunded", total, CUMULATIVE, reason=why))
    return told
