"""Every picture that a page names exists and is described; none lies unused, none is heavy."""

import re

import pytest

from tests.docs.pages import PAGES
from tests.end_to_end.pictures import FOLDER, LANGUAGES, PICTURES
from tests.tidy.source import ROOT, listing

IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
SUFFIXES = {".png", ".webp", ".jpg", ".jpeg", ".gif", ".svg"}
BYTES_MAX = 200_000
WORDS_MIN = 10
"""Letters of a description; fewer say nothing of what is seen."""


def _images(path):
    """(description, file) of every picture of a page that is not another site's."""
    return [(said, (path.parent / name).resolve())
            for said, name in IMAGE.findall(path.read_text(encoding="utf-8"))
            if "://" not in name]  # fmt: skip


def _kept():
    return {file for file in (ROOT / "docs").rglob("*") if file.suffix in SUFFIXES}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_picture_of_a_page_exists_and_is_described(path):
    images = _images(path)
    missing = [file for _, file in images if not file.is_file()]
    assert not missing, "Take these with `make pictures`.\n" + listing(missing)
    mute = [file.name for said, file in images if len(said.strip()) < WORDS_MIN]
    assert not mute, "Say what these show, for whoever cannot see them.\n" + listing(mute)
    other = [file.name for _, file in images
             if (".zh-CN." in file.name) != (".zh-CN." in path.name)]  # fmt: skip
    assert not other, f"{path.name} shows these in another language.\n" + listing(other)


def test_no_picture_lies_unused():
    named = {file for path in PAGES for _, file in _images(path)}
    assert named, "The tutorial shows pictures."
    unused = sorted(_kept() - named)
    assert not unused, "Show these on a page, or remove them.\n" + listing(unused)


def test_every_picture_can_be_taken_anew():
    taken = {FOLDER / f"{each.name}{language}.png" for each in PICTURES for language in LANGUAGES}
    assert set(FOLDER.iterdir()) == taken, "Run `make pictures`."


def test_pictures_are_light():
    heavy = [f"{file.name}: {size:,} bytes" for file in sorted(_kept())
             if (size := file.stat().st_size) > BYTES_MAX]  # fmt: skip
    assert not heavy, "Lessen their height in tests/end_to_end/pictures.py.\n" + listing(heavy)
