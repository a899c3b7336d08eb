"""Small worlds for simulation tests: a few orders, a virtual clock, no RSA, thousands a minute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from voidtrail.event.account import Account, Secret, Secrets
from voidtrail.event.model import Delivery, Micros, Via
from voidtrail.testing.world.answers import answer
from voidtrail.testing.world.fact import SECOND, Notice
from voidtrail.testing.world.keys import shared_keys
from voidtrail.testing.world.rail import Rail
from voidtrail.testing.world.settings import Settings
from voidtrail.testing.world.world import World

Accounts = dict[tuple[str, str], tuple[Account, Secrets]]
SMALL = Settings(orders=5, test_orders=0, refused=0, duplicate_share=0.25, late_share=0.15,
                 twin_share=0.15, stray_share=0.1, beacon_share=0.5)  # fmt: skip


class Arrival(NamedTuple):
    """One delivery with what it says, for the server and for the auditor.

    Attributes:
        delivery: as the house receives it; it can be translated but not verified.
        notices: the same in the auditor's words.
    """

    delivery: Delivery
    notices: tuple[Notice, ...]


def small_world(seed: int, behaviours: Sequence[str] = (), settings: Settings = SMALL) -> World:
    """Make a world of a few orders whose platforms misbehave more than usual.

    Args:
        seed: decides everything.
        behaviours: names in `behaviour.BEHAVIOURS`, one for each order; () draws them.
        settings: size and manners.
    """
    return World(seed, settings, keys=shared_keys, behaviours=behaviours)


def arrivals(world: World) -> Iterator[Arrival]:
    """Yield what arrives, by virtual instant of arrival, refused letters left out."""
    for letter in world.letters:
        if not letter.spoil:
            yield Arrival(letter.delivery(letter.at), letter.notices)


def asked(world: World, now: Micros) -> Iterator[Arrival]:
    """Yield what platforms answer at `now` about every payment, unsigned."""
    for tale, _ in world.tales():
        for rail in tale.rails:
            yield ask(rail, rail.reference, now)


def ask(rail: Rail, reference: str, now: Micros) -> Arrival:
    """Return what its platform answers about one payment, as things stand at an instant.

    Args:
        rail: the payment.
        reference: the name by which it is asked about.
        now: the instant of asking.
    """
    then = rail.as_of(now)
    found = then.answer(now).get(reference)
    said = answer(rail.source, found, reference, signed_at=now // SECOND)
    delivery = Delivery(
        source=rail.source,
        account=rail.account,
        received_at=now,
        body=said.body,
        headers=tuple((name.lower(), value) for name, value in said.headers),
        via=Via.ASKED,
        request=reference,
    )
    return Arrival(delivery, then.answer_notices(now, reference))


def accounts(world: World, api_base: str = "") -> Accounts:
    """Return accounts and secrets of a world as the house's own values, by (source, name)."""
    found: Accounts = {}
    for raw in world.configuration(api_base)["accounts"]:
        fields = dict(raw)
        texts = fields.pop("secrets")
        assert isinstance(texts, dict)
        secrets = {
            purpose: tuple(Secret(text) for text in several) for purpose, several in texts.items()
        }
        account = Account(**fields)  # type: ignore[arg-type]
        found[account.source, account.name] = (account, secrets)
    return found
