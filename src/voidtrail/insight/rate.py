"""A rate is never alone: numerator, denominator in words, interval, and how that was found.

Payments of one customer are not independent: whoever gives up once tries again. Where customers are
known the interval is widened by the design effect that they show; else it is Wilson's.
"""

from __future__ import annotations

from math import sqrt
from typing import Final, NamedTuple

import msgspec

Z_95: Final = 1.959963984540054
_FEW: Final = 5
"""With fewer customers their spread cannot be estimated."""


class Clusters(NamedTuple):
    """Sums over clusters (customers), each with n payments of which c count.

    Attributes:
        clusters: how many there are.
        n, c: sums of n and of c.
        nn, cc, nc: sums of n², c² and n·c.
    """

    clusters: int
    n: int
    c: int
    nn: int
    cc: int
    nc: int


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A proportion with its 95 % interval.

    Attributes:
        value, low, high: from 0 to 1; None where the denominator is 0.
        method: "wilson" or "clustered".
        numerator, denominator: what was counted, in words.
        count, of: the two numbers.
        clusters: how many customers stand behind it; None where that was not asked.
    """

    value: float | None
    low: float | None
    high: float | None
    method: str
    numerator: str
    denominator: str
    count: int
    of: int
    clusters: int | None = None


def wilson(count: float, of: float, z: float = Z_95) -> tuple[float, float]:
    """Return Wilson's score interval of a proportion.

    Args:
        count: how many count; from 0 to `of`.
        of: how many there are, more than 0.
        z: quantile of the normal distribution.

    Source: Wilson, E. B. (1927), doi 10.1080/01621459.1927.10502953.

    >>> [round(x, 4) for x in wilson(10, 100)]
    [0.0552, 0.1744]
    """
    share = count / of
    middle = share + z * z / (2 * of)
    half = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    # At the ends rounding may step over the proportion itself by one unit in the last place.
    return max(0.0, min(share, (middle - half) / scale)), min(
        1.0, max(share, (middle + half) / scale)
    )


def student_95(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t, to three decimals from 4 degrees of freedom on.

    Source: Cornish-Fisher expansion, Abramowitz and Stegun 26.7.5.

    >>> round(student_95(4), 2), round(student_95(30), 3)
    (2.78, 2.042)
    """
    z, v = Z_95, freedom
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    fourth = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160
    return float(z + first / v + second / v**2 + third / v**3 + fourth / v**4)


def clustered(sums: Clusters) -> tuple[float, float]:
    """Return the interval of a ratio over clusters.

    The variance of the ratio is the linearised one between clusters; against that of as many
    independent payments it gives the design effect, and Wilson's interval is taken over the
    effective number of payments. So the interval stays within 0 and 1 and holds for small rates.

    Source: Cochran (1977) section 6.3 (ratio over clusters); Franco et al. (2019), doi
    10.1093/jssam/smy019 (Wilson's interval with the effective sample size).

    >>> [round(x, 3) for x in clustered(Clusters(100, 200, 20, 400, 40, 40))]
    [0.055, 0.176]
    """
    share = sums.c / sums.n
    effective = float(sums.clusters)
    z = Z_95
    if sums.clusters >= _FEW and 0 < sums.c < sums.n:
        between = sums.cc - 2 * share * sums.nc + share * share * sums.nn
        variance = sums.clusters / (sums.clusters - 1) * between / sums.n**2
        alone = share * (1 - share) / sums.n
        effective = sums.n / max(1.0, variance / alone)
        z = student_95(sums.clusters - 1)
    return wilson(share * effective, effective, z)


def rate(
    count: int, of: int, *, numerator: str, denominator: str, clusters: Clusters | None = None
) -> Rate:
    """Return a rate with its interval.

    Args:
        count: how many count.
        of: of how many.
        numerator: what counts, in words.
        denominator: of what, in words.
        clusters: sums over customers, if they are known well enough.
    """
    method = "wilson" if clusters is None else "clustered"
    low = high = value = None
    if of:
        value = count / of
        low, high = wilson(count, of) if clusters is None else clustered(clusters)
    return Rate(
        value=value, low=low, high=high, method=method, numerator=numerator,
        denominator=denominator, count=count, of=of,
        clusters=None if clusters is None else clusters.clusters,
    )  # fmt: skip
