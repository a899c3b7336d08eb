"""A house with an endpoint, everything that tells it, and a clock that only the test turns."""

import asyncio
from contextlib import asynccontextmanager, contextmanager

from tests.unit.runtime.endpoints.receiver import SECRET
from tests.unit.runtime.rig import NOW, VARIABLES, Clock, event, put
from voidtrail.event.model import Kind, Result, Tag
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.runtime.app import build
from voidtrail.runtime.carriers import post_office
from voidtrail.runtime.deciders import deciders
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.poll import Asker
from voidtrail.runtime.refusals import Refusals
from voidtrail.runtime.settings import load
from voidtrail.runtime.worker import Worker

SETTINGS = """
[ledger]
path = "{path}"
[[account]]
source = "stripe"
name = "main"
shop = "shop-1"
secrets = {{ signing = "env:STRIPE_KEY", api_key = "env:STRIPE_API_KEY" }}
[[account]]
source = "storefront"
name = "main"
shop = "shop-1"
secrets = {{ signing = "env:SHOP_KEY" }}
[[account]]
source = "alipay"
name = "second"
shop = "shop-2"
options = {{ app_id = "1" }}
[[endpoint]]
name = "orders"
url = "{url}"
secret = "env:HOOK"
allow = ["127.0.0.0/8"]
{more}
"""
HOOK = {"HOOK": SECRET, **VARIABLES}


@contextmanager
def house_telling(folder, url="http://127.0.0.1:9/hooks", more="", clock=None):
    """A house over a ledger in a folder, new or as it was left."""
    file = folder / "voidtrail.toml"
    file.write_text(SETTINGS.format(path=folder / "voidtrail.db", url=url, more=more), "utf-8")
    house = build(load(file, {}), environment=HOOK, clock=clock or Clock(), settle=True)
    try:
        yield house
    finally:
        house.close()


class Office:
    """Worker and post of a house."""

    def __init__(self, house):
        self.house = house
        self.ledger: SqliteLog = house.ledger
        self.intake = Intake(house.ledger, house.clock)
        self.post = post_office(house, self.intake, HOOK)
        self.post._jitter = lambda: 0.5
        asker = Asker(house, self.intake)
        self.worker = Worker(house, self.intake, asker, Refusals(), deciders(house), self.post.wake)

    async def tell(self, at=None):
        """Let deciders hear what changed, and the post carry what is due."""
        self.house.clock.now = at or self.house.clock.now
        await self.worker._teller.turn()
        return await self.post.turn()

    def messages(self):
        rows = self.ledger.db.execute("SELECT key FROM message ORDER BY no").fetchall()
        return [self.ledger.message_by_key(key) for (key,) in rows]


@asynccontextmanager
async def office(house):
    found = Office(house)
    try:
        yield found
    finally:
        await found.post.close()
        await found.intake.close()


def opened(house, order="A1", payment="pi_1", at=NOW, **more):
    put(house, event(Kind.OPEN, payment=payment, order=order, at=at, notice=f"o{payment}",
                     amount_minor=1230, currency="CNY"), **more)  # fmt: skip


def cancelled(house, order="A1", payment="pi_1", at=NOW, **more):
    put(house, event(Kind.CANCEL, payment=payment, order=order, at=at, notice=f"c{payment}",
                     reason=10), **more)  # fmt: skip


def captured(house, order="A1", payment="pi_1", at=NOW, **more):
    put(house, event(Kind.CAPTURE, payment=payment, order=order, at=at, notice=f"p{payment}",
                     operation=f"ch_{payment}", amount_minor=1230, currency="CNY", tag=Tag.OWN),
        **more)  # fmt: skip


def pressed(house, order="A1", payment="pi_1", at=NOW):
    put(house, event(Kind.CANCEL, Result.REQUESTED, payment=payment, order=order, at=at,
                     notice=f"x{payment}", reason=10))  # fmt: skip


def run(work):
    return asyncio.run(work())
