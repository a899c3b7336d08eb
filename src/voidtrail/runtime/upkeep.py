"""Proofs over a whole ledger: the chain, and the read tables made anew beside the live ones."""

from __future__ import annotations

from typing import Any

from voidtrail.ledger import rebuild
from voidtrail.ledger.contract import Progress
from voidtrail.runtime.app import House


def verify(house: House, *, kept: str = "", progress: Progress | None = None) -> dict[str, Any]:
    """Walk along the chain; return {"ok", "entries", "head", "trouble"}.

    Args:
        house: the house; it may be one that only reads.
        kept: a head that was kept elsewhere, to prove that nothing was cut off since.
        progress: told how far the walk is.
    """
    return rebuild.verify(house.ledger, progress, kept=kept)._asdict()


def replay(house: House) -> dict[str, Any]:
    """Fold the ledger into tables of its own; return {"equal", "rows", "differing"}."""
    return rebuild.replay(house.ledger)._asdict()
