"""Every Python example in README.md and docs/ runs, and shows what it says it shows.

A ```python block is run; with `>>>` prompts its output is compared as well. Blocks of one page
share their names, and run in an empty folder. Blocks in another language (console, toml, sql …)
are not run. `<!-- skip: next -->` before a block leaves it out.
"""

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

from tests.tidy.source import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
READER = Sybil(parsers=[PythonCodeBlockParser(), SkipParser()])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_of_page_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for example in READER.parse(page):
        example.evaluate()
