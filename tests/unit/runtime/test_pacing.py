"""How fast a receiver is spoken to, by a clock that only the test turns."""

from typing import Any

from tests.unit.runtime.rig import NOW, SECOND
from voidtrail.ledger.messages import Message
from voidtrail.runtime.pacing import FAILING, UNMARKED_MAX, Pace


def messages(count):
    return [Message(n, f"k{n}", "hook", "shop", "", b"{}", NOW, NOW) for n in range(1, count + 1)]


class Carrying:
    """A task as far as a pace asks."""

    def __init__(self, is_done):
        self.is_done = is_done

    def done(self):
        return self.is_done


def begun(pace: Any, at_once=4, now=NOW, count=500, done=False):
    """Begin what may be begun; what is `done` has an answer and is not written down yet."""
    found = pace.next(at_once, now, lambda limit: messages(count)[:limit])
    pace.busy.update((message.no, Carrying(done)) for message in found)
    return [message.no for message in found]


def test_only_so_many_are_under_way():
    pace: Any = Pace()
    assert begun(pace) == [1, 2, 3, 4]
    assert begun(pace) == []
    for no in (1, 3):
        pace.busy[no] = Carrying(True)
    assert begun(pace) == [5, 6]


def test_what_is_not_written_down_yet_is_not_begun_again_and_has_its_limit():
    pace, seen = Pace(), []
    while found := begun(pace, at_once=50, done=True):
        seen += found
    assert seen == list(range(1, UNMARKED_MAX + 1))


def test_failing_receiver_is_probed_singly_at_growing_pauses():
    pace = Pace()
    for _ in range(FAILING):
        pace.failure(NOW)
    assert begun(pace) == []
    pauses = []
    for _ in range(12):
        pauses.append((pace.again_at - NOW) // SECOND)
        assert len(pace.next(4, pace.again_at, messages)) == 1
        pace.failure(NOW)
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_first_success_may_be_the_end_of_an_outage_before_this_process():
    pace = Pace()
    assert pace.success()
    assert not pace.success()
    for _ in range(FAILING):
        pace.failure(NOW)
    assert pace.success()
    assert begun(pace) == [1, 2, 3, 4]


def test_reset_forgets_pauses():
    pace = Pace()
    for _ in range(FAILING):
        pace.failure(NOW + 10**15)
    pace.reset()
    assert begun(pace) == [1]
