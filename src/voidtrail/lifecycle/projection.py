"""The house's pure functions in the shape that a ledger wants them (see `ledger.contract.Judge`).

The ledger knows no payments: the runtime hands it this value, and the store, the replay and the
lake so share one definition.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from voidtrail.event.model import Micros, Role
from voidtrail.lattice import Fact, Row, Table
from voidtrail.lifecycle import join
from voidtrail.lifecycle.operation import legs
from voidtrail.lifecycle.terms import Terms
from voidtrail.lifecycle.verdict import (
    VERDICT,
    State,
    judge_with,
    money_speaker,
    verdict_sql,
)

_STATE: Final = VERDICT.index("state")
_HOW: Final = VERDICT.index("how")
_MONEY: Final = VERDICT.index("money")
_SEALED: Final = VERDICT.index("sealed")
_TOLD: Final = (_STATE, _HOW, _MONEY, _SEALED, *map(VERDICT.index, ("returned", "withdrawn")))
_SPEAKER, _TEST = (join.PAYMENT.names.index(name) for name in ("speaker", "test"))
_HISTORY: Final = frozenset({int(Role.BILL), int(Role.IMPORT)})


class Projection:
    """Joins, verdict and what is worth telling, under given terms."""

    payment: Table = join.PAYMENT
    operation: Table = join.OPERATION
    operation_kinds: frozenset[int] = join.OPERATION_KINDS
    verdict: tuple[str, ...] = VERDICT
    facts_sql: str = join.FACTS_SQL
    operation_where: str = join.OPERATION_WHERE

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._judge = judge_with(terms)

    def fact(self, record: tuple[Any, ...], payment_id: int, order_id: int | None) -> Fact:
        """Return the fact of a record."""
        return join.fact(record, payment_id, order_id)

    def verdict_of(self, payment: Row, operations: Sequence[Row], now: Micros) -> tuple[int, ...]:
        """Return the verdict's columns."""
        known = legs(operations, money_speaker(payment))
        return self._judge(payment, known, now)  # type: ignore[return-value]

    def verdict_sql(self, payment: str, operation: str, now: Micros) -> str:
        """Return the query of all verdicts."""
        return verdict_sql(payment, operation, self.terms, now)

    def definition(self) -> str:
        """Return the query of verdicts under default terms: it changes when their meaning does."""
        return verdict_sql("payment", "operation", Terms(), 0)

    def quiet(self, payment: Row, *, by_time: bool) -> int:
        """Return why nobody is to hear of it: test traffic (2), the silence of mere history (1)."""
        silence = by_time and (payment[_SPEAKER] or 0) >> 32 in _HISTORY
        return (2 if payment[_TEST] == 1 else 0) | int(silence)

    def tells(self, before: tuple[int, ...] | None, after: tuple[int, ...]) -> bool:
        """Whether state, way of ending, money or seal changed; a first "open" is no news."""
        if before is None:
            return after[_STATE] not in (State.OPEN, State.UNKNOWN)
        return any(before[at] != after[at] for at in _TOLD)
