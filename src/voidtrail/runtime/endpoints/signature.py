"""Signatures as Standard Webhooks writes them: any receiver's library verifies them.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets as chance
from collections.abc import Sequence
from typing import Final

from voidtrail.errors import SettingInvalid
from voidtrail.event.account import Secret
from voidtrail.event.model import Micros

PREFIX: Final = "whsec_"
_BYTES_MIN, _BYTES_MAX = 24, 64


def new_secret() -> Secret:
    """Return a new secret, as a receiver's library wants it."""
    return Secret(PREFIX + base64.b64encode(chance.token_bytes(32)).decode())


def key_of(secret: Secret, where: str) -> bytes:
    """Return the key of a secret.

    Raises:
        SettingInvalid: it is not `whsec_` and base64 of 24 to 64 bytes.
    """
    text = secret.reveal().strip()
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(PREFIX) or not _BYTES_MIN <= len(key) <= _BYTES_MAX:
        raise SettingInvalid(
            f"{where}: the secret must be {PREFIX} followed by base64 of {_BYTES_MIN} to "
            f"{_BYTES_MAX} random bytes; make one with: "
            f'echo "{PREFIX}$(openssl rand -base64 32)"'
        )
    return key


def signed_headers(
    keys: Sequence[bytes], message_key: str, body: bytes, at: Micros
) -> dict[str, str]:
    """Return the headers that prove a body; one signature a key, so that keys can be replaced.

    Args:
        keys: the present one first.
        message_key: the same whenever the message is sent again.
        body: as it is sent.
        at: when it is sent.

    >>> key = b"012345678901234567890123"
    >>> signed_headers([key], "msg_1", b"{}", 1_700_000_000_000_000)["webhook-signature"]
    'v1,hmXGLnNyF9xj0t3bu2NbHtTjiBY8aTGhgmj3SmIHdd8='
    """
    seconds = at // 1_000_000
    content = f"{message_key}.{seconds}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
        for key in keys
    ]  # fmt: skip
    return {
        "webhook-id": message_key,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(signatures),
    }
