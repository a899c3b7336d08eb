"""The cost of a notice is measured for every source that a fake speaks for."""

import pytest

from voidtrail.sources.registry import SOURCES
from voidtrail.testing.bench.source_cost import CostPlan, run_costs
from voidtrail.testing.platforms.registry import FAKES

RSA_AND_ALL_S = 150e-6


@pytest.fixture(scope="module")
def costs():
    heard: list[str] = []
    return run_costs(CostPlan(orders=20, rounds=3), heard.append), heard


def test_every_source_with_a_fake_is_measured_and_told(costs):
    found, heard = costs
    pushing = {name for name in FAKES if name in SOURCES and SOURCES[name].CAPABILITIES.webhook}
    pushing.add("pos")  # mirrored, not posted
    assert {each.source for each in found} == pushing
    assert len(heard) >= len(found)


def test_figures_are_those_of_one_notice(costs):
    for each in costs[0]:
        assert each.notices > 0
        assert each.bytes >= 1
        assert 0 < each.verify_s + each.translate_s <= each.slowest_s * 1.000001
        # Far above the 150 µs that are promised for a quiet machine, far below a mistake.
        assert each.verify_s + each.translate_s < 20 * RSA_AND_ALL_S, each
