"""Try many seeds by hand: `python -m tests.simulation 20000 --from 1 --jobs 2`."""

import argparse
import sys
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.laws import try_seed


def one(seed):
    try:
        return seed, try_seed(seed).counts, ""
    except Exception as error:
        why = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
        return seed, Counter(seeds=1), f"{type(error).__name__}: {why}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--from", dest="first", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--stop-after", type=int, default=5)
    asked = parser.parse_args()
    total: Counter[str] = Counter()
    failed, began = [], time.monotonic()
    with ProcessPoolExecutor(asked.jobs) as pool:
        seeds = range(asked.first, asked.first + asked.count)
        for seed, counts, why in pool.map(one, seeds, chunksize=20):
            total += counts
            if why:
                failed.append(seed)
                sys.stdout.write(f"seed {seed}: {why}\n\n")
                if len(failed) >= asked.stop_after:
                    pool.shutdown(cancel_futures=True)
                    break
            if total["seeds"] % 1000 == 0:
                took = time.monotonic() - began
                sys.stdout.write(f"{total['seeds']} seeds, {took:.0f} s, {len(failed)} failed\n")
                sys.stdout.flush()
    took = time.monotonic() - began
    pace = 60 * total["seeds"] / took
    sys.stdout.write(f"{dict(total)}\n{took:.1f} s, {pace:.0f} seeds a minute; failed: {failed}\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
