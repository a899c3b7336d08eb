"""The `voidtrail` command: puts the command groups together.

A new group is a module beside this one, added below with `app.add_typer` or `app.command`. Help is
written in English where the command stands and translated here, after the language is known.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
import typer.main

from voidtrail import __version__
from voidtrail.cli import (
    alerts,
    bench,
    doctor,
    exits,
    hooks,
    ingest,
    ledger,
    reconcile,
    report,
    resolve,
    serve,
    show,
    simulate,
    sources,
)
from voidtrail.errors import VoidtrailError
from voidtrail.runtime.text import _, language_of, later, speak

app = typer.Typer(
    name="voidtrail",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a frame's locals may hold secrets
    add_completion=False,
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
    lang: Annotated[
        str | None,
        typer.Option(help="Language: en or zh_CN (else VOIDTRAIL_LANGUAGE, else LANG)."),
    ] = None,
) -> None:
    """The flight recorder for cancelled payments.

    Exit codes: 0 done, 1 found something, 2 wrong use, 3 a fault outside.

    Example: voidtrail ingest orders.csv --map taobao.toml && voidtrail report
    """


app.command()(serve.serve)
app.command()(serve.work)
app.command()(serve.link)
app.command()(simulate.simulate)
app.command()(ingest.ingest)
app.command()(report.report)
app.command()(reconcile.reconcile)
app.command()(show.show)
app.command()(resolve.resolve)
app.command()(ledger.verify)
app.command()(ledger.replay)
app.command()(ledger.retranslate)
app.add_typer(hooks.hooks, name="hooks")
app.add_typer(alerts.alerts, name="alerts")
app.add_typer(sources.sources, name="sources")
app.command()(doctor.doctor)
app.command()(bench.bench)

_PANELS = {
    "ARGUMENTS_PANEL_TITLE": later("Arguments"),
    "OPTIONS_PANEL_TITLE": later("Options"),
    "COMMANDS_PANEL_TITLE": later("Commands"),
    "ERRORS_PANEL_TITLE": later("Error"),
    "REQUIRED_LONG_STRING": later("[required]"),
}
SHOW_HELP = later("Show this message and exit.")


def commands() -> Any:
    """Return the whole tree of commands, its help in English."""
    return typer.main.get_command(app)


def translated(command: Any) -> Any:
    """Put the help of a command and of all below it into the language in use."""
    command.help = _(command.help or "")
    for option in command.params:
        option.help = _(getattr(option, "help", None) or "")
    shown = command.get_help_option(typer.Context(command))
    if shown is not None:
        shown.help = _(SHOW_HELP)
    for below in getattr(command, "commands", {}).values():
        translated(below)
    return command


def _translate_panels() -> None:
    from typer import rich_utils

    for name, title in _PANELS.items():
        setattr(rich_utils, name, _(title))


def run(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> int:
    """Run one command line; return its exit code."""
    try:
        speak(language_of(arguments, environment))
        _translate_panels()
        translated(commands()).main(args=list(arguments), prog_name="voidtrail")
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone
        return exits.DONE
    except (VoidtrailError, OSError, sqlite3.Error) as error:
        return exits.tell(error)
    return exits.DONE


def main() -> None:
    """Run the command line; the console script's entry point."""
    sys.exit(run(sys.argv[1:]))
