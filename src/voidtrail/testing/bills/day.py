"""What a day of payments is made of: rows of a bill, statements of ours, what is expected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from voidtrail.event.bill import Item, Standing
from voidtrail.event.model import Event, Micros


class Expected(NamedTuple):
    """A difference that was planted: its kind in words, what it is about, and of which order."""

    kind: str
    item: str
    order: str


class Entry(NamedTuple):
    """A row of the bill, before it is written in a platform's own form.

    Attributes:
        reference: of the payment; `charge` is a second one where the platform has two.
        operation: of a refund; "" for payments.
        word: the platform's word, if the item alone does not give it.
        rate: what one unit is worth in the currency that is paid out, in hundredths; 0 if it is
            the same currency.
    """

    item: Item
    reference: str
    order: str
    amount: int
    currency: str
    at: Micros
    operation: str = ""
    charge: str = ""
    fee: int = 0
    standing: Standing = Standing.SUCCEEDED
    word: str = ""
    rate: int = 0


@dataclass(slots=True)
class Day:
    """A day of one account at one platform.

    Attributes:
        form: of the bill, as "alipay".
        source: of the account; a table is a bill of Stripe's.
        ours: statements of the platform that we heard.
        elsewhere: statements of another platform, about the same orders.
        kinds: names of what was planted.
    """

    seed: int
    form: str
    source: str
    date: str
    zone: str
    merchant: str
    currency: str
    since: Micros
    until: Micros
    entries: list[Entry] = field(default_factory=list)
    ours: list[Event] = field(default_factory=list)
    elsewhere: list[Event] = field(default_factory=list)
    expected: list[Expected] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
