"""What can still be saved: a payment called off a short while ago whose order nobody has paid.

Pure rules, once in Python and once in SQL. A payment has a chance for a while after it ended, by
how it ended: somebody who met an obstacle comes back for longer than somebody who said no. Of an
order only its latest payment has one, and none while the order is paid or being paid another way.
What the merchant ended, what was fraud, a duplicate or superseded, and money that was taken and
went back are nothing to be saved. See docs/explanation/what-can-be-saved.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from voidtrail.event.model import Actor, Cause, Micros
from voidtrail.event.reason import BY_NUMBER, REASONS, How
from voidtrail.lifecycle.verdict import Money, State

HOUR: Final = 3600 * 1_000_000
CHANCE: Final[Mapping[How, Micros]] = {
    How.ABANDONED: 72 * HOUR,
    How.EXPIRED: 72 * HOUR,
    How.GAVE_UP_AFTER_DECLINE: 72 * HOUR,
    How.GAVE_UP_AFTER_FAULT: 72 * HOUR,
    How.PLATFORM_CLOSED: 24 * HOUR,
    How.UNSTATED: 24 * HOUR,
    How.CUSTOMER_CANCELLED: 24 * HOUR,
}
"""How long after its end a payment may be saved; a way of ending that is missing leaves none."""
LONGEST: Final = max(CHANCE.values())
_UNDECIDED: Final = (State.OPEN, State.DECLINED, State.FAILED)
_FRAUD: Final = tuple(r.number for r in REASONS if r.cause is Cause.FRAUD_OR_ABUSE)


class Standing(NamedTuple):
    """What the rules ask of one payment of an order.

    Attributes:
        key: the payment's id outside of the store.
        placeholder: only a shop spoke, of its order.
        last_at: last statement understood.
        due_at, asking, ended_at: of its verdict.
    """

    key: int
    placeholder: bool
    spoken_at: Micros
    last_at: Micros
    state: int
    how: int
    actor: int
    reason: int
    money: int
    due_at: Micros | None
    asking: int
    ended_at: Micros | None


def overdue(payment: Standing, now: Micros) -> bool:
    """Whether a payment is undecided though its patience is over."""
    waited = payment.asking == 1 or (payment.due_at is not None and payment.due_at <= now)
    return payment.state in _UNDECIDED and waited


def chance_until(payment: Standing, now: Micros) -> Micros | None:
    """Return until when a payment could be saved, its order left aside; None if not at all."""
    if overdue(payment, now):
        return payment.last_at + CHANCE[How.ABANDONED]
    gone = payment.state == State.CANCELLED and payment.money in (Money.NONE, Money.HELD)
    if not gone or payment.actor == Actor.MERCHANT or payment.ended_at is None:
        return None
    if BY_NUMBER[payment.reason].cause is Cause.FRAUD_OR_ABUSE:
        return None
    chance = CHANCE.get(How(payment.how))
    return None if chance is None else payment.ended_at + chance


def saveable(order: Sequence[Standing], now: Micros) -> tuple[Standing, Micros] | None:
    """Return the payment of an order that can still be saved, and until when.

    Args:
        order: all payments of the order (or the only one, if the order is unknown).
        now: the instant of asking.
    """
    real = [each for each in order if not each.placeholder] or list(order)
    if any(each.state == State.PAID or _under_way(each, now) for each in real):
        return None
    last = max(real, key=lambda each: (each.spoken_at, each.key))
    until = chance_until(last, now)
    return None if until is None or until <= now else (last, until)


def _under_way(payment: Standing, now: Micros) -> bool:
    return payment.state in _UNDECIDED and not overdue(payment, now)


# -------------------------------------------------------------------- the same rules, in SQL


def _undecided_sql(v: str) -> str:
    return f"{v}.state IN ({', '.join(str(int(state)) for state in _UNDECIDED)})"


def _overdue_sql(v: str, now: str) -> str:
    return f"({_undecided_sql(v)} AND ({v}.asking = 1 OR ifnull({v}.due_at <= {now}, 0)))"


def until_sql(now: str, p: str = "p", v: str = "v") -> str:
    """Return the SQL of `chance_until`; NULL where there is none.

    Args:
        now: an SQL expression or parameter.
        p: alias of a row of `payment`.
        v: alias of its `verdict`.
    """
    chances = " ".join(f"WHEN {int(how)} THEN {v}.ended_at + {us}" for how, us in CHANCE.items())
    money = f"{int(Money.NONE)}, {int(Money.HELD)}"
    return (
        f"CASE WHEN {_overdue_sql(v, now)} THEN {p}.last_at + {CHANCE[How.ABANDONED]} "
        f"WHEN {v}.state = {int(State.CANCELLED)} AND {v}.money IN ({money}) "
        f"AND {v}.actor <> {int(Actor.MERCHANT)} "
        f"AND {v}.reason NOT IN ({', '.join(map(str, _FRAUD))}) THEN CASE {v}.how {chances} END END"
    )


def free_sql(now: str, p: str = "p") -> str:
    """Return the condition that no other payment of the order stands before or after it."""
    return (
        f"({p}.order_id IS NULL OR NOT EXISTS (SELECT 1 FROM payment o CROSS JOIN verdict w "
        f"ON w.payment_id = o.payment_id WHERE o.order_id = {p}.order_id "
        f"AND o.payment_id <> {p}.payment_id AND (o.placeholder < {p}.placeholder "
        f"OR (o.placeholder = {p}.placeholder AND (w.state = {int(State.PAID)} "
        f"OR ({_undecided_sql('w')} AND NOT {_overdue_sql('w', now)}) "
        f"OR (coalesce(o.spoken_at, 0), o.key) > (coalesce({p}.spoken_at, 0), {p}.key))))))"
    )


def candidates_sql(now: str) -> str:
    """Return the query of the payments that may have a chance, by their ids, from indexes alone."""
    return (
        "SELECT payment_id FROM verdict INDEXED BY verdict_ended WHERE ended_at IS NOT NULL "
        f"AND ended_at > {now} - {LONGEST} "
        "UNION SELECT payment_id FROM verdict INDEXED BY verdict_due "
        f"WHERE due_at IS NOT NULL AND due_at <= {now} "
        "UNION SELECT payment_id FROM verdict INDEXED BY verdict_asking WHERE asking = 1"
    )
