"""What may happen to a payment at any platform, and what money does."""

import pytest

from voidtrail.testing.platforms.fake import Step
from voidtrail.testing.platforms.stripe import FakeStripe


@pytest.fixture
def fake():
    return FakeStripe(seed=1)


def _steps(fake, *steps):
    payment = fake.open("A", 1000, 1)
    return payment, [fake.do(payment, step, at) for at, step in enumerate(steps, 2)]


def test_closed_payment_takes_no_money(fake):
    payment, done = _steps(fake, Step.CLOSE, Step.AUTHORISE, Step.CAPTURE, Step.CLOSE)
    assert done == [True, False, False, False]
    assert (payment.status, payment.captured, payment.held) == ("closed", 0, 0)


def test_paid_payment_is_refunded_and_never_voided(fake):
    payment, done = _steps(fake, Step.AUTHORISE, Step.CAPTURE, Step.VOID, Step.REFUND)
    assert done == [True, True, False, True]
    assert payment.returned == payment.captured == 1000


def test_refunds_never_exceed_what_was_captured(fake):
    payment, _ = _steps(fake, Step.AUTHORISE, Step.CAPTURE)
    assert fake.do(payment, Step.REFUND, 9, 700)
    assert fake.do(payment, Step.REFUND, 9, 700)
    assert payment.returned == 1000


def test_failed_refund_gives_the_money_back_to_the_merchant(fake):
    payment, _ = _steps(fake, Step.AUTHORISE, Step.CAPTURE, Step.REFUND, Step.REFUND_FAIL)
    assert payment.returned == 0


def test_refused_void_changes_nothing(fake):
    payment, done = _steps(fake, Step.AUTHORISE, Step.VOID_REFUSED)
    assert all(done)
    assert (payment.status, payment.held) == ("held", 1000)


def test_same_seed_makes_the_same_names():
    names = [FakeStripe(seed=3).open("A", 1, 1).reference for _ in range(2)]
    assert names[0] == names[1]
    assert FakeStripe(seed=4).open("A", 1, 1).reference != names[0]


def test_notices_are_fetched_once(fake):
    fake.open("A", 1000, 1)
    assert len(fake.take()) == 1
    assert fake.take() == []
