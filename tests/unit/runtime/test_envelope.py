"""What of a delivery is sealed, and back."""

import pytest

from tests.unit.runtime.rig import NOW, delivery
from voidtrail.event.model import Via
from voidtrail.runtime.envelope import pack, unpack


def opened(packed, via=Via.PUSH):
    return unpack(packed, source="stripe", account="main", received_at=NOW, via=via)


@pytest.mark.parametrize("body", [b"", b"{}", b"short \xff", b"long and alike " * 400])
def test_what_was_packed_comes_back_as_it_was(body):
    told = delivery(body=body, headers=(("a", "1"), ("a", "2")), request="pi_1", context="c")
    assert opened(pack(told)) == told


def test_what_is_long_is_kept_small():
    assert len(pack(delivery(body=b"long and alike " * 400))) < 1000


def test_card_numbers_are_masked_but_references_are_left_alone():
    body = b'{"note": "4242 4242 4242 4242", "id": "6200000000000005"}'
    kept = opened(pack(delivery(body=body), lambda: {b"6200000000000005"})).body
    assert b"4242 4242 4242 4242" not in kept
    assert b"6200000000000005" in kept


def test_credentials_in_headers_are_never_kept():
    headers = (("authorization", "Bearer sk"), ("cookie", "c"), ("x-api-key", "k"), ("date", "d"))
    assert opened(pack(delivery(headers=headers))).headers == (("date", "d"),)
    assert opened(pack(delivery()), Via.ASKED).via is Via.ASKED
