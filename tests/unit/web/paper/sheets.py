"""Reports to be written: figures as the runtime makes them, from a small house."""

from contextlib import contextmanager

from tests.unit.runtime.rig import HOUR, NOW, Clock, event, house_at, put, shop_told
from voidtrail.event.model import Channel, Kind, Method, Tag
from voidtrail.runtime.views.course import Asked
from voidtrail.runtime.views.paper import paper

ON = "2026-03-17"
DAY = 24 * HOUR


def _pay(house, name, at, *, paid, currency="CNY"):
    more = {"amount_minor": 12_345, "currency": currency, "order": f"O{name}"}
    put(house, event(payment=name, notice=f"o{name}", at=at, method=Method.ALIPAY_QR,
                     channel=Channel(0), **more))  # fmt: skip
    kind = Kind.CAPTURE if paid else Kind.CANCEL
    put(house, event(kind, payment=name, notice=f"c{name}", at=at, operation=f"ch_{name}",
                     tag=Tag.OWN, **more))  # fmt: skip


@contextmanager
def week(folder):
    """A house with a week of payments and four weeks before it; more called off on one day."""
    with house_at(folder, Clock(NOW + 9 * DAY)) as house:
        for day in range(-34, 6):
            for n in range(12):
                gone = 8 if day == 2 else 2
                _pay(house, f"pi_{day + 40}_{n}", NOW + day * DAY + n * HOUR // 2, paid=n >= gone,
                     currency="USD" if n == 1 else "CNY")  # fmt: skip
        put(house, event(payment="A<1>", notice="s", method=Method.WECHAT_QR, **shop_told()),
            source="storefront")  # fmt: skip
        yield house


def sheet(house, since="2026-03-16", until="2026-03-22", *, now=None):
    """The report of a week."""
    return paper(house, Asked(since, until), now=now or house.clock())
