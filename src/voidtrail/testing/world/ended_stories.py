"""Lives of orders whose payment was called off before any money was taken."""

from __future__ import annotations

from voidtrail.testing.world.alipay_rail import AlipayRail
from voidtrail.testing.world.fact import MINUTE, Said
from voidtrail.testing.world.paid_stories import decline
from voidtrail.testing.world.rail import Rail
from voidtrail.testing.world.stripe_rail import FAULT_CODES, StripeRail
from voidtrail.testing.world.tale import Tale
from voidtrail.testing.world.wechatpay_rail import WechatPayRail

STATED = (
    ("requested_by_customer", "customer_cancelled", "customer", 40),
    ("abandoned", "abandoned", "customer", 15),
    ("duplicate", "duplicate", "merchant", 12),
    ("fraudulent", "merchant_voided", "merchant", 8),
    ("automatic", "expired", "platform", 10),
    ("", "platform_closed", "unknown", 15),
)
"""A card cancellation's code, what it means, by whom, and how often."""

_FAULT_ACTORS = {"processing_error": "platform", "issuer_not_available": "issuer"}


def left_before_paying(tale: Tale) -> None:
    """The order is placed, and the customer leaves the checkout before any payment is made."""
    tale.has_beacons = True
    tale.place()
    if tale.chance(0.4):
        tale.wait(5, 60)
        tale.shop.tell(tale.now, Said.PRESSED, method=tale.method)
        tale.left = ("customer_cancelled", "customer", True)
    else:
        tale.left = ("abandoned", "customer", False)


def abandoned(tale: Tale) -> None:
    """Silence: the code is never scanned, the card form is left."""
    rail = tale.begin()
    rail.close_as("abandoned", "customer", explicit=False)


def cancel_pressed(tale: Tale) -> None:
    """Cancel is pressed in the shop; the platform says as little as it usually does."""
    rail = tale.begin()
    if tale.chance(0.5):
        rail.scan(tale.now)
    tale.wait(5, 120)
    press(tale, rail)
    if tale.chance(0.5):
        tale.wait(1, 5)
        tale.shop.tell(tale.now, Said.ORDER_CANCELLED, rail)


def press(tale: Tale, rail: Rail) -> None:
    """Press cancel, and close the payment at its platform as far as the shop bothers to."""
    tale.shop.tell(tale.now, Said.PRESSED, rail)
    tale.wait(*((1, 30) if tale.chance(0.7) else (180, 600)))
    if isinstance(rail, StripeRail):
        if rail.is_checkout or tale.chance(0.7):
            code = "" if rail.is_checkout else tale.rng.choice(("requested_by_customer", ""))
            rail.call_off(tale.now, code)
    elif isinstance(rail, AlipayRail):
        if rail.trade_no and tale.chance(0.5):
            rail.call_off(tale.now)
    elif tale.chance(0.7):
        rail.call_off(tale.now)
    rail.close_as("customer_cancelled", "customer")


def cancelled_stated(tale: Tale) -> None:
    """Cancelled at Stripe through its API, with a code or without; the notice may be lost."""
    rail = tale.card()
    tale.wait(60, 1500)
    state_cancel(tale, rail, lost=tale.chance(0.15))


def state_cancel(tale: Tale, rail: Rail, lost: bool = False) -> None:
    """Cancel an intent with one of Stripe's codes."""
    code, how, actor, _ = tale.rng.choices(STATED, [weight for *_, weight in STATED])[0]
    rail.call_off(tale.now, code, lost=lost)
    rail.close_as(how, actor)


def expired(tale: Tale) -> None:
    """The session or the trade runs into its own time-out, and the platform says so."""
    rail = tale.begin()
    if isinstance(rail, StripeRail):
        rail.call_off(rail.expires_at)
    elif isinstance(rail, AlipayRail):
        rail.scan(tale.now)
        rail.time_out()
    rail.close_as("expired", "platform")


def closed_at_platform(tale: Tale) -> None:
    """Closed at the platform by nobody knows whom; often only a question reveals it."""
    rail = tale.begin()
    rail.scan(tale.now)
    tale.wait(120, 900)
    if isinstance(rail, WechatPayRail) or tale.chance(0.5):
        rail.call_off(tale.now)
    rail.close_as("platform_closed", "unknown")


def gave_up_after_decline(tale: Tale) -> None:
    """The card is declined, once or more, and the customer does not come back."""
    rail = tale.card()
    code, actor = decline(tale)
    for _ in range(tale.rng.choice((1, 1, 2, 3))):
        rail.fail(tale.now, code)
        tale.wait(15, 180)
    _give_up(tale, rail, "gave_up_after_decline", actor)


def _give_up(tale: Tale, rail: Rail, how: str, actor: str) -> None:
    is_told = isinstance(rail, StripeRail) and (rail.is_checkout or tale.chance(0.3))
    if isinstance(rail, StripeRail) and is_told:
        rail.call_off(rail.expires_at if rail.is_checkout else tale.now + 20 * MINUTE)
    if isinstance(rail, WechatPayRail) and rail.is_known and tale.chance(0.4):
        rail.call_off(tale.now)
        is_told = True
    rail.close_as(how, actor, explicit=is_told)


def _fault(tale: Tale) -> tuple[Rail, str]:
    """Let the first payment meet a technical fault; return it and whose fault that is."""
    rail = tale.begin()
    if isinstance(rail, StripeRail):
        code = tale.rng.choice(FAULT_CODES)
        rail.fail(tale.now, code)
        tale.wait(5, 60)
        return rail, _FAULT_ACTORS[code]
    if isinstance(rail, WechatPayRail) and tale.chance(0.5):
        rail.refuse_order(tale.now)
    tale.shop.tell(tale.now, Said.ATTEMPT_FAULTED, rail, code="platform_fault")
    tale.wait(5, 60)
    return rail, "platform"


def gave_up_after_fault(tale: Tale) -> None:
    """The platform fails and the customer leaves."""
    rail, actor = _fault(tale)
    _give_up(tale, rail, "gave_up_after_fault", actor)


def fault_switched(tale: Tale) -> None:
    """The platform fails and the customer pays on another one."""
    rail, actor = _fault(tale)
    _give_up(tale, rail, "gave_up_after_fault", actor)
    tale.settle(tale.start(tale.other_method()))


def fault_retried(tale: Tale) -> None:
    """The platform fails, and the same payment works a little later."""
    rail, _ = _fault(tale)
    if isinstance(rail, WechatPayRail):
        tale.wait(60, 600)
        rail.accept_order(tale.now)
    else:
        tale.wait(60, 600)
    tale.settle(rail)


def voided(tale: Tale) -> None:
    """The merchant lets held money go."""
    rail = tale.card(manual=True)
    rail.authorise(tale.now)
    tale.wait(900, 3 * 3600)
    rail.call_off(tale.now, "fraudulent" if tale.chance(0.2) else "")
    rail.close_as("merchant_voided", "merchant")


def lapsed(tale: Tale) -> None:
    """Held money is let go because the authorisation ran out."""
    rail = tale.card(manual=True)
    rail.authorise(tale.now)
    tale.wait(6 * 3600, 8 * 3600)
    rail.lapse(tale.now)
    rail.close_as("expired", "platform")


def switched(tale: Tale) -> None:
    """Called off on one rail, paid on another: the order is not lost."""
    rail = tale.begin()
    tale.wait(5, 60)
    if tale.method == "card_form" and tale.chance(0.3):
        state_cancel(tale, rail)
    elif tale.method == "hosted_checkout" or tale.chance(0.6):
        press(tale, rail)
    else:
        rail.close_as("abandoned", "customer", explicit=False)
    tale.wait(10, 90)
    tale.settle(tale.start(tale.other_method()))
