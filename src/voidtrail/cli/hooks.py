"""`voidtrail hooks`: webhooks to the merchant's order systems, tried out and looked after."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from voidtrail.cli import exits, screen
from voidtrail.cli.options import Config, Db, Json
from voidtrail.response.telling import Word
from voidtrail.runtime.text import _, label, later, several
from voidtrail.runtime.wording.retelling import retold

if TYPE_CHECKING:
    from voidtrail.runtime.endpoints.desk import Listed, Trial

hooks = typer.Typer(no_args_is_help=True)

_Event = Annotated[Word, typer.Option("--event", help="What the sample tells of.")]
_Secret = Annotated[
    str | None,
    typer.Option(
        "--secret",
        help="For an address: env:NAME or file:PATH of its whsec_ secret; made up if not given.",
    ),
]
_MADE_UP = later("Signed with a secret made up for this trial; your receiver needs it to verify:")


@hooks.callback()
def group() -> None:
    """Webhooks to your order system: try one out, see how they fare, send dead letters again.

    Example: voidtrail hooks test orders
    """


@hooks.command("test")
def try_endpoint(
    target: Annotated[str, typer.Argument(help="An endpoint's name, or any address.")],
    event: _Event = Word.CALLED_OFF,
    secret: _Secret = None,
    db: Db = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Send a signed sample and say what came back, and what to do about it.

    Example: voidtrail hooks test http://127.0.0.1:9000/hooks --event order.paid_twice
    """
    from voidtrail.runtime.endpoints.delivery import Fault
    from voidtrail.runtime.endpoints.desk import try_out
    from voidtrail.runtime.starting import load_settings

    trial = asyncio.run(try_out(load_settings(config, db), target, event, secret))
    if json:
        screen.say_json(_as_json(trial))
    else:
        _tell(trial)
    raise typer.Exit(exits.DONE if trial.reply.fault is Fault.NONE else exits.FOUND)


def _as_json(trial: Trial) -> dict[str, Any]:
    from voidtrail.runtime.endpoints.hints import hint

    reply = trial.reply
    return {
        "ok": reply.fault.value == "none", "url": trial.url, "key": trial.message_key,
        "fault": reply.fault.value, "status": reply.status or None,
        "took_ms": round(1000 * reply.took_s), "detail": reply.detail, "hint": hint(reply),
        "answer": reply.excerpt, "secret": trial.made_up.reveal() if trial.made_up else None,
    }  # fmt: skip


def _tell(trial: Trial) -> None:
    from voidtrail.runtime.endpoints.hints import hint

    console, reply = screen.console(), trial.reply
    arrived = reply.fault.value == "none"
    mark = ("✓", "green") if arrived else ("✗", "bold red")
    what = str(reply.status) if reply.status else label("fault", reply.fault.value)
    took = _("{ms} ms").format(ms=round(1000 * reply.took_s))
    console.print(Text.assemble(mark, f" {trial.url}: {what} · {took} · {trial.message_key}"))
    if hint(reply):
        console.print(Text(hint(reply)))
    if reply.excerpt.strip():
        console.print(Text(_("It answered: {text}").format(text=reply.excerpt.strip()), "dim"))
    if trial.made_up is not None:
        console.print(Text(f"{_(_MADE_UP)} {trial.made_up.reveal()}"))


@hooks.command("list")
def list_endpoints(db: Db = None, config: Config = None, json: Json = False) -> None:
    """Show every endpoint: what it hears of, what waits, whether it is in service.

    Example: voidtrail hooks list
    """
    from voidtrail.runtime.endpoints.desk import listed
    from voidtrail.runtime.opening import reading

    with reading(config, db) as house:
        found = listed(house)
    if json:
        screen.say_json(found)
    elif not found:
        screen.console().print(_("There is no [[endpoint]] in the settings."))
    else:
        for each in found:
            _show(each)
    raise typer.Exit(exits.DONE if all(each.in_service for each in found) else exits.FOUND)


def _show(each: Listed) -> None:
    mark = ("✓", "green") if each.in_service else ("✗", "bold red")
    screen.console().print(Text.assemble(mark, (f" {each.name}", "bold"), f"  {each.url}"))
    words = [", ".join(each.events), ", ".join(each.shops) or _("every shop")]
    words += [_("{count} waiting").format(count=each.waiting),
              _("{count} arrived").format(count=each.sent),
              _("{count} given up").format(count=each.dead)]  # fmt: skip
    if each.failing_since:
        words.append(_("failing since {at}").format(at=each.failing_since))
    if not each.in_service:
        words.append(_("out of service since {at} ({why})").format(
            at=each.since, why=label("endpoint", each.why)))  # fmt: skip
    screen.console().print(Text("  " + " · ".join(words)))


@hooks.command()
def dead(
    name: Annotated[str, typer.Argument(help="Only of this endpoint.")] = "",
    limit: Annotated[int, typer.Option(help="Most messages to show.", min=1)] = 100,
    db: Db = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Show messages that were given up, oldest first.

    Example: voidtrail hooks dead orders
    """
    from voidtrail.runtime.endpoints.desk import dead_letters
    from voidtrail.runtime.opening import reading

    with reading(config, db) as house:
        found = dead_letters(house, name, limit)
    if json:
        screen.say_json(found)
    else:
        for each in found:
            tries = several(later("{count} try"), later("{count} tries"), each.tries)
            words = (each.key, each.endpoint, each.event, each.order, each.given_up_at or "",
                     tries.format(count=each.tries), retold(each.why))  # fmt: skip
            screen.console().print(Text("  ".join(words)))
        if not found:
            screen.console().print(_("No message was given up."))
    raise typer.Exit(exits.FOUND if found else exits.DONE)


@hooks.command()
def resend(
    name: Annotated[str, typer.Argument(help="The endpoint.")],
    keys: Annotated[
        list[str] | None, typer.Argument(help="Only these messages, by their keys.")
    ] = None,
    db: Db = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Let an endpoint's dead letters go out again, and put it back into service.

    Example: voidtrail hooks resend orders
    """
    from voidtrail.runtime.endpoints.desk import resend as send_again
    from voidtrail.runtime.opening import writing

    with writing(config, db) as house:
        count = send_again(house, name, keys or ())
    if json:
        screen.say_json({"resent": count})
    else:
        screen.console().print(several(
            later("{count} message goes out again."), later("{count} messages go out again."), count
        ).format(count=count))  # fmt: skip
