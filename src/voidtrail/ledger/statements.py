"""The SQL texts of the SQLite store, built once from the columns of the house."""

from __future__ import annotations

from typing import Final

from voidtrail.event.codec import RECORD
from voidtrail.ledger.contract import DeliveryRow, Judge

EVENT_COLUMNS: Final = ("seq", "active", "conflict", "name_no", "id_key", *RECORD)


class Statements:
    """What is run for every group."""

    def __init__(self, judge: Judge) -> None:
        self.insert_event = (
            f"INSERT INTO event ({', '.join(EVENT_COLUMNS)}) "
            f"VALUES ({', '.join('?' * len(EVENT_COLUMNS))})"
        )
        self.insert_delivery = (
            f"INSERT INTO delivery ({', '.join(DeliveryRow._fields)}) "
            f"VALUES ({', '.join('?' * len(DeliveryRow._fields))})"
        )
        self.upsert_payment = judge.payment.insert_sql()
        self.upsert_operation = judge.operation.insert_sql()
        columns = ("payment_id", *judge.verdict)
        self.put_verdict = (
            f"INSERT OR REPLACE INTO verdict ({', '.join(columns)}) "
            f"VALUES ({', '.join('?' * len(columns))})"
        )
        self.payments = f"SELECT {', '.join(judge.payment.names)} FROM payment WHERE payment_id IN"
        self.operations = (
            f"SELECT {', '.join(judge.operation.names)} FROM operation WHERE payment_id IN"
        )
        self.verdicts = f"SELECT {', '.join(columns)} FROM verdict WHERE payment_id IN"
