"""The house and the independent auditor, held against each other order by order."""

from voidtrail.lifecycle.order import judge_order
from voidtrail.testing.world import audit
from voidtrail.testing.world.fact import MINUTE, Notice, Said
from voidtrail.testing.world.settings import ACCOUNTS

SHOP_OF = {(plan.source, plan.name): plan.shop for plan in ACCOUNTS}


class Disagreement(AssertionError):
    """A law does not hold in a world."""


def expect(condition, what):
    if not condition:
        raise Disagreement(what() if callable(what) else what)


def agree(notices, rows, now, counts):
    """Every order: the auditor's conclusions and the house's, payment by payment.

    Raises:
        Disagreement: they differ, or one of them knows a payment that the other does not.
    """
    by_name = {name: row for row in rows for name in row.names}
    by_order: dict[str, list] = {}
    for row in rows:
        for name in row.orders:
            by_order.setdefault(name, []).append(row)
    matched = set()
    for keys, said in orders_told(notices):
        concluded = audit(said, now)
        mine = _distinct(row for key in keys for row in by_order.get(key, ()))
        if not concluded.payments and all(row.ending[0] == "unknown" for row in mine):
            continue
        for one in concluded.payments:
            row = by_name.get(f"{one.source}/{one.account}/{one.names[0]}")
            if row is None:
                raise Disagreement(f"{one} is missing")
            if row.payment["payment_id"] in matched:
                raise Disagreement(f"{one} is split: {row}")
            matched.add(row.payment["payment_id"])
            theirs = (one.state, one.how, one.actor, one.money, one.captured_minor,
                      one.returned_minor, one.explicit)  # fmt: skip
            if row.ending != theirs:
                raise Disagreement(_difference(theirs, row, said, now))
            counts["payments"] += 1
        if mine:
            whole = judge_order([row.part for row in mine])
            both = (concluded.switched, concluded.double_paid)
            if (whole.switched, whole.double_paid) != both:
                raise Disagreement(f"{keys}: switched, double paid: auditor {both}, {whole}")
            counts["orders"] += 1
    strangers = [row for row in rows if row.payment["payment_id"] not in matched]
    expect(not strangers, lambda: f"the auditor knows nothing of {strangers}")


def _distinct(rows):
    return list({row.payment["payment_id"]: row for row in rows}.values())


def orders_told(notices):
    """Return notices by order, as (its names, what was said), united where payments are shared."""
    told: dict[str, list[Notice]] = {}
    for notice in notices:
        key = f"order/{SHOP_OF[notice.source, notice.account]}/{notice.order}"
        told.setdefault(key, []).append(notice)
    found: list[tuple] = []
    for key, said in told.items():
        names = {
            (each.holder, name) for each in said for name in (each.payment, *each.names) if name
        }
        same = [each for each in found if each[2] & names]
        for each in same:
            found.remove(each)
        found.append((
            {key}.union(*(each[0] for each in same)),
            [*said, *(one for each in same for one in each[1])],
            names.union(*(each[2] for each in same)),
        ))  # fmt: skip
    return [(keys, said) for keys, said, _ in found]


def _difference(theirs, row, said, now):
    at = min(notice.at for notice in said)
    lines = [f"at {(now - at) / MINUTE:.3f} min: auditor {theirs}",
             f"  the house ({row.rule}) {row.ending} {row.names}"]  # fmt: skip
    lines += [f"  {(notice.at - at) / MINUTE:8.3f} {_short(notice)}"
              for notice in sorted(said, key=lambda each: each.at)]  # fmt: skip
    return "\n".join(lines)


def _short(notice: Notice) -> str:
    assert isinstance(notice.said, Said)
    more = [notice.code, notice.method, "asked" * notice.asked, "timed out" * notice.timed_out]
    return (f"{notice.source}: {notice.said.name} {notice.payment} {notice.operation} "
            f"{notice.amount_minor} {' '.join(filter(None, more))}")  # fmt: skip
