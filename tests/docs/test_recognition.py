"""The recognition pages are written from the tables that the tests read."""

import pytest

from tests.contract.recognition_page import PAGES, rendered
from tests.docs.pages import page


@pytest.mark.parametrize("language", PAGES)
def test_page_is_what_the_tables_say(language):
    same = page(PAGES[language]) == rendered(language)
    assert same, "write it anew: python -m tests.contract.recognition_page"
