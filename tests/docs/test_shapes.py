"""What commands print as JSON has the documented keys, no more and no fewer."""

import json
import time

import pytest

from tests.docs.pages import blocks, headings, page, section
from voidtrail.cli.main import run
from voidtrail.event.account import Secret
from voidtrail.event.model import Delivery
from voidtrail.runtime.app import build
from voidtrail.runtime.preparing import prepare
from voidtrail.runtime.settings import load
from voidtrail.sources import storefront

PAGE = page("docs/reference/json-shapes.md")
# Keys of these mappings are data.
DATA = {"cancelled_minor", "dimensions", "differing"}
SETTINGS = """
[[account]]
source = "storefront"
name = "main"
shop = "shop-1"
secrets = { signing = "env:SIGNING" }
"""
MAPPING = """
source = "table"
zone = "Asia/Shanghai"
currency = "CNY"
amount_unit = "major"
[columns]
order = "order"
[[event]]
kind = "CAPTURE"
result = "SUCCEEDED"
at = "at"
amount = "amount"
"""
CALLS = {
    "ingest": ["orders.csv", "--map", "orders.toml"],
    "report": ["--by", "shop"],
    "reconcile": ["bill.csv", "--source", "storefront", "--map", "bill.toml"],
    "show": ["A1001"],
    "verify": [],
    "replay": [],
    "retranslate": ["storefront"],
    "doctor": [],
    "sources": [],
    "sources try": ["sample.json"],
}


def keys(value, path=""):
    """Every path of keys in a value; elements of lists are one."""
    if isinstance(value, list):
        return set().union(*(keys(each, f"{path}[]") for each in value), {path})
    if isinstance(value, dict):
        if path.rpartition(".")[2] in DATA:
            return {path}
        return set().union(*(keys(each, f"{path}.{key}") for key, each in value.items()), {path})
    return {path}


def _command(title):
    """The command of a heading, as "sources try"."""
    words = title.removeprefix("`voidtrail ").partition(" --")[0].split()
    return " ".join(word for word in words if word.islower())


def documented(command):
    [title] = [title for _, title in headings(PAGE) if _command(title) == command]
    [block] = blocks(section(PAGE, title), "json")
    return json.loads(block)


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A folder with settings, a ledger that holds an order called off, and a file of history."""
    monkeypatch.chdir(tmp_path)
    for name in ("VOIDTRAIL_DB", "VOIDTRAIL_CONFIG", "VOIDTRAIL_LANGUAGE", "VOIDTRAIL_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SIGNING", "key")
    (tmp_path / "voidtrail.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "orders.toml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "orders.csv").write_text("order,at,amount\n1,2026-03-01,5\n2,x,5\n", "utf-8")
    named = MAPPING.replace("[columns]", '[columns]\npayment = "payment"')
    (tmp_path / "bill.toml").write_text(named, encoding="utf-8")
    (tmp_path / "bill.csv").write_text("order,payment,at,amount\nA1001,A1001,2026-03-01,5\n")
    said = b'{"id": "1", "statement": "order_placed", "order": "A1001"}'
    (tmp_path / "sample.json").write_bytes(said)
    fill(load(None, {}))
    return tmp_path


def fill(settings):
    """Put two genuine statements and an unreadable body into the ledger of the settings."""
    house = build(settings)
    entry = house.entries["storefront", "main"]
    at = int(time.time())
    said = {"order": "A1001", "amount": "12.30", "currency": "CNY"}
    bodies = [
        json.dumps({"id": "1", "statement": "order_placed", **said}).encode(),
        json.dumps({"id": "2", "statement": "order_cancelled", **said}).encode(),
        b'{"id": 3}',
    ]
    house.ledger.begin()
    for body in bodies:
        header = ("voidtrail-signature", storefront.sign(Secret("key"), body, at))
        delivery = Delivery(source="storefront", account="main", received_at=at * 1_000_000,
                            body=body, headers=(header,))  # fmt: skip
        storefront.verify(delivery, entry.secrets, at * 1_000_000)
        house.ledger.append([prepare(delivery, entry, house.keyring)], house.clock())
    house.ledger.commit()
    house.close()


@pytest.mark.parametrize("command", CALLS)
def test_command_prints_the_documented_keys(command, shop, capsys):
    code = run([*command.split(), *CALLS[command], "--json"])
    out, err = capsys.readouterr()
    assert code in (0, 1), err
    assert keys(json.loads(out)) == keys(documented(command)), "mend json-shapes.md"


def test_every_documented_shape_is_tested():
    titles = [title for _, title in headings(PAGE) if title.startswith("`voidtrail ")]
    assert {_command(title) for title in titles} == set(CALLS)
