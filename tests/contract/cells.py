"""The recognition tables: what a platform's words must be recognised as, typed before its source.

A cell is a situation of a platform: deliveries as the platform sends them, and the verdict that
must follow. Signatures are left out; translating, folding and judging are the house's own.
"""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

import msgspec

from voidtrail.event.account import Account, Secret
from voidtrail.event.model import Actor, Delivery, Unreadable, Via
from voidtrail.event.reason import How
from voidtrail.ledger.keys import Keyring
from voidtrail.ledger.memory import MemoryLog
from voidtrail.lifecycle.projection import Projection
from voidtrail.lifecycle.terms import Terms
from voidtrail.lifecycle.verdict import VERDICT, Money, State
from voidtrail.runtime.preparing import Entry, item_of

FOLDER = Path(__file__).with_name("recognition")
SECOND = 1_000_000
RECEIVED = 1_767_225_600 * SECOND  # 2026-01-01: where a delivery states no `at` of its own
KEYRING = Keyring(bytes(range(96)))

Situation = Literal[
    "customer", "merchant", "platform", "expired", "declined", "returned", "disputed", "refused"
]
SITUATIONS: tuple[str, ...] = get_args(Situation)
WORDS = {
    "state": [each.name.lower() for each in State],
    "how": [each.name.lower() for each in How],
    "actor": [each.name.lower() for each in Actor],
    "money": [each.name.lower() for each in Money],
}


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A verdict in the house's words."""

    state: str
    how: str
    actor: str
    money: str

    def __post_init__(self):
        for name, known in WORDS.items():
            if getattr(self, name) not in known:
                raise ValueError(f"expect.{name} is {getattr(self, name)!r}; known: {known}")


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One delivery as `translate` reads it; `body_hex` for bodies that are no text."""

    via: Literal["push", "asked", "file"] = "push"
    body: str = ""
    body_hex: str = ""
    headers: dict[str, str] = {}
    request: str = ""
    context: str = ""
    at: datetime | None = None

    def __post_init__(self):
        if bool(self.body) and bool(self.body_hex):
            raise ValueError("a delivery has a body or a body_hex, not both")
        if self.via == "asked" and not self.request:
            raise ValueError('a delivery with via = "asked" needs request = "the payment asked"')

    def delivery(self, source, place):
        """The delivery, received a second after the one before unless it says when."""
        at = RECEIVED + place * SECOND
        if self.at is not None:
            at = int((self.at if self.at.tzinfo else self.at.replace(tzinfo=UTC)).timestamp())
            at *= SECOND
        return Delivery(
            source=source, account="main", received_at=at, request=self.request,
            body=bytes.fromhex(self.body_hex) if self.body_hex else self.body.encode(),
            headers=tuple((name.lower(), value) for name, value in self.headers.items()),
            via=Via[self.via.upper()], context=self.context,
        )  # fmt: skip


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One situation: what is said and what must follow, or why nothing is ever said.

    `after_s` is how long after the last statement the payment is judged; `payment` says whose
    verdict is meant where deliveries speak of several.
    """

    situation: Situation
    cites: str
    says: str = ""
    expect: Expected | None = None
    after_s: int = 0
    payment: str = ""
    delivery: list[Told] = []
    empty: str = ""

    def __post_init__(self):
        filled = bool(self.says and self.expect and self.delivery)
        if filled == bool(self.empty) or (self.empty and (self.expect or self.delivery)):
            raise ValueError("a cell has says, expect and deliveries, or else `empty` with why")
        if not self.cites.startswith("platforms.md:"):
            raise ValueError('`cites` names lines, as "platforms.md:311"')


class Recognition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The table of one platform; options and secrets are those of the account that reads."""

    platform: str
    cell: list[Cell]
    options: dict[str, str] = {}
    secrets: dict[str, str | list[str]] = {}


def read(path):
    """Read a table.

    Raises:
        ValueError: it is no such table; the message says where.
    """
    try:
        table = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Recognition)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError, ValueError) as error:
        raise ValueError(f"{path.name}: {error}") from None
    if table.platform != path.stem:
        raise ValueError(f"{path.name}: platform is {table.platform!r}, not the file's name")
    return table


def tables():
    """Every table by platform."""
    return {path.stem: read(path) for path in sorted(FOLDER.glob("*.toml"))}


def verdict(table, cell, source):
    """What the house makes of a cell's deliveries.

    Raises:
        AssertionError: a delivery cannot be read, or it is not clear which payment is meant.
    """
    account = Account(source=table.platform, name="main", options=table.options)
    secrets = {
        purpose: tuple(Secret(text) for text in ([given] if isinstance(given, str) else given))
        for purpose, given in table.secrets.items()
    }
    log = MemoryLog(Projection(Terms()), KEYRING)
    assert log.try_begin()
    identity = f"{account.source}/{account.name}"
    entry = Entry(log.account_no(account), account, secrets, source, identity, False, {})
    last = 0
    for place, told in enumerate(cell.delivery):
        delivery = told.delivery(table.platform, place)
        found = source.translate(delivery, account, secrets)
        assert not isinstance(found, Unreadable), f"delivery {place + 1} is unreadable: {found}"
        last = max(last, *(event.occurred_at for event in found))
        item = item_of(delivery, found, entry, KEYRING)
        assert not item.why, f"delivery {place + 1} cannot be kept: {item.path}: {item.why}"
        log.append([item], last)
    now = last + cell.after_s * SECOND
    log.control([("tick", "{}")], now)
    log.rejudge(sorted(log.tables.payments), now)
    log.commit()
    return _verdict_of(log, _meant(log, cell, identity))


def _meant(log, cell, identity):
    """The number of the payment that a cell is about."""
    spoken_at = log.judge.payment.names.index("spoken_at")
    spoken = [pid for pid, row in log.tables.payments.items() if row[spoken_at] is not None]
    names = {name.text: name.component for name in log.tables.names.values()}
    if cell.payment:
        found = names.get(f"{identity}/{cell.payment}")
        assert found is not None, f"nobody spoke of {cell.payment}; known: {sorted(names)}"
        return found
    assert len(spoken) == 1, f'say which payment is meant, payment = "…": {sorted(names)}'
    return spoken[0]


def _verdict_of(log, pid):
    told = dict(zip(VERDICT, log.tables.verdicts[pid], strict=True))
    return Expected(
        State(told["state"]).name.lower(), How(told["how"]).name.lower(),
        Actor(told["actor"]).name.lower(), Money(told["money"]).name.lower(),
    )  # fmt: skip
