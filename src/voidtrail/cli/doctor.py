"""`voidtrail doctor`: whether this machine and this ledger are fit."""

from __future__ import annotations

import os

import typer
from rich.text import Text

from voidtrail.cli import exits, screen
from voidtrail.cli.options import Config, Db, Json
from voidtrail.runtime.text import label
from voidtrail.runtime.wording.retelling import retold


def doctor(db: Db = None, config: Config = None, json: Json = False) -> None:
    """Check this machine, the settings and the ledger; nothing is changed.

    Example: voidtrail doctor --config voidtrail.toml
    """
    from voidtrail.runtime.doctor import examine
    from voidtrail.runtime.starting import load_settings

    found = examine(load_settings(config, db), os.environ)
    if json:
        screen.say_json({"ok": all(each.ok for each in found), "checks": found})
    else:
        for each in found:
            mark = ("✓", "green") if each.ok else ("✗", "bold red")
            name = label("check", each.name) if " " not in each.name else each.name
            screen.console().print(Text.assemble(mark, f" {name}: {retold(each.found)}"))
    raise typer.Exit(exits.DONE if all(each.ok for each in found) else exits.FOUND)
