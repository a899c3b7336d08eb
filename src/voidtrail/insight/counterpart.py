"""One payment in a platform's bill and in our books: which leg answers to which, and what is left.

A leg is money that moved once: a payment taken, a refund, disputed money. Legs answer to each other
by the platform's id of the operation, and where one side has none, by amount. Nothing is netted:
two errors that offset each other are two differences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from voidtrail.event.bill import Item, Standing


class Difference(IntEnum):
    """What is not the same on both sides."""

    MISSING_HERE = 1  # the bill has it, our books do not
    MISSING_THERE = 2
    AMOUNT = 3
    CURRENCY = 4
    STATE = 5
    PAID_TWICE = 6
    SPLIT = 7  # the parts add up to the whole: worth knowing, nothing to mend


class There(NamedTuple):
    """A row of the bill; `op` is the key of its operation, None if it names none."""

    line: int
    item: Item
    standing: Standing
    amount: int
    currency: str
    op: int | None = None
    at: int = 0


class Here(NamedTuple):
    """A leg in our books; `required` if it must stand in this bill.

    Attributes:
        no: its number among the legs handed in.
        amount: None if nobody stated it.
        gathered: the platform told a sum so far, so refunds that we did not hear of may be in it.
    """

    no: int
    item: Item
    standing: Standing
    amount: int | None
    currency: str
    op: int | None = None
    at: int = 0
    required: bool = True
    gathered: bool = False


class Gap(NamedTuple):
    """A difference within one payment, with the rows and legs that show it."""

    kind: Difference
    item: Item
    there: tuple[There, ...] = ()
    here: tuple[Here, ...] = ()


_ITEMS: Final = (Item.PAYMENT, Item.REFUND, Item.DISPUTE)
_ALIVE: Final = (Standing.SUCCEEDED, Standing.PENDING)


def compare(there: Sequence[There], here: Sequence[Here]) -> list[Gap]:
    """Return what differs between a bill's rows of one payment and our legs of it.

    Args:
        there: rows of the bill.
        here: our legs, those too that the bill need not hold.
    """
    there, here = _taken_back(_undone(there), list(here))
    gaps: list[Gap] = []
    for item in _ITEMS:
        rows = [row for row in there if row.item is item]
        legs = [leg for leg in here if leg.item is item]
        gaps += _compare(item, rows, legs)
    return gaps


def _undone(rows: Sequence[There]) -> list[There]:
    """Let a row that takes an earlier one back stand with it as one that was reversed."""
    left = [row for row in rows if row.amount >= 0 or row.item is Item.PAYMENT]
    for row in rows:
        if row.amount >= 0 or row.item is Item.PAYMENT:
            continue
        place = next((at for at, each in enumerate(left) if each.item is row.item
                      and each.amount == -row.amount and each.currency == row.currency
                      and each.standing is Standing.SUCCEEDED), None)  # fmt: skip
        reversed_row = row._replace(standing=Standing.REVERSED, amount=-row.amount)
        if place is None:
            left.append(reversed_row)
        else:
            left[place] = left[place]._replace(standing=Standing.REVERSED)
    return left


def _taken_back(
    there: list[There], here: list[Here]
) -> tuple[list[There], list[Here]]:  # fmt: skip
    """Leave out payments that failed later, as both sides say: here undone, there given back."""
    for leg in [each for each in here if each.item is Item.PAYMENT]:
        same = [row for row in there if (row.amount, row.currency) == (leg.amount, leg.currency)]
        taken = next((row for row in same if row.item is Item.PAYMENT), None)
        back = next((row for row in same if row.item is Item.REFUND), None)
        if leg.standing is not Standing.REVERSED or taken is None or back is None:
            continue
        if not any(each.item is Item.REFUND and each.amount == leg.amount for each in here):
            here = [each for each in here if each is not leg]
            there = [row for row in there if row is not taken and row is not back]
    return there, here


def _compare(item: Item, rows: list[There], legs: list[Here]) -> Iterator[Gap]:
    gathered = [leg for leg in legs if leg.gathered and leg.standing is Standing.SUCCEEDED]
    living = [row for row in rows if row.standing is Standing.SUCCEEDED]
    all_gathered = 0 < len(gathered) < len(living) and len(gathered) == len(legs)
    if all_gathered and _total(living) == _total(gathered):
        yield Gap(Difference.SPLIT, item, tuple(living), tuple(gathered))
        return
    pairs = [*_by_operation(rows, legs), *_by_amount(rows, legs)]
    for row, leg in pairs:
        gap = _pair(item, row, leg)
        if gap is not None:
            yield gap
    taken_rows = {row.line for row, _ in pairs}
    taken_legs = {leg.no for _, leg in pairs}
    rows = [row for row in rows if row.line not in taken_rows and row.standing in _ALIVE]
    legs = [leg for leg in legs if leg.no not in taken_legs and leg.standing in _ALIVE]
    yield from _left(item, rows, legs, [pair for pair in pairs if pair[0].standing in _ALIVE])


def _total(each: Sequence[There] | Sequence[Here]) -> tuple[int, frozenset[str]]:
    return sum(one.amount or 0 for one in each), frozenset(one.currency for one in each)


def _by_operation(rows: list[There], legs: list[Here]) -> list[tuple[There, Here]]:
    by_op = {leg.op: leg for leg in legs if leg.op is not None}
    found = [(row, by_op.pop(row.op)) for row in rows if row.op is not None and row.op in by_op]
    for row, leg in found:
        rows.remove(row)
        legs.remove(leg)
    return found


def _by_amount(rows: list[There], legs: list[Here]) -> list[tuple[There, Here]]:
    """Pair what is left by amount and currency, the nearest instants first."""
    found = []
    for row in list(rows):
        fitting = [
            leg for leg in legs
            if (row.op is None or leg.op is None or row.item is Item.PAYMENT)
            and (leg.amount is None or (leg.amount, leg.currency) == (row.amount, row.currency))
        ]  # fmt: skip
        if fitting:
            leg = min(fitting, key=lambda each: _farness(each, row.at))
            found.append((row, leg))
            rows.remove(row)
            legs.remove(leg)
    return found


def _farness(leg: Here, at: int) -> tuple[bool, bool, int]:
    """Return how badly a leg fits a row of the same amount: what was paid, and near, fits best."""
    return leg.standing not in _ALIVE, leg.amount is None, abs(leg.at - at)


def _pair(item: Item, row: There, leg: Here) -> Gap | None:
    """Return how a row and the leg that it answers to differ, None if they agree."""
    standings = {row.standing, leg.standing}
    if len(standings) > 1:
        if Standing.SUCCEEDED not in standings:
            return None  # neither side says that money stayed where it went
        return Gap(Difference.STATE, item, (row,), (leg,))
    if leg.amount is None:
        return None
    if row.currency != leg.currency:
        return Gap(Difference.CURRENCY, item, (row,), (leg,))
    if row.amount != leg.amount:
        return Gap(Difference.AMOUNT, item, (row,), (leg,))
    return None


def _left(
    item: Item, rows: list[There], legs: list[Here], pairs: list[tuple[There, Here]]
) -> Iterator[Gap]:
    """Explain rows and legs that answer to nothing of the same amount."""
    if rows and legs and (split := _split(rows, legs)):
        yield Gap(Difference.SPLIT, item, tuple(rows), split)
        return
    while rows and legs:
        fitting = [
            (abs(row.amount - (leg.amount or 0)), abs(row.at - leg.at), row, leg)
            for row in rows for leg in legs
            if row.op is None or leg.op is None or item is Item.PAYMENT
        ]  # fmt: skip
        if not fitting:
            break
        _, _, row, leg = min(fitting)
        rows.remove(row)
        legs.remove(leg)
        kind = Difference.CURRENCY if row.currency != leg.currency else Difference.AMOUNT
        yield Gap(kind, item, (row,), (leg,))
    for row in rows:
        if row.standing is Standing.PENDING:
            continue
        same = [pair for pair in pairs if pair[0].amount == row.amount and item is Item.PAYMENT]
        if same:
            yield Gap(Difference.PAID_TWICE, item, (same[0][0], row), (same[0][1],))
        else:
            yield Gap(Difference.MISSING_HERE, item, (row,))
    for leg in legs:
        if leg.required and leg.standing is Standing.SUCCEEDED:
            yield Gap(Difference.MISSING_THERE, item, (), (leg,))


def _split(rows: list[There], legs: list[Here]) -> tuple[Here, ...]:
    """Return the legs that the rows are, in other parts; nothing if the sums are not the same."""
    wanted = [leg for leg in legs if leg.required] or legs
    currencies = {row.currency for row in rows} | {leg.currency for leg in wanted}
    if len(currencies) != 1 or len(rows) == len(wanted) or min(len(rows), len(wanted)) != 1:
        return ()
    if sum(row.amount for row in rows) != sum(leg.amount or 0 for leg in wanted):
        return ()
    return tuple(wanted)
