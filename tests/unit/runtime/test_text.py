"""The language is chosen by flag, then environment; an unknown one is refused by name."""

import pytest

from voidtrail.errors import WrongUse
from voidtrail.runtime import text


@pytest.mark.parametrize(
    ("arguments", "environment", "language"),
    [
        ([], {}, "en"),
        (["--lang", "zh"], {"LANG": "en_US.UTF-8"}, "zh_CN"),
        (["--lang=zh-Hans"], {}, "zh_CN"),
        (["report", "--", "--lang", "zh"], {}, "en"),
        ([], {"VOIDTRAIL_LANGUAGE": "zh_CN", "LC_ALL": "C"}, "zh_CN"),
        ([], {"LC_ALL": "", "LANG": "zh_CN.GB18030"}, "zh_CN"),
        ([], {"LANG": "fr_FR.UTF-8"}, "en"),
        ([], {"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_language_of_a_command_line(arguments, environment, language):
    assert text.language_of(arguments, environment) == language


def test_a_language_that_nobody_wrote_is_refused():
    with pytest.raises(WrongUse, match="'fr' is not known; known: en, zh_CN"):
        text.language_of(["--lang", "fr"], {})


@pytest.mark.parametrize(("language", "word"), [("en", "called off"), ("zh_CN", "已取消")])
def test_labels_follow_the_language(language, word):
    before = text.language()
    text.speak(language)
    try:
        assert text.label("state", "cancelled") == word
        assert text.label("state", "never heard of") == "never heard of"
        assert text._("") == ""
    finally:
        text.speak(before)
