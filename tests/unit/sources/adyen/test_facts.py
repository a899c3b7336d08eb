"""What an account that captures immediately comes to, whatever is told of its captures."""

import pytest

from tests.unit.testing.platforms.recorder import DAY, Recorder
from voidtrail.testing.platforms.adyen import FakeAdyen
from voidtrail.testing.platforms.fake import Known, Step

NOW = 1_790_000_000_000_000
PAID = (Step.OPEN, Step.AUTHORISE)


class AtOnce(FakeAdyen):
    """An account whose settings say nothing of captures, as with Adyen's default."""

    def options(self, address):
        options = dict(super().options(address))
        del options["capture"]
        return options


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (PAID, Known("paid", money="taken")),
        ((*PAID, Step.CAPTURE), Known("paid", money="taken")),
        ((*PAID, Step.VOID_REFUSED), Known("paid", money="taken")),
        ((*PAID, Step.VOID), Known("cancelled", "reversed", "merchant", "returned")),
        ((*PAID, Step.EXPIRE), Known("cancelled", "reversed", "platform", "returned")),
        ((*PAID, Step.CAPTURE, Step.REFUND),
         Known("cancelled", "refunded_in_full", "merchant", "returned")),
        ((*PAID, Step.CAPTURE, Step.DISPUTE),
         Known("cancelled", "reversed", "customer", "returned")),
    ],
)  # fmt: skip
def test_what_is_authorised_is_taken_and_a_capture_that_is_told_counts_once(steps, expected):
    fake = AtOnce(seed=1)
    payment = fake.open("A1", 12_300, NOW)
    for number, step in enumerate(steps[1:], 1):
        assert fake.do(payment, step, NOW + number * 60_000_000)
    recorder = Recorder(fake)
    recorder.listen()
    assert recorder.verdict(payment.reference, NOW + DAY) == expected
    captured = [e for _, said in recorder.told for e in said if e.kind.name == "CAPTURE"]
    assert all(event.amount_minor == 12_300 for event in captured)


def test_refund_of_part_is_part_although_the_capture_was_assumed_and_told():
    fake = AtOnce(seed=2)
    payment = fake.open("A1", 12_300, NOW)
    for step in (Step.AUTHORISE, Step.CAPTURE):
        fake.do(payment, step, NOW)
    fake.do(payment, Step.REFUND, NOW, 300)
    recorder = Recorder(fake)
    recorder.listen()
    assert recorder.verdict(payment.reference, NOW + DAY) == Known("paid", money="partly_returned")
