"""How often a platform is asked, and when it is left alone."""

from voidtrail.runtime.manners import FAILURES, OPEN_MAX_S, OPEN_S, Bucket, Circuit, Gaps, Manners

SECOND = 1_000_000
NOW = 1_790_000_000 * SECOND


def entered(manners, at, times=100):
    return sum(manners.enter(at) for _ in range(times))


def test_a_bucket_gives_a_burst_and_then_its_rate():
    bucket = Bucket(2.0, 4.0)
    assert sum(bucket.take(NOW) for _ in range(9)) == 4
    assert sum(bucket.take(NOW + SECOND) for _ in range(9)) == 2
    assert sum(bucket.take(NOW + 60 * SECOND) for _ in range(9)) == 4


def test_a_clock_that_goes_back_gives_no_tokens():
    bucket = Bucket(1.0, 1.0)
    assert bucket.take(NOW)
    assert not bucket.take(NOW - 60 * SECOND)


def fail(manners, at):
    return [manners.failure(at) for _ in range(FAILURES)]


def test_failures_in_a_row_open_the_circuit_once():
    manners = Manners(20.0)
    assert fail(manners, NOW) == [False] * (FAILURES - 1) + [True]
    assert manners.circuit is Circuit.OPEN
    assert manners.is_out(NOW + (OPEN_S - 1) * SECOND)
    assert not manners.failure(NOW), "an answer that was on its way opens nothing anew"
    assert entered(manners, NOW + SECOND) == 0


def test_a_success_between_failures_keeps_it_closed():
    manners = Manners(20.0)
    for _ in range(FAILURES):
        manners.failure(NOW)
        assert not manners.success()
    assert manners.circuit is Circuit.CLOSED


def test_an_open_circuit_lets_one_probe_by_and_an_answer_closes_it():
    manners = Manners(20.0)
    fail(manners, NOW)
    later = NOW + OPEN_S * SECOND
    assert entered(manners, later) == 1
    assert manners.circuit is Circuit.PROBING
    assert manners.success()
    assert entered(manners, later) > 1


def test_each_probe_in_vain_doubles_the_pause_up_to_a_limit():
    manners, at, pauses = Manners(20.0), NOW, []
    fail(manners, at)
    for _ in range(8):
        pauses.append((manners.until - at) // SECOND)
        at = manners.until
        assert entered(manners, at) == 1
        assert manners.failure(at)
    assert pauses == [30, 60, 120, 240, 480, OPEN_MAX_S, OPEN_MAX_S, OPEN_MAX_S]


def test_a_probe_of_which_nothing_is_heard_does_not_block_for_ever():
    manners = Manners(20.0)
    fail(manners, NOW)
    at = NOW + OPEN_S * SECOND
    assert (entered(manners, at), entered(manners, at + OPEN_S * SECOND)) == (1, 1)


def test_a_platform_that_asks_for_rest_gets_it():
    manners = Manners(20.0)
    manners.rest(NOW, 90)
    assert entered(manners, NOW + 89 * SECOND) == 0
    assert entered(manners, NOW + 90 * SECOND) == 1


def test_after_a_restart_an_open_circuit_begins_with_a_probe():
    manners = Manners(20.0, Circuit.OPEN)
    assert entered(manners, NOW) == 1
    assert manners.failure(NOW)


def test_a_payment_that_is_pointed_at_all_the_time_is_looked_up_once_in_a_while():
    gaps, lookups = Gaps(most_s=60), 0
    for second in range(3600):
        if gaps.may(7, NOW + second * SECOND):
            gaps.note(7, NOW + second * SECOND)
            lookups += 1
    assert lookups < 70
    assert gaps.may(8, NOW), "others do not wait for it"


def test_quiet_makes_the_next_lookup_immediate_again():
    gaps = Gaps(most_s=60)
    for _ in range(9):
        gaps.note(7, NOW)
    assert not gaps.may(7, NOW + 30 * SECOND)
    later = NOW + 3600 * SECOND
    gaps.note(7, later)
    assert gaps.may(7, later + SECOND)


def test_only_so_many_payments_are_remembered():
    gaps = Gaps(kept=2)
    for payment in (1, 2, 3):
        gaps.note(payment, NOW)
    assert [gaps.may(each, NOW) for each in (1, 2, 3)] == [True, False, False]
