"""What a change of a payment means for the shop's order system, and what it should let go of.

An order system needs few words: called off, came back, paid twice, refunded. With each goes advice
that looks at the whole order: what another payment pays for must not be released.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from voidtrail.lifecycle.order import OrderVerdict
from voidtrail.lifecycle.verdict import Money, State, Verdict


class Word(StrEnum):
    """What an order system is told of."""

    CALLED_OFF = "payment.called_off"
    CAME_BACK = "payment.came_back"
    PAID_TWICE = "order.paid_twice"
    REFUNDED = "payment.refunded"


class Because(StrEnum):
    """Why an order system is advised as it is."""

    NOBODY_PAYS = "nobody_pays"
    PAID = "paid"
    STILL_PAYABLE = "still_payable"
    PAID_TWICE = "paid_twice"
    RETURNED_IN_FULL = "returned_in_full"
    RETURNED_IN_PART = "returned_in_part"


class Advice(NamedTuple):
    """What the order system may let go of.

    Attributes:
        release_order: the order may be closed.
        release_stock: what was set aside for it may be sold to somebody else.
        release_coupon: the customer may use the coupon again.
        because: why.
    """

    release_order: bool
    release_stock: bool
    release_coupon: bool
    because: Because


_ALL: Final = (True, True, True)
_NOTHING: Final = (False, False, False)


def words(before: Verdict | None, after: Verdict, order: OrderVerdict | None) -> list[Word]:
    """Return what an order system is told of a change, most important first.

    Args:
        before: the verdict that it replaces, None if this is the first.
        after: the verdict that now holds.
        order: what all payments of the order together mean; None where no order is known.
    """
    found = []
    was_off = before is not None and before.state == State.CANCELLED
    is_off = after.state == State.CANCELLED
    newly_paid = after.state == State.PAID and (before is None or before.state != State.PAID)
    if newly_paid and order is not None and order.double_paid:
        found.append(Word.PAID_TWICE)
    if _given_back(after) != _given_back(before):
        found.append(Word.REFUNDED)
    elif is_off and not _given_back(after) and not _same_ending(before, after):
        found.append(Word.CALLED_OFF)
    if was_off and not is_off:
        found.append(Word.CAME_BACK)
    elif newly_paid and not was_off and order is not None and order.switched:
        found.append(Word.CAME_BACK)  # the order, by another payment than the one called off
    return found


def is_first(before: Verdict | None) -> bool:
    """Whether a payment that is called off was not so before: a later word only says more."""
    return before is None or before.state != State.CANCELLED


def advice(word: Word, after: Verdict, order: OrderVerdict | None) -> Advice:
    """Return what an order system may let go of.

    Stock is not released where money had been taken: whether the goods have left, and whether they
    are back, is the shop's to know.
    """
    state = after.state if order is None else order.state
    if order is not None and order.double_paid:
        return Advice(*_NOTHING, Because.PAID_TWICE)
    if state == State.PAID:
        returned = after.money == Money.PARTLY_RETURNED and word is Word.REFUNDED
        return Advice(*_NOTHING, Because.RETURNED_IN_PART if returned else Because.PAID)
    if state != State.CANCELLED:
        return Advice(*_NOTHING, Because.STILL_PAYABLE)
    if after.money == Money.RETURNED:
        return Advice(True, False, True, Because.RETURNED_IN_FULL)
    return Advice(*_ALL, Because.NOBODY_PAYS)


def _given_back(verdict: Verdict | None) -> int:
    """Return what was given back of what was taken, by refund or dispute."""
    if verdict is None or not verdict.captured:
        return 0
    return verdict.returned + verdict.withdrawn


def _same_ending(before: Verdict | None, after: Verdict) -> bool:
    """Whether two endings differ in nothing that an order system would act on."""
    return before is not None and before.state == State.CANCELLED and (
        before.how, before.sealed, before.money
    ) == (after.how, after.sealed, after.money)  # fmt: skip
