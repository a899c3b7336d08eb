"""The shapes of what pages show; templates and JSON are made from them alone.

Words of enumerations are lower-case names, for `text.label`; instants are microseconds, with the
zone in which to write them; amounts are whole minor units and never stand without currency.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from voidtrail.event.model import Micros
from voidtrail.runtime.deeds.standing import Sealing


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A part of what a page shows."""


class Amount(Shape, frozen=True, kw_only=True):
    """Minor units of a currency; currency "" where nobody said which."""

    minor: int
    currency: str


# ------------------------------------------------------------------------------ Payments


class Filter(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which payments; "" and None do not filter. Its fields are the keys of the page's URL.

    Attributes:
        state, how, actor, money, method: words of the verdict, as "cancelled".
        source: the rail, as "alipay".
        least, most: amount in minor units, both included; they need a currency.
        since, until: business days or instants, as the report takes them.
        saveable: only what can still be saved.
        query: an order's, payment's or platform's reference, an amount, or a card's last four.
        test: test traffic too.
        order: "latest" (by when the payment began) or "largest" (by amount; with saveable).
    """

    state: str = ""
    how: str = ""
    actor: str = ""
    money: str = ""
    source: str = ""
    account: str = ""
    method: str = ""
    shop: str = ""
    entity: str = ""
    currency: str = ""
    least: int | None = None
    most: int | None = None
    since: str = ""
    until: str = ""
    saveable: bool = False
    query: str = ""
    test: bool = False
    order: Literal["latest", "largest"] = "latest"


class PaymentRow(Shape, frozen=True, kw_only=True):
    """One payment in a list.

    Attributes:
        payment: its name, as "stripe/main/pi_1": the address of its page.
        order: the shop's reference, "" if nobody said; the address of the order's page.
        began_at, ended_at: first statement; when it was called off.
        saveable: it can still be saved, until `save_until`.
        zone: of the shop.
    """

    payment: str
    reference: str
    order: str
    state: str
    how: str
    actor: str
    money: str
    amount: Amount | None
    source: str
    account: str
    method: str
    channel: str
    shop: str
    entity: str
    test: bool
    final: bool
    sealed: bool
    began_at: Micros
    ended_at: Micros | None
    saveable: bool
    save_until: Micros | None
    zone: str


class Page(Shape, frozen=True, kw_only=True):
    """A page of payments.

    Attributes:
        cursor: of the page after this one; "" at the end.
        searched_to: where nothing more was looked at because it would have taken too long: the
            payments that began before this instant are still to be searched, with `cursor`.
        count: how many there are in all; None where counting would take too long.
    """

    rows: tuple[PaymentRow, ...]
    cursor: str
    searched_to: Micros | None = None
    count: int | None = None


class Hit(Shape, frozen=True, kw_only=True):
    """One thing that a search found.

    Attributes:
        by: "order", "payment", "operation", "amount" or "card".
        matched: the text that matched, whole.
    """

    by: Literal["order", "payment", "operation", "amount", "card"]
    matched: str
    row: PaymentRow


class Found(Shape, frozen=True, kw_only=True):
    """What a search found, best first; `only` is the single order that was meant, if one."""

    query: str
    hits: tuple[Hit, ...]
    only: str = ""
    more: bool = False


# ------------------------------------------------------------------------------ Payment, Order


class Statement(Shape, frozen=True, kw_only=True):
    """One statement of a source.

    Attributes:
        zone: of the shop; the lane has the platform's.
        proves: columns of the verdict's evidence that this statement won, in words.
    """

    event: int
    kind: str
    result: str
    role: str
    via: str
    label: str
    operation: str
    occurred_at: Micros
    received_at: Micros
    recorded_at: Micros | None
    zone: str
    amount: Amount | None
    reason: str
    code: str
    dimensions: dict[str, str]
    delivery: int
    repeats: int
    conflict: bool
    superseded: bool
    proves: tuple[str, ...]


class Lane(Shape, frozen=True, kw_only=True):
    """All that one account of one source said, in order. `platform_zone` is the platform's own."""

    source: str
    account: str
    role: str
    platform_zone: str
    statements: tuple[Statement, ...]


class Leg(Shape, frozen=True, kw_only=True):
    """A line of the balance: "authorised", "captured", "returned", "withdrawn", "held" or "net"."""

    name: str
    amount: Amount


class Proof(Shape, frozen=True, kw_only=True):
    """What proves the verdict: which column, what it means, and the statements that won it."""

    column: str
    means: str
    events: tuple[int, ...]


class Contradiction(Shape, frozen=True, kw_only=True):
    """Two statements that do not fit: of one notice in two variants, or of two sources.

    Attributes:
        kind: "variant" (one notice, two contents), "amount" or "outcome" (two sources disagree).
        column: what they disagree on, as "amount" or "state".
        events: the statements, the older first.
        said: what each of them says, in the same order.
    """

    kind: Literal["variant", "amount", "outcome"]
    column: str
    events: tuple[int, ...]
    said: tuple[str, ...]


class Late(Shape, frozen=True, kw_only=True):
    """A success that came after the cancellation (see `lifecycle.seal.Case`)."""

    state: str
    resolution: str
    proposed_by: str
    resolved_by: str
    outcome: str
    code: str
    amount: Amount
    opened_at: Micros


class PaymentPage(Shape, frozen=True, kw_only=True):
    """The whole life of a payment.

    Attributes:
        rule: name of the rule of the decision table that decided.
        shadow: evidence of an order only; another payment of the order counts.
        switched: called off, but its order was paid another way.
        due_at: when time alone may change the verdict.
        sealing: whether it can still be paid, and why.
        late: a success after the cancellation, None if there was none.
        customer: pseudonym's number, None if unknown.
        others: the order's other payments, shadows left out.
    """

    row: PaymentRow
    names: tuple[str, ...]
    rule: str
    reason: str
    mixed_currencies: bool
    shadow: bool
    switched: bool
    double_paid: bool
    due_at: Micros | None
    legs: tuple[Leg, ...]
    lanes: tuple[Lane, ...]
    evidence: tuple[Proof, ...]
    contradictions: tuple[Contradiction, ...]
    deliveries: tuple[int, ...]
    sealing: Sealing
    late: Late | None
    customer: int | None
    others: tuple[PaymentRow, ...]
    as_of: Micros


class OrderPage(Shape, frozen=True, kw_only=True):
    """An order: what its payments together mean, and each of them whole."""

    order: str
    shop: str
    state: str
    how: str
    actor: str
    switched: bool
    double_paid: bool
    payments: tuple[PaymentPage, ...]
    more: bool
    as_of: Micros
