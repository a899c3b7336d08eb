"""`voidtrail simulate`: a merchant's day played into a real server, held against the truth."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from voidtrail.cli import exits, screen
from voidtrail.cli.options import Json
from voidtrail.cli.report import show as show_report
from voidtrail.errors import OutsideFault
from voidtrail.runtime.text import _

if TYPE_CHECKING:
    from voidtrail.runtime.rehearsal import Rehearsal


def simulate(
    demo: Annotated[
        bool, typer.Option("--demo", help="Keep the server up until Ctrl-C (not with DEMO_EXIT=1).")
    ] = False,
    orders: Annotated[int, typer.Option(help="Orders of the day.", min=50)] = 5000,
    seed: Annotated[int | None, typer.Option(help="Play this day again.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the server; any free one.")] = None,
    folder: Annotated[
        Path, typer.Option(help="For settings, secrets and the ledger; emptied first.")
    ] = Path("voidtrail-demo"),
    json: Json = False,
) -> None:
    """Play a merchant's day over real HTTP into a fresh server and compare with the truth.

    Example: voidtrail simulate --orders 500 --seed 7
    """
    stay = demo and os.environ.get("DEMO_EXIT") != "1"
    raise typer.Exit(asyncio.run(_simulate(folder, orders, seed, port, stay, json)))


async def _simulate(
    folder: Path, orders: int, seed: int | None, port: int | None, stay: bool, json: bool
) -> int:
    try:
        from voidtrail.runtime.rehearsal import rehearse
    except ModuleNotFoundError as error:
        raise OutsideFault(
            f"the simulator needs the package {error.name}; install voidtrail[simulate]"
        ) from None
    with screen.progress() as tell:
        day = rehearse(folder, seed=seed, orders=orders, port=port, tell=tell or _quietly,
                       ready=_open_console if stay else _nowhere)  # fmt: skip
        found = await day.__aenter__()
    try:
        screen.say_json(_as_data(found)) if json else _show(found, stay)
        if stay:
            await _until_stopped()
    finally:
        await day.__aexit__(None, None, None)
    good = found.comparison.ok and found.verified.ok and not found.unreadable
    return exits.DONE if good else exits.FOUND


def _quietly(step: str, done: int, total: int) -> None:
    """Tell nobody: standard error is not a terminal."""


def _show(found: Rehearsal, stay: bool) -> None:
    console = screen.console()
    console.print(
        _("{posts} notifications of {orders} orders in {seconds} s, seed {seed}.").format(
            posts=f"{len(found.playback.played):,}", orders=f"{found.orders:,}",
            seconds=f"{found.seconds:.0f}", seed=found.seed,
        )
    )  # fmt: skip
    show_report(found.report)
    comparison = found.comparison
    table = Table(title=_("Against the simulator's truth"), title_justify="left", box=None)
    for title in ("", _("true"), _("found"), _("recall"), _("precision")):
        table.add_column(title, justify="left" if not title else "right")
    for name, score in ((_("called off, and somebody said so"), comparison.explicit),
                        (_("abandoned in silence"), comparison.silent)):  # fmt: skip
        table.add_row(name, f"{score.expected:,}", f"{score.claimed:,}", f"{score.recall:.3f}",
                      f"{score.precision:.3f}")  # fmt: skip
    console.print(table)
    console.print(
        _("How and by whom as it was: {exact} of {all}. Money that differs: {wrong}.").format(
            exact=f"{comparison.exact:,}", all=f"{comparison.both_cancelled:,}",
            wrong=comparison.money_wrong,
        )
    )  # fmt: skip
    console.print(
        _("Chain: {state}, {entries} entries, head {head}. Unreadable: {unreadable}.").format(
            state=_("verified") if found.verified.ok else _("BROKEN"),
            entries=f"{found.verified.entries:,}", head=found.verified.head[:16],
            unreadable=found.unreadable,
        )
    )  # fmt: skip
    for example in comparison.examples[:5]:
        console.print(f"  {example}", style="dim")
    command = f"voidtrail show {found.example} --config {found.folder / 'voidtrail.toml'}"
    console.print(_("Look further: {command}").format(command=command), soft_wrap=True)
    if stay:
        console.print(_("The server answers at {address} until Ctrl-C.").format(
            address=found.address), style="bold")  # fmt: skip
        _open_console(found.folder)


def _nowhere(folder: Path) -> None:
    """Open nothing: the server ends with the command."""


def _open_console(folder: Path) -> None:
    """Print a link that opens the console on the day that is played; another one each time."""
    from voidtrail.runtime.opening import reading
    from voidtrail.runtime.rehearsal import latest_day
    from voidtrail.web.access import Access

    with reading(folder / "voidtrail.toml", None) as house:
        day = latest_day(house.clock())
        link = Access(house).link(to=f"/overview?since={day}&until={day}")
    screen.console().print(_("The console opens once at {link}").format(link=link),
                           soft_wrap=True, style="bold")  # fmt: skip


def _as_data(found: Rehearsal) -> dict[str, Any]:
    return {
        "seed": found.seed, "orders": found.orders, "seconds": round(found.seconds, 1),
        "statuses": {str(k): v for k, v in found.playback.statuses.items()},
        "report": found.report, "comparison": found.comparison.as_dict(),
        "verified": {"ok": found.verified.ok, "entries": found.verified.entries,
                     "head": found.verified.head},
        "unreadable": found.unreadable,
    }  # fmt: skip


async def _until_stopped() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stopped.set)
    await stopped.wait()
