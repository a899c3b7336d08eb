"""Proofs: for every order of a bill, what both sides say, across all rails, as JSON lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl

from voidtrail.event.bill import Item, Standing
from voidtrail.insight.counterpart import Here, There
from voidtrail.insight.reconciliation import Finding
from voidtrail.ledger.connection import marks
from voidtrail.runtime.app import House
from voidtrail.runtime.reconciling.books import parts
from voidtrail.runtime.reconciling.comparing import Compared
from voidtrail.runtime.reconciling.describing import Words
from voidtrail.runtime.reconciling.shapes import WORDS, Side

_SLICE: Final = 2_000


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """One order (or one payment without one).

    Attributes:
        agreed: nothing about it is open.
        findings: kinds of what is not the same.
        there: the bill's rows.
        here: our legs.
        payments: every payment of the order, on any rail, with its state and what it holds.
    """

    order: str
    agreed: bool
    findings: tuple[str, ...]
    there: tuple[Side, ...]
    here: tuple[Side, ...]
    payments: tuple[Side, ...]


def write_proofs(house: House, rows: pl.DataFrame, compared: Compared, path: Path) -> int:
    """Write the proof of every order of a bill; return how many there were."""
    count = 0
    with path.open("wb") as file:
        for proof in proofs(house, rows, compared):
            file.write(msgspec.json.encode(proof) + b"\n")
            count += 1
    return count


def proofs(house: House, rows: pl.DataFrame, compared: Compared) -> Iterator[Proof]:
    """Yield the proof of every order that the bill or our legs of its period name."""
    bill, legs = compared.bill, compared.legs.filter(pl.col("required"))
    owner = _orders(house, [*bill.get_column("payment").drop_nulls(), *legs.get_column("payment")])
    grouped: defaultdict[str, tuple[list[Any], list[Any], list[Finding]]] = defaultdict(
        lambda: ([], [], [])
    )
    for row in bill.iter_rows(named=True):
        grouped[_key(row["order"], row["payment"], row["reference"])][0].append(row)
    for leg in legs.iter_rows(named=True):
        grouped[_key(owner.get(leg["payment"]), leg["payment"], "")][1].append(leg)
    for finding in compared.found.findings:
        order = finding.order if finding.payment is None else owner.get(finding.payment,
                                                                       finding.order)  # fmt: skip
        grouped[_key(order, finding.payment, finding.reference)][2].append(finding)
    keys = sorted(grouped)
    for start in range(0, len(keys), _SLICE):
        part = keys[start : start + _SLICE]
        yield from _slice(house, rows, {key: grouped[key] for key in part})


def _key(order: int | None, payment: int | None, reference: str) -> str:
    if order is not None:
        return f"order {order}"
    return f"payment {payment}" if payment is not None else f"bill {reference}"


def _orders(house: House, payments: list[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for part in parts(payments):
        text, padded = marks(part)
        found.update(house.ledger.db.execute(
            "SELECT payment_id, order_id FROM payment WHERE order_id IS NOT NULL "
            f"AND payment_id IN {text}", padded))  # fmt: skip
    return found


def _slice(
    house: House, rows: pl.DataFrame, grouped: dict[str, tuple[list[Any], list[Any], list[Finding]]]
) -> Iterator[Proof]:
    words = Words(house, rows)
    orders = {int(key[6:]) for key in grouped if key.startswith("order ")}
    members = _members(house, orders)
    alone = {int(key[8:]) for key in grouped if key.startswith("payment ")}
    named = {row["payment"] for each in grouped.values() for row in (*each[0], *each[1])}
    lines = [row["line"] for each in grouped.values() for row in each[0]]
    lines += [row.line for each in grouped.values() for found in each[2] for row in found.there]
    words.learn({*alone, *(pid for each in members.values() for pid in each),
                 *(pid for pid in named if pid is not None)}, orders, lines)  # fmt: skip
    for key, (there, here, findings) in grouped.items():
        order = int(key[6:]) if key.startswith("order ") else None
        payments = members.get(order, []) if order is not None else (
            [int(key[8:])] if key.startswith("payment ") else [])  # fmt: skip
        text = words.order(order) or next((words.order_of(row["line"]) for row in there), "")
        yield Proof(
            order=text, agreed=not any(each.is_open for each in findings),
            findings=tuple(dict.fromkeys(WORDS[each.kind] for each in findings)),
            there=tuple(words.there(_there(row)) for row in there),
            here=tuple(words.here(_here(leg), leg["payment"]) for leg in here),
            payments=tuple(words.holder(pid) for pid in payments),
        )  # fmt: skip


def _there(row: dict[str, Any]) -> There:
    return There(row["line"], Item(row["item"]), Standing(row["standing"]), row["amount"],
                 row["currency"], None, row["at"])  # fmt: skip


def _here(leg: dict[str, Any]) -> Here:
    return Here(leg["no"], Item(leg["item"]), Standing(leg["standing"]), leg["amount"],
                leg["currency"], None, leg["at"])  # fmt: skip


def _members(house: House, orders: set[int]) -> dict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for part in parts(sorted(orders)):
        text, padded = marks(part)
        for order, pid in house.ledger.db.execute(
            "SELECT order_id, payment_id FROM payment WHERE mover_no IS NOT NULL "
            f"AND order_id IN {text} ORDER BY payment_id", padded,
        ):  # fmt: skip
            found[order].append(pid)
    return found
