"""Whether this machine and this ledger are fit: one check after another, each with its remedy."""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from voidtrail.errors import VoidtrailError
from voidtrail.ledger import migrate, rebuild
from voidtrail.ledger.keys import Keyring
from voidtrail.ledger.messages import DEAD
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.lifecycle.projection import Projection
from voidtrail.lifecycle.terms import Terms
from voidtrail.runtime import clock
from voidtrail.runtime.endpoints.delivery import ready
from voidtrail.runtime.endpoints.settings import EndpointSettings
from voidtrail.runtime.endpoints.standing import Standings
from voidtrail.runtime.manners import Circuit
from voidtrail.runtime.poll import circuits_on_record
from voidtrail.runtime.settings import Settings, secrets_of
from voidtrail.runtime.text import _
from voidtrail.sources.contract import bound, can_be_asked
from voidtrail.sources.registry import SOURCES

SLOW_FLUSH_S: Final = 0.02
"""A flush slower than this shows in every acknowledgement."""
_FLUSHES: Final = 9
_SQLITE: Final = (3, 37)  # STRICT tables
_FIRST_DAY: Final = 1_767_225_600_000_000  # 2026-01-01: before it this version did not exist


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at.

    Attributes:
        name: what was looked at.
        ok: whether it is fit.
        found: what was found, or why it is not fit and what to do.
    """

    name: str
    ok: bool
    found: str


def examine(settings: Settings, environment: Mapping[str, str]) -> list[Check]:
    """Return every check; none of them changes anything."""
    found: list[Check] = []
    for name, look in (
        ("python", _python), ("sqlite", _sqlite), ("clock", _clock),
        ("settings", lambda: _settings(settings)),
        ("disk", lambda: _disk(Path(settings.ledger.path).absolute().parent)),
        ("key_file", lambda: _key_file(settings)),
    ):  # fmt: skip
        found.append(_tried(name, look))
    found += _credentials(settings, environment)
    found += _endpoints(settings, environment)
    if Path(settings.ledger.path).is_file():
        found += [_tried("chain", lambda: _chain(settings)),
                  _tried("read_tables", lambda: _read_tables(settings))]  # fmt: skip
        found += _platforms(settings)
    return found


def _tried(name: str, look: Callable[[], tuple[bool, str]]) -> Check:
    try:
        ok, found = look()
    except (VoidtrailError, OSError, sqlite3.Error) as error:
        ok, found = False, str(error)
    return Check(name=name, ok=ok, found=found)


def _python() -> tuple[bool, str]:
    return sys.version_info >= (3, 11), sys.version.partition(" ")[0]


def _sqlite() -> tuple[bool, str]:
    return sqlite3.sqlite_version_info >= _SQLITE, sqlite3.sqlite_version


def _clock() -> tuple[bool, str]:
    now = clock.now()
    if now < _FIRST_DAY:
        return False, _("the clock says {at}; set it").format(at=clock.to_text(now))
    return True, str(clock.to_text(now))


def _settings(settings: Settings) -> tuple[bool, str]:
    return True, _("{count} accounts, ledger {path}").format(
        count=len(settings.account), path=settings.ledger.path
    )


def _disk(folder: Path) -> tuple[bool, str]:
    times = []
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".voidtrail-") as file:
        for _each in range(_FLUSHES):
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    median = sorted(times)[_FLUSHES // 2]
    text = _("a flush takes {ms} ms").format(ms=f"{1000 * median:.1f}")
    if median > SLOW_FLUSH_S:
        return False, text + ": " + _("every acknowledgement waits for it; use a faster disk")
    return True, text


def _key_file(settings: Settings) -> tuple[bool, str]:
    path = settings.key_file()
    if not path.exists():
        if Path(settings.ledger.path).exists():
            return False, _("{path} is missing: what is sealed cannot be read").format(path=path)
        return True, _("will be made on first start")
    Keyring.load(path)  # refuses one that others can read
    return True, f"{path} ({path.stat().st_mode & 0o777:04o})"


def _credentials(settings: Settings, environment: Mapping[str, str]) -> Iterator[Check]:
    for each in settings.account:
        name = f"account {each.source}/{each.name}"
        source = SOURCES.get(each.source)
        if source is None:
            yield Check(name=name, ok=False, found=_("there is no such source"))
            continue
        try:
            given = secrets_of(each, environment, settings.base)
            account = each.account(settings.base)
            source = bound(source, account)
        except VoidtrailError as error:
            yield Check(name=name, ok=False, found=str(error))
            continue
        missing = [purpose for purpose in source.CAPABILITIES.needed if purpose not in given]
        asks = can_be_asked(source, account, given)
        if missing:
            text = _("not given: {names}").format(names=", ".join(missing))
        elif source.CAPABILITIES.query and not asks:
            text = _("takes in; cannot ask the platform, its credentials are not given")
        else:
            text = _("complete")
        yield Check(name=name, ok=not missing, found=text)


def _endpoints(settings: Settings, environment: Mapping[str, str]) -> Iterator[Check]:
    """Say of every endpoint whether it can be told, and whether it hears anything."""
    for each in settings.endpoint:
        yield _tried(f"endpoint {each.name}", partial(_endpoint, settings, each, environment))


def _endpoint(
    settings: Settings, endpoint: EndpointSettings, environment: Mapping[str, str]
) -> tuple[bool, str]:
    ready(endpoint, environment, settings.base)  # refuses a secret that is none
    if not Path(settings.ledger.path).is_file():
        return True, _("complete")
    ledger = SqliteLog(settings.ledger.path, Projection(Terms()), Keyring.generate(), reading=True)
    try:
        if migrate.revision(ledger.db) != migrate.HEAD:
            return True, _("complete")
        dead = ledger.message_count("hook", endpoint.name, DEAD)
        since = ledger.failing_since("hook", endpoint.name)
        if Standings(ledger).is_disabled(endpoint.name):
            return False, _(
                "out of service: mend it, then `voidtrail hooks resend {name}` ({count} waiting)"
            ).format(name=endpoint.name, count=dead)
    finally:
        ledger.close()
    if since is not None:
        return False, _("nothing has arrived there since {at}; try `voidtrail hooks test {name}`"
                        ).format(at=clock.to_text(since), name=endpoint.name)  # fmt: skip
    return True, _("complete") if not dead else _("{count} given up").format(count=dead)


def _chain(settings: Settings) -> tuple[bool, str]:
    """Look at the end of the chain only; `voidtrail verify` walks all of it."""
    ledger = SqliteLog(settings.ledger.path, Projection(Terms()), Keyring.generate(), reading=True)
    try:
        if migrate.revision(ledger.db) != migrate.HEAD:
            return False, _("the file is of another version; start `voidtrail serve` once")
        head = ledger.head()
        (last,) = ledger.db.execute(
            "SELECT max((SELECT ifnull(max(seq), 0) FROM delivery), "
            "(SELECT ifnull(max(seq), 0) FROM event), (SELECT ifnull(max(seq), 0) FROM control))"
        ).fetchone()
    finally:
        ledger.close()
    text = _("{count} entries, head {head}").format(
        count=head.entries, head=head.digest.hex()[:16])  # fmt: skip
    return last == head.entries, text


def _read_tables(settings: Settings) -> tuple[bool, str]:
    ledger = SqliteLog(settings.ledger.path, Projection(Terms()), Keyring.generate(), reading=True)
    try:
        row = ledger.db.execute("SELECT fingerprint FROM read_tables").fetchone()
    finally:
        ledger.close()
    if row is None or row[0] != rebuild.fingerprint(Projection(Terms())):
        return False, _("made by another version; they are made anew at the next start")
    return True, _("up to date")


def _platforms(settings: Settings) -> Iterator[Check]:
    """Name the platforms that are left alone since they did not answer."""
    ledger = SqliteLog(settings.ledger.path, Projection(Terms()), Keyring.generate(), reading=True)
    try:
        current = migrate.revision(ledger.db) == migrate.HEAD
        found = circuits_on_record(ledger) if current else {}
    finally:
        ledger.close()
    for identity, (circuit, failures) in found.items():
        if circuit is not Circuit.CLOSED:
            text = _("not asked after {count} failures in a row; probed again in a while")
            yield Check(name=f"platform {identity}", ok=False, found=text.format(count=failures))
