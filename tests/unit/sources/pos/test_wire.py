"""The codec against pyiso8583: the same bytes, field by field, and back."""

import json
from contextlib import suppress

import iso8583
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import pos_messages
from tests.pos_messages import PAN, message, read, sale
from voidtrail.sources.pos import wire
from voidtrail.sources.pos.wire import CUP, DIALECTS, Malformed, decode, dialect_of, encode

FEWER = settings(max_examples=max(25, settings.default.max_examples // 6))
"""An example costs a millisecond here: a sixth of the profile's number."""
HEADER = bytes.fromhex(pos_messages.HEADER)


@pytest.fixture(scope="module")
def samples(shared):
    path = shared / "psp" / "iso8583" / "derived_synthetic_messages.json"
    return json.loads(path.read_text())


def test_published_samples_are_decoded_as_published_and_encoded_back(samples, shared):
    spec = pos_messages.shared_spec(shared)
    for sample in samples:
        framed = bytes.fromhex(sample["hex"])
        assert int.from_bytes(framed[:2], "big") == len(framed) - 2
        found = decode(framed[2:], dialect_of(framed[2:]))
        expected = {int(n): text for n, text in sample["decoded"].items() if n.isdigit()}
        assert (found.mti, found.fields) == (sample["decoded"]["t"], expected), sample["name"]
        assert encode(found.mti, found.fields) == framed[2:]
        theirs, _ = iso8583.decode(framed[2:], spec)
        assert {int(n): text for n, text in theirs.items() if n.isdigit()} == found.fields


BOTH_KNOW = (
    *(2, 3, 4, 11, 12, 13, 14, 22, 25, 32, 35, 37, 38, 39, 41, 42, 44, 48, 49, 52, 55, 59, 60, 61),
    *(62, 64),
)
DIGITS, TEXT = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789"


@st.composite
def cup_fields(draw):
    """Any message of the UnionPay dialect that the other codec's table can encode."""
    fields = {}
    for number in draw(st.sets(st.sampled_from(BOTH_KNOW), min_size=1, max_size=5)):
        field = CUP.fields[number]
        most = min(field.size, {59: 600, 48: 322, 44: 25, 62: 512}.get(number, field.size))
        size = field.size if field.digits == wire.FIXED else draw(st.integers(0, min(most, 30)))
        letters = {"n": DIGITS, "a": TEXT, "b": "0123456789ABCDEF"}[field.kind]
        size *= 2 if field.kind == "b" else 1
        fields[number] = draw(st.text(letters, min_size=size, max_size=size))
    return fields


@FEWER
@given(cup_fields(), st.sampled_from(["0100", "0200", "0210", "0400", "0410", "0230"]))
def test_both_codecs_write_the_same_bytes(fields, mti):
    ours = encode(mti, fields)
    assert ours == message(mti, fields)
    found = decode(ours, CUP)
    assert (found.mti, found.fields) == (mti, fields)
    assert read(ours) == fields


INTERNATIONAL = {2: PAN, 3: "000000", 4: "000000001230", 7: "0101070500", 11: "000111",
                 32: "123456", 37: "600107000111", 39: "00", 41: "TERM0001",
                 42: "MERCHANT0000001", 48: "ORDER A1001", 49: "978",
                 90: "0100" + "000111" + "0101070500" + "0" * 22, 95: "0" * 42}  # fmt: skip


@pytest.mark.parametrize("name", ["ascii", "ascii-hex"])
def test_international_messages_are_those_of_the_other_codec(name):
    theirs = message("0420", INTERNATIONAL, name)
    assert dialect_of(theirs).name == name
    found = decode(theirs, dialect_of(theirs))
    assert (found.mti, found.fields) == ("0420", INTERNATIONAL)
    assert encode("0420", INTERNATIONAL, DIALECTS[name], b"") == theirs


def test_ebcdic_is_recognised_and_read():
    body = encode("0200", {3: "000000", 11: "000111", 41: "TERM0001"}, DIALECTS["ebcdic"], b"")
    assert body[:4] == b"\xf0\xf2\xf0\xf0"
    assert decode(body, dialect_of(body)).get(41) == "TERM0001"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (HEADER + b"\x02", "mti"),
        (HEADER + b"\x02\x0a" + bytes(8), "mti"),
        (HEADER + b"\x02\x00" + bytes(3), "bitmap"),
        (HEADER + b"\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00", "DE3"),
        (HEADER + b"\x02\x00\x40\x00\x00\x00\x00\x00\x00\x00\x99", "DE2"),
        (HEADER + b"\x02\x00\x40\x00\x00\x00\x00\x00\x00\x00\xa0", "DE2"),
        (HEADER + b"\x02\x00\x00\x00\x00\x01\x00\x00\x00\x00", "DE32"),
        (HEADER + b"\x02\x00" + bytes(8) + b"\x00", "end"),
        (HEADER + b"\x02\x00\x80" + bytes(7), "secondary bitmap"),
        (HEADER + b"\x02\x00\x01" + bytes(7), "DE8"),
        (b"0200ZZZZ000000000000", "bitmap"),
    ],
)
def test_malformed_says_where(body, path):
    dialect = DIALECTS["ascii-hex"] if body[:1] == b"0" else CUP
    with pytest.raises(Malformed) as caught:
        decode(body, dialect)
    assert caught.value.path == path


@pytest.mark.parametrize("body", [b"", b"\xff", b"GET / HTTP/1.1", b"\x00\x00"])
def test_bytes_of_no_dialect_are_refused(body):
    with pytest.raises(Malformed):
        dialect_of(body)


def test_unknown_dialect_is_named():
    with pytest.raises(Malformed, match="option dialect"):
        dialect_of(sale(), "visa")


@given(st.binary(max_size=200), st.sampled_from(sorted(DIALECTS)))
def test_no_bytes_raise_anything_else(tail, name):
    body = encode("0200", {3: "000000"}, DIALECTS[name])[:-3] + tail
    with suppress(Malformed):
        found = decode(body, DIALECTS[name])
        assert set(found.spans) == set(found.fields)


def test_a_message_cut_anywhere_is_malformed():
    body = sale(d35=PAN + "D28062013949031013", d37="600108000403")
    for size in range(len(body)):
        with pytest.raises(Malformed):
            decode(body[:size], CUP)
