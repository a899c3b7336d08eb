"""The slow and independent reading of a world: what the ledger and its SQL must agree with.

Nothing here uses the ledger's groups, the lattice's SQL or the lifecycle's legs. Names are united
by walking them until nothing changes; money is added up from the list of statements.
"""

from typing import NamedTuple

from tests.property.stores import JUDGE
from tests.property.strategies import SHOP, Said
from voidtrail.event.codec import Record, key63, order_name
from voidtrail.event.model import Kind, Result, Role, Tag
from voidtrail.money import currency_number

MONEY = (Kind.AUTHORISE, Kind.CAPTURE, Kind.REFUND, Kind.DISPUTE)


def active(world):
    """The statements that count: of every notice its newest translation, each variant once."""
    every = [said for told in world for said in told.said]
    newest: dict[object, int] = {}
    for said in every:
        newest[notice(said)] = max(newest.get(notice(said), 0), said.version)
    return list(dict.fromkeys(said for said in every if said.version == newest[notice(said)]))


def notice(said):
    return said.speaker.no, said.event.identity, said.event.label


def components(groups):
    """Unite sets that share a member, by walking until nothing changes."""
    found: list[set[str]] = []
    for group in map(set, groups):
        met = [each for each in found if each & group]
        found = [each for each in found if not each & group]
        found.append(group.union(*met))
    return found


def payments(statements):
    """The statements by payment, each with the payment's names."""
    found = components(said.names() for said in statements)
    return [
        (names, [said for said in statements if said.names()[0] in names]) for names in found
    ]  # fmt: skip


def orders(statements):
    """The order references that are one order."""
    return components(
        {order_name(SHOP, said.event.order) for said in group if said.event.order}
        for _, group in payments(statements)
        if any(said.event.order for said in group)
    )


def tables(world, now):
    """Rows as a store would hold them, folded by the lattice in Python: see `stores.drawn`."""
    statements = active(world)
    every = {name for told in world for said in told.said for name in said.names()}
    all_orders = {order_name(SHOP, said.event.order) for told in world for said in told.said
                  if said.event.order}  # fmt: skip
    groups, order_sets = payments(statements), orders(statements)
    names = [(0, 0, text, no) for no, (texts, _) in enumerate(groups) for text in texts]
    spoken = {row[2] for row in names}
    names += [(0, 0, text, -no) for no, text in enumerate(sorted(every - spoken), start=1)]
    order_rows = [(0, 0, text, no) for no, texts in enumerate(order_sets) for text in texts]
    ordered = {row[2] for row in order_rows}
    order_rows += [(0, 0, t, -no) for no, t in enumerate(sorted(all_orders - ordered), start=1)]
    order_no = {row[2]: row[3] for row in order_rows}
    facts = []
    for no, (_, group) in enumerate(groups):
        for said in group:
            order = order_no[order_name(SHOP, said.event.order)] if said.event.order else None
            subject = said.speaker.no if said.speaker.no < 3 else None
            facts.append(JUDGE.fact(Record(0, subject, *said.encoded().rest), no, order))
    kind = JUDGE.payment.place["kind"]
    rows = JUDGE.payment.fold(facts)
    operations = JUDGE.operation.fold(f for f in facts if f[kind] in JUDGE.operation_kinds)
    verdicts = [
        (row[0], *JUDGE.verdict_of(row, [o for o in operations.values() if o[0] == row[0]], now))
        for row in rows.values()
    ]
    return names, order_rows, list(rows.values()), list(operations.values()), verdicts


# ------------------------------------------------------------------ money, added up by hand


class Money(NamedTuple):
    """Where one payment's money stands."""

    currency: int
    mixed: int
    authorised: int
    captured: int
    returned: int
    withdrawn: int
    held: int


class Thing(NamedTuple):
    """One operation, as its statements together describe it."""

    name: str
    kind: Kind
    account: int
    succeeded: bool
    reverses: str
    amounts: dict  # currency -> (own, cumulative)


def things(group):
    """The operations of a payment by name, as "stripe/main|refund:o1"."""
    found: dict[str, list[Said]] = {}
    for said in group:
        event = said.event
        if event.kind not in (*MONEY, Kind.VOID, Kind.REVERSE):
            continue
        name = f"{said.speaker.scope}|{event.kind.name.lower()}:{event.operation}"
        found.setdefault(name, []).append(said)
    return {name: _thing(name, several) for name, several in found.items()}


def _thing(name, several):
    amounts: dict[str, tuple[list[int], list[int]]] = {}
    for said in several:
        if said.event.amount_minor is not None:
            own, cumulative = amounts.setdefault(said.event.currency, ([], []))
            if said.event.tag is Tag.OWN:
                own.append(said.event.amount_minor)
            elif said.event.tag is Tag.CUMULATIVE:
                cumulative.append(said.event.amount_minor)
    reverses = {f"{said.speaker.scope}|{said.event.reverses}" for said in several
                if said.event.reverses}  # fmt: skip
    return Thing(
        name, several[0].event.kind, several[0].speaker.no,
        any(said.event.result is Result.SUCCEEDED for said in several),
        min(reverses, key=key63, default=""),
        {c: (max(own, default=None), max(cum, default=None)) for c, (own, cum) in amounts.items()},
    )  # fmt: skip


def is_alive(thing, every, depth=3):
    """Whether an operation stands: it succeeded, and nothing that stands undoes it."""
    if not thing.succeeded:
        return False
    if depth == 0:
        return True
    return not any(
        other.reverses == thing.name and is_alive(other, every, depth - 1)
        for other in every.values()
    )


def speaker_of(group):
    """Whose operations count: the mover's, else the best witness of money that moved."""
    movers = [said.speaker for said in group if said.speaker.role is Role.MOVER]
    if movers:
        return min(movers)
    moved = [
        said.speaker for said in group
        if said.event.result is Result.SUCCEEDED
        and said.event.kind in (*MONEY, Kind.VOID, Kind.REVERSE)
    ]  # fmt: skip
    return min(moved, key=lambda s: (s.role, s.no), default=None)


def money(group):
    """Add up one payment's money."""
    speaker, every = speaker_of(group), things(group)
    if speaker is None:
        return Money(0, 0, 0, 0, 0, 0, 0)
    ours = [thing for thing in every.values() if thing.account == speaker.no]
    moving = [thing for thing in ours if thing.kind in MONEY]
    clear = [thing for thing in moving if len(thing.amounts) < 2]
    coins = {currency_number(c) for thing in clear for c in thing.amounts}
    taken = {currency_number(c) for thing in clear if thing.kind is Kind.CAPTURE
             for c in thing.amounts}  # fmt: skip
    coin = min(taken or coins or {0})

    def total(kind):
        own = undone = 0
        cumulative = [0]
        for thing in clear:
            if thing.kind is not kind or not thing.succeeded:
                continue
            for currency, (mine, so_far) in thing.amounts.items():
                if currency_number(currency) != coin:
                    continue
                own += mine or 0
                cumulative.append(so_far or 0)
                if not is_alive(thing, every):
                    undone += mine if mine is not None else so_far or 0
        return max(0, max(own, *cumulative) - undone)

    captured = total(Kind.CAPTURE)
    returned = min(captured, total(Kind.REFUND))
    withdrawn = min(captured - returned, total(Kind.DISPUTE))
    voided = any(t.kind is Kind.VOID and not t.reverses and is_alive(t, every) for t in ours)
    authorised = total(Kind.AUTHORISE)
    standing = any(t.kind is Kind.AUTHORISE and is_alive(t, every) for t in ours) and not voided
    kept = any(t.kind is Kind.CAPTURE and is_alive(t, every) for t in ours)
    return Money(
        coin, int(len(coins) > 1 or len(clear) < len(moving)), authorised, captured, returned,
        withdrawn, authorised if standing and not kept else 0,
    )  # fmt: skip


LEGS = Money._fields
