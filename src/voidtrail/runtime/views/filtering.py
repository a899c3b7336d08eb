"""A filter of payments as SQL: the same payments that the report counts for the same words."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, NamedTuple

from voidtrail.errors import WrongUse
from voidtrail.event.account import Account
from voidtrail.event.model import Actor, Method, Micros
from voidtrail.event.reason import How
from voidtrail.lifecycle.verdict import Money, State
from voidtrail.money import currency_number
from voidtrail.runtime import business_day
from voidtrail.runtime.views.rows import ACCOUNT_NO, AMOUNT
from voidtrail.runtime.views.shapes import Filter

FAR: Final = 2**62
NO_CURRENCY: Final = "amounts of different currencies are not compared; name a currency"
_OUTCOMES: Final[tuple[tuple[str, type[IntEnum]], ...]] = (
    ("state", State), ("how", How), ("actor", Actor), ("money", Money),
)  # fmt: skip


class Question(NamedTuple):
    """A filter, ready to be asked of the store.

    Attributes:
        began: bounds of the instant at which a payment began, over all shops: from, to.
        narrow: conditions that the index of lists can answer, on `p`.
        wide: conditions on the whole row of `p` and its verdict `v`.
        outcome: condition on `v` alone that its index can answer; "" if there is none.
        nothing: no payment can be meant, as by a shop that does not exist.
    """

    began: tuple[Micros, Micros]
    narrow: str
    wide: str
    outcome: str
    nothing: bool = False


def question(chosen: Filter, accounts: Mapping[int, Account]) -> Question:
    """Return what a filter asks of the store.

    Args:
        chosen: as in the page's URL.
        accounts: all that the ledger knows, by number.

    Raises:
        WrongUse: a word, date or currency is not known, or amounts come without currency.
    """
    bounds = spans(chosen, accounts)
    if not bounds:
        return Question((0, 0), "1 = 0", "1 = 0", "", nothing=True)
    began = min(low for low, _ in bounds.values()), max(high for _, high in bounds.values())
    outcome = _outcome(chosen)
    narrow = [_within(bounds), f"NOT {_shadow(chosen, accounts)}"]
    if not chosen.test:
        narrow.append("coalesce(p.test, 0) = 0")
    if chosen.method:
        narrow.append(f"(coalesce(p.method_seen, 0) >> 8 & 255) = {word(Method, chosen.method)}")
    wide = [outcome] if outcome else []
    if chosen.currency:
        wide.append(f"v.currency = {currency_of(chosen.currency)}")
    wide += _amounts(chosen)
    return Question(began, " AND ".join(narrow), " AND ".join(wide) or "1 = 1", outcome)


def spans(chosen: Filter, accounts: Mapping[int, Account]) -> dict[int, tuple[Micros, Micros]]:
    """Return the accounts that a filter leaves, by number, each with its own period.

    Args:
        chosen: as in the page's URL.
        accounts: all that the ledger knows, by number.
    """
    return {
        no: (
            _bound(chosen.since, account, -FAR, end=False),
            _bound(chosen.until, account, FAR, end=True),
        )
        for no, account in accounts.items()
        if chosen.source in ("", account.source) and chosen.account in ("", account.name)
        and chosen.shop in ("", account.shop) and chosen.entity in ("", account.entity)
        and (chosen.test or account.mode != "test")
    }  # fmt: skip


def _bound(text: str, account: Account, otherwise: Micros, *, end: bool) -> Micros:
    found = business_day.bound(text or None, account.zone, account.cutoff, end=end)
    return otherwise if found is None else found


def _within(bounds: Mapping[int, tuple[Micros, Micros]]) -> str:
    """Return the condition on account and period; shops have business days of their own."""
    together: dict[tuple[Micros, Micros], list[int]] = {}
    for no, span in bounds.items():
        together.setdefault(span, []).append(no)
    parts = []
    for (low, high), numbers in sorted(together.items()):
        among = f"{ACCOUNT_NO} IN ({', '.join(map(str, sorted(numbers)))})"
        since = "" if low == -FAR else f" AND p.spoken_at >= {low}"
        until = "" if high == FAR else f" AND p.spoken_at < {high}"
        parts.append(f"({among}{since}{until})")
    return f"({' OR '.join(parts)})"


def _shadow(chosen: Filter, accounts: Mapping[int, Account]) -> str:
    """Return the condition that only a shop spoke, of an order with a payment that counts."""
    live = ""
    if not chosen.test:
        numbers = [str(no) for no, account in accounts.items() if account.mode != "test"]
        among = ACCOUNT_NO.replace("p.", "s.")
        live = f" AND coalesce(s.test, 0) = 0 AND {among} IN ({', '.join(numbers)})"
    return (
        "(p.placeholder = 1 AND p.order_id IS NOT NULL AND EXISTS (SELECT 1 FROM payment s "
        "WHERE s.order_id = p.order_id AND s.placeholder = 0 AND s.spoken_at IS NOT NULL"
        f"{live}))"
    )


def _outcome(chosen: Filter) -> str:
    """Return the condition on the verdict's words, so that its index can be used by any of them."""
    asked = {name: getattr(chosen, name) for name, _ in _OUTCOMES}
    if not any(asked.values()):
        return ""
    last = max(place for place, (name, _) in enumerate(_OUTCOMES) if asked[name])
    parts = []
    for name, words in _OUTCOMES[: last + 1]:
        if asked[name]:
            parts.append(f"v.{name} = {word(words, asked[name])}")
        else:
            every = ", ".join(str(int(word)) for word in words)
            parts.append(f"v.{name} IN ({every})")
    return " AND ".join(parts)


def word(words: type[IntEnum], text: str) -> int:
    """Return the number of a word of an enumeration.

    Raises:
        WrongUse: it has no such word.

    >>> word(State, "cancelled")
    2
    """
    try:
        return int(words[text.upper()])
    except KeyError:
        known = ", ".join(word.name.lower() for word in words)
        raise WrongUse(f"{text!r} is not known; known: {known}") from None


def currency_of(code: str) -> int:
    """Return a currency's number.

    Raises:
        WrongUse: it is not a currency's code.
    """
    try:
        return currency_number(code.upper())
    except ValueError:
        raise WrongUse(f"{code!r} is not a currency's code; write it as CNY") from None


def _amounts(chosen: Filter) -> list[str]:
    if chosen.least is None and chosen.most is None:
        return []
    if not chosen.currency:
        raise WrongUse(NO_CURRENCY)
    least = [] if chosen.least is None else [f"({AMOUNT}) >= {int(chosen.least)}"]
    most = [] if chosen.most is None else [f"({AMOUNT}) <= {int(chosen.most)}"]
    return least + most
