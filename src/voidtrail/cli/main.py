"""The `voidtrail` command: puts the command groups together.

A new group is a module beside this one, added below with `app.add_typer` or `app.command`.
"""

from typing import Annotated

import typer

from voidtrail import __version__

app = typer.Typer(
    name="voidtrail",
    help="The flight recorder for cancelled payments.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals may hold secrets
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"voidtrail {__version__}")
        raise typer.Exit


@app.callback()
def voidtrail(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Record, explain and win back cancelled payments."""


def main() -> None:
    """Run the command line; the console script's entry point."""
    app()
