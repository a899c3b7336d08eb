"""What can still be saved, laid out once for all who ask: amounts, lists and the largest.

Finding it takes longer than a page may, so a snapshot is taken beside the requests and says when.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from voidtrail.errors import WrongUse
from voidtrail.event.account import Account
from voidtrail.event.model import Actor, Method, Micros
from voidtrail.event.reason import How
from voidtrail.lifecycle.saving import candidates_sql, free_sql, until_sql
from voidtrail.lifecycle.verdict import Money, State
from voidtrail.money import currency_code
from voidtrail.runtime.app import House
from voidtrail.runtime.views.filtering import NO_CURRENCY, currency_of, spans, word
from voidtrail.runtime.views.overview_shapes import AtRisk
from voidtrail.runtime.views.paging import Found, Place, by_amount, page_of
from voidtrail.runtime.views.rows import ACCOUNT_NO, AMOUNT, amounts_of, rows_of
from voidtrail.runtime.views.shapes import Filter

_SQL: Final = (
    "SELECT p.payment_id, p.spoken_at, v.currency, "
    f"ifnull({AMOUNT}, -1), {ACCOUNT_NO}, coalesce(p.method_seen, 0) >> 8 & 255, v.state, v.how, "
    "v.actor, v.money, coalesce(p.test, 0) "
    f"FROM ({candidates_sql(':now')}) c CROSS JOIN verdict v ON v.payment_id = c.payment_id "
    "CROSS JOIN payment p ON p.payment_id = c.payment_id "
    f"WHERE p.spoken_at IS NOT NULL AND {until_sql(':now')} > :now AND {free_sql(':now')}"
)


class Chance(NamedTuple):
    """A payment that can still be saved; `amount` is -1 where nobody said how much."""

    payment_id: int
    began_at: Micros
    currency: int
    amount: int
    account_no: int
    method: int
    state: int
    how: int
    actor: int
    money: int
    test: int


_CURRENCY, _METHOD, _STATE, _HOW, _ACTOR, _MONEY = map(
    Chance._fields.index, ("currency", "method", "state", "how", "actor", "money")
)
_NEVER: Final = (0, 0)


class Snapshot(NamedTuple):
    """What could be saved at an instant of the ledger's clock."""

    at: Micros
    chances: list[Chance]


def snapshot(house: House) -> Snapshot:
    """Find what can still be saved now.

    Args:
        house: a house that reads.
    """
    now = house.ledger.head().tick
    rows = house.ledger.db.execute(_SQL, {"now": now})
    return Snapshot(now, [Chance._make(row) for row in rows])


def at_risk(house: House, taken: Snapshot, chosen: Filter, largest: int = 3) -> AtRisk:
    """Return how much of a snapshot a filter leaves, and its largest payments.

    Args:
        house: a house that reads.
        taken: the snapshot.
        chosen: as of a list of payments.
        largest: how many of the largest.
    """
    accounts = house.ledger.accounts()
    passes = _passing(chosen, accounts)
    sums: dict[str, int] = defaultdict(int)
    left = [each for each in taken.chances if passes(each)]
    for each in left:
        if each.amount > 0 and each.currency:
            sums[currency_code(each.currency)] += each.amount
    first = by_amount((each.payment_id, each.currency, each.amount) for each in left)[:largest]
    rows = rows_of(house.ledger.db, accounts, [each.payment_id for each in first], taken.at)
    return AtRisk(count=len(left), amounts=amounts_of(sums), largest=tuple(rows))


def listed(house: House, taken: Snapshot, chosen: Filter, place: Place, size: int) -> Found:
    """Return a page of what can still be saved.

    Args:
        house: a house that reads.
        taken: the snapshot.
        chosen: the filter; `order` says whether the latest or the largest come first.
        place: where the page before ended.
        size: most rows.
    """
    passes = _passing(chosen, house.ledger.accounts())
    left = [each for each in taken.chances if passes(each)]
    if chosen.order == "largest":
        places = by_amount((each.payment_id, each.currency, each.amount) for each in left)
    else:
        places = sorted((Place(each.began_at, each.payment_id) for each in left), reverse=True)
    return page_of(places, place, size)


def _passing(chosen: Filter, accounts: Mapping[int, Account]) -> Callable[[Chance], bool]:
    """Return the filter as a function; it passes what the filter in SQL does."""
    bounds = spans(chosen, accounts)
    wanted = [
        (place, word(words, text))
        for place, words, text in (
            (_STATE, State, chosen.state), (_HOW, How, chosen.how), (_ACTOR, Actor, chosen.actor),
            (_MONEY, Money, chosen.money), (_METHOD, Method, chosen.method),
        )
        if text
    ]  # fmt: skip
    if chosen.currency:
        wanted.append((_CURRENCY, currency_of(chosen.currency)))
    least, most = chosen.least, chosen.most
    if (least, most) != (None, None) and not chosen.currency:
        raise WrongUse(NO_CURRENCY)

    def passes(chance: Chance) -> bool:
        low, high = bounds.get(chance.account_no, _NEVER)
        return (
            low <= chance.began_at < high
            and (chosen.test or not chance.test)
            and all(chance[place] == number for place, number in wanted)
            and (least is None or chance.amount >= max(least, 0))
            and (most is None or 0 <= chance.amount <= most)
        )

    return passes
