"""Every message that commands and pages can say: what the catalogues must hold."""

import ast
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import get_args

from jinja2 import nodes

from voidtrail import errors
from voidtrail.cli import main
from voidtrail.event.model import Actor, Cause, Channel, Kind, Method, Result, Role, Via
from voidtrail.event.reason import REASONS, How
from voidtrail.lifecycle.verdict import RULES, Money, State
from voidtrail.runtime.counting import DIMENSIONS
from voidtrail.runtime.deeds.standing import SealState
from voidtrail.runtime.endpoints.delivery import Fault
from voidtrail.runtime.reconciling.shapes import KINDS
from voidtrail.runtime.views.connections import VERBS
from voidtrail.sources.registry import SOURCES
from voidtrail.web.console.rendering import environment

SRC = Path(main.__file__).parents[1]
MARKERS = {"_", "later", "several"}
ENUMERATIONS: dict[str, type[IntEnum]] = {
    "state": State, "how": How, "actor": Actor, "money": Money, "kind": Kind, "result": Result,
    "via": Via, "method": Method, "channel": Channel, "role": Role, "cause": Cause,
}  # fmt: skip
WORDS = {
    "leg": ("authorised", "held", "captured", "returned", "withdrawn", "net"),
    "stage": ("look", "rows", "supersede", "verify", "retranslate", "bill", "compare", "keep"),
    "difference": KINDS,
    "bill_item": ("payment", "refund", "dispute"),
    "standing": (
        "succeeded",
        "pending",
        "failed",
        "reversed",
        "open",
        "paid",
        "cancelled",
        "declined",
        "unknown",
    ),
    "bill_note": ("half", "total", "unreadable", "account_unchecked", "not_judged"),
    "step": ("settings", "secrets", "address"),
    "secret_fault": (
        "absent",
        "blanks",
        "placeholder",
        "short",
        "length",
        "unreadable",
        "expired",
        "not_yet",
    ),
    "verb": VERBS,
    "check": ("python", "sqlite", "clock", "settings", "disk", "key_file", "chain", "read_tables"),
    "method_of_rate": ("wilson", "clustered"),
    "fault": tuple(fault.value for fault in Fault if fault is not Fault.NONE),
    "endpoint": ("gone", "failing"),
    "told": ("opened", "escalated", "closed", "digest"),
    "arrival": ("waiting", "arrived", "given_up"),
    "incident": ("fault", "decline"),
    "hours": ("awake", "business"),
    "seal": get_args(SealState),
    "late": ("open", "proposed", "resolved", "settled", "honour", "refund", "done", "failed"),
    "found_by": ("order", "payment", "operation", "amount", "card"),
}


def in_code() -> Iterator[tuple[None, str]]:
    """Yield the messages that stand in the code, marked."""
    for path in SRC.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id in MARKERS:
                for said in node.args[: 2 if node.func.id == "several" else 1]:
                    if isinstance(said, ast.Constant):
                        yield None, str(said.value)


def in_templates() -> Iterator[tuple[None, str]]:
    """Yield the messages that stand in the pages' templates."""
    for path in sorted((SRC / "web" / "templates").glob("*.html")):
        for call in environment().parse(path.read_text("utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in MARKERS:
                for said in call.args[: 2 if call.node.name == "several" else 1]:
                    if isinstance(said, nodes.Const):
                        yield None, str(said.value)


def in_help(command) -> Iterator[tuple[None, str]]:
    """Yield the help of a command and of all below it, as it stands in English."""
    if command.help:
        yield None, command.help
    for option in command.params:
        if getattr(option, "help", None):
            yield None, option.help
    for below in getattr(command, "commands", {}).values():
        yield from in_help(below)


def _errors(kind: type[errors.VoidtrailError]) -> Iterator[str]:
    yield kind.code
    for below in kind.__subclasses__():
        yield from _errors(below)


def labels() -> Iterator[tuple[str, str]]:
    """Yield the words of enumerations, by context."""
    for context, members in ENUMERATIONS.items():
        for member in members:
            yield context, member.name.lower()
    for context, words in WORDS.items():
        for word in words:
            yield context, word
    for source in SOURCES:
        yield "source", source
    for column in {name for rule in RULES for name in rule.evidence} | {"capture", "authorise"}:
        yield "proof", column
    for reason in REASONS:
        yield "reason", reason.slug
    for code in _errors(errors.VoidtrailError):
        yield "error", code
    for dimension in DIMENSIONS:
        yield "dimension", dimension


def messages() -> dict[tuple[str | None, str], None]:
    """Return (context, message) of everything, each once."""
    return dict.fromkeys([*in_help(main.commands()), *in_code(), *in_templates(), *labels()])
