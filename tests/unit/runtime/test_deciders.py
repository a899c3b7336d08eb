"""Who decides about changes."""

from tests.unit.runtime.rig import house_at
from voidtrail.runtime.deciders import deciders


def test_every_decider_answers_to_silence_with_nothing(tmp_path):
    with house_at(tmp_path) as house:
        for each in deciders(house):
            assert each.decide([], house.clock()) == ((), ())
