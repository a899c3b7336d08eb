"""Short stories of payments: what was said, and the verdict on it."""

from typing import NamedTuple

from voidtrail.event.codec import Record, encode, key63
from voidtrail.event.model import Event, Kind, Result, Role, Tag
from voidtrail.event.reason import BY_NUMBER, How, number
from voidtrail.lifecycle.join import PAYMENT
from voidtrail.lifecycle.operation import legs
from voidtrail.lifecycle.projection import Projection
from voidtrail.lifecycle.terms import Terms
from voidtrail.lifecycle.verdict import RULES, VERDICT, Money, State, money_speaker

T0 = 1_760_000_000_000_000
MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Voice(NamedTuple):
    """An account that speaks."""

    no: int
    scope: str
    role: Role


MOVER = Voice(1, "stripe/main", Role.MOVER)
OTHER_MOVER = Voice(2, "alipay/cn", Role.MOVER)
SHOP = Voice(3, "storefront/web", Role.SHOP)
BILL = Voice(4, "table/bill", Role.BILL)


def said(kind, result=Result.SUCCEEDED, minute=0, *, by=MOVER, why="unstated", **more):
    """One statement, `minute` minutes after the start; amounts are OWN and in CNY."""
    if "amount_minor" in more:
        more = {"currency": "CNY", "tag": Tag.OWN, **more}
    scope = more.pop("scope", MOVER.scope if by.role is not Role.MOVER else "")
    event = Event(
        label=f"{kind.name}:{more.get('operation', '')}", identity=(f"{kind}{minute}{more}",),
        kind=kind, result=result, payment=more.pop("payment", "p1"), role=by.role, scope=scope,
        occurred_at=T0 + int(minute * MINUTE), reason=number(why), **more,
    )  # fmt: skip
    return by, event


def opened(minute=0, **more):
    return said(Kind.OPEN, minute=minute, **more)


def authorised(amount=100, minute=1, **more):
    return said(Kind.AUTHORISE, minute=minute, amount_minor=amount, **more)


def captured(amount=100, minute=2, **more):
    return said(Kind.CAPTURE, minute=minute, amount_minor=amount, **more)


def refunded(amount=100, minute=5, **more):
    return said(Kind.REFUND, minute=minute, amount_minor=amount, **more)


def record(voice, event):
    source, _, account = voice.scope.partition("/")
    encoded = encode(
        event, source=source, account=account, account_no=voice.no, shop="s", version=1
    )
    return Record(1, None, *encoded.rest)


class Told:
    """One payment's statements, folded and judged."""

    def __init__(self, *statements, now=T0 + HOUR, terms=None):
        judge = Projection(terms or Terms())
        records = [record(*each) for each in statements]
        facts = [judge.fact(each, 1, None) for each in records]
        kind = PAYMENT.place["kind"]
        self.records = records
        (self.row,) = judge.payment.fold(facts).values()
        self.operations = list(
            judge.operation.fold(f for f in facts if f[kind] in judge.operation_kinds).values()
        )
        self.legs = legs(self.operations, money_speaker(self.row))
        self._verdict = dict(
            zip(VERDICT, judge.verdict_of(self.row, self.operations, now), strict=True)
        )

    def __getattr__(self, name):
        return self._verdict[name]

    @property
    def rule_name(self):
        return RULES[self.rule].name

    @property
    def said_reason(self):
        return BY_NUMBER[self.reason].slug

    def column(self, name):
        return self.row[PAYMENT.names.index(name)]

    def __repr__(self):
        return (f"{self.rule_name}: {State(self.state).name}, {Money(self.money).name}, "
                f"{How(self.how).name}")  # fmt: skip


__all__ = [
    "BILL", "DAY", "HOUR", "MINUTE", "MOVER", "OTHER_MOVER", "SHOP", "T0", "Told", "authorised",
    "captured", "key63", "opened", "record", "refunded", "said",
]  # fmt: skip
