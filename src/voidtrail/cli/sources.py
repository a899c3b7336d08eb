"""`voidtrail sources`: what can be done at each platform, and what a sample would lead to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from voidtrail.cli import exits, screen
from voidtrail.cli.options import Config, Json
from voidtrail.runtime.text import _, label, later
from voidtrail.runtime.wording.retelling import retold

if TYPE_CHECKING:
    from voidtrail.runtime.sampling import Told, Trial

sources = typer.Typer(invoke_without_command=True)

_COLUMNS = (
    later("Notify"),
    later("Query"),
    later("Close"),
    later("Void"),
    later("Refund"),
    later("Pay link"),
    later("Bill file"),
)
_LEGEND = later("● proved by its signature   ○ unsigned: the platform is asked at once")


@sources.callback()
def table(context: typer.Context, json: Json = False) -> None:
    """Show what each source can do: notify, query, close, void, refund, pay link, bill file.

    Example: voidtrail sources --json
    """
    if context.invoked_subcommand is not None:
        return
    from voidtrail.runtime.sampling import capabilities

    found = capabilities()
    if json:
        screen.say_json(found)
        return
    shown = Table(box=None, pad_edge=False)
    shown.add_column(_("Source"), no_wrap=True)
    shown.add_column("", no_wrap=True)
    for column in map(_, _COLUMNS):
        widest = max(cell_len(word) for word in column.split())
        shown.add_column(column, justify="center", min_width=widest)
    for each in found:
        can = (each.query, each.close, each.void, each.refund, each.pay_link, each.bill_file)
        notify = ("●" if each.signed else "○") if each.notify else "–"
        marks = ("●" if one else "–" for one in can)
        shown.add_row(each.source, label("source", each.source), notify, *marks)
    screen.console().print(shown)
    screen.console().print(Text(_(_LEGEND), style="dim"))


@sources.command("try")
def try_file(
    file: Annotated[
        Path, typer.Argument(help="A body, or a whole request: headers, an empty line, the body.")
    ],
    account: Annotated[
        str, typer.Option(help="Whose delivery it is, as custom/main; if there are several.")
    ] = "",
    at: Annotated[
        str | None, typer.Option(help="When it was received, as of which its age is judged.")
    ] = None,
    asked: Annotated[
        str, typer.Option(help="It is the platform's answer about this payment, not a notice.")
    ] = "",
    config: Config = None,
    json: Json = False,
) -> None:
    """Verify and translate a pasted sample and show what would be recorded; nothing is stored.

    Example: voidtrail sources try sample.txt --config voidtrail.toml
    """
    from voidtrail.runtime import clock
    from voidtrail.runtime.sampling import try_sample
    from voidtrail.runtime.starting import load_settings

    received = None if at is None else clock.from_text(at)
    trial = try_sample(load_settings(config, None), file, account, at=received, asked=asked)
    if json:
        screen.say_json(trial)
    else:
        _tell(trial)
    raise typer.Exit(exits.DONE if trial.is_recorded else exits.FOUND)


def _tell(trial: Trial) -> None:
    console = screen.console()
    if trial.refusal:
        mark, words = ("✗", "bold red"), f"{label('error', trial.refusal)}: {retold(trial.why)}"
    else:
        mark, words = ("✓", "green"), _("genuine")
    console.print(Text.assemble(mark, f" {trial.account}: {words}"), soft_wrap=True)
    if trial.refusal and trial.checked_text:
        console.print(Text(_("The text whose signature was checked:"), "dim"))
        console.print(Text(f"  {trial.checked_text}"), soft_wrap=True)
    if trial.unreadable:
        said = _("It would be quarantined: {path}: {why}")
        console.print(Text(said.format(path=trial.unreadable, why=retold(trial.why_unreadable))))
        return
    if trial.refusal:
        console.print(Text(_("Refused, nothing is recorded. If it were genuine:")))
    else:
        console.print(Text(_("What would be recorded:")))
    for each in trial.events:
        _show(each)


def _show(told: Told) -> None:
    words = [f"{label('kind', told.kind)} – {label('result', told.result)}"]
    if told.amount_minor is not None:
        words.append(screen.money(told.amount_minor, told.currency))
    if told.reason not in ("unstated", "unlisted"):
        words.append(label("reason", told.reason))
    if told.test:
        words.append(_("test traffic"))
    lines = (
        (_("Payment"), told.payment),
        (_("Order"), told.order),
        (_("Operation"), told.operation),
        (_("Also known as"), ", ".join(told.names)),
        (_("Code"), told.code),
        (_("Merchant"), told.merchant),
        (_("Occurred"), told.occurred_at or ""),
    )
    console = screen.console()
    console.print(Text(f"  {' · '.join(words)}", style="bold"))
    for name, value in lines:
        if value:
            console.print(Text(f"    {name}: {value}"), soft_wrap=True)
