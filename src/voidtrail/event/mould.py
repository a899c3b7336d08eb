"""Events that are alike but for a few fields, encoded by the thousand.

The rows of a file say the same few statements over and over. A mould works out once what all events
of a statement have in common; what it casts equals `codec.encode` of the whole event, which a
property test holds.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

from voidtrail.event.codec import REST_AT, Encoded, content_digest, encode, operation_key
from voidtrail.event.model import Event, Micros
from voidtrail.event.reason import EPOCH_2000_S, pack
from voidtrail.money import currency_number

Named = tuple[int, str]
"""A name's key and its text, as `Encoded` has them."""


class Speaker(NamedTuple):
    """Who says what is encoded (see `codec.encode`)."""

    source: str
    account: str
    account_no: int
    shop: str
    version: int


class Mould:
    """Casts the records of one statement.

    Args:
        template: an event with all that its events have in common; of the payment's own scope,
            with one name, of no end, and nothing that it reverses.
        speaker: who says it.
    """

    def __init__(self, template: Event, speaker: Speaker) -> None:
        rest = encode(template, **speaker._asdict()).rest
        self._head = rest[: REST_AT["event_id"]]
        self._front = rest[REST_AT["kind"] : REST_AT["name_key"]]
        self._currency = currency_number(template.currency)
        self._label, self._code = template.label, template.code
        self._reason, self._role = template.reason, int(template.role)
        self._prefix = f"{speaker.source}\0{speaker.account}\0"
        self._suffix = f"\0{template.label}"
        self._scope, self._kind = f"{speaker.source}/{speaker.account}", int(template.kind)
        self._only_op = operation_key(self._scope, self._kind, "")

    def cast(
        self, identity: str, name: Named, order: Named | None, at: Micros, amount: int | None,
        way: int, operation: str, dimensions: str, customer: str,
    ) -> Encoded:  # fmt: skip
        """Encode an event.

        Args:
            identity: its identity's parts, joined by zero bytes.
            name: the payment's.
            order: the order's, if there is one.
            at: when it happened.
            amount: in minor units, if one is stated.
            way: method (bits 8 to 15) and channel (below), as they are packed.
            operation: the id of the operation; "" for the only one.
            dimensions: the JSON text of the record.
            customer: the source's id of the customer.
        """
        op = self._only_op
        if operation:
            op = operation_key(self._scope, self._kind, operation)
        seen = max(at // 1_000_000 - EPOCH_2000_S, 0) << 16 | way if way else None
        key = name[0]
        content = (
            *self._front, key, b"", order[0] if order else None, op, None, at, None, amount,
            None if amount is None else self._currency, pack(self._reason, at, self._role), seen,
            self._label, operation, self._code, dimensions,
        )  # fmt: skip
        said = f"{self._prefix}{identity}{self._suffix}".encode("utf-8", "surrogatepass")
        rest = (*self._head, blake2b(said, digest_size=16).digest(), content_digest(content),
                *content)  # fmt: skip
        return Encoded(rest, (name,), order, customer)
