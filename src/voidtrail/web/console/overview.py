"""The first page: how many payments were called off, is that unusual, what can still be saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from litestar import Response, get

from voidtrail.insight.rate import Rate
from voidtrail.runtime.app import House
from voidtrail.runtime.text import _, label, later
from voidtrail.runtime.views import news
from voidtrail.runtime.views.course import Asked as Question
from voidtrail.runtime.views.overview_shapes import Breakdown, Comparison, Overview, Slice, Tile
from voidtrail.web.console.course import course
from voidtrail.web.console.desk import Asked, desk_of, query_of, surroundings
from voidtrail.web.console.formats import interval, is_enough, moneys, number, percent, rate, times
from voidtrail.web.console.period import days_of, today_of
from voidtrail.web.console.wording import at_risk, headline

Link = Callable[..., str]
_NAMES: Final = {
    "called_off": later("called off"), "rate": later("share of those begun"),
    "cost": later("called off, in money"), "saveable": later("can still be saved"),
}  # fmt: skip
_TITLES: Final = {
    "how": later("How they were called off"), "actor": later("Who called them off"),
    "source": later("By rail"), "method": later("By payment method"), "shop": later("By shop"),
}  # fmt: skip
_HEADS: Final = {
    "how": later("How"), "actor": later("By whom"), "source": later("Rail"),
    "method": later("Payment method"), "shop": later("Shop"),
}  # fmt: skip
_COMPARED: Final = {
    "period_before": later("{times}× the period before"),
    "week_before": later("{times}× the week before"),
}
_FEED: Final = 12
_SLICES: Final = 8
_TIMES_MOST: Final = 10
"""Beyond that the earlier period had next to nothing, and a factor says nothing."""


@get("/overview", include_in_schema=False)
async def overview(request: Asked) -> Response[str]:
    """Show the first page."""
    desk = desk_of(request)
    query = query_of(request)
    days = days_of(query, today_of(desk.house))
    asked = Question(days.since, days.until, query.get("shop", ""), bool(query.get("test")))
    link: Link = surroundings(request, desk.house)["link"]

    def work(reader: House) -> Mapping[str, Any]:
        found = desk.watch.overview(asked)
        return {**shown(found, link, is_today=days.is_today, now=desk.house.clock()),
                "news": news.recent(reader, _FEED)}  # fmt: skip

    return await desk.page(request, "overview.html", work)


def shown(found: Overview, link: Link, *, is_today: bool, now: int) -> dict[str, Any]:
    """Return what the template writes: every figure in words, with the page behind it."""
    return {
        "overview": found,
        "headline": headline(
            found.sentence, is_today, found.period.zone, now, daily=found.step == "day"
        ),
        "risk": at_risk(found.at_risk.amounts, found.at_risk.count),
        "tiles": [_tile(each, link) for each in found.tiles],
        "chart": course(found),
        "breakdowns": [_breakdown(each, link) for each in found.breakdowns],
    }


def _tile(tile: Tile, link: Link) -> dict[str, Any]:
    value, more = number(tile.count), _compared(tile.compared)
    if tile.name == "rate":
        value = percent(tile.rate.value if tile.rate else None)
        more = _("between {interval} %").format(interval=interval(tile.rate)) if interval(
            tile.rate) else rate(tile.rate)  # fmt: skip
    elif tile.name in ("cost", "saveable"):
        # The largest currency is the figure; the others stand below, for they are never summed.
        value, rest = moneys(tile.amounts[:1]), moneys(tile.amounts[1:]) if tile.amounts[1:] else ""
        said = [f"+ {rest}"] if rest else []
        if tile.name == "saveable":
            said.append(_("payments: {n}").format(n=number(tile.count)))
        more = " · ".join(said) or more
    href = {
        "called_off": link("/payments", state="cancelled"), "rate": "#course",
        "cost": link("/payments", state="cancelled", order="largest"),
        "saveable": link("/payments", period="all", since="", until="", saveable="1",
                         order="largest"),
    }[tile.name]  # fmt: skip
    return {"name": _(_NAMES[tile.name]), "value": value, "more": more, "href": href,
            "risk": tile.name == "saveable" and bool(tile.count),
            "sparkline": tile.sparkline}  # fmt: skip


def _compared(compared: tuple[Comparison, ...]) -> str:
    said = [
        _(_COMPARED[each.basis]).format(times=times(each.times))
        for each in compared
        if each.times is not None and each.times < _TIMES_MOST
    ]
    return " · ".join(said)


def _breakdown(breakdown: Breakdown, link: Link) -> dict[str, Any]:
    shares = breakdown.dimension in ("how", "actor")
    slices = [each for each in breakdown.slices if each.called_off or not shares]
    drawn = [_slice(each, breakdown.dimension, link, shares=shares) for each in slices[:_SLICES]]
    return {
        "dimension": breakdown.dimension, "title": _(_TITLES[breakdown.dimension]),
        "head": _(_HEADS[breakdown.dimension]), "slices": drawn,
        "measure": _("share") if shares else _("rate (95 % interval)"),
        "top": max([0.001, *(each["high"] or each["part"] for each in drawn)]),
    }  # fmt: skip


def _slice(each: Slice, dimension: str, link: Link, *, shares: bool) -> dict[str, Any]:
    found: Rate | None = None if shares or not is_enough(each.rate) else each.rate
    part = each.share if shares else (found.value if found else None)
    context = dimension if dimension != "shop" else ""
    name = each.value if not context else label(context, each.value or "unknown")
    return {
        "value": each.value, "label": name or _("not said"), "called_off": each.called_off,
        "part": part or 0, "low": found.low if found else None,
        "high": found.high if found else None,
        "said": percent(each.share) if shares else rate(each.rate),
        "outcome": each.value if dimension == "how" else "accent",
        "href": link("/payments", state="cancelled", **{dimension: each.value}),
    }  # fmt: skip


HANDLERS: Final = (overview,)
