"""The glossary can be looked up like a dictionary."""

import re
from itertools import pairwise

from tests.tidy.source import ROOT, listing

PAGE = ROOT / "docs" / "glossary.md"
ROW = re.compile(r"^\| \*\*([^*]+)\*\* \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def _rows():
    return ROW.findall(PAGE.read_text(encoding="utf-8"))


def test_glossary_is_sorted_and_unique():
    words = [word.casefold() for word, *_ in _rows()]
    assert words, f"{PAGE.name}: a row reads `| **word** | 中文 | meaning |`"
    misplaced = [late for early, late in pairwise(words) if late <= early]
    assert not misplaced, (
        f"Put each of these where the alphabet has it, once, in {PAGE.name}.\n"
        + (listing(misplaced))
    )


def test_glossary_rows_are_complete():
    text = PAGE.read_text(encoding="utf-8")
    table = [line for line in text.splitlines() if line.startswith("| **")]
    assert len(table) == len(_rows()), f"{PAGE.name}: a row reads `| **word** | 中文 | meaning |`"
    plain = [word for word, term, _ in _rows() if not re.search(r"[\u4e00-\u9fff]", term)]
    assert not plain, "Give the Chinese term of each of these.\n" + listing(plain)
