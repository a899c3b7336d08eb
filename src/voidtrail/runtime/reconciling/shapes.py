"""The shapes of a reconciliation, as the ledger keeps them and machines read them."""

from __future__ import annotations

from typing import Final

import msgspec

from voidtrail.event.model import Micros
from voidtrail.insight.counterpart import Difference
from voidtrail.runtime.views.shapes import Amount

RUN: Final = "reconciliation"
FOUND: Final = "reconciliation_findings"
"""Kinds of control entries: a run, and before it its findings in parts."""

WORDS: Final[dict[Difference, str]] = {
    Difference.MISSING_HERE: "missing_here",
    Difference.MISSING_THERE: "missing_there",
    Difference.AMOUNT: "amount_differs",
    Difference.CURRENCY: "currency_differs",
    Difference.STATE: "state_differs",
    Difference.PAID_TWICE: "paid_twice",
    Difference.SPLIT: "split",
}
KINDS: Final = tuple(WORDS.values())
DONE: Final = "split"
"""A kind of finding that leaves nothing to mend."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What must be known about a run besides its findings.

    Attributes:
        code: "half" (the bill ends before its end), "total" (a stated sum does not hold),
            "unreadable" (a line could not be read), "account_unchecked", "not_judged" (what the
            bill lacks is not told, since it may stand in the part that is not there).
        where: the line and column, or what is summed.
        stated, found: of a sum.
        why: of a line.
    """

    code: str
    where: str = ""
    stated: str = ""
    found: str = ""
    why: str = ""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One leg on one side.

    Attributes:
        line: in the bill; 0 on our side.
        reference: the platform's; our name of the payment on our side.
        account: "source/account" on our side.
        standing: "succeeded", "pending", "failed", "reversed"; on our side the payment's state
            where we hold no money of it.
    """

    reference: str
    standing: str
    line: int = 0
    account: str = ""
    amount_minor: int | None = None
    currency: str = ""
    at: Micros | None = None

    @property
    def amount(self) -> Amount | None:
        """Return the amount with its currency; None if there is none."""
        if self.amount_minor is None or not self.currency:
            return None
        return Amount(minor=self.amount_minor, currency=self.currency)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A difference.

    Attributes:
        kind: one of `KINDS`.
        open: somebody must look at it.
        item: "payment", "refund" or "dispute".
        order: the merchant's reference; "" if unknown.
        there, here: what the bill and what our books say.
    """

    kind: str
    open: bool
    item: str
    order: str
    there: tuple[Side, ...] = ()
    here: tuple[Side, ...] = ()


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """Of one currency, what moved; fees are in the currency that is paid out."""

    currency: str
    paid_minor: int = 0
    returned_minor: int = 0
    fees_minor: int = 0


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A reconciliation of one bill.

    Attributes:
        number: of the run, the first is 1.
        replaces: earlier runs of the same bill, or of the same period of the account.
        since, until: the period that the bill covers, half-open.
        rows: all that the bill holds; `others` are fees, payouts and the like.
        agreed: rows that agree with our books.
        waiting: our legs near midnight, which may stand in the next bill.
        unpaid: payments of ours that took no money and rightly are not there.
        counts: findings by kind.
        complete: the whole bill was there and could be read.
        lacks: what a bill of its type never holds, as "refund".
    """

    number: int
    at: Micros
    source: str
    account: str
    form: str
    file: str
    digest: str
    since: Micros
    until: Micros
    zone: str
    rows: int
    payments: int
    refunds: int
    disputes: int
    others: int
    unreadable: int
    agreed: int
    waiting: int
    unpaid: int
    open: int
    complete: bool
    counts: dict[str, int]
    there: tuple[Sums, ...] = ()
    here: tuple[Sums, ...] = ()
    notes: tuple[Note, ...] = ()
    replaces: tuple[int, ...] = ()
    lacks: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What `voidtrail reconcile --json` prints."""

    run: Run
    findings: tuple[Finding, ...]
