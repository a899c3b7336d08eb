"""What commands print: JSON for machines, tables and progress for people."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from voidtrail.money import exponent, major_text
from voidtrail.runtime.text import label

Tell = Callable[[str, int, int], None]


def say_json(value: Any) -> None:
    """Print a value as JSON."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def console() -> Console:
    """Return the console of standard output."""
    return Console(highlight=False)


def counts(*rows: tuple[str, int]) -> None:
    """Print names and their counts."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    for name, count in rows:
        table.add_row(name, f"{count:,}")
    console().print(table)


@contextmanager
def progress() -> Iterator[Tell | None]:
    """Show a progress bar on standard error if a person sits there; None otherwise."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} / {task.total:,.0f}"),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(label("stage", stage), total=total)
            bars.update(tasks[stage], completed=done, total=max(total, done))

        yield tell


def money(amount_minor: int, currency: str) -> str:
    """Write an amount for people, as "1,234.50 GBP".

    >>> money(123450, "GBP"), money(500, "JPY"), money(-5, "KWD")
    ('1,234.50 GBP', '500 JPY', '-0.005 KWD')
    """
    if not currency:
        return f"{amount_minor:,}"
    whole, point, part = major_text(abs(amount_minor), currency).partition(".")
    assert len(part) == exponent(currency)
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{int(whole):,}{point}{part} {currency}"


def percent(value: float | None) -> str:
    """Write a share as "12.4 %", an en dash where there is none.

    >>> percent(0.1239), percent(None)
    ('12.4 %', '–')
    """
    return "–" if value is None else f"{100 * value:.1f} %"
