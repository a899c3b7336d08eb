"""The decider that tells order systems: from a change of a verdict to messages for endpoints."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from voidtrail.event.model import Actor, Micros
from voidtrail.event.reason import BY_NUMBER, How
from voidtrail.ledger.messages import Message
from voidtrail.lifecycle.order import OrderVerdict
from voidtrail.lifecycle.verdict import Money, State, Verdict
from voidtrail.money import currency_code
from voidtrail.response.telling import Word, advice, is_first, words
from voidtrail.runtime.app import House
from voidtrail.runtime.clock import to_text
from voidtrail.runtime.deciding import NOTHING, Decision
from voidtrail.runtime.endpoints.settings import EndpointSettings
from voidtrail.runtime.outbox import Notice

KIND: Final = "hook"
_HOLDING: Final = """SELECT n.text, v.captured - v.returned - v.withdrawn, v.currency
FROM payment p JOIN verdict v ON v.payment_id = p.payment_id
JOIN name n ON n.no = (SELECT min(no) FROM name WHERE payment_id = p.payment_id)
WHERE p.order_id = ? AND p.mover_no IS NOT NULL AND v.captured > v.returned + v.withdrawn
ORDER BY n.text"""


class Telling:
    """Decides what endpoints hear of.

    Args:
        house: the house; its store says which payments hold money for an order.
        endpoints: who wants to hear of what.
    """

    def __init__(self, house: House, endpoints: Sequence[EndpointSettings]) -> None:
        self._house = house
        self._endpoints = endpoints
        store = house.ledger.db.execute("SELECT id FROM store").fetchone()
        self._store = bytes(store[0])

    def decide(self, notices: Sequence[Notice], now: Micros) -> Decision:
        """Return a message for every endpoint that wants to hear of a change."""
        if not self._endpoints:
            return NOTHING
        return Decision(messages=[
            message for notice in notices if not notice.quiet and not notice.about.shadow
            for message in self._messages(notice, now)
        ])  # fmt: skip

    def due(self, now: Micros) -> Decision:
        """Return nothing: order systems hear of changes only."""
        return NOTHING

    def settled(self, decision: Decision) -> None:
        """Remember nothing: all is in the ledger."""

    def _messages(self, notice: Notice, now: Micros) -> Iterable[Message]:
        about = notice.about
        for word in words(notice.before, notice.after, about.order_verdict):
            wanting = [
                each for each in self._endpoints
                if (not each.events or word in each.events)
                and (not each.shops or about.shop in each.shops)
            ]  # fmt: skip
            if not wanting:
                continue
            data = self._data(word, notice)
            body = msgspec.json.encode(
                {"type": word.value, "timestamp": to_text(notice.at), "data": data}
            )
            lane = f"{about.shop}/{about.order}" if about.order else about.payment
            for each in wanting:
                key = self._key(word, notice, data, each.name)
                yield Message(0, key, KIND, each.name, lane, body, now, now)

    def _key(self, word: Word, notice: Notice, data: Mapping[str, Any], endpoint: str) -> str:
        """Return a key that is the same whenever the same change is decided again.

        Two payments that meet in one moment both make their order paid twice; that is said once.
        """
        what = str(notice.no), str(notice.at)
        if word is Word.PAID_TWICE:
            what = str(notice.about.order_no), repr(data["payments"])
        parts = (self._store.hex(), word.value, endpoint, *what)
        return "msg_" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]

    def _data(self, word: Word, notice: Notice) -> dict[str, Any]:
        about, after, before = notice.about, notice.after, notice.before
        what = advice(word, after, about.order_verdict)
        data: dict[str, Any] = {
            "test": about.test,
            "order": about.order, "shop": about.shop, "entity": about.entity,
            "payment": about.payment, "source": about.source, "account": about.account,
            "method": about.method, "amount_minor": about.amount_minor,
            **said(after),
            "before": None if before is None else said(before),
            "first": is_first(before),
            "at": to_text(notice.at),
            "advice": {**what._asdict(), "because": what.because.value},
        }  # fmt: skip
        if word is Word.PAID_TWICE:
            data["payments"] = self._holding(about.order_no)
        return data

    def _holding(self, order_no: int | None) -> list[dict[str, Any]]:
        """Return the payments that hold money for an order."""
        rows = self._house.ledger.db.execute(_HOLDING, (order_no,)).fetchall()
        found = []
        for name, net, currency in rows:
            source, account, reference = name.split("/", 2)
            found.append({"payment": reference, "source": source, "account": account,
                          "net_minor": net, "currency": _code(currency)})  # fmt: skip
        return found


def said(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as an order system reads it."""
    return {
        "state": State(verdict.state).name.lower(),
        "how": How(verdict.how).name.lower(),
        "actor": Actor(verdict.actor).name.lower(),
        "reason": BY_NUMBER[verdict.reason].slug,
        "money": Money(verdict.money).name.lower(),
        "sealed": bool(verdict.sealed),
        "currency": _code(verdict.currency),
        "captured_minor": verdict.captured,
        "returned_minor": verdict.returned,
        "withdrawn_minor": verdict.withdrawn,
        "held_minor": verdict.held,
        "ended_at": to_text(verdict.ended_at),
    }


def _code(currency: int | None) -> str:
    return currency_code(currency) if currency else ""


def sample(word: Word, now: Micros) -> bytes:
    """Return the body of a message that tells of an order that there is not, for trying out."""
    off = word is Word.CALLED_OFF
    verdict = Verdict(
        rule=0, state=State.CANCELLED if off or word is Word.REFUNDED else State.PAID,
        money=Money.NONE if off else Money.RETURNED if word is Word.REFUNDED else Money.TAKEN,
        how=How.CUSTOMER_CANCELLED if off else How.NONE, actor=Actor.CUSTOMER, reason=10,
        final=1, sealed=1, due_at=None, asking=0, currency=0, mixed=0, authorised=0,
        captured=0 if off else 1230, returned=1230 if word is Word.REFUNDED else 0, withdrawn=0,
        held=0, ended_at=now,
    )  # fmt: skip
    twice = OrderVerdict(State.PAID, How.NONE, Actor.UNKNOWN, False, True, 2)
    what = advice(word, verdict, twice if word is Word.PAID_TWICE else None)
    data: dict[str, Any] = {
        "test": True, "order": "VOIDTRAIL-TEST", "shop": "default", "entity": "default",
        "payment": "voidtrail-test", "source": "stripe", "account": "main", "method": "card_form",
        "amount_minor": 1230, **said(verdict), "currency": "CNY", "before": None, "first": True,
        "at": to_text(now), "advice": {**what._asdict(), "because": what.because.value},
    }  # fmt: skip
    if word is Word.PAID_TWICE:
        data["payments"] = [
            {"payment": name, "source": "stripe", "account": "main", "net_minor": 1230,
             "currency": "CNY"} for name in ("voidtrail-test", "voidtrail-test-2")
        ]  # fmt: skip
    return msgspec.json.encode({"type": word.value, "timestamp": to_text(now), "data": data})
