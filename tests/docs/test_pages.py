"""Links lead somewhere, paths exist, and pages in two languages say the same in the same order."""

import re

import pytest

from tests.docs.pages import PAGES, blocks, headings, page
from tests.tidy.source import ROOT, listing

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
PATH = re.compile(r"`((?:src|tests|docs|examples|requirements|scripts)/[\w./\-]+)`")
TRANSLATED = sorted(ROOT.glob("*.zh-CN.md")) + sorted((ROOT / "docs").rglob("*.zh-CN.md"))


def _anchor(title):
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _leads_somewhere(path, link):
    name, _, anchor = link.partition("#")
    target = (path.parent / name).resolve() if name else path
    if not target.exists():
        return False
    titles = headings(target.read_text(encoding="utf-8")) if anchor else ()
    return not anchor or anchor in {_anchor(title) for _, title in titles}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path):
    links = [link for link in LINK.findall(path.read_text(encoding="utf-8")) if "://" not in link]
    broken = [link for link in links if not _leads_somewhere(path, link)]
    assert not broken, "Mend these links.\n" + listing(broken)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_that_is_named_exists(path):
    named = PATH.findall(path.read_text(encoding="utf-8"))
    missing = [each for each in named if not (ROOT / each).exists()]
    assert not missing, "These were moved or never made.\n" + listing(missing)


@pytest.mark.parametrize("path", TRANSLATED, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_in_two_languages_has_the_same_sections_and_commands(path):
    ours = path.read_text(encoding="utf-8")
    theirs = path.with_name(path.name.replace(".zh-CN", "")).read_text(encoding="utf-8")
    assert [level for level, _ in headings(ours)] == [level for level, _ in headings(theirs)]
    for language in ("sh", "json"):
        assert blocks(ours, language) == blocks(theirs, language)
    spoken = [re.sub(r"\s*#.*", "", "".join(blocks(text, "toml"))) for text in (ours, theirs)]
    assert spoken[0] == spoken[1]


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_readme_begins_with_the_two_commands(name):
    top = page(name).splitlines()[:5]
    assert [line.split("  ")[2].strip() for line in top if line.startswith("    ")] == [
        "make demo",
        "make test",
    ]


def test_every_decision_is_listed_and_names_its_check():
    folder = ROOT / "docs" / "decisions"
    index = page("docs/decisions/README.md")
    for path in sorted(folder.glob("0*.md")):
        assert f"]({path.name})" in index, f"list {path.name} in docs/decisions/README.md"
        assert re.search(r"^(## Check|- Check: )", path.read_text(encoding="utf-8"), re.MULTILINE)
    numbers = [path.name[:4] for path in sorted(folder.glob("0*.md"))]
    assert numbers == [f"{number:04d}" for number in range(len(numbers))]
