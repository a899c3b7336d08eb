"""From a bill's rows and the ledger to columns that `insight.reconciliation` compares."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from voidtrail.event.bill import MATCHED, Item, Standing
from voidtrail.event.codec import key63
from voidtrail.event.model import Micros
from voidtrail.insight.reconciliation import BILL, HELD, LEGS, Reconciled, frame, reconcile
from voidtrail.runtime.reconciling.books import Books, Leg
from voidtrail.runtime.reconciling.rows import BETWEEN, Bill


class Window(NamedTuple):
    """The period of a bill, and how near its ends a leg may stand in the bill beside it.

    Attributes:
        before_known: the bill of the period before was taken in, so what stands in neither of
            them is missing.
        whole: nothing of the bill at hand is missing.
        lacks: what a bill of its type never holds.
    """

    since: Micros
    until: Micros
    slack: Micros
    before_known: bool
    whole: bool
    lacks: tuple[Item, ...] = ()


class Compared(NamedTuple):
    """What came of it, with the columns that were compared.

    Attributes:
        waiting: legs near midnight that the next bill may hold.
    """

    found: Reconciled
    bill: pl.DataFrame
    legs: pl.DataFrame
    waiting: int


def compare(books: Books, bill: Bill, window: Window, file_no: int | None) -> Compared:
    """Compare a bill with our books.

    Args:
        books: of the account whose bill it is.
        bill: as read.
        window: its period.
        file_no: number of the bill's file in the ledger, if it was taken in before.
    """
    there = _there(books, bill.rows)
    mentioned = set(there.get_column("payment").drop_nulls())
    low = window.since - window.slack
    moved = books.moved(low, window.until)
    here = frame(_required(books, [*books.legs(mentioned | moved)], window, file_no), LEGS)
    orders = set(there.get_column("order").drop_nulls())
    orders |= set(books.orders_of(moved - mentioned).values())
    held = frame(books.held(orders), HELD)
    found = reconcile(there, here, held)
    late = here.filter(
        (pl.col("at") >= window.until - window.slack) & (pl.col("at") < window.until)
        & (pl.col("standing") == int(Standing.SUCCEEDED))
        & ~pl.col("payment").is_in(sorted(mentioned))
    )  # fmt: skip
    return Compared(found, there, here, late.height)


def _there(books: Books, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that must have a counterpart, with our numbers of what they name."""
    rows = rows.filter(pl.col("item").is_in([int(each) for each in MATCHED]))
    rows = rows.with_columns(pl.col("names").str.split(BETWEEN))
    wanted = {*rows.get_column("reference"), *rows.get_column("names").explode().drop_nulls()}
    known = books.named(wanted - {""})
    unknown = rows.filter(~pl.col("reference").is_in(sorted(known)))
    known |= books.operated({*unknown.get_column("reference"), *unknown.get_column("operation")}
                            - {""} - known.keys())  # fmt: skip
    orders = books.ordered(set(rows.get_column("order")) - {""})
    payments, numbers, ops = [], [], []
    scope = books.scope
    for reference, names, operation, order, item in rows.select(
        "reference", "names", "operation", "order", "item"
    ).iter_rows():
        found = next((known[name] for name in (reference, *names, operation) if name in known),
                     None)  # fmt: skip
        payments.append(found)
        numbers.append(orders.get(order))
        word = "refund" if item == Item.REFUND else "dispute"
        ops.append(key63(f"{scope}|{word}:{operation}") if operation and item != Item.PAYMENT
                   else None)  # fmt: skip
    rows = rows.with_columns(
        pl.Series("payment", payments, dtype=pl.Int64), pl.Series("op", ops, dtype=pl.Int64),
        pl.Series("order", numbers, dtype=pl.Int64),
    )  # fmt: skip
    rows = _by_order(books, rows)
    known_orders = books.orders_of(set(rows.get_column("payment").drop_nulls()))
    return rows.with_columns(
        pl.coalesce(
            pl.col("payment").replace_strict(known_orders, default=None, return_dtype=pl.Int64),
            "order",
        ).alias("order"),
        pl.when(pl.col("reference") == "")
        .then(pl.format("line {}", "line")).otherwise(pl.col("reference")).alias("reference"),
    ).select(*BILL)  # fmt: skip


def _by_order(books: Books, rows: pl.DataFrame) -> pl.DataFrame:
    """Give rows without any reference of their payment the one that their order has here.

    Of several, the one whose money fits; a platform that names no payment cannot say it better.
    """
    bare = rows.filter((pl.col("reference") == "") & pl.col("payment").is_null()
                       & pl.col("order").is_not_null())  # fmt: skip
    if not bare.height:
        return rows
    at_home = books.at_home(set(bare.get_column("order")))
    amounts: defaultdict[int, set[tuple[int | None, str]]] = defaultdict(set)
    several = [pid for each in at_home.values() if len(each) > 1 for pid in each]
    for leg in books.legs(several):
        amounts[leg.payment].add((leg.amount, leg.currency))
    meant: dict[int, int] = {}
    for line, order, amount, currency in bare.select(
        "line", "order", "amount", "currency"
    ).iter_rows():
        ours = at_home.get(order, [])
        free = [pid for pid in ours if (amount, currency) in amounts[pid]] or ours
        if free:
            taken = sum(meant.get(each) == free[0] for each in meant) if len(free) > 1 else 0
            meant[line] = free[taken % len(free)]
    return rows.with_columns(
        pl.coalesce(
            "payment",
            pl.col("line").replace_strict(meant, default=None, return_dtype=pl.Int64),
        ).alias("payment")
    )  # fmt: skip


def _required(
    books: Books, legs: list[Leg], window: Window, file_no: int | None
) -> Iterable[tuple[object, ...]]:
    """Yield our legs, each with whether this bill must hold it."""
    low, high = window.since, window.until - window.slack
    edge = {leg.payment for leg in legs if low - window.slack <= leg.at < low + window.slack}
    elsewhere = books.billed(edge, file_no) if window.before_known else edge
    for no, leg in enumerate(legs):
        is_due = low - window.slack <= leg.at < high and leg.standing is Standing.SUCCEEDED
        if leg.at < low + window.slack and leg.payment in elsewhere:
            is_due = False
        required = is_due and window.whole and leg.item not in window.lacks
        yield (no, leg.payment, int(leg.item), int(leg.standing), leg.amount, leg.currency,
               leg.at, leg.op, required, leg.gathered)  # fmt: skip
