"""Alipay's forms and amounts: fast readings say the same as the slow ones."""

from urllib.parse import parse_qsl, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voidtrail.money import minor_from_major
from voidtrail.sources.alipay import wire as alipay_wire

NAMES = st.text("abc_ 订&%+", min_size=1, max_size=8)
VALUES = st.binary(max_size=30).filter(lambda value: b"\xff" not in value)


@given(st.dictionaries(NAMES, VALUES, min_size=1))
def test_form_decodes_as_the_standard_library_does(fields):
    body = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in fields.items())
    assert alipay_wire.form(body.encode()) == {k.encode(): v for k, v in fields.items()}
    assert alipay_wire.form(body.encode() + b"&x=%FF") is None


@given(st.text("ab%2Bf=+ 订", max_size=20))
def test_any_value_decodes_once(value):
    body = f"v={quote_plus(value)}"
    found = dict(parse_qsl(body, keep_blank_values=True))
    assert alipay_wire.form(body.encode()) == {b"v": found["v"].encode()}


@pytest.mark.parametrize("body", [b"", b"a", b"a=1&a=2", b"a=1&%61=2", b"&".join([b"a=1"] * 300)])
def test_form_with_a_field_twice_is_none(body):
    assert alipay_wire.form(body) is None


@given(st.integers(0, 10**15), st.sampled_from(["", "0", "00"]))
def test_yuan_become_fen_exactly(amount, zeros):
    text = f"{zeros}{amount // 100}.{amount % 100:02d}"
    assert alipay_wire.fen(text) == minor_from_major(text, "CNY") == amount


@pytest.mark.parametrize(
    ("text", "fen"),
    [("", None), ("1", 100), ("1.5", 150), ("0.01", 1), ("1.50000", 150)],
)
def test_other_spellings_of_yuan(text, fen):
    assert alipay_wire.fen(text) == fen


@pytest.mark.parametrize(
    "text", ["-0.01", "1.005", "1,00", "x", "٣.00", "1.0٣", "+1.00", "1e2", " 1.00", ".5", "1_0"]
)
def test_what_is_no_yuan_is_refused(text):
    with pytest.raises(ValueError):
        alipay_wire.fen(text)
