"""How the closing of a payment stands, and its late success: what pages and commands show of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from voidtrail.event.account import Account
from voidtrail.event.model import Micros, Role
from voidtrail.ledger.messages import DEAD, Message
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.lifecycle import seal
from voidtrail.lifecycle.seal import Case
from voidtrail.lifecycle.verdict import State, Verdict
from voidtrail.runtime.clock import to_text
from voidtrail.runtime.deeds.desk import KIND, cases_of, policy_in_force, verb_at
from voidtrail.sources.registry import SOURCES

SealState = Literal[
    "none", "sealed", "off", "dry_run", "impossible", "waiting", "failed", "unordered"
]
_WAITING_SQL: Final = (
    "SELECT {} FROM message WHERE kind = ? AND target = ? AND lane = ? AND state < 2 "
    "AND lane <> '' ORDER BY no DESC LIMIT 1"
)
_DEAD_SQL: Final = (
    f"SELECT {{}} FROM message WHERE kind = ? AND target = ? AND lane = ? AND state = {DEAD} "
    "ORDER BY no DESC LIMIT 1"
)


class Sealing(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a payment can still be paid, and why so.

    Attributes:
        state: "none" (it is not called off), "sealed"; else why not: policy says "off" or
            "dry_run", its platform cannot ("impossible"), the order to close it is "waiting", it
            "failed", or it was never given ("unordered").
        why: the platform's or our word on it.
        tries: how often it was tried in vain.
        due_at: when it is tried next.
    """

    state: SealState
    why: str = ""
    tries: int = 0
    due_at: Micros | None = None


class Standings:
    """Reads of one moment of the store."""

    def __init__(self, ledger: SqliteLog) -> None:
        self._ledger = ledger
        self._policy = policy_in_force(ledger)
        self._cases = cases_of(ledger)

    def case(self, names: Sequence[str]) -> Case | None:
        """Return the late success of a payment by its names, None if there was none."""
        for name in names:
            found = self._cases.get(name)
            if found is not None and found.state != "revived":
                return found
        return None

    def sealing(self, names: Sequence[str], verdict: Verdict, account: Account) -> Sealing:
        """Return how the closing of a payment stands."""
        if verdict.state != State.CANCELLED:
            return Sealing(state="none")
        if verdict.sealed:
            return Sealing(state="sealed")
        ordered = self._ordered(names, f"{account.source}/{account.name}")
        if ordered is not None:
            state: SealState = "failed" if ordered.state == DEAD else "waiting"
            due_at = None if ordered.state == DEAD else ordered.due_at
            return Sealing(state=state, why=ordered.last_error, tries=ordered.tries, due_at=due_at)
        policy = self._policy.of(account.source, account.shop, seal.how_of(verdict))
        if policy.mode != "on":
            return Sealing(state=policy.mode)
        source = SOURCES.get(account.source)
        if source is None or source.IDENTITY.role is not Role.MOVER:
            return Sealing(state="impossible")
        verb = verb_at(source, seal.verb(verdict))
        return Sealing(state="impossible" if verb is None else "unordered")

    def _ordered(self, names: Sequence[str], target: str) -> Message | None:
        columns = ", ".join(Message._fields)
        for select in (_WAITING_SQL, _DEAD_SQL):
            for name in names:
                row = self._ledger.db.execute(
                    select.format(columns), (KIND, target, name)
                ).fetchone()
                if row is not None and b'"why":"seal"' in row[Message._fields.index("body")]:
                    return Message(*row)
        return None


def told(sealing: Sealing, case: Case | None, zone: str) -> dict[str, Any]:
    """Return both as `voidtrail show --json` prints them."""
    return {
        "seal": {"state": sealing.state, "why": sealing.why, "tries": sealing.tries,
                 "due_at": to_text(sealing.due_at, zone)},
        "late_success": None if case is None else told_case(case, zone),
    }  # fmt: skip


def told_case(case: Case, zone: str = "UTC") -> dict[str, Any]:
    """Return a late success for machines."""
    return {
        "payment": case.payment, "order": case.order, "state": case.state, "how": case.how,
        "opened_at": to_text(case.opened_at, zone),
        "amount_minor": case.amount_minor, "currency": case.currency,
        "resolution": case.resolution, "proposed_by": case.proposed_by,
        "resolved_by": case.resolved_by, "outcome": case.outcome, "code": case.code,
        "rehearsed": case.rehearsed,
    }  # fmt: skip
