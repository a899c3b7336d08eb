"""The chart of the overview: the course of the rate, every number already in words."""

from __future__ import annotations

from typing import Any

from voidtrail.runtime.text import _, label
from voidtrail.runtime.views.overview_shapes import Mark, Overview, Point
from voidtrail.web.console.formats import clock, day_of, number, percent

_FEW = 5
"""Steps with fewer payments do not make the title."""


def course(found: Overview) -> dict[str, Any]:
    """Return what the chart draws, what its title says, and what its table holds."""
    zone, hourly = found.period.zone, found.step == "hour"
    points = [_point(each, zone, hourly) for each in found.series]
    ticks = {each.at: point["tick"] for each, point in zip(found.series, points, strict=True)}
    return {
        "title": _title(found, zone, hourly),
        "description": _description(found),
        "unit": _("share of those begun"),
        "points": points,
        "drawn": any(each.payments for each in found.series),
        "marks": [_mark(each, ticks) for each in found.marks if _tick(each, ticks)],
        "expected": any(each.low is not None for each in found.series),
        "source": _("Source: what every account said; {payments} payments.").format(
            payments=number(sum(each.payments for each in found.series))
        ),
    }


def _when(point: Point, zone: str, hourly: bool) -> str:
    return clock(point.at, zone, seconds=False) if hourly else day_of(point.at, zone)


def _point(point: Point, zone: str, hourly: bool) -> dict[str, Any]:
    when = f"{day_of(point.at, zone)} {clock(point.at, zone, seconds=False)}"
    label_ = when if hourly else day_of(point.at, zone)
    told = [
        _("{called_off} of {payments} called off").format(
            called_off=number(point.called_off), payments=number(point.payments)
        ),
        _said(point),
    ]
    if point.low is not None and point.high is not None:
        told.append(
            _("expected {low} to {high}").format(low=percent(point.low), high=percent(point.high))
        )
    if point.open:
        told.append(_("{open} still open").format(open=number(point.open)))
    return {
        "label": label_, "tick": _when(point, zone, hourly) if hourly else label_,
        "told": "\n".join(told), "said": _said(point), "payments": point.payments,
        "called_off": point.called_off, "rate": point.rate, "rate_low": point.rate_low,
        "rate_high": point.rate_high, "low": point.low, "high": point.high,
        "settled": point.settled,
    }  # fmt: skip


def _said(point: Point) -> str:
    if point.rate is None:
        return "–"
    if point.rate_low is None or point.rate_high is None:
        return percent(point.rate)
    return f"{percent(point.rate)} ({100 * point.rate_low:.1f}–{100 * point.rate_high:.1f})"


def _title(found: Overview, zone: str, hourly: bool) -> str:
    """Say what the course shows: departures from what was expected, else its highest point."""
    settled = [each for each in found.series if each.settled and each.rate is not None]
    above = [
        each for each in settled
        if each.high is not None and each.rate_low is not None and each.rate_low > each.high
    ]  # fmt: skip
    if above:
        worst = max(above, key=lambda each: each.rate or 0)
        return _("Above what was expected from {first} on; {rate} at {worst}").format(
            first=_when(above[0], zone, hourly), rate=percent(worst.rate),
            worst=_when(worst, zone, hourly),
        )  # fmt: skip
    enough = [each for each in settled if each.payments >= _FEW]
    if not enough:
        return _("How the share that is called off developed")
    top = max(enough, key=lambda each: each.rate or 0)
    said = {"rate": percent(top.rate), "when": _when(top, zone, hourly)}
    if any(each.high is not None for each in settled):
        return _(
            "No single moment is beyond what was expected; highest at {when} with {rate}"
        ).format(**said)
    return _("Highest at {when}: {rate} of what began then was called off").format(**said)


def _description(found: Overview) -> str:
    known = [each.rate for each in found.series if each.rate is not None]
    if not known:
        return _("A line chart without points.")
    return _(
        "A line chart of the share of payments that were called off: {n} points between {low} and "
        "{high}. The table below holds every number."
    ).format(n=number(len(known)), low=percent(min(known)), high=percent(max(known)))


def _tick(mark: Mark, ticks: dict[int, str]) -> str:
    before = [at for at in ticks if at <= mark.at]
    return ticks[max(before)] if before else ""


def _mark(mark: Mark, ticks: dict[int, str]) -> dict[str, str]:
    named = {
        "fault": _("fault: {whose}"), "price": _("price: {whose}"), "terms": _("patience changed"),
    }[mark.kind]  # fmt: skip
    whose = label("source", mark.detail) if mark.kind == "fault" and mark.detail else mark.detail
    return {"label": named.format(whose=whose), "tick": _tick(mark, ticks)}
