"""Who decides about changes."""

from tests.unit.runtime.endpoints.office import house_telling
from tests.unit.runtime.notify.desk import office_at
from tests.unit.runtime.rig import house_at
from voidtrail.runtime.deciders import deciders
from voidtrail.runtime.deeds.desk import Deeds
from voidtrail.runtime.endpoints.telling import Telling
from voidtrail.runtime.notify.desk import Alerts


def _kinds(house):
    found = deciders(house)
    for each in found:
        decision = each.decide([], house.clock())
        assert not decision.entries
        assert not decision.messages
    return [type(each) for each in found]


def test_who_has_nothing_to_decide_by_is_left_out(tmp_path):
    for name in ("none", "endpoint", "route"):
        (tmp_path / name).mkdir()
    with house_at(tmp_path / "none") as house:
        assert _kinds(house) == [Deeds]
    with house_telling(tmp_path / "endpoint") as house:
        assert _kinds(house) == [Telling, Deeds]
    with office_at(tmp_path / "route") as office:
        assert _kinds(office.house) == [Alerts, Deeds]
