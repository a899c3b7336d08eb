"""The reference pages say what the code says."""

import re
import tomllib
from types import SimpleNamespace
from typing import Any, get_args

import msgspec
import pytest

from tests.docs.pages import blocks, page, rows, section, words
from tests.tidy.source import ROOT
from voidtrail.cli.exits import exit_code
from voidtrail.cli.main import commands
from voidtrail.errors import VoidtrailError
from voidtrail.ledger.migrations.versions import (
    v0001_ledger,
    v0002_views,
    v0003_sending,
    v0004_places,
)
from voidtrail.lifecycle.terms import DEFAULT_PATIENCE_S
from voidtrail.lifecycle.verdict import MONEY_RULES, PREDICATES, RULES, State
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.refusals import Refusals
from voidtrail.runtime.settings import Settings, load
from voidtrail.sources.registry import SOURCES
from voidtrail.web import metrics
from voidtrail.web.api import STATUS

CONNECT = sorted((ROOT / "docs" / "how-to").glob("connect-*.md"))
ALERTS = sorted((ROOT / "docs" / "how-to").glob("send-alerts*.md"))
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]


def _is_part(kind):
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _keys(shape, path=""):
    for each in msgspec.structs.fields(shape):
        name = f"{path}{each.name}"
        if _is_part(each.type):
            yield from _keys(each.type, f"{name}.")
            continue
        yield name, each.default if each.default_factory is msgspec.NODEFAULT else {}
        for part in filter(_is_part, get_args(each.type)):
            yield from _keys(part, f"{name}.")


def test_settings_page_names_every_key_with_its_default():
    text = page("docs/reference/settings.md").split("## Patience by method")[0]
    documented = {words(key)[0]: default.strip("`") for key, default, _ in rows(text)}
    known = dict(_keys(Settings))
    assert set(documented) == set(known)
    for key, default in known.items():
        if default is msgspec.NODEFAULT or default is None:
            assert documented[key] == "", key
        else:
            text = "[]" if default == () else documented[key]
            assert tomllib.loads(f"v = {text}")["v"] == (list(default) or []
                if isinstance(default, tuple) else default), key  # fmt: skip


def test_settings_page_names_every_method_with_its_patience():
    text = section(page("docs/reference/settings.md"), "Patience by method")
    assert {words(name)[0]: int(s) for name, s in rows(text)} == dict(DEFAULT_PATIENCE_S)


def _tree(kind):
    yield kind
    for below in kind.__subclasses__():
        if below.__module__ == "voidtrail.errors":
            yield from _tree(below)


def test_errors_page_names_every_code_with_what_it_leads_to():
    documented = {
        words(row[0])[0]: tuple(row[1:4]) for row in rows(page("docs/reference/errors.md"))
    }
    known = {
        kind.code: (
            kind.retry,
            str(exit_code(kind())),
            str(next((s for each, s in STATUS.items() if issubclass(kind, each)), 400)),
        )
        for kind in _tree(VoidtrailError)
    }
    assert documented == known


def test_metrics_page_names_every_metric():
    ledger: Any = SimpleNamespace(head=lambda: SimpleNamespace(entries=0))
    worker: Any = SimpleNamespace(
        counts=dict.fromkeys(metrics._WORKER, 0), circuits=dict, late_successes=int
    )
    post: Any = SimpleNamespace(
        counts={}, load=list, house=SimpleNamespace(settings=Settings(), ledger=None)
    )
    exposed = metrics.exposition(Intake(ledger, lambda: 0), Refusals(), worker, post).decode()
    known = set(re.findall(r"^# TYPE (\w+) (counter|gauge)$", exposed, re.MULTILINE))
    text = page("docs/reference/metrics.md")
    documented = {(words(row[0])[0], row[1]) for row in rows(text)}
    assert documented == {(name.removesuffix("_total"), kind) for name, kind in known}
    alerts = set(re.findall(r"voidtrail_\w+", text.split("Worth an alert")[1]))
    assert alerts <= {name for name, _ in known}


def _table(*lines):
    head, *rest = lines
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, *rest)).replace(
        "\n", f"\n|{'---|' * len(head)}\n", 1
    )


def _how(rule):
    return "by the reason" if rule.how is None else rule.how.name.lower() if rule.how else ""


VERDICT_TABLES = (
    _table(
        ("rule", "when", "state", "how", "by"),
        *(
            (f"`{rule.name}`", rule.when.replace("~", "not "), rule.state.name.lower(), _how(rule),
             rule.actor.name.lower() if rule.state is State.CANCELLED else "")
            for rule in RULES
        ),
    ),
    _table(
        ("when", "money"),
        *((when.replace("~", "not ") or "else", word.name.lower()) for when, word in MONEY_RULES),
    ),
    _table(
        ("predicate", "holds if"),
        *((f"`{name}`", f"`{text}`") for name, text in PREDICATES.items()),
    ),
)  # fmt: skip


@pytest.mark.parametrize("table", VERDICT_TABLES, ids=["rules", "money", "predicates"])
def test_verdict_page_is_the_decision_table(table):
    text = page("docs/explanation/verdict.md")
    assert f"\n{table}\n" in text, f"Put this table into docs/explanation/verdict.md:\n\n{table}"


def test_ledger_page_names_every_table():
    steps = (v0001_ledger, v0002_views, v0003_sending, v0004_places)
    made = " ".join(statement for step in steps for statement in step.STATEMENTS)
    tables = {*re.findall(r"CREATE TABLE (\w+)", made), "payment", "operation", "verdict",
              "alembic_version"}  # fmt: skip
    text = section(page("docs/reference/ledger-format.md"), "Tables").split("Kinds of control")[0]
    assert {name for row in rows(text) for name in words(row[0])} == tables


def test_ledger_page_names_every_kind_of_control_entry():
    text = page("docs/reference/ledger-format.md").split("Kinds of control entries:")[1]
    documented = {name for row in rows(text.split("## ")[0]) for name in words(row[0])}
    sources = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "src/voidtrail").rglob("*.py")
        if "testing" not in path.parts
    )
    for kind in documented:
        assert f'"{kind}"' in sources, f"nobody writes {kind}"
    written = set(re.findall(r'\(\[?\("(\w+)", (?:"\{\}"|_json|entry|text|msgspec)', sources))
    assert written <= documented


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_readme_names_every_command(path):
    table = rows(path.read_text(encoding="utf-8"))
    named = {words(row[0])[0] for row in table if re.fullmatch(r"`[a-z]+`", row[0])}
    assert named - {"docs"} == set(commands().commands)


@pytest.mark.parametrize("path", [*CONNECT, *ALERTS, *READMES], ids=lambda path: path.name)
def test_settings_that_are_shown_are_accepted(path, tmp_path):
    for number, block in enumerate(blocks(path.read_text(encoding="utf-8"), "toml")):
        if re.match(r"# \S+\.toml\n", block):  # another file than the settings, named first
            continue
        # What is commented out is offered, and must be accepted as well.
        offered = re.sub(r"^# (\w+ = )", r"\1", block, flags=re.MULTILINE)
        file = tmp_path / f"{number}.toml"
        file.write_text(offered, encoding="utf-8")
        for account in load(file, {}).account:
            source = SOURCES[account.source]
            assert set(account.secrets) <= set(source.CAPABILITIES.secrets)
            room = ROOT / "src/voidtrail/sources"
            modules = [*room.glob(f"{account.source}.py"), *room.glob(f"{account.source}/*.py")]
            code = "\n".join(each.read_text(encoding="utf-8") for each in modules)
            for option in account.options:
                assert f'"{option}"' in code, f"{account.source} reads no option {option}"


@pytest.mark.parametrize("name", ["connect-stripe.md", "connect-stripe.zh-CN.md"])
def test_stripe_page_lists_every_event_that_is_understood(name):
    listed = [word for row in rows(page(f"docs/how-to/{name}")) for word in words(row[1])]
    assert sorted(listed) == sorted(SOURCES["stripe"].EVENTS)
