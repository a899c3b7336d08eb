"""Places and instants of a described platform."""

import pytest

from tests.unit.sources.described import FACTS, HMAC, delivery
from voidtrail.sources.custom.description import parse_description
from voidtrail.sources.custom.wire import Message, instant

JSON = parse_description(HMAC + FACTS)
FORM = parse_description('body = "form"\ncharset = "gbk"\n' + HMAC + FACTS)
NESTED = (
    b'{"a": {"b/c": [10, {"d": 9007199254740993}]}, "n": null, "t": true, "f": 1.10,'
    b' "text": "\\u8ba2", "packed": "{\\"in\\": \\"x\\"}", "bad": "{"}'
)
AT = 1_750_000_000_000_000


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("/a/b~1c/0", "10"),
        ("/a/b~1c/1/d", "9007199254740993"),  # beyond 2^53: never through a float
        ("/a/b~1c/2", ""),
        ("/a/b~1c/-1", ""),
        ("/a/x/y", ""),
        ("/t/x", ""),
        ("n", ""),
        ("t", "true"),
        ("f", "1.10"),
        ("text", "订"),
        ("/packed/in", "x"),
        ("/bad/in", ""),
        ("absent", ""),
        ("header:x-a", "v"),
        ("header:X-Twice", ""),
        ("header:X-Parts#b", "2"),
        ("header:X-Parts#c", "3 4"),
        ("header:X-Parts#d", ""),
        ("header:X-Doubled#a", ""),
        ("header:X-Trailing#a", ""),
        ("query:q", "1 2"),
        ("", ""),
    ],
)
def test_a_place_holds_the_text_as_it_was_written(place, text):
    headers = (
        ("x-a", " v "), ("x-twice", "1"), ("x-twice", "1"),
        ("x-parts", 'Scheme a=1,\n b=2;\r\n c="3 4"'), ("x-doubled", "a=1,a=2"),
        ("x-trailing", 'a="1"0'),
    )  # fmt: skip
    assert Message(delivery(NESTED, headers, "q=1+2"), JSON).value(place) == text


def test_a_header_of_one_word_is_read_at_once():
    headers = (("x-parts", "Scheme " + "a" * 200_000),)
    assert Message(delivery(NESTED, headers, ""), JSON).value("header:X-Parts#b") == ""


def test_a_form_is_read_in_its_charset():
    message = Message(delivery(b"trade_no=%B6%A9%B5%A5&a=%2B+"), FORM)
    assert message.value("trade_no") == "订单"
    assert message.value("a") == "+ "
    assert message.signed_fields() == [("trade_no", "订单"), ("a", "+ ")]


@pytest.mark.parametrize("body", [b"", b"a=1&a=2", b"a", b"a=%FF%FF", b"\xff=1", b"{}"])
def test_what_is_no_form_is_not_read(body):
    assert not Message(delivery(body), FORM).is_readable


@pytest.mark.parametrize(
    "text",
    ["1750000000", "1750000000000", "20250615230640", "2025-06-15 23:06:40",
     "2025-06-15T23:06:40+08:00", "2025-06-15T15:06:40.000Z"],
)  # fmt: skip
def test_an_instant_in_any_usual_form_is_the_same(text):
    assert instant(text, "Asia/Shanghai") == AT


@pytest.mark.parametrize(
    "text", ["", "0", "soon", "20251315230640", "9" * 14, "2025-06-15", "١" * 10]
)
def test_what_is_no_instant_is_none(text):
    assert instant(text, "Asia/Shanghai") is None


def test_an_instant_without_zone_is_read_by_the_described_one():
    assert instant("2025-06-15 16:06:40", "Europe/London") == AT
