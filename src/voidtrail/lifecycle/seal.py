"""What follows once a payment was called off: it is sealed, and a late success is resolved once.

Pure rules over the policy, which is data. A payment that is called off and not sealed can still be
paid; where policy says so it is closed at its platform. A success that comes all the same is a
case: honoured, refunded, or put before a person, and resolved one time for good.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from voidtrail.event.model import Micros, Verb
from voidtrail.event.reason import How
from voidtrail.lifecycle.verdict import Money, State, Verdict

Mode = Literal["off", "dry_run", "on"]
Late = Literal["ask", "honour", "refund"]
What = Literal[
    "revived", "opened", "rehearsed", "proposed", "resolved", "done", "failed", "settled"
]
DEFAULT_AFTER_S: Final = 300


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What differs for some payments; an empty condition always holds.

    Attributes:
        source, shop, how: which payments, by any of the words given.
        mode, late, after_s: instead of the policy's own; None leaves that.
    """

    source: tuple[str, ...] = ()
    shop: tuple[str, ...] = ()
    how: tuple[str, ...] = ()
    mode: Mode | None = None
    late: Late | None = None
    after_s: int | None = None


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What is done by itself. By default nothing is: nothing is closed, a person is asked.

    Attributes:
        mode: whether payments that were called off are closed at their platform.
        after_s: how long after the end; meanwhile the customer may come back.
        late: what becomes of a success that comes after the cancellation.
        refunds: whether refunds go out; "dry_run" says what would, "off" refuses them.
        cap: most that is refunded without a second person, in minor units by currency; in a
            currency that is missing, every refund wants one.
        rules: the first one that fits speaks first.
    """

    mode: Mode = "off"
    after_s: int = DEFAULT_AFTER_S
    late: Late = "ask"
    refunds: Mode = "dry_run"
    cap: Mapping[str, int] = {}
    rules: tuple[Rule, ...] = ()

    def of(self, source: str, shop: str, how: str) -> Policy:
        """Return the policy as it is for a payment."""
        for rule in self.rules:
            if (
                _fits(rule.source, source) and _fits(rule.shop, shop) and _fits(rule.how, how)
            ):  # fmt: skip
                return msgspec.structs.replace(
                    self, rules=(), mode=rule.mode or self.mode, late=rule.late or self.late,
                    after_s=self.after_s if rule.after_s is None else rule.after_s,
                )  # fmt: skip
        return self

    def needs_second(self, amount_minor: int, currency: str) -> bool:
        """Whether a refund of this amount wants a second person."""
        return amount_minor > self.cap.get(currency, 0)


def _fits(words: Sequence[str], word: str) -> bool:
    return not words or word in words


def verb(verdict: Verdict) -> Verb | None:
    """Return what seals a payment, or None if there is nothing to be sealed."""
    if verdict.state != State.CANCELLED or verdict.sealed:
        return None
    return {Money.NONE: Verb.CLOSE, Money.HELD: Verb.VOID}.get(Money(verdict.money))


def ends(before: Verdict | None, after: Verdict) -> bool:
    """Whether a change calls a payment off, or changes what would seal it."""
    return verb(after) is not None and (before is None or verb(before) is not verb(after))


def revives(before: Verdict | None, after: Verdict) -> bool:
    """Whether a change brings what was called off back to life, and is not money that came back."""
    return (
        before is not None and before.state == State.CANCELLED
        and before.money in (Money.NONE, Money.HELD) and after.state != State.CANCELLED
    )  # fmt: skip


def succeeds(before: Verdict | None, after: Verdict) -> bool:
    """Whether a change is a success."""
    return after.state == State.PAID and (before is None or before.state != State.PAID)


def how_of(verdict: Verdict) -> str:
    """Return how a payment was called off, as rules write it."""
    return How(verdict.how).name.lower()


def net(verdict: Verdict) -> int:
    """Return what the merchant holds."""
    return verdict.captured - verdict.returned - verdict.withdrawn


# -------------------------------------------------------------------- a success that came late


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happens to a case; an entry of the ledger.

    Attributes:
        payment: whole name of the payment, which is the case's too: one a payment.
        what: revived (what was called off goes on); opened (it was paid); rehearsed (a dry run);
            proposed (waits for a second person); resolved; then done or failed at the platform;
            settled (the money went back another way).
        by: who decided: "policy", or a person's name.
        code: of "revived", how it had been called off; of "failed", why.
    """

    payment: str
    what: What
    at: Micros
    by: str = ""
    resolution: Literal["", "honour", "refund"] = ""
    order: str = ""
    amount_minor: int = 0
    currency: str = ""
    code: str = ""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A late success as it stands.

    Attributes:
        state: "revived" before it is paid; "open", "proposed", "resolved", or "settled".
        how: how the payment had been called off.
        proposed_by: who proposed what is above the cap.
        resolved_by: who decided, or approved.
        outcome: "" until the platform answered; then "done" or "failed".
        rehearsed: how often a refund was only rehearsed.
    """

    payment: str
    order: str
    opened_at: Micros
    amount_minor: int
    currency: str
    state: Literal["revived", "open", "proposed", "resolved", "settled"] = "open"
    how: str = ""
    resolution: Literal["", "honour", "refund"] = ""
    proposed_by: str = ""
    resolved_by: str = ""
    outcome: Literal["", "done", "failed"] = ""
    code: str = ""
    rehearsed: int = 0


WAITING: Final = ("open", "proposed")
"""States of a case about which somebody has yet to decide."""


def fold(case: Case | None, step: Step) -> Case | None:
    """Return a case after a step. What comes too late changes nothing: a case is resolved once."""
    change = msgspec.structs.replace
    if case is None or case.state == "revived":
        if step.what not in ("revived", "opened"):
            return case
        how = step.code or (case.how if case else "")
        return Case(payment=step.payment, order=step.order, opened_at=step.at, how=how,
                    amount_minor=step.amount_minor, currency=step.currency,
                    state="open" if step.what == "opened" else "revived")  # fmt: skip
    if step.what in ("done", "failed"):
        if case.state != "resolved" or case.outcome == "done":
            return case
        return change(case, outcome=step.what, code=step.code)
    if case.state not in WAITING:
        return case
    if step.what == "rehearsed":
        return change(case, rehearsed=case.rehearsed + 1)
    if step.what == "proposed":
        if case.state == "proposed":
            return case
        return change(case, state="proposed", resolution="refund", proposed_by=step.by,
                      amount_minor=step.amount_minor)  # fmt: skip
    if step.what == "resolved":
        return change(case, state="resolved", resolution=step.resolution, resolved_by=step.by,
                      amount_minor=step.amount_minor or case.amount_minor)  # fmt: skip
    return change(case, state="settled") if step.what == "settled" else case


Wish = Literal["honour", "refund", "approve"]


class NotNow(Exception):
    """A wish cannot be fulfilled; `why` is a stable word."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def wished(case: Case, wish: Wish, by: str, policy: Policy, now: Micros) -> Step:
    """Return the step that a wish makes.

    Args:
        case: as it stands.
        wish: what somebody wants.
        by: their name; "policy" for nobody.
        policy: in force for this payment.
        now: the present.

    Raises:
        NotNow: it is resolved already; nothing was proposed; the same person cannot approve;
            refunds are switched off.
    """
    if case.state not in WAITING:
        raise NotNow("resolved")
    what: What = "resolved"
    if wish == "approve":
        if case.state != "proposed":
            raise NotNow("not_proposed")
        if by == case.proposed_by:
            raise NotNow("same_person")
    if wish != "honour":
        if policy.refunds == "off":
            raise NotNow("refunds_off")
        if policy.refunds == "dry_run":
            what = "rehearsed"
        elif wish == "refund" and policy.needs_second(case.amount_minor, case.currency):
            what = "proposed"
    return Step(
        payment=case.payment, what=what, at=now, by=by, order=case.order,
        resolution="honour" if wish == "honour" else "refund",
        amount_minor=case.amount_minor, currency=case.currency,
    )  # fmt: skip
