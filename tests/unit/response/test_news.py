"""Changes as routes ask about them."""

import pytest

from voidtrail.lifecycle.verdict import VERDICT, Verdict
from voidtrail.response.news import WHATS, Standing, standing


def test_a_standing_is_the_verdict_in_words():
    known = {"state": 2, "how": 5, "actor": 3, "money": 0}
    verdict = Verdict(**{name: known.get(name, 0) for name in VERDICT})
    assert standing(verdict) == ("cancelled", "gave_up_after_fault", "platform", "none")


@pytest.mark.parametrize(
    ("state", "how", "what"),
    [
        ("failed", "none", "fault"), ("cancelled", "gave_up_after_fault", "fault"),
        ("declined", "none", "decline"), ("cancelled", "gave_up_after_decline", "decline"),
        ("cancelled", "expired", "expired"), ("paid", "none", "paid"),
    ],
)  # fmt: skip
def test_a_fault_is_one_thing_before_and_after_giving_up(state, how, what):
    assert Standing(state, how, "unknown", "none").what() == what
    assert what in WHATS
