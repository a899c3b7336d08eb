"""Card data in ISO 8583 bytes: masked before anything is stored, all lengths kept.

Of a card number the first six and the last four digits stay. Tracks lose everything but that, PIN
blocks everything. What cannot be decoded is searched for card numbers in every way in which digits
are written: as characters, in EBCDIC, and two to a byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from voidtrail.sources import crypto
from voidtrail.sources.pos.wire import Dialect, Malformed, Message, decode, dialect_of
from voidtrail.sources.redact import is_card_number, mask

_PAN, _TRACK2 = 2, 35
_EMPTIED: Final = (36, 45, 52)
"""Track 3, track 1, PIN block: nothing of them is kept."""
_CHIP: Final = 55
_CHIP_TAGS: Final = frozenset({"56", "57", "5A", "5F20", "9F0B", "9F1F", "9F20", "9F6B"})
"""Track and card number data, the holder's name (EMV book 3, annex A)."""
_FREE: Final = frozenset({34, 43, 44, 46, 47, 48, 54, 56, 57, 58, 59, 62, 63, 102, 103,
                          *range(104, 128)})  # fmt: skip
_RUN: Final = re.compile(r"[0-9]{13,}")
_WHOLE: Final = re.compile(r"(?<![0-9])[0-9]{13,19}(?![0-9])")
_SEPARATOR: Final = re.compile(r"[=D]")
_LENGTHS: Final = (16, 19, 18, 17, 15, 14, 13)
_DIGITS: Final = re.compile(r"[0-9]{8,19}")
_EBCDIC: Final = bytes(
    byte - 0xF0 + 0x30 if 0xF0 <= byte <= 0xF9 else 0x20 for byte in range(256)
)  # fmt: skip


def masked(body: bytes, name: str, key: str = "") -> tuple[bytes, str]:
    """Mask the card data of a message.

    Args:
        body: the message, the length in front of it left out.
        name: of the dialect; "" to recognise it.
        key: under which the card gets its pseudonym; "" for none.

    Returns:
        The message in the same length, and the card's pseudonym, "" if there is no card or no key.
    """
    try:
        message = decode(body, dialect_of(body, name))
    except Malformed:
        return _searched(body), ""
    out = bytearray(body)
    card = _card(message)
    for number, (start, end) in message.spans.items():
        if number == _PAN:
            _blank(out, message.dialect, number, start, _middle(message.fields[number]))
        elif number == _TRACK2:
            _blank(out, message.dialect, number, start, _track(message.fields[number]))
        elif number in _EMPTIED:
            out[start:end] = _empty(message.dialect, number, end - start)
        elif number == _CHIP:
            _mask_chip(out, start, end)
        elif number in _FREE:
            out[start:end] = _free(bytes(out[start:end]), card)
    if not key or not card:
        return bytes(out), ""
    return bytes(out), crypto.hmac_sha256_hex(key, card.encode())[:32].decode()


def _card(message: Message) -> str:
    """Return the card number that a message names, "" if it names none in clear."""
    stated = message.get(_PAN) or _SEPARATOR.split(message.get(_TRACK2), maxsplit=1)[0]
    return stated if _DIGITS.fullmatch(stated) else ""


def _middle(digits: str) -> range:
    return range(6, max(6, len(digits) - 4))


def _track(text: str) -> list[int]:
    """Return the places to blank: the middle of the number, and all behind the separator."""
    found = _SEPARATOR.search(text)
    end = len(text) if found is None else found.start()
    return [*_middle(text[:end]), *range(end + 1, len(text))]


def _blank(
    out: bytearray, dialect: Dialect, number: int, start: int, places: range | list[int]
) -> None:
    """Blank the digits at some places of a field."""
    packed = dialect.packed and dialect.fields[number].kind == "n"
    star = "*".encode(dialect.codec)[0]
    for place in places:
        if not packed:
            out[start + place] = star
        elif place % 2:
            out[start + place // 2] |= 0x0F
        else:
            out[start + place // 2] |= 0xF0


def _empty(dialect: Dialect, number: int, size: int) -> bytes:
    is_text = dialect.fields[number].kind == "a" or not dialect.packed
    if is_text and dialect.fields[number].kind != "b":
        return "*".encode(dialect.codec) * size
    return b"\xff" * size


def _mask_chip(out: bytearray, start: int, end: int) -> None:
    """Empty the values of tags that name the card or its holder; all of it if it is no TLV."""
    at = start
    while at < end:
        if out[at] in (0x00, 0xFF):  # padding between tags
            at += 1
            continue
        size = 2 if out[at] & 0x1F == 0x1F else 1
        tag = bytes(out[at : at + size]).hex().upper()
        at += size
        length = out[at] if at < end else 256
        if length == 0x81 and at + 1 < end:
            at += 1
            length = out[at]
        at += 1
        if at + length > end:
            out[start:end] = b"\xff" * (end - start)
            return
        if tag in _CHIP_TAGS:
            out[at : at + length] = b"\xff" * length
        at += length


def _free(text: bytes, card: str) -> bytes:
    """Mask a field of which only the parties know what it holds."""
    out = bytearray(mask(text)[0])
    digits = bytes(out).hex()
    for found in _WHOLE.finditer(digits):
        if is_card_number(found[0].encode()):
            _blank_nibbles(out, found.start(), found.end())
    if card:
        at = digits.find(card)
        while at >= 0:
            _blank_nibbles(out, at, at + len(card))
            at = digits.find(card, at + 1)
        for codec in ("ascii", "cp500"):
            clear = card.encode(codec)
            out = bytearray(bytes(out).replace(clear, b"*" * len(clear)))
    return bytes(out)


def _searched(body: bytes) -> bytes:
    """Mask whatever may be a card number in bytes that nobody can read."""
    out = bytearray(mask(body)[0])
    for start, end in _windows(bytes(out).decode("latin-1")):
        out[start + 6 : end - 4] = b"*" * (end - start - 10)
    for start, end in _windows(bytes(out).translate(_EBCDIC).decode("latin-1")):
        out[start + 6 : end - 4] = b"\x5c" * (end - start - 10)
    for start, end in _windows(bytes(out).hex()):
        _blank_nibbles(out, start, end)
    return bytes(out)


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Yield where a card number may stand, also inside of a longer run of digits."""
    for run in _RUN.finditer(text):
        for at in range(run.start(), run.end() - 12):
            for size in _LENGTHS:
                if at + size <= run.end() and is_card_number(text[at : at + size].encode()):
                    yield at, at + size


def _blank_nibbles(out: bytearray, start: int, end: int) -> None:
    for place in range(start + 6, end - 4):
        out[place // 2] |= 0x0F if place % 2 else 0xF0
