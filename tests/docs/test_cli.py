"""The page of commands names every command with its example and every option."""

import pytest

from tests.tidy.source import ROOT
from voidtrail.cli import main

PAGE = (ROOT / "docs" / "reference" / "cli.md").read_text("utf-8")


def _every(command, path=""):
    """Every command by its name, as "hooks test" stands below "hooks"."""
    for name, below in getattr(command, "commands", {}).items():
        yield f"{path}{name}", below
        yield from _every(below, f"{path}{name} ")


COMMANDS = dict(_every(main.commands()))


def _section(name):
    _, found, rest = PAGE.partition(f"\n## `voidtrail {name}`\n")
    assert found, f"docs/reference/cli.md has no section `voidtrail {name}`"
    return rest.partition("\n## ")[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name):
    text, command = _section(name), COMMANDS[name]
    for option in command.params:
        for word in (*option.opts, *option.secondary_opts):
            shown = word if word.startswith("-") else word.upper()
            assert f"`{shown}`" in text, f"{name}: say what {shown} is in docs/reference/cli.md"
            assert option.help in text, f"{name} {shown}: the page and the help differ"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_example(name):
    help_text = COMMANDS[name].help
    example = help_text.rpartition("Example: ")[2]
    assert "Example: " in help_text, f"voidtrail {name}: end its help with an example"
    assert example.startswith(f"voidtrail {name}")
    assert f"    {example}\n" in _section(name)


def test_no_command_is_documented_that_is_not_there():
    documented = {
        line.removeprefix("## `voidtrail ").rstrip("`")
        for line in PAGE.splitlines() if line.startswith("## `voidtrail ")
    }  # fmt: skip
    assert documented == set(COMMANDS)
