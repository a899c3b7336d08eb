"""A merchant's day behind a real `voidtrail serve`, and a browser to look at it with."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.end_to_end.house import Served, clean_environment
from voidtrail.event.bill import Item
from voidtrail.event.model import Unreadable
from voidtrail.ledger.contract import SLICE_MAX
from voidtrail.runtime.app import build
from voidtrail.runtime.business_day import DAY, HOUR
from voidtrail.runtime.clock import from_text, now, to_datetime
from voidtrail.runtime.preparing import item_of, prepare
from voidtrail.runtime.reconciling.books import Books
from voidtrail.runtime.reconciling.run import Asked, reconcile_file
from voidtrail.runtime.settings import load
from voidtrail.testing.bills import Day, write
from voidtrail.testing.bills.day import Entry as Row
from voidtrail.testing.world import arrivals, small_world
from voidtrail.testing.world.settings import Settings as WorldSettings

SEED = 20_260_317
BEIJING = "Asia/Shanghai"
VERIFYING = {"signing", "public_key", "platform_key", "api_v3_key"}
"""Secrets that verify; without the others no platform is asked, and silence decides."""
ROUTES = """
[[channel]]
name = "duty"
address = "file:secrets/duty"
[[route]]
name = "large"
to = ["duty"]
at_least = { CNY = "500" }
[[route]]
name = "the rest"
to = ["duty"]
send = "digest"
"""
NOT_READ = Unreadable(path="data.object.amount", why="a number was expected")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def configure(folder, world, port):
    """Write settings and secrets; return the day that is played."""
    vault = folder / "secrets"
    vault.mkdir(parents=True)
    (vault / "duty").write_text("json://127.0.0.1:9/", "utf-8")
    lines = ["[server]", f"port = {port}", "[ledger]", f"path = {json.dumps(str(folder / 'v.db'))}"]
    for account in world.configuration("http://127.0.0.1:9")["accounts"]:
        plain = [(key, value) for key, value in account.items() if isinstance(value, str)]
        lines += [
            "[[account]]",
            *(f"{key} = {json.dumps(value)}" for key, value in plain),
        ]
        lines.append("[account.options]")
        lines += [f"{name} = {json.dumps(value)}" for name, value in account["options"].items()]
        lines.append("[account.secrets]")
        for purpose, values in account["secrets"].items():
            if purpose not in VERIFYING:
                continue
            places = []
            for n, value in enumerate(values):
                file = vault / f"{account['source']}-{account['name']}-{purpose}-{n}"
                file.write_text(value, "utf-8")
                places.append(f"file:secrets/{file.name}")
            lines.append(f"{purpose} = {json.dumps(places)}")
    (folder / "voidtrail.toml").write_text("\n".join(lines) + ROUTES, "utf-8")


def refund_id(house, leg):
    if leg.op is None:
        return ""
    ((found,),) = house.ledger.db.execute(
        "SELECT DISTINCT operation FROM event WHERE op = ?", (leg.op,)
    )
    return found


def reconcile(house, day, folder):
    """Reconcile a bill of Alipay's for the day that was played, with a few differences in it."""
    entry = next(each for each in house.by_no.values()
                 if each.account.source == "alipay" and each.account.mode == "live")  # fmt: skip
    since = from_text(day.isoformat(), zone=BEIJING)
    bill = Day(seed=1, form="alipay", source="alipay", date=day.isoformat(), zone=BEIJING,
               merchant=entry.account.options.get("seller_id", "2088102180000000"), currency="CNY",
               since=since, until=since + DAY)  # fmt: skip
    books = Books(house, entry)
    for place, leg in enumerate(books.legs(books.moved(since, since + DAY))):
        texts = [text.rpartition("/")[2] for (text,) in house.ledger.db.execute(
            "SELECT text FROM name WHERE payment_id = ? ORDER BY no", (leg.payment,))]  # fmt: skip
        order, trade = texts[0], texts[-1]
        amount = (leg.amount or 0) + (100 if place == 3 else 0)
        if place != 5 and since <= leg.at < since + DAY:
            bill.entries.append(Row(leg.item, trade, order, amount, "CNY", leg.at,
                                    refund_id(house, leg)))  # fmt: skip
    bill.entries.append(Row(Item.PAYMENT, "2026030422001", "NL-unheard-of", 12_800, "CNY",
                            since + 12 * HOUR))  # fmt: skip
    file = folder / f"{bill.merchant}_{bill.date}.csv"
    file.write_bytes(write(bill))
    return reconcile_file(house, Asked(file, "alipay", entry.account.name, bill.date))


def fill(config, world, day, stumble=3):
    """Put a world's deliveries into a ledger; some are not understood, as by an older reader."""
    house = build(load(config, {}), settle=True)
    ledger = house.ledger
    missed = 0
    coming = arrivals(world)
    come = (each for each in coming if each.delivery.received_at <= now())
    while group := list(islice(come, SLICE_MAX)):
        items = []
        for each, _ in group:
            entry = house.entries[each.source, each.account]
            if each.source == "stripe" and missed < stumble and entry.account.mode == "live":
                missed += 1
                items.append(item_of(each, NOT_READ, entry, house.keyring))
            else:
                items.append(prepare(each, entry, house.keyring))
        ledger.begin()
        ledger.append(items, items[-1].received_at)
        ledger.commit()
    ledger.begin()
    ledger.control([("tick", "{}")], now())
    while due := ledger.due(now(), SLICE_MAX):
        if not ledger.rejudge([pid for pid, _ in due], now()):
            break
    ledger.commit()
    reconcile(house, day, config.parent)
    house.close()
    return missed


class Console(Served):
    """A served day, and links that open its console."""

    def __init__(self, folder, orders=150):
        super().__init__(folder / "empty")
        self.folder = Path(folder)
        self.db = self.folder / "v.db"
        # Yesterday: whatever the hour, some of it can still be saved.
        self.day = to_datetime(now() - DAY, "Asia/Shanghai").date()
        world = small_world(SEED, settings=WorldSettings(orders=orders, test_orders=8, refused=0,
                                                         day=self.day))  # fmt: skip
        configure(self.folder, world, self.port)
        self.missed = fill(self.config, world, self.day)

    def link(self):
        """Make a one-time link as an operator does."""
        done = subprocess.run(
            [sys.executable, "-m", "voidtrail", "link", "--name", "李伟", "--config",
             str(self.config)],
            cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    @property
    def period(self):
        """The query of the day that was played."""
        return f"since={self.day}&until={self.day}"


@contextmanager
def browser():
    """A headless browser; skips where there is none."""
    found = os.environ.get("VOIDTRAIL_CHROMIUM") or next(
        filter(None, map(shutil.which, CHROMIUM)), ""
    )
    if not found:
        pytest.skip("there is no Chromium: apt-get install chromium, or name one in "
                    "VOIDTRAIL_CHROMIUM")  # fmt: skip
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=found, args=list(QUIET))
        try:
            yield chromium
        finally:
            chromium.close()
