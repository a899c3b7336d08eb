"""The catalogues hold what is said, all of it and nothing else."""

import re

import pytest
from babel.messages.pofile import read_po

from tests.messages import SRC, labels, messages
from voidtrail.runtime import text

PLACE = re.compile(r"{(\w+)}")


def _catalogue(name):
    with (SRC / "locales" / name / "LC_MESSAGES" / "voidtrail.po").open("rb") as file:
        found = read_po(file, locale=name)
    return {(each.context, each.id): each.string for each in found if each.id}


def test_every_message_has_its_chinese():
    missing = sorted(map(str, set(messages()) - set(_catalogue("zh_CN"))))
    assert not missing, "write the Chinese of these into locales/zh_CN:\n" + "\n".join(missing)


def test_no_catalogue_holds_what_nobody_says():
    said = set(messages())
    for name in text.LANGUAGES:
        stale = sorted(map(str, set(_catalogue(name)) - said))
        assert not stale, f"delete these from locales/{name}:\n" + "\n".join(stale)


def test_every_word_of_an_enumeration_has_its_english():
    missing = sorted(set(labels()) - set(_catalogue("en")))
    assert not missing, f"write the words of these into locales/en: {missing}"


@pytest.mark.parametrize("name", text.LANGUAGES)
def test_translations_are_written_and_keep_the_places(name):
    for (context, message), string in _catalogue(name).items():
        assert string, f"{context}, {message!r} is empty"
        if context is None:
            assert sorted(PLACE.findall(message)) == sorted(PLACE.findall(string)), message


def test_chinese_is_chinese():
    same = {"Python", "SQLite"}
    for (_, message), string in _catalogue("zh_CN").items():
        if string not in same and string != "–":
            assert re.search(r"[\u4e00-\u9fff]", string) or string == "App", message


def test_examples_stay_as_they_are():
    for (context, message), string in _catalogue("zh_CN").items():
        if context is None and "Example: " in message:
            assert message.rpartition("Example: ")[2] == string.rpartition("示例：")[2]
