"""`voidtrail bench`: what this machine can do, and how that compares with others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from voidtrail.cli import screen
from voidtrail.cli.options import Json
from voidtrail.runtime.text import _, later

if TYPE_CHECKING:
    from voidtrail.runtime.benching import Measured

_CLIENT_BOUND_SHARE = 0.9


class Bench(StrEnum):
    """What can be measured."""

    INTAKE = "intake"
    IMPORT = "import"
    FOLD = "fold"
    CONTENTION = "contention"
    LIVE = "live"
    SOURCES = "sources"
    TAIL = "tail"
    CONSOLE = "console"


_TITLES = {
    "intake": later("Intake: signed notifications verified, stored durably and acknowledged"),
    "import": later("Import: a file of orders through voidtrail ingest, as a whole process"),
    "fold": later("Fold: facts into payments by the generated GROUP BY in DuckDB"),
    "contention": later("Contention: 64 connections beside others' work on the same file"),
    "tail": later("Tail: a log read while it grows, through rotations and restarts"),
    "sources": later("Sources: CPU of one notification, its signature proved and its words read"),
    "console": later("Console: whole pages over a ledger of millions of payments"),
    "live": later("Live: from a notification sent to its row at everybody who listens"),
}
_SITUATIONS = {
    "quiet": later("quiet"),
    "importing": later("beside an import"),
    "computing": later("beside a busy thread"),
    "told": later("watched, and telling others"),
}


def bench(
    names: Annotated[
        list[Bench] | None,
        typer.Argument(help="What to measure; all but console if none is named."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller, and one round.")] = False,
    rounds: Annotated[
        int | None, typer.Option(help="How often everything is repeated.", min=1)
    ] = None,
    folder: Annotated[
        Path, typer.Option(help="On the disk to be measured; nothing is left in it.")
    ] = Path(),
    json: Json = False,
) -> None:
    """Measure this machine: intake, import, fold, contention, live, sources, tail, console.

    Look at the ratios: the other figures depend on the machine, its disk and its neighbours.

    Example: voidtrail bench intake --quick
    """
    from voidtrail.runtime.benching import bench as measure

    found: dict[str, Any] = {}
    with _progress() as tell:
        for each in measure([n.value for n in names or ()], folder, tell, quick=quick,
                            rounds=rounds):  # fmt: skip
            if json:
                found[each.name] = each.data
            else:
                _show(each)
    if json:
        screen.say_json(found)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Count the steps on standard error if a person sits there."""
    if not sys.stderr.isatty():
        yield lambda _line: None
        return
    steps = 0
    with Console(stderr=True).status(_("Measuring …")) as status:

        def tell(_line: str) -> None:
            nonlocal steps
            steps += 1
            status.update(_("Measuring, step {step} …").format(step=steps))

        yield tell


def _show(found: Measured) -> None:
    console, machine = screen.console(), found.machine
    console.print(f"\n{_(_TITLES[found.name])}", style="bold", markup=False)
    console.print(
        _(
            "{system}, {cores} cores, load {load}; disk flush {flush} ms; HMAC of 2.3 KB {hmac} µs"
        ).format(
            system=machine.system, cores=machine.cores, load=f"{machine.load:.1f}",
            flush=f"{machine.flush_s * 1e3:.2f}", hmac=f"{machine.hmac_s * 1e6:.1f}",
        ),
        style="dim", markup=False,
    )  # fmt: skip
    shown = {"intake": _intake, "import": _imports, "fold": _fold, "contention": _contention,
             "live": _live, "sources": _sources, "tail": _tail,
             "console": _console}  # fmt: skip
    console.print(shown[found.name](found.data))
    if found.name == "intake":
        _say_of_intake(console, found)
    if found.name == "contention" and not found.data["imported_throughout"]:
        console.print(_("The import was over before the measurement: its row flatters."))


def _say_of_intake(console: Console, found: Measured) -> None:
    for name, count in found.data["kept"].items():
        console.print(
            _("{server}: all {count} acknowledged notifications are in its store.").format(
                server=name, count=f"{count:,}"),
            markup=False,
        )  # fmt: skip
    if found.peers_missing:
        console.print(
            _(
                "Without an environment, and so not measured: {peers}. "
                "In a source checkout, make bench sets them up."
            ).format(peers=", ".join(found.peers_missing)),
            style="bold yellow",
            markup=False,
        )


def _table(*columns: str, left: int) -> Table:
    """Return a table: first columns of words, which may wrap, then columns of figures."""
    table = Table(box=None, pad_edge=False, caption_justify="left")
    for place, title in enumerate(columns):
        words = place < left
        table.add_column(title, justify="left" if words else "right", no_wrap=not words)
    return table


def _intake(data: dict[str, Any]) -> Group:
    ratios = {(r["to"], r["source"], r["connections"]): r["per_server_cpu_s"]
              for r in data["ratios"]}  # fmt: skip
    errors = any(cell["errors"] for cell in data["cells"])  # mostly none, and lines are short
    tables: dict[str, Table] = {}
    before = None
    for cell in data["cells"]:
        table = tables.get(cell["source"])
        if table is None:
            table = tables[cell["source"]] = _table(
                cell["signature"].upper(), _("per s"), _("per CPU-s"), _("ratio"), _("p50 ms"),
                _("p99 ms"), _("peak MB"), *([_("errors")] if errors else []), left=1,
            )  # fmt: skip
            before = None
        if before != cell["connections"]:
            before = cell["connections"]
            table.add_section()
            table.add_row(_("{count} at once").format(count=before), style="dim")
        bound = "*" if cell["client_cpu_share"] > _CLIENT_BOUND_SHARE else ""
        table.add_row(
            cell["contender"], f"{cell['per_s']:,.0f}{bound}", _whole(cell["per_server_cpu_s"]),
            _share(ratios.get((cell["contender"], cell["source"], before))),
            f"{cell['p50_s'] * 1e3:,.1f}", f"{cell['p99_s'] * 1e3:,.1f}",
            f"{cell['peak_rss_bytes'] / 1e6:,.0f}", *([str(cell["errors"])] if errors else []),
        )  # fmt: skip
    note = _(
        "at once: connections with a request in flight; ratio: how many times the server's "
        "requests per CPU-second Voidtrail does; bare uvicorn: reads and answers, and does nothing "
        "else; * the client was the limit"
    )
    return Group(*tables.values(), Text(note, style="dim"))


def _imports(data: dict[str, Any]) -> Table:
    table = _table(_("file"), _("by"), _("rows"), _("events"), _("events per CPU-s"), _("CPU s"),
                   _("seconds"), _("peak MB"), left=2)  # fmt: skip
    for each in data["imports"]:
        naive = each["by"] != "Voidtrail"
        table.add_row(
            each["form"], _("rows only") if naive else each["by"],
            f"{each['rows']:,.0f}", "–" if naive else f"{each['events']:,.0f}",
            "–" if naive else f"{each['per_cpu_s']:,.0f}", f"{each['cpu_s']:,.1f}",
            f"{each['wall_s']:,.1f}", f"{each['peak_rss_bytes'] / 1e6:,.0f}",
        )  # fmt: skip
    return table


def _fold(data: dict[str, Any]) -> Table:
    table = _table(_("query"), _("rows"), _("CPU s"), _("seconds"), _("ratio of CPU"), left=1)
    for each in data["queries"]:
        ratio = data["ratios"].get(each["name"])
        table.add_row(
            each["name"], f"{each['rows']:,}", f"{_median(each['cpu_s']):,.2f}",
            f"{_median(each['wall_s']):,.2f}", _times(ratio and ratio["cpu_s"], 2),
        )  # fmt: skip
    table.caption = _(
        "{facts} facts, {size} MB on disk, peak {rss} MB; "
        "bare: the same keys, as many aggregates, no condition"
    ).format(
        facts=f"{data['facts']:,}", size=f"{data['file_bytes'] / 1e6:,.0f}",
        rss=f"{data['peak_rss_bytes'] / 1e6:,.0f}",
    )  # fmt: skip
    return table


def _contention(data: dict[str, Any]) -> Table:
    table = _table(_("the server"), _("per s"), _("p50 ms"), _("p99 ms"), _("ratio of p99"),
                   _("per CPU-s"), left=1)  # fmt: skip
    for name, load in data["loads"].items():
        done = load["requests"] - load["non_2xx"]
        table.add_row(
            _(_SITUATIONS[name]), f"{done / load['elapsed_s']:,.0f}", f"{load['p50_s'] * 1e3:,.2f}",
            f"{load['p99_s'] * 1e3:,.2f}", _times(data["ratios"].get(name)),
            f"{done / load['server_cpu_s']:,.0f}" if load["server_cpu_s"] else "–",
        )  # fmt: skip
    return table


def _console(data: dict[str, Any]) -> Table:
    table = _table(_("page"), _("asked"), _("p50 ms"), _("p95 ms"), _("latest ms"), left=1)
    for each in data["pages"]:
        table.add_row(
            each["name"], f"{each['asked']:,}",
            *(f"{each[name] * 1e3:,.1f}" for name in ("p50_s", "p95_s", "latest_s")),
        )  # fmt: skip
    table.caption = _(
        "{payments} payments, {size} GB; first count of a day {counted} s; peak of the server "
        "{rss} MB"
    ).format(
        payments=f"{data['plan']['payments']:,}", size=f"{data['store_bytes'] / 1e9:,.1f}",
        counted=f"{data['counted_s']:,.1f}", rss=f"{data['peak_rss_bytes'] / 1e6:,.0f}",
    )  # fmt: skip
    return table


def _live(data: dict[str, Any]) -> Table:
    table = _table(_("listeners"), _("per s"), _("p50 ms"), _("p99 ms"), _("latest ms"),
                   _("lost"), _("CPU of the server"), _("peak MB"), left=0)  # fmt: skip
    for each in data["heard"]:
        table.add_row(
            f"{each['audience']['clients']:,}", f"{each['audience']['rate']:,}",
            *(f"{late_s * 1e3:,.0f}" for late_s in each["late_s"]),
            f"{each['lost'] + each['broken']:,}", screen.percent(each["server_cpu_share"]),
            f"{each['server_peak_rss_bytes'] / 1e6:,.0f}",
        )  # fmt: skip
    table.caption = "\n".join(
        _("One was cut off for {seconds} s: {missing} rows missing, {twice} told twice.").format(
            seconds=f"{each['audience']['cut_s']:g}", missing=f"{each['cut_missing']:,}",
            twice=f"{each['cut_twice']:,}",
        )
        for each in data["heard"] if each["audience"]["cut_s"]
    )  # fmt: skip
    return table


def _sources(data: dict[str, Any]) -> Table:
    table = _table(_("platform"), _("notifications"), _("bytes"), _("verify µs"),
                   _("translate µs"), _("both µs"), left=1)  # fmt: skip
    for each in data["sources"]:
        parts = each["verify_s"], each["translate_s"]
        table.add_row(
            each["source"], f"{each['notices']:,}", f"{each['bytes']:,.0f}",
            *(f"{seconds * 1e6:,.1f}" for seconds in (*parts, sum(parts))),
        )  # fmt: skip
    return table


def _tail(data: dict[str, Any]) -> Table:
    table = _table(_("lines per s"), _("lines"), _("lost"), _("doubled"), _("behind s"),
                   _("memory MB"), left=0)  # fmt: skip
    table.add_row(
        f"{data['plan']['lines_per_s']:,}", f"{data['lines']:,}", f"{data['lost']:,}",
        f"{data['doubled']:,}", f"{data['behind_s']:,.1f}",
        " – ".join(f"{size / 1e6:,.0f}" for size in data["resident_bytes"]),
    )  # fmt: skip
    table.caption = _("{rotations} rotations, {restarts} restarts; CPU of the server {cpu}").format(
        rotations=data["rotations"], restarts=data["restarts"],
        cpu=screen.percent(data["cpu_share"]),
    )  # fmt: skip
    return table


def _whole(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _share(ratio: float | None) -> str:
    """Return a ratio with two digits of what is less than one."""
    return _times(ratio, 2 if ratio is not None and ratio < 1 else 1)


def _times(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{value:,.{digits}f} ×"


def _median(values: list[float]) -> float:
    import statistics

    return statistics.median(values)
