"""The order: what its payments together mean.

What a shop says of its order before any platform knows a payment falls on a *placeholder*. Beside a
payment of the same order it is a shadow: evidence (the shop said "order placed"), not a payment to
be counted. An order that is paid by one payment after another was called off is *switched*, not
lost; an order for which two movers hold money is *double paid*. Without an order reference, the
order is the payment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from voidtrail.lifecycle.verdict import State

PRECEDENCE: Final = (
    State.PAID, State.OPEN, State.CANCELLED, State.DECLINED, State.FAILED, State.UNKNOWN,
)  # fmt: skip
"""Of the states of an order's payments, the first of these is the order's."""


class Part(NamedTuple):
    """One payment of an order, as far as the order asks.

    Attributes:
        key: the payment's id outside of the store; unlike its number it does not hang on arrival.
        mover: a source that holds money has spoken of it.
        placeholder: only what a shop said of its order, before any platform knew a payment.
        net: minor units that the merchant holds.
    """

    key: int
    mover: bool
    placeholder: bool
    state: int
    how: int
    actor: int
    net: int
    spoken_at: int


class OrderVerdict(NamedTuple):
    """What an order's payments together mean.

    Attributes:
        state: number of `State`.
        how, actor: of the latest payment in that state.
        switched: paid, and another payment was called off.
        double_paid: two movers hold money for it.
        payments: how many payments count (shadows left out).
    """

    state: int
    how: int
    actor: int
    switched: bool
    double_paid: bool
    payments: int


def counted(parts: Sequence[Part]) -> list[Part]:
    """Return the parts without shadows."""
    real = [part for part in parts if not part.placeholder]
    return real or list(parts)


def judge_order(parts: Sequence[Part]) -> OrderVerdict:
    """Return the verdict on an order.

    Args:
        parts: all payments of the order, at least one.
    """
    real = counted(parts)
    state = next(each for each in PRECEDENCE if any(part.state == each for part in real))
    last = max(
        (part for part in real if part.state == state),
        key=lambda part: (part.spoken_at, part.key),
    )
    paid = state is State.PAID
    return OrderVerdict(
        state, last.how, last.actor,
        paid and any(part.state == State.CANCELLED for part in real),
        sum(part.mover and part.net > 0 for part in real) > 1,
        len(real),
    )  # fmt: skip


def shadow_sql(payment: str = "p") -> str:
    """Return the SQL condition under which a payment's row is a shadow."""
    return (
        f"({payment}.placeholder = 1 AND {payment}.order_id IS NOT NULL AND EXISTS (SELECT 1 "
        f"FROM payment other WHERE other.order_id = {payment}.order_id AND other.placeholder = 0))"
    )


def orders_sql(payment: str, verdict: str) -> str:
    """Return the query of every order's verdict, the same text in every engine.

    Columns: order_id, state, how, actor, switched, double_paid, payments. `payment` must have
    `order_id` (negative payment_id where no order is known) beside the columns of `PAYMENT`.
    """
    rank = " ".join(f"WHEN {int(state)} THEN {place}" for place, state in enumerate(PRECEDENCE))
    paid, gone = int(State.PAID), int(State.CANCELLED)
    return f"""WITH part AS (
  SELECT p.order_id, p.key, CASE WHEN p.mover_no IS NULL THEN 0 ELSE 1 END AS mover,
    p.placeholder, MIN(p.placeholder) OVER (PARTITION BY p.order_id) AS least,
    v.state, v.how, v.actor, v.captured - v.returned - v.withdrawn AS net,
    CASE v.state {rank} END AS rank, coalesce(p.spoken_at, 0) AS spoken_at
  FROM {payment} p JOIN {verdict} v ON v.payment_id = p.payment_id),
counted AS (SELECT part.*, ROW_NUMBER() OVER (PARTITION BY order_id
    ORDER BY rank, spoken_at DESC, key DESC) AS place FROM part WHERE placeholder = least),
summed AS (SELECT order_id, COUNT(*) AS payments, SUM(CASE WHEN mover = 1 AND net > 0 THEN 1
    ELSE 0 END) AS paid_by, MAX(CASE WHEN state = {gone} THEN 1 ELSE 0 END) AS others
  FROM counted GROUP BY order_id)
SELECT s.order_id, c.state, c.how, c.actor,
  CASE WHEN c.state = {paid} AND s.others = 1 THEN 1 ELSE 0 END AS switched,
  CASE WHEN s.paid_by > 1 THEN 1 ELSE 0 END AS double_paid, s.payments
FROM summed s JOIN counted c ON c.order_id = s.order_id AND c.place = 1"""
