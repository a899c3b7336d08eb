"""The page of sources: how each account does, what waits to be understood, what contradicts."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import Final

import msgspec

from voidtrail.event.account import Account
from voidtrail.event.model import Micros, Via
from voidtrail.ledger.contract import Log, Receipt
from voidtrail.runtime import business_day
from voidtrail.runtime.app import House
from voidtrail.runtime.clock import to_datetime
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.views.revealing import kept
from voidtrail.runtime.views.source_shapes import (
    Conflict,
    Quarantine,
    Quarantined,
    Reread,
    SourceHealth,
)

_DAYS: Final = 7
_PAGE: Final = 50
_REFUSALS_MOST: Final = 20_000
_WAITS: Final = (
    "d.outcome = 1 AND NOT EXISTS (SELECT 1 FROM delivery again "
    "WHERE again.repeat_of = d.seq AND again.outcome = 0)"
)


def health(house: House) -> tuple[SourceHealth, ...]:
    """Return how every account does, the configured ones first.

    Args:
        house: a house that reads.
    """
    db, now = house.ledger.db, house.clock()
    accounts = house.ledger.accounts()
    refused = _refused(house, now - _DAYS * business_day.DAY)
    waiting = _counts(house, f"FROM delivery d INDEXED BY delivery_quarantine WHERE {_WAITS}")
    unread = _counts(house, "FROM delivery d INDEXED BY delivery_quarantine "
                     "WHERE outcome = 1 AND received_at >= ?",
                     now - _DAYS * business_day.DAY)  # fmt: skip
    clashes = _counts(
        house, "FROM event d INDEXED BY event_conflict WHERE conflict = 1 AND active = 1"
    )
    found = []
    for no, account in accounts.items():
        days = _by_day(house, no, account, now)
        last = db.execute(
            "SELECT max(received_at) FROM delivery WHERE account_no = ?", (no,)
        ).fetchone()[0]
        source = house.sources.get(account.source)
        hooked = source is not None and source.CAPABILITIES.webhook
        found.append(
            SourceHealth(
                source=account.source, account=account.name, shop=account.shop,
                entity=account.entity, mode=account.mode, zone=account.zone,
                cutoff=account.cutoff, configured=no in house.by_no,
                hook=f"/hooks/{account.source}/{account.name}" if hooked else "",
                last_at=last, today=days[-1], week=sum(days), by_day=tuple(days),
                quarantined=waiting.get(no, 0), unreadable_week=unread.get(no, 0),
                refused=dict(sorted(refused[no].items())), conflicts=clashes.get(no, 0),
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda each: (not each.configured, each.mode == "test")))


def _counts(house: House, rest: str, *values: int) -> dict[int, int]:
    """Return how many rows of deliveries or events each account has."""
    query = f"SELECT d.account_no, count(*) {rest} GROUP BY d.account_no"
    return dict(house.ledger.db.execute(query, values).fetchall())


def _by_day(house: House, no: int, account: Account, now: Micros) -> list[int]:
    """Return how many deliveries came on each of the last business days."""
    today = to_datetime(now - business_day.cutoff_us(account.cutoff), account.zone).date()
    days = [(today - timedelta(back)).isoformat() for back in reversed(range(_DAYS))]
    bounds = [business_day.bound(day, account.zone, account.cutoff, end=False) for day in days]
    ends = [*bounds[1:], business_day.bound(days[-1], account.zone, account.cutoff, end=True)]
    return [
        house.ledger.db.execute(
            "SELECT count(*) FROM delivery WHERE account_no = ? AND received_at >= ? "
            "AND received_at < ?", (no, since, until),
        ).fetchone()[0]
        for since, until in zip(bounds, ends, strict=True)
    ]  # fmt: skip


def _refused(house: House, since: Micros) -> defaultdict[int, Counter[str]]:
    """Return refused deliveries by account and code, as the worker wrote them down."""
    found: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for at, body in house.ledger.db.execute(
        "SELECT at, body FROM control WHERE kind = 'refused' ORDER BY seq DESC LIMIT ?",
        (_REFUSALS_MOST,),
    ):
        if at < since:
            break
        for each in msgspec.json.decode(body):
            found[each["account_no"]][each["code"]] += each["count"]
    return found


def quarantine(house: House, before: int = 0) -> Quarantine:
    """Return deliveries that wait to be understood, the newest first.

    Args:
        house: a house that reads.
        before: the cursor of the page before; 0 begins.
    """
    db, accounts = house.ledger.db, house.ledger.accounts()
    rows = db.execute(
        f"SELECT d.seq, d.account_no, d.received_at, d.via, d.path, d.why FROM delivery d "
        f"WHERE {_WAITS} AND d.seq < ? ORDER BY d.seq DESC LIMIT ?",
        (before or 1 << 62, _PAGE + 1),
    ).fetchall()
    (total,) = db.execute(f"SELECT count(*) FROM delivery d WHERE {_WAITS}").fetchone()
    found = [
        Quarantined(delivery=seq, source=accounts[no].source, account=accounts[no].name,
                    received_at=at, zone=accounts[no].zone, via=Via(via).name.lower(),
                    path=path, why=why)
        for seq, no, at, via, path, why in rows[:_PAGE]
    ]  # fmt: skip
    cursor = found[-1].delivery if len(rows) > _PAGE else 0
    return Quarantine(total=total, rows=tuple(found), cursor=cursor)


def conflicts(house: House) -> tuple[Conflict, ...]:
    """Return the latest notices that contradict an earlier variant of themselves.

    Args:
        house: a house that reads.
    """
    accounts = house.ledger.accounts()
    rows = house.ledger.db.execute(
        "SELECT e.seq, e.account_no, f.text, e.label, e.delivery_id, e.occurred_at FROM event e "
        "JOIN name n ON n.no = e.name_no JOIN name f ON f.no = n.payment_id "
        "WHERE e.conflict = 1 AND e.active = 1 ORDER BY e.seq DESC LIMIT ?", (_PAGE,),
    )  # fmt: skip
    return tuple(
        Conflict(event=seq, source=accounts[no].source, account=accounts[no].name, payment=text,
                 label=label, delivery=delivery, occurred_at=at, zone=accounts[no].zone)
        for seq, no, text, label, delivery, at in rows
    )  # fmt: skip


async def reread(house: House, intake: Intake, number: int) -> Reread:
    """Read one delivery again under the present translator, and write what it says now.

    Args:
        house: the house whose ledger is written.
        intake: the only writer.
        number: of the delivery.

    Raises:
        NotFound: there is no such delivery.
        LedgerStopped: what it says could not be written.
    """
    reader, row = kept(house, number)
    again = reader.again(row)
    if again.erased:
        return Reread(delivery=number, outcome="erased", events=0)
    item = again.item
    if item is None:
        return Reread(delivery=number, outcome="unreadable", events=0, path=again.path,
                      why=again.why)  # fmt: skip
    receipts: list[Receipt] = []

    def write(ledger: Log) -> int:
        receipts.extend(ledger.append([item], house.clock()))
        return len(receipts)

    await intake.exclusively(write)
    names = dict.fromkeys(encoded.names[0][1] for encoded in item.events if encoded.names)
    return Reread(delivery=number, outcome="understood", events=receipts[0].new,
                  payments=tuple(names))  # fmt: skip
