"""The report of a period as a page: the figures of `voidtrail report`, with their denominators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from litestar import Response, get

from voidtrail.insight.rate import Rate
from voidtrail.runtime import reading
from voidtrail.runtime.app import House
from voidtrail.runtime.text import _, label, later
from voidtrail.runtime.views.shapes import Amount
from voidtrail.web.console.desk import Asked, desk_of, query_of
from voidtrail.web.console.period import days_of, today_of

_BY: Final = {
    "source": later("By rail"), "shop": later("By shop"), "method": later("By payment method"),
}  # fmt: skip


def amounts(figure: Mapping[str, Any]) -> list[Amount]:
    """Return what was called off, by currency."""
    return [Amount(minor=minor, currency=currency)
            for currency, minor in figure["cancelled_minor"].items()]  # fmt: skip


def rate_of(figure: Mapping[str, Any]) -> Rate:
    """Return the rate of a figure."""
    return msgspec.convert(figure["cancel_rate"], Rate)


def counts(figure: Mapping[str, Any], name: str) -> Sequence[tuple[str, int]]:
    """Return the words of an enumeration with their counts, the largest first, none at 0."""
    found = [(word, count) for word, count in figure[name].items() if count]
    return sorted(found, key=lambda each: (-each[1], each[0]))


@get("/report", include_in_schema=False)
async def report(request: Asked) -> Response[str]:
    """Show the report of a period."""
    desk, query = desk_of(request), query_of(request)
    days = days_of(query, today_of(desk.house))

    def work(reader: House) -> Mapping[str, Any]:
        found = reading.report(
            reader, since=days.since or None, until=days.until or None, by=list(_BY),
            include_test=bool(query.get("test")), shop=query.get("shop", ""),
        )  # fmt: skip
        tables = [
            (_(title), [
                (label(name, each["value"] or "unknown") if name != "shop" else each["value"],
                 each, rate_of(each), amounts(each))
                for each in found["by"] if each["dimension"] == name
            ])
            for name, title in _BY.items()
        ]  # fmt: skip
        return {
            "report": found, "rate": rate_of(found), "amounts": amounts(found), "tables": tables,
            "how": counts(found, "how"), "actor": counts(found, "actor"),
        }  # fmt: skip

    return await desk.page(request, "report.html", work)


HANDLERS: Final = (report,)
