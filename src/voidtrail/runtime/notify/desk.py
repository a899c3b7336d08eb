"""Alerts in the ledger: what is known, what is decided, who acknowledged.

The state is a fold of the ledger's entries of the kind "alert", read on from where it was read
last, so that what another process wrote (somebody acknowledged at the command line) is known too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from voidtrail.event.model import Micros
from voidtrail.ledger.contract import Log
from voidtrail.ledger.messages import Message
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.response import alert
from voidtrail.response.alert import Outcome, Tell
from voidtrail.response.incident import Acknowledged, AlertEvent, State, fold
from voidtrail.response.news import News, standing
from voidtrail.runtime.app import House
from voidtrail.runtime.deciding import NOTHING, Decision
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.notify.words import Links, letter
from voidtrail.runtime.outbox import Notice

KIND: Final = "alert"
_DECODER: Final = msgspec.json.Decoder(AlertEvent)


class Incidents:
    """What is known of incidents, kept up with the ledger."""

    def __init__(self) -> None:
        self.state = State()
        self._seq = 0

    def catch_up(self, ledger: SqliteLog) -> State:
        """Fold what was written since the last time."""
        for seq, body in ledger.db.execute(
            "SELECT seq, body FROM control WHERE kind = ? AND seq > ? ORDER BY seq",
            (KIND, self._seq),
        ):
            self.state, self._seq = fold(self.state, _DECODER.decode(body)), seq
        return self.state


def entry(event: AlertEvent) -> tuple[str, str]:
    """Return the control entry of an event."""
    text = msgspec.json.encode(event, order="deterministic").decode()
    return ("alert", text)


class Alerts:
    """Decides who is told of what (see `runtime.deciding.Decider`).

    Args:
        house: the house.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._book = house.settings.book()
        self._languages = {each.name: each.language for each in house.settings.channel}
        self._incidents = Incidents()
        self._incidents.catch_up(house.ledger)

    def decide(self, notices: Sequence[Notice], now: Micros) -> Decision:
        """Return what follows from changes."""
        if not self._book.routes:
            return NOTHING
        news = list(news_of(self._house, notices))
        state = self._incidents.catch_up(self._house.ledger)
        return self._decision(alert.decide(state, self._book, news, now), now)

    def due(self, now: Micros) -> Decision:
        """Return what follows from the time."""
        state = self._incidents.catch_up(self._house.ledger)
        return self._decision(alert.due(state, self._book, now), now)

    def settled(self, decision: Decision) -> None:
        """Remember nothing: the entries are read back from the ledger."""

    def _decision(self, outcome: Outcome, now: Micros) -> Decision:
        if not outcome.events:
            return NOTHING
        messages = [self._message(tell, now) for tell in outcome.tells]
        return Decision([entry(event) for event in outcome.events], messages)

    def _message(self, tell: Tell, now: Micros) -> Message:
        body = letter(tell, links(self._house, tell), self._languages.get(tell.channel, "en"))
        # What an incident has to say keeps its order; incidents do not wait for one another.
        lane = "digest" if tell.why == "digest" else f"incident:{tell.incidents[0].no}"
        return Message(no=0, key=tell.key, kind=KIND, target=tell.channel, lane=lane,
                       body=msgspec.json.encode(body), created_at=now, due_at=now)  # fmt: skip


def news_of(house: House, notices: Iterable[Notice]) -> Iterable[News]:
    """Yield notices as routes ask about them; a shop's shadow of a payment is left out."""
    accounts = house.ledger.accounts().values()
    zones = {(each.source, each.name): each.zone for each in accounts}
    for notice in notices:
        about = notice.about
        if about.shadow:
            continue
        order = about.order_verdict
        after = standing(notice.after)
        yield News(
            no=notice.no, at=notice.at, payment=about.payment_no,
            before=None if notice.before is None else standing(notice.before), after=after,
            order=about.order or about.payment, rail=about.source, method=about.method,
            shop=about.shop, entity=about.entity,
            zone=zones.get((about.source, about.account), "UTC"),
            amount_minor=about.amount_minor, currency=about.currency, tags=about.dimensions,
            switched=order is not None and order.switched and after.state != "paid",
            test=about.test, history=notice.history or (notice.quiet and not about.test),
        )  # fmt: skip


def links(house: House, tell: Tell) -> Links:
    """Return the links of a message."""
    base = console(house)
    if tell.why == "digest":
        return Links(f"{base}/alerts")
    no = tell.incidents[0].no
    acknowledge = ""
    if tell.why in ("opened", "escalated"):
        proof = signature(house, no, tell.channel)
        acknowledge = f"{base}/acknowledge/{no}/{proof}?by={quote(tell.channel)}"
    return Links(f"{base}/alerts#incident-{no}", acknowledge)


def console(house: House) -> str:
    """Return where the console is, as far as the settings know."""
    server = house.settings.server
    return server.public_url or f"http://{server.host}:{server.port}"


def signature(house: House, incident: int, channel: str) -> str:
    """Return what proves that a link to acknowledge is ours."""
    return house.keyring.blind("acknowledge", f"{incident}/{channel}").hex()


def is_ours(house: House, incident: int, channel: str, proof: str) -> bool:
    """Whether a link to acknowledge is ours, in constant time."""
    wanted = signature(house, incident, channel).encode()
    return house.keyring.same(wanted, proof.encode())


async def acknowledge(intake: Intake, incident: int, who: str, now: Micros) -> None:
    """Put on record that somebody has seen an incident; nothing is escalated after it.

    Args:
        intake: the writer.
        incident: its number; nothing happens if there is none, or somebody was faster.
        who: as it is to stand in the ledger.
        now: the present instant.
    """

    def work(ledger: Log) -> int:
        ledger.control([entry(Acknowledged(incident, now, who))], max(now, ledger.head().tick))
        return 1

    await intake.exclusively(work)
