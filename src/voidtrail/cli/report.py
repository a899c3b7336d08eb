"""`voidtrail report`: how many payments were called off, how, by whom, for how much."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from voidtrail.cli import screen
from voidtrail.cli.options import AsOf, Config, Db, Json
from voidtrail.errors import WrongUse
from voidtrail.runtime.text import _, label, language

if TYPE_CHECKING:
    from voidtrail.runtime.app import House
    from voidtrail.runtime.views.course import Asked


class Period(StrEnum):
    """A period of the calendar."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


_WORDS = frozenset({"how", "actor", "state", "method", "channel"})


def report(
    since: Annotated[
        str | None, typer.Option(help="First business day, or an instant, of the period.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Last business day of the period, that day included.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="Divide by shop, entity, source, account, method, channel, how, actor, state, "
            "currency, day, hour, month or a public dimension; may be given again."
        ),
    ] = None,
    shop: Annotated[str, typer.Option(help="Only of this shop.")] = "",
    test: Annotated[bool, typer.Option("--test", help="Count test traffic too.")] = False,
    period: Annotated[
        Period | None, typer.Option(help="The day, week or month of --since (else of yesterday).")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write it as a page to forward; - for standard output.")
    ] = None,
    pdf: Annotated[
        Path | None, typer.Option(help="Write it as a PDF to forward; - for standard output.")
    ] = None,
    as_of: AsOf = None,
    db: Db = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Count the payments that were called off: how, by whom, for how much.

    Example: voidtrail report --since 2026-03-01 --until 2026-03-31 --by shop
    """
    from voidtrail.runtime.opening import reading
    from voidtrail.runtime.report import report as made
    from voidtrail.runtime.views.course import Asked
    from voidtrail.runtime.views.paper import days_of

    files = [each for each in (html, pdf) if each is not None]
    if files and (by or as_of):
        raise WrongUse("--html and --pdf take neither --by nor --as-of")
    with reading(config, db) as house:
        if period is not None or files:
            since, until = days_of(house, since, until, period.value if period else "")
        if files:
            _forward(house, Asked(since or "", until or "", shop, test), html, pdf)
        if json or not files:
            found = made(house, since=since, until=until, as_of=as_of, by=by, include_test=test,
                         shop=shop)  # fmt: skip
            screen.say_json(found) if json else show(found)


def _forward(house: House, asked: Asked, html: Path | None, pdf: Path | None) -> None:
    """Write the report as a page, as a PDF, or as both."""
    from voidtrail.runtime.views.paper import paper
    from voidtrail.web.paper.pages import page, printed

    now = house.clock()
    made = page(paper(house, asked, now=now), language(), now)
    if html is not None:
        _write(html, made.encode())
    if pdf is not None:
        _write(pdf, printed(made))


def _write(file: Path, content: bytes) -> None:
    if str(file) == "-":
        sys.stdout.buffer.write(content)
        return
    try:
        file.write_bytes(content)
    except OSError as error:
        raise WrongUse(f"{file} cannot be written: {error.strerror}") from None
    typer.echo(_("Written: {file}").format(file=file), err=True)


def show(found: dict[str, Any]) -> None:
    """Print a report for people."""
    console = screen.console()
    rate = found["cancel_rate"]
    if not found["payments"]:
        console.print(_("No payment began in this period."))
        return
    console.print(
        _("{cancelled} of {payments} payments were called off: {rate} ({low}–{high}).").format(
            cancelled=f"{found['cancelled']:,}", payments=f"{found['payments']:,}",
            rate=screen.percent(rate["value"]), low=screen.percent(rate["low"]),
            high=screen.percent(rate["high"]),
        ),
        style="bold",
    )  # fmt: skip
    console.print(
        _("Of: {denominator}. Interval 95 %: {method}. Judged as of {as_of}.").format(
            denominator=_(rate["denominator"]), method=label("method_of_rate", rate["method"]),
            as_of=found["as_of"] or "–",
        ),
        style="dim",
    )  # fmt: skip
    for title, context in ((_("State"), "state"), (_("How"), "how"), (_("By whom"), "actor"),
                           (_("Money"), "money")):  # fmt: skip
        _counts(title, context, found[context])
    for currency, amount in found["cancelled_minor"].items():
        console.print(f"{_('Called off')}: {screen.money(amount, currency)}")
    screen.counts(
        (_("orders"), found["orders"]), (_("orders called off"), found["cancelled_orders"]),
        (_("orders paid another way"), found["switched"]),
        (_("orders paid twice"), found["double_paid"]),
        (_("deliveries in quarantine"), found["quarantined"]),
        (_("contradictions"), found["conflicts"]),
    )  # fmt: skip
    _divided(found["by"])


def _counts(title: str, context: str, counts: dict[str, int]) -> None:
    rows = [(label(context, name), count) for name, count in counts.items() if count]
    if not rows:
        return
    table = Table(title=title, title_justify="left", box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    for name, count in sorted(rows, key=lambda row: -row[1]):
        table.add_row(name, f"{count:,}")
    screen.console().print(table)


def _divided(rows: list[dict[str, Any]]) -> None:
    for dimension in dict.fromkeys(row["dimension"] for row in rows):
        table = Table(title=label("dimension", dimension), title_justify="left")
        table.add_column("")
        for name in (_("payments"), _("called off"), _("rate"), _("95 % interval"), _("amount")):
            table.add_column(name, justify="right")
        for row in rows:
            if row["dimension"] != dimension:
                continue
            value = "–" if row["value"] is None else str(row["value"])
            rate = row["cancel_rate"]
            table.add_row(
                label(dimension, value) if dimension in _WORDS else value,
                f"{row['payments']:,}", f"{row['cancelled']:,}", screen.percent(rate["value"]),
                f"{screen.percent(rate['low'])} – {screen.percent(rate['high'])}",
                ", ".join(screen.money(a, c) for c, a in row["cancelled_minor"].items()) or "–",
            )  # fmt: skip
        screen.console().print(table)
