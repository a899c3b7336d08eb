"""Rates and their intervals."""

import random

import pytest

from voidtrail.insight.rate import Clusters, clustered, rate, student_95, wilson


def _sums(groups):
    n, c = [len(g) for g in groups], [sum(g) for g in groups]
    return Clusters(len(groups), sum(n), sum(c), sum(x * x for x in n), sum(x * x for x in c),
                    sum(x * y for x, y in zip(n, c, strict=True)))  # fmt: skip


def test_wilson_is_the_published_interval():
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-4)  # Newcombe (1998), table I
    assert wilson(0, 20)[0] == 0.0
    assert wilson(20, 20)[1] == 1.0


@pytest.mark.parametrize(
    ("freedom", "value"), [(4, 2.776), (10, 2.228), (30, 2.042), (1000, 1.962)]
)
def test_student_is_the_table(freedom, value):
    assert student_95(freedom) == pytest.approx(value, abs=6e-3)


def test_customers_of_one_payment_change_nothing():
    groups = [[int(i % 7 == 0)] for i in range(4000)]
    low, high = clustered(_sums(groups))
    assert (low, high) == pytest.approx(wilson(sum(map(sum, groups)), 4000), abs=2e-4)


def test_customers_who_repeat_themselves_widen_the_interval():
    groups = [[int(i % 7 == 0)] * 10 for i in range(400)]
    low, high = clustered(_sums(groups))
    alone = wilson(sum(map(sum, groups)), 4000)
    assert high - low > 2.5 * (alone[1] - alone[0])
    assert low < sum(map(sum, groups)) / 4000 < high


@pytest.mark.parametrize("value", [0, 1])
def test_where_all_are_alike_each_customer_is_one_observation(value):
    found = clustered(_sums([[value] * 50] * 20))
    assert found == pytest.approx(wilson(20 * value, 20))


def test_interval_covers_the_truth_about_as_often_as_it_says():
    seeded = random.Random(20260301)
    covered = 0
    for _ in range(400):
        groups = []
        for _customer in range(80):
            share = 0.6 if seeded.random() < 0.25 else 0.1  # 0.225 on the whole
            groups.append([int(seeded.random() < share) for _ in range(seeded.randint(1, 9))])
        low, high = clustered(_sums(groups))
        covered += low <= 0.225 <= high
    assert 0.92 <= covered / 400 <= 0.98


def test_rate_names_what_it_counts():
    found = rate(1, 4, numerator="called off", denominator="begun")
    assert (found.value, found.method, found.denominator) == (0.25, "wilson", "begun")
    assert found.low < 0.25 < found.high
    empty = rate(0, 0, numerator="called off", denominator="begun")
    assert (empty.value, empty.low, empty.high) == (None, None, None)
