"""Settings of an endpoint: an address of the merchant's order system that wants to be told."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import msgspec

from voidtrail.errors import SettingInvalid
from voidtrail.response.telling import Word


class EndpointSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One endpoint.

    Attributes:
        name: unique; stands in the ledger and in metrics.
        url: "https://…"; "http://…" only to addresses in `allow`.
        secret: "env:NAME" or "file:PATH" of a `whsec_…` secret; two while one replaces another.
        events: what it wants to hear of; everything if empty.
        shops: whose payments it wants to hear of; every shop's if empty.
        allow: networks within which its address may lie though they are not public, as
            "10.0.0.0/8".
        timeout_s: how long it may take to answer.
        disable_after_days: after so many days without one success nothing is sent any more.
    """

    name: str
    url: str
    secret: str | tuple[str, ...]
    events: tuple[Word, ...] = ()
    shops: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    timeout_s: float = 15.0
    disable_after_days: float = 7.0

    def secret_places(self) -> tuple[str, ...]:
        """Return where the secrets are, the present one first."""
        return (self.secret,) if isinstance(self.secret, str) else self.secret


def check_endpoints(endpoints: tuple[EndpointSettings, ...]) -> None:
    """Refuse what the types cannot see.

    Raises:
        SettingInvalid: a name or address cannot be used, or stands there twice.
    """
    seen: set[str] = set()
    for each in endpoints:
        where = f"endpoint {each.name}"
        if not each.name or any(letter in each.name for letter in "/: \n"):
            raise SettingInvalid(f"{where}: a name must be one word without / or :")
        if each.name in seen:
            raise SettingInvalid(f"{where} is configured twice")
        seen.add(each.name)
        check_url(each.url, where, plain=bool(each.allow))
        if not each.secret_places():
            raise SettingInvalid(f"{where}: give a secret as env:NAME or file:PATH")
        for network in each.allow:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise SettingInvalid(
                    f"{where}: allow {network!r} is not a network like 10.0.0.0/8: {error}"
                ) from None
        if not 0 < each.timeout_s <= 30:
            raise SettingInvalid(f"{where}: timeout_s must be more than 0 and at most 30")
        if each.disable_after_days <= 0:
            raise SettingInvalid(f"{where}: disable_after_days must be more than 0")


def check_url(url: str, where: str, *, plain: bool) -> None:
    """Refuse an address that cannot be told.

    Args:
        url: the address.
        where: for the message.
        plain: whether http:// will do.

    Raises:
        SettingInvalid: it cannot be used.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise SettingInvalid(f"{where}: {url!r} is not an address: {error}") from None
    if parts.scheme not in ("https", "http") or not host:
        raise SettingInvalid(f"{where}: {url!r} is not an address like https://shop.example/hooks")
    if parts.username is not None or parts.fragment:
        raise SettingInvalid(f"{where}: an address holds neither a user nor a #fragment")
    if parts.scheme == "http" and not plain:
        raise SettingInvalid(
            f"{where}: use https://; http:// is only for addresses that `allow` names"
        )
