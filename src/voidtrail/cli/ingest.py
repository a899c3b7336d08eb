"""`voidtrail ingest`: years of history from files."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voidtrail.cli import exits, screen
from voidtrail.cli.options import Config, Db, Json
from voidtrail.errors import WrongUse
from voidtrail.runtime.text import _
from voidtrail.runtime.wording.retelling import retold

if TYPE_CHECKING:
    from voidtrail.runtime.files import Imported


class ModeWord(Enum):
    """Whether an account's payments are real."""

    live = "live"
    test = "test"


def ingest(
    file: Annotated[
        Path,
        typer.Argument(help="A CSV, Parquet or JSON lines file; or messages of card terminals."),
    ],
    mapping: Annotated[
        Path | None, typer.Option("--map", help="The mapping file: what the columns mean.")
    ] = None,
    source: Annotated[
        str,
        typer.Option(help="pos, for messages of card terminals: raw, or lines of hex digits."),
    ] = "",
    account: Annotated[
        str, typer.Option(help="Name of the account; the mapping file's name if not given.")
    ] = "",
    shop: Annotated[str | None, typer.Option(help="The shop that the orders belong to.")] = None,
    entity: Annotated[
        str | None, typer.Option(help="The legal entity that the money belongs to.")
    ] = None,
    mode: Annotated[
        ModeWord | None, typer.Option(help="Test traffic never enters live numbers.")
    ] = None,
    on: Annotated[
        str,
        typer.Option(help="The day terminals' messages are of, as 2026-03-01; else the file's."),
    ] = "",
    db: Db = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Import a file of history; what was imported before is recognised.

    Rows that cannot be read are quarantined and named, the rest is imported, and the exit
    code is 1. A later file of the same name takes the place of the earlier one.

    Example: voidtrail ingest orders.csv --map taobao.toml --shop shop-1
    """
    from voidtrail.runtime.captures import import_capture
    from voidtrail.runtime.files import import_file
    from voidtrail.runtime.opening import writing

    if (mapping is None) == (source != "pos"):
        raise WrongUse("say what the file is: --map MAPPING for a table, or --source pos")
    with writing(config, db) as house, screen.progress() as tell:
        if mapping is None:
            done = import_capture(house, file, account=account or "main", on=on, progress=tell)
        else:
            done = import_file(
                house, file, mapping, account=account, shop=shop, entity=entity,
                mode=None if mode is None else mode.value, progress=tell,
            )  # fmt: skip
    if json:
        screen.say_json(done.counts)
    else:
        _show(done)
    raise typer.Exit(exits.FOUND if done.counts.unreadable else exits.DONE)


def _show(done: Imported) -> None:
    console, counts = screen.console(), done.counts
    screen.counts(
        (_("rows"), counts.deliveries), (_("new statements"), counts.events),
        (_("known already"), counts.duplicates), (_("unreadable"), counts.unreadable),
        (_("payments"), counts.payments), (_("orders"), counts.orders),
    )  # fmt: skip
    if done.resumed:
        console.print(_("An interrupted import was taken up: {count} rows stood already.").format(
            count=f"{done.resumed:,}"))  # fmt: skip
    if done.superseded:
        console.print(_("An earlier file of this name no longer counts."))
    for path, why in done.quarantined:
        console.print(f"  {retold(path)}: {retold(why)}", markup=False)
    hidden = counts.unreadable - len(done.quarantined)
    if hidden > 0:
        console.print(_("… and {count} more.").format(count=f"{hidden:,}"))
