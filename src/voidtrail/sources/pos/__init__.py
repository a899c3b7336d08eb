"""Card terminals: ISO 8583 messages between a terminal and its host, mirrored or captured.

A request is an intention, its answer decides: a void counts only when it is approved. A reversal
(冲正) counts from the moment it is sent, since the terminal repeats it until the host accepts it;
an approval that comes late changes nothing. If the host refuses a reversal, what was approved
stands, until a repetition is accepted. The reversal of a void restores the sale.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from voidtrail.errors import SignatureMissing
from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import (
    Acknowledgement,
    Channel,
    Delivery,
    Event,
    Kind,
    Method,
    Micros,
    Result,
    Via,
)
from voidtrail.event.reason import number
from voidtrail.sources.contract import (
    Capabilities,
    Identity,
    Outcome,
    Row,
    Translation,
    never_asked,
    never_told,
    unreadable,
)
from voidtrail.sources.pos import cards, facts
from voidtrail.sources.pos.facts import APPROVED, DEALS, REASONS, REVERSED, Deal, Slip
from voidtrail.sources.pos.wire import Malformed, Message, decode, dialect_of
from voidtrail.sources.telling import (
    AUTHORISE,
    CANCEL,
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

__all__ = ["REASONS"]

REQUESTED: Final = Result.REQUESTED

NAME: Final = "pos"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="Card terminals 银行卡终端 (ISO 8583)",
    signed=False,
    bill_file=True,
    retries="a reversal is repeated until it is accepted; Q/CUP 009",
    amount_unit="minor",
    zone="Asia/Shanghai",
    secrets=("card_key",),
)
IDENTITY: Final = Identity(
    fields=("message type without its repeat digit", "slip", "DE3", "DE60.1", "DE37", "DE39")
)
_DOC: Final = "UnionPay Q/CUP 009, POS terminal specification"
EVENTS: Final[Mapping[str, Row]] = {
    **{f"{word}/request": Row(deal.kind, Result.REQUESTED, deal.document)
       for word, deal in DEALS.items()},
    **{f"{word}/approved": Row(deal.kind, Result.SUCCEEDED, deal.document)
       for word, deal in DEALS.items()},
    **{f"{word}/refused": Row(Kind.AUTHORISE if deal.starts else deal.kind, Result.REFUSED,
                              deal.document) for word, deal in DEALS.items()},
    "reversal/sent": Row(Kind.REVERSE, Result.SUCCEEDED, _DOC + ", 0400 冲正; ISO 8583:1987, 0420"),
    "reversal/accepted": Row(Kind.REVERSE, Result.SUCCEEDED, _DOC + ", 0410"),
    "reversal/refused": Row(Kind.REVERSE, Result.REFUSED, _DOC + ", 0410"),
}  # fmt: skip
"""By transaction (DE60.1, or class and processing code) and what became of it."""


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Refuse what is posted over HTTP: terminals' messages prove nothing by themselves.

    Raises:
        SignatureMissing: it was pushed to the web door. A `[[listen]]` knows its peers by their
            address, and a file by whoever imports it.
    """
    if delivery.via is not Via.FILE:
        raise SignatureMissing(
            f"account {delivery.account}: terminals' messages come in by a [[listen]] or a file"
        )


def received(
    body: bytes, account: Account, secrets: Secrets, at: Micros, via: Via = Via.PUSH
) -> Delivery:
    """Return a message as it may be kept: card data masked, the card's pseudonym beside it.

    Args:
        body: the message, the length in front of it left out.
        account: whose terminal it is.
        secrets: `card_key` makes cards' pseudonyms; without it cards have none.
        at: when it was received.
        via: mirrored, or from a file.
    """
    keys = secrets.get("card_key", ())
    key = keys[0].reveal() if keys else ""
    kept, card = cards.masked(body, account.options.get("dialect", ""), key)
    headers = (("card", card),) if card else ()
    return Delivery(
        source=account.source, account=account.name, received_at=at, body=kept, headers=headers,
        via=via,
    )  # fmt: skip


def is_about_money(body: bytes, dialect: str = "") -> bool:
    """Whether a message is about a payment; keys, sign-ins, echoes and batch totals are not.

    What cannot be read is, since it must not be lost.
    """
    try:
        message = decode(body, dialect_of(body, dialect))
    except Malformed:
        return True
    return message.mti[1] in "124"


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read one message."""
    body = delivery.body
    try:
        message = decode(body, dialect_of(body, account.options.get("dialect", "")))
    except Malformed as error:
        return unreadable(error.path, f"no ISO 8583 message: {error}")
    slip = facts.slip_of(message)
    if slip is None:
        return unreadable("DE11", "the message has no trace number, so it is about no slip")
    tell = _teller(delivery, account, message, slip)
    word = facts.deal_of(message)
    deal = DEALS.get(word)
    if deal is None or message.mti[1] not in "124":
        return [tell(OTHER, UNKNOWN, reason=(0, f"{message.mti}/{word}"))]
    amount = facts.amount_of(message)
    if facts.is_reversal(message):
        return _reversal(tell, message, slip, deal, amount)
    if facts.is_answer(message):
        return _answer(tell, message, slip, deal, amount)
    return [_request(tell, slip, deal, amount)]


def _teller(delivery: Delivery, account: Account, message: Message, slip: Slip) -> Teller:
    payment = slip.original or slip.own
    names = dict.fromkeys((slip.own, *slip.names))
    names.pop(payment, None)
    mti = message.mti[:3] + str(int(message.mti[3]) & ~1)
    merchant = message.get(42)
    stated = (("terminal", message.get(41)), ("entry", message.get(22)[:2]))
    at = facts.instant_of(message, account.zone, delivery.received_at)
    return Teller(
        REASONS,
        (mti, slip.own, message.get(3), message.get(60)[:2], message.get(37), message.get(39)),
        payment,
        delivery.received_at if at is None else at,
        tuple(names),
        facts.order_of(message, account),
        facts.currency_of(message, account),
        delivery.via,
        Method.POS_CARD,
        Channel.POS,
        delivery.header("card") or "",
        dimensions=tuple((name, value) for name, value in stated if value),
        merchant="" if account.options.get("merchant") == merchant else merchant,
    )


def _request(tell: Teller, slip: Slip, deal: Deal, amount: int | None) -> Event:
    """Tell what is asked for; of a sale only the answer says how much was approved."""
    undone = f"{deal.of}:{slip.original}" if deal.of and slip.original else ""
    if deal.starts:
        return tell(deal.kind, REQUESTED, slip.own, amount)
    why = _why(deal, "")
    return tell(deal.kind, REQUESTED, slip.own, amount, OWN, reverses=undone, reason=why)


def _answer(
    tell: Teller, message: Message, slip: Slip, deal: Deal, amount: int | None
) -> list[Event]:
    code = message.get(39)
    undone = f"{deal.of}:{slip.original}" if deal.of and slip.original else ""
    if code in APPROVED:
        why = _why(deal, code)
        return [tell(deal.kind, SUCCEEDED, slip.own, amount, OWN, reverses=undone, reason=why)]
    why = tell.why("answer/", "unstated", code)
    kind = AUTHORISE if deal.starts else deal.kind
    events = [tell(kind, REFUSED, slip.own, amount, OWN, reverses=undone, reason=why)]
    if deal.starts and why[0] == number("customer_request"):
        events.append(tell(CANCEL, SUCCEEDED, reason=why))
    return events


def _why(deal: Deal, code: str) -> tuple[int, str]:
    if deal.kind is VOID:
        return number("merchant_request"), code
    return (number("merchant_refund"), code) if deal.kind is REFUND else (0, "")


def _reversal(
    tell: Teller, message: Message, slip: Slip, deal: Deal, amount: int | None
) -> list[Event]:
    """Tell of a reversal or of its answer, as operations that undo one another."""
    sent, accepted = f"{slip.own}:sent", f"{slip.own}:accepted"
    code = message.get(39)
    if facts.is_answer(message):
        if code in REVERSED:
            return [tell(REVERSE, SUCCEEDED, accepted, amount, OWN, reason=(0, code))]
        why = tell.why("answer/", "unstated", code)
        return [
            tell(REVERSE, REFUSED, accepted, amount, OWN, reason=why),
            tell(REVERSE, SUCCEEDED, f"{slip.own}:refused", reverses=f"reverse:{sent}",
                 reason=(0, code)),
        ]  # fmt: skip
    # In the UnionPay dialect a reversal has the trace number of what it reverses.
    target = slip.own if facts.is_cup(message) else slip.original or slip.own
    undone = f"{deal.kind.name.lower()}:{target}"
    why = tell.why("reversal/", "reversed_by_terminal", code)
    events = [
        tell(REVERSE, SUCCEEDED, sent, amount, OWN, reverses=undone, reason=why),
        tell(REVERSE, REQUESTED, accepted, amount, OWN, reverses=undone, reason=why),
    ]
    left = facts.amount_of(message, 95)
    if left:  # of a partial reversal something stays: it takes the original's place
        events.append(tell(deal.kind, SUCCEEDED, f"{target}:replaced", left, OWN))
    elif deal.starts:
        events.append(tell(CANCEL, SUCCEEDED, reason=why))
    return events


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return an answer for the protocol's sake: who mirrors messages waits for none."""
    return Acknowledgement(status=200 if outcome is Outcome.KEPT else 503)


query: Final = never_asked
act: Final = never_told
