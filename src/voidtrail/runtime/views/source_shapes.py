"""The shapes of the page of sources: how each does, what could not be read, what lies sealed."""

from __future__ import annotations

from voidtrail.event.model import Micros
from voidtrail.runtime.views.shapes import Shape


class SourceHealth(Shape, frozen=True, kw_only=True):
    """How an account of a source does.

    Attributes:
        hook: path at which it delivers, as "/hooks/stripe/main"; "" for files.
        configured: it stands in this process's settings.
        today, week: deliveries since the shop's business day began, and over seven such days.
        by_day: deliveries on each of the seven days, the oldest first.
        quarantined: deliveries that wait to be understood.
        unreadable_week: deliveries of the last seven days that could not be read at first.
        refused: refused deliveries of the last seven days, by the code of the refusal.
        conflicts: notices that contradict an earlier variant of themselves.
    """

    source: str
    account: str
    shop: str
    entity: str
    mode: str
    zone: str
    cutoff: str
    hook: str
    configured: bool
    last_at: Micros | None
    today: int
    week: int
    by_day: tuple[int, ...]
    quarantined: int
    unreadable_week: int
    refused: dict[str, int]
    conflicts: int


class Quarantined(Shape, frozen=True, kw_only=True):
    """A delivery that could not be understood: where reading stopped, and why."""

    delivery: int
    source: str
    account: str
    received_at: Micros
    zone: str
    via: str
    path: str
    why: str


class Quarantine(Shape, frozen=True, kw_only=True):
    """A page of the quarantine, the newest first; `cursor` is 0 at the end."""

    total: int
    rows: tuple[Quarantined, ...]
    cursor: int


class Conflict(Shape, frozen=True, kw_only=True):
    """A notice that contradicts an earlier variant of itself."""

    event: int
    source: str
    account: str
    payment: str
    label: str
    delivery: int
    occurred_at: Micros
    zone: str


class Reread(Shape, frozen=True, kw_only=True):
    """What reading one delivery again did.

    Attributes:
        outcome: "understood", "unreadable" or "erased".
        path, why: where reading stopped this time.
        payments: names of the payments that it speaks of.
    """

    delivery: int
    outcome: str
    events: int
    path: str = ""
    why: str = ""
    payments: tuple[str, ...] = ()


class Reveal(Shape, frozen=True, kw_only=True):
    """The raw delivery, card numbers masked; that it was looked at stands in the ledger.

    Attributes:
        entry: sequence number of the control entry that says who looked, why and when.
        headers: names in lower case; what is secret was never kept.
        body: as text; bytes that are no UTF-8 are shown as escapes.
        form: "json", "form", "xml" or "text", for setting it.
    """

    delivery: int
    source: str
    account: str
    received_at: Micros
    zone: str
    via: str
    entry: int
    headers: tuple[tuple[str, str], ...]
    body: str
    form: str
    request: str
    context: str
