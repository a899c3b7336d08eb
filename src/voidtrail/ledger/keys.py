"""Keys: one data key per subject and retention class, wrapped by a key-encryption key.

The key file (mode 0600, made on first start) holds three 256-bit keys: one wraps data keys, one
makes blind indexes (so that no table can be searched by guessing without it), one digests bodies.
Erasing a person is emptying the wrapped data keys; the chain stays whole, since leaves hold only
the hashes of ciphertexts. The emptied rows stay, so that no number is ever given out again; the
subject's blind index is overwritten with chance, so that whoever comes back is somebody new.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections import OrderedDict
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from voidtrail.errors import KeyErased, LedgerUnsafe

_CACHE: Final = 50_000
_NONCE: Final = 12
ONCE: Final = 32 + 2 * _NONCE
"""Bytes of chance that `Keyring.seal_once` uses up."""
PAYMENT_CLASS: Final = 1
"""Retention class of what platforms say about payments."""


class WrappedKey(NamedTuple):
    """A data key as it is stored."""

    no: int
    subject: int | None
    retention: int
    wrapped: bytes


class Keyring:
    """The three keys of a store, and the data keys that were unwrapped lately.

    Args:
        material: 96 bytes.
    """

    def __init__(self, material: bytes) -> None:
        assert len(material) == 96, "a key file holds three keys"
        self._wrap = AESGCM(material[:32])
        self._index = material[32:64]
        self._digest = material[64:]
        self._open: OrderedDict[int, tuple[bytes, AESGCM]] = OrderedDict()

    @classmethod
    def generate(cls) -> Keyring:
        """Return a keyring that lives in memory only."""
        return cls(secrets.token_bytes(96))

    @classmethod
    def load(cls, path: Path) -> Keyring:
        """Read the key file, or make it if the directory has none.

        Raises:
            LedgerUnsafe: others may read the file, or it is not a key file.
        """
        if not path.exists():
            cls._make(path)
        if path.stat().st_mode & 0o077:
            raise LedgerUnsafe(f"key file {path} can be read by others; run: chmod 600 {path}")
        material = path.read_bytes()
        if len(material) != 96:
            raise LedgerUnsafe(f"{path} is not a key file of Voidtrail (96 bytes)")
        return cls(material)

    @staticmethod
    def _make(path: Path) -> None:
        """Make a key file, whole or not at all; another process may be quicker."""
        made = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
        handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(96))
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(made, path)
        finally:
            made.unlink()
        directory = os.open(path.parent, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)

    def blind(self, field: str, value: str) -> bytes:
        """Return the blind index of a value: 16 bytes, useless without the key."""
        keyed = blake2b(f"{field}\0{value}".encode(), key=self._index, digest_size=16)
        return keyed.digest()

    def body_digest(self, body: bytes) -> bytes:
        """Return the keyed digest under which a body is recognised when it comes again."""
        return blake2b(body, key=self._digest, digest_size=16).digest()

    def same(self, left: bytes, right: bytes) -> bool:
        """Compare digests in constant time."""
        return hmac.compare_digest(left, right)

    def new_key(self, no: int, subject: int | None, retention: int) -> WrappedKey:
        """Make a data key; it is remembered as unwrapped."""
        key = secrets.token_bytes(32)
        nonce = secrets.token_bytes(_NONCE)
        wrapped = nonce + self._wrap.encrypt(nonce, key, self._about(no, subject, retention))
        self._remember(no, wrapped, AESGCM(key))
        return WrappedKey(no, subject, retention, wrapped)

    def seal_once(
        self, no: int, retention: int, plain: bytes, about: bytes, random: bytes
    ) -> tuple[WrappedKey, bytes]:
        """Seal under a new data key without a subject; the key is not remembered.

        Args:
            no: number of the data key.
            retention: its class.
            plain: what is sealed.
            about: is authenticated.
            random: `ONCE` bytes from the system's source of chance, used for nothing else.
        """
        key, nonce, other = random[:32], random[32 : 32 + _NONCE], random[32 + _NONCE :]
        wrapped = nonce + self._wrap.encrypt(nonce, key, self._about(no, None, retention))
        sealed = other + AESGCM(key).encrypt(other, plain, about)
        return WrappedKey(no, None, retention, wrapped), sealed

    def knows(self, no: int) -> bool:
        """Whether the data key is unwrapped in memory."""
        return no in self._open

    def unwrap(self, key: WrappedKey) -> None:
        """Unwrap a stored data key.

        Raises:
            KeyErased: the data key was erased.
            LedgerUnsafe: the key file is not the one under which the key was wrapped.
        """
        if not key.wrapped:
            self.forget(key.no)
            raise KeyErased(f"data key {key.no} was erased; what it sealed cannot be read again")
        known = self._open.get(key.no)
        if known is not None and known[0] == key.wrapped:
            return  # the same key: a number alone may have been rolled back and given out anew
        nonce, sealed = key.wrapped[:_NONCE], key.wrapped[_NONCE:]
        try:
            plain = self._wrap.decrypt(
                nonce, sealed, self._about(key.no, key.subject, key.retention)
            )
        except InvalidTag:
            raise LedgerUnsafe("the key file does not belong to this ledger") from None
        self._remember(key.no, key.wrapped, AESGCM(plain))

    def forget(self, no: int) -> None:
        """Drop an unwrapped key from memory."""
        self._open.pop(no, None)

    def seal(self, no: int, plain: bytes, about: bytes) -> bytes:
        """Encrypt under a data key that is unwrapped; `about` is authenticated."""
        nonce = os.urandom(_NONCE)
        return nonce + self._open[no][1].encrypt(nonce, plain, about)

    def open(self, no: int, sealed: bytes, about: bytes) -> bytes:
        """Decrypt what `seal` made.

        Raises:
            KeyErased: the data key is not there (any more).
        """
        known = self._open.get(no)
        if known is None:
            raise KeyErased(f"data key {no} was erased; what it sealed cannot be read again")
        try:
            return known[1].decrypt(sealed[:_NONCE], sealed[_NONCE:], about)
        except InvalidTag:
            raise LedgerUnsafe(f"what data key {no} sealed was changed") from None

    def _remember(self, no: int, wrapped: bytes, key: AESGCM) -> None:
        self._open[no] = (wrapped, key)
        if len(self._open) > _CACHE:
            self._open.popitem(last=False)

    @staticmethod
    def _about(no: int, subject: int | None, retention: int) -> bytes:
        return f"voidtrail/1/key/{no}/{subject}/{retention}".encode()
