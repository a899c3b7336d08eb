"""`voidtrail serve`, `voidtrail work`, and the link that opens the console."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from voidtrail.runtime.text import _


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    db: Annotated[Path | None, typer.Option(help="The ledger's file.")] = None,
    config: Annotated[Path | None, typer.Option(help="The settings file.")] = None,
    work: Annotated[bool, typer.Option(help="Run the worker's loop here too.")] = True,
) -> None:
    """Take in deliveries, answer the API and work.

    Example: voidtrail serve --port 8420 --db shop.db
    """
    import uvloop

    from voidtrail.runtime import logs
    from voidtrail.runtime.app import build
    from voidtrail.runtime.starting import load_settings
    from voidtrail.web.access import Access
    from voidtrail.web.server import serve as run

    logs.configure()
    settings = load_settings(config, db, {"server.host": host, "server.port": port})
    house = build(settings, settle=True)
    address = f"http://{house.settings.server.host}:{house.settings.server.port}"

    def ready() -> None:
        typer.echo(f"voidtrail: {address} is taking in deliveries", err=True)
        opening = _("The console opens once at {link}").format(link=Access(house).link())
        typer.echo(opening, err=True)

    try:
        uvloop.run(run(house, ready=ready, work=work))
    finally:
        house.close()


def link(
    name: Annotated[str, typer.Option(help="Whose link it is; stands by what they do.")] = "",
    port: Annotated[
        int | None, typer.Option(help="Port of the server, if not the one in the settings.")
    ] = None,
    db: Annotated[Path | None, typer.Option(help="The ledger's file.")] = None,
    config: Annotated[Path | None, typer.Option(help="The settings file.")] = None,
) -> None:
    """Make a link that opens the console of a running server once, within the hour.

    Example: voidtrail link --name "Li Wei"
    """
    from voidtrail.runtime.opening import reader
    from voidtrail.runtime.starting import load_settings
    from voidtrail.web.access import Access

    house = reader(load_settings(config, db, {"server.port": port}))
    try:
        typer.echo(Access(house).link(name))
    finally:
        house.close()


def work(
    db: Annotated[Path | None, typer.Option(help="The ledger's file.")] = None,
    config: Annotated[Path | None, typer.Option(help="The settings file.")] = None,
    once: Annotated[bool, typer.Option(help="Do what is due now, then end.")] = False,
) -> None:
    """Run the worker's loop as a process of its own.

    Example: voidtrail work --db shop.db
    """
    from voidtrail.runtime import logs
    from voidtrail.runtime.app import build
    from voidtrail.runtime.starting import load_settings
    from voidtrail.runtime.working import work as run

    logs.configure()
    house = build(load_settings(config, db), settle=True)
    try:
        asyncio.run(run(house, once=once))
    finally:
        house.close()
