"""Over which days a page looks: a word in the URL, or two dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final, NamedTuple

from voidtrail.errors import WrongUse
from voidtrail.event.model import Micros
from voidtrail.runtime.app import House
from voidtrail.runtime.business_day import cutoff_us
from voidtrail.runtime.clock import to_datetime
from voidtrail.runtime.text import _, later
from voidtrail.web.console.formats import day

WORDS: Final = {
    "today": later("Today"), "yesterday": later("Yesterday"), "week": later("Last 7 days"),
    "month": later("Last 30 days"), "all": later("All time"),
}  # fmt: skip
_DAYS: Final = {"today": (0, 0), "yesterday": (1, 1), "week": (6, 0), "month": (29, 0)}


class Days(NamedTuple):
    """A period of business days, both included; "" for no bound.

    Attributes:
        word: of the URL, "" where two dates were given.
    """

    since: str
    until: str
    word: str

    @property
    def is_today(self) -> bool:
        """Whether it is the present day."""
        return self.word == "today"


def days_of(query: Mapping[str, str], today: date, default: str = "today") -> Days:
    """Return the period that a URL names.

    Raises:
        WrongUse: a date in it is none.

    >>> days_of({"period": "week"}, date(2026, 3, 8))
    Days(since='2026-03-02', until='2026-03-08', word='week')
    """
    word = query.get("period", "")
    if not word and (query.get("since") or query.get("until")):
        return Days(_date(query.get("since", "")), _date(query.get("until", "")), "")
    word = word if word in WORDS else default
    if word not in _DAYS:
        return Days("", "", word)
    first, last = _DAYS[word]
    return Days(f"{today - timedelta(first)}", f"{today - timedelta(last)}", word)


def _date(text: str) -> str:
    """Return a date as it stands in a URL, "" for none.

    Raises:
        WrongUse: it is no date.
    """
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        raise WrongUse(f"{text!r} is not a date; write it as 2026-03-01") from None


def today_of(house: House) -> date:
    """Return the present business day of the shops."""
    account = next((entry.account for entry in house.by_no.values()), None)
    zone, cutoff = (account.zone, account.cutoff) if account else ("UTC", "00:00")
    return business_day(house.clock(), zone, cutoff)


def business_day(now: Micros, zone: str, cutoff: str) -> date:
    """Return the business day to which an instant belongs."""
    return to_datetime(now - cutoff_us(cutoff), zone).date()


def periods() -> list[tuple[str, str]]:
    """Return the periods that have a word, with how they are called."""
    return [(word, _(said)) for word, said in WORDS.items()]


def period_label(query: Mapping[str, str], default: str = "today") -> str:
    """Say over which days a URL looks."""
    since, until = query.get("since", ""), query.get("until", "")
    word = query.get("period", "")
    if not word and (since or until):
        if since == until:
            return day(since)
        return f"{day(since) if since else '…'} – {day(until) if until else '…'}"
    return _(WORDS.get(word, WORDS[default]))
