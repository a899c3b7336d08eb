"""A change of a payment's verdict, as far as routes and incidents ask about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from voidtrail.event.model import Actor, Micros
from voidtrail.event.reason import How
from voidtrail.lifecycle.verdict import Money, State, Verdict


class Standing(NamedTuple):
    """Where a payment stands, in the words that routes use.

    >>> Standing("cancelled", "expired", "platform", "none").what()
    'expired'
    """

    state: str
    how: str
    actor: str
    money: str

    def what(self) -> str:
        """Return what happened: a fault and a decline are one thing before and after giving up."""
        return _SAME.get(self.how, _SAME.get(self.state, self.how if self.how != "none"
                                             else self.state))  # fmt: skip


_SAME: Final = {
    "gave_up_after_fault": "fault", "failed": "fault",
    "gave_up_after_decline": "decline", "declined": "decline",
}  # fmt: skip
WHATS: Final = tuple(
    dict.fromkeys(
        _SAME.get(name, name)
        for name in (*(how.name.lower() for how in How if how), *(s.name.lower() for s in State))
    )
)
"""Everything that `Standing.what` can say."""


def standing(verdict: Verdict) -> Standing:
    """Return where a verdict says that a payment stands."""
    return Standing(
        State(verdict.state).name.lower(), How(verdict.how).name.lower(),
        Actor(verdict.actor).name.lower(), Money(verdict.money).name.lower(),
    )  # fmt: skip


class News(NamedTuple):
    """One change, and what is known of the payment.

    Attributes:
        no: number of the notice; grows with time and is never used twice.
        payment: the payment's number in the store.
        order: the merchant's reference of the order, else the platform's of the payment.
        rail: the source that holds the money, as "alipay".
        zone: IANA zone of the shop.
        amount_minor: taken, held or asked for; None if nobody said.
        tags: public dimensions.
        switched: the order is paid another way.
        test: test traffic: nobody hears of it but a route for tests.
        history: told by a file or read again: nobody hears of it at all.
    """

    no: int
    at: Micros
    payment: int
    before: Standing | None
    after: Standing
    order: str = ""
    rail: str = ""
    method: str = "unknown"
    shop: str = "default"
    entity: str = "default"
    zone: str = "UTC"
    amount_minor: int | None = None
    currency: str = ""
    tags: Mapping[str, str] = {}
    switched: bool = False
    test: bool = False
    history: bool = False
