"""`voidtrail resolve`: decide about a success that came after the cancellation."""

from __future__ import annotations

import getpass
from typing import Annotated, Any, Final, Literal

import typer
from rich.text import Text

from voidtrail.cli import exits, screen
from voidtrail.cli.options import Config, Db, Json
from voidtrail.errors import WrongUse
from voidtrail.runtime.text import _, label, later

Wish = Literal["honour", "refund", "approve"]
_WISHES: Final[dict[str, Wish]] = {"honour": "honour", "refund": "refund", "approve": "approve"}
_SAID: Final = {
    "honoured": later("Honoured: the payment stands, and nothing is given back."),
    "refunded": later("The refund goes out; `voidtrail show` tells what came of it."),
    "proposed": later(
        "Above the cap: a second person approves it with `voidtrail resolve {order} --approve`."
    ),
    "rehearsed": later(
        "Dry run: {amount} would be given back. Nothing was done, and the case stays open."
    ),
}


def resolve(
    reference: Annotated[
        str, typer.Argument(help="The order or payment; without one, what waits is listed.")
    ] = "",
    honour: Annotated[bool, typer.Option("--honour", help="The payment stands.")] = False,
    refund: Annotated[bool, typer.Option("--refund", help="Give the money back.")] = False,
    approve: Annotated[
        bool, typer.Option("--approve", help="Approve what somebody else proposed.")
    ] = False,
    by: Annotated[
        str, typer.Option(help="Who decides; else the user of this machine.", show_default=False)
    ] = "",
    db: Db = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Decide about a success that came after its payment was called off, once and for good.

    Example: voidtrail resolve A1001 --honour
    """
    wishes = [name for name, wanted in (("honour", honour), ("refund", refund),
                                        ("approve", approve)) if wanted]  # fmt: skip
    if not reference and not wishes:
        _list(db, config, json)
        return
    if len(wishes) != 1 or not reference:
        raise WrongUse("say what: an order or payment, and one of --honour, --refund, --approve")
    from voidtrail.runtime.deeds.desk import resolve as decide
    from voidtrail.runtime.deeds.standing import told_case
    from voidtrail.runtime.opening import writing

    with writing(config, db) as house:
        case, step = decide(house, reference, _WISHES[wishes[0]], by or getpass.getuser())
    word = {"proposed": "proposed", "rehearsed": "rehearsed"}.get(step.what, "")
    word = word or ("honoured" if step.resolution == "honour" else "refunded")
    if json:
        screen.say_json({"done": word, **told_case(case)})
    else:
        amount = screen.money(case.amount_minor, case.currency)
        screen.console().print(_(_SAID[word]).format(order=case.order or reference, amount=amount))
    raise typer.Exit(exits.FOUND if word in ("proposed", "rehearsed") else exits.DONE)


def _list(db: Db, config: Config, json: bool) -> None:
    from voidtrail.runtime.deeds.desk import open_cases
    from voidtrail.runtime.deeds.standing import told_case
    from voidtrail.runtime.opening import reading

    with reading(config, db) as house:
        found = [told_case(each) for each in open_cases(house)]
    if json:
        screen.say_json(found)
    else:
        for each in found:
            screen.console().print(Text("  ".join(_line(each))))
        if not found:
            screen.console().print(_("No late success waits for a decision."))
    raise typer.Exit(exits.FOUND if found else exits.DONE)


def _line(case: dict[str, Any]) -> list[str]:
    words = [case["order"] or case["payment"], screen.money(case["amount_minor"], case["currency"]),
             label("how", case["how"]), label("late", case["state"])]  # fmt: skip
    if case["proposed_by"]:
        words.append(_("proposed by {name}").format(name=case["proposed_by"]))
    return [*words, case["opened_at"] or ""]
