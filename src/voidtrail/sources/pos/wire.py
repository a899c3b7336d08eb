"""ISO 8583 messages as bytes: the UnionPay terminal dialect and the international ones.

A dialect is data: how MTI, bitmap and lengths are written, and what each field is. Decoding notes
where every field lies, so that card data can be masked in the wire bytes with all lengths kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

FIXED: Final = 0
"""Of a field: no length in front; other fields have that many digits of length."""
_BLANK: Final = 0xF
_MTI_FIRST: Final = b"0123456789"
_MTI_DIGITS: Final = ("012", "1234568", "0123456789", "012345")
_RAW, _TEXT, _DIGITS = "b", "a", "n"


class Malformed(ValueError):
    """Bytes that are no message of the dialect; `path` says where reading stopped."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(why)
        self.path = path


class Field(NamedTuple):
    """What one data element is.

    Attributes:
        digits: digits of the length in front; 0 if the length is fixed.
        size: the fixed or the greatest length, in digits (kind "n"), characters or bytes.
        kind: "n" digits, "a" text, "b" bytes.
    """

    digits: int
    size: int
    kind: str


class Dialect(NamedTuple):
    """How messages of one family are written.

    Attributes:
        header: bytes before the MTI.
        packed: MTI, lengths and digits are BCD; else they are characters of `codec`.
        codec: of characters: "ascii" or "cp500".
        hex_bitmap: the bitmap is written as 16 hexadecimal characters.
        fields: by number.
    """

    name: str
    header: int
    packed: bool
    codec: str
    hex_bitmap: bool
    fields: Mapping[int, Field]


class Message(NamedTuple):
    """A decoded message.

    Attributes:
        mti: four digits.
        fields: texts by number; bytes as hexadecimal text; digits beyond 9 as A to F.
        spans: where each field's content lies in the bytes, its length left out.
    """

    dialect: Dialect
    mti: str
    fields: Mapping[int, str]
    spans: Mapping[int, tuple[int, int]]

    def get(self, number: int) -> str:
        """Return a field without the blanks around it, or ""."""
        return self.fields.get(number, "").strip()


def _table(text: str) -> dict[int, Field]:
    """Read words like "2:n..19" (length in front) and "41:a8" into fields."""
    found = {}
    for word in text.split():
        number, _, rest = word.partition(":")
        size = rest[1:].lstrip(".")
        found[int(number)] = Field(rest.count("."), int(size), rest[0])
    return found


_CUP: Final = _table(
    """2:n..19 3:n6 4:n12 5:n12 6:n12 7:n10 11:n6 12:n6 13:n4 14:n4 15:n4 18:n4 19:n3 22:n4 23:n4
    25:n2 26:n2 32:n..11 33:n..11 35:n..37 36:n...104 37:a12 38:a6 39:a2 40:a3 41:a8 42:a15
    43:a40 44:a..25 45:a..76 46:a...999 47:a...999 48:b...322 49:a3 50:a3 51:a3 52:b8 53:b8
    54:a...120 55:b...255 56:a...999 57:a...999 58:a...999 59:a...999 60:n...19 61:n...31
    62:b...512 63:a...512 64:b8"""
)
"""The UnionPay terminal specification (Q/CUP 009), as its public field tables give it."""
_ISO: Final = _table(
    """2:n..19 3:n6 4:n12 5:n12 6:n12 7:n10 8:n8 9:n8 10:n8 11:n6 12:n6 13:n4 14:n4 15:n4 16:n4
    17:n4 18:n4 19:n3 20:n3 21:n3 22:n3 23:n3 24:n3 25:n2 26:n2 27:n1 28:a9 29:a9 30:a9 31:a9
    32:n..11 33:n..11 34:a..28 35:a..37 36:n...104 37:a12 38:a6 39:a2 40:a3 41:a8 42:a15 43:a40
    44:a..25 45:a..76 46:a...999 47:a...999 48:a...999 49:a3 50:a3 51:a3 52:b8 53:n16 54:a...120
    55:b...255 56:a...999 57:a...999 58:a...999 59:a...999 60:a...999 61:a...999 62:a...999
    63:a...999 64:b8 65:b1 66:n1 67:n2 68:n3 69:n3 70:n3 71:n4 72:n4 73:n6 74:n10 75:n10 76:n10
    77:n10 78:n10 79:n10 80:n10 81:n10 82:n12 83:n12 84:n12 85:n12 86:n16 87:n16 88:n16 89:n16
    90:n42 91:a1 92:a2 93:a5 94:a7 95:a42 96:b8 97:a17 98:a25 99:n..11 100:n..11 101:a..17
    102:a..28 103:a..28 """
    + " ".join(f"{number}:a...999" for number in range(104, 128))
    + " 128:b8"
)
"""ISO 8583:1987, section 4."""

CUP: Final = Dialect("cup", 11, True, "ascii", False, _CUP)
_OTHERS: Final = (
    CUP._replace(name="cup-bare", header=0),
    Dialect("ascii", 0, False, "ascii", False, _ISO),
    Dialect("ascii-hex", 0, False, "ascii", True, _ISO),
    Dialect("ebcdic", 0, False, "cp500", False, _ISO),
)
DIALECTS: Final[Mapping[str, Dialect]] = {each.name: each for each in (CUP, *_OTHERS)}
"""Dialects by the name that the account's option `dialect` gives."""


def dialect_of(body: bytes, name: str = "") -> Dialect:
    """Return the dialect of a name, or the one that the first bytes look like.

    Raises:
        Malformed: there is none of that name, or the bytes look like none.
    """
    if name:
        known = DIALECTS.get(name)
        if known is None:
            raise Malformed("dialect", f"option dialect is none of {', '.join(DIALECTS)}")
        return known
    first = body[:1]
    if first == b"\x60":
        return CUP
    if first in _MTI_FIRST and first:
        is_hex = len(body) >= 20 and all(byte in b"0123456789ABCDEFabcdef" for byte in body[4:20])
        return DIALECTS["ascii-hex" if is_hex else "ascii"]
    if first == b"\xf0":
        return DIALECTS["ebcdic"]
    if body[:1] in (b"\x01", b"\x02", b"\x04", b"\x05", b"\x08"):
        return DIALECTS["cup-bare"]
    raise Malformed("mti", "the first bytes are those of no known dialect")


HEAD: Final = 13
"""How many bytes `may_begin` wants to see."""


def may_begin(head: bytes, name: str = "") -> bool:
    """Whether a message may begin with these bytes, of which fewer than `HEAD` may be there.

    Args:
        head: the first bytes behind the length.
        name: of the dialect; "" for any.
    """
    try:
        dialect = dialect_of(head, name)
    except Malformed:
        return not head and not name
    if dialect is CUP and head[:1] != b"\x60":
        return not head
    mti = head[dialect.header :]
    if dialect.packed:
        digits = mti[:2].hex()
    else:
        digits = mti[:4].decode(dialect.codec, "replace")
    return all(
        digit in allowed for digit, allowed in zip(digits, _MTI_DIGITS, strict=False)
    )  # fmt: skip


class _Reader:
    """Walks through one message."""

    def __init__(self, body: bytes, dialect: Dialect) -> None:
        self.body = body
        self.dialect = dialect
        self.at = dialect.header

    def take(self, size: int, path: str) -> bytes:
        found = self.body[self.at : self.at + size]
        if len(found) != size:
            raise Malformed(path, f"the message ends after {len(self.body)} bytes, inside of it")
        self.at += size
        return found

    def digits(self, count: int, path: str) -> str:
        """Return digits; of an odd count of BCD, lengths have the blank one in front."""
        if self.dialect.packed:
            return self.take((count + 1) // 2, path).hex().upper()
        return self.take(count, path).decode(self.dialect.codec, "replace")

    def number(self, count: int, path: str) -> int:
        text = self.digits(count, path)
        if not (text.isascii() and text.isdigit()):
            raise Malformed(path, "its length is not a number")
        return int(text)

    def bitmap(self) -> list[int]:
        """Return the numbers of the fields that are there."""
        bits = self._bits("bitmap")
        numbers = [place + 1 for place in range(64) if bits >> (63 - place) & 1]
        if numbers[:1] == [1]:
            more = self._bits("secondary bitmap")
            numbers += [place + 65 for place in range(64) if more >> (63 - place) & 1]
            numbers.remove(1)
        return numbers

    def _bits(self, path: str) -> int:
        if not self.dialect.hex_bitmap:
            return int.from_bytes(self.take(8, path), "big")
        text = self.take(16, path)
        try:
            return int(text, 16)
        except ValueError:
            raise Malformed(path, "it is not written in hexadecimal digits") from None

    def field(self, number: int) -> tuple[str, tuple[int, int]]:
        path = f"DE{number}"
        known = self.dialect.fields.get(number)
        if known is None:
            raise Malformed(path, "the dialect has no such field")
        size = known.size
        if known.digits != FIXED:
            size = self.number(known.digits, path)
            if size > known.size:
                raise Malformed(path, f"a length of {size}, where {known.size} is the most")
        start = self.at
        if known.kind == _DIGITS and self.dialect.packed:
            text = self.take((size + 1) // 2, path).hex().upper()[:size]
        elif known.kind == _RAW:
            text = self.take(size, path).hex().upper()
        else:
            text = self.take(size, path).decode(self.dialect.codec, "replace")
        return text, (start, self.at)


def decode(body: bytes, dialect: Dialect) -> Message:
    """Decode a message, the length in front of it left out.

    Raises:
        Malformed: it is no message of the dialect.
    """
    reader = _Reader(body, dialect)
    mti = reader.digits(4, "mti")
    if not (len(mti) == 4 and mti.isascii() and mti.isdigit()):
        raise Malformed("mti", "the message type is not four digits")
    fields, spans = {}, {}
    for number in reader.bitmap():
        fields[number], spans[number] = reader.field(number)
    if reader.at != len(body):
        raise Malformed("end", f"{len(body) - reader.at} bytes stand behind the last field")
    return Message(dialect, mti, fields, spans)


def encode(
    mti: str, fields: Mapping[int, str], dialect: Dialect = CUP,
    header: bytes = bytes.fromhex("6000060000603100311003"),
) -> bytes:  # fmt: skip
    """Encode a message; the inverse of `decode`, for whoever plays a terminal or a host.

    Args:
        mti: four digits.
        fields: texts by number, bytes as hexadecimal text.
        dialect: how it is written.
        header: what stands before the MTI, as long as the dialect has it.
    """
    numbers = sorted(fields)
    bits = sum(1 << (64 - number) for number in numbers if number <= 64)
    out = header[: dialect.header] + _digits(mti, dialect)
    high = sum(1 << (128 - number) for number in numbers if number > 64)
    out += _bitmap(bits | (1 << 63 if high else 0), dialect)
    if high:
        out += _bitmap(high, dialect)
    for number in numbers:
        known, text = dialect.fields[number], fields[number]
        if known.kind == _RAW:
            content, size = bytes.fromhex(text), len(text) // 2
        elif known.kind == _DIGITS and dialect.packed:
            content, size = bytes.fromhex(text + "0" * (len(text) % 2)), len(text)
        else:
            content = text.encode(dialect.codec)
            size = len(content)
        assert size <= known.size, f"DE{number} is longer than {known.size}"
        if known.digits != FIXED:
            out += _digits(str(size).zfill(known.digits), dialect)
        out += content
    return out


def _digits(text: str, dialect: Dialect) -> bytes:
    if dialect.packed:
        return bytes.fromhex("0" * (len(text) % 2) + text)
    return text.encode(dialect.codec)


def _bitmap(bits: int, dialect: Dialect) -> bytes:
    raw = bits.to_bytes(8, "big")
    return raw.hex().upper().encode() if dialect.hex_bitmap else raw
