"""Small houses and small files for the tests of the runtime."""

import csv
from pathlib import Path

from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Event, Kind, Result
from voidtrail.runtime.app import add_account, build
from voidtrail.runtime.preparing import item_of
from voidtrail.runtime.settings import load

NOW = 1_790_000_000_000_000  # 2026-09-21T14:13:20Z
MAPPING = """
source = "table"
zone = "Asia/Shanghai"
currency = "CNY"
[columns]
order = "order"
customer = "customer"
dimensions = ["city"]
[public]
dimensions = ["city"]
[[event]]
kind = "ORDER"
result = "SUCCEEDED"
at = "at"
amount = "amount"
[[event]]
kind = "CAPTURE"
result = "SUCCEEDED"
at = "at"
amount = "amount"
when = "\\"what\\" = 'paid'"
[[event]]
kind = "CANCEL"
result = "SUCCEEDED"
at = "at"
when = "\\"what\\" = 'off'"
reason = "customer_request"
"""
HEADER = ("order", "customer", "city", "what", "at", "amount")


def house(folder: Path, *, clock=lambda: NOW, config=None):
    """Open a house in a folder."""
    return build(load(config, {}, {"ledger.path": str(folder / "test.db")}), clock=clock)


def mapping(folder: Path, text: str = MAPPING, name: str = "shop.toml") -> Path:
    """Write a mapping file."""
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def table(folder: Path, rows, name: str = "orders.csv") -> Path:
    """Write a CSV file of orders."""
    path = folder / name
    path.parent.mkdir(exist_ok=True, parents=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


def row(no: int, what: str = "paid", amount: str = "10.00", day: int = 1, customer: str = ""):
    """Return a row of an order."""
    return (f"A{no}", customer or f"C{no % 7}", ("沪", "京")[no % 2], what,
            f"2026-03-{day:02d} 12:00:00", amount)  # fmt: skip


def event(payment: str, kind: Kind, result: Result = Result.SUCCEEDED, **said) -> Event:
    """Return a platform's statement."""
    said = {"label": f"{kind.name}:{said.get('operation', '')}", "occurred_at": NOW, **said}
    identity = (payment, str(said["occurred_at"]), result.name)
    return Event(payment=payment, kind=kind, result=result, identity=identity, **said)


def say(home, source: str, account: str, *events: Event, body: bytes = b"{}", **owner):
    """Write what a platform said as one delivery of an account made on the fly."""
    ledger = home.ledger
    ledger.begin()
    entry = add_account(home, Account(source=source, name=account, **owner), {})
    delivery = Delivery(source=source, account=account, received_at=NOW, body=body)
    (receipt,) = ledger.append([item_of(delivery, list(events), entry, home.keyring)], NOW)
    ledger.commit()
    return receipt


def rows(count: int, called_off: int = 5):
    """Return rows of which every n-th is called off."""
    return [row(no, "off" if no % called_off == 0 else "paid") for no in range(count)]
