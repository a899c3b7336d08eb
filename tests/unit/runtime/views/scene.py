"""Some days of a small shop, for tests of the views: rails, states, currencies, a trial account."""

import random

from tests.unit.runtime.house import NOW, event, house, say
from voidtrail.event.model import Kind, Method, Result, Role, Tag
from voidtrail.event.reason import number

HOUR = 3_600_000_000
DAY = 24 * HOUR
_RAILS = (
    ("stripe", "main", "tea", Method.CARD_FORM), ("alipay", "main", "tea", Method.ALIPAY_QR),
    ("stripe", "north", "north", Method.CARD_FORM),
)  # fmt: skip
_ENDINGS = (
    (Kind.CANCEL, "customer_request"), (Kind.EXPIRE, "timed_out"), (Kind.CANCEL, "duplicate"),
    (Kind.CANCEL, "merchant_request"),
)  # fmt: skip


def scene(folder, count=120, seed=7):
    """Open a house in which so many orders were placed over ten days; some twice, some paid."""
    draw, home = random.Random(seed), house(folder)
    for no in range(count):
        source, account, shop, method = draw.choice(_RAILS)
        at = NOW - draw.randrange(10 * DAY)
        money = {"currency": draw.choice(["CNY", "USD", "JPY"]), "tag": Tag.OWN,
                 "amount_minor": draw.choice([100, 900, 12900, 500_000])}  # fmt: skip
        said = {"order": f"A{no}", "method": method, "customer": f"C{no % 17}", **money}
        owner = {"shop": shop, "entity": f"{shop}-ltd", "zone": "Asia/Shanghai", "cutoff": "04:00"}
        if draw.random() < 0.3:
            say(home, "storefront", shop,
                event(f"A{no}", Kind.ORDER, role=Role.SHOP, occurred_at=at - 1, order=f"A{no}",
                      **money), **owner)  # fmt: skip
        for attempt in range(draw.choice([1, 1, 1, 2])):
            pid, began = f"{source[0]}{account[0]}{no}-{attempt}", at + attempt * HOUR
            told = [event(pid, Kind.OPEN, Result.PENDING, occurred_at=began, **said)]
            fate = draw.random()
            if fate < 0.4:
                told.append(event(pid, Kind.CAPTURE, occurred_at=began + 60, operation=f"op-{pid}",
                                  **said))  # fmt: skip
            elif fate < 0.8:
                kind, reason = draw.choice(_ENDINGS)
                told.append(event(pid, kind, occurred_at=began + 90, reason=number(reason),
                                  order=f"A{no}"))  # fmt: skip
            say(home, source, account, *told, **owner)
    trial = {"currency": "CNY", "tag": Tag.OWN, "amount_minor": 100}
    say(home, "stripe", "trial", event("t1", Kind.OPEN, order="T1", **trial), mode="test")
    ledger = home.ledger
    ledger.begin()
    ledger.control([("tick", "{}")], NOW)
    while due := ledger.due(NOW, 256):
        if not ledger.rejudge([pid for pid, _ in due], NOW):
            break
    ledger.commit()
    return home
