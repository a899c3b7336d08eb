"""An independent auditor: reads what was said about one order and concludes, slowly and plainly.

It shares no code and no idea with `lifecycle`: no lattice, no packed reasons, only lists that are
read from the first statement to the last. Where it and Voidtrail differ, one of them is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from voidtrail.event.model import Micros
from voidtrail.testing.world.fact import HOUR, MINUTE, Notice, Said

PATIENCE: Mapping[str, Micros] = {
    "card_form": 30 * MINUTE,
    "hosted_checkout": 24 * HOUR,
    "alipay_page": 30 * MINUTE,
    "alipay_qr": 30 * MINUTE,
    "wechat_qr": 2 * HOUR,
    "wechat_jsapi": 2 * HOUR,
}
"""The silence after which an unfinished payment counts as left, by method."""
OTHER_PATIENCE = 24 * HOUR
CLOCKS_DIFFER = 2 * MINUTE
"""Clocks of shop and platform are compared with this tolerance."""

# The platforms' codes, as an auditor reads them in their documents.
_CANCEL_CODES = {
    "requested_by_customer": ("customer_cancelled", "customer"),
    "abandoned": ("abandoned", "customer"),
    "duplicate": ("duplicate", "merchant"),
    "fraudulent": ("merchant_voided", "merchant"),
    "automatic": ("expired", "platform"),
    "expired": ("expired", "platform"),
}
_REFUND_CODES = {
    "requested_by_customer": ("refunded_in_full", "customer"),
    "duplicate": ("refunded_in_full", "merchant"),
    "fraudulent": ("refunded_in_full", "merchant"),
}
_ATTEMPT_ACTORS = {
    "incorrect_cvc": "customer",
    "authentication_required": "customer",
    "processing_error": "platform",
    "platform_fault": "platform",
    "issuer_not_available": "issuer",
}
_VAGUE_CODES = ("generic_decline", "do_not_honor", "")
_ENDS = (Said.CLOSED, Said.EXPIRED, Said.LAPSED, Said.RELEASED)
_ATTEMPTS = (Said.ATTEMPT_FAULTED, Said.ATTEMPT_DECLINED)
_WORK = (
    Said.CHECKOUT_OPENED,
    Said.METHOD_CHOSEN,
    Said.SUBMITTED,
    Said.AUTHORISED,
    *_ATTEMPTS,
)
_AFTER_CAPTURE = (
    Said.REFUND_PENDING,
    Said.REFUNDED,
    Said.REFUND_FAILED,
    Said.DISPUTE_OPENED,
    Said.DISPUTE_WITHDRAWN,
    Said.DISPUTE_REINSTATED,
)
_NO_LIFE = (Said.OTHER, Said.NOT_KNOWN, Said.WAITING)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What Voidtrail should conclude about one payment.

    Attributes:
        names: every name of the payment that was told.
        explicit: somebody stated the cancellation; False if only silence tells.
    """

    source: str
    account: str
    names: tuple[str, ...]
    order: str
    state: str
    how: str
    actor: str
    money: str
    captured_minor: int
    returned_minor: int
    explicit: bool
    test: bool


@dataclass(frozen=True, slots=True)
class OrderConclusion:
    """What Voidtrail should conclude about one order."""

    payments: tuple[Conclusion, ...]
    switched: bool
    double_paid: bool


def audit(
    notices: Sequence[Notice], now: Micros, patience: Mapping[str, Micros] = PATIENCE
) -> OrderConclusion:
    """Conclude about one order at the instant `now`.

    Args:
        notices: everything that was delivered about the order, in any order, with repetitions.
        now: the instant of judgement.
        patience: the silence after which a payment counts as left, by method.
    """
    spoken = sorted(notices, key=lambda notice: notice.at)
    groups = _payments(spoken)
    found = [_payment(group, now, patience) for group in groups]
    bare = [one for one in spoken if not one.payment]
    if not groups and bare:
        found = [_order_without_payment(bare, now, patience)]
    paid = [one for one in found if one.state == "paid"]
    gone = [one for one in found if one.state == "cancelled"]
    keeping = [
        one for one, said in zip(found, groups or [spoken], strict=False)
        if one.captured_minor > one.returned_minor and any(map(_is_platforms, said))
    ]  # fmt: skip
    return OrderConclusion(tuple(found), bool(gone and paid), len(keeping) > 1)


def _is_platforms(one: Notice) -> bool:
    """Whether it is the word of the one that holds the money."""
    return one.source == one.holder[0]


def _payments(spoken: list[Notice]) -> list[list[Notice]]:
    """Put statements that share a name of one holder together, until nothing moves any more."""
    groups: list[list[Notice]] = [[one] for one in spoken if one.payment]
    groups = _joined(groups)
    return [said for said in groups if any(one.said is not Said.OTHER for one in said)]


def _joined(groups: list[list[Notice]]) -> list[list[Notice]]:
    moved = True
    while moved:
        moved = False
        for left in range(len(groups)):
            for right in range(left + 1, len(groups)):
                if _share_a_name(groups[left], groups[right]):
                    groups[left] += groups.pop(right)
                    moved = True
                    break
            if moved:
                break
    return groups


def _share_a_name(left: list[Notice], right: list[Notice]) -> bool:
    mine = {(one.holder, name) for one in left for name in (one.payment, *one.names)}
    yours = {(one.holder, name) for one in right for name in (one.payment, *one.names)}
    return bool(mine & yours)


def _captured(said: list[Notice]) -> int:
    """Add up the captures: each operation once; nameless ones are the same as the named."""
    named: dict[str, int] = {}
    nameless = 0
    for one in said:
        if one.said is Said.PAID and one.operation:
            named[one.operation] = one.amount_minor
        elif one.said is Said.PAID:
            nameless = max(nameless, one.amount_minor)
    return sum(named.values()) or nameless


def _believed(said: list[Notice]) -> list[Notice]:
    """Return what the shop believes to be paid, which counts while the platform is silent."""
    return [replace(one, said=Said.PAID) for one in said if one.said is Said.ORDER_PAID]


def _returned(said: list[Notice]) -> tuple[int, int]:
    """Return what refunds and what disputes took away and did not bring back."""
    refunds: dict[str, int] = {}
    disputes: dict[str, int] = {}
    so_far = max((one.so_far_minor for one in said if one.said is Said.REFUNDED), default=0)
    for one in said:
        if one.said is Said.REFUNDED and not one.so_far_minor:
            refunds[one.operation] = one.amount_minor
        if one.said is Said.DISPUTE_WITHDRAWN:
            disputes[one.operation] = one.amount_minor
    told = max(sum(refunds.values()), so_far)
    failed = {
        one.operation: one.amount_minor for one in said
        if one.said is Said.REFUND_FAILED and (so_far or one.operation in refunds)
    }  # fmt: skip
    for one in said:
        if one.said is Said.DISPUTE_REINSTATED:
            disputes.pop(one.operation, None)
    return max(told - sum(failed.values()), 0), sum(disputes.values())


def _payment(said: list[Notice], now: Micros, patience: Mapping[str, Micros]) -> Conclusion:
    said = sorted(said, key=lambda one: one.at)
    from_platform = [one for one in said if _is_platforms(one)]
    captured = _captured(from_platform or _believed(said))
    refunded, disputed = _returned(from_platform)
    returned = min(captured, refunded + disputed)
    held = _is_held(from_platform)
    explicit = True
    if captured and returned < captured:
        state, how, actor = "paid", "", ""
    elif captured and disputed:
        state, how, actor = "cancelled", "reversed", "customer"
    elif captured:
        state = "cancelled"
        how, actor = _refund_reason(from_platform)
    else:
        state, how, actor, explicit = _unpaid(said, held, now, patience)
    if captured:
        money = "taken" if not returned else "returned"
        money = "partly_returned" if 0 < returned < captured else money
    else:
        money = "held" if held else "none"
    source, account = said[0].holder
    names: list[str] = []
    for one in said:
        names += [name for name in (one.payment, *one.names) if name not in names]
    return Conclusion(
        source=source,
        account=account,
        names=tuple(names),
        order=said[0].order,
        state=state,
        how=how,
        actor=actor,
        money=money,
        captured_minor=captured,
        returned_minor=returned,
        explicit=explicit and state == "cancelled",
        test=any(one.test for one in said),
    )


def _refund_reason(said: list[Notice]) -> tuple[str, str]:
    for one in said:
        if one.said is Said.REFUNDED and one.code in _REFUND_CODES:
            return _REFUND_CODES[one.code]
    return "refunded_in_full", "merchant"


def _is_held(said: list[Notice]) -> bool:
    authorised = any(one.said is Said.AUTHORISED for one in said)
    return authorised and not any(one.said in (*_ENDS, Said.PAID) for one in said)


def _unpaid(
    said: list[Notice], held: bool, now: Micros, patience: Mapping[str, Micros]
) -> tuple[str, str, str, bool]:
    """Return state, how, actor and explicitness of a payment that took no money."""
    ends = [one for one in said if one.said in _ENDS and _is_platforms(one)]
    ends += [one for one in said if one.said is Said.ORDER_CANCELLED]
    presses = [one for one in said if one.said is Said.PRESSED]
    meant = bool(presses) and not _came_back(said, presses[-1])
    if ends and meant and presses[0].at <= ends[0].at + CLOCKS_DIFFER:
        return "cancelled", "customer_cancelled", "customer", True
    if ends:
        return "cancelled", *_why_ended(said, ends), True
    if meant:
        return "cancelled", "customer_cancelled", "customer", True
    if held:
        return "open", "", "", False
    if any(one.said in _AFTER_CAPTURE for one in said):
        return "unknown", "", "", False
    if now < _last_life(said) + _patience(said, patience):
        return _waiting(said), "", "", False
    return "cancelled", *(_failed_attempt(said) or ("abandoned", "customer")), False


def _came_back(said: list[Notice], press: Notice) -> bool:
    """Whether the customer worked on the payment again after pressing cancel."""
    return any(one.said in _WORK and one.at > press.at + CLOCKS_DIFFER for one in said)


def _why_ended(said: list[Notice], ends: list[Notice]) -> tuple[str, str]:
    """Return how and by whom, from what the platform said when it closed the payment."""
    if any(one.said is Said.LAPSED for one in ends):
        return "expired", "platform"
    for one in ends:
        if one.code:
            return _CANCEL_CODES.get(one.code, ("platform_closed", "unknown"))
    if any(one.said is Said.RELEASED for one in said):
        return "merchant_voided", "merchant"
    failed = _failed_attempt(said)
    if failed:
        return failed
    by_time = [one for one in ends if one.timed_out or one.said is Said.EXPIRED]
    if by_time:
        # Before its time a session ends only because the merchant asked for it.
        return "expired", "platform" if by_time[0].timed_out else "merchant"
    by_word = all(one.said is Said.ORDER_CANCELLED for one in ends)
    return "unstated" if by_word else "platform_closed", "unknown"


def _failed_attempt(said: list[Notice]) -> tuple[str, str] | None:
    """Return what a failed attempt makes of an ending that gives no reason: the fault first."""
    for kind, how in (
        (Said.ATTEMPT_FAULTED, "gave_up_after_fault"),
        (Said.ATTEMPT_DECLINED, "gave_up_after_decline"),
    ):
        attempts = [one for one in said if one.said is kind]
        telling = [one for one in attempts if one.code not in _VAGUE_CODES] or attempts
        if telling:
            return how, _ATTEMPT_ACTORS.get(telling[0].code, "issuer")
    return None


def _waiting(said: list[Notice]) -> str:
    """Return the state of an unfinished payment whose patience is not over."""
    attempts = [one for one in said if one.said in _ATTEMPTS]
    if not attempts or _last_life(said) > attempts[-1].at:
        return "open"
    faulted = any(one.said is Said.ATTEMPT_FAULTED for one in attempts)
    return "failed" if faulted else "declined"


def _last_life(said: list[Notice]) -> Micros:
    return max((one.at for one in said if not one.asked and one.said not in _NO_LIFE), default=0)


def _patience(said: list[Notice], patience: Mapping[str, Micros]) -> Micros:
    """Return the patience with the method that was spoken of last."""
    methods = [one.method for one in sorted(said, key=lambda one: one.at) if one.method]
    return patience.get(methods[-1], OTHER_PATIENCE) if methods else OTHER_PATIENCE


def _order_without_payment(
    said: list[Notice], now: Micros, patience: Mapping[str, Micros]
) -> Conclusion:
    """Conclude about an order that was left before any payment was made."""
    state, how, actor, explicit = "open", "", "", False
    if any(one.said is Said.PRESSED for one in said):
        state, how, actor, explicit = "cancelled", "customer_cancelled", "customer", True
    elif now > _last_life(said) + _patience(said, patience):
        state, how, actor = "cancelled", "abandoned", "customer"
    first = said[0]
    return Conclusion(
        source=first.source,
        account=first.account,
        names=(first.order,),
        order=first.order,
        state=state,
        how=how,
        actor=actor,
        money="none",
        captured_minor=0,
        returned_minor=0,
        explicit=explicit,
        test=first.test,
    )
