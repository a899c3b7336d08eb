"""Looking for payments in pages that stay fast: by time, by outcome, or among a few known.

Every way yields places in the same order (the latest beginning first, then the highest number), so
a cursor fits all of them.
"""

from __future__ import annotations

import base64
import binascii
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from voidtrail.errors import WrongUse
from voidtrail.event.model import Micros
from voidtrail.runtime.views.filtering import FAR, Question
from voidtrail.runtime.views.rows import AMOUNT

FEW: Final = 1_000
"""An outcome that no more payments have is looked up by itself, and sorted."""
SORTED_MOST: Final = 8_000
"""Of more payments than this only the latest are sorted by amount."""
_AMOUNT_BITS: Final = 50
_FIRST: Final = 512
_GROWTH: Final = 4
_BY_TIME: Final = (
    "FROM payment p INDEXED BY payment_spoken CROSS JOIN verdict v ON v.payment_id = p.payment_id"
)
_AFTER: Final = "p.spoken_at <= :at AND (p.spoken_at < :at OR p.payment_id < :id)"
_LATEST: Final = "ORDER BY p.spoken_at DESC, p.payment_id DESC"


class Place(NamedTuple):
    """Where a page ended: the sort key of its last payment, and its number."""

    at: int
    payment_id: int

    def text(self) -> str:
        """Return the cursor as it stands in a URL."""
        return base64.urlsafe_b64encode(msgspec.msgpack.encode(tuple(self))).decode().rstrip("=")


START: Final = Place(FAR, FAR)


def place_of(cursor: str) -> Place:
    """Return the place that a cursor means; the beginning for "".

    Raises:
        WrongUse: nobody gave out such a cursor.

    >>> place_of(Place(5, 7).text())
    Place(at=5, payment_id=7)
    """
    if not cursor:
        return START
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        return Place(*msgspec.msgpack.decode(packed, type=tuple[int, int]))
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise WrongUse("the address of this page is damaged; begin with the first page") from None


class Found(NamedTuple):
    """Payments of one page.

    Attributes:
        after: where the next page begins; None at the end.
        searched_to: the instant at which looking stopped early.
        total: how many there are on all pages, where that is known.
    """

    payment_ids: list[int]
    after: Place | None
    searched_to: Micros | None = None
    total: int | None = None


def page_of(places: Sequence[Place], place: Place, size: int) -> Found:
    """Return one page of all places there are, sorted; the greatest come first."""
    rest = [each for each in places if each < place]
    after = rest[size - 1] if len(rest) > size else None
    return Found([each.payment_id for each in rest[:size]], after, None, len(places))


def by_amount(payments: Iterable[tuple[int, int, int]]) -> list[Place]:
    """Return places by amount, the largest first; currencies are not compared.

    Args:
        payments: (payment, currency, amount in minor units); the currency of most of them comes
            first, then the one of second most.

    >>> [place.payment_id for place in by_amount([(1, 156, 5), (2, 840, 9), (3, 156, 7)])]
    [3, 1, 2]
    """
    known = list(payments)
    often = Counter(currency for _, currency, _ in known)
    ranks = {currency: rank for rank, currency in enumerate(sorted(
        often, key=lambda each: (often[each], each)))}  # fmt: skip
    return sorted(
        (Place((ranks[currency] << _AMOUNT_BITS) + amount + 1, pid)
         for pid, currency, amount in known), reverse=True,
    )  # fmt: skip


class Looking:
    """Looks for the payments of one question.

    Args:
        db: of the ledger; only read.
        asked: the question.
        size: most payments of a page.
        budget_s: how long to look by time.
    """

    def __init__(self, db: sqlite3.Connection, asked: Question, size: int, budget_s: float) -> None:
        self._db = db
        self._asked = asked
        self._size = size
        self._budget_s = budget_s

    def _rows(self, sql: str, **values: int) -> list[Any]:
        return self._db.execute(sql, values).fetchall()

    def among(self, payment_ids: Sequence[int], place: Place) -> Found:
        """Return those of a few known payments that pass."""
        numbers = ", ".join(map(str, payment_ids)) or "-1"
        places = self._rows(
            "SELECT p.spoken_at, p.payment_id FROM payment p CROSS JOIN verdict v "
            f"ON v.payment_id = p.payment_id WHERE p.payment_id IN ({numbers}) "
            f"AND p.spoken_at IS NOT NULL AND {self._asked.narrow} AND {self._asked.wide}"
        )
        return page_of(sorted((Place(*row) for row in places), reverse=True), place, self._size)

    def is_rare(self) -> bool:
        """Whether so few payments have the outcome asked for that all of them can be looked at."""
        outcome = self._asked.outcome
        if not outcome:
            return False
        ((few,),) = self._rows(
            f"SELECT count(*) FROM (SELECT 1 FROM verdict v INDEXED BY verdict_outcome "
            f"WHERE {outcome} LIMIT {FEW + 1})"
        )
        return int(few) <= FEW

    def _of_outcome(self) -> str:
        """Return the payments of the outcome asked for, from its index."""
        return (
            "FROM verdict v INDEXED BY verdict_outcome CROSS JOIN payment p "
            f"ON p.payment_id = v.payment_id WHERE {self._asked.outcome} "
            f"AND p.spoken_at IS NOT NULL AND {self._asked.narrow} AND {self._asked.wide}"
        )

    def rare(self, place: Place) -> Found:
        """Return a page of an outcome that few payments have."""
        places = self._rows(f"SELECT p.spoken_at, p.payment_id {self._of_outcome()}")
        return page_of(sorted((Place(*row) for row in places), reverse=True), place, self._size)

    def largest(self, place: Place) -> Found:
        """Return a page by amount; among very many payments, of the latest of them."""
        low, high = self._asked.began
        floor = None
        if self.is_rare():
            among = self._of_outcome()
        else:
            floor = self._floor(Place(high, 0), SORTED_MOST, low)
            among = (
                f"{_BY_TIME} WHERE p.spoken_at < {high} "
                f"AND p.spoken_at >= {low if floor is None else floor} "
                f"AND {self._asked.narrow} AND {self._asked.wide}"
            )
        rows = self._rows(f"SELECT p.payment_id, v.currency, ifnull({AMOUNT}, -1) {among}")
        return page_of(by_amount(rows), place, self._size)._replace(searched_to=floor)

    def latest(self, place: Place, also: str = "1 = 1") -> Found:
        """Return a page by time, looking back in growing steps for as long as there is time.

        Args:
            place: where the page before ended.
            also: a further condition on `p` that the index of lists can answer.
        """
        began = time.monotonic()
        low, high = self._asked.began
        found: list[Place] = []
        here = min(place, Place(high, -1)) if high < FAR else place
        step = _FIRST
        while True:
            floor = self._floor(here, step, low)
            bottom = low if floor is None else floor
            started = time.monotonic()
            rows = self._rows(
                f"SELECT p.spoken_at, p.payment_id {_BY_TIME} "
                f"WHERE {_AFTER} AND p.spoken_at >= :bottom AND {also} AND {self._asked.narrow} "
                f"AND {self._asked.wide} {_LATEST} LIMIT :most",
                at=here.at, id=here.payment_id, bottom=bottom, most=self._size + 1 - len(found),
            )  # fmt: skip
            found += [Place(*row) for row in rows]
            if len(found) > self._size:
                kept = found[: self._size]
                return Found([each.payment_id for each in kept], kept[-1])
            if floor is None:
                ids = [each.payment_id for each in found]
                return Found(ids, None, None, len(ids) if place == START else None)
            here = Place(bottom, -1)
            now = time.monotonic()
            left = self._budget_s - (now - began)
            per_row = max(now - started, 1e-6) / step
            step = min(step * _GROWTH, int(left / per_row))
            if step < _FIRST:
                return Found([each.payment_id for each in found], here, bottom)

    def _floor(self, here: Place, step: int, low: Micros) -> Micros | None:
        """Return where a step of so many payments ends; None if the period ends before."""
        row = self._db.execute(
            "SELECT spoken_at FROM payment INDEXED BY payment_spoken WHERE spoken_at <= ? "
            "AND spoken_at >= ? ORDER BY spoken_at DESC LIMIT 1 OFFSET ?", (here.at, low, step),
        ).fetchone()  # fmt: skip
        return None if row is None else int(row[0])
