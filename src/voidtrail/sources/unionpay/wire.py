"""UnionPay's messages: forms and unescaped answers, what is signed, whose certificate it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha1, sha256
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from voidtrail.event.model import Micros
from voidtrail.sources import canonical, crypto, reading

_OWNER: Final = "中国银联股份有限公司"
_DATE: Final = re.compile(r"\d{4}", re.ASCII)
_MONTH: Final = re.compile(r"\d{4}(0[1-9]|1[0-2])", re.ASCII)
_DAY: Final = re.compile(r"\d{10}", re.ASCII)
_CHAIN_MAX: Final = 4


def form(body: bytes) -> Mapping[str, str] | None:
    """Return the fields of a notice's form; None if it is none or a field stands twice."""
    charset = "gb18030" if b"encoding=GB" in body else "utf-8"
    return canonical.form_fields(body, charset)


@lru_cache(maxsize=256)
def answer(body: bytes) -> Mapping[str, str] | None:
    """Return the fields of an answer, which is not URL-encoded; None if it is none.

    Blocks in braces or brackets may hold "&" and "=" of their own.

    >>> answer("respMsg=成功[0000000]&customerInfo={a=1&b=2}&merId=7".encode())["customerInfo"]
    '{a=1&b=2}'
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    fields: dict[str, str] = {}
    depth, begin = 0, 0
    for at, each in enumerate([*text, "&"]):
        if each in "{[":
            depth += 1
        elif each in "}]":
            depth = max(0, depth - 1)
        elif each == "&" and (depth == 0 or at == len(text)):
            name, equals, value = text[begin:at].partition("=")
            if not equals or not name or name in fields:
                return None
            fields[name] = value
            begin = at + 1
    return fields or None


def signed_text(fields: Mapping[str, str]) -> bytes:
    """Return what is hashed: sorted "k=v" of decoded values, without `signature` and empties."""
    return canonical.sorted_pairs(fields.items(), {"signature"}).encode("utf-8", "replace")


def is_unionpays(found: crypto.Certificate) -> bool:
    """Whether a certificate was issued to UnionPay: the third "@"-part of its common name."""
    parts = found.owner.split("@")
    return len(parts) > 2 and parts[2] == _OWNER


@lru_cache(maxsize=256)
def chain(pem: str, middles: tuple[str, ...], roots: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the certificates from one up to a root, or None if it does not lead to any.

    Args:
        pem: the certificate that came with a message.
        middles: configured issuers in between.
        roots: configured anchors.
    """
    if pem in roots:
        return (pem,)
    found: tuple[str, ...] = (pem,)
    for _ in range(_CHAIN_MAX):
        issuer = next((each for each in roots if _issued(found[-1], each)), None)
        if issuer is not None:
            return (*found, issuer)
        between = [each for each in middles if each not in found and _issued(found[-1], each)]
        if not between:
            return None
        found = (*found, between[0])
    return None


def _issued(pem: str, issuer: str) -> bool:
    """Whether one certificate was signed by another: by name, and by RSA over what it certifies.

    UnionPay's issuers still sign some certificates with SHA-1, which X.509 libraries refuse.
    """
    try:
        below, above = (
            x509.load_pem_x509_certificate(text.strip().replace("\r\n", "\n").encode())
            for text in (pem, issuer)
        )
        key, digest = above.public_key(), below.signature_hash_algorithm
        if below.issuer != above.subject or not isinstance(key, RSAPublicKey) or digest is None:
            return False
        key.verify(below.signature, below.tbs_certificate_bytes, PKCS1v15(), digest)
    except (ValueError, InvalidSignature, UnsupportedAlgorithm, x509.InvalidVersion):
        return False
    return True


def verifies(version: str, key: str, signature: str, text: bytes) -> bool:
    """Whether a signature is RSA over the lower-case hex hash of the text.

    Version 5.0.0 hashes and signs with SHA-1, 5.1.0 with SHA-256.
    """
    if version == "5.0.0":
        inner = sha1(text, usedforsecurity=False).hexdigest().encode()
        return crypto.rsa_verifies(key, signature, inner, "sha1")
    return crypto.rsa_verifies(key, signature, sha256(text).hexdigest().encode())


def told_at(fields: Mapping[str, str]) -> Micros | None:
    """Return when it happened: `traceTime` in the year of `txnTime`, else `txnTime`."""
    sent = fields.get("txnTime", "")
    at = reading.compact_instant(sent)
    trace = fields.get("traceTime", "")
    if at is None or not _DAY.fullmatch(trace):
        return at
    traced = reading.compact_instant(year_of(trace[:4], sent) + trace)
    return at if traced is None else traced


def year_of(day: str, sent: str) -> str:
    """Return the year of a day written MMDD, by the instant of its transaction.

    >>> year_of("0101", "20251231235959"), year_of("1231", "20260101000001")
    ('2026', '2025')
    """
    year, month = int(sent[:4]), int(sent[4:6])
    apart = int(day[:2]) - month
    return f"{year + (1 if apart < -6 else -1 if apart > 6 else 0):04d}"


def settled_on(fields: Mapping[str, str]) -> str:
    """Return `settleDate`, which has no year, as an ISO date; "" if there is none.

    >>> settled_on({"settleDate": "0101", "txnTime": "20251231233000"})
    '2026-01-01'
    """
    return _dated(fields.get("settleDate", ""), fields.get("txnTime", "")[:6])


@lru_cache(maxsize=64)
def _dated(day: str, month: str) -> str:
    if not _DATE.fullmatch(day) or not _MONTH.fullmatch(month):
        return ""
    year = year_of(day, month)
    if reading.compact_instant(f"{year}{day}000000") is None:
        return ""
    return f"{year}-{day[:2]}-{day[2:]}"
