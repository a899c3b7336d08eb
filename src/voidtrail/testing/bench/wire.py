"""The least of HTTP/1.1 that a load generator must read: where a response ends, and its status."""

_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"


class ResponseReader:
    r"""Cuts a stream of bytes into responses and tells each one's status.

    It knows bodies with a length, chunked bodies and bodyless 204 and 304; not trailers, and not
    bodies that only the end of the connection ends. It trusts its peer: it is for measuring one's
    own server, not for reading from strangers.

    >>> reader = ResponseReader()
    >>> reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
    >>> reader.feed(b"k")
    200
    """

    __slots__ = ("_buffer", "_chunked_from", "_end", "closes")

    def __init__(self) -> None:
        """Begin with nothing read."""
        self._buffer = b""
        self._end = 0
        self._chunked_from = 0
        self.closes = False
        """Whether the last head said that the connection will be closed."""

    def feed(self, data: bytes) -> int | None:
        """Take in bytes; return the status when a response has become whole.

        Args:
            data: What the connection delivered.

        Returns:
            The status code, or None as long as the response is not whole. Without pipelining
            there is never more than one.
        """
        buffer = self._buffer = self._buffer + data if self._buffer else data
        if not self._end and not self._chunked_from and not self._read_head(buffer):
            return None
        if self._chunked_from:
            if not buffer.endswith(_LAST_CHUNK, self._chunked_from - 2):
                return None
        elif len(buffer) < self._end:
            return None
        status = int(buffer[9:12])
        self._buffer = b""
        self._end = self._chunked_from = 0
        return status

    def _read_head(self, buffer: bytes) -> bool:
        head_end = buffer.find(_HEAD_END)
        if head_end < 0:
            return False
        body_at = head_end + len(_HEAD_END)
        head = buffer[: head_end + 2].lower()
        self.closes = b"\r\nconnection: close\r\n" in head
        length_at = head.find(b"\r\ncontent-length:")
        if length_at >= 0:
            value = head[length_at + 17 : head.index(b"\r\n", length_at + 17)]
            self._end = body_at + int(value)
        elif b"\r\ntransfer-encoding: chunked\r\n" in head:
            self._chunked_from = body_at
        else:
            self._end = body_at
        return True
