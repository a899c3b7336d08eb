"""Which names are one payment and which orders are one, from the active events alone.

A group only ever unites (see `ledger.group`). When a newer translation retires events, what they
alone had united falls apart again: the components they touched are made anew here, so that any
order of arrival ends in the same ones (house rules 2 and 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from voidtrail.ledger.working import Union

Claim = tuple[int, bytes, int | None]
"""Of an active event: the number of its name, the keys of its further names, its order's key."""


def further(names: bytes) -> Iterator[int]:
    """Return the keys of an event's further names.

    >>> list(further((5).to_bytes(8, "big") + (7).to_bytes(8, "big")))
    [5, 7]
    """
    for start in range(0, len(names), 8):
        yield int.from_bytes(names[start : start + 8], "big")


def united(
    claims: Iterable[Claim], names: Mapping[int, int], orders: Mapping[int, int]
) -> tuple[Union, Union]:
    """Return the components of payment names and of orders.

    Args:
        claims: the active events of whole components, in any order.
        names: number of a payment's name by key.
        orders: number of an order's name by key.
    """
    payments, together = Union(), Union()
    ordered: list[tuple[int, int]] = []
    for name_no, others, order_key in claims:
        for key in further(others):
            payments.unite(name_no, names[key])
        if order_key is not None:
            ordered.append((name_no, orders[order_key]))
    first: dict[int, int] = {}
    for name_no, order_no in ordered:
        together.unite(first.setdefault(payments.find(name_no), order_no), order_no)
    return payments, together
