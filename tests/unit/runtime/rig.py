"""A small house for tests of the runtime: one shop, one platform, a clock that we turn."""

import json
from contextlib import contextmanager

from voidtrail.event.account import Secret
from voidtrail.event.model import Delivery, Event, Kind, Result, Role
from voidtrail.runtime.app import build
from voidtrail.runtime.preparing import item_of
from voidtrail.runtime.settings import load
from voidtrail.sources import storefront

NOW = 1_773_730_000_000_000
SECOND = 1_000_000
HOUR = 3600 * SECOND
KEY = "the shop's key"
SETTINGS = """
[ledger]
path = "{path}"
[worker]
ask_backoff_s = 10.0
ask_tries = 2
[[account]]
source = "storefront"
name = "main"
secrets = {{ signing = "env:SHOP_KEY" }}
[[account]]
source = "storefront"
name = "try-out"
mode = "test"
secrets = {{ signing = "env:SHOP_KEY" }}
[[account]]
source = "stripe"
name = "main"
secrets = {{ signing = "env:STRIPE_KEY", api_key = "env:STRIPE_API_KEY" }}
"""
VARIABLES = {"SHOP_KEY": KEY, "STRIPE_KEY": "whsec_1", "STRIPE_API_KEY": "sk_1"}


class Clock:
    """A clock that only the test turns."""

    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now


@contextmanager
def house_at(folder, clock=None, *, settle=True):
    """A house over a new ledger in a folder."""
    file = folder / "voidtrail.toml"
    if not file.exists():
        file.write_text(SETTINGS.format(path=folder / "voidtrail.db"), "utf-8")
    house = build(load(file, {}), environment=VARIABLES, clock=clock or Clock(),
                  settle=settle)  # fmt: skip
    try:
        yield house
    finally:
        house.close()


def event(kind=Kind.OPEN, result=Result.SUCCEEDED, payment="pi_1", at=NOW, notice="n1", **more):
    """A statement with everything that a test does not care about filled in."""
    return Event(label=kind.name.lower(), identity=(notice,), kind=kind, result=result,
                 payment=payment, occurred_at=at, **more)  # fmt: skip


def delivery(source="stripe", account="main", body=b"{}", at=NOW, **more):
    return Delivery(source=source, account=account, received_at=at, body=body, **more)


def put(house, *events, source="stripe", account="main", at=NOW):
    """Write statements of one account as one group; return the receipts."""
    entry = house.entry(source, account)
    body = repr(events).encode()
    item = item_of(delivery(source, account, body, at), list(events), entry, house.keyring)
    house.ledger.begin()
    receipts = house.ledger.append([item], at)
    house.ledger.commit()
    return receipts


def stated(statement="order_placed", order="A1", **more):
    """The body and headers of a signed statement of the shop."""
    body = json.dumps({"id": f"{statement}-{order}", "statement": statement, "order": order,
                       **more}).encode()  # fmt: skip
    header = storefront.sign(Secret(KEY), body, NOW // SECOND)
    return body, (("voidtrail-signature", header),)


def shop_told(**more):
    """What the shop's events have in common."""
    return {"role": Role.SHOP, **more}


def tick(house, at):
    """Set the ledger's clock and judge what that ended."""
    house.ledger.begin()
    house.ledger.control([("tick", "{}")], at)
    house.ledger.rejudge([pid for pid, _ in house.ledger.due(at, 1000)], at)
    house.ledger.commit()
