"""Changes, routes and a virtual clock for the tests of alerts."""

from msgspec import json

from voidtrail.response.alert import Book, decide, due
from voidtrail.response.incident import Acknowledged, AlertEvent, State, fold
from voidtrail.response.news import News, Standing
from voidtrail.response.route import Route

NOW = 1_773_730_000_000_000  # 2026-03-17 14:46:40 in Shanghai, a Tuesday
SECOND = 1_000_000
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
ZONE = "Asia/Shanghai"
CANCELLED = Standing("cancelled", "customer_cancelled", "customer", "none")
FAILED = Standing("failed", "none", "unknown", "none")
GAVE_UP = Standing("cancelled", "gave_up_after_fault", "platform", "none")
PAID = Standing("paid", "none", "unknown", "taken")
OPEN = Standing("open", "none", "unknown", "none")


def news(no, after=CANCELLED, *, before=OPEN, at=NOW, **more):
    """A change; the payment has the notice's number unless another is given."""
    return News(no=no, at=at, before=before, after=after, **{
        "payment": no, "order": f"A{no}", "rail": "alipay", "shop": "downtown", "zone": ZONE,
        "amount_minor": 1000, "currency": "CNY", **more})  # fmt: skip


def route(name="duty", to=("duty",), **more):
    return Route(name, tuple(to), **more)


class Office:
    """Decides with a clock that only the test turns, and keeps what would be in the ledger."""

    def __init__(self, *routes, **book):
        self.book = Book(tuple(routes), **book)
        self.state = State()
        self.entries: list[bytes] = []
        self.tells = []
        self.now = NOW

    def hear(self, *changes, now=None):
        self.now = now or max([self.now, *(each.at for each in changes)])
        return self._keep(decide(self.state, self.book, changes, self.now))

    def wait(self, for_, step=MINUTE):
        """Let time go by; return what was said meanwhile."""
        said, until = [], self.now + for_
        while self.now < until:
            self.now = min(until, self.now + step)
            said += self._keep(due(self.state, self.book, self.now))
        return said

    def acknowledge(self, incident, who="Li"):
        self._enter(Acknowledged(incident, self.now, who))

    def _keep(self, outcome):
        for event in outcome.events:
            self._enter(event)
        assert self.state == outcome.state
        self.tells += [(self.now, tell) for tell in outcome.tells]
        return list(outcome.tells)

    def _enter(self, event):
        self.entries.append(json.encode(event))
        self.state = fold(self.state, event)

    @property
    def events(self):
        return [json.decode(entry, type=AlertEvent) for entry in self.entries]

    def replayed(self):
        """The state that the entries alone give."""
        state = State()
        for entry in self.entries:
            state = fold(state, json.decode(entry, type=AlertEvent))
        return state


def said(tells):
    """Who was told why, sorted."""
    return sorted((tell.channel, tell.why) for tell in tells)
