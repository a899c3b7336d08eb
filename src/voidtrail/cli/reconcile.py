"""`voidtrail reconcile`: a platform's bill against the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voidtrail.cli import exits, screen
from voidtrail.cli.options import Config, Db, Json
from voidtrail.runtime.text import _, label
from voidtrail.runtime.wording.retelling import retold

if TYPE_CHECKING:
    from voidtrail.runtime.reconciling.shapes import Finding, Outcome, Side

_SHOWN = 40


def reconcile(
    file: Annotated[
        Path, typer.Argument(help="The bill as the platform gives it: CSV, zip or gzip.")
    ],
    source: Annotated[str, typer.Option(help="Whose bill it is, as alipay or stripe.")],
    account: Annotated[
        str, typer.Option(help="Name of the account; not needed where there is one.")
    ] = "",
    day: Annotated[
        str, typer.Option(help="The day it should be of, as 2026-03-01; else refused.")
    ] = "",
    mapping: Annotated[
        Path | None,
        typer.Option("--map", help="A mapping file, for a table of no form that is known."),
    ] = None,
    proofs: Annotated[
        Path | None, typer.Option(help="Write one line of JSON per order into this file.")
    ] = None,
    db: Db = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Compare a platform's bill with the ledger, order by order.

    What is missing, differs or was paid twice is told, kept in the ledger and shown in the
    console; the exit code is then 1. The same bill again takes the place of the earlier run.

    Example: voidtrail reconcile 20880211_20260301.zip --source alipay --day 2026-03-01
    """
    from voidtrail.runtime.opening import writing
    from voidtrail.runtime.reconciling.describing import for_machines
    from voidtrail.runtime.reconciling.run import Asked, reconcile_file

    asked = Asked(file, source, account, day, mapping, proofs)
    with writing(config, db) as house, screen.progress() as tell:
        done = reconcile_file(house, asked, tell)
    if json:
        screen.say_json(for_machines(done))
    else:
        _show(done)
    raise typer.Exit(exits.FOUND if done.run.open or not done.run.complete else exits.DONE)


def _show(done: Outcome) -> None:
    console, run = screen.console(), done.run
    screen.counts(
        (_("rows"), run.rows), (_("agree"), run.agreed), (_("open"), run.open),
        (_("near midnight, in the next bill"), run.waiting),
        (_("not paid, and rightly not there"), run.unpaid),
        (_("unreadable"), run.unreadable),
    )  # fmt: skip
    for note in run.notes:
        said = label("bill_note", note.code).format(
            where=note.where, stated=note.stated, found=note.found, why=retold(note.why)
        )
        console.print(f"  {said}", markup=False)
    for each in done.findings[:_SHOWN]:
        console.print(f"  {_line(each)}", markup=False)
    if len(done.findings) > _SHOWN:
        console.print(_("… and {count} more.").format(count=f"{len(done.findings) - _SHOWN:,}"))


def _line(each: Finding) -> str:
    """Return a finding as one line: what, which order, and what each side says."""
    there = _("bill: {what}").format(what=", ".join(map(_side, each.there)) or "–")
    here = _("here: {what}").format(what=", ".join(map(_side, each.here)) or "–")
    return f"{label('difference', each.kind)}: {each.order or '–'} · {there} · {here}"


def _side(side: Side) -> str:
    amount = "" if side.amount_minor is None else screen.money(side.amount_minor, side.currency)
    return " ".join(part for part in (side.reference, amount, label("standing", side.standing))
                    if part)  # fmt: skip
