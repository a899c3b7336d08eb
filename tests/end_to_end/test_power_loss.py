"""Power is lost: with synchronous=FULL nothing that was acknowledged is; weaker settings must lose.

The house's own Receiver, Intake, SqliteLog and schema run on a simulated disk; only the connection
is another one. Each image of the disk is opened by SQLite as it is, and inspected.
"""

import asyncio
import os
import shutil
import sqlite3
import time
from itertools import islice

import pytest

from tests import signers
from tests.end_to_end import power
from tests.end_to_end.house import (
    STRIPE_SECRET,
    audit,
    configure,
    evidence,
    stripe_account,
)
from voidtrail.ledger import sqlite as store
from voidtrail.runtime.app import build
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.receiving import Receiver
from voidtrail.runtime.refusals import Refusals
from voidtrail.runtime.settings import load
from voidtrail.sources.contract import Outcome
from voidtrail.testing.crash import payments
from voidtrail.testing.inspection import inspect

IMAGES = int(os.environ.get("VOIDTRAIL_IMAGES", "300"))
CLIENTS = 12
SEED = 20260317


class Losses:
    """Takes images at random moments and inspects each at once."""

    def __init__(self, folder, disk, rng, wanted):
        self.folder, self.disk, self.rng, self.wanted = folder, disk, rng, wanted
        self.acknowledged = []
        self.sent = []
        self.images = self.told = self.lost = self.corrupt = self.hit = 0
        self.wrong = []

    def at_risk(self):
        if self.images < self.wanted and self.acknowledged and self.rng.random() < 0.07:
            self.look()

    def look(self):
        acknowledged = list(self.acknowledged)  # copied before the power is lost
        sent = list(self.sent)
        image = self.folder / "image"
        shutil.rmtree(image, ignore_errors=True)
        image.mkdir()
        self.disk.image(image, self.rng)
        self.images += 1
        self.told += len(acknowledged)
        try:
            found = inspect(image / "v.db", acknowledged, sent, account="stripe/main")
        except (sqlite3.DatabaseError, UnicodeDecodeError):  # a garbled schema, or names
            self.corrupt += 1
            self.lost += len(acknowledged)
            self.hit += 1
            return
        self.lost += len(found.lost)
        self.hit += bool(found.lost)
        self.corrupt += bool(found.broken)
        if not found.clean:
            self.wrong.append(found)


async def posted(house, losses):
    """Post as clients do until enough images were taken."""
    intake = Intake(house.ledger, house.clock)
    receiver = Receiver(house, intake, Refusals())
    entry = house.entry("stripe", "main")

    async def client(number):
        for notices in islice(payments(f"p{number}", SEED), 500):
            for notice in notices:
                at_s = int(time.time())
                body = notice.body(at_s)
                header = signers.stripe_header(body, STRIPE_SECRET, at_s)
                losses.sent.append(notice)
                told = await receiver.take(entry, body, (("stripe-signature", header),), "")
                assert told == Outcome.KEPT.value
                losses.acknowledged.append(notice)
            if losses.images >= losses.wanted:
                return

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    await intake.close()


def lose_power(folder, synchronous, wanted, monkeypatch):
    configure(folder, [stripe_account()], port=0)
    settings = load(folder / "voidtrail.toml", {})
    build(settings).close()  # the tables are there, all flushed, when the load begins
    disk = power.Disk(f"disk-{synchronous}")
    losses = Losses(folder, disk, power.seeded(f"{SEED}/{synchronous}"), wanted)
    disk.files["v.db"] = power.File((folder / "v.db").read_bytes())
    disk.at_risk = losses.at_risk
    monkeypatch.setattr(
        store, "connect", lambda _: power.connection(disk.label, "v.db", synchronous)
    )
    house = build(settings)
    try:
        asyncio.run(posted(house, losses))
    finally:
        house.close()
        disk.unregister()
    evidence(f"power-loss-{synchronous.lower()}", images=losses.images, told=losses.told,
             lost=losses.lost, images_with_loss=losses.hit, corrupt=losses.corrupt)  # fmt: skip
    assert losses.images == wanted
    return losses


@pytest.mark.timeout(300)
def test_lost_power_loses_nothing_acknowledged(tmp_path, monkeypatch):
    losses = lose_power(tmp_path, "FULL", IMAGES, monkeypatch)
    assert not losses.lost
    assert not losses.corrupt
    assert not losses.wrong
    audit(tmp_path / "voidtrail.toml", tmp_path / "image" / "v.db")


@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
def test_weaker_settings_lose_what_was_acknowledged(tmp_path, monkeypatch, synchronous):
    """The arm that must fail: a simulation under which nothing is ever lost proves nothing."""
    losses = lose_power(tmp_path, synchronous, 60, monkeypatch)
    assert losses.lost
