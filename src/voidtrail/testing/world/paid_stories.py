"""Lives of orders whose payment was taken, whatever became of the money afterwards."""

from __future__ import annotations

from voidtrail.testing.world.alipay_rail import AlipayRail
from voidtrail.testing.world.fact import MINUTE, SECOND, Said
from voidtrail.testing.world.rail import Rail
from voidtrail.testing.world.stripe_rail import StripeRail
from voidtrail.testing.world.tale import Tale
from voidtrail.testing.world.wechatpay_rail import WechatPayRail

DECLINES = (
    ("insufficient_funds", "issuer", 40),
    ("generic_decline", "issuer", 18),
    ("do_not_honor", "issuer", 12),
    ("expired_card", "issuer", 8),
    ("incorrect_cvc", "customer", 10),
    ("authentication_required", "customer", 8),
    ("card_velocity_exceeded", "issuer", 4),
)
"""Decline codes, who stands behind each, and how often."""

REFUND_CODES = (
    ("requested_by_customer", "refunded_in_full", "customer", 60),
    ("", "refunded_in_full", "merchant", 24),
    ("fraudulent", "refunded_in_full", "merchant", 8),
    ("duplicate", "refunded_in_full", "merchant", 8),
)
"""A card refund's code, what it makes of the payment, by whom, and how often."""

DISPUTES = ("fraudulent", "product_not_received", "product_unacceptable", "general")


def decline(tale: Tale) -> tuple[str, str]:
    """Return a decline code and who stands behind it."""
    row = tale.rng.choices(DECLINES, [weight for *_, weight in DECLINES])[0]
    return row[0], row[1]


def paid(tale: Tale) -> None:
    """Paid at once."""
    tale.settle(tale.begin())


def paid_after_decline(tale: Tale) -> None:
    """A card is declined once or twice, then one works: "failed" is not final."""
    rail = tale.card()
    code, _ = decline(tale)
    for _ in range(tale.rng.choice((1, 1, 2))):
        rail.fail(tale.now, code)
        tale.wait(20, 120)
    tale.settle(rail)


def finished(tale: Tale) -> None:
    """Alipay says TRADE_SUCCESS, then TRADE_FINISHED: paid, not closed."""
    rail = tale.begin()
    assert isinstance(rail, AlipayRail)
    tale.settle(rail)
    rail.finish(tale.now + 3 * SECOND)


def captured_later(tale: Tale) -> None:
    """Held first, taken when the parcel leaves."""
    rail = tale.card(manual=True)
    rail.authorise(tale.now)
    tale.wait(1800, 3 * 3600)
    tale.settle(rail)


def held(tale: Tale) -> None:
    """Held and waiting for the parcel to leave when the day ends."""
    rail = tale.card(manual=True)
    rail.authorise(tale.now)


def lost_paid(tale: Tale) -> None:
    """Paid, and every notice of it is lost: only a question reveals it."""
    rail = tale.begin()
    tale.submit(rail)
    rail.pay(tale.now, lost=True)
    rail.paid()


def late_success(tale: Tale) -> None:
    """The customer presses cancel in the shop, and the payment goes through all the same."""
    rail = tale.begin()
    rail.scan(tale.now)
    tale.shop.tell(tale.now, Said.PRESSED, rail)
    tale.wait(4, 90)
    rail.pay(tale.now)
    rail.paid()
    if isinstance(rail, StripeRail) and tale.chance(0.5):
        tale.wait(300, 1800)
        rail.refund(tale.now, rail.captured, "requested_by_customer")
        rail.close_as("refunded_in_full", "customer")


def refunded_in_full(tale: Tale) -> None:
    """Paid and given back whole, in one refund or in two."""
    rail = tale.begin()
    tale.settle(rail)
    tale.wait(1800, 5 * 3600)
    _give_back(tale, rail, in_two=tale.chance(0.25))


def _give_back(tale: Tale, rail: Rail, in_two: bool) -> None:
    code, how, actor = "", "refunded_in_full", "merchant"
    if isinstance(rail, StripeRail):
        row = tale.rng.choices(REFUND_CODES, [weight for *_, weight in REFUND_CODES])[0]
        code, how, actor = row[:3]
    part = rail.captured * 2 // 5 if in_two else 0
    if part:
        rail.refund(tale.now, part, code)
        tale.wait(300, 3600)
    rail.refund(tale.now, rail.captured - part, code)
    rail.close_as(how, actor)


def refunded_in_part(tale: Tale) -> None:
    """Paid, and a part given back: still paid."""
    rail = tale.begin()
    tale.settle(rail)
    tale.wait(1800, 5 * 3600)
    rail.refund(tale.now, max(rail.captured * tale.rng.randrange(10, 60) // 100, 1))


def refund_failed(tale: Tale) -> None:
    """A refund that did not arrive: the merchant has the money again, the payment is paid."""
    rail = tale.begin()
    tale.settle(rail)
    tale.wait(1800, 3 * 3600)
    if isinstance(rail, StripeRail):
        rail.refund(tale.now, rail.captured, "requested_by_customer")
        tale.wait(1800, 2 * 3600)
        rail.refund_fails(tale.now, rail.captured)
    elif isinstance(rail, WechatPayRail):
        rail.refund_closes(tale.now, rail.captured)


def refund_abnormal(tale: Tale) -> None:
    """WeChat's ABNORMAL is not the end: the refund arrives later."""
    rail = tale.begin()
    assert isinstance(rail, WechatPayRail)
    tale.settle(rail)
    tale.wait(1800, 3 * 3600)
    rail.refund(tale.now, rail.captured, abnormal=True)
    rail.close_as("refunded_in_full", "merchant")


def dispute_lost(tale: Tale) -> None:
    """Disputed, and the money stays away."""
    rail = _disputed(tale, "lost")
    rail.close_as("reversed", "customer")


def dispute_won(tale: Tale) -> None:
    """Disputed, and the money comes back."""
    _disputed(tale, "won")


def dispute_inquiry(tale: Tale) -> None:
    """The customer's bank only asks; no money moves."""
    _disputed(tale, "inquiry")


def _disputed(tale: Tale, path: str) -> StripeRail:
    rail = tale.card()
    tale.settle(rail)
    tale.wait(3600, 5 * 3600)
    rail.dispute(tale.now, tale.rng.choice(DISPUTES), rail.captured, path)
    return rail


def double_paid(tale: Tale) -> None:
    """The customer pays on a second rail while the first one is slow; both take the money."""
    first = tale.begin()
    tale.submit(first)
    tale.wait(20, 120)
    second = tale.start(tale.other_method())
    tale.settle(second)
    first.pay(second_paid := tale.now + tale.rng.randrange(2, 40) * SECOND)
    first.paid()
    if tale.chance(0.5):
        tale.now = second_paid + 30 * MINUTE
        code = "duplicate" if isinstance(second, StripeRail) else ""
        second.refund(tale.now, second.captured, code)
        second.close_as("refunded_in_full", "merchant")
