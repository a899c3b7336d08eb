"""A recorder that listens to one fake platform and asks it: real source, ledger and verdict."""

from urllib.parse import urlsplit

from voidtrail.event.account import Account, Secret
from voidtrail.event.model import STATUS, Actor, Delivery, Kind, Unreadable, Via
from voidtrail.event.reason import How
from voidtrail.ledger.keys import Keyring
from voidtrail.ledger.memory import MemoryLog
from voidtrail.lifecycle.projection import Projection
from voidtrail.lifecycle.terms import Terms
from voidtrail.lifecycle.verdict import VERDICT, Money, State
from voidtrail.runtime.preparing import Entry, item_of
from voidtrail.sources.contract import bound, can_be_asked
from voidtrail.sources.registry import SOURCES
from voidtrail.testing import contract
from voidtrail.testing.platforms.fake import Asked, Known

ADDRESS = "http://fake.invalid"
KEYRING = Keyring(bytes(range(96)))
SECOND = 1_000_000
DAY = 86_400 * SECOND
PATIENCE = 5 * DAY
"""Longer than the patience of any method."""


class Recorder:
    """One account at a fake platform.

    Attributes:
        told: every event, as (delivery, events).
    """

    def __init__(self, fake):
        self.fake = fake
        self.account = Account(source=fake.SOURCE, name="main", options=fake.options(ADDRESS))
        self.source = bound(SOURCES[fake.SOURCE], self.account)
        self.secrets = {name: (Secret(text),) for name, text in fake.secrets().items()}
        askable = (1,) if can_be_asked(self.source, self.account, self.secrets) else ()
        self.log = MemoryLog(Projection(Terms(askable=askable)), KEYRING)
        assert self.log.try_begin()
        number = self.log.account_no(self.account)
        identity = f"{fake.SOURCE}/main"
        self.entry = Entry(number, self.account, self.secrets, self.source, identity, False,
                           {identity: number})  # fmt: skip
        self.told = []

    def hear(self, delivery, now=None):
        """Verify, read and keep a delivery; return its events."""
        now = delivery.received_at if now is None else now
        self.source.verify(delivery, self.secrets, now)
        found = contract.check_translation(self.source, delivery, self.account, self.secrets)
        assert not isinstance(found, Unreadable), (found, delivery)
        item = item_of(delivery, found, self.entry, KEYRING)
        assert not item.why, (item.path, item.why)
        self.log.append([item], delivery.received_at)
        self.told.append((delivery, found))
        return found

    def listen(self, at=None, *, keep=lambda _: True):
        """Hear what the platform has to say, each notice at its own instant; return the events."""
        return [
            event for notice in self.fake.take() if keep(notice)
            for event in self.hear(self.fake.delivery(notice, "main", at or notice.at))
        ]  # fmt: skip

    def request(self, request, at):
        """Carry a request to the platform; return the answer as a delivery."""
        split = urlsplit(request.url)
        path = "/" + split.path.lstrip("/")
        headers = tuple((name.lower(), value) for name, value in request.headers)
        asked = Asked(request.method, path, split.query, headers, request.body)
        status, said, body = self.fake.answer(asked, at)
        heads = (*((name.lower(), value) for name, value in said), (STATUS, str(status)))
        return Delivery(source=self.source.NAME, account="main", received_at=at, body=body,
                        headers=heads, via=Via.ASKED, request=request.payment,
                        context=request.context)  # fmt: skip

    def ask(self, reference, at):
        """Ask about a payment; return the events of the answer, or None if it cannot be asked."""
        request = self.source.query(reference, self.account, self.secrets, at, "nonce0123456789")
        return None if request is None else self.hear(self.request(request, at))

    def learn(self, payment, at):
        """Ask as the worker does: soon if nothing was said, and when patience is over."""
        if not any(event.kind is not Kind.NUDGE for _, found in self.told for event in found):
            self.ask(payment.reference, at)
        self.ask(payment.reference, payment.opened_at + PATIENCE)
        return self.verdict(payment.reference, payment.opened_at + PATIENCE)

    def tell(self, deed, at):
        """Have the platform do something; return the events of the answer, None if it cannot."""
        request = self.source.act(deed, self.account, self.secrets, at, "nonce0123456789")
        return None if request is None else self.hear(self.request(request, at))

    def verdict(self, reference, at):
        """What the house makes of a payment at an instant."""
        self.log.control([("tick", "{}")], max(at, self.log.head().tick))
        self.log.rejudge(sorted(self.log.tables.payments), at)
        name = f"{self.fake.SOURCE}/main/{reference}"
        [pid] = {each.component for each in self.log.tables.names.values() if each.text == name}
        told = dict(zip(VERDICT, self.log.tables.verdicts[pid], strict=True))
        words = State(told["state"]), How(told["how"]), Actor(told["actor"]), Money(told["money"])
        return Known(*(word.name.lower() for word in words))


def kinds(events):
    """The kinds of events, as a set."""
    return {Kind(event.kind) for event in events}
