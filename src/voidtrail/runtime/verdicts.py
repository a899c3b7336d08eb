"""Every payment's verdict as plain values, for comparisons and exports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from voidtrail.event.model import Actor
from voidtrail.event.reason import How
from voidtrail.lifecycle.order import shadow_sql
from voidtrail.lifecycle.verdict import RULES, VERDICT, Money, State
from voidtrail.money import currency_code
from voidtrail.runtime.app import House

_SQL: Final = f"""SELECT p.payment_id, p.test, p.speaker & 4294967295, o.text,
  {", ".join(f"v.{name}" for name in VERDICT)}
FROM payment p JOIN verdict v ON v.payment_id = p.payment_id
LEFT JOIN order_name o ON o.no = p.order_id
WHERE p.spoken_at IS NOT NULL AND NOT {shadow_sql()}"""


def verdicts(house: House) -> Iterator[dict[str, Any]]:
    """Yield one mapping a payment (shadows and payments nobody spoke of left out)."""
    db = house.ledger.db
    names: dict[int, list[str]] = defaultdict(list)
    for pid, text in db.execute("SELECT payment_id, text FROM name ORDER BY no"):
        names[pid].append(text)
    accounts = house.ledger.accounts()
    for pid, test, account_no, order, *columns in db.execute(_SQL).fetchall():
        verdict = dict(zip(VERDICT, columns, strict=True))
        scope, _, reference = _split(names[pid][0])
        account = accounts[account_no]
        rule = RULES[verdict["rule"]].name
        yield {
            "order": order.split("/", 2)[2] if order else reference,
            "payment": reference,
            "names": [_split(name)[2] for name in names[pid][1:]],
            "source": scope.split("/")[0],
            "account": scope.split("/")[1],
            "state": State(verdict["state"]).name.lower(),
            "how": How(verdict["how"]).name.lower() if verdict["how"] else "",
            "actor": Actor(verdict["actor"]).name.lower(),
            "money": Money(verdict["money"]).name.lower(),
            "captured_minor": verdict["captured"],
            "returned_minor": verdict["returned"] + verdict["withdrawn"],
            "currency": currency_code(verdict["currency"]),
            "test": bool(test) or account.mode == "test",
            "explicit": verdict["state"] == State.CANCELLED and not rule.startswith("silent"),
            "rule": rule,
        }


def _split(name: str) -> tuple[str, str, str]:
    """Split "source/account/reference" into ("source/account", "/", reference)."""
    source, account, reference = name.split("/", 2)
    return f"{source}/{account}", "/", reference
