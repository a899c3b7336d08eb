"""The comparison counts what it should: misses, false claims, leaks, splits and money."""

from dataclasses import asdict

import pytest

from voidtrail.testing.world.compare import compare
from voidtrail.testing.world.keys import shared_keys
from voidtrail.testing.world.settings import Settings
from voidtrail.testing.world.world import World


@pytest.fixture(scope="module")
def truth():
    return World(4, Settings(orders=300, test_orders=20, refused=5), keys=shared_keys).truth


def _perfect(truth):
    rows = []
    for order in truth.orders:
        for payment in order.payments:
            row = asdict(payment)
            row["payment"] = payment.reference
            del row["explicit"]
            rows.append(row)
    return rows


def test_perfect_verdicts_score_one(truth):
    result = compare(truth, _perfect(truth))
    assert result.ok
    assert result.exact == result.both_cancelled > 0
    assert not result.states
    assert not result.money_wrong
    for sums in result.money.values():
        assert sums["captured"] == sums["captured_claimed"]
    assert result.as_dict()["ok"] is True


def _first(rows, **wanted):
    return next(r for r in rows if all(r[name] == value for name, value in wanted.items()))


def test_a_missed_cancellation_costs_recall(truth):
    rows = _perfect(truth)
    _first(rows, state="cancelled", how="customer_cancelled", test=False)["state"] = "open"
    result = compare(truth, rows)
    assert result.explicit.recall < 1 == result.explicit.precision
    assert result.states == {("cancelled", "open"): 1}


def test_a_false_claim_costs_precision(truth):
    rows = _perfect(truth)
    _first(rows, state="paid", test=False).update(state="cancelled", how="abandoned")
    result = compare(truth, rows)
    assert result.silent.precision < 1 == result.silent.recall


def test_silence_claimed_for_a_stated_cancellation_counts_on_both_sides(truth):
    rows = _perfect(truth)
    _first(rows, how="platform_closed", test=False)["how"] = "abandoned"
    result = compare(truth, rows)
    assert result.explicit.recall < 1
    assert result.silent.precision < 1
    assert result.confusion["platform_closed/unknown", "abandoned/unknown"] == 1


def test_strangers_splits_and_leaks(truth):
    rows = _perfect(truth)
    extra = dict(_first(rows, state="cancelled", how="expired", test=False))
    rows.append({**extra, "payment": "nobody", "names": (), "order": "nowhere"})
    _first(rows, test=True)["test"] = False
    rows.append({**extra, "payment": truth.refused[0], "names": (), "order": ""})
    result = compare(truth, rows)
    assert result.test_leaks == 1
    assert result.refused_leaks == 1
    assert result.strangers["cancelled"] == 2
    assert result.explicit.precision < 1
    assert not result.ok


def test_two_verdicts_for_one_payment_are_a_split(truth):
    rows = _perfect(truth)
    one = next(r for r in rows if len(r["names"]) > 1 and r["state"] == "paid" and not r["test"])
    rows.append({**one, "payment": one["names"][1], "names": ()})
    result = compare(truth, rows)
    assert result.split == 1
    assert result.strangers["paid"] == 1


def test_wrong_money_is_counted(truth):
    rows = _perfect(truth)
    _first(rows, money="taken", test=False)["captured_minor"] += 1
    result = compare(truth, rows)
    assert result.money_wrong == 1
