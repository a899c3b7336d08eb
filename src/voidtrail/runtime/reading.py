"""Reads for the doors: the same answers for the API, the command line and later the console."""

from __future__ import annotations

from typing import Any, Final

from voidtrail.runtime.app import House
from voidtrail.runtime.clock import to_text

_PAGE: Final = 100


def report(house: House, **question: Any) -> dict[str, Any]:
    """Return the report (see `runtime.report`)."""
    from voidtrail.runtime.report import report as made

    return made(house, **question)


def show(house: House, reference: str, *, as_of: str | None = None) -> dict[str, Any]:
    """Return the life of an order (see `runtime.show`)."""
    from voidtrail.runtime.show import show as shown

    return shown(house, reference, as_of=as_of)


def quarantine(house: House, after: int = 0) -> dict[str, Any]:
    """Return quarantined deliveries after a sequence number, and how many there are in all."""
    db = house.ledger.db
    rows = db.execute(
        "SELECT d.seq, a.source, a.name, d.received_at, d.path, d.why FROM delivery d "
        "JOIN account a ON a.no = d.account_no WHERE d.outcome = 1 AND d.seq > ? "
        "ORDER BY d.seq LIMIT ?", (after, _PAGE),
    ).fetchall()  # fmt: skip
    total = db.execute("SELECT count(*) FROM delivery WHERE outcome = 1").fetchone()[0]
    return {
        "total": total,
        "deliveries": [
            {"delivery_id": seq, "source": source, "account": name, "received_at": to_text(at),
             "path": path, "why": why}
            for seq, source, name, at, path, why in rows
        ],
    }  # fmt: skip


def conflicts(house: House, after: int = 0) -> dict[str, Any]:
    """Return events that contradict an earlier variant of the same notice."""
    rows = house.ledger.db.execute(
        "SELECT e.seq, a.source, a.name, n.text, e.label, e.delivery_id, e.occurred_at "
        "FROM event e JOIN account a ON a.no = e.account_no JOIN name n ON n.no = e.name_no "
        "WHERE e.conflict = 1 AND e.seq > ? ORDER BY e.seq LIMIT ?", (after, _PAGE),
    ).fetchall()  # fmt: skip
    return {
        "conflicts": [
            {"event": seq, "source": source, "account": name, "payment": text, "label": label,
             "delivery_id": delivery, "occurred_at": to_text(at)}
            for seq, source, name, text, label, delivery, at in rows
        ]
    }  # fmt: skip


def head(house: House) -> dict[str, Any]:
    """Return the end of the chain."""
    found = house.ledger.head()
    due, asking, outbox = house.ledger.db.execute(
        "SELECT (SELECT count(*) FROM verdict WHERE due_at <= ?), "
        "(SELECT count(*) FROM verdict WHERE asking = 1), "
        "(SELECT count(*) FROM outbox WHERE done_at IS NULL)", (house.clock(),),
    ).fetchone()  # fmt: skip
    return {"entries": found.entries, "groups": found.group, "head": found.digest.hex(),
            "clock": to_text(found.tick),
            "waiting": {"due": due, "asking": asking, "outbox": outbox}}  # fmt: skip
