"""`voidtrail show`: the whole life of an order."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from voidtrail.cli import screen
from voidtrail.cli.options import AsOf, Config, Db, Json
from voidtrail.runtime.text import _, label
from voidtrail.runtime.wording.retelling import retold

_LEGS = ("authorised", "held", "captured", "returned", "withdrawn")


def show(
    reference: Annotated[
        str, typer.Argument(help="An order, payment, charge, trade or operation, by its reference.")
    ],
    as_of: AsOf = None,
    db: Db = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Show the whole life of an order: who said what, what follows, and what proves it.

    Example: voidtrail show A1001
    """
    from voidtrail.runtime.opening import reading
    from voidtrail.runtime.show import show as life

    with reading(config, db) as house:
        found = life(house, reference, as_of=as_of)
    if json:
        screen.say_json(found)
    else:
        tell(found)


def tell(found: dict[str, Any]) -> None:
    """Print an order's life for people."""
    console = screen.console()
    head = Text.assemble(
        (f"{_('Order')} {found['order']}", "bold"), "  ", label("state", found["state"])
    )
    for mark, word in (("switched", _("paid another way")), ("double_paid", _("paid twice"))):
        if found[mark]:
            head.append(f" · {word}", "bold red" if mark == "double_paid" else "")
    console.print(head)
    for payment in found["payments"]:
        console.print()
        _payment(payment)


def sentence(verdict: dict[str, Any]) -> str:
    """Return a verdict as one line."""
    words = [label("state", verdict["state"])]
    if verdict["how"] != "none":
        words.append(label("how", verdict["how"]))
    if verdict["state"] == "cancelled":
        words.append(_("by {actor}").format(actor=label("actor", verdict["actor"])))
    if verdict["reason"] not in ("unstated", "unlisted"):
        words.append(label("reason", verdict["reason"]))
    words.append(label("money", verdict["money"]))
    if verdict["state"] == "cancelled":
        words.append(_("sealed") if verdict["sealed"] else _("not sealed"))
    if verdict["final"]:
        words.append(_("final"))
    return " · ".join(words)


def _payment(payment: dict[str, Any]) -> None:
    console, verdict = screen.console(), payment["verdict"]
    title = f"{_('Payment')} {payment['payment']}"
    if verdict["shadow"]:
        title += f" ({_('the shop’s word; not counted')})"
    console.print(Text(title, style="bold"))
    aside = [payment["shop"], payment["entity"]]
    if payment["method"] != "unknown":
        aside.append(label("method", payment["method"]))
    if payment["mode"] == "test":
        aside.append(_("test traffic"))
    console.print(Text("  " + " · ".join(aside), style="dim"))
    for name in payment["names"]:
        console.print(Text(f"  = {name}", style="dim"))
    console.print(Text(f"  {sentence(verdict)}", style="bold"))
    amounts = [
        f"{label('leg', leg)} {screen.money(verdict[f'{leg}_minor'], verdict['currency'])}"
        for leg in _LEGS if verdict[f"{leg}_minor"]
    ]  # fmt: skip
    if amounts:
        console.print(Text(f"  {', '.join(amounts)}"))
    for words in (_sealing(payment["seal"]), _late(payment["late_success"])):
        if words:
            console.print(Text(f"  {words}"))
    if verdict["due_at"]:
        console.print(Text("  " + _("judged again at {at}").format(at=verdict["due_at"])))
    _timeline(payment["events"])


def _sealing(seal: dict[str, Any]) -> str:
    """Return why a payment that was called off might still be paid; "" if it cannot."""
    if seal["state"] in ("none", "sealed"):
        return ""
    words = [_("might still be paid"), label("seal", seal["state"])]
    if seal["why"]:
        words.append(retold(seal["why"]))
    if seal["due_at"]:
        words.append(_("tried again at {at}").format(at=seal["due_at"]))
    return " · ".join(words)


def _late(case: dict[str, Any] | None) -> str:
    """Return how a success after the cancellation was resolved."""
    if case is None:
        return ""
    words = [_("paid after it was called off"), label("late", case["state"])]
    if case["resolution"]:
        words.append(label("late", case["resolution"]))
    if case["resolved_by"] or case["proposed_by"]:
        words.append(_("by {actor}").format(actor=case["resolved_by"] or case["proposed_by"]))
    if case["outcome"]:
        words.append(label("late", case["outcome"]))
    return " · ".join(words + [case["code"]] * bool(case["code"]))


def _timeline(events: list[dict[str, Any]]) -> None:
    console = screen.console()
    for event in events:
        line = Text("  ● " if event["proves"] else "  · ")
        words = f"{label('kind', event['kind'])} – {label('result', event['result'])}"
        if event["amount_minor"] is not None:
            words += f"  {screen.money(event['amount_minor'], event['currency'])}"
        style = "dim strike" if event["superseded"] else ""
        line.append(event["occurred_at"].replace("T", " ") + "  ", "dim")
        line.append(words, style)
        if event["superseded"]:
            line.append(f" ({_('superseded')})", "dim")
        if event["conflict"]:
            line.append(f"  ⚠ {_('contradicts an earlier notice')}", "bold")
        aside = [f"{event['source']}/{event['account']}", label("via", event["via"])]
        if event["reason"] not in ("unstated", "unlisted"):
            aside.append(label("reason", event["reason"]))
        if event["code"]:
            aside.append(event["code"])
        aside.append(_("delivery {number}").format(number=event["delivery_id"]))
        console.print(line)
        console.print(Text("      " + " · ".join(aside), style="dim"))
    if any(event["proves"] for event in events):
        console.print(Text("  ● " + _("proves the verdict"), style="dim"))
