"""Links in any order give the connected components; orders are components of a higher level."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property import naive, stores
from tests.property.strategies import SPEAKERS, T0, Said, Told
from voidtrail.event.model import Event, Kind, Result
from voidtrail.ledger.working import Union

pytestmark = pytest.mark.timeout(600)

NAMES = [f"n{number}" for number in range(12)]
ORDERS = ["", "", *(f"A{number}" for number in range(6))]


def link(number, names, order):
    first, *rest = names
    event = Event(
        label="link", identity=(str(number),), kind=Kind.LINK if rest else Kind.OPEN,
        result=Result.SUCCEEDED, payment=first, names=tuple(rest), order=order, occurred_at=T0,
    )  # fmt: skip
    return Told((Said(SPEAKERS[0], 1, event),))


several = st.lists(
    st.tuples(
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True),
        st.sampled_from(ORDERS),
    ),
    min_size=1, max_size=14,
).map(lambda links: [link(n, names, order) for n, (names, order) in enumerate(links)])  # fmt: skip


def expected(world):
    said = [each for told in world for each in told.said]
    names = naive.components(each.names() for each in said)
    return {frozenset(each) for each in names}, {frozenset(each) for each in naive.orders(said)}


@given(several, st.data())
def test_links_in_any_order_give_the_components_of_a_naive_union(world, data):
    shuffled = data.draw(st.permutations(world))
    cut = data.draw(st.integers(0, len(world)))
    for log in (stores.memory([shuffled[:cut], shuffled[cut:]]),
                stores.memory([[told] for told in shuffled])):  # fmt: skip
        picture = stores.picture(log)
        assert (picture["names"], picture["orders"]) == expected(world)
        assert len(picture["payments"]) == len(picture["names"]), "each has one row"


@given(several, st.data())
def test_links_in_sqlite_give_the_components_of_a_naive_union(world, data):
    shuffled = data.draw(st.permutations(world))
    log = stores.sqlite()
    with stores.filled(log, [shuffled[:3], shuffled[3:]]):
        picture = stores.picture(log)
        names, orders = expected(world)
        assert (picture["names"], picture["orders"]) == (names, orders)
        assert len(picture["payments"]) == len(names)


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), max_size=40))
def test_union_names_a_component_by_its_least_member(pairs):
    union = Union()
    for left, right in pairs:
        assert union.unite(left, right) == union.find(left) == union.find(right)
    for component in naive.components({str(a), str(b)} for a, b in pairs):
        members = sorted(map(int, component))
        assert {union.find(member) for member in members} == {members[0]}
