"""Frames come out of any stream whole and in order, whatever lies between them."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pos_messages import sale, void
from voidtrail.runtime.frames import Frames, Piece
from voidtrail.sources.pos.wire import CUP, DIALECTS, HEAD, encode, may_begin

FEWER = settings(max_examples=max(25, settings.default.max_examples // 6))
"""An example costs a millisecond here: a sixth of the profile's number."""
MESSAGES = [sale(), sale("0210", d39="00"), void(), sale("0400", d39="98")]
NOISE = b"\x16\x03\x01 HELLO \xff\xfe"


def framed(message):
    return len(message).to_bytes(2, "big") + message


def frames(framing="length2", frame_max=4096, dialect="cup"):
    return Frames(framing, frame_max, lambda head: may_begin(head, dialect), HEAD)


def taken(stream, *chunks):
    found = [piece for chunk in chunks for piece in stream.feed(chunk)]
    return [*found, *stream.end()]


def whole(pieces):
    return [piece.data for piece in pieces if piece.is_frame]


@FEWER
@given(st.lists(st.sampled_from(MESSAGES), max_size=6), st.lists(st.integers(0, 900), max_size=9))
def test_however_the_stream_is_cut_the_frames_are_the_same(messages, cuts):
    stream = b"".join(map(framed, messages))
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    chunks = [stream[a:b] for a, b in pairwise(places)]
    assert taken(frames(), *chunks) == [Piece(message, True) for message in messages]


@FEWER
@given(st.integers(1, 7), st.sampled_from([NOISE, b"\0\0\0\7", b"GET / HTTP/1.1\r\n\r\n"]))
def test_after_noise_the_next_frame_is_found(step, noise):
    stream = framed(MESSAGES[0]) + noise + framed(MESSAGES[1]) + noise[:3] + framed(MESSAGES[2])
    chunks = [stream[at : at + step] for at in range(0, len(stream), step)]
    pieces = taken(frames(), *chunks)
    assert whole(pieces) == MESSAGES[:3]
    lost = b"".join(piece.data for piece in pieces if not piece.is_frame)
    assert lost.replace(b"\0", b"") == (noise + noise[:3]).replace(b"\0", b"")


@given(st.binary(max_size=300), st.integers(1, 40))
def test_no_bytes_are_lost_but_empty_frames(data, step):
    stream = frames()
    pieces = taken(stream, *(data[at : at + step] for at in range(0, len(data), step)))
    size = sum(len(piece.data) + 2 * piece.is_frame for piece in pieces)
    assert size <= len(data)
    kept = b"".join(piece.data for piece in pieces)
    assert len(data) - size <= data.count(0)
    assert len(kept.replace(b"\0", b"")) + 4 * len(whole(pieces)) >= len(data.replace(b"\0", b""))
    assert not stream.waiting


def test_an_empty_frame_only_keeps_the_line_alive():
    assert taken(frames(), b"\0\0" + framed(MESSAGES[0]) + b"\0\0") == [Piece(MESSAGES[0], True)]


def test_half_a_frame_waits_and_is_noise_at_the_end():
    stream = frames()
    assert stream.feed(framed(MESSAGES[0])[:30]) == []
    assert stream.waiting
    assert stream.end() == [Piece(framed(MESSAGES[0])[:30], False)]


def test_a_frame_that_is_too_long_is_noise():
    pieces = taken(frames(frame_max=100), framed(sale(d62="00" * 90)), framed(MESSAGES[1]))
    assert whole(pieces) == [MESSAGES[1]]


def test_noise_does_not_grow_without_end():
    stream = frames()
    pieces = [piece for _ in range(100) for piece in stream.feed(b"\xff" * 1000)]
    assert len(pieces) >= 20
    assert max(len(piece.data) for piece in pieces) < 6000


def test_lengths_of_four_digits():
    message = encode("0200", {3: "000000", 11: "000001"}, DIALECTS["ascii"], b"")
    stream = f"{len(message):04}".encode() + message
    pieces = taken(frames("length4", dialect=""), b"xx", stream[:5], stream[5:], stream)
    assert whole(pieces) == [message, message]


@pytest.mark.parametrize("dialect", ["", *DIALECTS])
def test_every_message_may_begin_as_it_does(dialect):
    name = dialect or "cup"
    message = encode("0420", {3: "000000", 11: "000001"}, DIALECTS[name])
    for size in range(HEAD + 1):
        assert may_begin(message[:size], dialect), size
    assert not may_begin(b"\x99" * HEAD, dialect)
    assert CUP.header + 2 == HEAD
