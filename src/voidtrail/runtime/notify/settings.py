"""Settings of alerts: channels, routes, hours; and the book of routes that they make."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Literal

import msgspec

from voidtrail.errors import SettingInvalid
from voidtrail.money import minor_from_major
from voidtrail.response.alert import OTHER_SHOPS, Book
from voidtrail.response.hours import Hours, Rule, parse
from voidtrail.response.route import Route, Send, Step, faults

_SECOND: Final = 1_000_000


class ChannelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where people are told.

    Attributes:
        name: unique; routes name it.
        address: "env:NAME" or "file:PATH" of an Apprise address, as "dingtalk://…".
        language: of the texts.
        timeout_s: how long the other side may take.
        server: "https://…" of an installation of one's own, in place of the platform's servers.
    """

    name: str
    address: str
    language: Literal["en", "zh_CN"] = "en"
    timeout_s: float = 10.0
    server: str = ""


class StepSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is told if nobody acknowledged for so many seconds."""

    after_s: int
    to: tuple[str, ...]


class RouteSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Conditions and receivers (see `response.route.Route`); amounts are decimal texts."""

    name: str
    to: tuple[str, ...]
    send: Send = "at_once"
    each: bool = False
    hours: Rule = "always"
    test: bool = False
    state: tuple[str, ...] = ()
    was: tuple[str, ...] = ()
    how: tuple[str, ...] = ()
    actor: tuple[str, ...] = ()
    money: tuple[str, ...] = ()
    rail: tuple[str, ...] = ()
    method: tuple[str, ...] = ()
    shop: tuple[str, ...] = ()
    entity: tuple[str, ...] = ()
    tags: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    at_least: Mapping[str, str] = msgspec.field(default_factory=dict)
    below: Mapping[str, str] = msgspec.field(default_factory=dict)
    switched: bool = False
    escalate: tuple[StepSettings, ...] = ()


class HoursSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a shop may be disturbed, by its own clock; "*" stands for every other shop."""

    shop: str = OTHER_SHOPS
    quiet: str = ""
    business: str = ""


class AlertSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pace of alerts.

    Attributes:
        window_s: so long after its last payment an incident is over.
        digest_every_s: so long what goes into a digest may wait.
        own_max: most incidents of single payments at a time, of one shop, rail and kind.
    """

    window_s: int = 900
    digest_every_s: int = 3600
    own_max: int = 10


def book_of(
    alerts: AlertSettings, channels: Sequence[ChannelSettings], routes: Sequence[RouteSettings],
    hours: Sequence[HoursSettings], places: Mapping[str, Collection[str]],
) -> Book:  # fmt: skip
    """Return the book of routes.

    Args:
        alerts: the pace.
        channels: where people are told.
        routes: who is told of what.
        hours: of shops.
        places: the rails, shops and entities of the accounts.

    Raises:
        SettingInvalid: something cannot be meant; the message names the field.
    """
    names = [each.name for each in channels]
    for each in channels:
        if not each.name or names.count(each.name) > 1:
            raise SettingInvalid(f"channel {each.name!r}: a name is given, and to one channel only")
        if not 0 < each.timeout_s <= 30:
            raise SettingInvalid(f"channel {each.name}, timeout_s: must be above 0, at most 30")
        if each.server and not each.server.startswith(("https://", "http://")):
            raise SettingInvalid(f"channel {each.name}, server: write it as https://im.example.com")
    for name, value in (("window_s", alerts.window_s), ("digest_every_s", alerts.digest_every_s)):
        if value <= 0:
            raise SettingInvalid(f"setting alerts.{name} must be more than 0 seconds")
    made = tuple(_route(each) for each in routes)
    for fault in faults(made, {"to": names, **places}):
        raise SettingInvalid(f"route {fault.route}, {fault.field}: {fault.why}")
    return Book(made, _hours(hours, places["shop"]), alerts.window_s * _SECOND,
                alerts.digest_every_s * _SECOND, alerts.own_max)  # fmt: skip


def _route(given: RouteSettings) -> Route:
    fields = {name: getattr(given, name) for name in Route._fields}
    for name in ("at_least", "below"):
        fields[name] = {
            currency: _amount(given, name, currency, text)
            for currency, text in fields[name].items()
        }
    fields["escalate"] = tuple(Step(each.after_s, each.to) for each in given.escalate)
    return Route(**fields)


def _amount(route: RouteSettings, field: str, currency: str, text: str) -> int:
    try:
        return minor_from_major(text, currency)
    except ValueError as error:
        raise SettingInvalid(f"route {route.name}, {field}: {error}") from None


def _hours(given: Sequence[HoursSettings], shops: Collection[str]) -> dict[str, Hours]:
    found: dict[str, Hours] = {}
    for each in given:
        if each.shop in found:
            raise SettingInvalid(f"hours of shop {each.shop!r} are given twice")
        if each.shop != OTHER_SHOPS and each.shop not in shops:
            raise SettingInvalid(f"hours: {each.shop!r} is not a shop of any account")
        try:
            found[each.shop] = Hours(parse(each.quiet), parse(each.business))
        except ValueError as error:
            raise SettingInvalid(f"hours of shop {each.shop!r}: {error}") from None
    return found
