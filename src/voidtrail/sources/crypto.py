"""Signatures and seals that several platforms share: HMAC, RSA and AES-GCM.

Nothing here raises on foreign bytes: a signature that cannot be decoded, a key of another kind or a
body that does not open is a plain "no". Keys are parsed once and kept, because parsing costs twenty
times what a verification costs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

from voidtrail.errors import KeyUnknown
from voidtrail.event.model import Micros

Digest = Literal["sha256", "sha1"]
Hash = Literal["sha256", "sha1", "sha512", "md5"]
_DIGESTS: Final = {"sha256": hashes.SHA256(), "sha1": hashes.SHA1()}
_PADDING: Final = PKCS1v15()
_TAG_BYTES: Final = 16
_NO_CERTIFICATE: Final = (
    ValueError, TypeError, OverflowError, UnsupportedAlgorithm, x509.InvalidVersion,
    x509.DuplicateExtension,
)  # fmt: skip


def hmac_sha256_hex(key: str, message: bytes) -> bytes:
    """Return HMAC-SHA256 as lower-case hex, with the key's text as UTF-8.

    >>> hmac_sha256_hex("key", b"message")[:12]
    b'6e9ef29b75ff'
    """
    return hmac.digest(key.encode(), message, "sha256").hex().encode()


def hmac_raw(key: bytes, message: bytes, digest: Hash = "sha256") -> bytes:
    """Return an HMAC's bytes, for platforms whose key is decoded or hashed first."""
    return hmac.digest(key, message, digest)


def hmac_base64(key: bytes, message: bytes, digest: Hash = "sha256") -> bytes:
    """Return an HMAC as padded base64.

    >>> hmac_base64(b"key", b"message")[:12]
    b'bp7ym3X//Ft6'
    """
    return base64.b64encode(hmac.digest(key, message, digest))


def hashed_hex(message: bytes, digest: Hash) -> bytes:
    """Return a plain hash as lower-case hex: the canonical strings of some platforms end so.

    >>> hashed_hex(b"a=1&key=k", "md5")[:8]
    b'affdcc88'
    """
    return hashlib.new(digest, message, usedforsecurity=False).hexdigest().encode()


def same(left: bytes, right: str) -> bool:
    """Compare a computed text with a received one in constant time."""
    return hmac.compare_digest(left, right.encode("utf-8", "replace"))


def any_same(computed: Iterable[bytes], given: str) -> bool:
    """Compare a received text with one computed by each key: all of them, in constant time."""
    received, matched = given.encode("utf-8", "replace"), False
    for each in computed:
        matched |= hmac.compare_digest(each, received)
    return matched


def from_base64(text: str) -> bytes | None:
    """Decode strict base64 (padded, nothing foreign, no bits to spare), or return None.

    >>> from_base64("aGk="), from_base64("aGk"), from_base64("aG k="), from_base64("aGl=")
    (b'hi', None, None, None)
    """
    try:
        found = binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        return None
    # Two texts of one signature would make two deliveries of one notice.
    return found if binascii.b2a_base64(found, newline=False) == text.encode() else None


@lru_cache(maxsize=256)
def public_key(text: str) -> RSAPublicKey:
    """Return the RSA key of a PEM certificate, a PEM public key or bare base64 of one.

    Raises:
        KeyUnknown: the text holds no RSA public key; a setting is wrong.
    """
    key: object
    try:
        if "BEGIN CERTIFICATE" in text:
            key = x509.load_pem_x509_certificate(text.strip().encode()).public_key()
        elif "BEGIN" in text:
            key = serialization.load_pem_public_key(text.strip().encode())
        else:
            key = serialization.load_der_public_key(base64.b64decode("".join(text.split())))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPublicKey):
        raise KeyUnknown("a configured key is no RSA public key: give PEM, or base64 of one")
    return key


@lru_cache(maxsize=64)
def private_key(text: str) -> RSAPrivateKey:
    """Return the RSA key of a PEM private key or of bare base64 (PKCS#8 or PKCS#1).

    Raises:
        KeyUnknown: the text holds no RSA private key; a setting is wrong.
    """
    key: object
    try:
        if "BEGIN" in text:
            key = serialization.load_pem_private_key(text.strip().encode(), None)
        else:
            key = serialization.load_der_private_key(base64.b64decode("".join(text.split())), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise KeyUnknown("a configured key is no RSA private key without a password")
    return key


@lru_cache(maxsize=256)
def certificate_serial(pem: str) -> str:
    """Return a certificate's serial number as upper-case hex without leading zeros.

    Raises:
        KeyUnknown: the text is not a PEM certificate; a setting is wrong.
    """
    try:
        return f"{x509.load_pem_x509_certificate(pem.strip().encode()).serial_number:X}"
    except ValueError:
        raise KeyUnknown("a configured key is neither SERIAL=PEM nor a PEM certificate") from None


def rsa_verifies(key: str, signature: str, message: bytes, digest: Digest = "sha256") -> bool:
    """Return whether base64 `signature` is RSA PKCS#1 v1.5 over `message` by the key `key`.

    Raises:
        KeyUnknown: the key, a setting of ours, cannot be read.
    """
    raw = from_base64(signature)
    if raw is None:
        return False
    try:
        public_key(key).verify(raw, message, _PADDING, _DIGESTS[digest])
    except (InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def rsa_sign(key: str, message: bytes, digest: Digest = "sha256") -> str:
    """Return base64 of the RSA PKCS#1 v1.5 signature by a private key."""
    raw = private_key(key).sign(message, _PADDING, _DIGESTS[digest])
    return base64.b64encode(raw).decode()


@lru_cache(maxsize=64)
def _gcm(key: bytes) -> AESGCM:
    return AESGCM(key)


def aes_gcm_open(key: str, nonce: str, associated: str, sealed: str) -> bytes | None:
    """Open base64 AES-GCM text whose last 16 bytes are the tag, or return None.

    Args:
        key: the key's text, used as ASCII bytes: 32 characters are AES-256. 16 and 24 are
            accepted as well, since a platform's own test vectors use them.
        nonce: text, used as bytes.
        associated: authenticated text; may be empty.
        sealed: base64 of ciphertext and tag.
    """
    raw, key_bytes = from_base64(sealed), key.encode()
    if raw is None or len(raw) < _TAG_BYTES or len(key_bytes) not in (16, 24, 32):
        return None
    try:
        return _gcm(key_bytes).decrypt(nonce.encode(), raw, associated.encode() or None)
    except (InvalidTag, ValueError):
        return None


class Certificate(NamedTuple):
    """A certificate as far as it is read.

    Attributes:
        title: how a message calls it: serial number, subject, last day.
        serial: in decimal.
        begins, ends: between which instants it is valid, in seconds.
    """

    pem: str
    title: str
    owner: str
    serial: str
    begins: int
    ends: int

    def is_valid(self, now: Micros) -> bool:
        """Whether it is valid at an instant."""
        return self.begins <= now // 1_000_000 <= self.ends


@lru_cache(maxsize=256)
def certificate(pem: str) -> Certificate | None:
    """Read a certificate, or return None."""
    try:
        found = x509.load_pem_x509_certificate(pem.strip().replace("\r\n", "\n").encode())
        names = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        owner = str(names[0].value) if len(names) == 1 else ""
        begins = int(found.not_valid_before_utc.timestamp())
        ends = int(found.not_valid_after_utc.timestamp())
        serial = str(found.serial_number)
    except _NO_CERTIFICATE:
        return None
    until = datetime.fromtimestamp(ends, UTC)
    title = f"certificate {serial} of {owner or 'nobody'}, valid until {until:%Y-%m-%d}"
    return Certificate(pem, title, owner, serial, begins, ends)
