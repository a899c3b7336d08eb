"""What Braintree's elements tell, one reader per subject; `voidtrail.sources.braintree` has tables.

A payment is a sale. A refund is a transaction of its own, of the type credit, that names the sale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element

from voidtrail.event.account import Account
from voidtrail.event.model import Channel, Delivery, Event, Method, Micros
from voidtrail.event.reason import number
from voidtrail.sources.braintree import wire
from voidtrail.sources.braintree.wire import text
from voidtrail.sources.contract import ReasonRow, Row, first
from voidtrail.sources.telling import (
    ASKED,
    AUTHORISE,
    CAPTURE,
    DISPUTE,
    EXPIRE,
    OTHER,
    OWN,
    PENDING,
    REFUND,
    REFUSED,
    REVERSE,
    SUBMIT,
    SUCCEEDED,
    UNKNOWN,
    VOID,
    Teller,
    ordered,
)

_SUBMITTED: Final = frozenset({"submitted_for_settlement", "settlement_pending", "settling"})
_METHODS: Final[Mapping[str, Method]] = {
    kind: method
    for method, kinds in (
        (Method.CARD_FORM, "credit_card masterpass_card visa_checkout_card meta_checkout_card "
         "meta_checkout_token amex_express_checkout_card"),
        (Method.WALLET, "paypal_account venmo_account apple_pay_card android_pay_card "
         "samsung_pay_card"),
        (Method.DIRECT_DEBIT, "us_bank_account sepa_debit_account europe_bank_account"),
        (Method.BANK_TRANSFER, "local_payment"),
        (Method.POS_CARD, "paypal_here"),
    )
    for kind in kinds.split()
}  # fmt: skip


class Told(NamedTuple):
    """What all facts of one delivery share.

    Attributes:
        word: the notice's kind, or "answer".
        at: when Braintree said so.
        stamp: the notice's own timestamp, as written.
    """

    reasons: Mapping[str, ReasonRow]
    events: Mapping[str, Row]
    delivery: Delivery
    account: Account
    word: str
    at: Micros
    stamp: str = ""


def transaction(told: Told, node: Element, local: str = "") -> Iterator[Event]:
    """Tell of a transaction by its status.

    Args:
        told: what is shared.
        node: the transaction.
        local: id of the local payment around it.
    """
    status = text(node, "status")
    row = told.events.get(f"transaction/{status}") or told.events.get(told.word)
    sale = first(text(node, "refunded-transaction-id"), text(node, "refunded-transaction-fk"))
    if sale or text(node, "type") == "credit":
        yield from _credit(told, node, row, sale)
        return
    own, local = text(node, "id"), first(local, text(node, "local-payment/payment-id"))
    tell, currency = _teller(told, node, own, (local,)), wire.currency(node)
    operation, amount = first(local, own), wire.minor(node, "amount", currency)
    if row is None or row.kind is OTHER:
        yield tell(OTHER, UNKNOWN, reason=(0, first(status, told.word)))
    elif row.kind is VOID:
        yield from _voided(told, tell, node, operation, amount)
    elif row.kind is EXPIRE:
        why, hold = (number("authorisation_lapsed"), ""), f"authorise:{operation}"
        yield tell(VOID, SUCCEEDED, f"{operation}:lapsed", amount, OWN, reverses=hold, reason=why)
        yield tell(EXPIRE, SUCCEEDED, reason=why)
    elif row.kind is REVERSE:
        why, taken = (number("capture_failed"), status), f"capture:{operation}"
        yield tell(CAPTURE, REFUSED, operation, amount, OWN, reason=why)
        failed = f"{operation}:failed"
        yield tell(REVERSE, SUCCEEDED, failed, amount, OWN, reverses=taken, reason=why)
    elif row.result is REFUSED:
        yield tell(AUTHORISE, REFUSED, operation, amount, OWN, reason=_why_refused(tell, node))
    elif row.kind is SUBMIT:
        yield tell(SUBMIT, PENDING, "", amount, reason=(0, status))
    else:
        yield tell(row.kind, row.result, operation, amount, OWN)
        if told.delivery.via is ASKED:
            for refund in node.findall("refund-ids/item"):
                # Of its refunds a sale gives only the names.
                yield tell(REFUND, PENDING, (refund.text or "").strip())


def _voided(
    told: Told, tell: Teller, node: Element, operation: str, amount: int | None
) -> Iterator[Event]:
    """Tell of a void. One that came after the submission undoes that too."""
    by = next((text(e, "user") for e in _history(node) if text(e, "status") == "voided"), "")
    why = (number("merchant_request" if by else "unstated"), "")
    hold, taken = f"authorise:{operation}", f"capture:{operation}"
    yield tell(VOID, SUCCEEDED, f"{operation}:voided", amount, OWN, reverses=hold, reason=why)
    if ordered(told.delivery.context) is REFUND:
        # What was to be given back had not been settled, so it was let go instead.
        back = (number("merchant_refund"), "")
        yield tell(REFUND, SUCCEEDED, f"{operation}:voided", amount, OWN, reason=back)
    if any(text(event, "status") in _SUBMITTED for event in _history(node)):
        why = (number("merchant_request"), "")
        undone = f"{operation}:submission_voided"
        yield tell(REVERSE, SUCCEEDED, undone, amount, OWN, reverses=taken, reason=why)


def _credit(told: Told, node: Element, row: Row | None, sale: str) -> Iterator[Event]:
    """Tell of a refund; one that failed undoes one that had succeeded, which nobody can know."""
    own, status = text(node, "id"), text(node, "status")
    tell = _teller(told, node, first(sale, own), (own,))
    amount = wire.minor(node, "amount", wire.currency(node))
    kind = row.kind if row else OTHER
    why = (number("merchant_refund"), "")
    if kind is OTHER:
        yield tell(OTHER, UNKNOWN, reason=(0, first(status, told.word)))
    elif kind in (CAPTURE, AUTHORISE) and row and row.result is SUCCEEDED:
        yield tell(REFUND, SUCCEEDED, own, amount, OWN, reason=why)
    elif kind is SUBMIT:
        yield tell(REFUND, PENDING, own, amount, OWN, reason=why)
    else:
        yield tell(REFUND, REFUSED, own, amount, OWN, reason=why)
        why, back = (number("refund_failed"), first(status, told.word)), f"refund:{own}"
        yield tell(REVERSE, SUCCEEDED, f"{own}:failed", amount, OWN, reverses=back, reason=why)


def _why_refused(tell: Teller, node: Element) -> tuple[int, str]:
    gateway = text(node, "gateway-rejection-reason")
    if gateway:
        return tell.why("gateway/", "risk_refused", gateway)
    code = text(node, "processor-response-code")
    if code and code not in tell.reasons and code[:1] in ("2", "3"):
        # 2xxx are declines and 3xxx faults of the network, whatever the rest of the number.
        return number("declined" if code[0] == "2" else "network_fault"), code
    return tell.why("", "declined", code)


def dispute(told: Told, node: Element) -> Iterator[Event]:
    """Tell of a dispute: only one that was lost moved money, and a retrieval never does."""
    own = text(node, "id")
    about = first(text(node, "transaction/id"), own)
    tell, row = _teller(told, node, about, ()), told.events[told.word]
    amount = wire.minor(node, "amount-disputed", wire.currency(node))
    if amount is None:
        amount = wire.minor(node, "amount", wire.currency(node))
    why = tell.why("dispute/", "dispute_other", text(node, "reason"))
    result = row.result
    if result is SUCCEEDED and text(node, "kind") == "retrieval":
        result = REFUSED
    code = why[1] if result is SUCCEEDED else first(text(node, "status"), told.word)
    yield tell(DISPUTE, result, own, amount, OWN, reason=(why[0], code))


def local_payment(told: Told, node: Element) -> Iterator[Event]:
    """Tell of a local payment: of the transaction inside, or of the payment alone."""
    own, inside = text(node, "payment-id"), node.find("transaction")
    if inside is not None and text(inside, "id"):
        yield from transaction(told, inside, own)
        return
    tell, row = _teller(told, node, own, ()), told.events[told.word]
    amount = wire.minor(node, "amount", wire.currency(node))
    if row.kind is EXPIRE:
        yield tell(EXPIRE, SUCCEEDED, reason=(number("timed_out"), ""))
    elif row.kind is REVERSE:
        why, taken = (number("reversed"), ""), f"capture:{own}"
        yield tell(REVERSE, SUCCEEDED, f"{own}:reversed", amount, OWN, reverses=taken, reason=why)
    else:
        yield tell(SUBMIT, PENDING, "", amount)


def subscription(told: Told, node: Element) -> Iterator[Event]:
    """Tell of the latest transaction of a subscription, which stands first."""
    latest = node.find("transactions/transaction")
    if latest is not None and text(latest, "id"):
        yield from transaction(told, latest)
        return
    tell = _teller(told, node, text(node, "id"), ())
    yield tell(OTHER, UNKNOWN, reason=(0, told.word))


Reader = Callable[[Told, Element], Iterator[Event]]
READERS: Final[Mapping[str, Reader]] = {
    "transaction": transaction,
    "dispute": dispute,
    "local-payment": local_payment,
    "local-payment-expired": local_payment,
    "local-payment-funded": local_payment,
    "local-payment-reversed": local_payment,
    "subscription": subscription,
}
"""By the name of the element in a notice's subject."""


def _history(node: Element) -> list[Element]:
    return node.findall("status-history/status-event")


def _teller(told: Told, node: Element, payment: str, names: tuple[str, ...]) -> Teller:
    status, asked = text(node, "status"), told.delivery.via is ASKED
    stamps = [text(e, "timestamp") for e in _history(node) if text(e, "status") == status]
    at = wire.instant(first(*reversed(stamps), text(node, "updated-at") if asked else ""))
    own = first(text(node, "id"), text(node, "payment-id"), payment)
    stamp = told.stamp or first(*reversed(stamps), text(node, "updated-at"))
    instrument = text(node, "payment-instrument-type")
    method = _METHODS.get(instrument, Method.OTHER) if instrument else Method.UNKNOWN
    return Teller(
        told.reasons,
        (told.word, own, stamp, status),
        first(payment, told.delivery.request),
        told.at if at is None else at,
        tuple(name for name in names if name and name != payment),
        text(node, "order-id") or text(node, "transaction/order-id"),
        wire.currency(node),
        told.delivery.via,
        method,
        Channel.POS if method is Method.POS_CARD else Channel.UNKNOWN,
        text(node, "customer/id"),
        life=not asked,
        merchant=text(node, "merchant-account-id"),
    )
