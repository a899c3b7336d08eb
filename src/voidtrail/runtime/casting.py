"""Rows of a file made ready for the ledger, a statement at a time (see `event.mould`).

What comes out equals what `preparing.item_of` makes of the same rows; a property test holds that.
Only what files can say is asked here: no nudges, no sub-merchants, no payments of other scopes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from voidtrail.event.codec import REST_AT, Encoded, dimensions_text, key63, order_name, payment_name
from voidtrail.event.model import Delivery, Event, Kind, Micros, Result, Unreadable, Via
from voidtrail.event.mould import Mould, Named, Speaker
from voidtrail.ledger.contract import QUARANTINED, UNDERSTOOD, Item
from voidtrail.ledger.keys import Keyring
from voidtrail.runtime.envelope import pack
from voidtrail.runtime.preparing import CARD_DIGITS_MIN, INSTANT_MAX, Entry, guarded

if TYPE_CHECKING:
    from voidtrail.sources.table.rows import Say, Shared

_AT, _OPERATION = REST_AT["occurred_at"], REST_AT["operation"]
_EMPTY: Final = Event(label="", identity=(), kind=Kind.OTHER, result=Result.UNKNOWN, payment="",
                      occurred_at=0)  # fmt: skip
_KNOWN_MAX: Final = 4096
_OUT_OF_RANGE: Final = Unreadable(path="event", why="occurred_at is out of range")


class Casting:
    """Encodes what the rows of one file say (a `sources.table.rows.Pen`).

    Args:
        entry: the account of the file.
        version: of the file's deliveries.
    """

    def __init__(self, entry: Entry, version: int) -> None:
        account = entry.account
        self._speaker = Speaker(account.source, account.name, entry.no, account.shop, version)
        self._is_test = entry.quiet
        self._moulds: dict[Event, Mould] = {}
        self._texts: dict[tuple[tuple[str, str], ...], str] = {}
        self._shared: Shared | None = None
        self._names: list[Named] = []
        self._orders: list[Named | None] = []
        self._identities: list[str] = []

    def __call__(self, template: Event, shared: Shared) -> Say[Encoded]:
        """Return how a statement's events are encoded."""
        self._share(shared)
        if self._is_test:
            template = structs.replace(template, test=True)
        plain = self._mould(template)
        names, orders, identities = self._names, self._orders, self._identities
        customer, dimensions, text = shared.customer, shared.dimensions, self._dimensions
        ways = [m << 8 | c for m, c in zip(shared.method, shared.channel, strict=True)]

        def say(unit: int, at: Micros, amount: int | None, extra: Mapping[str, Any]) -> Encoded:
            mould, operation, words = plain, "", dimensions[unit]
            if extra:
                varied = dict(extra)
                operation = varied.pop("operation", "")
                mould = self._mould(structs.replace(template, **varied)) if varied else plain
            return mould.cast(
                identities[unit], names[unit], orders[unit], at, amount, ways[unit], operation,
                text(words) if words else "", customer[unit],
            )  # fmt: skip

        return say

    def _share(self, shared: Shared) -> None:
        """Make the keys that all statements of a frame have in common."""
        if self._shared is shared:
            return
        speaker = self._speaker
        scope, shop = f"{speaker.source}/{speaker.account}", speaker.shop
        self._shared = shared
        names = [payment_name(scope, each) for each in shared.payment]
        self._names = [(key63(name), name) for name in names]
        orders = [order_name(shop, each) if each else "" for each in shared.order]
        self._orders = [(key63(order), order) if order else None for order in orders]
        self._identities = ["\0".join(each) for each in shared.identity]

    def _mould(self, template: Event) -> Mould:
        found = self._moulds.get(template)
        if found is None:
            if len(self._moulds) > _KNOWN_MAX:
                self._moulds.clear()
            found = self._moulds[template] = Mould(guarded(template), self._speaker)
        return found

    def _dimensions(self, words: tuple[tuple[str, str], ...]) -> str:
        found = self._texts.get(words)
        if found is None:
            if len(self._texts) > _KNOWN_MAX:
                self._texts.clear()
            said = guarded(structs.replace(_EMPTY, dimensions=words))
            found = self._texts[words] = dimensions_text(said.dimensions)
        return found

    def references(self, found: list[Encoded]) -> frozenset[bytes]:
        """Return the references in events that a card-number check must leave alone."""
        speaker = self._speaker
        before = len(payment_name(f"{speaker.source}/{speaker.account}", ""))
        ahead = len(order_name(speaker.shop, ""))
        texts = [each.names[0][1][before:] for each in found]
        texts += [each.order[1][ahead:] for each in found if each.order]
        texts += [each.rest[_OPERATION] for each in found]
        return frozenset(text.encode() for text in texts if len(text) >= CARD_DIGITS_MIN)

    def item(
        self, delivery: Delivery, found: list[Encoded] | Unreadable, keyring: Keyring,
        account_no: int, file_no: int,
    ) -> Item:  # fmt: skip
        """Return a row as an item for the ledger."""
        if not isinstance(found, Unreadable) and any(
            not 0 <= each.rest[_AT] < INSTANT_MAX for each in found
        ):
            found = _OUT_OF_RANGE
        events: list[Encoded] = []
        path = why = customer = ""
        body, version = keyring.body_digest(delivery.body), self._speaker.version
        if isinstance(found, Unreadable):
            plain = pack(delivery)
            path, why = found.path, found.why
        else:
            events, plain = found, pack(delivery, partial(self.references, found))
            customer = found[0].customer if found else ""
        return Item(
            account_no, int(Via.FILE), delivery.received_at, plain, body, version, events,
            QUARANTINED if why else UNDERSTOOD, path[:200], why, customer, True, file_no,
        )  # fmt: skip
