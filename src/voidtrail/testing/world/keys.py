"""Secrets of a world: those that stand in bodies come from the seed, RSA keys are made anew."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from voidtrail.testing.world.settings import ACCOUNTS

_HEX = 16


def new_key() -> RSAPrivateKey:
    """Make a 2048-bit RSA key."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key: RSAPrivateKey) -> str:
    """Return a private key as unencrypted PKCS#1 text."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def public_pem(key: RSAPrivateKey) -> str:
    """Return the public half as PEM text."""
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def certificate_pem(
    subject: str, key: RSAPrivateKey, issuer: str, issuer_key: RSAPrivateKey
) -> str:
    """Return a certificate for a key as PEM text, valid for long.

    Args:
        subject: whose it is, by common name.
        key: theirs.
        issuer: who signs it; the same for a root.
        issuer_key: theirs.
    """
    named, above = (
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, each)])
        for each in (subject, issuer)
    )
    built = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(above)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(sha256(subject.encode()).digest()[:5], "big"))
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2090, 1, 1, tzinfo=UTC))
        .sign(issuer_key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()


@dataclass(frozen=True)
class RsaKeys:
    """Two platforms' signing keys and the merchant's own for questions to them."""

    alipay: RSAPrivateKey
    alipay_merchant: RSAPrivateKey
    wechatpay: RSAPrivateKey
    wechatpay_merchant: RSAPrivateKey

    @classmethod
    def make(cls) -> RsaKeys:
        """Make all four."""
        return cls(new_key(), new_key(), new_key(), new_key())


@lru_cache(maxsize=1)
def shared_keys() -> RsaKeys:
    """Return keys that every world of this process may share, when making them costs too much."""
    return RsaKeys.make()


class Secrets:
    """The shared secrets of every account, from the seed."""

    def __init__(self, rng: random.Random) -> None:
        names = [(plan.source, plan.name) for plan in ACCOUNTS]

        def hexes(length: int) -> dict[tuple[str, str], str]:
            return {name: f"{rng.getrandbits(4 * length):0{length}x}" for name in names}

        self.signing = hexes(32)
        self.api = hexes(32)
        self.wechatpay_public_id = f"PUB_KEY_ID_011{rng.randrange(10**29):029d}"
        self.wechatpay_serial = f"{rng.getrandbits(160):040X}"

    def stripe_signing(self, account: str) -> str:
        """Return a webhook endpoint's secret."""
        return f"whsec_{self.signing['stripe', account]}"

    def stripe_api_key(self, account: str) -> str:
        """Return a secret API key."""
        return f"rk_{'test' if 'test' in account else 'live'}_{self.api['stripe', account]}"

    def storefront(self, account: str) -> str:
        """Return the key of a shop's own statements."""
        return f"vtsk_{self.signing['storefront', account]}"

    def wechatpay_api_v3(self, account: str) -> str:
        """Return the 32-character key that opens resources."""
        return self.api["wechatpay", account]
