"""Notices proved by one header: an HMAC over the body as it came, under a secret of the webhook."""

from __future__ import annotations

from collections.abc import Callable

from voidtrail.errors import KeyUnknown, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Secrets
from voidtrail.event.model import Delivery
from voidtrail.sources import crypto

Sign = Callable[[str, bytes], bytes]
"""From a secret and a body to the text that the header holds."""


def base64_of(secret: str, body: bytes) -> bytes:
    """Return HMAC-SHA-256 in base64, as shops write it."""
    return crypto.hmac_base64(secret.encode(), body)


def check(delivery: Delivery, secrets: Secrets, header: str, sign: Sign) -> None:
    """Check a pushed delivery under each of the account's secrets "signing".

    Args:
        delivery: as received.
        secrets: the account's.
        header: its name as the platform writes it.
        sign: what the platform computes.

    Raises:
        SignatureMissing: no header, an empty one, or it came twice.
        SignatureInvalid: it matches under no secret.
        KeyUnknown: the account has no secret "signing".
    """
    given = delivery.header(header.lower())
    if not given:
        raise SignatureMissing(f"{header} is absent or came twice")
    keys = secrets.get("signing", ())
    if not keys:
        raise KeyUnknown(f"account {delivery.account} has no secret 'signing' (of the webhook)")
    if not crypto.any_same((sign(key.reveal(), delivery.body) for key in keys), given):
        raise SignatureInvalid(f"{header} does not match the body under any secret")
