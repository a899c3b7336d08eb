"""Every reference finds its payment, by its key and in a moment."""

import pytest

from tests.unit.runtime.house import event, house, say
from voidtrail.event.model import Kind, Tag
from voidtrail.runtime.finding import meant

CNY = {"currency": "CNY", "tag": Tag.OWN, "amount_minor": 100}


@pytest.fixture
def home(tmp_path):
    made = house(tmp_path)
    say(made, "stripe", "main", event("pi_1", Kind.OPEN, names=("cs_1",), order="A1"),
        event("pi_1", Kind.REFUND, operation="re_1", order="A1", **CNY),
        event("pi_1", Kind.DISPUTE, operation="dp_1:reinstatement", order="A1", **CNY))  # fmt: skip
    say(made, "stripe", "other", event("pi_1", Kind.OPEN, order="A1"), shop="s2")
    yield made
    made.close()


def _meant(home, reference):
    return meant(home.ledger.db, home.ledger.accounts().values(), reference)


@pytest.mark.parametrize(
    ("reference", "by", "count"),
    [
        ("stripe/main/pi_1", "payment", 1), ("order/default/A1", "order", 1), ("A1", "order", 2),
        ("cs_1", "payment", 1), ("pi_1", "payment", 2), ("re_1", "operation", 1),
        ("dp_1", "operation", 1), ("dp_1:reinstatement", "operation", 1),
    ],
)  # fmt: skip
def test_reference_says_as_what_it_was_found(home, reference, by, count):
    found = _meant(home, reference)
    assert (found.by, len(found.payment_ids)) == (by, count)


@pytest.mark.parametrize("reference", ["", "re_", "dp", "A", "order/none/A1", "re_1%"])
def test_part_of_a_reference_means_nothing(home, reference):
    assert _meant(home, reference) is None


def test_no_reference_is_looked_for_in_the_whole_store(home):
    db, plans = home.ledger.db, []
    accounts = list(home.ledger.accounts().values())
    db.set_trace_callback(plans.append)
    for reference in ("nothing-like-this", "re_1", "A1"):
        meant(db, accounts, reference)
    db.set_trace_callback(None)
    assert plans
    for query in plans:
        steps = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}")]
        assert not any(step.startswith("SCAN") for step in steps), (query, steps)
