"""What a figure is worth depends on the machine: its processors, and how fast its disk flushes."""

import hmac
import os
import platform
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

_PAGE = b"\x5a" * 4096


@dataclass(frozen=True)
class Machine:
    """The machine that a benchmark ran on.

    Attributes:
        cores: Processors that this process may use.
        flush_s: Median time of appending 4 KiB to a file and flushing it to the disk.
        hmac_s: Least time of an HMAC-SHA256 over 2.3 KB, as platforms' signatures need it: how
            fast a processor is at the moment.
        load: The load average of the last minute when the run began.
        system: Operating system and architecture.
        python: The interpreter's version.
    """

    cores: int
    flush_s: float
    hmac_s: float
    load: float
    system: str
    python: str


def this_machine(directory: Path) -> Machine:
    """Return what this machine is, with the flush latency of the disk that holds a folder.

    Args:
        directory: An existing folder on the disk that the servers will write to.

    Returns:
        The machine.
    """
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        flush_s=flush_latency_s(directory),
        hmac_s=hmac_time_s(),
        load=os.getloadavg()[0],
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
    )


def hmac_time_s(rounds: int = 20, calls: int = 200) -> float:
    """Return the least time, over some rounds, of an HMAC-SHA256 over 2.3 KB.

    Args:
        rounds: How many rounds; at least 1.
        calls: How many calls are timed together.
    """
    key, body = _PAGE[:32], _PAGE[:2300]
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(calls):
            hmac.digest(key, body, "sha256")
        times.append((time.perf_counter() - start) / calls)
    return min(times)


def flush_latency_s(directory: Path, samples: int = 200) -> float:
    """Return how long the disk takes to make a small append durable.

    Args:
        directory: An existing folder on that disk.
        samples: How many appends are timed; at least 1.

    Returns:
        The median of the times of writing 4 KiB and `fsync`, in seconds.
    """
    probe = directory / "flush-probe"
    times = []
    descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for _ in range(samples):
            start = time.perf_counter()
            os.write(descriptor, _PAGE)
            os.fsync(descriptor)
            times.append(time.perf_counter() - start)
    finally:
        os.close(descriptor)
        probe.unlink()
    return statistics.median(times)
