"""Reconciliation: what the platforms' bills say otherwise than our books, and the runs."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Mapping
from functools import partial
from itertools import islice
from typing import Any, Final

from litestar import Response, get
from litestar.response import Stream

from voidtrail.money import major_text
from voidtrail.runtime.app import House
from voidtrail.runtime.clock import to_text
from voidtrail.runtime.reconciling.shapes import KINDS, Side
from voidtrail.runtime.text import _, several
from voidtrail.runtime.views import reconciliation as views
from voidtrail.web.console.desk import Asked, address, desk_of, query_of
from voidtrail.web.console.export import BYTE_ORDER_MARK, file_name, safe
from voidtrail.web.console.formats import number

_EXPORT_ROWS: Final = 500
COLUMNS: Final = (
    "kind", "open", "item", "order", "source", "account", "since", "until", "run",
    "bill_line", "bill_reference", "bill_amount", "bill_currency", "bill_standing", "bill_at",
    "here_reference", "here_account", "here_amount", "here_currency", "here_standing", "here_at",
)  # fmt: skip


def headline(found: views.Reconciliation) -> str:
    """Say in one sentence how bills and books agree."""
    if not found.runs:
        return _("No bill has been reconciled yet.")
    if found.open:
        return several("{n} difference between bills and books is open.",
                       "{n} differences between bills and books are open.", found.open
                       ).format(n=number(found.open))  # fmt: skip
    return _("Bills and books agree.")


def _chosen(query: Mapping[str, str]) -> views.Chosen:
    def count(name: str) -> int:
        text = query.get(name, "")
        return int(text) if text.isdecimal() and len(text) < 10 else 0

    kind = query.get("kind", "")
    return views.Chosen(
        kind=kind if kind in KINDS else "", account=query.get("account", ""), run=count("run"),
        after=count("after"),
    )  # fmt: skip


@get("/reconciliation", include_in_schema=False)
async def reconciliation(request: Asked) -> Response[str]:
    """Show the open differences, and the runs."""
    query = query_of(request)
    chosen = _chosen(query)
    wanted: dict[str, Any] = {
        name: query[name] for name in ("kind", "account", "run") if name in query
    }

    def work(reader: House) -> Mapping[str, Any]:
        found = views.page(reader, chosen)
        return {
            "found": found, "chosen": chosen, "kinds": KINDS, "headline": headline(found),
            "export": address("/reconciliation.csv", wanted), "filtered": bool(wanted),
        }  # fmt: skip

    return await desk_of(request).page(request, "reconciliation.html", work)


@get("/reconciliation.csv", include_in_schema=False)
async def reconciliation_csv(request: Asked) -> Stream:
    """Send what the filter holds as CSV, a part at a time, so that nothing waits for it."""
    chosen, desk = _chosen(query_of(request)), desk_of(request)

    def part(reader: House, after: int) -> list[views.Open]:
        return list(islice(views.found(reader, chosen), after, after + _EXPORT_ROWS))

    async def parts() -> AsyncIterator[bytes]:
        yield (BYTE_ORDER_MARK + _lines([COLUMNS])).encode()
        after = 0
        while True:
            rows = await desk.read(partial(part, after=after))
            yield _lines([line for each in rows for line in _cells(each)]).encode()
            after += len(rows)
            if len(rows) < _EXPORT_ROWS:
                break

    name = file_name("-".join(filter(None, ("reconciliation", chosen.kind.replace("_", "-")))))
    return Stream(
        parts(), media_type="text/csv",
        headers={"content-disposition": f'attachment; filename="{name}.csv"',
                 "cache-control": "no-store"},
    )  # fmt: skip


def _lines(rows: list[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def _cells(each: views.Open) -> list[list[str]]:
    """Return a finding's lines: one for each leg, the two sides beside one another."""
    run, found = each.run, each.finding
    about = [
        found.kind, "yes" if found.open else "no", found.item, safe(found.order), run.source,
        safe(run.account), to_text(run.since, run.zone) or "", to_text(run.until, run.zone) or "",
        str(run.number),
    ]  # fmt: skip
    lines = []
    for place in range(max(len(found.there), len(found.here), 1)):
        there = found.there[place] if place < len(found.there) else None
        here = found.here[place] if place < len(found.here) else None
        lines.append([
            *about, str(there.line) if there else "", *_side(there, run.zone),
            safe(here.reference) if here else "", safe(here.account) if here else "",
            *_side(here, run.zone)[1:],
        ])  # fmt: skip
    return lines


def _side(side: Side | None, zone: str) -> list[str]:
    if side is None:
        return [""] * 5
    amount = ""
    if side.amount_minor is not None:
        amount = (major_text(side.amount_minor, side.currency) if side.currency
                  else str(side.amount_minor))  # fmt: skip
    return [safe(side.reference), amount, side.currency, side.standing,
            to_text(side.at, zone) or ""]  # fmt: skip


HANDLERS: Final = (reconciliation, reconciliation_csv)
