"""The SQL texts of the SQLite store, built once from the columns of the house."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from voidtrail.event.codec import RECORD
from voidtrail.ledger.contract import DeliveryRow, Judge
from voidtrail.ledger.working import Changes

EVENT_COLUMNS: Final = ("seq", "active", "conflict", "name_no", "id_key", *RECORD)


def _insert(table: str, columns: Sequence[str]) -> str:
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"


class Statements:
    """What is run for every group."""

    def __init__(self, judge: Judge) -> None:
        self.insert_event = _insert("event", EVENT_COLUMNS)
        self.insert_delivery = _insert("delivery", DeliveryRow._fields)
        # Rows of payments that are new: what might be there already is not looked for.
        self.insert_payment = _insert("payment", judge.payment.names)
        self.upsert_payment = judge.payment.insert_sql()
        self.upsert_operation = judge.operation.insert_sql()
        columns = ("payment_id", *judge.verdict)
        self.insert_verdict = _insert("verdict", columns)
        self.put_verdict = self.insert_verdict.replace("INSERT", "INSERT OR REPLACE", 1)
        self.insert_notice = _insert("outbox", ("at", "payment_id", "quiet", "before", "after"))
        self.payments = f"SELECT {', '.join(judge.payment.names)} FROM payment WHERE payment_id IN"
        self.operations = (
            f"SELECT {', '.join(judge.operation.names)} FROM operation WHERE payment_id IN"
        )
        self.verdicts = f"SELECT {', '.join(columns)} FROM verdict WHERE payment_id IN"


def moves(changes: Changes) -> list[tuple[str, list[tuple[int, ...]]]]:
    """Return what puts names, payments and orders to the ones that they turned out to be."""
    payments = [(new, old) for old, new in changes.payment_moves.items()]
    orders = [(new, old) for old, new in changes.order_moves.items()]
    gone: list[tuple[int, ...]] = [(old,) for old in changes.payment_moves]
    return [
        ("UPDATE name SET payment_id = ? WHERE payment_id = ?", [*payments]),
        *((f"DELETE FROM {table} WHERE payment_id = ?", gone)
          for table in ("payment", "operation", "verdict")),
        ("UPDATE order_name SET order_id = ? WHERE order_id = ?", [*orders]),
        ("UPDATE payment SET order_id = ? WHERE order_id = ?", [*orders]),
    ]  # fmt: skip
