"""The one place that answers: who is this, and what may they see?

Accounts and roles come later. Until then the JSON API answers this machine and whoever holds the
configured token; the console answers whoever opened a one-time link. A link and a session are
signed with the ledger's own key, so that any command on the same store can make a link, and a
session survives a restart of the server; that a link was used is remembered by the server that
took it, and it takes none that is older than itself.
"""

from __future__ import annotations

import base64
import getpass
import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

import msgspec

from voidtrail.event.account import Secret
from voidtrail.event.model import Micros
from voidtrail.runtime.app import House

LINK_S: Final = 3600
SESSION_S: Final = 12 * 3600
SAFE: Final = frozenset({"GET", "HEAD"})
_FORWARDED: Final = ("x-forwarded-for", "forwarded", "x-real-ip")
_SECOND: Final = 1_000_000
_NEAR: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Pass(msgspec.Struct, frozen=True, array_like=True):
    """What a link or a session says, signed."""

    issued_at: Micros
    once: str
    name: str


class Person(NamedTuple):
    """Who asks.

    Attributes:
        name: given when the link was made; stands in the ledger wherever a person acts.
        session: the signed text of the cookie.
        csrf: what every form of this session must bring along.
    """

    name: str
    session: str
    csrf: str

    def may(self, what: str) -> bool:
        """Whether this person may see or do something; roles come with accounts."""
        return bool(what)


def may_read(client: str | None, headers: Any, token: Secret | None) -> bool:
    """Whether a request may read the API.

    Args:
        client: the peer's address.
        headers: the request's headers, names in lower case.
        token: the configured token, None if there is none.
    """
    given = str(headers.get("authorization", "")).removeprefix("Bearer ").strip()
    if token is not None and given:
        return hmac.compare_digest(given.encode(), token.reveal().encode())
    return is_near(client, headers)


def is_near(client: str | None, headers: Any) -> bool:
    """Whether a request comes from this machine and through no proxy."""
    if client is None or any(name in headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(client).is_loopback
    except ValueError:
        return False


class Access:
    """The console's door.

    Args:
        house: its keys sign links and sessions, its settings say where the console may be reached.
    """

    def __init__(self, house: House) -> None:
        self._keyring = house.keyring
        self._clock = house.clock
        self._since = house.clock()
        self._used: dict[str, Micros] = {}
        server = house.settings.server
        self._public = urlsplit(server.public_url)
        self._port = server.port
        self._near = f"http://{_as_host(server.host)}:{server.port}"

    # ------------------------------------------------------------------ where from

    def admits(self, client: str | None, headers: Any) -> bool:
        """Whether the console may be asked at all from there, by that name.

        The name is checked so that no page from elsewhere can reach us by a name of its own.
        """
        host = str(headers.get("host", "")).lower()
        if self._public.netloc and host == self._public.netloc.lower():
            return True
        return is_near(client, headers) and (urlsplit(f"//{host}").hostname or "") in _NEAR

    def is_secure(self, headers: Any) -> bool:
        """Whether the browser speaks HTTPS: it asked by the public address."""
        return bool(self._public.netloc) and (
            str(headers.get("host", "")).lower() == self._public.netloc.lower()
        )

    def cookie(self, headers: Any) -> str:
        """Return the name of the session's cookie.

        Browsers bind a `__Host-` cookie to exactly one HTTPS host. On plain HTTP, which only this
        machine speaks, they refuse it, and the port keeps two servers' cookies apart.
        """
        return "__Host-voidtrail" if self.is_secure(headers) else f"voidtrail-{self._port}"

    # ------------------------------------------------------------------ links

    def link(self, name: str = "", to: str = "") -> str:
        """Return a link that opens the console once, within the hour.

        Args:
            name: whose it is; else the name of who runs this process.
            to: the page that it opens, as "/overview?period=week"; the first page unless given.
        """
        ticket = self._sign("link", Pass(self._clock(), secrets.token_urlsafe(9), name or _me()))
        root = f"https://{self._public.netloc}" if self._public.netloc else self._near
        return f"{root}/enter?ticket={ticket}{f'&to={quote(to)}' if to else ''}"

    def enter(self, ticket: str) -> str | None:
        """Take a link's ticket; return the cookie of a new session, None if it opens nothing."""
        found, now = self._read("link", ticket, LINK_S), self._clock()
        if found is None or found.issued_at < self._since or found.once in self._used:
            return None
        self._used = {once: at for once, at in self._used.items() if at > now - LINK_S * _SECOND}
        self._used[found.once] = found.issued_at
        return self._sign("session", Pass(now, secrets.token_urlsafe(12), found.name))

    # ------------------------------------------------------------------ sessions

    def who(self, headers: Any, cookies: Mapping[str, str]) -> Person | None:
        """Return who asks, None if nobody we know."""
        session = cookies.get(self.cookie(headers), "")
        found = self._read("session", session, SESSION_S)
        if found is None:
            return None
        return Person(found.name, session, self._mac("csrf", session))

    def is_own_form(self, person: Person, headers: Any, given: str) -> bool:
        """Whether a form comes from a page of ours, opened in this very session."""
        if str(headers.get("sec-fetch-site", "same-origin")) not in ("same-origin", "none"):
            return False
        return hmac.compare_digest(given.encode(), person.csrf.encode())

    # ------------------------------------------------------------------ signing

    def _mac(self, use: str, text: str) -> str:
        return _text64(self._keyring.blind(f"console {use}", text))

    def _sign(self, use: str, said: Pass) -> str:
        text = _text64(msgspec.json.encode(said))
        return f"{text}.{self._mac(use, text)}"

    def _read(self, use: str, signed: str, lives_s: int) -> Pass | None:
        text, _, mac = signed.partition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(use, text).encode()):
            return None
        padded = text + "=" * (-len(text) % 4)
        said = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=Pass)
        return said if 0 <= self._clock() - said.issued_at < lives_s * _SECOND else None


def is_page(to: str) -> bool:
    r"""Whether an address is a page of ours, and nowhere else.

    >>> is_page("/overview"), is_page("//evil.example"), is_page("https://evil.example")
    (True, False, False)
    >>> is_page("/\t/evil.example")  # browsers leave out the tab
    False
    """
    return to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable()


def _text64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _as_host(host: str) -> str:
    """Return the name under which a browser on this machine reaches an address listened on."""
    if host in ("0.0.0.0", "::", ""):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"
