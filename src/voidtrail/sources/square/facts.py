"""What Square's objects tell, one reader per object; `voidtrail.sources.square` has the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Event, Micros
from voidtrail.event.reason import number
from voidtrail.sources.contract import ReasonRow, Row, first
from voidtrail.sources.square import wire
from voidtrail.sources.telling import (
    ASKED,
    AUTHORISE,
    CANCEL,
    CAPTURE,
    CUMULATIVE,
    DISPUTE,
    EXPIRE,
    OPEN,
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
)

_EARLY_US: Final = 60_000_000


class Told(NamedTuple):
    """What all facts of one delivery share.

    Attributes:
        word: the event's type, or "answer".
        at: when Square said so.
        test: from the sandbox.
    """

    reasons: Mapping[str, ReasonRow]
    events: Mapping[str, Row]
    delivery: Delivery
    account: Account
    word: str
    at: Micros
    test: bool = False
    merchant: str = ""


def payment(told: Told, o: wire.Object) -> Iterator[Event]:
    """Tell of a payment as it stands: Square says "updated", and only the status says to what."""
    own, status = o.id or "", o.status or ""
    checkout = (f"checkouts/{o.terminal_checkout_id}",) if o.terminal_checkout_id else ()
    tell = _teller(told, o, own, o.total_money or o.amount_money, status, checkout)
    row, amount = told.events.get(f"payment/{status}"), _minor(o.total_money or o.amount_money)
    if row is None:
        yield tell(OTHER, UNKNOWN, reason=(0, status))
    elif row.kind is CANCEL:
        yield from _cancelled(tell, o, own, amount)
    elif row.result is REFUSED:
        errors = (o.card_details.errors if o.card_details else None) or []
        why = tell.why("", "declined", *(each.code for each in errors))
        yield tell(AUTHORISE, REFUSED, own, amount, OWN, reason=why)
    elif row.kind is SUBMIT and told.delivery.via is ASKED and o.source_type != "BANK_ACCOUNT":
        yield tell(OPEN, PENDING, "", amount, reason=(0, status), at=told.at)  # not paid yet
    elif row.kind is SUBMIT:
        yield tell(SUBMIT, PENDING, "", amount, reason=(0, status))
    else:
        held = _minor(o.approved_money) if row.kind is AUTHORISE else None
        yield tell(row.kind, row.result, own, held or amount, OWN)
    returned = _minor(o.refunded_money) if told.delivery.via is ASKED else None
    if returned:
        # A notice of the refund says so too, under its own id; the larger sum counts.
        why = (number("merchant_refund"), "")
        yield tell(REFUND, SUCCEEDED, f"{own}:refunded", returned, CUMULATIVE, reason=why)


def _cancelled(tell: Teller, o: wire.Object, own: str, amount: int | None) -> Iterator[Event]:
    """Split CANCELED: by time, by the merchant who let an approved payment go, or unsaid."""
    until, ended = wire.instant(o.delayed_until), wire.instant(o.updated_at)
    ended, hold = tell.at if ended is None else ended, f"authorise:{own}"
    by_time = o.delay_action != "COMPLETE" and until is not None and ended + _EARLY_US >= until
    card = o.card_details.status if o.card_details else ""
    if by_time:
        why = (number("authorisation_lapsed"), "")
        yield tell(VOID, SUCCEEDED, f"{own}:lapsed", amount, OWN, reverses=hold, reason=why)
        yield tell(EXPIRE, SUCCEEDED, reason=why)
    elif card == "VOIDED" or _minor(o.approved_money):
        why = (number("merchant_request"), "")
        yield tell(VOID, SUCCEEDED, f"{own}:voided", amount, OWN, reverses=hold, reason=why)
        yield tell(CANCEL, SUCCEEDED, "", amount, reason=why)
    else:
        yield tell(CANCEL, SUCCEEDED, "", amount, reason=(number("closed_unpaid"), "CANCELED"))


def refund(told: Told, o: wire.Object) -> Iterator[Event]:
    """Tell of a refund; one that failed undoes one that had succeeded, which nobody can know."""
    own, status = o.id or "", o.status or ""
    tell = _teller(told, o, first(o.payment_id, own), o.amount_money, status)
    row, amount = told.events.get(f"refund/{status}"), _minor(o.amount_money)
    if row is None:
        yield tell(OTHER, UNKNOWN, reason=(0, status))
        return
    why = (number("merchant_refund"), "")
    yield tell(REFUND, row.result, own, amount, OWN, reason=why)
    if row.result is REFUSED:
        why, back = (number("refund_failed"), status), f"refund:{own}"
        yield tell(REVERSE, SUCCEEDED, f"{own}:failed", amount, OWN, reverses=back, reason=why)


def dispute(told: Told, o: wire.Object) -> Iterator[Event]:
    """Tell of a dispute; an inquiry or an open one moves no money that is known to be gone."""
    own, state = first(o.id, o.dispute_id), o.state or ""
    about = o.disputed_payment.payment_id if o.disputed_payment else ""
    tell = _teller(told, o, first(about, own), o.amount_money, state)
    row = told.events.get(f"dispute/{state}")
    why = tell.why("dispute/", "dispute_other", o.reason)
    if row is None:
        yield tell(OTHER, UNKNOWN, reason=(0, state))
        return
    code = why[1] if row.result is SUCCEEDED else state
    yield tell(DISPUTE, row.result, own, _minor(o.amount_money), OWN, reason=(why[0], code))


def checkout(told: Told, o: wire.Object) -> Iterator[Event]:
    """Tell of a terminal's checkout, the only object that says who cancelled."""
    own, status = f"checkouts/{o.id}", o.status or ""
    payments = tuple(o.payment_ids or ())
    tell = _teller(told, o, own, o.amount_money, status, payments, at_terminal=True)
    row, amount = told.events.get(f"checkout/{status}"), _minor(o.amount_money)
    if row is None:
        yield tell(OTHER, UNKNOWN, reason=(0, status))
    elif row.kind is CANCEL and row.result is SUCCEEDED:
        why = tell.why("cancel/", "closed_unpaid", o.cancel_reason)
        kind = EXPIRE if why[0] == number("timed_out") else CANCEL
        yield tell(kind, SUCCEEDED, "", amount, reason=why)
    elif row.kind is CAPTURE and payments:
        is_whole = o.payment_options is None or o.payment_options.autocomplete is not False
        for place, taken in enumerate(payments):
            # Of several payments the checkout does not say which took how much.
            part = amount if len(payments) == 1 and place == 0 else None
            yield tell(CAPTURE if is_whole else AUTHORISE, SUCCEEDED, taken, part, OWN)
    elif row.kind is CAPTURE:
        yield tell(SUBMIT, PENDING, "", amount, reason=(0, status))
    else:
        began, limit = wire.instant(o.created_at), wire.duration_us(o.deadline_duration)
        until = began + limit if began is not None and limit is not None else None
        yield tell(row.kind, row.result, "", amount, reason=(0, status), until=until)


Reader = Callable[[Told, wire.Object], Iterator[Event]]
READERS: Final[Mapping[str, Reader]] = {
    "payment": payment,
    "refund": refund,
    "dispute": dispute,
    "checkout": checkout,
}


def _teller(
    told: Told,
    o: wire.Object,
    about: str,
    money: wire.Money | None,
    status: str,
    names: tuple[str, ...] = (),
    *,
    at_terminal: bool = False,
) -> Teller:
    asked = told.delivery.via is ASKED
    amount, currency = wire.minor(money)
    at = wire.instant(first(o.updated_at, o.created_at))
    waits = told.events.get(f"checkout/{status}") if at_terminal else None
    if asked and waits is not None and waits.result is PENDING:
        at = told.at  # what waits, waits at the asking
    method, channel = wire.method(o)
    if at_terminal:
        method, channel = wire.POS
    field = told.account.options.get("order_field", "reference_id")
    return Teller(
        told.reasons,
        (told.word, first(o.id, o.dispute_id), status, str(amount or "")),
        about,
        told.at if at is None else at,
        tuple(dict.fromkeys(name for name in names if name and name != about)),
        str(getattr(o, field, None) or ""),
        currency,
        told.delivery.via,
        method,
        channel,
        o.customer_id or "",
        told.test,
        not asked,
        wire.dimensions(o),
        told.merchant,
    )


def _minor(money: wire.Money | None) -> int | None:
    return wire.minor(money)[0]
