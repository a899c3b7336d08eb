"""The commands around alerts, as a person calls them."""

import json

import pytest

from tests.unit.runtime.notify.desk import office_at
from tests.unit.runtime.rig import VARIABLES
from voidtrail.cli.main import run


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    with office_at(tmp_path) as office:
        office.called_off("pi_1", 65_000, order="A77")
        office.turn()
    return tmp_path


def said(capsys, folder, *arguments, code=0):
    config = ["--config", str(folder / "voidtrail.toml")]
    assert run(["--lang", "en", "alerts", *arguments, *config], {}) == code
    return capsys.readouterr()


def test_incidents_are_listed(capsys, folder):
    shown = said(capsys, folder, "list").out
    assert "1  Called off by the customer" in shown
    assert "not acknowledged" in shown
    assert "值班  told at once  waits" in shown


def test_incidents_are_listed_for_machines(capsys, folder):
    (row,) = json.loads(said(capsys, folder, "list", "--json").out)
    assert (row["no"], row["count"], row["money"]) == (1, 1, {"CNY": 65_000})
    assert row["opened_at"].endswith("+08:00")
    assert row["told"][0]["at"].endswith("+08:00")


def test_an_incident_is_acknowledged(capsys, folder):
    assert "seen by Li" in said(capsys, folder, "ack", "1", "--who", "Li").out
    row = json.loads(said(capsys, folder, "ack", "1", "--who", "Wang", "--json").out)
    assert row["acknowledged_by"] == "Li"


def test_an_incident_that_is_not_there_is_no_use(capsys, folder):
    assert "there is no incident 9" in said(capsys, folder, "ack", "9", code=2).err


def test_a_past_day_is_tried(capsys, folder):
    period = ("--since", "2026-03-17", "--until", "2026-03-17")
    shown = said(capsys, folder, "try", *period).out
    assert "told at once" in shown
    rows = json.loads(said(capsys, folder, "try", *period, "--json").out)
    assert [(row["channel"], row["why"]) for row in rows] == [
        ("值班", "opened"), ("lead", "escalated")]  # fmt: skip
    quiet = said(capsys, folder, "try", "--since", "2026-03-01").out
    assert "Nothing would have been sent." in quiet
