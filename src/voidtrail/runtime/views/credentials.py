"""The self-test of an account's secrets: can they be read, do they fit, until when do they count.

Nothing is sent anywhere, and no secret is shown: only what is wrong with it. That the platform uses
the same one is proved by its first genuine delivery alone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from voidtrail.errors import KeyUnknown, VoidtrailError
from voidtrail.event.model import Micros
from voidtrail.runtime.preparing import Entry
from voidtrail.runtime.views.shapes import Shape
from voidtrail.sources import certificate, crypto

_SOON: Final = timedelta(days=30)
_PROBE: Final = b"voidtrail self-test"
_PLACEHOLDERS: Final = ("changeme", "your-", "your_", "<", "xxx", "example")
_SHORT: Final = 8
_AES_KEYS: Final = frozenset({"api_v3_key"})
_HEX_KEYS: Final = frozenset({("adyen", "hmac")})
_CERTIFICATE: Final = "-----BEGIN CERTIFICATE"
_NAMES_ONLY: Final = frozenset(
    {"serial_no", "mchid", "app_id", "client_id", "webhook_id", "merchant_id", "public_id"}
)
"""Purposes that name somebody and prove nothing."""


class Tested(Shape, frozen=True, kw_only=True):
    """What the self-test says of one secret.

    Attributes:
        purpose: what it is for, as "signing".
        needed: without it nothing can be taken in.
        result: "good", "soon" (a certificate that ends within 30 days), "missing", "broken".
        why: which code of the fault: "absent", "blanks", "placeholder", "short", "length",
            "unreadable", "expired", "not_yet"; "" if none.
        detail: a certificate's common name and serial number.
        until: the last instant of a certificate.
    """

    purpose: str
    needed: bool
    result: str
    why: str = ""
    detail: str = ""
    until: Micros | None = None


def self_test(entry: Entry, now: Micros) -> tuple[Tested, ...]:
    """Test every secret that an account has or should have.

    Args:
        entry: the account.
        now: the present instant.
    """
    abilities = entry.source.CAPABILITIES
    purposes = dict.fromkeys((*abilities.needed, *sorted(entry.secrets)))
    found = []
    for purpose in purposes:
        needed = purpose in abilities.needed
        values = entry.secrets.get(purpose, ())
        if not values:
            found.append(Tested(purpose=purpose, needed=needed, result="missing", why="absent"))
        for value in values:
            result, why, detail, until = _one(entry.account.source, purpose, value.reveal(), now)
            found.append(Tested(purpose=purpose, needed=needed, result=result, why=why,
                                detail=detail, until=until))  # fmt: skip
    return tuple(found)


Verdict = tuple[str, str, str, Micros | None]


def _one(source: str, purpose: str, text: str, now: Micros) -> Verdict:
    if text != text.strip() and "-----BEGIN" not in text:
        return "broken", "blanks", "", None
    if not text.strip():
        return "missing", "absent", "", None
    if any(word in text.lower()[:24] for word in _PLACEHOLDERS):
        return "broken", "placeholder", "", None
    if text.lstrip().startswith(_CERTIFICATE):
        return _certificate(text, now)
    if "-----BEGIN" in text or purpose.endswith(("public_key", "private_key", "platform_key")):
        return _key(purpose, text)
    if purpose in _AES_KEYS and len(text.encode()) != 32:
        return "broken", "length", "", None
    if (source, purpose) in _HEX_KEYS and not _is_hex(text):
        return "broken", "unreadable", "", None
    if purpose not in _NAMES_ONLY and len(text) < _SHORT:
        return "broken", "short", "", None
    crypto.hmac_sha256_hex(text, _PROBE)  # a signature made with it parses
    return "good", "", "", None


def _is_hex(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) > 0
    except ValueError:
        return False


def _certificate(text: str, now: Micros) -> Verdict:
    try:
        chain = certificate.chain(text)
        name = f"{certificate.common_name(chain[0])} · {chain[0].serial_number:X}"
    except (KeyUnknown, ValueError):
        return "broken", "unreadable", "", None
    moment = datetime.fromtimestamp(now / 1_000_000, UTC)
    first, last = chain[0].not_valid_before_utc, chain[0].not_valid_after_utc
    until = int(last.timestamp()) * 1_000_000
    if moment > last:
        return "broken", "expired", name, until
    if moment < first:
        return "broken", "not_yet", name, until
    readable = _readable(lambda: crypto.rsa_verifies(text, "", _PROBE))
    if not readable:
        return "broken", "unreadable", name, until
    return "soon" if last - moment < _SOON else "good", "", name, until


def _key(purpose: str, text: str) -> Verdict:
    """Make or check a signature with a key: it is readable if that can be done at all."""
    private = "PRIVATE KEY" in text or purpose == "private_key"
    work: Callable[[], object] = (
        (lambda: crypto.rsa_sign(text, _PROBE))
        if private
        else (lambda: crypto.rsa_verifies(text, "", _PROBE))
    )
    return ("good", "", "", None) if _readable(work) else ("broken", "unreadable", "", None)


def _readable(work: Callable[[], object]) -> bool:
    try:
        work()
    except (VoidtrailError, ValueError, TypeError):
        return False
    return True
