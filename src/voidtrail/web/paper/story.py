"""The report in words: every figure as the reader's language writes it, and what it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from voidtrail.event.model import Micros
from voidtrail.insight.rate import Rate
from voidtrail.runtime.clock import from_text, to_datetime
from voidtrail.runtime.text import _, label, later, several
from voidtrail.runtime.views.overview_shapes import Breakdown
from voidtrail.runtime.views.paper import Paper
from voidtrail.runtime.views.shapes import Amount
from voidtrail.web.console.course import course
from voidtrail.web.console.formats import (
    clock,
    day,
    day_of,
    instant,
    interval,
    money,
    moneys,
    number,
    percent,
    rate,
)
from voidtrail.web.console.wording import at_risk, headline
from voidtrail.web.paper import drawing

_KINDS: Final = {
    "day": later("Daily report"), "week": later("Weekly report"), "month": later("Monthly report"),
    "days": later("Report"),
}  # fmt: skip
_STATES: Final = ("paid", "cancelled", "declined", "failed", "open", "unknown")
_TITLES: Final = {"source": later("By rail"), "method": later("By payment method"),
                  "shop": later("By shop")}  # fmt: skip
_HEADS: Final = {"source": later("Rail"), "method": later("Payment method"),
                 "shop": later("Shop")}  # fmt: skip
_ROWS: Final = 12
_FEW: Final = 20
"""Of fewer payments no change in percent is written: it would say more than it knows."""
Figures = Mapping[str, Any]


def story(paper: Paper, now: Micros) -> dict[str, Any]:
    """Return what the template writes.

    Args:
        paper: the report.
        now: when it is written.
    """
    found, report = paper.overview, paper.overview.report
    zone = found.period.zone
    return {
        "paper": paper, "report": report, "zone": zone,
        "title": _(_KINDS[paper.kind]), "days": days(found.period.since, found.period.until),
        "headline": headline(found.sentence, False, zone, now, daily=found.step == "day"),
        "risk": at_risk(found.at_risk.amounts, found.at_risk.count),
        "figures": _figures(paper), "course": _course(paper), "states": _states(report),
        "how": _words(report, "how"), "actor": _words(report, "actor"),
        "parts": [_part(each, report) for each in found.breakdowns if each.dimension in _TITLES],
        "compared": _compared(paper), "steps": _steps(paper), "definitions": _definitions(paper),
        "written_at": f"{day_of(now, zone)} {clock(now, zone, seconds=False)}",
        "judged_at": instant(from_text(report["as_of"]), zone) if report["as_of"] else "–",
    }  # fmt: skip


def days(since: str, until: str) -> str:
    """Write a period of days."""
    return day(since) if since == until else f"{day(since)} – {day(until)}"


def _amounts(minor: Mapping[str, int]) -> list[Amount]:
    return _largest([Amount(minor=each, currency=code) for code, each in minor.items()])


def _largest(amounts: Sequence[Amount]) -> list[Amount]:
    return sorted(amounts, key=lambda amount: -amount.minor)


def _change(present: float, then: float) -> str:
    """Write how much more or less than before, as a percentage with its sign."""
    if not then:
        return "–"
    share = present / then - 1
    return f"{'+' if share > 0 else '−' if share < 0 else '±'}{percent(abs(share))}"


def _points(present: float | None, then: float | None) -> str:
    """Write the difference of two rates in percentage points."""
    if present is None or then is None:
        return "–"
    apart = 100 * (present - then)
    sign = "+" if apart >= 0.05 else "−" if apart <= -0.05 else "±"
    return _("{points} points").format(points=f"{sign}{abs(apart):.1f}")


def _figures(paper: Paper) -> list[dict[str, Any]]:
    report, before = paper.overview.report, paper.before
    then = before.report if before else None
    called_off = [several("of {n} payment begun", "of {n} payments begun", report["payments"])
                  .format(n=number(report["payments"]))]  # fmt: skip
    rates = [_("95 % interval {interval} %").format(interval=interval(paper.rate))] if interval(
        paper.rate) else []  # fmt: skip
    if then is not None and then["payments"]:
        n = then["cancelled"]
        called_off.append(
            _("the period before {rate}").format(rate=number(n)) if n < _FEW
            else _("{change} on the period before ({n})").format(
                change=_change(report["cancelled"], n), n=number(n)
            )
        )  # fmt: skip
        rates.append(
            _("the period before {rate}").format(rate=rate(before.rate if before else None))
        )
    if paper.usual is not None:
        rates.append(_("the same weekdays before {rate}").format(rate=percent(paper.usual.share)))
    amounts = _amounts(report["cancelled_minor"])
    cost = [moneys(amounts[1:])] if amounts[1:] else []
    if report["cancelled_without_amount"]:
        n = report["cancelled_without_amount"]
        cost.append(
            several(
                "and {n} payment without an amount", "and {n} payments without an amount", n
            ).format(n=number(n))
        )
    lost = report["cancelled_orders"] + report["switched"]
    back = [_("of {n} orders with a payment called off ({share})").format(
        n=number(lost), share=percent(report["switched"] / lost))] if lost else []  # fmt: skip
    return [
        {"name": _("Payments called off"), "value": number(report["cancelled"]),
         "more": called_off},
        {"name": _("Rate of payments called off"), "value": percent(paper.rate.value),
         "more": rates},
        {"name": _("What it cost"), "value": moneys(amounts[:1]), "more": cost},
        {"name": _("Came back another way"), "value": number(report["switched"]), "more": back},
    ]  # fmt: skip


def _course(paper: Paper) -> dict[str, Any] | None:
    found = paper.overview
    if not found.series:
        return None
    told = course(found)
    stops = [
        drawing.Stop(_tick(paper, point.at), point.rate, point.rate_low, point.rate_high,
                     point.low, point.high, point.payments, point.called_off, point.settled)
        for point in found.series
    ]  # fmt: skip
    ats = [point.at for point in found.series]
    marks = []
    for mark, said in zip(found.marks, told["marks"], strict=False):
        first = max((place for place, at in enumerate(ats) if at <= mark.at), default=0)
        last = max((place for place, at in enumerate(ats) if at < (mark.until or mark.at)),
                   default=first)  # fmt: skip
        marks.append((first, max(first, last), said["label"]))
    words = drawing.Words(told["description"], _("called off, of those begun"),
                          _("payments begun, and called off"))  # fmt: skip
    return {"title": _title(paper, told["title"]), "drawn": drawing.course(stops, marks, words),
            "expected": told["expected"],
            "young": any(not point.settled for point in found.series)}  # fmt: skip


def _title(paper: Paper, otherwise: str) -> str:
    """Say what the course shows; the same departure that the first sentence speaks of."""
    sentence, zone = paper.overview.sentence, paper.overview.period.zone
    if sentence.kind not in ("higher", "lower"):
        return otherwise
    said = {
        ("higher", False): _("Higher than expected over the whole period"),
        ("lower", False): _("Lower than expected over the whole period"),
        ("higher", True): _("Higher than expected since {when}"),
        ("lower", True): _("Lower than expected since {when}"),
    }[sentence.kind, sentence.since_at is not None]
    at = sentence.since_at or 0
    hourly = paper.overview.step == "hour"
    return said.format(when=clock(at, zone, seconds=False) if hourly else day_of(at, zone))


def _tick(paper: Paper, at: Micros) -> str:
    zone = paper.overview.period.zone
    return clock(at, zone, seconds=False) if paper.overview.step == "hour" else short_day(at, zone)


def short_day(at: Micros, zone: str) -> str:
    """Write a day without its year, for an axis."""
    moment = to_datetime(at, zone)
    return f"{moment.month}-{moment.day:02d}"


def _states(report: Figures) -> dict[str, Any]:
    parts = [(name, report["state"][name]) for name in _STATES if report["state"][name]]
    total = report["payments"] or 1
    said = [
        {"drawn": drawing.swatch(name), "label": label("state", name), "count": number(count),
         "share": percent(count / total)}
        for name, count in parts
    ]  # fmt: skip
    title = _("What became of the payments: {parts}").format(
        parts="; ".join(f"{each['label']} {each['share']}" for each in said))  # fmt: skip
    return {"drawn": drawing.shares(parts, title), "rows": said}


def _words(report: Figures, context: str) -> list[dict[str, Any]]:
    """Return how, or by whom, payments were called off, the largest first."""
    found = sorted(((n, name) for name, n in report[context].items() if n), reverse=True)
    top = found[0][0] if found else 1
    return [
        {"label": label(context, name), "count": number(n),
         "share": percent(n / report["cancelled"]),
         "drawn": drawing.bar(n, top, outcome=name if context == "how" else "accent")}
        for n, name in found
    ]  # fmt: skip


def _part(breakdown: Breakdown, report: Figures) -> dict[str, Any]:
    slices = breakdown.slices[:_ROWS]
    top = max([0.01, *(_high(each.rate) for each in slices)])
    rows = []
    for each in slices:
        found = each.rate
        name = each.value or _("not said")
        if breakdown.dimension != "shop":
            name = label(breakdown.dimension, each.value or "unknown")
        rows.append({
            "label": name, "payments": number(each.payments),
            "called_off": number(each.called_off), "rate": rate(found),
            "amounts": [money(amount) for amount in _largest(each.amounts)],
            "drawn": drawing.bar(found.value or 0, top, low=found.low, high=found.high)
            if found and found.value is not None else "",
        })  # fmt: skip
    return {
        "title": _(_TITLES[breakdown.dimension]), "head": _(_HEADS[breakdown.dimension]),
        "rows": rows, "left_out": len(breakdown.slices) - len(slices),
    }  # fmt: skip


def _high(found: Rate | None) -> float:
    if found is None or found.value is None or found.high is None:
        return 0.0
    return min(found.high, max(2 * found.value, 0.01))


def _compared(paper: Paper) -> dict[str, Any] | None:
    before = paper.before
    if before is None or not before.report["payments"]:
        return None
    report, then = paper.overview.report, before.report
    counts = (
        (_("Payments begun"), "payments"), (_("Payments called off"), "cancelled"),
        (_("Orders"), "orders"), (_("Orders called off"), "cancelled_orders"),
        (_("Orders paid another way"), "switched"), (_("Orders paid twice"), "double_paid"),
    )  # fmt: skip
    rows = [(name, number(report[key]), number(then[key]),
             _change(report[key], then[key]) if then[key] >= _FEW else "–")
            for name, key in counts]  # fmt: skip
    rows.insert(2, (_("Rate of payments called off"), rate(paper.rate), rate(before.rate),
                    _points(paper.rate.value, before.rate.value)
                    if then["payments"] >= _FEW else "–"))  # fmt: skip
    for each in _amounts(report["cancelled_minor"]):
        old = then["cancelled_minor"].get(each.currency, 0)
        rows.append((
            _("Called off in {currency}").format(currency=each.currency), money(each),
            money(Amount(minor=old, currency=each.currency)),
            _change(each.minor, old) if then["cancelled"] >= _FEW else "–",
        ))  # fmt: skip
    named = _("{days}, up to the same time") if before.in_part else "{days}"
    return {"days": named.format(days=days(before.since, before.until)), "rows": rows}


def _steps(paper: Paper) -> list[dict[str, str]]:
    found = paper.overview
    zone, rows = found.period.zone, []
    for point in found.series:
        if not point.payments:
            continue
        known = point.low is not None and point.high is not None
        rows.append({
            "when": clock(point.at, zone, seconds=False) if found.step == "hour"
            else day_of(point.at, zone),
            "payments": number(point.payments), "called_off": number(point.called_off),
            "rate": percent(point.rate) + (
                f" ({100 * point.rate_low:.1f}–{100 * point.rate_high:.1f})"
                if point.rate_low is not None and point.rate_high is not None else ""),
            "expected": f"{100 * (point.low or 0):.1f}–{100 * (point.high or 0):.1f} %" if known
            else "–",
        })  # fmt: skip
    return rows


def _definitions(paper: Paper) -> Sequence[tuple[str, str]]:
    report = paper.overview.report
    method = label("method_of_rate", paper.rate.method)
    found = [
        (_("Payments begun"), _(
            "Payments whose first statement fell into these days, by the shop's business day. A "
            "shop's word on an order is no second payment beside the platform's; test traffic is "
            "left out.") if not paper.overview.period.test else _(
            "Payments whose first statement fell into these days, by the shop's business day, test "
            "traffic included.")),
        (_("Payments called off"), _(
            "Ended without being paid, or given back whole: by the customer, the shop, the "
            "platform or time. A declined payment that may be tried again is not called off.")),
        (_("Rate"), _(
            "Payments called off, of payments begun. The interval is {method}, at 95 %. With fewer "
            "than 20 payments no rate is said.").format(method=method)),
        (_("What it cost"), _(
            "What was taken, else held, else asked for, of the payments called off. Currencies are "
            "never summed. It is what was at stake and not what was lost: part came back.")),
        (_("Came back another way"), _(
            "Orders that were paid by another payment after one was called off.")),
        (_("Orders"), _("Each is judged by all of its payments, also those of other days.")),
    ]  # fmt: skip
    if paper.usual is not None:
        found.append((_("The same weekdays before"), _(
            "Each day (of one day each hour) at the rate of the same one in the {weeks} weeks "
            "before it; {n} payments in all. The band in the chart is where 95 % of such days are "
            "expected.").format(weeks=paper.usual.weeks, n=number(paper.usual.of))))  # fmt: skip
    aside = _("{quarantined} deliveries in quarantine and {conflicts} contradictions are not in "
              "these figures, or only as far as they were understood.")  # fmt: skip
    found.append(
        (
            _("Not counted"),
            aside.format(
                quarantined=number(report["quarantined"]), conflicts=number(report["conflicts"])
            ),
        )
    )
    return found
