"""The verifier that knows nothing of ours agrees with `voidtrail verify` and sees each change."""

import ast
import runpy
import sqlite3
import subprocess
import sys
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.docs.test_shapes import fill, shop  # noqa: F401
from tests.tidy.source import ROOT
from voidtrail.runtime.opening import reader
from voidtrail.runtime.settings import load
from voidtrail.runtime.upkeep import verify

SCRIPT = ROOT / "examples" / "verify_independently.py"
independent = SimpleNamespace(**runpy.run_path(str(SCRIPT)))


def test_it_imports_nothing_but_python():
    named: set[str | None] = set()
    for node in ast.walk(ast.parse(SCRIPT.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            named.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            named.add(node.module)
    assert named <= sys.stdlib_module_names


VALUES = st.none() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.binary()


@given(st.lists(VALUES, max_size=20).map(tuple))
def test_it_encodes_as_the_ledger_does(values):
    assert independent.pack((values, b"")) == msgspec.msgpack.encode((values, b""))


@pytest.mark.parametrize("size", [31, 32, 255, 256, 65535, 65536])
def test_it_encodes_long_texts_as_the_ledger_does(size):
    values = ("a" * size, b"b" * size)
    assert independent.pack(values) == msgspec.msgpack.encode(values)


def test_it_agrees_with_our_own(shop):  # noqa: F811
    fill(load(None, {}))  # repetitions, and a second chain of groups
    house = reader(load(None, {}))
    found = verify(house)
    house.close()
    assert found["ok"]
    assert independent.verify("voidtrail.db") == (found["entries"], found["head"], "")
    assert independent.verify("voidtrail.db", found["head"])[2] == ""
    assert "not in the chain" in independent.verify("voidtrail.db", "00" * 32)[2]


CHANGES = {
    "an amount": "UPDATE event SET amount_minor = amount_minor + 1",
    "a kind": "UPDATE event SET kind = 7",
    "whose delivery": "UPDATE event SET delivery_id = 1",
    "when": "UPDATE delivery SET received_at = received_at + 1",
    "content": "UPDATE delivery SET sealed = x'00'",
    "why": "UPDATE delivery SET why = ''",
    "terms": "UPDATE control SET body = '{}' WHERE kind = 'terms'",
    "the clock": "UPDATE chain SET tick = tick + 1",
    "a head": "UPDATE chain SET head = root",
    "an event gone": "DELETE FROM event WHERE seq = (SELECT min(seq) FROM event)",
    "a group gone": "DELETE FROM chain WHERE no = 2",
    "an event more": "INSERT INTO control VALUES (1000, 0, 'tick', '{}')",
    "the store": "UPDATE store SET id = zeroblob(16)",
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_sees_each_change(shop, change):  # noqa: F811
    db = sqlite3.connect("voidtrail.db")
    with db:
        assert db.execute(CHANGES[change]).rowcount
    db.close()
    ran = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), "voidtrail.db"], capture_output=True, check=False
    )
    assert ran.returncode == 1, ran
    assert not ran.stderr


def test_a_kept_head_shows_that_the_end_was_cut_off(shop):  # noqa: F811
    _, kept, _ = independent.verify("voidtrail.db")
    db = sqlite3.connect("voidtrail.db")
    with db:
        [(first,)] = db.execute("SELECT first_seq FROM chain ORDER BY no DESC LIMIT 1")
        db.execute("DELETE FROM chain WHERE first_seq >= ?", (first,))
        for table in ("delivery", "event", "control"):
            db.execute(f"DELETE FROM {table} WHERE seq >= ?", (first,))
    db.close()
    assert independent.verify("voidtrail.db")[2] == ""
    assert "not in the chain" in independent.verify("voidtrail.db", kept)[2]
