"""Reasons are frozen numbers, packed so that the best-founded and then the earliest is least."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voidtrail.event import reason
from voidtrail.event.reason import EPOCH_2000_S, REASONS, UNSPECIFIC_RANK, How, pack, unpack

SECOND = 1_000_000
numbers = st.sampled_from([each.number for each in REASONS])
instants = st.integers(EPOCH_2000_S * SECOND, (EPOCH_2000_S + 2**32 - 1) * SECOND)
roles = st.integers(0, 6)

FROZEN = {0: "unstated", 1: "unlisted", 10: "customer_request", 20: "merchant_request",
          30: "timed_out", 40: "declined", 60: "issuer_unavailable", 80: "dispute_fraud",
          83: "capture_failed", 88: "reversed"}  # fmt: skip


def test_numbers_and_slugs_are_unique_and_fit_into_16_bits():
    assert len(reason.BY_NUMBER) == len(reason.BY_SLUG) == len(REASONS)
    assert all(0 <= each.number < 2**16 for each in REASONS)


def test_numbers_that_stand_in_ledgers_keep_their_meaning():
    assert {number: reason.BY_NUMBER[number].slug for number in FROZEN} == FROZEN


def test_a_slug_is_found_by_name_only():
    assert reason.number("timed_out") == 30
    with pytest.raises(KeyError):
        reason.number("nonsense")


@given(numbers, instants, roles)
def test_packing_keeps_rank_second_and_number(number, instant, role):
    rank, at, found = unpack(pack(number, instant, role))
    specific = reason.BY_NUMBER[number].specific
    assert (rank, at, found) == (role + (0 if specific else UNSPECIFIC_RANK),
                                 instant // SECOND * SECOND, number)  # fmt: skip


@given(numbers, numbers, instants, instants, roles, roles)
def test_a_specific_reason_beats_an_unspecific_one_then_role_then_time(a, b, at, bt, role, other):
    def order(number, instant, speaker):
        return (not reason.BY_NUMBER[number].specific, speaker, instant // SECOND, number)

    assert (pack(a, at, role) < pack(b, bt, other)) == (order(a, at, role) < order(b, bt, other))


def test_instants_outside_of_the_epoch_are_held_at_its_ends():
    assert unpack(pack(10, 0, 0))[1] == EPOCH_2000_S * SECOND
    assert unpack(pack(10, 2**62, 0))[1] == (EPOCH_2000_S + 2**32 - 1) * SECOND


def test_every_specific_ending_names_a_way():
    without = [each.slug for each in REASONS if each.how is How.NONE]
    assert without == ["finished", "refund_failed"], "these two end no payment"
