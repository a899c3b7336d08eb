"""What one delivery costs before the writer sees it: translate, encode, mask."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import structlog
from msgspec import structs

from voidtrail.event.account import Account, Secrets
from voidtrail.event.codec import Encoded, encode
from voidtrail.event.model import Delivery, Event, Kind, Unreadable, Via
from voidtrail.ledger.contract import QUARANTINED, Item
from voidtrail.ledger.keys import Keyring
from voidtrail.money import MINOR_MAX
from voidtrail.runtime.envelope import pack
from voidtrail.sources.contract import Source, Translation
from voidtrail.sources.redact import mask

NUDGE: Final = Kind.NUDGE
CARD_DIGITS_MIN: Final = 13
INSTANT_MAX: Final = 2**53
log = structlog.get_logger(__name__)


class Entry(NamedTuple):
    """An account together with what reads and proves its deliveries.

    Attributes:
        quiet: whether it is in test mode.
        homes: numbers of all accounts by "source/account".
        subs: of a service provider, the accounts of its sub-merchants by their ids there.
    """

    no: int
    account: Account
    secrets: Secrets
    source: Source
    identity: str
    quiet: bool
    homes: Mapping[str, int]
    subs: Mapping[str, Entry] = {}

    def of(self, event: Event) -> Entry:
        """Return the account under which an event is kept: a sub-merchant's, if it names one."""
        return self.subs.get(event.merchant, self) if event.merchant and self.subs else self


def references(events: Sequence[Event]) -> frozenset[bytes]:
    """Return the references in events that a card-number check must leave alone."""
    return frozenset(
        text.encode()
        for event in events
        for text in (event.payment, *event.names, event.order, event.operation)
        if len(text) >= CARD_DIGITS_MIN
    )


def prepare(
    delivery: Delivery, entry: Entry, keyring: Keyring, *, file_no: int | None = None
) -> Item:
    """Make a verified delivery ready for the ledger; never raises over its content."""
    return item_of(delivery, translated(delivery, entry), entry, keyring, file_no=file_no)


def translated(delivery: Delivery, entry: Entry) -> Translation:
    """Read a delivery; what a bug of ours cannot read is unreadable."""
    account = entry.account
    try:
        return entry.source.translate(delivery, account, entry.secrets)
    except Exception as error:  # a bug of ours must not make a platform retry for days
        log.exception("translator_failed", source=account.source, account=account.name)
        return Unreadable(path="", why=f"the translator failed: {type(error).__name__}")


def item_of(
    delivery: Delivery, found: list[Event] | Unreadable, entry: Entry, keyring: Keyring, *,
    file_no: int | None = None, version: int | None = None,
) -> Item:  # fmt: skip
    """Encode what was read of a delivery into an item for the ledger.

    `version` is the translator's, unless a file was mapped anew (see `runtime.files`).
    """
    account = entry.account
    version = entry.source.VERSION if version is None else version
    encoded: list[Encoded] = []
    keep: Callable[[], Collection[bytes]] = frozenset
    customer, path, why = "", "", ""
    if isinstance(found, Unreadable):
        path, why = found.path, found.why
    else:
        try:
            for event in found:
                whose = entry.of(event)
                said = _as_test(event) if whose.quiet else event
                if event.kind is NUDGE and delivery.via is not Via.ASKED:
                    said = _as_heard(said, delivery)
                _check(said)
                each = encode(guarded(said), source=account.source, account=whose.account.name,
                              account_no=whose.no, shop=whose.account.shop, version=version,
                              homes=entry.homes)  # fmt: skip
                encoded.append(each)
                customer = customer or each.customer
        except (ValueError, OverflowError, KeyError) as error:
            encoded, path = [], "amount" if "amount" in str(error) else "event"
            why = _masked(str(error))[:200]
        else:
            keep = partial(references, found)
    return Item(
        entry.no, int(delivery.via), delivery.received_at, pack(delivery, keep),
        keyring.body_digest(delivery.body), version, encoded,
        outcome=QUARANTINED if why else 0, path=path[:200], why=why, customer=customer,
        quiet=delivery.via is Via.FILE, file_no=file_no,
    )  # fmt: skip


def _as_test(event: Event) -> Event:
    """Return what a test account says as test traffic, whatever live account it speaks of."""
    return structs.replace(event, test=True)


def _as_heard(event: Event, delivery: Delivery) -> Event:
    """Return a nudge as of the instant at which it came: what proves nothing dates nothing.

    Each is an event of its own, since each may be about another change.
    """
    at = delivery.received_at
    return structs.replace(event, occurred_at=at, identity=(*event.identity, str(at)), life=False)


def guarded(event: Event) -> Event:
    """Return an event without card numbers in the words that a sender may choose freely."""
    if len(event.code) < CARD_DIGITS_MIN and (
        not event.dimensions or max([len(value) for _, value in event.dimensions]) < CARD_DIGITS_MIN
    ):
        return event
    return structs.replace(
        event, code=_masked(event.code),
        dimensions=tuple([(name, _masked(value)) for name, value in event.dimensions]),
    )  # fmt: skip


def _masked(text: str) -> str:
    return mask(text.encode("utf-8", "replace"))[0].decode("utf-8", "replace")


def _check(event: Event) -> None:
    if event.amount_minor is not None and not -MINOR_MAX <= event.amount_minor <= MINOR_MAX:
        raise ValueError("amount is too large")
    if not 0 <= event.occurred_at < INSTANT_MAX:
        raise ValueError("occurred_at is out of range")
