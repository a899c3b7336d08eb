"""`voidtrail sources`: the table, and a sample tried, for people and for machines."""

import json

import pytest

from tests.unit.sources import described
from voidtrail.cli import exits, main
from voidtrail.runtime.settings import load
from voidtrail.sources.registry import SOURCES

SETTINGS = """
[[account]]
source = "custom"
name = "main"
options = { description = "file:platform.toml" }
secrets = { signing = "env:KEY" }
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEY", "key")
    (tmp_path / "platform.toml").write_text(described.HMAC + described.FACTS, "utf-8")
    (tmp_path / "settings.toml").write_text(SETTINGS, "utf-8")
    [(name, value)] = described.signed(_BODY).delivery.headers
    (tmp_path / "good.txt").write_bytes(f"{name}: {value}\n\n".encode() + _BODY)
    (tmp_path / "bad.txt").write_bytes(f"{name}: 00\n\n".encode() + _BODY)
    assert load(tmp_path / "settings.toml", {}).account

    def call(*arguments):
        code = main.run(["sources", *arguments], {})
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


_BODY = json.dumps({**described.PAID, "status": "CLOSED"}).encode()
TRY = ("--config", "settings.toml")


def test_the_table_has_a_row_for_every_source(run):
    code, out, _ = run()
    assert code == exits.DONE
    assert {line.split()[0] for line in out.splitlines() if line.strip()} >= set(SOURCES)
    code, out, _ = run("--json")
    assert [each["source"] for each in json.loads(out)] == list(SOURCES)


def test_a_genuine_sample_ends_with_0_and_shows_what_would_be_recorded(run):
    code, out, _ = run("try", "good.txt", *TRY)
    assert code == exits.DONE
    for word in ("✓ custom/main", "12.30 CNY", "Payment: T1", "Order: A1", "CLOSED"):
        assert word in out
    code, out, _ = run("try", "good.txt", *TRY, "--json")
    assert (code, json.loads(out)["events"][0]["kind"]) == (exits.DONE, "cancel")


def test_a_forged_sample_ends_with_1_and_shows_the_text_that_was_checked(run):
    code, out, _ = run("try", "bad.txt", *TRY)
    assert code == exits.FOUND
    assert "✗ custom/main" in out
    assert _BODY.decode() in out


def test_a_wrong_description_ends_with_2_and_names_the_field(run, tmp_path):
    text = described.HMAC + described.FACTS.replace("payment =", "paymnt =")
    (tmp_path / "platform.toml").write_text(text, "utf-8")
    code, _, err = run("try", "good.txt", *TRY)
    assert code == exits.WRONG_USE
    assert 'fields.paymnt: there is no such key; did you mean "payment"?' in err


def test_a_sample_that_is_quarantined_ends_with_1_and_says_where(run, tmp_path):
    [(name, value)] = described.signed(b'{"status": "PAID"}').delivery.headers
    (tmp_path / "lost.txt").write_bytes(f'{name}: {value}\n\n{{"status": "PAID"}}'.encode())
    code, out, _ = run("try", "lost.txt", *TRY, "--at", "2026-03-01")
    assert code == exits.FOUND
    assert "trade_no" in out


def test_nothing_is_stored(run, tmp_path):
    before = {path.name for path in tmp_path.iterdir()}
    run("try", "good.txt", *TRY)
    assert {path.name for path in tmp_path.iterdir()} == before
