"""A platform's bill against our books: what agrees, column by column, and what does not, by name.

Almost everything agrees. So each payment's rows and legs are first written as one text a side, and
compared in one join; only where the texts differ, the payment is looked at leg by leg
(`insight.counterpart`). A bill of a million rows is a few columns, never a million objects.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import polars as pl

from voidtrail.event.bill import Item, Standing
from voidtrail.insight.counterpart import Difference, Gap, Here, There, compare

BILL: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "line": pl.Int64, "item": pl.Int8, "standing": pl.Int8, "amount": pl.Int64,
    "currency": pl.String, "at": pl.Int64, "op": pl.Int64, "payment": pl.Int64,
    "order": pl.Int64, "reference": pl.String,
}  # fmt: skip
"""Columns of the bill: rows that must have a counterpart. `payment` and `order` are our numbers of
what the row names, null where we know nothing of it."""
LEGS: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "no": pl.Int64, "payment": pl.Int64, "item": pl.Int8, "standing": pl.Int8,
    "amount": pl.Int64, "currency": pl.String, "at": pl.Int64, "op": pl.Int64,
    "required": pl.Boolean, "gathered": pl.Boolean,
}  # fmt: skip
"""Columns of our legs: those of the period, and all of every payment that the bill names."""
HELD: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "payment": pl.Int64,
    "order": pl.Int64,
    "net": pl.Int64,
    "currency": pl.String,
}
"""Columns of the payments, on any rail, of the orders that are looked at: what each holds."""

_PAYMENT: Final = int(Item.PAYMENT)
_KEY: Final = "key"


class Finding(NamedTuple):
    """A difference, by our numbers and the bill's lines.

    Attributes:
        payment: our number of the payment, None if we know none.
        order: our number of the order; None if there is none.
        reference: as the bill writes it; "" if it does not stand there.
        holders: of an order paid twice: our payments that hold money for it.
    """

    kind: Difference
    item: Item
    payment: int | None
    order: int | None
    reference: str
    there: tuple[There, ...] = ()
    here: tuple[Here, ...] = ()
    holders: tuple[int, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether somebody must look at it."""
        return self.kind is not Difference.SPLIT


class Reconciled(NamedTuple):
    """What came of it.

    Attributes:
        agreed: rows that agree with a leg of ours.
        payments: how many payments the bill names.
    """

    findings: list[Finding]
    agreed: int
    payments: int


def frame(rows: Iterable[Sequence[object]], schema: Mapping[str, object]) -> pl.DataFrame:
    """Return rows as a frame of one of the shapes above."""
    return pl.DataFrame(list(rows), schema=dict(schema), orient="row")  # type: ignore[arg-type]


def reconcile(bill: pl.DataFrame, legs: pl.DataFrame, held: pl.DataFrame) -> Reconciled:
    """Compare a bill with our books.

    Args:
        bill: its rows, with the columns of `BILL`.
        legs: ours, with the columns of `LEGS`.
        held: what the payments of the orders in question hold, with the columns of `HELD`.
    """
    # A payment that we do not know is known by the bill's reference alone.
    bill = bill.with_columns(
        pl.when(pl.col("payment").is_not_null())
        .then(pl.concat_str(pl.lit("#"), pl.col("payment")))
        .otherwise(pl.concat_str(pl.lit("?"), "reference")).alias(_KEY)
    )  # fmt: skip
    legs = legs.with_columns(pl.concat_str(pl.lit("#"), pl.col("payment")).alias(_KEY))
    there = _text(bill, "there")
    here = _text(legs.filter(pl.col("required")), "here")
    both = there.join(here, on=_KEY, how="full", coalesce=True)
    alike = both.filter(pl.col("there") == pl.col("here")).select(_KEY)
    agreed = bill.join(alike, on=_KEY, how="semi").height
    rest = both.join(alike, on=_KEY, how="anti").select(_KEY).sort(_KEY)
    findings: list[Finding] = []
    left_rows = _grouped(bill.join(rest, on=_KEY, how="semi"))
    left_legs = _grouped(legs.join(rest, on=_KEY, how="semi"))
    for (key,) in rest.iter_rows():
        rows = left_rows.get(key, [])
        found = _explained(rows, left_legs.get(key, []))
        findings += found
        agreed += len(rows) - len({row.line for each in found for row in each.there})
    findings += _paid_twice(bill, held, findings)
    findings.sort(key=lambda each: (each.there[0].line if each.there else 1 << 60,
                                    each.payment or 0, each.kind))  # fmt: skip
    return Reconciled(findings, agreed, bill.select(pl.col(_KEY).n_unique()).item())


def _text(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return one text a payment, in which every leg stands; equal texts are equal legs.

    The id of a payment's own operation is left out: platforms name it in several ways.
    """
    op = pl.when(pl.col("item") == _PAYMENT).then(0).otherwise(pl.col("op").fill_null(0))
    leg = pl.format("{}.{}.{}.{}.{}", "item", "standing",
                    pl.col("amount").cast(pl.String).fill_null("?"), "currency", op)  # fmt: skip
    return rows.select(_KEY, leg.alias(name)).group_by(_KEY).agg(
        pl.col(name).sort().str.join(" ")
    )  # fmt: skip


def _grouped(rows: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.iter_rows(named=True):
        found[row[_KEY]].append(row)
    return found


def _explained(rows: list[dict[str, Any]], legs: list[dict[str, Any]]) -> list[Finding]:
    there = [_there(row) for row in rows]
    here = [_here(leg) for leg in legs]
    first = rows[0] if rows else {}
    payment = first.get("payment") if rows else legs[0]["payment"]
    order = next((row["order"] for row in rows if row["order"] is not None), None)
    reference = str(first.get("reference", ""))
    return [
        Finding(_kind(gap, payment, here), gap.item, payment, order, reference, gap.there, gap.here)
        for gap in compare(there, here)
    ]


def _there(row: Mapping[str, Any]) -> There:
    return There(
        row["line"], Item(row["item"]), Standing(row["standing"]), row["amount"], row["currency"],
        row["op"], row["at"],
    )  # fmt: skip


def _here(leg: Mapping[str, Any]) -> Here:
    return Here(
        leg["no"], Item(leg["item"]), Standing(leg["standing"]), leg["amount"], leg["currency"],
        leg["op"], leg["at"], leg["required"], leg["gathered"],
    )  # fmt: skip


def _kind(gap: Gap, payment: object, here: Sequence[Here]) -> Difference:
    """Return the kind; money of a payment that we know as unpaid is a difference of state."""
    if gap.kind is Difference.MISSING_HERE and gap.item is Item.PAYMENT and payment is not None:
        taken = any(leg.item is Item.PAYMENT and leg.standing is Standing.SUCCEEDED for leg in here)
        return gap.kind if taken else Difference.STATE
    return gap.kind


def _paid_twice(
    bill: pl.DataFrame, held: pl.DataFrame, findings: Sequence[Finding]
) -> list[Finding]:
    """Return the orders for which more than one payment holds money, here or there."""
    sides: defaultdict[int, dict[str, tuple[int | None, str]]] = defaultdict(dict)
    for payment, order, net, _currency in held.iter_rows():
        if net > 0 and order is not None:
            sides[order][f"#{payment}"] = (payment, "")
    billed = (
        bill.filter(pl.col("standing") == int(Standing.SUCCEEDED))
        .group_by(_KEY)
        .agg(
            pl.col("order").drop_nulls().first(), pl.col("payment").first(),
            pl.col("reference").first(),
            pl.when(pl.col("item") == _PAYMENT).then(pl.col("amount"))
            .otherwise(-pl.col("amount")).sum().alias("net"),
            (pl.col("item") == _PAYMENT).any().alias("taken"),
        ).filter(pl.col("taken") & (pl.col("net") > 0) & pl.col("order").is_not_null())
    )  # fmt: skip
    unknown = {f"#{each.payment}" if each.payment is not None else f"?{each.reference}"
               for each in findings
               if each.kind in (Difference.MISSING_HERE, Difference.STATE)
               and each.item is Item.PAYMENT}  # fmt: skip
    for row in billed.filter(pl.col(_KEY).is_in(sorted(unknown))).iter_rows(named=True):
        sides[row["order"]][row[_KEY]] = (row["payment"], row["reference"])
    seen = set(billed.get_column("order")) | {each.order for each in findings}
    return [
        Finding(
            Difference.PAID_TWICE, Item.PAYMENT, None, order,
            next((reference for _, reference in holders.values() if reference), ""),
            _rows_of(bill, holders), (),
            tuple(payment for payment, _ in holders.values() if payment is not None),
        )
        for order, holders in sorted(sides.items())
        if len(holders) > 1 and order in seen
    ]  # fmt: skip


def _rows_of(bill: pl.DataFrame, holders: Mapping[str, object]) -> tuple[There, ...]:
    rows = bill.filter(pl.col(_KEY).is_in(sorted(holders)) & (pl.col("item") == _PAYMENT))
    return tuple(_there(row) for row in rows.sort("line").iter_rows(named=True))
