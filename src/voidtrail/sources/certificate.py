"""Certificates that prove platforms: whose they are, until when, and by whom they were issued.

A certificate that no longer counts is refused by its own name, so that whoever reads the message
knows which file to replace.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

from voidtrail.errors import KeyUnknown
from voidtrail.event.model import Micros

_DEPTH_MAX: Final = 4
Chain = tuple[x509.Certificate, ...]


@lru_cache(maxsize=256)
def chain(pem: str) -> Chain:
    """Return the certificates of a PEM text: the platform's own first, then who issued it.

    Raises:
        KeyUnknown: the text holds no certificate; a setting is wrong.
    """
    try:
        return tuple(x509.load_pem_x509_certificates(pem.strip().encode()))
    except ValueError:
        raise KeyUnknown("a configured certificate is no PEM certificate") from None


def named(pem: str) -> str:
    """Return a certificate's name for people: subject, serial number, last day.

    Raises:
        KeyUnknown: the text holds no certificate.
    """
    first = chain(pem)[0]
    return (
        f"certificate {common_name(first) or first.subject.rfc4514_string()!r} "
        f"(serial {first.serial_number:X}, not after {first.not_valid_after_utc:%Y-%m-%d})"
    )


def common_name(certificate: x509.Certificate) -> str:
    """Return the common name of a certificate's subject, or ""."""
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


class _Span(NamedTuple):
    """When a certificate counts, and whose it is."""

    since: Micros
    until: Micros
    name: str


@lru_cache(maxsize=256)
def _span(pem: str) -> _Span:
    first = chain(pem)[0]
    since, until = (
        int(moment.timestamp()) * 1_000_000
        for moment in (first.not_valid_before_utc, first.not_valid_after_utc)
    )
    return _Span(since, until, common_name(first))


def check(pem: str, at: Micros, names: Collection[str], roots: Sequence[str] = ()) -> None:
    """Refuse a certificate that did not count when something was signed with it.

    Args:
        pem: the certificate, perhaps with those that issued it behind it.
        at: when it was used.
        names: common names, one of which it must have.
        roots: PEM texts of authorities, one of which must have issued it; none: it is trusted
            because it was configured.

    Raises:
        KeyUnknown: not yet or no longer valid, somebody else's, or issued by nobody known.
    """
    span = _span(pem)
    if at > span.until:
        raise KeyUnknown(f"{named(pem)} had expired when the notice was signed: save the new one")
    if at < span.since:
        raise KeyUnknown(f"{named(pem)} was not valid yet when the notice was signed")
    if names and span.name not in names:
        raise KeyUnknown(f"{named(pem)} is not the platform's: expected {' or '.join(names)}")
    if roots and not _issued(chain(pem), tuple(roots)):
        raise KeyUnknown(f"{named(pem)} was issued by none of the configured authorities")


@lru_cache(maxsize=64)
def _issued(found: Chain, roots: tuple[str, ...]) -> bool:
    trusted = [each for pem in roots for each in chain(pem)]
    current = found[0]
    for _ in range(_DEPTH_MAX):
        if current in trusted or any(_is_issuer(each, current) for each in trusted):
            return True
        above = next((each for each in found[1:] if _is_issuer(each, current)), None)
        if above is None or above == current:
            return False
        current = above
    return False


def _is_issuer(above: x509.Certificate, below: x509.Certificate) -> bool:
    try:
        below.verify_directly_issued_by(above)
        authority = above.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return authority
