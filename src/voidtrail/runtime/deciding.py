"""What is decided about a change: what goes on record, and what is sent to whom.

A decider is asked in the worker's loop, inside of the transaction that strikes the notices off, so
that a decision and what it was made of become durable together. It must be quick and wait for
nothing; it remembers something only once it is told that its decision is durable (`settled`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from voidtrail.event.model import Micros
from voidtrail.ledger.messages import Message
from voidtrail.runtime.outbox import Notice


class Decision(NamedTuple):
    """What follows from some notices, or from the time.

    Attributes:
        entries: control entries for the ledger, kind and JSON body.
        messages: what is to be sent, each with its key.
    """

    entries: Sequence[tuple[str, str]] = ()
    messages: Sequence[Message] = ()


NOTHING = Decision()


class Decider(Protocol):
    """Turns changes into messages."""

    def decide(self, notices: Sequence[Notice], now: Micros) -> Decision:
        """Return what follows from notices, quiet ones included, oldest first.

        It may be asked again about the same notices, if deciding or writing failed: until
        `settled` is called, nothing has happened.
        """

    def due(self, now: Micros) -> Decision:
        """Return what follows from the time alone: a digest, an escalation."""

    def settled(self, decision: Decision) -> None:
        """Hear that a decision is durable."""
