"""Operations united over their currencies, and how deep a reversal is followed."""

import pytest

from tests.unit.lifecycle.story import Told, authorised, captured, refunded, said
from voidtrail.event.model import Kind, Result, Tag
from voidtrail.lifecycle.operation import DEPTH, Legs, alive, legs, operations

REVERSE = Kind.REVERSE


def test_no_operations_are_no_money():
    assert legs([], 1) == legs([[1] * 11], None) == Legs()


def test_rows_of_one_operation_in_several_currencies_are_one_operation():
    told = Told(
        said(Kind.CAPTURE, Result.PENDING, 1),
        captured(100, currency="CNY"),
        captured(90, currency="USD", minute=3),
    )
    (operation,), mixed = operations(told.operations)
    assert operation.succeeded
    assert mixed == {operation.op}
    assert (told.legs.captured, told.legs.mixed, told.legs.captures_alive) == (0, 1, 1)


def test_a_row_without_currency_does_not_make_an_operation_mixed():
    told = Told(captured(100), said(Kind.CAPTURE, Result.REFUSED, 1))
    assert (told.legs.captured, told.legs.mixed) == (100, 0)


@pytest.mark.parametrize("depth", range(DEPTH + 1))
def test_reversals_are_followed_as_deep_as_promised(depth):
    story, target = [captured(operation="c")], "capture:c"
    for level in range(depth):
        story.append(said(REVERSE, operation=f"u{level}", reverses=target))
        target = f"reverse:u{level}"
    told = Told(*story)
    ops, _ = operations(told.operations)
    capture = next(each for each in ops if each.kind == Kind.CAPTURE)
    assert (capture.op in alive(ops)) == (depth % 2 == 0)
    assert told.legs.captures_undone == depth % 2


def test_an_operation_that_says_it_undoes_itself_is_judged_all_the_same():
    """Found by a law: a single operation took a short way that did not look at this."""
    story = Told(said(REVERSE, operation="x", reverses="reverse:x"))
    ops, _ = operations(story.operations)
    assert len(alive(ops)) in (0, 1)
    assert story.legs == Legs(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def test_a_refused_reversal_undoes_nothing():
    refused = said(REVERSE, Result.REFUSED, operation="u", reverses="capture:")
    assert Told(captured(), refused).legs.captures_alive == 1


def test_a_reversal_that_came_without_its_target_waits_for_it():
    undone = said(REVERSE, operation="u", reverses="refund:r")
    assert Told(captured(), undone).legs.returned == 0
    assert Told(captured(), undone, refunded(40, operation="r")).legs.returned == 0


def test_what_is_undone_is_taken_off_once_from_own_and_cumulative_alike():
    own = [refunded(30, operation="a"), refunded(20, operation="b")]
    undone = said(REVERSE, operation="u", reverses="refund:a")
    assert Told(captured(), *own, undone).legs.returned == 20
    cumulative = [
        refunded(30, operation="a", tag=Tag.CUMULATIVE),
        refunded(50, operation="b", tag=Tag.CUMULATIVE),
    ]
    assert Told(captured(), *cumulative, undone).legs.returned == 20


def test_held_is_what_was_authorised_and_neither_voided_nor_captured():
    assert Told(authorised()).legs.held == 100
    assert Told(authorised(), captured(60)).legs.held == 0
    assert Told(authorised(), said(Kind.VOID)).legs.held == 0
    voided = said(Kind.VOID, operation="v", reverses="authorise:a")
    two = [authorised(operation="a"), authorised(50, operation="b")]
    assert Told(*two, voided).legs.held == 50
