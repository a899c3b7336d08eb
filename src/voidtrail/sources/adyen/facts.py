"""What Adyen's event codes tell, one reader per family; `voidtrail.sources.adyen` has the tables.

Each reader is given a listed code with a row that says how far it went. What came before an item
is unknown to it, so it tells what stays true in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from voidtrail.event.model import Event
from voidtrail.event.reason import number
from voidtrail.sources.adyen import wire
from voidtrail.sources.contract import Row
from voidtrail.sources.telling import (
    AUTHORISE,
    CANCEL,
    CAPTURE,
    CUMULATIVE,
    DISPUTE,
    EXPIRE,
    OTHER,
    OWN,
    REFUND,
    REFUSED,
    REVERSE,
    SUCCEEDED,
    UNKNOWN,
    VOID,
    Teller,
)

_CALLED_OFF: Final = frozenset({"15", "16", "22"})
"""Reasons of a refused authorisation that end the payment for good, by shopper or by risk score."""
_STAGES: Final = {
    "SECOND_CHARGEBACK": ":second",
    "PREARBITRATION_WON": ":prearbitration",
    "PREARBITRATION_LOST": ":prearbitration",
    "SCHEME_ARBITRATION_WON": ":arbitration",
    "SCHEME_ARBITRATION_LOST": ":arbitration",
}


class Said(NamedTuple):
    """One item on its way to its reader.

    Attributes:
        row: how far it went, by code and success flag.
        amount: in ISO 4217's unit.
        at_once: what is authorised counts as taken: no CAPTURE will follow.
    """

    item: wire.Item
    row: Row
    amount: int | None
    at_once: bool


Reader = Callable[[Teller, Said], list[Event]]


def _authorisation(tell: Teller, said: Said) -> list[Event]:
    """Tell of an authorisation, which is also the capture where nothing else will say so."""
    psp = said.item.psp_reference
    if said.row.result is REFUSED:
        why = tell.why("", "declined", wire.refusal(said.item))
        events = [tell(AUTHORISE, REFUSED, psp, said.amount, OWN, reason=why)]
        if why[1] in _CALLED_OFF:
            events.append(tell(CANCEL, SUCCEEDED, "", said.amount, reason=why))
        return events
    events = [tell(AUTHORISE, SUCCEEDED, psp, said.amount, OWN)]
    final = said.item.operations is not None and "CAPTURE" not in said.item.operations
    if (said.at_once or final) and said.amount:
        # Cumulative: should a CAPTURE come after all, it is the same money.
        events.append(tell(CAPTURE, SUCCEEDED, psp, said.amount, CUMULATIVE))
    return events


def _adjustment(tell: Teller, said: Said) -> list[Event]:
    if said.row.result is not SUCCEEDED:
        return _other(tell, said)
    return [tell(AUTHORISE, SUCCEEDED, tell.payment, said.amount, CUMULATIVE)]


def _capture(tell: Teller, said: Said) -> list[Event]:
    operation = said.item.psp_reference
    if said.row.result is REFUSED:
        why = (number("capture_failed"), wire.refusal(said.item))
        return [tell(CAPTURE, REFUSED, operation, said.amount, OWN, reason=why)]
    if "recaptured" in (said.item.reason or "").lower():
        # A capture that failed and was repeated by Adyen: alive, though the first one is not.
        operation += ":recaptured"
    return [tell(CAPTURE, SUCCEEDED, operation, said.amount, OWN)]


def _capture_failed(tell: Teller, said: Said) -> list[Event]:
    psp, why = said.item.psp_reference, (number("capture_failed"), wire.refusal(said.item))
    targets = [psp] if psp == tell.payment else [psp, tell.payment]
    return [
        tell(REVERSE, SUCCEEDED, f"{psp}:failed:{each}", said.amount, OWN,
             reverses=f"capture:{each}", reason=why)
        for each in targets
    ]  # fmt: skip


def _let_go(tell: Teller, said: Said, slug: str) -> list[Event]:
    """Tell that what was held is let go for good, and nothing can be paid under it any more."""
    kind = EXPIRE if slug == "authorisation_lapsed" else CANCEL
    why = (number(slug), "")
    operation = f"{said.item.psp_reference}:expired" if kind is EXPIRE else said.item.psp_reference
    events = [
        tell(kind, SUCCEEDED, reason=why),
        tell(VOID, SUCCEEDED, operation, said.amount, OWN, reason=why),
    ]
    if said.at_once:
        # What can be let go was not captured, whatever the settings assumed of it.
        events.append(
            tell(REVERSE, SUCCEEDED, f"{operation}:uncaptured", said.amount, OWN,
                 reverses=f"capture:{tell.payment}", reason=why)
        )  # fmt: skip
    return events


def _cancellation(tell: Teller, said: Said) -> list[Event]:
    if said.row.result is REFUSED:
        why = (number("merchant_request"), wire.refusal(said.item))
        return [tell(VOID, REFUSED, said.item.psp_reference, said.amount, OWN, reason=why)]
    return _let_go(tell, said, "merchant_request")


def _cancel_or_refund(tell: Teller, said: Said) -> list[Event]:
    """Tell of whichever it was; if that is not stated, of both: the payment's captures decide."""
    action = wire.more(said.item, "modification.action")
    if action == "cancel":
        return _cancellation(tell, said)
    if action == "refund":
        return _refund(tell, said)
    both = _refund(tell, said)
    return both + _cancellation(tell, said._replace(at_once=False))


def _expire(tell: Teller, said: Said) -> list[Event]:
    return _let_go(tell, said, "authorisation_lapsed")


def _never_authorised(tell: Teller, said: Said) -> list[Event]:
    return [tell(EXPIRE, SUCCEEDED, "", said.amount, reason=(number("timed_out"), ""))]


def _pending(tell: Teller, said: Said) -> list[Event]:
    return [tell(said.row.kind, said.row.result, "", said.amount)]


def _refund(tell: Teller, said: Said) -> list[Event]:
    why = (
        number("merchant_refund"),
        "" if said.row.result is SUCCEEDED else wire.refusal(said.item),
    )
    return [tell(REFUND, said.row.result, said.item.psp_reference, said.amount, OWN, reason=why)]


def _refund_failed(tell: Teller, said: Said) -> list[Event]:
    """Tell of a refund that did not arrive; as of Stripe's, whether it had succeeded is open."""
    psp, failed = said.item.psp_reference, (number("refund_failed"), wire.refusal(said.item))
    return [
        tell(REFUND, REFUSED, psp, said.amount, OWN, reason=(number("merchant_refund"), "")),
        tell(REVERSE, SUCCEEDED, f"{psp}:failed", said.amount, OWN, reverses=f"refund:{psp}",
             reason=failed),
    ]  # fmt: skip


def _dispute(tell: Teller, said: Said) -> list[Event]:
    """Tell of a step of a dispute; all steps of one dispute have one reference."""
    why = tell.why("dispute/", "dispute_other", wire.more(said.item, "chargebackReasonCode"))
    operation = said.item.psp_reference + _STAGES.get(said.item.event_code, "")
    back = tell(REVERSE, SUCCEEDED, f"{operation}:reversed", said.amount, OWN,
                reverses=f"dispute:{operation}", reason=why)  # fmt: skip
    if said.row.kind is REVERSE:
        return [back]
    events = [tell(DISPUTE, said.row.result, operation, said.amount, OWN, reason=why)]
    if said.item.event_code == "CHARGEBACK" and wire.more(said.item, "disputeStatus") == "Won":
        events.append(back)
    return events


def _other(tell: Teller, said: Said) -> list[Event]:
    return [tell(OTHER, UNKNOWN, reason=(0, said.item.event_code))]


READERS: Final[Mapping[str, Reader]] = {
    "AUTHORISATION": _authorisation,
    "AUTHORISATION_ADJUSTMENT": _adjustment,
    "PENDING": _pending,
    "CAPTURE": _capture,
    "CAPTURE_FAILED": _capture_failed,
    "CANCELLATION": _cancellation,
    "TECHNICAL_CANCEL": _cancellation,
    "CANCEL_OR_REFUND": _cancel_or_refund,
    "EXPIRE": _expire,
    "OFFER_CLOSED": _never_authorised,
    "ORDER_CLOSED": _never_authorised,
    "REFUND": _refund,
    "REFUND_WITH_DATA": _refund,
    "POSTPONED_REFUND": _refund,
    "REFUND_FAILED": _refund_failed,
    "REFUNDED_REVERSED": _refund_failed,
}


def reader(row: Row, code: str) -> Reader:
    """Return what reads a code under the row that its success flag chose."""
    if row.kind is OTHER:
        return _other
    return READERS.get(code, _dispute)
