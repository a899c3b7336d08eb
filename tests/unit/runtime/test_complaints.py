"""What errors say is known, all of it and nothing else, and is told in the reader's language."""

import errno
import os
import re
import sqlite3
import tomllib
from ipaddress import ip_network
from typing import Literal

import msgspec
import pytest

from tests.complaints import MARK, complaints
from voidtrail.runtime import text
from voidtrail.runtime.wording import retelling
from voidtrail.runtime.wording.complaints import BENEATH, COMPLAINTS
from voidtrail.runtime.wording.unread import UNREAD

_WORD = re.compile(r"\(?[a-z]{2,}('[a-z]+)?[,.;:?!)]*")


def _is_prose(said):
    """Whether English is left in a text: not a name alone, nor one with dots, slashes or quotes."""
    words = said.split()
    return len(words) > 1 and any(_WORD.fullmatch(word) for word in words)


def _used(said):
    """Return the sentences that a text is made of; None where English is left that is none."""
    found = retelling.match(said)
    if found is None:
        return None if _is_prose(said) else set()
    sentence, values = found
    below = [_used(value) for value in values.values()]
    return None if None in below else {sentence}.union(*below)


def _said():
    return {said: where for said, where in complaints().items() if " " in said.strip()}


def test_everything_that_errors_say_is_known():
    unknown = [f"{where}: {said}" for said, where in _said().items() if _used(said) is None]
    assert len(_said()) > 350, "raise sites are not found any more"
    assert not unknown, (
        f"write these into runtime/wording (not unread.py), with a {{place}} for "
        f"each {MARK}, and into the catalogue:\n" + "\n".join(sorted(unknown))
    )


def test_no_sentence_stands_there_that_no_error_says():
    said = set().union(*(_used(each) or set() for each in _said()))
    stale = sorted(set(COMPLAINTS) - set(BENEATH) - said - {"a public key"})
    assert not stale, "no error says this any more:\n" + "\n".join(stale)


def test_no_sentence_stands_there_twice():
    both = [*COMPLAINTS, *UNREAD]
    assert len(both) == len(set(both)), sorted({each for each in both if both.count(each) > 1})


def test_no_sentence_fits_nearly_everything():
    bare = {each: re.sub(r"\{\w+\}", "", each) for each in COMPLAINTS}
    assert not [each for each, literal in bare.items() if len(literal.strip()) < 6]


def _failure(work):
    with pytest.raises((OSError, sqlite3.Error, ValueError)) as caught:
        work()
    return str(caught.value)


def _beneath(tmp_path):
    """Yield what those beneath us do say."""
    numbers = (errno.ENOENT, errno.EACCES, errno.EISDIR, errno.ENOTDIR)
    rarer = (errno.EEXIST, errno.ENOSPC, errno.EROFS, errno.EADDRINUSE)
    for number in (*numbers, *rarer):
        yield os.strerror(number)
        yield str(OSError(number, os.strerror(number)))
        yield str(OSError(number, os.strerror(number), "pay.db"))
    for number in numbers:
        yield f"keys/own.pem: {os.strerror(number)}"
    other = tmp_path / "other.db"
    other.write_bytes(b"no database at all " * 60)
    yield _failure(lambda: sqlite3.connect(other).execute("SELECT * FROM a"))
    yield _failure(lambda: sqlite3.connect(tmp_path / "absent" / "a.db"))
    read_only = tmp_path / "read.db"
    sqlite3.connect(read_only).execute("CREATE TABLE a (b)").connection.close()
    address = f"file:{read_only}?mode=ro"
    yield _failure(lambda: sqlite3.connect(address, uri=True).execute("DELETE FROM a"))
    yield from ("database is locked", "disk I/O error", "database or disk is full")
    for toml in ("a = ", "a = x", "a", "= 1", "a = 1\na = 2", "a = 1 b = 2"):
        yield _failure(lambda toml=toml: tomllib.loads(toml))
    inner = msgspec.defstruct("Inner", [("port", int), ("mode", Literal["a"], "a")])
    shape = msgspec.defstruct("Shape", [("server", inner)])
    for given in (1, {}, {"server": 1}, {"server": {}}, {"server": {"port": 1, "mode": "x"}}):
        yield _failure(lambda given=given: msgspec.convert(given, shape))
    yield _failure(lambda: msgspec.convert("x", type=Literal["a"]))
    yield _failure(lambda: ip_network("10.0.0.300"))
    yield _failure(lambda: ip_network("10.0.0.1/8"))


def test_those_beneath_us_say_what_is_expected_of_them(tmp_path):
    said = {each: _used(each) for each in _beneath(tmp_path)}
    assert None not in said.values(), [each for each, used in said.items() if used is None]
    assert set(BENEATH) <= set().union(*said.values())


@pytest.mark.parametrize(
    ("said", "chinese"),
    [
        (
            'account custom/main, description: status."x".kind: '
            "'PAI' is not known; did you mean \"PAY\"?",
            '账户 custom/main，平台描述：status."x".kind：\'PAI\' 无法识别；是不是 "PAY"？',
        ),
        (
            "setting seal.rule 1: shop: 'a' is not known; known: b, c",
            "配置项 seal.rule 1：shop：'a' 无法识别；可用：b, c",
        ),
        (
            "account stripe/main, secret signing: keys/a.pem: No such file or directory",
            "账户 stripe/main，密钥 signing：keys/a.pem：文件或目录不存在",
        ),
        (
            "description: signature.text: braces must hold the name of a value; "
            "write {{ for a brace",
            "平台描述：signature.text：花括号内须为取值的名称；花括号本身请写成 {{",
        ),
    ],
)
def test_sentences_within_sentences_are_told_too(said, chinese):
    text.speak("zh_CN")
    try:
        assert retelling.retold(said) == chinese
    finally:
        text.speak("en")
    assert retelling.retold(said) == said
