"""Rehearse many seeds with every fake platform: `python -m tests.simulation.platforms 1000`.

Prints how long the house needed to know the truth, per platform: from the last thing that happened
at the platform until its verdict, for good. Silence takes as long as patience does.
"""

import argparse
import statistics
import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from tests.simulation.house import SECOND
from tests.simulation.rehearsal import rehearse
from voidtrail.testing.platforms.fake import Situation

SILENT = (Situation.LEFT, Situation.DECLINED)
"""Situations that end in silence at most platforms."""
TOO_EARLY_MAX = 0.02


class Result(NamedTuple):
    """What one seed gave: seconds to the truth by (platform, whether silence ended it)."""

    seed: int
    counts: Counter
    truth_s: list[tuple[str, bool, float]]
    why: str = ""


def one(seed, names=None):
    """Rehearse one seed."""
    try:
        done = rehearse(seed, names)
    except Exception as error:
        return Result(seed, Counter(seeds=1), [], f"{type(error).__name__}: {error}")
    counts = Counter(done.counts, seeds=1, payments=len(done.played),
                     asked=done.worker.counts["asked"], twice=len(done.paid_twice))  # fmt: skip
    truth = []
    for each in done.played:
        known = each.seen[-1].known
        after = each.truth_after(known)
        truth.append((each.name, each.situation in SILENT, (after or 0) / SECOND))
        early = each.too_early()
        if early is not None:
            counts["declared silent"] += 1
            counts["too early"] += early
    return Result(seed, counts, truth)


def gathered(results):
    """Counts and seconds to the truth of many seeds."""
    total, truth = Counter(), defaultdict(list)
    for result in results:
        total += result.counts
        for name, silent, seconds in result.truth_s:
            truth[name, silent].append(seconds)
    return total, truth


def too_early(total):
    """The share of payments declared over by silence whose customers came back after all."""
    return total["too early"] / max(1, total["declared silent"])


def table(truth):
    """Lines of median and 99th percentile per platform, what was said and what was silence."""
    yield f"{'platform':14}{'told: n':>9}{'median s':>10}{'p99 s':>10}" + (
        f"{'silence: n':>12}{'median s':>10}{'p99 s':>10}"
    )
    for name in sorted({name for name, _ in truth}):
        line = f"{name:14}"
        for silent, width in ((False, 9), (True, 12)):
            found = sorted(truth.get((name, silent), []))
            if not found:
                line += f"{0:>{width}}{'–':>10}{'–':>10}"
                continue
            p99 = found[min(len(found) - 1, int(0.99 * len(found)))]
            line += f"{len(found):>{width}}{statistics.median(found):>10,.0f}{p99:>10,.0f}"
        yield line


def main():
    """Try seeds, print what came of them; 1 if any failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--from", dest="first", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", action="append", help="a platform; all if none is named")
    asked = parser.parse_args()
    began = time.monotonic()
    seeds = range(asked.first, asked.first + asked.count)
    with ProcessPoolExecutor(asked.jobs) as pool:
        work = pool.map(one, seeds, [asked.only] * len(seeds), chunksize=5)
        results = list(work)
    total, truth = gathered(results)
    failed = [result for result in results if result.why]
    for result in failed[:10]:
        sys.stdout.write(f"seed {result.seed}: {result.why}\n")
    sys.stdout.write("\n".join(table(truth)) + "\n")
    sys.stdout.write(f"{dict(total)}\n")
    sys.stdout.write(
        f"too early: {too_early(total):.2%} of {total['declared silent']}; "
        f"failed: {[result.seed for result in failed]}; {time.monotonic() - began:.1f} s\n"
    )
    return bool(failed) or too_early(total) > TOO_EARLY_MAX


if __name__ == "__main__":
    sys.exit(main())
