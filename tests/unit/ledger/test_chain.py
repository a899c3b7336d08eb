"""The chain's hashes: the tree of RFC 6962, and a head that covers all that it should."""

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voidtrail.ledger import chain


def naive_root(leaves):
    """MTH of RFC 6962, section 2.1, as it is written there."""
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def test_root_equals_the_recursive_definition_for_every_size_up_to_200():
    leaves = [sha256(bytes([n])).digest() for n in range(200)]
    for count in range(1, 201):
        assert chain.merkle_root(leaves[:count]) == naive_root(leaves[:count])


def test_root_equals_a_published_vector():
    """RFC 6962 test vectors of the certificate-transparency reference implementation."""
    leaves = [bytes.fromhex(text) for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
    roots = {
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    for count, root in roots.items():
        assert chain.merkle_root(leaves[:count]).hex() == root


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=9), st.data())
def test_root_changes_with_any_leaf_and_any_order(leaves, data):
    place = data.draw(st.integers(0, len(leaves) - 1))
    flipped = [*leaves]
    flipped[place] = bytes([flipped[place][0] ^ 1]) + flipped[place][1:]
    assert chain.merkle_root(flipped) != chain.merkle_root(leaves)
    assert chain.merkle_root([*leaves, leaves[-1]]) != chain.merkle_root(leaves)
    swapped = [*leaves[1:], leaves[0]]
    assert (chain.merkle_root(swapped) == chain.merkle_root(leaves)) == (swapped == leaves)


HEAD = (b"s" * 16, 0, 1, chain.GENESIS, b"r" * 32, 3, 17, 5)


@pytest.mark.parametrize("place", range(len(HEAD)))
def test_head_covers_store_lane_place_previous_root_count_and_clock(place):
    changed: list[Any] = [*HEAD]
    changed[place] = changed[place][::-1] + b"x" if isinstance(changed[place], bytes) else 99
    assert chain.head(*changed) != chain.head(*HEAD)


def test_leaves_of_different_kinds_never_meet():
    assert chain.control_leaf(1, "tick", "{}") != chain.delivery_leaf((1, "tick", "{}"), None)
    assert chain.delivery_leaf((1,), None) != chain.delivery_leaf((1,), b"")


def test_a_ciphertext_enters_by_its_hash():
    """So that the chain still verifies when a copy holds the hash in the ciphertext's place."""
    assert chain.delivery_leaf((1,), b"a") != chain.delivery_leaf((1,), b"b")
