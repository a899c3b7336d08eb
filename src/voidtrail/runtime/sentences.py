"""English sentences that are kept or raised, retold in the language of who reads them.

The ledger keeps why a delivery could not be read, and an error carries why it was raised: both in
English, since neither knows who will read it. `unread` and `complaints` list every such sentence,
with {places} where the code writes a value; here a text is matched with them when it is shown.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final

from voidtrail.runtime.complaints import COMPLAINTS
from voidtrail.runtime.text import _, language
from voidtrail.runtime.unread import UNREAD

_PLACE: Final = re.compile(r"\{(\w+)\}")
_LONGEST: Final = 2000
"""No sentence of ours is longer, whatever stands in it; matching costs more than its length."""
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


@lru_cache(maxsize=1024)
def match(text: str) -> tuple[str, dict[str, str]] | None:
    """Return the sentence that a text is, and what stands in its places; None if it is not ours.

    >>> match("somebody else wrote this") is None
    True
    """
    whole, patterns = _known()
    if text in whole:
        return text, {}
    for sentence, pattern in patterns:
        found = pattern.fullmatch(text)
        if found is not None:
            return sentence, found.groupdict()
    return None


@cache
def _known() -> tuple[frozenset[str], list[tuple[str, re.Pattern[str]]]]:
    """Return the sentences without places, and the others as patterns, the most exact first."""
    whole = frozenset(each for each in _EVERY if not _PLACE.search(each))
    open_ones = sorted((each for each in _EVERY if each not in whole),
                       key=lambda each: -len(_PLACE.sub("", each)))  # fmt: skip
    return whole, [(each, _pattern(each)) for each in open_ones]


def _pattern(sentence: str) -> re.Pattern[str]:
    pieces = _PLACE.split(sentence)
    for place in range(1, len(pieces), 2):
        pieces[place] = f"(?P<{pieces[place]}>.*?)"
    pieces[::2] = [re.escape(each) for each in pieces[::2]]
    return re.compile("".join(pieces), re.DOTALL)
