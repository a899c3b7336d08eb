"""`voidtrail verify`, `replay` and `retranslate`: proofs over the ledger, and reading it again."""

from __future__ import annotations

from typing import Annotated

import typer

from voidtrail.cli import exits, screen
from voidtrail.cli.options import Config, Db, Json
from voidtrail.runtime.text import _


def verify(
    head: Annotated[
        str, typer.Option(help="A head kept elsewhere: proves that nothing was cut off since.")
    ] = "",
    db: Db = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Walk along the chain: was anything changed, removed or put in?

    Keep the head that is printed where nobody who can write the ledger can write.

    Example: voidtrail verify --head "$(cat head.txt)"
    """
    from voidtrail.runtime.opening import reading
    from voidtrail.runtime.upkeep import verify as walked

    with reading(config, db) as house, screen.progress() as tell:
        found = walked(
            house, kept=head,
            progress=None if tell is None else lambda done, of: tell("verify", done, of),
        )  # fmt: skip
    if json:
        screen.say_json({key: value for key, value in found.items() if value or key != "trouble"})
    else:
        console = screen.console()
        said = _("whole: nothing was changed") if found["ok"] else found["trouble"]
        console.print(f"{_('Chain')}: {said}", style="bold", markup=False)
        console.print(f"{_('entries')} {found['entries']:,}", markup=False)
        console.print(f"{_('head')} {found['head']}", markup=False, soft_wrap=True)
    raise typer.Exit(exits.DONE if found["ok"] else exits.FOUND)


def replay(db: Db = None, config: Config = None, json: Json = False) -> None:
    """Fold the whole ledger anew and compare with the live read tables, row for row.

    Example: voidtrail replay --db shop.db
    """
    from voidtrail.runtime.opening import reading
    from voidtrail.runtime.upkeep import replay as folded

    with reading(config, db) as house:
        found = folded(house)
    if json:
        screen.say_json({key: value for key, value in found.items() if value or key != "differing"})
    else:
        console = screen.console()
        said = _("equal") if found["equal"] else _("different")
        console.print(f"{_('Read tables')}: {said}", style="bold")
        console.print(f"{_('rows')} {found['rows']:,}")
        for table, payments in found["differing"].items():
            console.print(f"{table}: {', '.join(map(str, payments))}")
    raise typer.Exit(exits.DONE if found["equal"] else exits.FOUND)


def retranslate(
    source: Annotated[str, typer.Argument(help="Name of the source, as stripe.")],
    account: Annotated[str, typer.Option(help="Only of this account.")] = "",
    db: Db = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Read kept deliveries again under the present translators; retry the quarantine.

    Example: voidtrail retranslate stripe --account main
    """
    from voidtrail.runtime.opening import writing
    from voidtrail.runtime.retranslate import retranslate as read_again

    with writing(config, db) as house, screen.progress() as tell:
        found = read_again(house, source, account=account, progress=tell)
    if json:
        screen.say_json(found)
    else:
        screen.counts(
            (_("read again"), found.deliveries), (_("new statements"), found.events),
            (_("known already"), found.duplicates), (_("no longer said"), found.retracted),
            (_("left the quarantine"), found.recovered), (_("unreadable"), found.unreadable),
            (_("erased"), found.erased),
        )  # fmt: skip
    raise typer.Exit(exits.FOUND if found.unreadable else exits.DONE)
