"""What has just changed, in the order of the outbox: the rows of the live feed.

History is no news; test traffic is, and says so. A shop's word on an order whose payment a platform
knows is a shadow of that payment, and left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from voidtrail.event.model import Actor, Micros
from voidtrail.event.reason import How
from voidtrail.ledger.contract import HISTORY
from voidtrail.lifecycle.verdict import State
from voidtrail.runtime.app import House
from voidtrail.runtime.outbox import Notice, notices
from voidtrail.runtime.views.shapes import Amount, Shape

SCAN_MAX: Final = 20_000
_LATEST: Final = "SELECT ifnull(max(no), 0) FROM outbox"
_NEWS: Final = f"FROM outbox WHERE no > ? AND no <= ? AND quiet & {HISTORY} = 0"
_COLUMNS: Final = "no, at, payment_id, quiet, before, after"


class NewsRow(Shape, frozen=True, kw_only=True):
    """One change of one payment.

    Attributes:
        no: number in the outbox.
        payment: its name, as "stripe/main/pi_1": the address of its page.
        order: the shop's reference, "" if nobody said.
        before: the state until then, "" if it had none.
        test: test traffic.
        zone: of the shop.
    """

    no: int
    at: Micros
    payment: str
    reference: str
    order: str
    before: str
    state: str
    how: str
    actor: str
    amount: Amount | None
    source: str
    method: str
    shop: str
    test: bool
    zone: str


class News(NamedTuple):
    """What came after some number.

    Attributes:
        rows: oldest first.
        left_out: how many before these were too many to be read.
        up_to: the number up to which everything was looked at.
        more: there is more behind that.
    """

    rows: Sequence[NewsRow]
    left_out: int
    up_to: int
    more: bool = False


def latest(house: House) -> int:
    """Return the number of the newest notice; 0 if there is none."""
    return int(house.ledger.db.execute(_LATEST).fetchone()[0])


def since(house: House, after: int, limit: int) -> News:
    """Return what came after a number; where there is too much, the latest of it.

    Args:
        house: over a connection that may only read.
        after: a number in the outbox.
        limit: most rows.
    """
    newest = latest(house)
    up_to = min(newest, after + SCAN_MAX)
    found = house.ledger.db.execute(
        f"SELECT {_COLUMNS} {_NEWS} ORDER BY no DESC LIMIT ?", (after, up_to, limit)
    ).fetchall()
    left_out = _count(house, after, found[-1][0] - 1) if len(found) == limit else 0
    return News(_rows(house, found[::-1]), left_out, max(after, up_to), up_to < newest)


def page(house: House, after: int, limit: int) -> News:
    """Return the first that came after a number, nothing left out; of `SCAN_MAX` notices at most.

    Args:
        house: over a connection that may only read.
        after: a number in the outbox.
        limit: most rows.
    """
    newest = latest(house)
    begin = max(after, newest - SCAN_MAX)
    found = house.ledger.db.execute(
        f"SELECT {_COLUMNS} {_NEWS} ORDER BY no LIMIT ?", (begin, newest, limit)
    ).fetchall()
    up_to = found[-1][0] if len(found) == limit else max(begin, newest)
    return News(_rows(house, found), _count(house, after, begin), up_to, up_to < newest)


def recent(house: House, limit: int) -> News:
    """Return the latest changes, oldest first, and the number behind which to go on listening."""
    newest = latest(house)
    return since(house, max(0, newest - SCAN_MAX), limit)._replace(left_out=0)


def _count(house: House, after: int, up_to: int) -> int:
    if up_to <= after:
        return 0
    return int(house.ledger.db.execute(f"SELECT count(*) {_NEWS}", (after, up_to)).fetchone()[0])


def _rows(house: House, found: Sequence[tuple[Any, ...]]) -> tuple[NewsRow, ...]:
    return tuple(
        _row(each)
        for each in notices(house.ledger, found)
        if each.about.source and not each.about.shadow
    )


def _row(notice: Notice) -> NewsRow:
    about, after = notice.about, notice.after
    amount = None
    if about.amount_minor is not None:
        amount = Amount(minor=about.amount_minor, currency=about.currency)
    return NewsRow(
        no=notice.no, at=notice.at, order=about.order, reference=about.payment,
        payment=about.name,
        before=State(notice.before.state).name.lower() if notice.before else "",
        state=State(after.state).name.lower(), how=How(after.how).name.lower(),
        actor=Actor(after.actor).name.lower(), amount=amount, source=about.source,
        method=about.method, shop=about.shop, test=about.test,
        zone=about.zone,
    )  # fmt: skip
