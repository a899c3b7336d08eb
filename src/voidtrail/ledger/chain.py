"""The chain: leaves, the root of a group, the head. Frozen as version 1.

    leaf  = SHA-256(tag || canonical public content, ciphertexts by their hash)
    root  = RFC 6962 Merkle tree hash over the group's leaves
    head  = SHA-256(tag || store || lane || first sequence number || previous head || root || count
                    || recorded at || the ledger's clock)

Every entry of the ledger has one sequence number and one leaf, so that inclusion proofs can be
given later without rewriting history.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec

GENESIS: Final = bytes(32)
_HEAD_TAG: Final = b"voidtrail/1/head\0"
_DELIVERY_TAG: Final = b"voidtrail/1/delivery\0"
_CONTROL_TAG: Final = b"voidtrail/1/control\0"
_encode: Final = msgspec.msgpack.Encoder().encode


def delivery_leaf(public: tuple[object, ...], ciphertext: bytes | None) -> bytes:
    """Return the leaf of a delivery: its public columns and the hash of its sealed content."""
    sealed = b"" if ciphertext is None else sha256(ciphertext).digest()
    return sha256(_DELIVERY_TAG + _encode((public, sealed))).digest()


def control_leaf(at: int, kind: str, body: str) -> bytes:
    """Return the leaf of a control entry (an account, terms, a tick, a file, a retraction)."""
    return sha256(_CONTROL_TAG + _encode((at, kind, body))).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Return the RFC 6962 tree hash of at least one leaf.

    >>> merkle_root([bytes(32)]).hex()[:8]
    '7f9c9e31'
    """
    level = [sha256(b"\0" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        # Pairing from the left and carrying an odd last node up gives the tree of RFC 6962.
        paired = [
            sha256(b"\1" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)
        ]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0]


def head(
    store: bytes, lane: int, first_seq: int, previous: bytes, root: bytes, count: int,
    at: int, tick: int,
) -> bytes:  # fmt: skip
    """Return the head after a group, recorded at `at` while the ledger's clock stood at `tick`."""
    said = (store, lane, first_seq, previous, root, count, at, tick)
    return sha256(_HEAD_TAG + _encode(said)).digest()
