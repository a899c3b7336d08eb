"""How a source tells the facts of one delivery: what they share is said once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from voidtrail.event.model import Channel, Event, Kind, Method, Micros, Result, Tag, Via
from voidtrail.event.reason import number
from voidtrail.sources import reading
from voidtrail.sources.contract import ReasonRow, first

# Members of an enumeration cost 140 ns at every mention in Python 3.11; these names cost nothing.
AUTHORISE: Final = Kind.AUTHORISE
CANCEL: Final = Kind.CANCEL
CAPTURE: Final = Kind.CAPTURE
DISPUTE: Final = Kind.DISPUTE
EXPIRE: Final = Kind.EXPIRE
FINISH: Final = Kind.FINISH
NUDGE: Final = Kind.NUDGE
OPEN: Final = Kind.OPEN
OTHER: Final = Kind.OTHER
REFUND: Final = Kind.REFUND
REVERSE: Final = Kind.REVERSE
SUBMIT: Final = Kind.SUBMIT
VOID: Final = Kind.VOID
PENDING: Final = Result.PENDING
REFUSED: Final = Result.REFUSED
SUCCEEDED: Final = Result.SUCCEEDED
UNKNOWN: Final = Result.UNKNOWN
CUMULATIVE: Final = Tag.CUMULATIVE
OWN: Final = Tag.OWN
ASKED: Final = Via.ASKED
_UNTAGGED: Final = Tag.NONE
_ORDERED: Final = {
    "act:close": CANCEL, "act:void": VOID, "act:refund": REFUND, "act:pay_link": OPEN,
}  # fmt: skip
_WORDS: Final = tuple(kind.name.lower() for kind in sorted(Kind))  # by number


def ordered(context: str) -> Kind | None:
    """Return what was ordered, if an answer is to a deed and not to a question.

    >>> ordered("act:close"), ordered("")
    (<Kind.CANCEL: 8>, None)
    """
    return _ORDERED.get(context)


class Teller(NamedTuple):
    """What every fact of one delivery shares; calling it tells one fact.

    Attributes:
        reasons: the source's REASONS table.
        at: when it happened, by the platform's clock.
        currency: of every amount.
        life: whether such a statement is a sign that the payment is still worked on.
    """

    reasons: Mapping[str, ReasonRow]
    identity: tuple[str, ...]
    payment: str
    at: Micros
    names: tuple[str, ...] = ()
    order: str = ""
    currency: str = ""
    via: Via = Via.PUSH
    method: Method = Method.UNKNOWN
    channel: Channel = Channel.UNKNOWN
    customer: str = ""
    test: bool = False
    life: bool = True
    dimensions: tuple[tuple[str, str], ...] = ()
    merchant: str = ""

    def __call__(
        self,
        kind: Kind,
        result: Result,
        operation: str = "",
        amount: int | None = None,
        tag: Tag = Tag.NONE,
        *,
        reverses: str = "",
        reason: tuple[int, str] = (0, ""),
        until: Micros | None = None,
        at: Micros | None = None,
    ) -> Event:
        """Tell one fact.

        Args:
            kind: what it is about.
            result: how far it went.
            operation: the platform's id of the operation.
            amount: in minor units of the teller's currency; left out if that is unknown.
            tag: what the amount counts.
            reverses: the operation that is undone, as "refund:re_1".
            reason: number of the standard reason, and the platform's code.
            until: when the platform will close the payment by itself.
            at: when, if this fact has an instant of its own.
        """
        stated = amount is not None and self.currency != ""
        return Event(
            label=f"{_WORDS[kind]}:{operation or self.payment}",
            identity=self.identity,
            kind=kind,
            result=result,
            payment=self.payment,
            occurred_at=self.at if at is None else at,
            names=self.names,
            order=self.order,
            operation=operation,
            reverses=reverses,
            until=until,
            amount_minor=amount if stated else None,
            currency=self.currency if stated else "",
            tag=tag if stated else _UNTAGGED,
            via=self.via,
            reason=reason[0],
            code=reading.code(reason[1]) if reason[1] else "",
            method=self.method,
            channel=self.channel,
            customer=self.customer,
            test=self.test,
            life=self.life and kind is not OTHER and kind is not NUDGE,
            dimensions=self.dimensions,
            merchant=self.merchant,
        )

    def why(self, prefix: str, unstated: str, *codes: str | None) -> tuple[int, str]:
        """Return the reason of the first code that is stated, and that code.

        Args:
            prefix: what the table puts before codes of this field, as "cancel/".
            unstated: the standard reason if there is no code.
            codes: the platform's codes, the most specific one first.
        """
        stated = first(*codes)
        if not stated:
            return number(unstated), ""
        row = self.reasons.get(prefix + stated)
        return number(row.slug if row else "unlisted"), stated
