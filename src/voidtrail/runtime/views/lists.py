"""Lists of payments: any filter, in pages that stay fast among millions; and the search.

A page goes on where the one before ended, so no payment comes twice and none is left out, whatever
arrives meanwhile. A filter that hardly anything passes could make a page look through everything:
then it ends early, says how far it looked, and its cursor goes on from there.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from voidtrail.money import exponent
from voidtrail.runtime.app import House
from voidtrail.runtime.finding import meant
from voidtrail.runtime.views.filtering import question
from voidtrail.runtime.views.paging import START, Found, Looking, place_of
from voidtrail.runtime.views.rows import AMOUNT, rows_of
from voidtrail.runtime.views.saving import Snapshot, listed, snapshot
from voidtrail.runtime.views.shapes import Filter, Hit, Page
from voidtrail.runtime.views.shapes import Found as Search

PER_PAGE: Final = 50
BUDGET_S: Final = 0.03
"""How long a page may look for payments that pass its filter."""
HITS: Final = 20
_MONEY: Final = re.compile(r"[^\w.,-]?\s*([0-9]{1,3}(?:,?[0-9]{3})*(?:\.[0-9]{1,3})?)")
_CARD: Final = (
    "SELECT DISTINCT n.payment_id FROM event e INDEXED BY event_card "
    "JOIN name n ON n.no = e.name_no "
    'WHERE substr(e.dimensions, instr(e.dimensions, \'"card_last4":"\') + 14, 4) = ? '
    'AND instr(e.dimensions, \'"card_last4":"\') > 0 ORDER BY e.seq DESC LIMIT ?'
)


def page(
    house: House, chosen: Filter, cursor: str = "", size: int = PER_PAGE, *,
    saving: Snapshot | None = None, budget_s: float = BUDGET_S,
) -> Page:  # fmt: skip
    """Return a page of payments.

    Args:
        house: a house that reads.
        chosen: which payments.
        cursor: of the page before; "" begins.
        size: most rows.
        saving: what can be saved, as found beside the requests; None finds it now.
        budget_s: how long to look.

    Raises:
        WrongUse: a word of the filter is not known, or the cursor is damaged.
    """
    accounts = house.ledger.accounts()
    asked, place = question(chosen, accounts), place_of(cursor)
    looking = Looking(house.ledger.db, asked, size, budget_s)
    if asked.nothing:
        found = Found([], None, None, 0)
    elif chosen.query:
        ids = [pid for each in _meanings(house, chosen.query) for pid in each.payment_ids]
        found = looking.among(ids, place)
    elif chosen.saveable:
        found = listed(house, saving or snapshot(house), chosen, place, size)
    elif chosen.order == "largest":
        found = looking.largest(place)
    elif looking.is_rare():
        found = looking.rare(place)
    else:
        found = looking.latest(place)
    now = house.ledger.head().tick
    return Page(
        rows=tuple(rows_of(house.ledger.db, accounts, found.payment_ids, now)),
        cursor=found.after.text() if found.after else "",
        searched_to=found.searched_to, count=found.total,
    )  # fmt: skip


class _Meaning(NamedTuple):
    """What a text may mean, and the payments that it then means."""

    by: Literal["order", "payment", "operation", "amount", "card"]
    payment_ids: list[int]


def found(house: House, text: str) -> Search:
    """Return what a text may mean: a reference, else a card's last four or an amount.

    Args:
        house: a house that reads.
        text: as somebody wrote it.
    """
    accounts, db = house.ledger.accounts(), house.ledger.db
    looking = Looking(db, question(Filter(test=True), accounts), HITS, BUDGET_S)
    hits: list[Hit] = []
    more = False
    for by, ids in _meanings(house, text):
        page_of_ids = looking.among(ids, START)
        rows = rows_of(db, accounts, page_of_ids.payment_ids, house.ledger.head().tick)
        hits += [Hit(by=by, matched=text.strip(), row=row) for row in rows]
        more = more or page_of_ids.after is not None
    return Search(query=text, hits=tuple(hits), only=_only(hits), more=more)


def _only(hits: list[Hit]) -> str:
    """Return the one order that was meant by its own or a platform's reference; "" if none."""
    if any(hit.by in ("amount", "card") for hit in hits):
        return ""
    orders = {
        f"order/{hit.row.shop}/{hit.row.order}" if hit.row.order else hit.row.payment
        for hit in hits
    }
    return orders.pop() if len(orders) == 1 else ""


def _meanings(house: House, text: str) -> list[_Meaning]:
    """Return what a text may mean; a reference is nothing else besides."""
    text, db = text.strip(), house.ledger.db
    named = meant(db, house.ledger.accounts().values(), text)
    if named is not None:
        return [_Meaning(named.by, named.payment_ids)]
    meanings = []
    if len(text) == 4 and text.isascii() and text.isdigit():
        rows = db.execute(_CARD, (text, HITS + 1))
        meanings.append(_Meaning("card", [pid for (pid,) in rows]))
    amount = _MONEY.fullmatch(text)
    if amount:
        meanings.append(_Meaning("amount", _of_amount(house, Decimal(amount[1].replace(",", "")))))
    return [each for each in meanings if each.payment_ids]


def _of_amount(house: House, amount: Decimal) -> list[int]:
    """Return the latest payments of an amount in major units, as far back as there is time."""
    accounts = house.ledger.accounts()
    minors = {digits: amount.scaleb(digits) for digits in (0, 2, 3)}
    whole = ", ".join(str(int(minor)) for minor in minors.values() if minor == int(minor))
    asked = question(Filter(test=True), accounts)
    asked = asked._replace(wide=f"({AMOUNT}) IN ({whole})")
    looking = Looking(house.ledger.db, asked, HITS + 1, BUDGET_S)
    ids = looking.latest(START, f"p.asked_minor IN ({whole})").payment_ids
    return [
        row_id
        for row_id, row in zip(ids, rows_of(house.ledger.db, accounts, ids, 0), strict=True)
        if row.amount and row.amount.currency
        and minors.get(exponent(row.amount.currency)) == row.amount.minor
    ]  # fmt: skip
