"""What is worth telling: a change of state, way, money or seal; a first "open" is no news."""

import pytest

from tests.unit.lifecycle.story import HOUR, T0, Told, captured, opened, refunded, said
from voidtrail.event.model import Kind
from voidtrail.lifecycle.projection import Projection
from voidtrail.lifecycle.terms import Terms
from voidtrail.lifecycle.verdict import VERDICT

JUDGE = Projection(Terms())


def verdict(*story, now=T0 + HOUR):
    return tuple(Told(*story, now=now)._verdict.values())


def test_a_first_open_is_no_news_and_a_first_capture_is():
    assert not JUDGE.tells(None, verdict(opened()))
    assert JUDGE.tells(None, verdict(captured()))


@pytest.mark.parametrize(("before", "after"), [
    ([opened()], [opened(), captured()]),
    ([captured()], [captured(), refunded(30)]),
    ([captured(), refunded(30)], [captured(), refunded(30), refunded(20, operation="re_2")]),
    ([opened(), said(Kind.CANCEL, why="out_of_stock")],
     [opened(), said(Kind.CANCEL, why="customer_request", minute=-9)]),
])  # fmt: skip
def test_changes_of_state_money_and_way_are_told(before, after):
    assert JUDGE.tells(verdict(*before), verdict(*after))


def test_what_changes_nothing_that_matters_is_not_told():
    assert not JUDGE.tells(verdict(opened()), verdict(opened(), opened(minute=5)))
    assert not JUDGE.tells(verdict(captured()), verdict(captured()))


def test_definition_hangs_on_the_meaning_and_not_on_the_terms():
    other = Projection(Terms(beyond_s=1, askable=(4,)))
    assert other.definition() == JUDGE.definition()
    assert other.verdict_sql("payment", "operation", 5) != JUDGE.verdict_sql(
        "payment", "operation", 5
    )


def test_verdict_has_a_value_for_every_column():
    assert len(verdict(opened())) == len(VERDICT)
