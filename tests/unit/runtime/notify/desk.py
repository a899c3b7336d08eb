"""A house with routes, whose decider is asked as the worker asks it; the clock is the test's."""

from contextlib import contextmanager

from tests.unit.runtime.rig import NOW, SECOND, VARIABLES, Clock, event, put
from voidtrail.event.model import Kind, Result
from voidtrail.runtime.app import build
from voidtrail.runtime.notify.desk import Alerts
from voidtrail.runtime.outbox import take
from voidtrail.runtime.settings import load

MINUTE = 60 * SECOND
SETTINGS = """
[ledger]
path = "{path}"
[server]
public_url = "https://pay.example.com"
[[account]]
source = "stripe"
name = "main"
shop = "downtown"
secrets = {{ signing = "env:STRIPE_KEY" }}
[[account]]
source = "stripe"
name = "try-out"
mode = "test"
shop = "downtown"
secrets = {{ signing = "env:STRIPE_KEY" }}
[[channel]]
name = "值班"
language = "zh_CN"
address = "env:DUTY"
[[channel]]
name = "lead"
address = "env:LEAD"
{routes}
"""
DUTY = """
[[route]]
name = "duty"
to = ["值班"]
[[route.escalate]]
after_s = 300
to = ["lead"]
"""


class Office:
    """The house, and its decider."""

    def __init__(self, house, clock):
        self.house, self.clock = house, clock
        self.alerts = Alerts(house)

    def called_off(self, name, amount=1000, *, order="A1", account="main", **more):
        """Let the platform say that a payment was begun and called off."""
        common = {"payment": name, "at": self.clock.now, **more}
        put(self.house, event(notice=f"o{name}", order=order, amount_minor=amount, currency="CNY",
                              **common),
            event(Kind.CANCEL, Result.SUCCEEDED, notice=f"c{name}", reason=10, **common),
            account=account, at=self.clock.now)  # fmt: skip

    def turn(self, forward=0):
        """Decide about what waits and about the time, as one transaction; return the messages."""
        self.clock.now += forward
        ledger, now = self.house.ledger, self.clock.now
        ledger.begin()
        sent = []
        waiting = take(ledger, 256)
        decisions = [self.alerts.decide(waiting, now)] if waiting else []
        for decision in (*decisions, self.alerts.due(now)):
            ledger.control(list(decision.entries), now)
            ledger.post(decision.messages)
            sent += decision.messages
        if waiting:
            ledger.struck(waiting[-1].no, now)
        ledger.commit()
        return sent

    def wait(self, for_, step=MINUTE):
        """Let time go by in steps; return the messages."""
        return [message for _ in range(for_ // step) for message in self.turn(step)]

    def again(self):
        """The same, as after a restart."""
        return Office(self.house, self.clock)


@contextmanager
def office_at(folder, routes=DUTY):
    file = folder / "voidtrail.toml"
    text = SETTINGS.format(path=folder / "voidtrail.db", routes=routes)
    file.write_text(text, "utf-8")
    clock = Clock(NOW)
    house = build(load(file, {}), environment=VARIABLES, clock=clock)
    try:
        yield Office(house, clock)
    finally:
        house.close()
