"""The one place that builds things: store, keys, accounts, terms, intake."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from voidtrail.errors import AccountUnknown, SourceUnknown
from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import Micros
from voidtrail.ledger import rebuild
from voidtrail.ledger.keys import Keyring
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.lifecycle.projection import Projection
from voidtrail.lifecycle.terms import Terms
from voidtrail.runtime import clock as clocks
from voidtrail.runtime.inlets import with_rules
from voidtrail.runtime.preparing import Entry
from voidtrail.runtime.settings import Settings, secrets_of
from voidtrail.sources.contract import Registry, bound, can_be_asked
from voidtrail.sources.registry import SOURCES


class House(NamedTuple):
    """Everything that a command or a server works with.

    Attributes:
        entries: accounts by (source, name).
        by_no: the same by number.
        homes: numbers of accounts by "source/account".
    """

    settings: Settings
    ledger: SqliteLog
    keyring: Keyring
    entries: dict[tuple[str, str], Entry]
    by_no: dict[int, Entry]
    sources: Registry
    homes: dict[str, int]
    clock: Callable[[], Micros]

    def entry(self, source: str, account: str) -> Entry:
        """Return a configured account.

        Raises:
            SourceUnknown, AccountUnknown: it is not configured.
        """
        if source not in self.sources:
            raise SourceUnknown(f"there is no source {source!r}; known: {', '.join(self.sources)}")
        try:
            return self.entries[source, account]
        except KeyError:
            raise AccountUnknown(
                f"source {source!r} has no account {account!r}; add an [[account]] to the settings"
            ) from None

    @property
    def terms(self) -> Terms:
        """Return the terms in force."""
        judge = self.ledger.judge
        assert isinstance(judge, Projection)
        return judge.terms

    def close(self) -> None:
        """Let go of the store."""
        self.ledger.close()


def build(
    settings: Settings,
    *,
    environment: Mapping[str, str] | None = None,
    sources: Registry = SOURCES,
    clock: Callable[[], Micros] = clocks.now,
    settle: bool = False,
) -> House:
    """Open the ledger and everything around it; make what is missing.

    Args:
        settings: of this process.
        environment: where secrets are looked up; None takes the process's own.
        sources: the sources there are.
        clock: the present instant.
        settle: put these settings' terms of silence in force. Only what judges silence (`serve`,
            `work`) does; another command, run without the server's settings, must not.

    Raises:
        SettingInvalid: an account's source is unknown or a secret is missing.
        LedgerUnsafe: the store or the key file cannot be trusted.
    """
    path = Path(settings.ledger.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    keyring = Keyring.load(settings.key_file())
    ledger = SqliteLog(path, Projection(Terms()), keyring)
    house = House(settings, ledger, keyring, {}, {}, sources, {}, clock)
    variables = os.environ if environment is None else environment
    ledger.begin()
    try:
        for each in settings.account:
            if each.source not in sources:
                raise SourceUnknown(
                    f"account {each.source}/{each.name}: there is no source {each.source!r}; "
                    f"known: {', '.join(sorted(sources))}"
                )
            secrets = secrets_of(each, variables, settings.base)
            account = with_rules(each.account(settings.base), settings.tail)
            add_account(house, account, secrets)
        _join_providers(house)
        _terms_in_force(house, settle)
    except BaseException:
        ledger.rollback()
        ledger.close()
        raise
    ledger.commit()
    return house


def reader_of(house: House) -> House:
    """Return the house over a connection of its own that can only read."""
    ledger = house.ledger
    return house._replace(ledger=SqliteLog(ledger.path, ledger.judge, house.keyring, reading=True))


def add_account(house: House, account: Account, secrets: Secrets) -> Entry:
    """Enter an account inside of a transaction begun."""
    source = bound(house.sources[account.source], account)
    no = house.ledger.account_no(account)
    identity = f"{account.source}/{account.name}"
    house.homes[identity] = no
    quiet = account.mode == "test"
    entry = Entry(no, account, secrets, source, identity, quiet, house.homes, {})
    house.entries[account.source, account.name] = entry
    house.by_no[no] = entry
    return entry


def _join_providers(house: House) -> None:
    """Let every service provider's entry know the entries of its sub-merchants."""
    for each in house.settings.account:
        if each.provider:
            subs = house.entries[each.source, each.provider].subs
            assert isinstance(subs, dict)
            subs[each.merchant] = house.entries[each.source, each.name]


def _terms_in_force(house: House, settle: bool) -> None:
    """Judge by the terms in the ledger, or put those of the settings there if they are to rule."""
    known = house.ledger.last_control("terms")
    if settle or known is None:
        _settle_terms(house)
        return
    house.ledger.use(Projection(msgspec.json.decode(known, type=Terms)))
    rebuild.ensure(house.ledger)


def _settle_terms(house: House) -> None:
    """Put the settings' terms into the ledger, and bring the read tables to them."""
    ledger, now = house.ledger, house.clock()
    if not ledger.head().tick:
        ledger.control([("tick", "{}")], now)
    askable = tuple(
        sorted(
            entry.no for entry in house.by_no.values()
            if can_be_asked(entry.source, entry.account, entry.secrets)
        )
    )  # fmt: skip
    terms = house.settings.terms(askable)
    ledger.use(Projection(terms))
    remade = rebuild.ensure(ledger)
    policy = msgspec.json.encode(house.settings.policy(), order="deterministic").decode()
    if ledger.last_control("seal") != policy:
        ledger.control([("seal", policy)], now)
    text = msgspec.json.encode(terms, order="deterministic").decode()
    if ledger.last_control("terms") != text:
        ledger.control([("terms", text)], now)
        if not remade:
            rebuild.rejudge_all(ledger)
