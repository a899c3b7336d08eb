"""Platform × situation: everything that the specification names is recognised as it says."""

import re

import pytest

from tests.contract import cells
from voidtrail.sources.registry import SOURCES

TABLES = cells.tables()
CELLS = [
    pytest.param(name, cell, id=f"{name}-{cell.situation}-{number}")
    for name, table in TABLES.items()
    for number, cell in enumerate(table.cell, 1)
    if not cell.empty
]
OUR_OWN = {"storefront", "table", "custom", "gateway_log", "bill"}
"""Formats whose words are ours, or stand in the merchant's own settings."""


@pytest.mark.parametrize(("name", "cell"), CELLS)
def test_situation_is_recognised(name, cell):
    found = cells.verdict(TABLES[name], cell, SOURCES[name])
    assert found == cell.expect, f"{cell.says} ({cell.cites})"


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_situation_has_a_cell(name):
    known = {cell.situation for cell in TABLES[name].cell}
    assert not (missing := set(cells.SITUATIONS) - known), f"{name}: no cell for {sorted(missing)}"


def test_every_platform_has_a_table_and_every_table_a_platform():
    assert set(TABLES) == set(SOURCES) - OUR_OWN


@pytest.mark.parametrize("name", sorted(TABLES))
def test_cited_lines_are_lines_of_the_specification(shared, name):
    lines = (shared / "design" / "platforms.md").read_text("utf-8").splitlines()
    for cell in TABLES[name].cell:
        for number in re.findall(r"\d+", cell.cites):
            assert lines[int(number) - 1].strip(), f"{name}, {cell.situation}: {cell.cites}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('platform = "x"\n[[cell]]\nsituation = "lost"\ncites = "platforms.md:1"', "lost"),
        ('platform = "x"\n[[cell]]\nsituation = "expired"\ncites = "platforms.md:1"', "or else"),
        ('platform = "x"\n[[cell]]\nsituation = "expired"\ncites = "1"\nempty = "x"', "311"),
        ('platform = "y"\ncell = []', "file's name"),
        ('platform = "x"\ncell = []\nwhat = 1', "what"),
        ('platform = "x"\n[[cell]]\nsituation = "expired"\ncites = "platforms.md:1"\nsays = "s"\n'
         'delivery = [{body = "b"}]\n'
         'expect = {state = "gone", how = "none", actor = "customer", money = "none"}', "gone"),
    ],
)  # fmt: skip
def test_wrong_table_is_refused_with_what_is_wrong(tmp_path, text, why):
    path = tmp_path / "x.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=why):
        cells.read(path)


def test_wrong_expectation_fails():
    """The runner can tell a verdict from another one."""
    table = TABLES["stripe"]
    expired = next(cell for cell in table.cell if cell.situation == "expired")
    assert cells.verdict(table, expired, SOURCES["stripe"]).how == "expired"
    returned = next(cell for cell in table.cell if cell.situation == "returned")
    assert cells.verdict(table, returned, SOURCES["stripe"]).money == "returned"
