"""How entries fold into incidents."""

import pytest

from tests.unit.response.told import HOUR, NOW, Office, news, route
from voidtrail.response.incident import (
    RECENT_MAX,
    Acknowledged,
    Digested,
    Moved,
    Seen,
    State,
    Told,
    Topic,
    Wish,
    fold,
)

TOPIC = Topic("downtown", "alipay", "fault")


def seen(no=1, payments=(1,), **more):
    return Seen(no, NOW, NOW, payments=tuple(payments), **{"topic": TOPIC, **more})


def test_an_incident_grows_and_keeps_currencies_apart():
    state = fold(State(), seen(money={"CNY": 5}))
    state = fold(state, seen(payments=(2, 3), money={"CNY": 2, "USD": 9}, topic=None))
    found = state.find(1)
    assert (found.count, found.money) == (3, {"CNY": 7, "USD": 9})


def test_folding_changes_no_state_that_somebody_holds():
    before = fold(State(), seen())
    fold(before, seen(payments=(2,), topic=None))
    fold(before, Moved(1, NOW, closed=True, finished=True))
    assert (before.find(1).count, before.find(1).closed_at, len(before.incidents)) == (1, None, 1)


def test_counting_a_payment_twice_is_a_bug_and_said_so():
    with pytest.raises(AssertionError, match="counts once"):
        fold(fold(State(), seen()), seen(topic=None))


def test_the_dearest_payment_is_the_example():
    office = Office(route())
    office.hear(news(1, amount_minor=5), news(2, amount_minor=50), news(3, amount_minor=7))
    office.hear(news(4, amount_minor=99, currency="JPY"), news(5, amount_minor=60))
    assert office.state.find(1).example.order == "A5"


def test_a_line_that_was_told_begins_anew_with_the_next_payment():
    wish = {"mail": Wish("rest", "digest")}
    state = fold(State(), seen(wishes=wish))
    assert state.find(1).lines["mail"].since == NOW
    state = fold(state, Digested(NOW + 1, "mail", "digest:mail:1", {1: 1}))
    assert (state.find(1).lines["mail"].since, state.digests) == (None, {"mail": 1})
    later = Seen(1, NOW + HOUR, NOW + HOUR, payments=(2,))
    assert fold(state, later).find(1).lines["mail"].since == NOW + HOUR


def test_the_first_acknowledgement_counts_even_after_the_end():
    state = fold(State(), seen())
    state = fold(state, Moved(1, NOW, closed=True, finished=True))
    state = fold(fold(state, Acknowledged(1, NOW, "Li")), Acknowledged(1, NOW, "Wang"))
    assert state.find(1).acknowledged.who == "Li"
    assert fold(state, Acknowledged(99, NOW, "Li")) == state


def test_closing_leaves_a_newer_incident_of_the_topic_open():
    state = fold(fold(State(), seen(1)), seen(2, payments=(9,)))
    state = fold(state, Moved(1, NOW, closed=True))
    assert state.open == {TOPIC: 2}


def test_only_so_many_finished_incidents_are_at_hand():
    state = State()
    for no in range(1, RECENT_MAX + 11):
        state = fold(fold(state, seen(no)), Moved(no, NOW, closed=True, finished=True))
    assert (len(state.recent), state.incidents, state.open) == (RECENT_MAX, {}, {})
    assert (state.find(10), state.find(11).no) == (None, 11)


def test_who_is_told_out_of_turn_has_a_line_too():
    told = Told(NOW, "lead", "escalated", "k", 1, "duty", 1)
    state = fold(fold(State(), seen()), Moved(1, NOW, (told,)))
    assert state.find(1).lines["lead"].counted == 1
    assert state.find(1).told == (told,)
