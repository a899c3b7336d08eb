"""Every fake platform at once, lying, through a whole house in this process, on a clock we turn.

Signatures are the fakes' own and are verified; questions go to the fakes. Notices come twice, late,
out of order or never, and questions fail. Of some payments nothing is ever heard; of others single
notices never come, while the payment is not paid and an answer tells as much. All else comes late:
platforms repeat it for days, and what is lost for ever after a payment was paid is for the bills.
"""

import asyncio
import hmac
import json
import random
from collections import Counter
from heapq import heappop, heappush
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from structlog.testing import capture_logs

from tests.simulation.house import SECOND, Clock, KeepingIntake, rows_of
from tests.simulation.played import Broken, Played, Seen
from voidtrail.errors import PlatformUnavailable
from voidtrail.event.account import Account, Secret
from voidtrail.event.model import STATUS, Actor, Delivery, Role, Unreadable, Via
from voidtrail.event.reason import How
from voidtrail.ledger.keys import Keyring
from voidtrail.ledger.memory import MemoryLog
from voidtrail.lifecycle.order import judge_order
from voidtrail.lifecycle.projection import Projection
from voidtrail.lifecycle.terms import Terms
from voidtrail.lifecycle.verdict import RULES, Money, State
from voidtrail.runtime.app import House, add_account
from voidtrail.runtime.poll import Asker
from voidtrail.runtime.preparing import item_of, translated
from voidtrail.runtime.refusals import Refusals
from voidtrail.runtime.settings import Settings
from voidtrail.runtime.settings import Worker as Pace
from voidtrail.runtime.worker import Worker
from voidtrail.sources.contract import can_be_asked
from voidtrail.sources.registry import SOURCES
from voidtrail.testing.platforms.fake import Asked, Known, Situation, Step
from voidtrail.testing.platforms.registry import FAKES
from voidtrail.testing.platforms.server import Lies

START = 1_790_000_000 * SECOND
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
PATIENCE_MAX = 5 * DAY
SHOP_KEY = "vtsk_rehearsal"
MUTE = 0.1
LIES = Lies(twice=0.2, reordered=0.2, forgotten=0.1, failing=0.15, late_s=3600.0)
PACE = Pace(tick_s=1.0, ask_backoff_s=1.0, ask_rate_per_s=1000.0)
KEYRING = Keyring(bytes(range(96)))
METHODS = {"alipay": "alipay_qr", "wechatpay": "wechat_qr", "mollie": "hosted_checkout",
           "paypal": "wallet", "klarna": "pay_later", "pos": "pos_card"}  # fmt: skip
"""What the shop says that the customer chose; a card form elsewhere."""
_ADDRESS = "http://fake.invalid"


class FakeAsker(Asker):
    """Puts questions to the fakes, which sometimes do not answer."""

    def __init__(self, house, intake, fakes, chance):
        super().__init__(house, intake)
        self._fakes, self._chance = fakes, chance

    async def _carry_out(self, entry, request):
        if self._chance[entry.account.source].random() < LIES.failing:
            raise PlatformUnavailable(f"{entry.identity}: status 500")
        split = urlsplit(request.url)
        headers = tuple((name.lower(), value) for name, value in request.headers)
        asked = Asked(request.method, split.path, split.query, headers, request.body)
        now = self._house.clock()
        status, said, body = self._fakes[entry.account.source].answer(asked, now)
        heads = (*((name.lower(), value) for name, value in said), (STATUS, str(status)))
        return Delivery(source=entry.account.source, account="main", received_at=now, body=body,
                        headers=heads, via=Via.ASKED, request=request.payment,
                        context=request.context)  # fmt: skip


class Rehearsal:
    """A house, the fakes and what happens to them.

    Args:
        seed: of everything.
        names: the platforms; None means all that have a fake.
    """

    def __init__(self, seed, names=None):
        self.rng = random.Random(f"rehearsal/{seed}")
        # Each platform has its own chance: a seed tells the same of it whoever else is there.
        self.chance = {name: random.Random(f"rehearsal/{seed}/{name}") for name in FAKES}
        self.fakes = {name: FAKES[name](seed) for name in names or sorted(FAKES)}
        self.clock = Clock(START)
        self.ledger = MemoryLog(Projection(Terms()), KEYRING)
        self.house: Any = House(Settings(worker=PACE), self.ledger, KEYRING, {}, {}, SOURCES, {},
                                self.clock)  # fmt: skip
        self._move_in()
        self.intake = KeepingIntake(self.ledger, self.clock)
        self.asker = FakeAsker(self.house, self.intake, self.fakes, self.chance)
        self.worker = Worker(self.house, self.intake, self.asker, Refusals())
        self.events: list[tuple] = []
        self._no = count()
        self.played: list[Played] = []
        self.paid_twice: set[str] = set()
        self.counts: Counter[str] = Counter()

    def _move_in(self):
        assert self.ledger.try_begin()
        self.ledger.control([("tick", "{}")], START)
        for name, fake in self.fakes.items():
            account = Account(source=name, name="main", options=fake.options(_ADDRESS))
            secrets = {purpose: (Secret(text),) for purpose, text in fake.secrets().items()}
            add_account(self.house, account, secrets)
        shop = Account(source="storefront", name="main")
        add_account(self.house, shop, {"signing": (Secret(SHOP_KEY),)})
        askable = tuple(
            no for no, each in sorted(self.house.by_no.items())
            if can_be_asked(each.source, each.account, each.secrets)
        )  # fmt: skip
        self.ledger.judge = Projection(Terms(askable=askable))
        self.ledger.commit()

    # ------------------------------------------------------------------ what happens

    def plan(self):
        """Decide what will happen: one payment at each platform, one order paid twice."""
        for number, name in enumerate(self.fakes):
            situation = self.chance[name].choice(list(self.fakes[name].PLAYS))
            self._add(name, situation, f"ORDER-{number}")
        # A shop's book is a witness: what it calls paid is the money that a platform holds.
        movers = [name for name in self.fakes if SOURCES[name].IDENTITY.role is Role.MOVER]
        if len(movers) > 1:
            for name in self.rng.sample(movers, 2):
                self._add(name, Situation.PAID, "ORDER-TWICE")
            self.paid_twice.add("ORDER-TWICE")

    def _add(self, name, situation, order):
        rng, steps = self.chance[name], []
        at = START + rng.randrange(2 * HOUR // SECOND) * SECOND
        for step in self.fakes[name].PLAYS[situation]:
            steps.append((step, at))
            # Half of all customers go on within two minutes; few take more than half an hour.
            at += int(rng.lognormvariate(4.8, 0.9) * SECOND) + SECOND
        played = Played(name, situation, order, steps)
        played.mute = self._can_ask(played) and rng.random() < MUTE
        self.played.append(played)
        for step, at in steps:
            self._at(at, "step", (played, step))

    def _at(self, at, what, about):
        heappush(self.events, (at, next(self._no), what, about))

    def _step(self, played, step):
        fake, now = self.fakes[played.name], self.clock()
        if step is Step.OPEN:
            amount = 100 * self.chance[played.name].randrange(1, 10_000)
            played.payment = fake.open(played.order, amount, now)
            self._at(now, "shop", played)
        elif not fake.do(played.payment, step, now):
            raise Broken(f"{played.name}: {step} is not possible in {played.situation}")
        for notice in fake.take():
            self._send(played, notice)

    def _can_ask(self, played):
        return self.house.entries[played.name, "main"].no in self.house.terms.askable

    def _send(self, played, notice):
        """Let a notice travel: perhaps late, twice, or never."""
        rng, fake = self.chance[played.name], self.fakes[played.name]
        if played.mute or rng.random() < LIES.forgotten:
            self.counts["forgotten"] += 1
            is_told = played.situation not in fake.ASKED and played.payment.captured == 0
            if played.mute or (is_told and self._can_ask(played)):
                played.lost = True
                return
            # It is repeated until it comes.
            self._at(self.clock() + rng.randrange(1, 24) * HOUR, "notice", (played, notice))
            return
        late = rng.randrange(3) * SECOND
        if rng.random() < LIES.reordered:
            late = int(rng.random() * LIES.late_s) * SECOND
        self._at(self.clock() + late, "notice", (played, notice))
        if rng.random() < LIES.twice:
            again = late + rng.randrange(600) * SECOND
            self._at(self.clock() + again, "notice", (played, notice))

    # ------------------------------------------------------------------ what is heard

    async def run(self):
        """Let it all happen, then wait until nothing more is due."""
        self.plan()
        while self.events:
            await self._until(self.events[0][0])
            at, _, what, about = heappop(self.events)
            self.clock.now = max(self.clock.now, at)
            if what == "step":
                self._step(*about)
            elif what == "shop":
                await self._receive(self._statement(about))
            else:
                played, notice = about
                fake = self.fakes[played.name]
                await self._receive(fake.delivery(notice, "main", self.clock()))
                self.counts["notices"] += 1
        await self._until(self.clock() + PATIENCE_MAX)
        await self._last_poll()

    async def _receive(self, delivery):
        entry = self.house.entries[delivery.source, "main"]
        entry.source.verify(delivery, entry.secrets, self.clock())
        found = translated(delivery, entry)
        if isinstance(found, Unreadable):
            raise Broken(f"{delivery.source}: {found}: {delivery.body[:300]!r}")
        item = item_of(delivery, found, entry, KEYRING)
        if item.why:
            raise Broken(f"{delivery.source}: {item.path}: {item.why}")
        await self.intake.submit(item)
        await self._settle()

    def _statement(self, played):
        """What the shop says of a payment that it has made at a platform."""
        at_s = self.clock() // SECOND
        body = json.dumps({
            "id": f"{played.order}/{played.name}", "statement": "payment_created",
            "order": played.order, "at": at_s, "method": METHODS.get(played.name, "card_form"),
            "payment": {"source": played.name, "account": "main",
                        "reference": played.payment.reference},
        }).encode()  # fmt: skip
        mac = hmac.digest(SHOP_KEY.encode(), f"{at_s}.".encode() + body, "sha256").hex()
        return Delivery(source="storefront", account="main", received_at=self.clock(), body=body,
                        headers=(("voidtrail-signature", f"t={at_s},v1={mac}"),))  # fmt: skip

    async def _until(self, at):
        """Let time go on up to an instant: whatever becomes due before it is judged and asked."""
        while True:
            due = self.ledger.due(at, 1)
            if not due:
                return
            self.clock.now = max(self.clock.now, due[0][1])
            await self._settle()

    async def _settle(self):
        """Let the worker work until nothing is due and nobody is being asked."""
        for turn in range(1, 40):
            with capture_logs():
                await self.worker.turn()
            self._look()
            if not (self.ledger.waiting(1) or self.ledger.due(self.clock(), 1)):
                return
            self.clock.now += min(2**turn, 64) * SECOND
        raise Broken(f"not settled: {self.ledger.waiting(9)}")

    async def _last_poll(self):
        """Ask once more about every payment, as an operator would before closing the books."""
        before = {id(each): each.seen[-1].known for each in self.played}
        for each in self.played:
            entry = self.house.entries[each.name, "main"]
            for _ in range(20):
                with capture_logs():
                    if await self.asker.ask(entry, each.payment.reference):
                        break
                self.clock.now += SECOND
        self.clock.now += PATIENCE_MAX
        await self._settle()
        for each in self.played:
            if each.seen[-1].known != before[id(each)]:
                self.counts["found by the last poll"] += 1
                if not each.lost and not self.worker.counts["unanswered"]:
                    raise Broken(f"{each.name}, {each.situation.value}: every notice came, and yet "
                                 f"only the last poll tells {each.seen[-1].known}")  # fmt: skip

    def _look(self):
        """Note every verdict that has changed."""
        t, names = self.ledger.tables, {}
        for name in t.names.values():
            names[name.text] = name.component
        for each in self.played:
            if each.payment is None:
                continue
            pid = names.get(f"{each.name}/main/{each.payment.reference}")
            told = t.verdicts.get(pid)
            if told is None:
                continue
            rule, state, money, how, actor = told[:5]
            known = Known(State(state).name.lower(), How(how).name.lower(),
                          Actor(actor).name.lower(), Money(money).name.lower())  # fmt: skip
            if not each.seen or each.seen[-1].known != known:
                silent = _RULES[rule].startswith("silent")
                each.seen.append(Seen(self.clock(), known, silent))

    async def close(self):
        await self.asker.close()
        await self.intake.close()

    # ------------------------------------------------------------------ what must hold

    def check(self):
        """Compare the house with the platforms.

        Raises:
            Broken: a verdict is not the truth, or money that was paid twice went unnoticed.
        """
        for each in self.played:
            fake = self.fakes[each.name]
            known = fake.KNOWN[each.situation]
            if each.mute:
                known = fake.ASKED.get(each.situation, known)
            if known.state == "unknown":
                # The platform never hears of it, but the shop has told of the payment.
                known = Known("cancelled", "abandoned", "customer")
            if each.seen[-1].known != known:
                raise Broken(
                    f"{each.name}, {each.situation.value}{', lost' * each.lost}: "
                    f"{each.seen[-1].known}, not {known}; seen {[s.known for s in each.seen]}"
                )
        self._check_orders()

    def _check_orders(self):
        orders: dict[str, list] = {}
        for row in rows_of(self.ledger):
            for name in row.orders:
                orders.setdefault(name.rpartition("/")[2], []).append(row.part)
        twice = {name for name, parts in orders.items() if judge_order(parts).double_paid}
        if twice != self.paid_twice:
            raise Broken(f"paid twice: {self.paid_twice}; noticed: {twice}")


_RULES = [rule.name for rule in RULES]


def rehearse(seed, names=None):
    """Play one seed; return the rehearsal when everything agreed.

    Raises:
        Broken: a law does not hold.
    """

    async def scene():
        rehearsal = Rehearsal(seed, names)
        try:
            await rehearsal.run()
            rehearsal.check()
        finally:
            await rehearsal.close()
        return rehearsal

    return asyncio.run(scene())
