"""One page of HTML that needs nothing else."""

import re
import subprocess

import pytest

from tests.unit.web.paper.sheets import sheet, week
from voidtrail.errors import PaperUnavailable
from voidtrail.web.paper import pages


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with week(tmp_path_factory.mktemp("pages")) as house:
        yield house


@pytest.mark.parametrize(("language", "tongue"), [("en", "en"), ("zh_CN", "zh-CN")])
def test_the_page_fetches_nothing_and_runs_nothing(house, language, tongue):
    text = pages.page(sheet(house), language, house.clock())
    assert f'<html lang="{tongue}">' in text
    assert not re.search(r"<script|<link|<img|<iframe|\son\w+=|@import|url\(", text)
    assert set(re.findall(r"https?://[^\"' ]*", text)) == {"http://www.w3.org/2000/svg"}
    assert "{{" not in text


def test_two_writings_of_one_report_are_the_same_bytes(house):
    found, now = sheet(house), house.clock()
    assert pages.page(found, "en", now) == pages.page(found, "en", now)


def test_a_press_that_cannot_set_says_what_to_install(monkeypatch):
    def fails(*_, **__):
        return subprocess.CompletedProcess([], 3, b"", b"a warning\nno font: install one\n")

    monkeypatch.setattr(subprocess, "run", fails)
    with pytest.raises(PaperUnavailable, match=r"^no font: install one$"):
        pages.printed("<p>x")


def test_a_press_that_breaks_down_is_told_of_with_what_helps(monkeypatch):
    def breaks(*_, **__):
        return subprocess.CompletedProcess([], -11, b"", b"Pango-CRITICAL: no font\n")

    monkeypatch.setattr(subprocess, "run", breaks)
    with pytest.raises(PaperUnavailable, match=r"-11 \(Pango-CRITICAL.*fonts-noto-cjk"):
        pages.printed("<p>x")


def test_a_press_that_hangs_is_given_up(monkeypatch):
    def hangs(*_, **__):
        raise subprocess.TimeoutExpired("press", 1)

    monkeypatch.setattr(subprocess, "run", hangs)
    with pytest.raises(PaperUnavailable, match="no PDF was made"):
        pages.printed("<p>x")
