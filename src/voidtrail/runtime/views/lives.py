"""A payment and an order, whole: verdict, money, what each source said, where they disagree."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from voidtrail.errors import NotFound
from voidtrail.event.model import Actor, Kind, Result, Role, Via
from voidtrail.event.reason import BY_NUMBER, How
from voidtrail.lifecycle.order import OrderVerdict, counted, judge_order
from voidtrail.lifecycle.seal import Case
from voidtrail.lifecycle.verdict import RULES, State, Verdict
from voidtrail.money import currency_code
from voidtrail.runtime.app import House
from voidtrail.runtime.show import MOST, Facts, Life
from voidtrail.runtime.views.disagreement import contradictions
from voidtrail.runtime.views.rows import reference_of, rows_of
from voidtrail.runtime.views.shapes import (
    Amount,
    Lane,
    Late,
    Leg,
    OrderPage,
    PaymentPage,
    PaymentRow,
    Proof,
    Statement,
)

_LEGS: Final = ("authorised", "captured", "returned", "withdrawn", "held")


@contextmanager
def _moment(house: House) -> Iterator[Life]:
    """Read one moment of the store."""
    db = house.ledger.db
    alone = not db.in_transaction
    if alone:
        db.execute("BEGIN")
    try:
        yield Life(house, None)
    finally:
        if alone and db.in_transaction:
            db.execute("COMMIT")


def payment(house: House, reference: str) -> PaymentPage:
    """Return the whole life of one payment.

    Args:
        house: a house that reads.
        reference: its name, or another that only this payment has.

    Raises:
        NotFound: no payment has that name, or several have it.
    """
    with _moment(house) as life:
        found = life.find(reference.strip())
        if len(found) > 1:
            names = ", ".join(sorted(life.facts(pid).names[0] for pid in found[:MOST]))
            raise NotFound(
                f"{reference!r} is the name of {len(found)} payments; say which: {names}"
            )
        ((_, members),) = life.orders(found).items()
        every = {pid: life.facts(pid) for pid in sorted({*members[:MOST], *found})}
        return _pages(house, life, every)[found[0]]


def order(house: House, reference: str) -> OrderPage:
    """Return an order and all of its payments: the first begun first, the shop's own word last.

    Args:
        house: a house that reads.
        reference: of the order, or of anything that belongs to it.

    Raises:
        NotFound: nothing has that name, or several orders have it.
    """
    with _moment(house) as life:
        orders = life.orders(life.find(reference.strip()))
        if len(orders) > 1:
            names = sorted(life.name_of(order_id) for order_id in orders)
            raise NotFound(
                f"{reference!r} is the name of {len(orders)} orders; say which: {', '.join(names)}"
            )
        ((order_id, members),) = orders.items()
        every = {pid: life.facts(pid) for pid in members[:MOST]}
        pages = _pages(house, life, every).values()
        verdict = judge_order([facts.part() for facts in every.values()])
        return OrderPage(
            order=reference_of(life.name_of(order_id)), shop=next(iter(pages)).row.shop,
            state=State(verdict.state).name.lower(),
            how=How(verdict.how).name.lower() if verdict.how else "",
            actor=Actor(verdict.actor).name.lower(), switched=verdict.switched,
            double_paid=verdict.double_paid,
            payments=tuple(sorted(
                pages, key=lambda page: (page.shadow, page.row.began_at, page.row.payment)
            )),
            more=len(members) > MOST, as_of=life.now,
        )  # fmt: skip


def _pages(house: House, life: Life, every: Mapping[int, Facts]) -> dict[int, PaymentPage]:
    """Return pages of all payments of one order."""
    rows = dict(
        zip(every, rows_of(house.ledger.db, life.accounts, list(every), life.now), strict=True)
    )
    parts = {pid: facts.part() for pid, facts in every.items()}
    verdict, real = judge_order(list(parts.values())), counted(list(parts.values()))
    shadows = {pid for pid, part in parts.items() if part not in real}
    return {pid: _page(house, life, facts, rows, shadows, verdict) for pid, facts in every.items()}


def _page(
    house: House, life: Life, facts: Facts, rows: Mapping[int, PaymentRow],
    shadows: Collection[int], order_verdict: OrderVerdict,
) -> PaymentPage:  # fmt: skip
    verdict, part = facts.verdict, facts.part()
    variants = _variants(life, facts)
    return PaymentPage(
        row=rows[facts.payment_id],
        names=tuple(facts.names),
        rule=RULES[verdict.rule].name,
        reason=BY_NUMBER[verdict.reason].slug,
        mixed_currencies=bool(verdict.mixed),
        shadow=facts.payment_id in shadows,
        switched=order_verdict.switched and part.state != State.PAID,
        double_paid=order_verdict.double_paid and part.net > 0,
        due_at=verdict.due_at,
        legs=_legs(verdict),
        lanes=_lanes(house, life, facts),
        evidence=tuple(
            Proof(column=each["column"], means=each["means"], events=tuple(each["events"]))
            for each in facts.proof
        ),
        contradictions=contradictions(facts.events, variants, life.accounts),
        deliveries=tuple(sorted({each["delivery_id"] for each in facts.events})),
        sealing=life.standings.sealing(facts.names, verdict, facts.account),
        late=_late(life.standings.case(facts.names)),
        customer=facts.joined["subject"],
        others=tuple(
            row for pid, row in rows.items() if pid != facts.payment_id and pid not in shadows
        ),
        as_of=life.now,
    )


def _late(case: Case | None) -> Late | None:
    if case is None:
        return None
    return Late(
        state=case.state, resolution=case.resolution, proposed_by=case.proposed_by,
        resolved_by=case.resolved_by, outcome=case.outcome, code=case.code,
        amount=Amount(minor=case.amount_minor, currency=case.currency), opened_at=case.opened_at,
    )  # fmt: skip


def _legs(verdict: Verdict) -> tuple[Leg, ...]:
    """Return the balance: what moved, and what the merchant holds in the end."""
    currency = currency_code(verdict.currency)
    legs = [
        Leg(name=name, amount=Amount(minor=getattr(verdict, name), currency=currency))
        for name in _LEGS
        if getattr(verdict, name)
    ]
    if verdict.captured:
        net = verdict.captured - verdict.returned - verdict.withdrawn
        legs.append(Leg(name="net", amount=Amount(minor=net, currency=currency)))
    return tuple(legs)


def _variants(life: Life, facts: Facts) -> dict[int, int]:
    """Return of every statement that contradicts its own notice the variant before it."""
    found = {}
    for event in facts.events:
        if event["conflict"]:
            row = life.db.execute(
                "SELECT max(o.seq) FROM event e JOIN event o ON o.id_key = e.id_key "
                "AND o.event_id = e.event_id AND o.seq < e.seq WHERE e.seq = ?", (event["seq"],),
            ).fetchone()  # fmt: skip
            if row[0] is not None:
                found[event["seq"]] = row[0]
    return found


def _lanes(house: House, life: Life, facts: Facts) -> tuple[Lane, ...]:
    """Return one lane for each account that spoke, the mover's first, then in order of speaking."""
    repeats = _repeats(life, [each["delivery_id"] for each in facts.events])
    spoken: dict[int, list[Mapping[str, Any]]] = {}
    for event in facts.events:
        spoken.setdefault(event["account_no"], []).append(event)
    lanes = sorted(spoken.items(), key=lambda lane: min(each["role"] for each in lane[1]))
    found = []
    for account_no, events in lanes:
        account = life.accounts[account_no]
        source = house.sources.get(account.source)
        role = Role(min(each["role"] for each in events))
        zone = source.CAPABILITIES.zone if source and role is Role.MOVER else account.zone
        found.append(
            Lane(
                source=account.source,
                account=account.name,
                role=role.name.lower(),
                platform_zone=zone,
                statements=tuple(_statement(each, facts, repeats) for each in events),
            )
        )
    return tuple(found)


def _repeats(life: Life, deliveries: Sequence[int]) -> dict[int, int]:
    """Return how often deliveries came again."""
    if not deliveries:
        return {}
    numbers = ", ".join(map(str, sorted(set(deliveries))))
    return dict(
        life.db.execute(
            "SELECT repeat_of, count(*) FROM delivery WHERE repeat_of IS NOT NULL "
            f"AND repeat_of IN ({numbers}) GROUP BY repeat_of"
        ).fetchall()
    )


def _statement(e: Mapping[str, Any], facts: Facts, repeats: Mapping[int, int]) -> Statement:
    """Return one statement as a page shows it."""
    amount = None
    if e["amount_minor"] is not None:
        amount = Amount(minor=e["amount_minor"], currency=currency_code(e["currency"] or 0))
    return Statement(
        event=e["seq"],
        kind=Kind(e["kind"]).name.lower(),
        result=Result(e["result"]).name.lower(),
        role=Role(e["role"]).name.lower(),
        via=Via(e["via"]).name.lower(),
        label=e["label"],
        operation=e["operation"],
        occurred_at=e["occurred_at"],
        received_at=e["received_at"],
        recorded_at=e["recorded_at"],
        zone=facts.account.zone,
        amount=amount,
        reason=BY_NUMBER[e["packed"] & 0xFFFF].slug,
        code=e["code"],
        dimensions=msgspec.json.decode(e["dimensions"]) if e["dimensions"] else {},
        delivery=e["delivery_id"],
        repeats=repeats.get(e["delivery_id"], 0),
        conflict=bool(e["conflict"]),
        superseded=not e["active"],
        proves=tuple(each["column"] for each in facts.proof if e["seq"] in each["events"]),
    )
