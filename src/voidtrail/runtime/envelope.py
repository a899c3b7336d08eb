"""What of a delivery is sealed, and back: body, headers, request and context, packed and masked."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec

from voidtrail.event.model import Delivery, Micros, Via
from voidtrail.sources.redact import mask

if TYPE_CHECKING:
    import pyarrow as pa

_PLAIN, _LZ4 = b"\0", b"\1"
_WORTH_IT: Final = 256
_NEVER_KEPT: Final = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})
_encode: Final = msgspec.msgpack.Encoder().encode
_decoder: Final = msgspec.msgpack.Decoder(tuple[bytes, tuple[tuple[str, str], ...], str, str])


@cache
def _codec() -> pa.Codec:
    # Loaded when first needed: half a second that `voidtrail show` should not wait for.
    import pyarrow as pa

    return pa.Codec("lz4_raw")


def warm() -> None:
    """Load what packing needs, so that no platform waits for it."""
    _codec()


def pack(delivery: Delivery, keep: Callable[[], Collection[bytes]] = frozenset) -> bytes:
    """Pack a delivery for sealing, card numbers masked, compressed where that pays.

    Args:
        delivery: as received.
        keep: gives the references that are not card numbers though they look like one.
    """
    body, _ = mask(delivery.body, keep)
    headers = delivery.headers
    if not _NEVER_KEPT.isdisjoint([name for name, _ in headers]):
        headers = tuple(pair for pair in headers if pair[0] not in _NEVER_KEPT)
    plain = _encode((body, headers, delivery.request, delivery.context))
    if len(plain) < _WORTH_IT:
        return _PLAIN + plain
    squeezed: bytes = _codec().compress(plain, asbytes=True)
    return _LZ4 + len(plain).to_bytes(4, "big") + squeezed


def unpack(packed: bytes, *, source: str, account: str, received_at: Micros, via: int) -> Delivery:
    """Return the delivery that `pack` packed."""
    if packed[:1] == _LZ4:
        size = int.from_bytes(packed[1:5], "big")
        plain = _codec().decompress(packed[5:], decompressed_size=size, asbytes=True)
    else:
        plain = packed[1:]
    body, headers, request, context = _decoder.decode(plain)
    return Delivery(source=source, account=account, received_at=received_at, body=body,
                    headers=headers, via=Via(via), request=request, context=context)  # fmt: skip
