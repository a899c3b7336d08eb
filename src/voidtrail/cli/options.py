"""Options that several commands share, so that they are called and explained alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Db = Annotated[
    Path | None,
    typer.Option("--db", help="The ledger's file (else VOIDTRAIL_DB, else voidtrail.db)."),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config", help="The settings file (else VOIDTRAIL_CONFIG, else voidtrail.toml)."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="Judge silence as of this date or instant, not as of now."),
]
