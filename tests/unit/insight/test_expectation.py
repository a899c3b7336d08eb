"""A band widens with fewer payments and restless weeks; a departure lasts until lately."""

from voidtrail.insight.expectation import Band, Departure, Step, departure, dispersion, expected

CALM = [(10, 100)] * 4
BAND = Band(0.1, 0.05, 0.18)


def _series(*shares, of=100):
    return [Step(round(share * of), of, BAND) for share in shares]


def test_nothing_is_expected_of_too_little():
    assert expected([], 50) is None
    assert expected([(1, 5), (0, 3)], 50) is None
    assert expected(CALM, 0) is None


def test_band_holds_the_usual_rate_and_narrows_with_more():
    few, many = expected(CALM, 20), expected(CALM, 2000)
    assert few.usual == many.usual == 0.1
    assert few.low < many.low < 0.1 < many.high < few.high


def test_restless_weeks_widen_the_band():
    restless = expected([(2, 100), (18, 100), (4, 100), (16, 100)], 100)
    assert restless.usual == 0.1
    assert restless.high > expected(CALM, 100).high
    assert dispersion([(2, 100), (18, 100)]) > 1 == dispersion(CALM)


def test_band_stays_within_0_and_1():
    assert expected([(0, 100)] * 4, 10).low == 0
    assert expected([(100, 100)] * 4, 10).high == 1


def test_usual_is_no_departure():
    assert departure(_series(0.1, 0.12, 0.08, 0.1)) is None
    assert departure([]) is None
    assert departure([Step(50, 100, None)]) is None


def test_a_run_that_lasts_is_a_departure_since_its_beginning():
    found = departure(_series(0.1, 0.1, 0.2, 0.3, 0.25))
    assert found == Departure(True, 2, 2.5)
    lower = departure(_series(0.1, 0.1, 0.1, 0.0, 0.02))
    assert (lower.higher, lower.begin) == (False, 3)


def test_a_run_that_is_over_is_none_by_itself():
    over = [0.1, 0.2, 0.2, *[0.1] * 9]
    assert departure(_series(*over, of=20)) is None
    assert departure(_series(*[0.1] * 10, 0.2, 0.2, of=20)).begin == 10


def test_a_little_more_all_day_is_a_departure_of_the_whole():
    found = departure(_series(*[0.16] * 20))
    assert found is not None
    assert (found.higher, found.begin) == (True, None)
    assert round(found.times, 2) == 1.6
