"""Operations and money legs: what is alive, and how much money that is (house rules 5, 6, 7).

An operation is alive when it succeeded and no alive operation reverses it, three levels deep. The
legs of a payment count the operations of one speaker (the mover, else the best witness), in one
currency. `legs` and `legs_sql` say the same in Python and in SQL; a property test holds them equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from voidtrail.event.model import Kind
from voidtrail.lattice import Row

_AUTHORISE, _CAPTURE = int(Kind.AUTHORISE), int(Kind.CAPTURE)
_VOID, _REFUND, _DISPUTE = int(Kind.VOID), int(Kind.REFUND), int(Kind.DISPUTE)
_MONEY: Final = (_AUTHORISE, _CAPTURE, _REFUND, _DISPUTE)
DEPTH: Final = 3
"""How many reversals of reversals are followed."""


class Legs(NamedTuple):
    """Where the money of one payment stands; amounts in minor units of `currency`.

    Attributes:
        currency: ISO 4217 number; 0 without money.
        mixed: 1 if amounts in another currency were left out; they are never summed.
        authorised: net of what was voided or reversed.
        captured: net of captures that failed later.
        returned: refunds alive, never more than was captured.
        withdrawn: disputed money alive, never more than what was captured and not returned.
        held: authorised, alive and not captured.
        captures_alive, captures_undone, auths_alive, voids_alive: how many operations.
        captures_voided: those of the captures undone that an alive void undoes.
    """

    currency: int = 0
    mixed: int = 0
    authorised: int = 0
    captured: int = 0
    returned: int = 0
    withdrawn: int = 0
    held: int = 0
    captures_alive: int = 0
    captures_undone: int = 0
    auths_alive: int = 0
    voids_alive: int = 0
    captures_voided: int = 0


class Operation(NamedTuple):
    """One operation, its rows in several currencies seen as one."""

    op: int
    kind: int
    account_no: int
    succeeded: bool
    reverses: int | None
    currency: int
    own: int | None
    cumulative: int | None


# Places of a row of `lifecycle.join.OPERATION`.
_OP, _CUR, _KIND, _ACCOUNT, _DONE, _OWN, _CUM, _REV = 1, 2, 3, 4, 6, 8, 9, 10


def operations(rows: Iterable[Row]) -> tuple[list[Operation], set[int]]:
    """Unite an operation's rows; return the operations, and those that have two currencies."""
    known: dict[int, Operation] = {}
    mixed: set[int] = set()
    for row in rows:
        op, kind, account_no = row[_OP], row[_KIND], row[_ACCOUNT]
        assert op is not None
        assert kind is not None
        assert account_no is not None
        new = Operation(op, kind, account_no, row[_DONE] is not None, row[_REV], row[_CUR] or 0,
                        row[_OWN], row[_CUM])  # fmt: skip
        old = known.get(op)
        if old is not None:
            if old.currency and new.currency:
                mixed.add(op)
            amounts = new if new.currency else old
            new = Operation(
                op, min(old.kind, kind), min(old.account_no, account_no),
                old.succeeded or new.succeeded, _least(old.reverses, new.reverses),
                amounts.currency, amounts.own, amounts.cumulative,
            )  # fmt: skip
        known[op] = new
    return list(known.values()), mixed


def _least(left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return right if left is None else left
    return min(left, right)


def alive(ops: Sequence[Operation]) -> set[int]:
    """Return the keys of the operations that are alive."""
    living = {each.op for each in ops if each.succeeded}
    reversers = [each for each in ops if each.succeeded and each.reverses is not None]
    if not reversers:
        return living
    succeeded = living
    for _ in range(DEPTH):
        undone = {each.reverses for each in reversers if each.op in living}
        living = succeeded - undone
    return living


def legs(rows: Sequence[Row], account_no: int | None) -> Legs:
    """Return the legs of one payment.

    Args:
        rows: the payment's rows of `OPERATION`.
        account_no: the speaker whose operations count; None if nobody spoke of money.
    """
    if account_no is None or not rows:
        return Legs()
    if len(rows) == 1 and rows[0][_REV] != rows[0][_OP]:
        return _single(rows[0], account_no)
    found = _simple(rows, account_no)
    if found is not None:
        return found
    ops, two_currencies = operations(rows)
    living = alive(ops)
    ours = [each for each in ops if each.account_no == account_no]
    moving = [each for each in ours if each.kind in _MONEY]
    plain = [each for each in moving if each.op not in two_currencies]
    currencies = {each.currency for each in plain if each.currency}
    captures = {each.currency for each in plain if each.currency and each.kind == _CAPTURE}
    currency = min(captures or currencies or {0})
    mixed = int(len(currencies) > 1 or any(each.op in two_currencies for each in moving))
    counted = [each for each in plain if each.currency in (currency, 0)]
    authorised = _net(counted, living, _AUTHORISE)
    captured = _net(counted, living, _CAPTURE)
    returned = min(captured, _net(counted, living, _REFUND))
    withdrawn = min(captured - returned, _net(counted, living, _DISPUTE))
    taken = [each for each in ours if each.kind == _CAPTURE and each.succeeded]
    captures_alive = sum(each.op in living for each in taken)
    whole_void = any(
        each.kind == _VOID and each.reverses is None and each.op in living for each in ours
    )
    auths = sum(each.kind == _AUTHORISE and each.op in living for each in ours)
    auths_alive = 0 if whole_void else auths
    voided = {each.reverses for each in ours if each.kind == _VOID and each.op in living}
    return Legs(
        currency, mixed, authorised, captured, returned, withdrawn,
        authorised if auths_alive and not captures_alive else 0,
        captures_alive, len(taken) - captures_alive, auths_alive,
        sum(each.kind == _VOID and each.op in living for each in ours),
        sum(each.op in voided and each.op not in living for each in taken),
    )  # fmt: skip


def _single(row: Row, account_no: int) -> Legs:
    """Return the legs of a payment with one operation: by far the most common case."""
    kind = row[_KIND]
    if row[_ACCOUNT] != account_no or kind is None:
        return Legs()
    done = int(row[_DONE] is not None)
    currency = row[_CUR] or 0
    amount = max(row[_OWN] or 0, row[_CUM] or 0, 0) if done else 0
    if kind == _CAPTURE:
        return Legs(currency, captured=amount, captures_alive=done)
    if kind == _AUTHORISE:
        return Legs(currency, authorised=amount, held=amount, auths_alive=done)
    if kind == _VOID:
        return Legs(voids_alive=done)
    return Legs(currency if kind in _MONEY else 0)


def _simple(rows: Sequence[Row], account_no: int) -> Legs | None:
    """Return the legs of operations of which none undoes another; None if they are not so simple.

    They are of one speaker and one currency, each of one row, as nearly all refunds are.
    """
    done: dict[int, list[int]] = {}
    seen: set[int | None] = set()
    currency = 0
    for _, op, coin, kind, account, _, succeeded_at, _, own, cumulative, reverses in rows:
        if reverses is not None or account != account_no or op in seen or kind is None:
            return None
        seen.add(op)
        if coin and kind in _MONEY:
            if currency not in (0, coin):
                return None
            currency = coin
        if succeeded_at is not None:
            sums = done.setdefault(kind, [0, 0, 0])
            sums[0] += own or 0
            sums[1] = max(sums[1], cumulative or 0)
            sums[2] += 1
    nets = {kind: max(0, own, cumulative) for kind, (own, cumulative, _) in done.items()}
    captured, authorised = nets.get(_CAPTURE, 0), nets.get(_AUTHORISE, 0)
    returned = min(captured, nets.get(_REFUND, 0))
    captures, voids = (done[kind][2] if kind in done else 0 for kind in (_CAPTURE, _VOID))
    auths = done[_AUTHORISE][2] if _AUTHORISE in done and not voids else 0
    return Legs(
        currency, 0, authorised, captured, returned,
        min(captured - returned, nets.get(_DISPUTE, 0)),
        authorised if auths and not captures else 0, captures, 0, auths, voids,
    )  # fmt: skip


def _net(ops: Sequence[Operation], living: set[int], kind: int) -> int:
    """Return max(sum OWN, max CUMULATIVE) minus what was undone, of one kind."""
    own = cumulative = undone = 0
    for each in ops:
        if each.kind != kind or not each.succeeded:
            continue
        own += each.own or 0
        cumulative = max(cumulative, each.cumulative or 0)
        if each.op not in living:
            undone += each.own if each.own is not None else each.cumulative or 0
    return max(0, max(own, cumulative) - undone)


def legs_sql(operation: str, payment: str) -> str:
    """Return a query of (payment_id, then the fields of `Legs`), the same text in every engine.

    Args:
        operation: relation with the columns of `OPERATION`.
        payment: relation with the columns of `PAYMENT`; payments without operations are left out.
    """
    alive_levels = ", ".join(
        f"a{level} AS (SELECT payment_id, op, reverses, kind, account_no FROM done d "
        "WHERE NOT EXISTS (SELECT 1 "
        f"FROM {'rev' if level == 1 else f'a{level - 1}'} r WHERE r.payment_id = d.payment_id "
        f"AND r.reverses = d.op))"
        for level in range(1, DEPTH + 1)
    )
    money = ", ".join(map(str, _MONEY))
    return f"""WITH united AS (
  SELECT o.payment_id, o.op, MIN(o.kind) AS kind, MIN(o.account_no) AS account_no,
    MAX(CASE WHEN o.succeeded_at IS NOT NULL THEN 1 ELSE 0 END) AS succeeded,
    MIN(o.reverses) AS reverses, MAX(o.op_currency) AS currency,
    MAX(o.own_minor) AS own, MAX(o.cumulative_minor) AS cumulative,
    CASE WHEN SUM(CASE WHEN o.op_currency > 0 THEN 1 ELSE 0 END) > 1 THEN 1 ELSE 0 END AS two
  FROM {operation} o GROUP BY o.payment_id, o.op),
done AS (SELECT * FROM united WHERE succeeded = 1),
rev AS (SELECT payment_id, reverses FROM done WHERE reverses IS NOT NULL),
{alive_levels},
voids AS (SELECT DISTINCT payment_id, reverses, account_no FROM a{DEPTH}
  WHERE kind = {_VOID} AND reverses IS NOT NULL),
ours AS (
  SELECT u.*, CASE WHEN a.op IS NULL THEN 0 ELSE 1 END AS alive,
    CASE WHEN v.reverses IS NULL THEN 0 ELSE 1 END AS voided,
    CASE WHEN u.kind IN ({money}) THEN 1 ELSE 0 END AS money,
    CASE WHEN u.kind IN ({money}) AND u.two = 0 THEN 1 ELSE 0 END AS plain
  FROM united u
  JOIN {payment} p ON p.payment_id = u.payment_id
    AND u.account_no = CASE WHEN p.mover_no IS NOT NULL THEN p.mover_no
      ELSE p.witness & 4294967295 END
  LEFT JOIN a{DEPTH} a ON a.payment_id = u.payment_id AND a.op = u.op
  LEFT JOIN voids v ON v.payment_id = u.payment_id AND v.reverses = u.op
    AND v.account_no = u.account_no),
coin AS (
  SELECT payment_id, coalesce(
      MIN(CASE WHEN plain = 1 AND currency > 0 AND kind = {_CAPTURE} THEN currency END),
      MIN(CASE WHEN plain = 1 AND currency > 0 THEN currency END), 0) AS currency,
    CASE WHEN MIN(CASE WHEN plain = 1 AND currency > 0 THEN currency END) <>
        MAX(CASE WHEN plain = 1 AND currency > 0 THEN currency END)
      OR MAX(money * two) = 1 THEN 1 ELSE 0 END AS mixed
  FROM ours GROUP BY payment_id),
sums AS (
  SELECT o.payment_id, c.currency, c.mixed,
    {_net_sql(_AUTHORISE)} AS authorised, {_net_sql(_CAPTURE)} AS captured,
    {_net_sql(_REFUND)} AS refunded, {_net_sql(_DISPUTE)} AS disputed,
    SUM(CASE WHEN o.kind = {_CAPTURE} AND o.alive = 1 THEN 1 ELSE 0 END) AS captures_alive,
    SUM(CASE WHEN o.kind = {_CAPTURE} AND o.succeeded = 1 AND o.alive = 0 THEN 1 ELSE 0 END)
      AS captures_undone,
    CASE WHEN MAX(CASE WHEN o.kind = {_VOID} AND o.reverses IS NULL AND o.alive = 1
        THEN 1 ELSE 0 END) = 1 THEN 0
      ELSE SUM(CASE WHEN o.kind = {_AUTHORISE} AND o.alive = 1 THEN 1 ELSE 0 END) END
      AS auths_alive,
    SUM(CASE WHEN o.kind = {_VOID} AND o.alive = 1 THEN 1 ELSE 0 END) AS voids_alive,
    SUM(CASE WHEN o.kind = {_CAPTURE} AND o.succeeded = 1 AND o.alive = 0 AND o.voided = 1
      THEN 1 ELSE 0 END) AS captures_voided
  FROM ours o JOIN coin c ON c.payment_id = o.payment_id
  GROUP BY o.payment_id, c.currency, c.mixed),
back AS (SELECT s.*, CASE WHEN refunded < captured THEN refunded ELSE captured END AS returned
  FROM sums s)
SELECT payment_id, currency, mixed, authorised, captured, returned,
  CASE WHEN disputed < captured - returned THEN disputed ELSE captured - returned END AS withdrawn,
  CASE WHEN auths_alive > 0 AND captures_alive = 0 THEN authorised ELSE 0 END AS held,
  captures_alive, captures_undone, auths_alive, voids_alive, captures_voided FROM back"""


def _net_sql(kind: int) -> str:
    counted = (
        f"o.kind = {kind} AND o.plain = 1 AND o.succeeded = 1 "
        "AND (o.currency = c.currency OR o.currency = 0)"
    )
    own = f"coalesce(SUM(CASE WHEN {counted} THEN o.own END), 0)"
    cumulative = f"coalesce(MAX(CASE WHEN {counted} THEN o.cumulative END), 0)"
    undone = (
        f"coalesce(SUM(CASE WHEN {counted} AND o.alive = 0 "
        "THEN coalesce(o.own, o.cumulative) END), 0)"
    )
    larger = f"(CASE WHEN {own} > {cumulative} THEN {own} ELSE {cumulative} END)"
    return f"(CASE WHEN {larger} > {undone} THEN {larger} - {undone} ELSE 0 END)"
