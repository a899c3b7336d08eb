"""Card numbers are masked before anything is stored (the full guard comes with a later room).

Whole runs of digits, alone or joined by single separators, of 13 to 19 digits that begin like an
issuer's range and pass the Luhn check are card numbers; their middle is replaced by asterisks.
A window inside of a longer run never counts, since it hits by chance.

Source: ISO/IEC 7812-1 (Luhn, issuer identification); issuer ranges as the networks publish them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Final

_SEPARATORS: Final = b" -.\xa0"
# Digits and separators become "0", everything else a blank.
_RUNS: Final = bytes(
    0x30 if 48 <= byte <= 57 or byte in _SEPARATORS else 0x20 for byte in range(256)
)
_DIGITS_MIN: Final = 13
_LEAST: Final = b"0" * _DIGITS_MIN
_RUN: Final = re.compile(rb"[0-9]+(?:[ \-.\xa0][0-9]+)*")
_GROUP: Final = re.compile(rb"[0-9]+")
_ISSUERS: Final = re.compile(
    rb"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-5]|[689])|6(?:011|4[4-9]|5|2)"
    rb"|35(?:2[89]|[3-8])|(?:50|5[6-9]|6[0-9])"
)
_LENGTHS: Final = {b"3": (14, 15, 16), b"4": (13, 16, 19), b"5": range(13, 20), b"2": (16,),
                   b"6": range(13, 20)}  # fmt: skip
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def luhn(digits: bytes) -> bool:
    """Whether a run of ASCII digits passes the Luhn check.

    >>> luhn(b"4242424242424242"), luhn(b"4242424242424241")
    (True, False)
    """
    total = sum(digits[-1::-2]) - 48 * len(digits[-1::-2])
    return (total + sum(_DOUBLED[byte - 48] for byte in digits[-2::-2])) % 10 == 0


def is_card_number(digits: bytes) -> bool:
    """Whether a whole run of digits is a card number by length, issuer and check digit."""
    lengths = _LENGTHS.get(digits[:1], ())
    return len(digits) in lengths and _ISSUERS.match(digits) is not None and luhn(digits)


def _suspicious(text: bytes) -> bool:
    """Whether the slow search is worth it; nearly every body is let through here."""
    runs = text.translate(_RUNS)
    start = runs.find(_LEAST)
    while start >= 0:
        end = runs.find(b" ", start + _DIGITS_MIN)
        run = text[start : end if end >= 0 else None].strip(_SEPARATORS)
        if len(run) >= _DIGITS_MIN:
            digits = run.translate(None, _SEPARATORS)
            if len(digits) == len(run):
                if is_card_number(run):
                    return True
            elif len(digits) >= _DIGITS_MIN:
                return True
        start = runs.find(_LEAST, end) if end >= 0 else -1
    return False


def mask(text: bytes, keep: Callable[[], Collection[bytes]] = frozenset) -> tuple[bytes, int]:
    """Mask the card numbers in a text of any ASCII-based encoding.

    Args:
        text: raw bytes.
        keep: gives the references that stay, though they look like card numbers by chance; asked
            only if something does.

    Returns:
        The text, of the same length, with the middle digits as asterisks, and how many were masked.
    """
    if not _suspicious(text):
        return text, 0
    out = bytearray(text)
    masked = 0
    kept = keep()
    for run in _RUN.finditer(text):
        if run.end() - run.start() >= 13:
            groups = [(g.start(), g.end()) for g in _GROUP.finditer(text, run.start(), run.end())]
            masked += _mask_groups(text, out, groups, kept)
    return bytes(out), masked


def _mask_groups(
    text: bytes, out: bytearray, groups: list[tuple[int, int]], keep: Collection[bytes]
) -> int:
    """Mask every stretch of whole groups that is a card number; return how many there were."""
    masked, first = 0, 0
    while first < len(groups):
        digits = b""
        following = first + 1
        for last in range(first, len(groups)):
            digits += text[slice(*groups[last])]
            if len(digits) > 19:
                break
            if digits in keep or not is_card_number(digits):
                continue
            places = [p for start, end in groups[first : last + 1] for p in range(start, end)]
            for place in places[6:-4]:
                out[place] = 0x2A
            masked += 1
            following = last + 1
            break
        first = following
    return masked
