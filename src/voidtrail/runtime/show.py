"""The whole life of an order: what every source said, what follows, and which words prove it.

An order is found by any name that anybody gave it: its own reference, a payment's, a charge's, a
trade's number, an operation's. Evidence are the statements that won the columns on which the rule
of the verdict stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from voidtrail.errors import NotFound
from voidtrail.event.account import Account
from voidtrail.event.model import Actor, Channel, Kind, Method, Micros, Result, Role, Via
from voidtrail.event.reason import BY_NUMBER, How
from voidtrail.lattice import Column, Row
from voidtrail.ledger.connection import marks
from voidtrail.lifecycle.join import OPERATION, PAYMENT
from voidtrail.lifecycle.operation import alive, legs
from voidtrail.lifecycle.operation import operations as united
from voidtrail.lifecycle.order import Part, counted, judge_order
from voidtrail.lifecycle.verdict import RULES, Money, State, Verdict, judge_with, money_speaker
from voidtrail.money import currency_code, exponent, major_text
from voidtrail.runtime.app import House
from voidtrail.runtime.clock import to_text
from voidtrail.runtime.deeds.standing import Standings, told
from voidtrail.runtime.finding import meant
from voidtrail.runtime.report import instant_of

_EVENT: Final = (
    "seq", "active", "conflict", "delivery_id", "account_no", "version", "kind", "result", "role",
    "via", "tag", "life", "test", "cause", "name_key", "op", "reverses", "occurred_at", "until_at",
    "amount_minor", "currency", "packed", "method_seen", "label", "operation", "code",
    "dimensions", "subject", "order_key", "placeholder", "name_no",
)  # fmt: skip
_LEGS: Final = ("authorised", "captured", "returned", "withdrawn", "held")
_COLUMNS: Final[Mapping[str, Column]] = {column.name: column for column in PAYMENT.columns}
MOST: Final = 200
"""Of an order with more payments than this only the first are shown."""


def show(house: House, reference: str, *, as_of: str | Micros | None = None) -> dict[str, Any]:
    """Return everything that is known of the order to which a reference belongs.

    Args:
        house: the house; it may be one that only reads.
        reference: of an order, payment or operation; with its scope, as "stripe/main/pi_1", where
            several have the same.
        as_of: judge as of this instant; None is the ledger's clock.

    Returns:
        {"order", "payments": [{"verdict", "events", …}], …} as `voidtrail show --json` prints it.

    Raises:
        NotFound: nothing has that name, or several orders have it.
    """
    db = house.ledger.db
    alone = not db.in_transaction
    if alone:
        db.execute("BEGIN")
    try:
        return Life(house, instant_of(house, as_of)).told(reference)
    finally:
        if alone and db.in_transaction:
            db.execute("COMMIT")


class Facts(NamedTuple):
    """Everything known of one payment.

    Attributes:
        joined: its row of the join, by column.
        events: its statements, as fields of the event table and what surrounds them.
        proof: which statements prove the verdict, column by column.
    """

    payment_id: int
    names: list[str]
    joined: dict[str, Any]
    verdict: Verdict
    account: Account
    events: list[dict[str, Any]]
    proof: list[dict[str, Any]]

    def part(self) -> Part:
        """Return the payment as a part of its order."""
        joined, verdict = self.joined, self.verdict
        return Part(
            key=joined["key"], mover=joined["mover_no"] is not None,
            placeholder=joined["placeholder"] == 1, state=verdict.state, how=verdict.how,
            actor=verdict.actor, net=verdict.captured - verdict.returned - verdict.withdrawn,
            spoken_at=joined["spoken_at"] or 0,
        )  # fmt: skip


class Life:
    """Reads of one moment of the store.

    Args:
        house: the house; it may be one that only reads.
        at: judge as of this instant; None is the ledger's clock.
    """

    def __init__(self, house: House, at: Micros | None) -> None:
        self.db = house.ledger.db
        self.accounts: Mapping[int, Account] = house.ledger.accounts()
        self.now = house.ledger.head().tick if at is None else at
        self.judge = judge_with(house.terms)
        self.standings = Standings(house.ledger)

    def _rows(self, select: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        if not values:
            return []
        text, padded = marks(values)
        return self.db.execute(f"{select} {text}", padded).fetchall()

    # ------------------------------------------------------------------ finding

    def told(self, reference: str) -> dict[str, Any]:
        """Return the life of the order that a reference belongs to."""
        payments = self.find(reference.strip())
        orders = self.orders(payments)
        if len(orders) > 1:
            raise NotFound(
                f"{reference!r} is the name of {len(orders)} orders; say which: "
                + ", ".join(sorted(self._called(pid, reference.strip()) for pid in payments))
            )
        ((order_id, members),) = orders.items()
        parts = [self._payment(pid) for pid in members[:MOST]]
        parts.sort(key=lambda each: (each["began_at"] or "", each["payment"]))
        return {
            "order": self.name_of(order_id).split("/", 2)[2],
            **self._order_verdict(parts),
            "as_of": to_text(self.now),
            "payments": [{k: v for k, v in each.items() if k != "_part"} for each in parts],
        }

    def find(self, reference: str) -> list[int]:
        """Return the payments that a reference may mean.

        Raises:
            NotFound: nothing has that name.
        """
        found = meant(self.db, self.accounts.values(), reference)
        if found is not None:
            return found.payment_ids
        raise NotFound(
            f"no order, payment or operation is called {reference!r}; give the reference as the "
            "shop or the platform writes it"
        )

    def orders(self, payments: Sequence[int]) -> dict[int, list[int]]:
        """Return the orders of payments, each with all of its payments."""
        found: dict[int, list[int]] = {}
        for pid, order_id in self._rows(
            "SELECT payment_id, order_id FROM payment WHERE payment_id IN", payments
        ):
            if order_id is None:
                found[-pid] = [pid]
            elif order_id not in found:
                found[order_id] = [each for (each,) in self.db.execute(
                    "SELECT payment_id FROM payment WHERE order_id = ? ORDER BY payment_id",
                    (order_id,))]  # fmt: skip
        return found

    def _called(self, pid: int, reference: str) -> str:
        """Return the whole name of a payment that a reference is the end of, else its first."""
        names = self._names(pid)
        return next((name for name in names if name.endswith(f"/{reference}")), names[0])

    def _names(self, pid: int) -> list[str]:
        rows = self.db.execute("SELECT text FROM name WHERE payment_id = ? ORDER BY no", (pid,))
        return [text for (text,) in rows]

    def name_of(self, order_id: int) -> str:
        """Return the whole name of an order; of its only payment, if nobody named the order."""
        if order_id < 0:
            return self._names(-order_id)[0]
        row = self.db.execute(
            "SELECT text FROM order_name WHERE order_id = ? ORDER BY no LIMIT 1", (order_id,)
        ).fetchone()
        return str(row[0])

    # ------------------------------------------------------------------ one payment

    def facts(self, pid: int) -> Facts:
        """Return everything known of one payment."""
        (row,) = self._rows(
            f"SELECT {', '.join(PAYMENT.names)} FROM payment WHERE payment_id IN", [pid]
        )
        operations = [
            list(each)
            for each in self._rows(
                f"SELECT {', '.join(OPERATION.names)} FROM operation WHERE payment_id IN", [pid]
            )
        ]
        payment: Row = list(row)
        joined = dict(zip(PAYMENT.names, row, strict=True))
        verdict = self.judge(payment, legs(operations, money_speaker(payment)), self.now)
        events = self._events(pid)
        proof = evidence(verdict, joined, events) or held_by(verdict, operations, events)
        account = self.accounts[
            joined["mover_no"] if joined["mover_no"] is not None
            else joined["speaker"] & 0xFFFFFFFF
        ]  # fmt: skip
        return Facts(pid, self._names(pid), joined, verdict, account, events, proof)

    def _payment(self, pid: int) -> dict[str, Any]:
        facts = self.facts(pid)
        joined, account = facts.joined, facts.account
        method = joined["method_seen"] or 0
        return {
            "payment": facts.names[0],
            "names": facts.names[1:],
            "source": account.source,
            "account": account.name,
            "shop": account.shop,
            "entity": account.entity,
            "mode": "test" if account.mode == "test" or joined["test"] else "live",
            "method": Method(method >> 8 & 255).name.lower(),
            "channel": Channel(method & 255).name.lower(),
            "began_at": to_text(joined["spoken_at"], account.zone),
            "verdict": {**said(facts.verdict, account.zone), "evidence": facts.proof},
            **told(
                self.standings.sealing(facts.names, facts.verdict, account),
                self.standings.case(facts.names),
                account.zone,
            ),
            "events": [self._event(each, facts.proof) for each in facts.events],
            "_part": facts.part(),
        }

    def _events(self, pid: int) -> list[dict[str, Any]]:
        columns = ", ".join(f"e.{name}" for name in _EVENT)
        rows = self.db.execute(
            f"SELECT {columns}, d.received_at, d.repeat_of, f.superseded_by, c.at FROM event e "
            "JOIN name n ON n.no = e.name_no JOIN delivery d ON d.seq = e.delivery_id "
            "LEFT JOIN file f ON f.no = d.file_no "
            "LEFT JOIN chain c ON c.no = (SELECT max(no) FROM chain WHERE first_seq <= e.seq) "
            "WHERE n.payment_id = ? ORDER BY e.occurred_at, e.seq", (pid,),
        )  # fmt: skip
        names = (*_EVENT, "received_at", "repeat_of", "superseded_by", "recorded_at")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _event(self, e: Mapping[str, Any], proof: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        account = self.accounts[e["account_no"]]
        currency = currency_code(e["currency"] or 0)
        proves = [each["column"] for each in proof if e["seq"] in each["events"]]
        return {
            "event": e["seq"],
            "source": account.source,
            "account": account.name,
            "kind": Kind(e["kind"]).name.lower(),
            "result": Result(e["result"]).name.lower(),
            "role": Role(e["role"]).name.lower(),
            "via": Via(e["via"]).name.lower(),
            "label": e["label"],
            "operation": e["operation"],
            "occurred_at": to_text(e["occurred_at"], account.zone),
            "recorded_at": to_text(e["recorded_at"], account.zone),
            "received_at": to_text(e["received_at"], account.zone),
            "amount_minor": e["amount_minor"],
            "currency": currency,
            "amount": amount_text(e["amount_minor"], currency),
            "reason": BY_NUMBER[e["packed"] & 0xFFFF].slug,
            "code": e["code"],
            "dimensions": msgspec.json.decode(e["dimensions"]) if e["dimensions"] else {},
            "delivery_id": e["delivery_id"],
            "conflict": bool(e["conflict"]),
            "superseded": not e["active"],
            "proves": proves,
        }

    def _order_verdict(self, parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        every = [each["_part"] for each in parts]
        found = judge_order(every)
        real = counted(every)
        for each in parts:
            verdict = each["verdict"]
            verdict["shadow"] = each["_part"] not in real
            verdict["switched"] = found.switched and each["_part"].state != State.PAID
            verdict["double_paid"] = bool(found.double_paid and each["_part"].net > 0)
        return {
            "state": State(found.state).name.lower(),
            "how": How(found.how).name.lower(),
            "actor": Actor(found.actor).name.lower(),
            "switched": bool(found.switched),
            "double_paid": bool(found.double_paid),
        }


def evidence(
    verdict: Verdict, joined: Mapping[str, Any], events: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the statements that won the columns on which a verdict's rule stands.

    Args:
        verdict: the verdict.
        joined: the payment's row, by column.
        events: the payment's events, with the fields of a fact.
    """
    found = []
    for name in RULES[verdict.rule].evidence:
        column, value = _COLUMNS[name], joined[name]
        if value is None:
            continue
        winners = [
            each["seq"] for each in events
            if each["active"] and each.get(column.field) == value
            and all(each.get(field) in allowed for field, allowed in column.when.items())
        ]  # fmt: skip
        found.append({"column": name, "means": column.doc, "events": winners})
    return found


def held_by(
    verdict: Verdict, operations: Iterable[Row], events: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the statements that money was taken, else that it is held: living operations."""
    ops, _ = united(operations)
    living = alive(ops)
    for kind, is_so in ((Kind.CAPTURE, verdict.state == State.PAID),
                        (Kind.AUTHORISE, verdict.money == Money.HELD)):  # fmt: skip
        winners = [
            each["seq"] for each in events
            if is_so and each["active"] and each["kind"] == kind and each["op"] in living
            and each["result"] == Result.SUCCEEDED
        ]  # fmt: skip
        if winners:
            means = "money was taken" if kind is Kind.CAPTURE else "money is held"
            return [{"column": kind.name.lower(), "means": means, "events": winners}]
    return []


def said(verdict: Verdict, zone: str) -> dict[str, Any]:
    """Return a verdict in words and amounts, as machines and people read it."""
    currency = currency_code(verdict.currency)
    amounts = {name: getattr(verdict, name) for name in _LEGS}
    return {
        "rule": RULES[verdict.rule].name,
        "state": State(verdict.state).name.lower(),
        "money": Money(verdict.money).name.lower(),
        "how": How(verdict.how).name.lower(),
        "actor": Actor(verdict.actor).name.lower(),
        "reason": BY_NUMBER[verdict.reason].slug,
        "final": bool(verdict.final),
        "sealed": bool(verdict.sealed),
        "mixed_currencies": bool(verdict.mixed),
        "currency": currency,
        **{f"{name}_minor": amount for name, amount in amounts.items()},
        **{name: amount_text(amount, currency) for name, amount in amounts.items()},
        "due_at": to_text(verdict.due_at, zone),
        "ended_at": to_text(verdict.ended_at, zone),
    }


def amount_text(amount_minor: int | None, currency: str) -> str | None:
    """Write an amount in major units; as it is where no currency is known.

    >>> amount_text(1250, "CNY"), amount_text(None, "CNY"), amount_text(0, "")
    ('12.50', None, '0')
    """
    if amount_minor is None:
        return None
    if not currency:
        return str(amount_minor)
    assert exponent(currency) >= 0
    return major_text(amount_minor, currency)
