"""A decider that only listens."""

from voidtrail.runtime.deciding import NOTHING, Decision
from voidtrail.runtime.outbox import Notice


class Hearing:
    """Puts every notice that is not quiet into a list, and decides what a test gives it.

    Args:
        heard: the list.
        decision: what follows from every slice of notices.
    """

    def __init__(self, heard: list[Notice], decision: Decision = NOTHING):
        self.heard = heard
        self.settled_ones: list[Decision] = []
        self._decision = decision

    def decide(self, notices, now):
        self.heard += [notice for notice in notices if not notice.quiet]
        return self._decision

    def due(self, now):
        return NOTHING

    def settled(self, decision):
        self.settled_ones.append(decision)
