"""English sentences that are kept or raised, retold in the language of who reads them.

The ledger keeps why a delivery could not be read, and an error carries why it was raised: both in
English, since neither knows who will read it. `unread` and `complaints` list every such sentence,
with {places} where the code writes a value; here a text is matched with them when it is shown.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final, NamedTuple

from voidtrail.runtime.text import _, language
from voidtrail.runtime.wording.complaints import COMPLAINTS
from voidtrail.runtime.wording.unread import UNREAD

_PLACE: Final = re.compile(r"\{(\w+)\}")
_LONGEST: Final = 1000
"""No sentence of ours is longer, whatever stands in it; matching costs more than its length."""
_DEEPEST: Final = 2
"""Sentences within sentences; a text can be made that would be taken apart for ever."""
_EVERY: Final = (*UNREAD, *COMPLAINTS)


def retold(text: str) -> str:
    """Return a sentence of ours in the language in use; any other text as it is.

    What stands in a place may be a sentence itself.
    """
    if language() == "en" or len(text) > _LONGEST:
        return text
    found = match(text)
    if found is None:
        return text
    sentence, values = found
    return _(sentence).format(**{name: retold(value) for name, value in values.items()})


def match(text: str) -> tuple[str, dict[str, str]] | None:
    """Return the sentence that a text is, and what stands in its places; None if it is not ours.

    Of several, that which leaves the fewest letters unexplained, sentences within it included.

    >>> match("somebody else wrote this") is None
    True
    """
    sentence, values, _ = _best(text)
    return None if sentence is None else (sentence, dict(values))


@lru_cache(maxsize=4096)
def _best(text: str, within: int = _DEEPEST) -> tuple[str | None, tuple[tuple[str, str], ...], int]:
    """Return the sentence, what stands in its places, and how many letters stay unexplained."""
    whole, patterns = _known()
    if text in whole:
        return text, (), 0
    best: tuple[str | None, tuple[tuple[str, str], ...], int] = None, (), len(text)
    for sentence, pattern in patterns:
        values = _taken_apart(text, pattern)
        if values is not None:
            left = sum(_best(value, within - 1)[2] if within else len(value)
                       for _, value in values)  # fmt: skip
            if left < best[2]:
                best = sentence, values, left
    return best


class _Pattern(NamedTuple):
    """A sentence's words before, between and after its places."""

    first: str
    between: tuple[tuple[str, str], ...]  # a place, and the words behind it
    last: str
    place: str  # the place before the last words


@cache
def _known() -> tuple[frozenset[str], list[tuple[str, _Pattern]]]:
    """Return the sentences without places, and the others as patterns."""
    whole = frozenset(each for each in _EVERY if not _PLACE.search(each))
    return whole, [(each, _pattern(each)) for each in _EVERY if each not in whole]


def _pattern(sentence: str) -> _Pattern:
    first, *rest = _PLACE.split(sentence)
    pairs = list(zip(rest[::2], rest[1::2], strict=True))
    return _Pattern(first, tuple(pairs[:-1]), pairs[-1][1], pairs[-1][0])


def _taken_apart(text: str, pattern: _Pattern) -> tuple[tuple[str, str], ...] | None:
    """Return what stands in a pattern's places, each as short as can be; None if it is another.

    By hand, since a regular expression would try every split of a text made to be tried.
    """
    at, end = len(pattern.first), len(text) - len(pattern.last)
    if at > end or not text.startswith(pattern.first) or not text.endswith(pattern.last):
        return None
    values = []
    for place, words in pattern.between:
        stop = text.find(words, at, end)
        if stop < 0:
            return None
        values.append((place, text[at:stop]))
        at = stop + len(words)
    return (*values, (pattern.place, text[at:end]))
