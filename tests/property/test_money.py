"""Money never appears and never vanishes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property import naive
from tests.property.strategies import (
    LATER,
    MINUTE,
    PAYMENTS,
    SPEAKERS,
    T0,
    Said,
    Told,
    worlds,
)
from voidtrail.event.model import Event, Kind, Result, Tag
from voidtrail.lifecycle.operation import legs
from voidtrail.lifecycle.verdict import VERDICT, Money, State, money_speaker
from voidtrail.money import currency_number

pytestmark = pytest.mark.timeout(600)


def verdicts(world):
    """The verdicts of a world's payments, each with the statements behind it."""
    *_, judged = naive.tables(world, LATER)
    by_no = {row[0]: dict(zip(VERDICT, row[1:], strict=True)) for row in judged}
    groups = naive.payments(naive.active(world))
    return [(by_no[no], group) for no, (_, group) in enumerate(groups)]


def legs_of(world):
    """The legs of a world's payments, each with the statements behind it."""
    _, _, payments, operations, _ = naive.tables(world, LATER)
    groups = naive.payments(naive.active(world))
    return [
        (legs([op for op in operations if op[0] == row[0]], money_speaker(row)), groups[row[0]][1])
        for row in payments
    ]


def of(world):
    """The one verdict of a world in which everything is one payment."""
    ((verdict, _),) = verdicts(world)
    return verdict


@given(worlds())
def test_legs_equal_what_a_naive_reader_adds_up_from_the_statements(world):
    for found, group in legs_of(world):
        assert naive.money(group) == tuple(getattr(found, name) for name in naive.LEGS), group


@given(worlds())
def test_no_leg_holds_more_than_what_was_said(world):
    for verdict, group in verdicts(world):
        captured, back = verdict["captured"], verdict["returned"]
        said = [
            each.event.amount_minor or 0
            for each in group
            if each.event.kind is Kind.CAPTURE and each.event.tag is not Tag.NONE
        ]
        assert captured <= sum(said)
        assert 0 <= back <= captured
        assert 0 <= verdict["withdrawn"] <= captured - back
        assert verdict["held"] in (0, verdict["authorised"])
        assert not (verdict["held"] and verdict["state"] == State.PAID), "held and taken at once"
        returned = verdict["money"] == Money.RETURNED
        assert not (returned and captured) or back + verdict["withdrawn"] == captured


@given(worlds(), st.data())
def test_saying_it_again_moves_no_money(world, data):
    again = data.draw(st.lists(st.sampled_from(world), min_size=1, max_size=3))
    before = sorted(repr(verdict) for verdict, _ in verdicts(world))
    assert sorted(repr(verdict) for verdict, _ in verdicts([*world, *again])) == before


amounts = st.integers(0, 10**12)


def moved(kind, operation, amount, minute=0, tag=Tag.OWN, result=Result.SUCCEEDED, **more):
    """One delivery of the first mover about its payment p0."""
    event = Event(
        label=f"{kind.name.lower()}:{operation}", identity=(f"{kind}-{operation}-{minute}",),
        kind=kind, result=result, payment=PAYMENTS[0], operation=operation,
        occurred_at=T0 + minute * MINUTE, amount_minor=amount,
        currency="CNY" if amount is not None else "", tag=tag, **more,
    )  # fmt: skip
    return Told((Said(SPEAKERS[0], 1, event),))


def undone(target, operation, minute):
    return moved(Kind.REVERSE, operation, None, minute, Tag.NONE, reverses=target)


@given(amounts, st.lists(amounts, max_size=5), st.data())
def test_an_undone_refund_gives_its_money_back_exactly(captured, refunds, data):
    story = [moved(Kind.CAPTURE, "c", captured)]
    story += [moved(Kind.REFUND, f"r{n}", amount, n) for n, amount in enumerate(refunds, start=1)]
    before = of(story)
    amount = data.draw(st.integers(0, captured - before["returned"]))
    more = [*story, moved(Kind.REFUND, "late", amount, 20)]
    assert of(more)["returned"] == before["returned"] + amount
    after = of([*more, undone("refund:late", "u", 21)])
    assert (after["captured"], after["returned"]) == (before["captured"], before["returned"])
    again = of([*more, undone("refund:late", "u", 21), undone("reverse:u", "v", 22)])
    assert again["returned"] == before["returned"] + amount


@given(amounts, st.lists(st.integers(1, 1000), min_size=1, max_size=6), st.data())
def test_cumulative_statements_in_any_order_mean_their_largest(captured, steps, data):
    totals = [sum(steps[: n + 1]) for n in range(len(steps))]
    own = [moved(Kind.REFUND, f"r{n}", step, n) for n, step in enumerate(steps)]
    heard = data.draw(st.permutations(totals))
    so_far = [
        moved(Kind.REFUND, f"r{n}", total, n, Tag.CUMULATIVE) for n, total in enumerate(heard)
    ]
    sale = moved(Kind.CAPTURE, "c", captured)
    wanted = min(captured, totals[-1])
    assert of([sale, *own])["returned"] == wanted
    assert of([sale, *so_far])["returned"] == wanted
    assert of([sale, *own, *so_far])["returned"] == wanted, "two ways to say it are not added"


@given(worlds())
def test_money_is_taken_where_and_only_where_a_capture_stands(world):
    for verdict, group in verdicts(world):
        speaker = naive.speaker_of(group)
        things = naive.things(group)
        standing = [
            thing for thing in things.values()
            if speaker is not None and thing.account == speaker.no
            and thing.kind is Kind.CAPTURE and naive.is_alive(thing, things)
        ]  # fmt: skip
        if verdict["captured"]:
            assert standing
        if verdict["state"] == State.PAID:
            assert standing, "paid without a capture that stands"


@given(worlds())
def test_amounts_in_another_currency_are_flagged_and_left_out(world):
    for found, group in legs_of(world):
        spoken = {
            each.event.currency for each in group
            if each.event.amount_minor is not None and each.event.kind in naive.MONEY
            and each.speaker == naive.speaker_of(group)
        }  # fmt: skip
        assert found.mixed == (len(spoken) > 1)
        taken = {
            each.event.amount_minor for each in group
            if currency_number(each.event.currency) == found.currency
        }  # fmt: skip
        assert found.captured == 0 or taken - {0, None}, "of a currency that nobody spoke of"
