"""One frozen object of settings: file, then environment, then flags; an unknown key is refused.

The file is `voidtrail.toml`. An environment variable names a key with its path in capitals, as
`VOIDTRAIL_SERVER__PORT=8080`; `VOIDTRAIL_DB` is short for `VOIDTRAIL_LEDGER__PATH`. Secrets are
never written into the file: they are given as "env:NAME" or "file:PATH".
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from voidtrail.errors import SettingInvalid, SettingUnknown
from voidtrail.event.account import Account, Mode, Secret, Secrets
from voidtrail.lifecycle.seal import Policy
from voidtrail.lifecycle.terms import DEFAULT_PATIENCE_S, Terms
from voidtrail.response.alert import Book
from voidtrail.runtime.deeds.settings import SealSettings, policy_of
from voidtrail.runtime.endpoints.settings import EndpointSettings, check_endpoints
from voidtrail.runtime.inlets import ListenSettings, TailSettings, check_listen, check_tail
from voidtrail.runtime.notify.settings import (
    AlertSettings,
    ChannelSettings,
    HoursSettings,
    RouteSettings,
    book_of,
)

PREFIX: Final = "VOIDTRAIL_"
_SHORT: Final = {"VOIDTRAIL_DB": "ledger.path", "VOIDTRAIL_PORT": "server.port"}
# Read by the command line before there are settings, or by other parts of the house.
_NOT_SETTINGS: Final = frozenset({"VOIDTRAIL_CONFIG", "VOIDTRAIL_SHARED", "VOIDTRAIL_LANGUAGE"})


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the settings."""


class Server(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where and how deliveries are taken in.

    Attributes:
        body_max_bytes: a larger body is answered with 413.
        read_deadline_s: a body that is not complete by then is dropped.
        group_max: most deliveries that one transaction takes.
        api_token: "env:NAME" or "file:PATH" of the token for the JSON API; without one, only this
            machine may read.
        public_url: "https://…" where staff reach the console through a proxy that speaks TLS;
            without one, only a browser on this machine may.
    """

    host: str = "127.0.0.1"
    port: int = 8420
    body_max_bytes: int = 1_048_576
    read_deadline_s: float = 10.0
    group_max: int = 256
    api_token: str = ""
    public_url: str = ""


class Ledger(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the ledger lives. The key file stands beside it unless named."""

    path: str = "voidtrail.db"
    key_file: str = ""


class Worker(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The worker's pace.

    Attributes:
        tick_s: how often the ledger's clock is set and silence judged.
        ask_timeout_s: how long a platform may take to answer.
        ask_at_once: most questions under way at one time.
        ask_held_s: so long after the last word about held money its platform is asked; 0 for never.
        ask_rate_per_s: most questions and deeds a second at one account, on average.
        ask_backoff_s: pause after the first unanswered question; it doubles.
        ask_tries: questions about one payment; if none is answered, that is put on record and
            its silence decides.
    """

    tick_s: float = 5.0
    ask_timeout_s: float = 10.0
    ask_at_once: int = 16
    ask_rate_per_s: float = 20.0
    ask_held_s: float = 86_400.0
    ask_tries: int = 5
    ask_backoff_s: float = 30.0


class Silence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Terms under which silence is judged (see `lifecycle.terms`); by method, in seconds."""

    patience_s: Mapping[str, int] = msgspec.field(default_factory=dict)
    beyond_s: int = Terms().beyond_s
    tolerance_s: int = Terms().tolerance_s


class AccountSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account of the merchant at one source; `secrets` are "env:NAME" or "file:PATH".

    An option may be "file:PATH" too: the text of that file.
    """

    source: str
    name: str
    entity: str = "default"
    shop: str = "default"
    mode: Mode = "live"
    zone: str = "Asia/Shanghai"
    cutoff: str = "00:00"
    provider: str = ""
    merchant: str = ""
    options: Mapping[str, str] = msgspec.field(default_factory=dict)
    secrets: Mapping[str, str | tuple[str, ...]] = msgspec.field(default_factory=dict)

    def account(self, base: str = ".") -> Account:
        """Return the account without its secrets.

        Args:
            base: the folder that files of options are relative to.

        Raises:
            SettingInvalid: an option's file cannot be read.
        """
        where = f"account {self.source}/{self.name}, option"
        options = {
            name: _text_of(value.removeprefix("file:"), f"{where} {name}", base)
            if value.startswith("file:")
            else value
            for name, value in self.options.items()
        }
        return Account(
            source=self.source, name=self.name, entity=self.entity, shop=self.shop, mode=self.mode,
            zone=self.zone, cutoff=self.cutoff, options=options,
        )  # fmt: skip


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings."""

    server: Server = Server()
    ledger: Ledger = Ledger()
    worker: Worker = Worker()
    silence: Silence = Silence()
    account: tuple[AccountSettings, ...] = ()
    endpoint: tuple[EndpointSettings, ...] = ()
    alerts: AlertSettings = AlertSettings()
    channel: tuple[ChannelSettings, ...] = ()
    route: tuple[RouteSettings, ...] = ()
    hours: tuple[HoursSettings, ...] = ()
    listen: tuple[ListenSettings, ...] = ()
    tail: tuple[TailSettings, ...] = ()
    seal: SealSettings = SealSettings()
    base: str = "."

    def terms(self, askable: tuple[int, ...] = ()) -> Terms:
        """Return the terms of silence, defaults filled in."""
        return Terms(
            patience_s={**DEFAULT_PATIENCE_S, **self.silence.patience_s},
            beyond_s=self.silence.beyond_s, tolerance_s=self.silence.tolerance_s, askable=askable,
        )  # fmt: skip

    def book(self) -> Book:
        """Return who is told of what.

        Raises:
            SettingInvalid: a route cannot be meant; the message names the field.
        """
        places = {
            "rail": {each.source for each in self.account},
            "shop": {each.shop for each in self.account},
            "entity": {each.entity for each in self.account},
        }
        return book_of(self.alerts, self.channel, self.route, self.hours, places)

    def policy(self) -> Policy:
        """Return what is done by itself at platforms.

        Raises:
            SettingInvalid: something of `[seal]` cannot be meant; the message names the field.
        """
        places = {each.source for each in self.account}, {each.shop for each in self.account}
        return policy_of(self.seal, *places)

    def key_file(self) -> Path:
        """Return where the keys of the ledger are."""
        return Path(self.ledger.key_file or f"{self.ledger.path}.key")


def load(
    path: str | Path | None,
    environment: Mapping[str, str],
    flags: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings.

    Args:
        path: the file; None takes `voidtrail.toml` if there is one.
        environment: usually `os.environ`.
        flags: dotted keys and values, as {"ledger.path": "x.db"}; None values are ignored.

    Raises:
        SettingUnknown: a key is not known; the message names it and the nearest.
        SettingInvalid: a value cannot be used, or the file cannot be read.
    """
    tree: dict[str, Any] = {}
    file = Path(path or environment.get("VOIDTRAIL_CONFIG") or "voidtrail.toml")
    if path is not None or "VOIDTRAIL_CONFIG" in environment or file.exists():
        try:
            tree = tomllib.loads(file.read_text("utf-8"))
        except OSError as error:
            raise SettingInvalid(f"settings file {file} cannot be read: {error.strerror}") from None
        except tomllib.TOMLDecodeError as error:
            raise SettingInvalid(f"settings file {file} is not TOML: {error}") from None
        tree.setdefault("base", str(file.parent))
    for name, value in environment.items():
        if name in _SHORT:
            _put(tree, _SHORT[name], value)
        elif name.startswith(PREFIX) and name not in _NOT_SETTINGS:
            _put(tree, name.removeprefix(PREFIX).lower().replace("__", "."), value)
    for key, value in (flags or {}).items():
        if value is not None:
            _put(tree, key, value)
    _refuse_unknown(tree, Settings, "")
    try:
        settings = msgspec.convert(tree, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingInvalid(f"settings: {error}") from None
    _check(settings)
    return _with_providers(settings)


def _with_providers(settings: Settings) -> Settings:
    """Return settings in which a sub-merchant's account has what its provider's has."""
    by_name = {(each.source, each.name): each for each in settings.account}

    def whole(each: AccountSettings) -> AccountSettings:
        if not each.provider:
            return each
        provider = by_name[each.source, each.provider]
        options = {**provider.options, **each.options, "merchant": each.merchant}
        secrets = {**provider.secrets, **each.secrets}
        return msgspec.structs.replace(each, options=options, secrets=secrets)

    return msgspec.structs.replace(settings, account=tuple(map(whole, settings.account)))


def _put(tree: dict[str, Any], key: str, value: object) -> None:
    *parents, leaf = key.split(".")
    for parent in parents:
        tree = tree.setdefault(parent, {})
        if not isinstance(tree, dict):
            raise SettingInvalid(f"setting {key}: {parent} is not a group of settings")
    tree[leaf] = value


def _refuse_unknown(tree: Mapping[str, Any], shape: type[msgspec.Struct], path: str) -> None:
    fields = {field.name: field.type for field in msgspec.structs.fields(shape)}
    for key, value in tree.items():
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = f"; did you mean {path}{near[0]}?" if near else ""
            raise SettingUnknown(f"setting {path}{key} is not known{hint}")
        kind = fields[key]
        part = next(iter(get_args(kind)), kind) if isinstance(value, list) else kind
        if not (isinstance(part, type) and issubclass(part, msgspec.Struct)):
            continue
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, Mapping):
                _refuse_unknown(each, part, f"{path}{key}.")


def _check(settings: Settings) -> None:
    """Refuse what msgspec cannot see."""
    public = settings.server.public_url
    if public and not (public.startswith("https://") and public.count("/") == 2):
        raise SettingInvalid(
            f"setting server.public_url: {public!r} is not an address like https://pay.example.com"
        )
    known = set(DEFAULT_PATIENCE_S)
    for method, seconds in settings.silence.patience_s.items():
        if method not in known:
            near = difflib.get_close_matches(method, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SettingUnknown(f"setting silence.patience_s.{method} is not a method{hint}")
        if seconds <= 0:
            raise SettingInvalid(f"setting silence.patience_s.{method} must be more than 0 seconds")
    check_endpoints(settings.endpoint)
    seen = set()
    for each in settings.account:
        where = f"account {each.source}/{each.name}"
        if (each.source, each.name) in seen:
            raise SettingInvalid(f"{where} is configured twice")
        seen.add((each.source, each.name))
        if "/" in each.name or "/" in each.source or not each.name:
            raise SettingInvalid(f"{where}: a name must not be empty or hold a slash")
        try:
            ZoneInfo(each.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise SettingInvalid(f"{where}: zone {each.zone!r} is not an IANA time zone") from None
        hour, colon, minute = each.cutoff.partition(":")
        if not (colon and hour.isdigit() and minute.isdigit()
                and int(hour) < 24 and int(minute) < 60):  # fmt: skip
            raise SettingInvalid(f"{where}: cutoff {each.cutoff!r} is not a time like 04:00")
    _check_providers(settings.account)
    check_listen(settings.listen, seen)
    check_tail(settings.tail, seen)
    settings.book()
    settings.policy()


def _check_providers(accounts: Sequence[AccountSettings]) -> None:
    """Refuse sub-merchants that belong to nobody, or to two accounts."""
    by_name = {(each.source, each.name): each for each in accounts}
    seen = set()
    for each in accounts:
        where = f"account {each.source}/{each.name}"
        if bool(each.provider) != bool(each.merchant):
            raise SettingInvalid(f"{where}: provider and merchant go together")
        if not each.provider:
            continue
        provider = by_name.get((each.source, each.provider))
        if provider is None or provider.provider:
            raise SettingInvalid(
                f"{where}: provider {each.provider!r} is no account of {each.source} that stands "
                "for itself"
            )
        if (each.source, each.provider, each.merchant) in seen:
            raise SettingInvalid(f"{where}: another account has merchant {each.merchant!r}")
        seen.add((each.source, each.provider, each.merchant))


def secret_of(
    place: str, where: str, environment: Mapping[str, str] | None = None, base: str = "."
) -> Secret:
    """Fetch one secret from "env:NAME" or "file:PATH".

    Raises:
        SettingInvalid: it is written in clear, or is not where it should be.
    """
    variables = os.environ if environment is None else environment
    kind, _, rest = place.partition(":")
    if kind == "env":
        if rest not in variables:
            raise SettingInvalid(f"{where}: the environment has no {rest}")
        return Secret(variables[rest])
    if kind == "file":
        return Secret(_text_of(rest, where, base).rstrip("\n"))
    raise SettingInvalid(
        f"{where}: write it as env:NAME or file:PATH; secrets do not stand in settings"
    )


def _text_of(path: str, where: str, base: str) -> str:
    try:
        return (Path(base) / path).read_text("utf-8")
    except OSError as error:
        raise SettingInvalid(f"{where}: {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingInvalid(f"{where}: {path}: not UTF-8") from None


def secrets_of(
    account: AccountSettings, environment: Mapping[str, str] | None = None, base: str = "."
) -> Secrets:
    """Fetch an account's secrets from the environment and from files.

    Raises:
        SettingInvalid: a secret is written in clear, or is not where it should be.
    """
    return {
        purpose: tuple(
            secret_of(place, f"account {account.source}/{account.name}, secret {purpose}",
                      environment, base)
            for place in ((places,) if isinstance(places, str) else places)
        )
        for purpose, places in account.secrets.items()
    }  # fmt: skip
