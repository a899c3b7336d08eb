"""What the quarantine keeps in English is told in the reader's language."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import voidtrail
from voidtrail.runtime import text
from voidtrail.runtime.wording.retelling import match, retold
from voidtrail.runtime.wording.unread import UNREAD

SRC = Path(voidtrail.__file__).parent
NOTES = {"unreadable", "Unreadable", "_Fault", "Unfit", "Malformed", "Bad", "Nameless"}
"""What notes why something could not be read."""
IN_NOTES = {"money.py", "preparing.py", "shop.py", "wire.py"}
"""Modules whose ValueErrors become such a note."""
ELSEWHERE = {
    "row {row}", "row {row}, column {column}", "row {row}, amount of {event}",
    "line {line}, column {column}", "an amount or a currency", "could not be kept",
    "could not be kept: {kind}", "has {count} fields, but the header names {width}",
    "is not valid JSON", "is not a JSON object", "the refund names no payment",
    "its reference has the same key as another reference",
}  # fmt: skip
"""Sentences that are put together otherwise, or stand as constants."""
WRITTEN_BY = "x"


def _said(node: ast.expr) -> str | None:
    """Return the text of a literal, with a word for each value written into it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else WRITTEN_BY
                       for part in node.values)  # fmt: skip
    return None


def _notes() -> Iterator[str]:
    for path in sorted(SRC.rglob("*.py")):
        if "testing" in path.parts:
            continue
        names = NOTES | ({"ValueError"} if path.name in IN_NOTES else set())
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
            if name in names:
                said = node.args[2:3] if name == "Bad" else node.args[-1:]
                said = said or [each.value for each in node.keywords if each.arg == "why"]
                yield from (found for each in said if " " in (found := _said(each) or ""))


def _constants() -> Iterator[str]:
    """Yield the faults that the table source names as constants."""
    from voidtrail.sources.table import frame

    yield from (value for name, value in vars(frame).items()
                if name.isupper() and isinstance(value, str) and " " in value)  # fmt: skip


@pytest.fixture
def chinese():
    text.speak("zh_CN")
    yield
    text.speak("en")


def test_every_note_of_the_quarantine_is_known():
    unknown = sorted({note for note in (*_notes(), *_constants()) if match(note) is None})
    assert not unknown, "write these into runtime/wording/unread.py:\n" + "\n".join(unknown)


def test_no_sentence_is_kept_that_nobody_says():
    said = {found[0] for note in (*_notes(), *_constants()) if (found := match(note))}
    assert set(UNREAD) - said <= ELSEWHERE
    assert set(UNREAD) >= ELSEWHERE


@pytest.mark.parametrize(("english", "chinese_text"), [
    ("row 12, column 总金额", "第 12 行，“总金额”列"),
    ("it cannot be read: not well-formed XML", "无法读取：XML 格式有误"),
    ("no ISO 8583 message: a length of 20, where 19 is the most",
     "不是 ISO 8583 报文：长度为 20，上限为 19"),
    ("is empty or absent", "为空或缺失"),
    ("data.object.id", "data.object.id"),
    ("old.csv: cannot be read: No such file or directory", "old.csv：无法读取：文件或目录不存在"),
])  # fmt: skip
def test_a_sentence_is_retold_with_what_stands_in_it(chinese, english, chinese_text):
    assert retold(english) == chinese_text


def test_english_stays():
    assert retold("row 12, column total") == "row 12, column total"


@given(
    st.sampled_from([each for each in UNREAD if len(re.findall(r"{\w+}", each)) == 1]),
    st.text(max_size=30),
)
def test_a_value_comes_through_whatever_it_is(sentence, value):
    found = match(re.sub(r"{\w+}", lambda _: value, sentence))
    assert found is not None
    if found[0] == sentence:
        assert list(found[1].values()) == [value]
