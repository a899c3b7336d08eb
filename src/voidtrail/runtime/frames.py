"""Messages out of a stream of bytes: lengths in front, half frames, and the way back after noise.

Pure: bytes in, pieces out. What does not look like a frame is passed over to the next place that
does, and comes out as a piece of its own, so that nothing is lost in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

Framing = Literal["length2", "length4"]
PREFIX: Final[dict[Framing, int]] = {"length2": 2, "length4": 4}
"""How many bytes of length stand in front: two, big-endian; or four digits in ASCII."""
_NOISE_MAX: Final = 4096
_NOTHING: Final = (b"", b"\0")


class Piece(NamedTuple):
    """A part of the stream; `is_frame` is False for bytes that belong to no message."""

    data: bytes
    is_frame: bool


class Frames:
    """Takes one stream apart.

    Args:
        framing: how the length is written.
        frame_max: a longer frame is taken for noise.
        looks: whether a message may begin with these bytes (as many as there are, at most `head`).
        head: how many bytes `looks` wants to see.
    """

    def __init__(
        self, framing: Framing, frame_max: int, looks: Callable[[bytes], bool], head: int
    ) -> None:
        self._binary = framing == "length2"
        self._prefix = PREFIX[framing]
        self._max = frame_max
        self._looks = looks
        self._head = head
        self._buffer = bytearray()
        self._noise = bytearray()

    @property
    def waiting(self) -> bool:
        """Whether a frame has begun that is not complete."""
        return bool(self._noise) or bytes(self._buffer) not in _NOTHING

    def feed(self, data: bytes) -> list[Piece]:
        """Take in bytes; return the pieces that are complete now."""
        self._buffer += data
        found: list[Piece] = []
        at = 0
        while len(self._buffer) - at >= self._prefix:
            size = self._size(at)
            if size == 0:
                # An empty frame keeps a line alive. Zeros go one by one, since a length may begin
                # with the last of them.
                at += 1 if self._binary else self._prefix
                continue
            if size is None or not self._begins(at):
                at = self._resume(at, found)
                continue
            end = at + self._prefix + size
            if end > len(self._buffer):
                break
            self._end_noise(found)
            found.append(Piece(bytes(self._buffer[at + self._prefix : end]), True))
            at = end
        del self._buffer[:at]
        return found

    def end(self) -> list[Piece]:
        """Return what is left when the stream ends in the middle of something."""
        found: list[Piece] = []
        if bytes(self._buffer) not in _NOTHING:
            self._noise += self._buffer
        self._buffer.clear()
        self._end_noise(found)
        return found

    def _size(self, at: int) -> int | None:
        """Return the length that stands at a place, None if none can stand there."""
        text = bytes(self._buffer[at : at + self._prefix])
        if self._binary:
            size = int.from_bytes(text, "big")
        elif text.isdigit():
            size = int(text)
        else:
            return None
        return size if size <= self._max else None

    def _begins(self, at: int) -> bool:
        start = at + self._prefix
        return self._looks(bytes(self._buffer[start : start + self._head]))

    def _resume(self, at: int, found: list[Piece]) -> int:
        """Return the next place at which a frame may begin; what lies before it is noise."""
        start, end = at, len(self._buffer)
        at += 1
        while end - at >= self._prefix and not (self._size(at) and self._begins(at)):
            at += 1
        self._noise += self._buffer[start:at]
        if len(self._noise) >= _NOISE_MAX:
            self._end_noise(found)
        return at

    def _end_noise(self, found: list[Piece]) -> None:
        if self._noise:
            found.append(Piece(bytes(self._noise), False))
            self._noise.clear()
