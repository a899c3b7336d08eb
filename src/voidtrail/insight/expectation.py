"""Where a rate is expected, by the same hours of earlier weeks, and what departs from that.

Earlier weeks differ from one another by more than chance, and the present hour is small: both widen
the band. It is a prediction for one more sample and not an interval of the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from voidtrail.insight.rate import wilson

FEW: Final = 20
"""With fewer earlier payments nothing is expected."""


class Band(NamedTuple):
    """Where a rate is expected with 95 %; `usual` is the rate of the earlier samples together."""

    usual: float
    low: float
    high: float


def expected(earlier: Sequence[tuple[int, int]], of: int) -> Band | None:
    """Return where the rate of a further sample is expected; None if too little is known.

    Args:
        earlier: samples of before, each (how many counted, of how many).
        of: how large the further sample is.

    The variance of the difference between a new proportion and the pooled one is
    p(1-p)(1/of + 1/n), widened by the dispersion of the earlier samples; Wilson's interval is taken
    over the number of independent payments that would give the same.

    Source: McCullagh and Nelder (1989) section 4.5 (dispersion by Pearson's chi-squared); Nelson
    (1982) section 6.4 (prediction for binomial samples).

    >>> band = expected([(10, 100), (12, 100), (8, 100), (10, 100)], 100)
    >>> [round(each, 3) for each in band]
    [0.1, 0.052, 0.185]
    """
    samples = [(count, size) for count, size in earlier if size > 0]
    count, size = sum(c for c, _ in samples), sum(n for _, n in samples)
    if size < FEW or of <= 0:
        return None
    usual = count / size
    alone = 1 / (1 / of + 1 / size) / dispersion(samples)
    return Band(usual, *wilson(usual * alone, alone))


def dispersion(samples: Sequence[tuple[int, int]]) -> float:
    """Return how much more samples differ than chance alone would have it; at least 1.

    >>> dispersion([(10, 100), (30, 100)]) > 5, dispersion([(10, 100), (11, 100)])
    (True, 1.0)
    """
    count, size = sum(c for c, _ in samples), sum(n for _, n in samples)
    if len(samples) < 2 or count in (0, size):
        return 1.0
    share = count / size
    squares = sum((c - n * share) ** 2 / (n * share * (1 - share)) for c, n in samples)
    return max(1.0, squares / (len(samples) - 1))


class Step(NamedTuple):
    """A step of a series: how many counted, of how many, and what was expected."""

    counted: int
    of: int
    band: Band | None


class Departure(NamedTuple):
    """A series that departs from what is expected.

    Attributes:
        begin: place of the first step of the departure; None if it is the series as a whole.
        times: the rate since then, by the usual one; None where the usual one is 0.
    """

    higher: bool
    begin: int | None
    times: float | None


_LATELY: Final = 3
_ALONE: Final = 2


def departure(series: Sequence[Step]) -> Departure | None:
    """Return how a series departs, None if it is as usual.

    A run of two steps above (or below) their bands that lasts until lately is a departure since its
    beginning; else the whole series is compared with what was expected of it.

    Args:
        series: steps in order, without those that are still growing.
    """
    known = [(place, step) for place, step in enumerate(series) if step.band and step.of]
    lately = known[-1][0] - _LATELY + 1 if known else 0
    for higher in (True, False):
        run: list[tuple[int, Step]] = []
        for place, step in reversed(known):
            if _outside(step, higher=higher):
                run.append((place, step))
            elif run or place < lately:
                break
        if len(run) >= _ALONE:
            return Departure(higher, run[-1][0], _times([step for _, step in run]))
    steps = [step for _, step in known]
    of = sum(step.of for step in steps)
    if of < FEW:
        return None
    usual = sum(step.band.usual * step.of for step in steps if step.band)
    width = sum((step.band.high - step.band.low) ** 2 * step.of**2 for step in steps if step.band)
    half = width**0.5 / 2
    count = sum(step.counted for step in steps)
    if abs(count - usual) <= half:
        return None
    return Departure(count > usual, None, _times(steps))


def _outside(step: Step, *, higher: bool) -> bool:
    assert step.band is not None
    share = step.counted / step.of
    return share > step.band.high if higher else share < step.band.low


def _times(steps: Sequence[Step]) -> float | None:
    usual = sum(step.band.usual * step.of for step in steps if step.band)
    return sum(step.counted for step in steps) / usual if usual else None
