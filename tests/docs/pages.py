"""The pages as the tests of documents see them: headings, tables, blocks."""

import re

from tests.tidy.source import ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)


def page(name):
    """The text of a page, by its path in the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text, language):
    """The contents of fenced blocks of a language."""
    return [body for word, body in _FENCE.findall(text) if word == language]


def headings(text):
    """(level, title) of each heading."""
    return [(len(marks), title) for marks, title in _HEADING.findall(_FENCE.sub("", text))]


def section(text, title):
    """What stands under a heading, up to the next one of the same level or above."""
    [level] = [depth for depth, each in headings(text) if each == title]
    after = text.split(f"{'#' * level} {title}\n", 1)[1]
    return re.split(rf"^#{{1,{level}}} ", after, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text):
    """The cells of every row of every table, heads and rules left out."""
    found = []
    lines = text.splitlines()
    for place, line in enumerate(lines):
        if not line.startswith("|") or set(line) <= set("|-: "):
            continue
        following = lines[place + 1] if place + 1 < len(lines) else ""
        if following.startswith("|") and set(following) <= set("|-: "):
            continue
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def words(cell):
    """The words of a cell that stand as code."""
    return re.findall(r"`([^`]+)`", cell)
