"""Cursors, and pages over what is sorted."""

from hypothesis import given
from hypothesis import strategies as st

from voidtrail.runtime.views.paging import START, Place, by_amount, page_of, place_of

NUMBERS = st.integers(0, 2**53)


@given(NUMBERS, NUMBERS)
def test_cursor_comes_back_as_the_same_place(at, number):
    place = Place(at, number)
    assert place_of(place.text()) == place < START
    assert place.text().replace("-", "").replace("_", "").isalnum()


@given(st.lists(st.tuples(NUMBERS, NUMBERS), unique_by=lambda each: each[1]), st.integers(1, 9))
def test_pages_hold_every_place_once(pairs, size):
    places = sorted((Place(*pair) for pair in pairs), reverse=True)
    seen, place = [], START
    while place is not None:
        page = page_of(places, place, size)
        assert page.total == len(places)
        seen += page.payment_ids
        place = page.after
    assert seen == [each.payment_id for each in places]


@given(st.lists(st.tuples(NUMBERS, st.sampled_from([156, 392, 840]), st.integers(-1, 2**49)),
                unique_by=lambda each: each[0]))  # fmt: skip
def test_amounts_are_compared_within_a_currency_alone(payments):
    known = {pid: (currency, amount) for pid, currency, amount in payments}
    ordered = [known[place.payment_id] for place in by_amount(payments)]
    assert len(ordered) == len(payments)
    groups = list(dict.fromkeys(currency for currency, _ in ordered))
    sizes = [sum(currency == each for currency, _ in ordered) for each in groups]
    assert sizes == sorted(sizes, reverse=True)
    for group in groups:
        amounts = [amount for currency, amount in ordered if currency == group]
        assert amounts == sorted(amounts, reverse=True)
