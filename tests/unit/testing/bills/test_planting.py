"""Every planted difference is found and none is invented: real bills, a real ledger, every form."""

from collections import Counter

import pytest

from tests.simulation.bills import differing, house_in, reconciled
from voidtrail.testing.bills import FORMS, KINDS, planted, write

SEEDS = range(4)


@pytest.mark.parametrize("form", FORMS)
def test_every_planted_difference_is_found_and_none_is_invented(form, tmp_path):
    house = house_in(tmp_path)
    kinds = Counter()
    try:
        for seed in SEEDS:
            day = planted(seed, form, ordinary=10)
            kinds.update(day.kinds)
            outcome = reconciled(house, day, tmp_path)
            missed, invented = differing(day, outcome)
            assert not missed, f"seed {seed}"
            assert not invented, f"seed {seed}"
            assert outcome.run.complete
            assert outcome.run.open == sum(each.kind != "split" for each in day.expected)
    finally:
        house.close()
    assert len(kinds) >= 12, "too few kinds are planted to say anything"


def test_at_least_fifteen_kinds_of_differences_are_planted():
    planted_kinds = {kind for form in FORMS for seed in range(20)
                     for kind in planted(seed, form, ordinary=1).kinds}  # fmt: skip
    assert planted_kinds == set(KINDS)
    assert len(KINDS) >= 15


def test_a_seed_makes_the_same_bill_again():
    for form in FORMS:
        assert write(planted(7, form)) == write(planted(7, form)) != write(planted(8, form))
