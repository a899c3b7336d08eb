"""Carries deeds to platforms: at least once by us, once at the platform by the deed's key.

Before anything is done the platform is asked, and the verdict is read again: what was called off
may have come back to life, what is to be refunded may have been refunded. A deed that was done and
not written down when the process died is done again under the same key, and the platform knows it.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, NamedTuple

import msgspec
import structlog

from voidtrail.errors import NotPossible
from voidtrail.event.codec import key63
from voidtrail.event.model import Deed, Event, Kind, Micros, Result, Role, Verb, Via
from voidtrail.event.reason import number
from voidtrail.ledger.contract import Log
from voidtrail.ledger.messages import Message
from voidtrail.lifecycle import seal
from voidtrail.lifecycle.seal import Policy, Step
from voidtrail.lifecycle.verdict import RULES, VERDICT, Verdict
from voidtrail.money import currency_code
from voidtrail.runtime.app import House
from voidtrail.runtime.deeds.desk import (
    Cases,
    Order,
    entry_of,
    home_of,
    policy_in_force,
    verb_at,
)
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.poll import Asker
from voidtrail.runtime.preparing import Entry
from voidtrail.runtime.sending import Answer, Refused, Retry, Sent
from voidtrail.sources.contract import spoken_to_as

SCHEDULE_S: Final = (5, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 10 * 3600)
"""Waits after each try in vain; some twenty hours, for Stripe forgets a key after a day."""
_LEAVE_S: Final = 20.0
_STEP_S: Final = 0.05
_DONE_BY: Final = {
    Verb.CLOSE: (Kind.CANCEL, Kind.EXPIRE, Kind.VOID),
    Verb.VOID: (Kind.VOID, Kind.CANCEL, Kind.EXPIRE, Kind.REFUND),
    Verb.REFUND: (Kind.REFUND,),
}
"""Kinds of statements that say that a deed was done, or refused."""
_OF: Final = {Verb.VOID: Kind.AUTHORISE, Verb.REFUND: Kind.CAPTURE}
_ORDER: Final = msgspec.json.Decoder(Order)
_log = structlog.get_logger(__name__)


class Standing(NamedTuple):
    """A payment as it stands when a deed about it is to be done."""

    payment_id: int
    verdict: Verdict
    reference: str
    operation: str


class Deeds:
    """Has done what was decided (see `sending.Carrier`).

    Args:
        house: accounts and clock.
        intake: where what became of it is handed in.
        asker: who talks to platforms.
    """

    def __init__(self, house: House, intake: Intake, asker: Asker) -> None:
        self._house = house
        self._intake = intake
        self._asker = asker

    async def carry(self, message: Message) -> Answer:
        """Have one deed done, unless what it was decided about has changed."""
        order = _ORDER.decode(message.body)
        answer = await self._done(order, message.created_at)
        ended = isinstance(answer, Refused) or message.tries >= len(SCHEDULE_S)
        if order.why == "late" and ended and not isinstance(answer, Sent):
            return await self._over(order, "failed", answer.why)
        return answer

    async def _done(self, order: Order, decided_at: Micros) -> Answer:
        home = home_of(self._house, order.payment)
        if home is None:
            return Refused("the account is no longer in the settings")
        entry = home[0]
        if not await self._entered(entry):
            until = self._asker.manners(entry).until
            return Retry("the platform is left alone for now", _wait_s(until, self._house.clock()))
        standing = await self._looked_up(entry, order)
        if isinstance(standing, Retry | Refused):
            return standing
        if order.why == "late":
            return await self._refund(entry, order, standing, decided_at)
        return await self._seal(entry, order, standing, decided_at)

    async def close(self) -> None:
        """Keep nothing open: the asker has the connections, and closes them itself."""

    async def _entered(self, entry: Entry) -> bool:
        """Wait for leave to ask; False if the platform is left alone, or leave takes too long."""
        manners = self._asker.manners(entry)
        for _ in range(int(_LEAVE_S / _STEP_S)):
            now = self._house.clock()
            if manners.enter(now):
                return True
            if manners.is_out(now):
                return False
            await asyncio.sleep(_STEP_S)
        return False

    async def _looked_up(self, entry: Entry, order: Order) -> Standing | Retry | Refused:
        """Ask the platform, then return where the payment stands."""
        found = self._standing(entry, order)
        if found is None:
            return Refused("the payment is not known at this account")
        asks = entry.source.CAPABILITIES.query
        if asks and not await self._asker.ask(entry, found.reference):
            return Retry("the platform did not say how the payment stands")
        return self._standing(entry, order) or found

    def _standing(self, entry: Entry, order: Order) -> Standing | None:
        ledger = self._house.ledger
        row = ledger.db.execute(
            f"SELECT n.payment_id, {', '.join(f'v.{name}' for name in VERDICT)} FROM name n "
            "JOIN verdict v ON v.payment_id = n.payment_id WHERE n.key = ?",
            (key63(order.payment),),
        ).fetchone()
        if row is None:
            return None
        pid, verdict = row[0], Verdict._make(row[1:])
        prefix = f"{entry.identity}/"
        names = ledger.names_of(pid)
        own = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        if not own:
            return None
        operation = ledger.db.execute(
            "SELECT e.operation FROM event e JOIN name n ON n.no = e.name_no "
            "WHERE n.payment_id = ? AND e.kind = ? AND e.result = ? AND e.active = 1 "
            "AND e.account_no = ? ORDER BY e.seq DESC LIMIT 1",
            (pid, int(_OF.get(order.verb, Kind.CAPTURE)), int(Result.SUCCEEDED), entry.no),
        ).fetchone()
        return Standing(
            pid, verdict, spoken_to_as(entry.source, own), operation[0] if operation else ""
        )

    # ------------------------------------------------------------------ sealing

    async def _seal(
        self, entry: Entry, order: Order, standing: Standing, decided_at: Micros
    ) -> Answer:
        verdict = standing.verdict
        verb = verb_at(entry.source, seal.verb(verdict))
        policy = self._policy(entry, seal.how_of(verdict))
        if verb is None or policy.mode != "on":
            return Sent()  # sealed meanwhile, alive again, or no longer wanted
        if RULES[verdict.rule].name == "silent" and verdict.ended_at is not None:
            await self._note_left(entry, standing.reference, verdict.ended_at)
        deed = Deed(
            verb=verb, payment=standing.reference, key=order.key, order=order.order,
            operation=standing.operation if verb is Verb.VOID else "",
            currency=currency_code(verdict.currency) if verdict.currency else "",
            amount_minor=verdict.held or None, total_minor=verdict.authorised or None,
            decided_at=decided_at,
        )  # fmt: skip
        return await self._told(entry, deed, standing)

    async def _note_left(self, entry: Entry, reference: str, ended_at: Micros) -> None:
        """Put on record that the customer left, before a closing of ours hides it.

        A platform does not tell our closing from its own, so that the answer alone would turn an
        abandoned payment into one that the platform closed.
        """
        event = Event(
            label=f"left:{reference}", identity=(reference, "left", str(ended_at)),
            kind=Kind.CANCEL, result=Result.REQUESTED, payment=reference, occurred_at=ended_at,
            via=Via.OWN, life=False, role=Role.LOG, reason=number("customer_left"),
            code="abandoned",
        )  # fmt: skip
        await self._asker.note(entry, reference, event, "abandoned; its closing was ordered")

    async def _told(self, entry: Entry, deed: Deed, standing: Standing) -> Answer:
        """Have a deed done; what the platform said of it is on record by then."""
        try:
            said = await self._asker.tell(entry, deed)
        except NotPossible as error:
            return Refused(str(error))
        if said is None:
            return Retry("no answer that can be trusted")
        about = [event for event in said if event.kind in _DONE_BY[deed.verb]]
        if any(each.result in (Result.SUCCEEDED, Result.PENDING) for each in about):
            if deed.verb is not Verb.CLOSE:
                await self._asker.ask(entry, standing.reference)
            return Sent()
        refused = next((each for each in about if each.result is Result.REFUSED), None)
        if refused is None:
            code = next((each.code for each in said), "")
            return Retry(f"the platform cannot say: {code}")
        await self._asker.ask(entry, standing.reference)  # it may be paid: learn that at once
        return Refused(f"refused: {refused.code}")

    # ------------------------------------------------------------------ giving back

    async def _refund(
        self, entry: Entry, order: Order, standing: Standing, decided_at: Micros
    ) -> Answer:
        """Give back what came late, once.

        Nothing goes out unless what is there now is what was decided about, or this very refund is
        under way: then the platform knows the key.
        """
        case = Cases().catch_up(self._house.ledger).get(order.payment)
        if case is None or case.resolution != "refund" or case.outcome:
            return Sent()
        held, wanted = seal.net(standing.verdict), order.amount_minor or 0
        if held <= 0:
            return await self._over(order, "done", "returned")
        if held < wanted:
            return Refused("amount_changed")
        if self._policy(entry, case.how).refunds != "on":
            return Retry("refunds are not on")
        deed = Deed(
            verb=Verb.REFUND, payment=standing.reference, key=order.key, order=order.order,
            operation=standing.operation, amount_minor=wanted, currency=order.currency,
            total_minor=standing.verdict.captured, decided_at=decided_at,
        )  # fmt: skip
        answer = await self._told(entry, deed, standing)
        return await self._over(order, "done", "") if isinstance(answer, Sent) else answer

    def _policy(self, entry: Entry, how: str) -> Policy:
        """Return the policy now: an order may have waited for long."""
        account = entry.account
        return policy_in_force(self._house.ledger).of(account.source, account.shop, how)

    async def _over(self, order: Order, what: Any, code: str) -> Answer:
        """Write down what became of a refund."""
        now = self._house.clock()
        step = Step(payment=order.payment, what=what, at=now, code=code)

        def work(store: Log) -> int:
            store.control([entry_of(step)], max(now, store.head().tick))
            return 1

        await self._intake.exclusively(work)
        _log.info("late_success_over", payment=order.payment, outcome=what, code=code)
        return Sent() if what == "done" else Refused(code)


def _wait_s(until: Micros, now: Micros) -> float:
    return max(1.0, (until - now) / 1_000_000)
