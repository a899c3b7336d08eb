"""What is decided about payments that were called off, and what people decide about late successes.

A case is a fold of the ledger's control entries of the kind "case", read on from where it was read
last; a deed that follows is a message of the kind "deed", posted in the same transaction. So what
is decided and what is to be done become durable together, and both only once.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final
from weakref import WeakKeyDictionary

import msgspec
import structlog

from voidtrail.errors import NotFound, NotPossible
from voidtrail.event.codec import key63
from voidtrail.event.model import Micros, Role, Verb
from voidtrail.ledger.messages import Message
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.lifecycle import seal
from voidtrail.lifecycle.seal import Case, NotNow, Policy, Step, Wish
from voidtrail.lifecycle.verdict import Money, Verdict
from voidtrail.runtime.app import House
from voidtrail.runtime.deciding import NOTHING, Decision
from voidtrail.runtime.finding import meant
from voidtrail.runtime.outbox import About, Notice, about
from voidtrail.runtime.preparing import Entry
from voidtrail.sources.contract import Source

KIND: Final = "deed"
CASE: Final = "case"
POLICY: Final = "seal"
"""Kind of the control entry that puts a policy in force."""
_STEP: Final = msgspec.json.Decoder(Step)
_log = structlog.get_logger(__name__)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a message: what is to be done.

    Attributes:
        why: "seal" or "late".
        key: idempotency key, for the platform too.
        amount_minor: of a refund, as it was decided.
    """

    why: str
    payment: str
    key: str
    verb: Verb
    order: str = ""
    amount_minor: int | None = None
    currency: str = ""


class Cases:
    """What is known of late successes, kept up with the ledger."""

    def __init__(self) -> None:
        self._by_payment: dict[str, Case] = {}
        self._seq = 0

    def catch_up(self, ledger: SqliteLog) -> dict[str, Case]:
        """Return every case by its payment's whole name."""
        for seq, body in ledger.db.execute(
            "SELECT seq, body FROM control WHERE kind = ? AND seq > ? ORDER BY seq",
            (CASE, self._seq),
        ):
            step = _STEP.decode(body)
            case = seal.fold(self._by_payment.get(step.payment), step)
            if case is not None:
                self._by_payment[step.payment] = case
            self._seq = seq
        return self._by_payment


_KNOWN: WeakKeyDictionary[SqliteLog, Cases] = WeakKeyDictionary()


def cases_of(ledger: SqliteLog) -> dict[str, Case]:
    """Return every case by its payment's name, read on from where it was read last."""
    return _KNOWN.setdefault(ledger, Cases()).catch_up(ledger)


def entry_of(step: Step) -> tuple[str, str]:
    """Return the control entry of a step."""
    return CASE, msgspec.json.encode(step, order="deterministic").decode()


def policy_in_force(ledger: SqliteLog) -> Policy:
    """Return the policy that the ledger says is in force."""
    known = ledger.last_control(POLICY)
    return Policy() if known is None else msgspec.json.decode(known, type=Policy)


def home_of(house: House, payment: str) -> tuple[Entry, str] | None:
    """Return the account at whose platform a payment is, and its reference there."""
    source, account, reference = payment.split("/", 2)
    entry = house.entries.get((source, account))
    return None if entry is None else (entry, reference)


def refund_key(payment: str) -> str:
    """Return the key of the one refund that a payment's late success may lead to."""
    return f"vtr{blake2b(payment.encode(), digest_size=14).hexdigest()}"


class Deeds:
    """Decides what is closed, and what becomes of late successes (see `deciding.Decider`).

    Args:
        house: the house.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._cases = Cases()
        self._store = bytes(house.ledger.db.execute("SELECT id FROM store").fetchone()[0])

    def concerns(self, before: Verdict | None, after: Verdict) -> bool:
        """Whether anything can follow from a change, so that its payment is looked up."""
        returned = before is not None and after.money == Money.RETURNED != before.money
        return (
            seal.ends(before, after) or seal.revives(before, after) or returned
            or (seal.succeeds(before, after) and bool(self._cases.catch_up(self._house.ledger)))
        )  # fmt: skip

    def decide(self, notices: Sequence[Notice], now: Micros) -> Decision:
        """Return what follows from changes."""
        ledger, entries, messages = self._house.ledger, list[Step](), list[Message]()
        policy = policy_in_force(ledger)
        cases = dict(self._cases.catch_up(ledger))
        for notice in notices:
            home = self._home(notice)
            if home is None:
                continue
            steps = self._steps(notice, cases.get(notice.about.name), policy, now)
            for step in steps:
                case = seal.fold(cases.get(step.payment), step)
                if case is not None:
                    cases[step.payment] = case
                if step.what == "resolved" and step.resolution == "refund":
                    messages.append(refund(step, now))
            entries += steps
            messages += self._closing(notice, home, policy, now)
        if not entries and not messages:
            return NOTHING
        return Decision([entry_of(step) for step in entries], messages)

    def due(self, now: Micros) -> Decision:
        """Return nothing: a deed's own time is when it is carried."""
        return NOTHING

    def settled(self, decision: Decision) -> None:
        """Remember nothing: entries are read back from the ledger."""

    def _home(self, notice: Notice) -> Entry | None:
        """Return the account to act at; None for history, shadows and stray test traffic.

        And none at a witness: what a shop system would give back is the money of a platform's
        payment, which is a case of its own.
        """
        known = notice.about
        if notice.history or known.shadow or known.name.count("/") < 2:
            return None
        home = home_of(self._house, known.name)
        if home is None or home[0].source.IDENTITY.role is not Role.MOVER:
            return None
        if known.test and not home[0].quiet:
            return None
        return home[0]

    def _steps(self, notice: Notice, case: Case | None, policy: Policy, now: Micros) -> list[Step]:
        known, before, after = notice.about, notice.before, notice.after
        if case is not None and case.state != "revived":
            if after.money != Money.RETURNED or case.outcome == "done":
                return []
            if case.state in seal.WAITING:
                return [Step(payment=known.name, what="settled", at=now)]
            # Resolved to be given back, and somebody else was faster.
            back = case.resolution == "refund"
            return [Step(payment=known.name, what="done", at=now, code="returned")] if back else []
        steps = list[Step]()
        how = case.how if case else ""
        if before is not None and seal.revives(before, after) and seal.how_of(before) != how:
            how = seal.how_of(before)
            steps.append(Step(payment=known.name, what="revived", at=now, code=how))
        if not how or not seal.succeeds(before, after):
            return steps
        opened = Step(
            payment=known.name, what="opened", at=now, order=known.order, code=how,
            amount_minor=seal.net(after), currency=known.currency,
        )  # fmt: skip
        fresh, mine = seal.fold(None, opened), policy.of(known.source, known.shop, how)
        if mine.late == "ask" or fresh is None:
            return [opened]
        try:
            return [opened, seal.wished(fresh, mine.late, "policy", mine, now)]
        except NotNow as error:
            _log.warning("late_success_not_resolved", payment=known.name, why=error.why)
            return [opened]

    def _closing(self, notice: Notice, home: Entry, policy: Policy, now: Micros) -> list[Message]:
        known, after = notice.about, notice.after
        verb = verb_at(home.source, seal.verb(after))
        mine = policy.of(known.source, known.shop, seal.how_of(after))
        if verb is None or mine.mode == "off" or not seal.ends(notice.before, after):
            return []
        if mine.mode == "dry_run":
            _log.info("would_close", payment=known.name, verb=verb.value)
            return []
        parts = f"{self._store.hex()}/{notice.no}/{notice.at}/{known.name}"
        key = f"vts{blake2b(parts.encode(), digest_size=14).hexdigest()}"
        order = Order(why="seal", payment=known.name, key=key, verb=verb, order=known.order)
        due_at = max(now, (after.ended_at or now) + mine.after_s * 1_000_000)
        return [message_of(order, home.identity, now, due_at)]


def verb_at(source: Source, verb: Verb | None) -> Verb | None:
    """Return what a platform knows instead: letting go may be closing there; None if neither."""
    can = source.CAPABILITIES
    if verb is Verb.VOID and not can.void:
        verb = Verb.CLOSE
    return verb if verb is not None and getattr(can, verb.value) else None


def message_of(order: Order, target: str, now: Micros, due_at: Micros) -> Message:
    """Return an order on its way: deeds about one payment are done one after the other."""
    return Message(0, order.key, KIND, target, order.payment, msgspec.json.encode(order), now,
                   due_at)  # fmt: skip


def refund(step: Step, now: Micros) -> Message:
    """Return the refund that a resolution leads to."""
    order = Order(
        why="late", payment=step.payment, key=refund_key(step.payment), verb=Verb.REFUND,
        order=step.order, amount_minor=step.amount_minor, currency=step.currency,
    )  # fmt: skip
    source, account, _ = step.payment.split("/", 2)
    return message_of(order, f"{source}/{account}", now, now)


def open_cases(house: House) -> list[Case]:
    """Return the late successes about which nobody decided yet, the oldest first."""
    known = cases_of(house.ledger).values()
    return sorted((each for each in known if each.state in seal.WAITING),
                  key=lambda each: (each.opened_at, each.payment))  # fmt: skip


_WHY: Final = {
    "resolved": "{payment} is resolved already: {case.resolution} by {case.resolved_by}",
    "not_proposed": "nothing was proposed about {payment}; say --refund first",
    "same_person": "{payment}: the one who proposed the refund cannot approve it; ask another",
    "refunds_off": "refunds are switched off: set seal.refunds to dry_run or on",
}


def resolve(house: House, reference: str, wish: Wish, by: str) -> tuple[Case, Step]:
    """Let a person decide about a late success; return the case and the step that was made.

    Args:
        house: the house, for writing.
        reference: of the order or payment.
        wish: what they want.
        by: their name.

    Raises:
        NotFound: there is no such late success, or several.
        NotPossible: it is resolved already, or this person may not.
    """
    ledger = house.ledger
    ledger.begin()
    try:
        case = _case_of(house, reference)
        known = _about(ledger, case.payment)
        policy = policy_in_force(ledger).of(known.source, known.shop, case.how)
        now = house.clock()
        try:
            step = seal.wished(case, wish, by, policy, now)
        except NotNow as error:
            text = _WHY[error.why].format(payment=case.payment, case=case)
            raise NotPossible(text) from None
        ledger.control([entry_of(step)], max(now, ledger.head().tick))
        if step.what == "resolved" and step.resolution == "refund":
            ledger.post([refund(step, now)])
    except BaseException:
        ledger.rollback()
        raise
    ledger.commit()
    after = seal.fold(case, step)
    assert after is not None
    return after, step


def _case_of(house: House, reference: str) -> Case:
    ledger = house.ledger
    cases = Cases().catch_up(ledger)
    found = meant(ledger.db, ledger.accounts().values(), reference.strip())
    names = [name for pid in (found.payment_ids if found else ()) for name in ledger.names_of(pid)]
    mine = [cases[name] for name in names if name in cases]
    if not mine:
        raise NotFound(f"no success came late for {reference!r}")
    waiting = [each for each in mine if each.state in seal.WAITING] or mine
    if len(waiting) > 1:
        raise NotFound(
            f"{reference!r} has {len(waiting)} late successes; say which: "
            + ", ".join(each.payment for each in waiting)
        )
    return waiting[0]


def _about(ledger: SqliteLog, payment: str) -> About:
    (no,) = ledger.db.execute("SELECT no FROM name WHERE key = ?", (key63(payment),)).fetchone()
    return about(ledger, [no])[no]
