"""A SQLite ledger for a test, opened as the runtime opens it."""

from types import SimpleNamespace
from typing import Any

from voidtrail.event.model import Kind
from voidtrail.ledger import rebuild
from voidtrail.ledger.keys import Keyring
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.lifecycle.projection import Projection
from voidtrail.lifecycle.terms import Terms
from voidtrail.testing.ledger_rig import item, money, put, statement

JUDGE = Projection(Terms())
KEYRING = Keyring(bytes(range(96)))
STORE: Any = SimpleNamespace(keyring=KEYRING)


def opened(path, keyring=KEYRING):
    log = SqliteLog(path, JUDGE, keyring)
    log.begin()
    rebuild.ensure(log)
    log.commit()
    return log


def sale(number=1, **more):
    """A delivery of a capture of its own."""
    return item(STORE, money(Kind.CAPTURE, f"n{number}", 100, payment=f"p{number}"), **more)


def filled(path):
    """A ledger that has something in every table."""
    log = opened(path)
    log.begin()
    log.control([("tick", "{}"), ("note", '{"a":1}')], 1_760_000_000_000_000)
    log.commit()
    placed = statement(Kind.OPEN, "o2", payment="p2", order="A")
    put(log, sale(1, customer="c"), item(STORE, placed))
    put(log, item(STORE, statement(Kind.LINK, "l", payment="p2", names=("p3",))), sale(1))
    put(log, item(STORE, money(Kind.CAPTURE, "n1", 90, payment="p1")))  # a contradiction
    put(log, item(STORE, placed, version=2))
    put(log, item(STORE, body=b"?", outcome=1, path="data", why="is not JSON"))
    return log
