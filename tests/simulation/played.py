"""One payment at one fake platform, and what the house thought of it as time went on."""

from typing import Any, NamedTuple

from voidtrail.testing.platforms.fake import Known, Step

_GOES_ON = (Step.ARRIVE, Step.AUTHORISE, Step.CAPTURE)


class Broken(AssertionError):
    """A law of the rehearsal does not hold."""


class Seen(NamedTuple):
    """A verdict, since when, and whether silence alone made it."""

    at: int
    known: Known
    silent: bool


class Played:
    """One payment at one platform, as it happens.

    Attributes:
        steps: (step, instant) still to come.
        mute: whether nothing is ever heard of it.
        lost: whether a notice about it never came.
        seen: the verdicts that the house had, one after another.
    """

    def __init__(self, name, situation, order, steps):
        self.name, self.situation, self.order = name, situation, order
        self.steps = steps
        self.payment: Any = None
        self.mute = self.lost = False
        self.seen: list[Seen] = []

    @property
    def ended_at(self):
        return self.steps[-1][1]

    @property
    def is_paid(self):
        return any(step in (Step.CAPTURE, Step.REFUND) for step, _ in self.steps)

    def too_early(self):
        """Whether silence ended it before the customer came back; None if it never did."""
        ended = [seen.at for seen in self.seen if seen.silent]
        if not ended:
            return None
        return any(at > ended[0] and step in _GOES_ON for step, at in self.steps)

    def truth_after(self, known):
        """How long after its last step the house knew the truth for good."""
        since = None
        for seen in self.seen:
            since = (since or seen.at) if seen.known == known else None
        return None if since is None else max(0, since - self.ended_at)
