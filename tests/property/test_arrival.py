"""Order of arrival, repetition and grouping do not matter; live, replayed and grouped agree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property import stores
from tests.property.strategies import arrivals, worlds

pytestmark = pytest.mark.timeout(600)


@given(st.data())
def test_any_order_any_repetition_any_grouping_gives_the_same_payments_in_memory(data):
    world = data.draw(worlds())
    groups = data.draw(arrivals(world))
    assert stores.picture(stores.memory(groups)) == stores.picture(stores.memory([world]))


@given(st.data())
def test_any_order_any_repetition_any_grouping_gives_the_same_payments_in_sqlite(data):
    world = data.draw(worlds())
    groups = data.draw(arrivals(world))
    log = stores.sqlite()
    with stores.filled(log, groups):
        found = stores.picture(log)
    with stores.filled(log, [[told] for told in world]):
        assert found == stores.picture(log)
