"""`voidtrail alerts`: what is told to people, what would have been, and who has seen it."""

from __future__ import annotations

import asyncio
import getpass
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from voidtrail.cli import screen
from voidtrail.cli.options import Config, Db, Json
from voidtrail.event.model import Micros
from voidtrail.runtime.clock import to_text
from voidtrail.runtime.text import _, label
from voidtrail.runtime.wording.retelling import retold

if TYPE_CHECKING:
    from voidtrail.runtime.notify.reading import IncidentRow

alerts = typer.Typer(no_args_is_help=True)


@alerts.callback()
def group() -> None:
    """Messages to people: what was sent, what would have been, who has seen it.

    Example: voidtrail alerts try --since 2026-03-01 --until 2026-03-01
    """


@alerts.command("try")
def rehearse(
    since: Annotated[
        str | None, typer.Option(help="First day, or an instant; yesterday if not given.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Last day, that day included.")] = None,
    db: Db = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Show what the routes would have sent in a period; nothing is sent.

    Example: voidtrail alerts try --since 2026-03-01 --until 2026-03-01
    """
    from voidtrail.runtime.notify.trial import period, tried
    from voidtrail.runtime.opening import reading

    with reading(config, db) as house:
        start, end, zone = period(house, since, until)
        said = tried(house, start, end)
    if json:
        screen.say_json([_readable(each, zone) for each in said])
        return
    console = screen.console()
    if not said:
        console.print(_("Nothing would have been sent."))
        return
    table = Table(_("when"), _("channel"), _("why"), _("message"))
    for each in said:
        table.add_row(_at(each.at, zone), each.channel, label("told", each.why),
                      Text(each.title))  # fmt: skip
    console.print(table)
    screen.counts(*sorted(Counter(each.channel for each in said).items()))


@alerts.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, help="Most incidents to show.")] = 20,
    db: Db = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Show incidents, the newest first: who was told, whether it arrived, who has seen it.

    Example: voidtrail alerts list --limit 5
    """
    from voidtrail.runtime.notify.reading import incidents
    from voidtrail.runtime.opening import reading

    with reading(config, db) as house:
        found = incidents(house, limit)
    if json:
        screen.say_json([_readable(each, each.zone) for each in found])
        return
    console = screen.console()
    if not found:
        console.print(_("There are no incidents."))
    for each in found:
        console.print(Text(f"{each.no}  {each.title}", style="bold"))
        console.print(Text(f"   {_standing(each)}", style="dim"))
        for told in each.told:
            line = f"   {_at(told.at, each.zone)}  {told.channel}  "
            line += f"{label('told', told.why)}  {label('arrival', told.arrival)}"
            console.print(Text(f"{line}  {retold(told.last_error)}".rstrip()))


def _at(instant: Micros, zone: str) -> str:
    return str(to_text(instant, zone)).replace("T", " ")


def _readable(row: Any, zone: str) -> Any:
    """Return a row for machines, its instants as ISO 8601."""
    if isinstance(row, msgspec.Struct):
        row = msgspec.to_builtins(row)
    if isinstance(row, list | tuple):
        return [_readable(each, zone) for each in row]
    if not isinstance(row, dict):
        return row
    return {
        name: to_text(value, zone) if name == "at" or name.endswith("_at")
        else _readable(value, zone)
        for name, value in row.items()
    }  # fmt: skip


def _standing(row: IncidentRow) -> str:
    words = [_("over") if row.closed_at else _("going on")]
    if row.acknowledged_by:
        words.append(_("seen by {who}").format(who=row.acknowledged_by))
    else:
        words.append(_("not acknowledged"))
    return " · ".join(words)


@alerts.command("ack")
def ack(
    incident: Annotated[int, typer.Argument(help="The incident's number.")],
    who: Annotated[
        str | None, typer.Option(help="Who has seen it; your login name if not given.")
    ] = None,
    db: Db = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Say that somebody has seen an incident; it is not escalated any more.

    Example: voidtrail alerts ack 4711 --who Li
    """
    from voidtrail.runtime.ingest import Intake
    from voidtrail.runtime.notify.desk import acknowledge
    from voidtrail.runtime.notify.reading import incident as read
    from voidtrail.runtime.opening import reading, writing

    with reading(config, db) as house:
        read(house, incident)
    with writing(config, db) as house:

        async def write() -> None:
            intake = Intake(house.ledger, house.clock)
            await acknowledge(intake, incident, who or getpass.getuser(), house.clock())
            await intake.close()

        asyncio.run(write())
        found = read(house, incident)
    if json:
        screen.say_json(_readable(found, found.zone))
    else:
        screen.console().print(
            _("Incident {no}: {standing}").format(no=found.no, standing=_standing(found))
        )
