"""What platforms sign, read as they wrote it: forms once decoded, numbers with their digits."""

import json
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voidtrail.sources.canonical import form_fields, json_fields, sorted_pairs

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="=\0"), min_size=1, max_size=6)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@settings(max_examples=100)
@given(st.dictionaries(NAMES, TEXTS, min_size=1, max_size=5))
def test_a_form_is_decoded_as_the_standard_library_decodes_it(fields):
    body = urlencode(fields).encode()
    assert form_fields(body) == dict(parse_qsl(body.decode(), keep_blank_values=True)) == fields


@pytest.mark.parametrize("charset", ["gb18030", "utf-8"])
def test_a_form_is_read_in_its_charset(charset):
    assert form_fields(urlencode({"a": "订单 +=&"}, encoding=charset).encode(), charset) == {
        "a": "订单 +=&"
    }


@pytest.mark.parametrize(
    "body", [b"", b"&", b"a", b"a=1&a=2", b"a=1&a=1", b"a=%FF", b"a=%00", b"\xff=1", b"a=1&&&x"]
)
def test_what_is_no_form_is_none(body):
    assert form_fields(body) is None


def test_more_fields_than_any_platform_sends_are_none():
    assert form_fields(b"&".join(b"%d=1" % number for number in range(201))) is None


@pytest.mark.parametrize(
    "text",
    ["1.10", "1e5", "1E+5", "-0", "-0.0", "0", "12345678901234567890123", "9007199254740993",
     "true", "[1, 2]", '{"b": [ ] }'],
)  # fmt: skip
def test_a_value_stands_as_it_was_written(text):
    assert json_fields(f'{{"a": {text}, "b": "x"}}'.encode()) == {"a": text, "b": "x"}


@settings(max_examples=100)
@given(st.dictionaries(st.text(max_size=4), TEXTS | st.integers(-(2**63), 2**63), max_size=5))
def test_texts_and_whole_numbers_stand_as_they_are(fields):
    said = json_fields(json.dumps(fields).encode())
    assert said == {name: str(value) for name, value in fields.items()}


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b'{"a":', b'{"a": NaN}', b"\xff", b"[" * 9999])
def test_what_is_no_object_is_none(body):
    assert json_fields(body) is None


def test_pairs_are_sorted_by_name_and_the_empty_ones_left_out_unless_they_count():
    fields = [("b", "1"), ("a", ""), ("B", "2")]
    assert sorted_pairs(fields) == "B=2&b=1"
    assert sorted_pairs(fields, {"b"}, empties=True, between="|") == "B=2|a="
