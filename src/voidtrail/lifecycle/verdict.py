"""The verdict: a decision table over named predicates, one text for Python and for SQL.

`PREDICATES` name what can be asked of a payment; `RULES` are read from the top and the first whose
condition holds decides. A test enumerates every combination of predicates and proves that exactly
one first rule answers each, and that every rule answers some. Silence is judged here and nowhere
else, and only through the argument `now`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple

from voidtrail.event.model import Actor, Micros
from voidtrail.event.reason import BY_NUMBER, REASONS, UNSPECIFIC_RANK, How
from voidtrail.lattice import Row
from voidtrail.lifecycle import expression
from voidtrail.lifecycle.join import PAYMENT
from voidtrail.lifecycle.operation import Legs, legs_sql
from voidtrail.lifecycle.terms import Terms


class State(IntEnum):
    """Where a payment stands."""

    OPEN = 0
    PAID = 1
    CANCELLED = 2
    DECLINED = 3
    FAILED = 4
    UNKNOWN = 5


class Money(IntEnum):
    """Where the money stands."""

    NONE = 0
    HELD = 1
    TAKEN = 2
    PARTLY_RETURNED = 3
    RETURNED = 4


_JOINED: Final = (
    "spoken_at", "life_at", "until_at", "asked_at", "nudged_at", "answered_at", "cancel_asked",
    "cancel_asked_at", "tried_at", "cancelled", "expired", "voided", "refunded", "reversed",
    "disputed", "declined", "faulted", "refused_at", "sealed_at", "finished_at", "after_at",
)  # fmt: skip
_LEGS: Final = Legs._fields[2:]
INPUTS: Final = (*_JOINED, *_LEGS, "deadline", "askable", "tolerance", "now")
"""What predicates may read; 0 stands for "never" or "none"."""

_UNEXPLAINED: Final = UNSPECIFIC_RANK << 48

PREDICATES: Final[dict[str, str]] = {
    "spoken": "spoken_at > 0",
    "captured": "captures_alive > 0 and (captured > 0 or captures_undone == 0)",
    "captured_in_part": "captured < authorised",
    "returned_all": "captured > 0 and returned + withdrawn >= captured",
    "returned_some": "returned + withdrawn > 0",
    "withdrawn": "withdrawn > 0",
    "undone": "captures_undone > 0",
    "capture_voided": "captures_voided > 0",
    "held": "auths_alive > 0",
    "sealed": "sealed_at > 0",
    "after_capture": "after_at > 0",
    "voided": "voids_alive > 0 and auths_alive == 0",
    "cancelled": "cancelled > 0",
    "explained": f"cancelled < {_UNEXPLAINED}",
    "expired": "expired > 0",
    "cancel_asked": "cancel_asked > 0 and not (tried_at > cancel_asked_at + tolerance)",
    "declined": "declined > 0",
    "faulted": "faulted > 0",
    "retrying": "life_at > refused_at",
    "silent": "now >= deadline and (askable == 0 or asked_at >= deadline)",
}


class Rule(NamedTuple):
    """One row of the decision table.

    Attributes:
        name: stable; stands in read tables and on pages.
        when: predicates that must hold; with "~" in front, must not.
        how: how it was called off; None takes it from the reason.
        actor: who ended it, unless a specific reason knows better.
        reason: column of the join whose packed reason explains the ending; "" for none.
        evidence: columns of the join whose winning statements prove the ending.
    """

    name: str
    when: str
    state: State
    how: How | None = How.NONE
    actor: Actor = Actor.UNKNOWN
    reason: str = ""
    evidence: tuple[str, ...] = ()


_CANCELLED: Final = State.CANCELLED
RULES: Final[tuple[Rule, ...]] = (
    Rule("taken_back", "captured returned_all withdrawn", _CANCELLED, How.REVERSED,
         Actor.CUSTOMER, "disputed", ("disputed",)),
    Rule("returned_in_full", "captured returned_all", _CANCELLED, How.REFUNDED_IN_FULL,
         Actor.MERCHANT, "refunded", ("refunded",)),
    Rule("paid_returned_in_part", "captured returned_some", State.PAID),
    Rule("paid_in_part", "captured captured_in_part", State.PAID),
    Rule("paid", "captured", State.PAID),
    Rule("capture_voided", "undone capture_voided", _CANCELLED, How.MERCHANT_VOIDED,
         Actor.MERCHANT, "voided", ("voided",)),
    Rule("capture_undone", "undone", _CANCELLED, How.REVERSED, Actor.NETWORK, "reversed",
         ("reversed",)),
    Rule("asked_and_cancelled", "cancel_asked cancelled", _CANCELLED, None, Actor.CUSTOMER,
         "cancel_asked", ("cancel_asked", "cancelled")),
    Rule("asked_and_expired", "cancel_asked expired", _CANCELLED, None, Actor.CUSTOMER,
         "cancel_asked", ("cancel_asked", "expired")),
    Rule("asked_and_voided", "cancel_asked voided", _CANCELLED, None, Actor.CUSTOMER,
         "cancel_asked", ("cancel_asked", "voided")),
    Rule("cancelled", "cancelled explained", _CANCELLED, None, Actor.UNKNOWN, "cancelled",
         ("cancelled",)),
    Rule("expired_after_fault", "expired faulted", _CANCELLED, How.GAVE_UP_AFTER_FAULT,
         Actor.PLATFORM, "faulted", ("expired", "faulted")),
    Rule("expired_after_decline", "expired declined", _CANCELLED, How.GAVE_UP_AFTER_DECLINE,
         Actor.ISSUER, "declined", ("expired", "declined")),
    Rule("expired", "expired", _CANCELLED, How.EXPIRED, Actor.PLATFORM, "expired", ("expired",)),
    Rule("voided", "voided", _CANCELLED, How.MERCHANT_VOIDED, Actor.MERCHANT, "voided",
         ("voided",)),
    Rule("closed_after_fault", "cancelled faulted", _CANCELLED, How.GAVE_UP_AFTER_FAULT,
         Actor.PLATFORM, "faulted", ("cancelled", "faulted")),
    Rule("closed_after_decline", "cancelled declined", _CANCELLED, How.GAVE_UP_AFTER_DECLINE,
         Actor.ISSUER, "declined", ("cancelled", "declined")),
    Rule("closed", "cancelled sealed", _CANCELLED, How.PLATFORM_CLOSED, Actor.UNKNOWN, "cancelled",
         ("cancelled",)),
    Rule("closed_by_word", "cancelled", _CANCELLED, How.UNSTATED, Actor.UNKNOWN, "cancelled",
         ("cancelled",)),
    Rule("asked", "cancel_asked", _CANCELLED, None, Actor.CUSTOMER, "cancel_asked",
         ("cancel_asked",)),
    Rule("authorised", "held", State.OPEN),
    Rule("capture_unseen", "after_capture", State.UNKNOWN),
    Rule("silent_after_fault", "spoken silent faulted", _CANCELLED, How.GAVE_UP_AFTER_FAULT,
         Actor.PLATFORM, "faulted", ("faulted", "life_at", "asked_at")),
    Rule("silent_after_decline", "spoken silent declined", _CANCELLED, How.GAVE_UP_AFTER_DECLINE,
         Actor.ISSUER, "declined", ("declined", "life_at", "asked_at")),
    Rule("silent", "spoken silent", _CANCELLED, How.ABANDONED, Actor.CUSTOMER, "",
         ("life_at", "asked_at")),
    Rule("faulted", "spoken faulted ~retrying", State.FAILED, How.NONE, Actor.UNKNOWN, "faulted",
         ("faulted",)),
    Rule("declined", "spoken declined ~retrying", State.DECLINED, How.NONE, Actor.UNKNOWN,
         "declined", ("declined",)),
    Rule("open", "spoken", State.OPEN),
    Rule("unspoken", "~spoken", State.UNKNOWN),
)  # fmt: skip
WAITING: Final = frozenset({"faulted", "declined", "open"})
"""Rules that time alone can change."""

MONEY_RULES: Final[tuple[tuple[str, Money], ...]] = (
    ("captured returned_all", Money.RETURNED),
    ("captured returned_some", Money.PARTLY_RETURNED),
    ("captured", Money.TAKEN),
    ("undone", Money.RETURNED),
    ("held ~sealed", Money.HELD),
    ("", Money.NONE),
)

_RULE_NUMBER: Final = {rule.name: number for number, rule in enumerate(RULES)}
_WAITING: Final = frozenset(_RULE_NUMBER[name] for name in WAITING)
_NAMES: Final = tuple(PREDICATES)
_bits: Final = expression.compile_bits(tuple(PREDICATES.values()), INPUTS)


def holds(when: str, bits: int) -> bool:
    """Whether a rule's condition holds under a mask of predicates (bit i is predicate i)."""
    for word in when.split():
        wanted = not word.startswith("~")
        if bool(bits >> _NAMES.index(word.lstrip("~")) & 1) != wanted:
            return False
    return True


@lru_cache(maxsize=262_144)
def decide(bits: int) -> tuple[int, Money]:
    """Return the number of the first rule that holds, and where the money stands."""
    rule = next(number for number, each in enumerate(RULES) if holds(each.when, bits))
    money = next(money for when, money in MONEY_RULES if holds(when, bits))
    return rule, money


class Verdict(NamedTuple):
    """What a payment's statements mean at an instant; integers, as in the read table.

    Attributes:
        due_at: when time alone may change it; None if never.
        asking: `OVERDUE` while patience is over and its platform has not answered yet, `NUDGED`
            while somebody who proves nothing says that it changed.
        ended_at: when it was called off: the last statement, or the end of patience.
    """

    rule: int
    state: int
    money: int
    how: int
    actor: int
    reason: int
    final: int
    sealed: int
    due_at: int | None
    asking: int
    currency: int
    mixed: int
    authorised: int
    captured: int
    returned: int
    withdrawn: int
    held: int
    ended_at: int | None


OVERDUE, NUDGED = 1, 2
"""Why a payment's platform is to be asked."""
VERDICT: Final = Verdict._fields
_AT: Final = {name: place for place, name in enumerate(PAYMENT.names)}
_JOINED_AT: Final = tuple(_AT[name] for name in _JOINED)
_METHOD, _MOVER, _WITNESS = _AT["method_seen"], _AT["mover_no"], _AT["witness"]
_HOME, _NUDGED, _ANSWERED = (_AT[n] for n in ("home_no", "nudged_at", "answered_at"))
_SPOKEN, _LIFE, _UNTIL, _LAST = (_AT[n] for n in ("spoken_at", "life_at", "until_at", "last_at"))
_SEALED, _FINISHED = _AT["sealed_at"], _AT["finished_at"]
_CURRENCY, _CURRENCY_MAX = _AT["currency_min"], _AT["currency_max"]
_REASON_AT: Final = tuple(_AT[rule.reason] if rule.reason else -1 for rule in RULES)
_ABANDONED: Final = next(r.number for r in REASONS if r.slug == "customer_left")
# Plain integers: members of an enumeration cost the driver a microsecond each.
_SAID: Final = tuple((int(r.state), r.how and int(r.how), int(r.actor)) for r in RULES)
_EXPLAINED: Final = {r.number: (int(r.how), int(r.actor)) for r in REASONS if r.specific}
_PAID, _CALLED_OFF, _RETURNED = int(State.PAID), int(_CANCELLED), int(Money.RETURNED)
_BY_CUSTOMER, _SILENT = int(How.CUSTOMER_CANCELLED), _RULE_NUMBER["silent"]
_ENDED_BY_TIME: Final = frozenset(n for n, r in enumerate(RULES) if r.name.startswith("silent"))


def money_speaker(row: Row) -> int | None:
    """Return the account whose operations count: the mover's, else the best witness's."""
    if row[_MOVER] is not None:
        return row[_MOVER]
    witness = row[_WITNESS]
    return None if witness is None else witness & 0xFFFFFFFF


def judge_with(terms: Terms) -> Callable[[Row, Legs, Micros], Verdict]:
    """Return the verdict function under the given terms: (payment row, legs, now) -> Verdict."""
    patience, beyond = terms.patience_us(), terms.beyond_s * 1_000_000
    tolerance, askable = terms.tolerance_s * 1_000_000, frozenset(terms.askable)

    def judge(row: Row, legs: Legs, now: Micros) -> Verdict:
        deadline = (row[_LIFE] or row[_SPOKEN] or 0) + patience[((row[_METHOD] or 0) >> 8) & 255]
        until = row[_UNTIL]
        if until is not None:
            deadline = max(deadline, until + beyond)
        ask = int(row[_HOME] in askable)
        values = [row[place] or 0 for place in _JOINED_AT]
        values += legs[2:]
        values += (deadline, ask, tolerance, now)
        number, money = decide(_bits(values))
        return _answer(number, money, row, legs, deadline, ask, now)

    return judge


def _answer(
    number: int, money: Money, row: Row, legs: Legs, deadline: Micros, ask: int, now: Micros
) -> Verdict:
    state, how, actor = _SAID[number]
    packed = row[_REASON_AT[number]] if _REASON_AT[number] >= 0 else None
    reason = _ABANDONED if number == _SILENT else 0
    if packed is not None:
        reason = packed & 0xFFFF
        known_how, known_actor = _EXPLAINED.get(reason, (0, 0))
        actor = known_actor or actor
        how = known_how or _BY_CUSTOMER if how is None else how
    called_off = state == _CALLED_OFF
    ended = (deadline if number in _ENDED_BY_TIME else row[_LAST]) if called_off else None
    sealed = int(called_off and ((row[_SEALED] or 0) > 0 or money == _RETURNED))
    due = deadline if number in _WAITING and now < deadline else None
    nudged = ask and (row[_NUDGED] or 0) > (row[_ANSWERED] or 0)
    return Verdict(
        number, state, int(money), how or 0, actor, reason,
        int(sealed or (state == _PAID and (row[_FINISHED] or 0) > 0)), sealed, due,
        OVERDUE if number in _WAITING and now >= deadline else NUDGED if nudged else 0,
        legs.currency or (row[_CURRENCY] or 0),
        legs.mixed or int(row[_CURRENCY] != row[_CURRENCY_MAX]),
        legs.authorised, legs.captured, legs.returned, legs.withdrawn, legs.held, ended,
    )  # fmt: skip


# -------------------------------------------------------------------- the same table, in SQL


def _rules_sql(value: Callable[[int, Rule], str | int | None]) -> str:
    """Return a CASE over the rule's number; None becomes NULL."""
    cases = " ".join(
        f"WHEN {n} THEN {'NULL' if (v := value(n, rule)) is None else v}"
        for n, rule in enumerate(RULES)
    )
    return f"CASE rule {cases} END"


def _condition_sql(when: str) -> str:
    words = [f"(NOT p_{w[1:]})" if w[0] == "~" else f"p_{w}" for w in when.split()]
    return " AND ".join(words) or "1 = 1"


def _reasons_sql(value: Callable[[int], int], fallback: str) -> str:
    cases = " ".join(
        f"WHEN {r.number} THEN {value(r.number)}" for r in REASONS if r.specific and value(r.number)
    )
    return f"CASE reason {cases} ELSE {fallback} END"


def _explained_sql() -> tuple[str, str, str]:
    """Return reason, way of ending and actor, from the packed reason and the rule's defaults."""
    reason = (
        f"CASE WHEN packed IS NOT NULL THEN packed & 65535 "
        f"WHEN how0 = {int(How.ABANDONED)} THEN {_ABANDONED} ELSE 0 END"
    )
    how = (
        "CASE WHEN how0 IS NOT NULL THEN how0 WHEN packed IS NULL THEN 0 ELSE "
        + _reasons_sql(lambda n: int(BY_NUMBER[n].how), str(int(How.CUSTOMER_CANCELLED)))
        + " END"
    )
    actor = (
        "CASE WHEN packed IS NULL THEN actor0 ELSE "
        + _reasons_sql(lambda n: int(BY_NUMBER[n].actor), "actor0")
        + " END"
    )
    return reason, how, actor


def verdict_sql(payment: str, operation: str, terms: Terms, now: Micros) -> str:
    """Return the query that judges every payment: (payment_id, then the fields of `Verdict`).

    The same text runs in SQLite and DuckDB and equals `judge_with(terms)` row for row. Two steps
    are materialised: inlined into one another, their cases grow beyond what an optimiser can plan.
    """
    patience = " ".join(f"WHEN {n} THEN {us}" for n, us in enumerate(terms.patience_us()))
    askable, tolerance = ", ".join(map(str, terms.askable)) or "-1", terms.tolerance_s * 1_000_000
    joined = ", ".join(f"coalesce(p.{name}, 0) AS {name}" for name in _JOINED if name != "until_at")
    legs = ", ".join(f"coalesce(l.{name}, 0) AS {name}" for name in _LEGS)
    deadline = (
        "CASE WHEN p.until_at IS NOT NULL AND p.until_at + "
        f"{terms.beyond_s * 1_000_000} > base THEN p.until_at + {terms.beyond_s * 1_000_000} "
        "ELSE base END"
    )
    predicates = ", ".join(
        f"({expression.to_sql(expression.parse(text))}) AS p_{name}"
        for name, text in PREDICATES.items()
    )
    rule = " ".join(
        f"WHEN {_condition_sql(rule.when)} THEN {number}" for number, rule in enumerate(RULES)
    )
    money = " ".join(f"WHEN {_condition_sql(when)} THEN {int(m)}" for when, m in MONEY_RULES)
    waiting = ", ".join(map(str, sorted(_WAITING)))
    packed = _rules_sql(lambda _, r: r.reason or None)
    silent = _rules_sql(lambda _, r: int(r.name.startswith("silent")))
    reason, how, actor = _explained_sql()
    return f"""WITH legs AS ({legs_sql(operation, payment)}),
based AS (SELECT p.*, coalesce(p.life_at, p.spoken_at, 0)
  + CASE (coalesce(p.method_seen, 0) >> 8) & 255 {patience} END AS base FROM {payment} p),
known AS (SELECT p.payment_id, {joined}, coalesce(p.until_at, 0) AS until_at, {legs},
    p.last_at AS last_at, coalesce(nullif(l.currency, 0), p.currency_min, 0) AS currency,
    CASE WHEN coalesce(l.mixed, 0) = 1 OR p.currency_min <> p.currency_max THEN 1 ELSE 0 END
      AS mixed,
    {deadline} AS deadline,
    CASE WHEN p.home_no IN ({askable}) THEN 1 ELSE 0 END AS askable,
    {tolerance} AS tolerance, {now} AS now
  FROM based p LEFT JOIN legs l ON l.payment_id = p.payment_id),
asked AS (SELECT known.*, {predicates} FROM known),
ruled AS MATERIALIZED (SELECT asked.*, CASE {rule} END AS rule, CASE {money} END AS money
  FROM asked),
looked AS MATERIALIZED (SELECT ruled.*, {_rules_sql(lambda _, r: int(r.state))} AS state,
    {_rules_sql(lambda _, r: None if r.how is None else int(r.how))} AS how0,
    {_rules_sql(lambda _, r: int(r.actor))} AS actor0, nullif({packed}, 0) AS packed,
    {silent} AS waited FROM ruled),
reasoned AS (SELECT looked.*, {reason} AS reason FROM looked),
sealing AS (SELECT reasoned.*, CASE WHEN state = {int(State.CANCELLED)} AND
    (sealed_at > 0 OR money = {int(Money.RETURNED)}) THEN 1 ELSE 0 END AS sealed
  FROM reasoned)
SELECT payment_id, rule, state, money, {how} AS how, {actor} AS actor, reason,
  CASE WHEN sealed = 1 OR (state = {int(State.PAID)} AND finished_at > 0)
    THEN 1 ELSE 0 END AS final, sealed,
  CASE WHEN rule IN ({waiting}) AND now < deadline THEN deadline END AS due_at,
  CASE WHEN rule IN ({waiting}) AND now >= deadline THEN {OVERDUE}
    WHEN askable = 1 AND nudged_at > answered_at THEN {NUDGED} ELSE 0 END AS asking,
  currency, mixed, authorised, captured, returned, withdrawn, held,
  CASE WHEN state = {int(State.CANCELLED)} THEN CASE WHEN waited = 1 THEN deadline
    ELSE last_at END END AS ended_at
FROM sealing"""


def inputs_of(values: Sequence[int]) -> dict[str, int]:
    """Return predicate inputs by name, for people who want to see why a rule held."""
    return dict(zip(INPUTS, values, strict=True))
