"""Money that is held and of which nobody has spoken for a day: its platform is asked.

A held payment waits for the merchant, so its silence decides nothing. But a notice of its end may
have been lost, and some platforms send none.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from voidtrail.event.model import Actor, Micros
from voidtrail.event.reason import How
from voidtrail.lifecycle.verdict import Money, State
from voidtrail.runtime.app import House

EVERY_S: Final = 600
"""How often it is looked for."""
_SQL: Final = (
    "SELECT v.payment_id, p.home_no FROM verdict v INDEXED BY verdict_outcome "
    "CROSS JOIN payment p ON p.payment_id = v.payment_id "
    f"WHERE v.state = {int(State.OPEN)} AND v.how = {int(How.NONE)} "
    f"AND v.actor = {int(Actor.UNKNOWN)} AND v.money = {int(Money.HELD)} AND v.asking = 0 "
    "AND max(ifnull(p.last_at, 0), ifnull(p.answered_at, 0)) < ? AND v.payment_id > ? "
    "AND p.home_no IN ({}) ORDER BY v.payment_id LIMIT ?"
)


class Held(NamedTuple):
    """A payment whose money is held, and the account at which it is."""

    payment_id: int
    account_no: int


def unheard_of(house: House, before: Micros, after: int, limit: int) -> list[Held]:
    """Return held payments of which nobody spoke, and which nobody looked up, since an instant.

    Args:
        house: the house; of its twin in memory nothing is returned.
        before: that instant.
        after: only payments with a higher number.
        limit: most payments to return.
    """
    askable = house.terms.askable
    db = getattr(house.ledger, "db", None)
    if db is None or not askable:
        return []
    rows = db.execute(_SQL.format(", ".join(map(str, askable))), (before, after, limit))
    return [Held(*row) for row in rows]
