"""The two joins of a payment, as tables of merges (house rules 1, 2, 5, 8 and 9).

`PAYMENT` has one row per payment, `OPERATION` one per operation and currency. Both fold the same
facts: the ledger's active event records, each with the number of its payment.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Final

from voidtrail.event.codec import OPERATIONS, RECORD
from voidtrail.event.model import Cause, Kind, Result, Role, Tag, Via
from voidtrail.lattice import Column, Fact, Merge, Table

FACT: Final = (
    "payment_id", "name_key", "account_no", "home_no", "kind", "result", "role", "via", "tag",
    "life", "test", "placeholder", "cause", "occurred_at", "until_at", "amount_minor", "currency",
    "packed", "speaker", "method_seen", "subject", "op", "op_currency", "reverses", "order_id",
)  # fmt: skip
"""The places of a fact; all but those in `_RESOLVED` are columns of the event table."""

_RESOLVED: Final = {
    "payment_id": "n.payment_id", "op_currency": "coalesce(e.currency, 0)",
    "order_id": "o.order_id", "speaker": "(e.role << 32 | e.account_no)",
}  # fmt: skip
FACTS_SQL: Final = (
    "SELECT "
    + ", ".join(f"{_RESOLVED.get(name, 'e.' + name)} AS {name}" for name in FACT)
    + " FROM event e JOIN name n ON n.no = e.name_no "
    "LEFT JOIN order_name o ON o.key = e.order_key WHERE e.active = 1"
)
"""The active facts, in any SQL engine that has the tables `event`, `name` and `order_name`."""


_ACCOUNT, _ROLE, _CURRENCY = (RECORD.index(name) for name in ("account_no", "role", "currency"))
_said: Final = itemgetter(*map(RECORD.index, (
    "name_key", "account_no", "home_no", "kind", "result", "role", "via", "tag", "life", "test",
    "placeholder", "cause", "occurred_at", "until_at", "amount_minor", "currency", "packed",
)))  # fmt: skip
_more: Final = itemgetter(*map(RECORD.index, ("method_seen", "subject", "op")))
_reverses: Final = itemgetter(RECORD.index("reverses"))


def fact(record: tuple[Any, ...], payment_id: int, order_id: int | None) -> Fact:
    """Return the fact of a record (a `Record`, or its columns) of the given payment and order."""
    return (
        payment_id, *_said(record), record[_ROLE] << 32 | record[_ACCOUNT], *_more(record),
        record[_CURRENCY] or 0, _reverses(record), order_id,
    )  # fmt: skip


def _of(*kinds: Kind) -> frozenset[int]:
    return frozenset(int(kind) for kind in kinds)


def _is(*results: Result) -> frozenset[int]:
    return frozenset(int(result) for result in results)


_MIN, _MAX, _PACKED = Merge.MIN, Merge.MAX, Merge.PACKED_MIN
_DONE = _is(Result.SUCCEEDED)
_ASKED_FOR = _of(
    Kind.ORDER, Kind.OPEN, Kind.METHOD, Kind.SUBMIT, Kind.AUTHENTICATE, Kind.AUTHORISE,
    Kind.CAPTURE, Kind.CANCEL, Kind.EXPIRE,
)  # fmt: skip
_TRIED = {"kind": _of(Kind.SUBMIT, Kind.AUTHENTICATE, Kind.AUTHORISE, Kind.CAPTURE),
          "result": _is(Result.REFUSED)}  # fmt: skip
_FAULT = frozenset({int(Cause.TECHNICAL_FAULT)})
_NO_FAULT = frozenset(int(cause) for cause in Cause) - _FAULT
_MOVER = frozenset({int(Role.MOVER)})
_WITNESS = frozenset(int(role) for role in Role) - _MOVER
_MONEY = _of(Kind.AUTHORISE, Kind.CAPTURE, Kind.VOID, Kind.REVERSE, Kind.REFUND, Kind.DISPUTE)
_ASKED = frozenset({int(Via.ASKED), int(Via.OWN)})
_NOT_ASKED = frozenset(int(via) for via in Via) - _ASKED
_SPOKEN = frozenset(int(kind) for kind in Kind) - _of(Kind.OTHER, Kind.LINK, Kind.NUDGE)
_KNOWN = _SPOKEN - _of(Kind.ABSENT)


def _ended(name: str, kind: Kind, doc: str, result: Result = Result.SUCCEEDED) -> Column:
    return Column(name, _PACKED, "packed", {"kind": _of(kind), "result": _is(result)}, doc)


PAYMENT: Final = Table(
    "payment",
    FACT,
    ("payment_id",),
    (
        Column("key", _MIN, "name_key", doc="least name: the payment's id outside of this store"),
        Column("order_id", _MIN, "order_id", doc="the order's component"),
        Column("speaker", _PACKED, "speaker", doc="the best-placed speaker: role, account"),
        Column("mover_no", _MIN, "account_no", {"role": _MOVER}, "who holds the money"),
        Column("home_no", _MIN, "home_no", {"placeholder": frozenset({0})},
               "the account at which the payment is, as far as anybody said"),
        Column("witness", _PACKED, "speaker", {"role": _WITNESS, "kind": _MONEY, "result": _DONE},
               "the best witness of money moving"),
        Column("spoken_at", _MIN, "occurred_at", {"kind": _KNOWN},
               "first statement understood; that a payment is unknown there makes none of it"),
        Column("last_at", _MAX, "occurred_at", {"kind": _SPOKEN}, "last statement understood"),
        Column("life_at", _MAX, "occurred_at", {"life": frozenset({1}), "kind": _SPOKEN},
               "last sign of life; patience runs from it"),
        Column("ordered_at", _MIN, "occurred_at", {"kind": _of(Kind.ORDER)}),
        Column("opened_at", _MIN, "occurred_at", {"kind": _of(Kind.OPEN)}),
        Column("submitted_at", _MIN, "occurred_at", {"kind": _of(Kind.SUBMIT)}),
        Column("until_at", _MAX, "until_at", doc="when the platform will close it by itself"),
        Column("asked_at", _MAX, "occurred_at",
               {"via": _ASKED, "kind": _of(Kind.OPEN, Kind.ABSENT)},
               "the platform, asked, said: not paid; or did not answer"),
        Column("nudged_at", _MAX, "occurred_at", {"kind": _of(Kind.NUDGE), "via": _NOT_ASKED},
               "somebody who proves nothing said that it changed"),
        Column("answered_at", _MAX, "occurred_at", {"kind": _of(Kind.NUDGE), "via": _ASKED},
               "when a question was put that was answered afterwards"),
        _ended("cancel_asked", Kind.CANCEL, "somebody asked to cancel", Result.REQUESTED),
        Column("cancel_asked_at", _MAX, "occurred_at",
               {"kind": _of(Kind.CANCEL), "result": _is(Result.REQUESTED)}),
        Column("tried_at", _MAX, "occurred_at",
               {"kind": _of(Kind.METHOD, Kind.SUBMIT, Kind.AUTHENTICATE, Kind.AUTHORISE,
                            Kind.CAPTURE), "via": _NOT_ASKED},
               "the customer's last attempt to go on"),
        _ended("cancelled", Kind.CANCEL, "cancelled as a whole"),
        _ended("expired", Kind.EXPIRE, "closed by time"),
        _ended("voided", Kind.VOID, "an authorisation was released"),
        _ended("refunded", Kind.REFUND, "money was given back"),
        _ended("reversed", Kind.REVERSE, "an operation failed after success"),
        _ended("disputed", Kind.DISPUTE, "money was withdrawn by dispute"),
        Column("declined", _PACKED, "packed", {**_TRIED, "cause": _NO_FAULT}, "an attempt refused"),
        Column("faulted", _PACKED, "packed", {**_TRIED, "cause": _FAULT}, "an attempt broke down"),
        Column("refused_at", _MAX, "occurred_at", _TRIED, "the last refused attempt"),
        Column("sealed_at", _MIN, "occurred_at",
               {"role": _MOVER, "kind": _of(Kind.CANCEL, Kind.EXPIRE), "result": _DONE},
               "closed at its platform: can no longer be paid"),
        Column("after_at", _MIN, "occurred_at", {"kind": _of(Kind.REFUND, Kind.DISPUTE)},
               "a statement that only makes sense once money was taken"),
        Column("finished_at", _MIN, "occurred_at", {"kind": _of(Kind.FINISH)}),
        Column("asked_minor", _MAX, "amount_minor", {"kind": _ASKED_FOR}, "the amount asked for"),
        Column("currency_min", _MIN, "currency", {"kind": _ASKED_FOR | _MONEY}),
        Column("currency_max", _MAX, "currency", {"kind": _ASKED_FOR | _MONEY}),
        Column("method_seen", _MAX, "method_seen", doc="latest method and channel, packed"),
        Column("subject", _MIN, "subject", doc="the customer's pseudonym"),
        Column("placeholder", _MIN, "placeholder",
               doc="1: only a shop spoke, of its order and of no platform's payment"),
        Column("test", _MAX, "test",
               doc="somebody who spoke says: test traffic"),
    ),
)  # fmt: skip

OPERATION: Final = Table(
    "operation",
    FACT,
    ("payment_id", "op", "op_currency"),
    (
        Column("kind", _MIN, "kind"),
        Column("account_no", _MIN, "account_no"),
        Column("requested_at", _MIN, "occurred_at",
               {"result": _is(Result.REQUESTED, Result.PENDING)}),
        Column("succeeded_at", _MIN, "occurred_at", {"result": _DONE}),
        Column("refused_at", _MIN, "occurred_at", {"result": _is(Result.REFUSED)}),
        Column("own_minor", _MAX, "amount_minor", {"tag": frozenset({int(Tag.OWN)})}),
        Column("cumulative_minor", _MAX, "amount_minor",
               {"tag": frozenset({int(Tag.CUMULATIVE)})}),
        Column("reverses", _MIN, "reverses"),
    ),
)  # fmt: skip

OPERATION_KINDS: Final = frozenset(int(kind) for kind in OPERATIONS)
OPERATION_WHERE: Final = f"kind IN ({', '.join(map(str, sorted(OPERATION_KINDS)))})"
"""The condition under which a fact also falls on an operation."""
