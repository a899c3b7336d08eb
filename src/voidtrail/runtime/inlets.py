"""Settings of what comes in besides web requests: [[listen]] for terminals, [[tail]] for logs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from ipaddress import ip_address, ip_network
from typing import Final, Literal

import msgspec

from voidtrail.errors import SettingInvalid
from voidtrail.event.account import Account
from voidtrail.runtime.frames import PREFIX, Framing
from voidtrail.sources.gateway_log import NAME as LOG
from voidtrail.sources.gateway_log import RULES_OPTION
from voidtrail.sources.gateway_log.facts import LogForm, LogRule, faults
from voidtrail.sources.gateway_log.wire import Form

_PORT_MAX: Final = 65_535
_FRAME_MIN: Final = 64
_LINE_MIN: Final = 256


class ListenSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A TCP port at which terminals' messages are mirrored to us.

    Attributes:
        host: address to listen on; beyond this machine, `allow` must say who may send.
        port: TCP port.
        source, account: whose messages they are.
        framing: "length2" (two bytes in front, big-endian) or "length4" (four ASCII digits).
        allow: networks that may send, as "10.1.0.0/16"; this machine always may.
        connections_max: most connections at a time.
        frame_max_bytes: a longer frame is noise.
        frame_deadline_s: a frame that is not complete by then ends its connection.
        idle_s: a connection on which nothing comes for so long is closed.
    """

    port: int
    host: str = "127.0.0.1"
    source: str = "pos"
    account: str = "main"
    framing: Framing = "length2"
    allow: tuple[str, ...] = ()
    connections_max: int = 64
    frame_max_bytes: int = 8192
    frame_deadline_s: float = 10.0
    idle_s: float = 3600.0


class TailSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A log that is read while it grows.

    Attributes:
        path: the file; several of the same form may share the rules.
        account: of source gateway_log; one [[tail]] each.
        format, pattern, message, time, rule: how lines are read (see `LogForm`, `LogRule`).
        since: where reading begins when the file is seen for the first time: its "start" or "end".
        line_max_bytes: what of a line is beyond it is cut off, and that is noted.
    """

    path: str | tuple[str, ...]
    format: Form
    account: str = "main"
    pattern: str = ""
    message: Literal["", "json", "logfmt"] = ""
    time: str = "time"
    since: Literal["start", "end"] = "end"
    line_max_bytes: int = 65_536
    rule: tuple[LogRule, ...] = ()

    def paths(self) -> tuple[str, ...]:
        """Return every file."""
        return (self.path,) if isinstance(self.path, str) else self.path

    def form(self) -> LogForm:
        """Return how lines are read."""
        return LogForm(format=self.format, pattern=self.pattern, message=self.message,
                       time=self.time, rule=self.rule)  # fmt: skip


def with_rules(account: Account, tails: Sequence[TailSettings]) -> Account:
    """Return an account of a log with the rules of its [[tail]], so that a replay knows them."""
    if account.source != LOG:
        return account
    for each in tails:
        if each.account == account.name:
            rules = msgspec.json.encode(each.form(), order="deterministic").decode()
            options = {**account.options, RULES_OPTION: rules}
            return msgspec.structs.replace(account, options=options)
    return account


def check_tail(tails: Sequence[TailSettings], accounts: Collection[tuple[str, str]]) -> None:
    """Refuse what cannot be meant.

    Args:
        tails: of the settings.
        accounts: (source, name) of every account.

    Raises:
        SettingInvalid: the message names the field.
    """
    names, files = [each.account for each in tails], [p for each in tails for p in each.paths()]
    for each in tails:
        where = f"tail {', '.join(each.paths()) or '?'}"
        if not each.paths() or not all(each.paths()):
            raise SettingInvalid(f"{where}, path: name a file")
        if any(files.count(path) > 1 for path in each.paths()):
            raise SettingInvalid(f"{where}, path: the same file is read twice")
        if (LOG, each.account) not in accounts:
            raise SettingInvalid(
                f"{where}, account: there is no account {LOG}/{each.account}; add an [[account]]"
            )
        if names.count(each.account) > 1:
            raise SettingInvalid(
                f"{where}, account: another [[tail]] has {each.account} too; list its files in one"
            )
        if each.line_max_bytes < _LINE_MIN:
            raise SettingInvalid(f"{where}, line_max_bytes: must be at least {_LINE_MIN}")
        for field, why in faults(each.form()):
            raise SettingInvalid(f"{where}, {field}: {why}")


def check_listen(listens: Sequence[ListenSettings], accounts: Collection[tuple[str, str]]) -> None:
    """Refuse what cannot be meant.

    Args:
        listens: of the settings.
        accounts: (source, name) of every account.

    Raises:
        SettingInvalid: the message names the field.
    """
    seen = set()
    for each in listens:
        where = f"listen {each.host}:{each.port}"
        if each.source != "pos":
            raise SettingInvalid(f"{where}, source: only terminals' messages (pos) come over TCP")
        if (each.source, each.account) not in accounts:
            raise SettingInvalid(
                f"{where}, account: there is no account {each.source}/{each.account}; "
                "add an [[account]]"
            )
        if not 0 <= each.port <= _PORT_MAX:
            raise SettingInvalid(f"{where}, port: not between 0 and {_PORT_MAX}")
        if each.port and (each.host, each.port) in seen:
            raise SettingInvalid(f"{where} is configured twice")
        seen.add((each.host, each.port))
        if each.frame_max_bytes < _FRAME_MIN or each.frame_max_bytes >= 256 ** PREFIX["length2"]:
            raise SettingInvalid(f"{where}, frame_max_bytes: not between {_FRAME_MIN} and 65535")
        for name in ("connections_max", "frame_deadline_s", "idle_s"):
            if getattr(each, name) <= 0:
                raise SettingInvalid(f"{where}, {name}: must be more than 0")
        _check_peers(each, where)


def _check_peers(each: ListenSettings, where: str) -> None:
    for text in each.allow:
        try:
            ip_network(text)
        except ValueError as error:
            raise SettingInvalid(f"{where}, allow: {error}") from None
    try:
        is_local = each.host == "localhost" or ip_address(each.host).is_loopback
    except ValueError:
        is_local = False
    if not is_local and not each.allow:
        raise SettingInvalid(
            f"{where}, allow: terminals' messages prove nothing by themselves, so say which "
            'networks may send them, as allow = ["10.1.0.0/16"]'
        )
