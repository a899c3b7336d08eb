"""`voidtrail bench intake`: servers side by side in one run, the same requests to each.

Each round starts every contender afresh with an empty store, warms it up and takes it through all
numbers of connections; rounds go A B C, A B C, so that a noisy minute hits all alike. What is
reported is the median over the rounds.
"""

import asyncio
import gc
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from voidtrail.testing.bench.contender import Contender, ContenderAt, Site
from voidtrail.testing.bench.kept import check_kept
from voidtrail.testing.bench.load import Load, run_load
from voidtrail.testing.bench.machine import Machine, this_machine
from voidtrail.testing.bench.payloads import Credentials, Pool, build_pool
from voidtrail.testing.bench.process import (
    ContenderFailed,
    free_port,
    pin,
    run_once,
    running,
    tail,
)

_HOST = "127.0.0.1"
_WARM_UP_CONNECTIONS = 4
SIGNATURE = {"stripe": "hmac", "alipay": "rsa", "wechatpay": "rsa+aes"}


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
        connections: Numbers of keep-alive connections, each with one request in flight.
        sources: The sources whose notifications are sent.
        rounds: How often everything is repeated.
        seconds: No request of a cell is begun after this time.
        requests_max: A cell ends earlier when so many requests have been sent.
        warm_up: Requests sent to each fresh server before anything is measured.
        seed: The seed of the payments.
        pinned: Whether server and client each get a processor of their own, where there are two.
    """

    connections: tuple[int, ...] = (1, 16, 64, 256)
    sources: tuple[str, ...] = ("stripe", "alipay")
    rounds: int = 3
    seconds: float = 2.0
    requests_max: int = 4_000
    warm_up: int = 200
    seed: int = 20_261_111
    pinned: bool = True


Cell = tuple[str, str, int]
"""Name of the contender, source, number of connections."""


@dataclass(frozen=True)
class IntakeResult:
    """All that a run has measured.

    Attributes:
        machine: Where.
        plan: What was asked for.
        loads: For each cell its measurements, one a round.
        kept: For each contender that could be checked, how many notifications its stores held
            after the runs: exactly those that it had acknowledged.
    """

    machine: Machine
    plan: Plan
    loads: Mapping[Cell, Sequence[Load]]
    kept: Mapping[str, int] = field(default_factory=dict)


def run_intake(
    contenders: Sequence[ContenderAt],
    plan: Plan,
    directory: Path,
    tell: Callable[[str], None],
) -> IntakeResult:
    """Measure contenders side by side.

    Args:
        contenders: Each makes its server for a site; the first is the subject of the ratios.
        plan: What is measured.
        directory: An existing folder on the disk that the stores are to be written to.
        tell: Is told in one line what is being done.

    Returns:
        The measurements.

    Raises:
        ContenderFailed: A server did not start, or did not keep what it acknowledged.
    """
    machine = this_machine(directory)
    credentials = Credentials()
    loads: dict[Cell, list[Load]] = {}
    kept: dict[str, int] = {}
    allowed = os.sched_getaffinity(0)
    server_cpu, client_cpu = _processors(plan)
    pin(client_cpu)
    try:
        for source in plan.sources:
            count = plan.warm_up + plan.requests_max * len(plan.connections)
            tell(f"signing {count} {source} notifications")
            pool = build_pool(source, credentials, count, seed=plan.seed, at_unix=int(time.time()))
            for number in range(1, plan.rounds + 1):
                for contender_at in contenders:
                    with tempfile.TemporaryDirectory(dir=directory, prefix="bench-") as data:
                        site = Site(Path(data), free_port(), credentials, "bench")
                        contender = contender_at(site)
                        if source not in contender.sources:
                            continue
                        tell(f"round {number} of {plan.rounds}: {source} to {contender.name}")
                        measured, acknowledged = _take_through(
                            contender, site, pool, plan, server_cpu
                        )
                        if contender.store is not None and acknowledged is not None:
                            found = check_kept(contender.name, contender.store, acknowledged)
                            kept[contender.name] = kept.get(contender.name, 0) + found
                    for connections, load in measured.items():
                        loads.setdefault((contender.name, source, connections), []).append(load)
    finally:
        os.sched_setaffinity(0, allowed)
    return IntakeResult(machine, plan, loads, kept)


def _take_through(
    contender: Contender, site: Site, pool: Pool, plan: Plan, server_cpu: int | None
) -> tuple[dict[int, Load], list[str] | None]:
    """Start one server, warm it up and measure it at every number of connections.

    Also returned are the ids of the notifications that it acknowledged; None where one was not,
    since nobody knows then which.
    """
    log = site.data / "server.log"
    path = contender.path_for(pool.source, site.account)
    host = f"{_HOST}:{site.port}"
    if contender.prepare_argv:
        run_once(contender.prepare_argv, contender.env, contender.cwd, log)
    measured = {}
    acknowledged: list[str] | None = []
    with running(
        contender.argv, contender.env, contender.cwd, contender.ready_url, log, cpu=server_cpu
    ) as pid:
        start, stop = 0, plan.warm_up
        for connections in (0, *plan.connections):
            requests = pool.requests(path, host, int(time.time()), start, stop)
            with _without_collector(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                load = runner.run(
                    run_load(
                        requests,
                        host=_HOST,
                        port=site.port,
                        connections=connections or _WARM_UP_CONNECTIONS,
                        seconds=plan.seconds,
                        server_pid=pid,
                    )
                )
            if not load.requests:
                raise ContenderFailed(f"{contender.name} answered nothing; see {log}: {tail(log)}")
            if connections:
                measured[connections] = load
            if load.errors or acknowledged is None:
                acknowledged = None
            else:
                sent = pool.drafts[start : start + load.requests]
                acknowledged += [draft.event_id for draft in sent]
            start, stop = stop, stop + plan.requests_max
    return measured, acknowledged


class _without_collector:  # noqa: N801 - reads as the statement that it is
    """No garbage collection while something is measured."""

    def __enter__(self) -> None:
        gc.collect()
        gc.disable()

    def __exit__(self, *_error: object) -> None:
        gc.enable()


def _processors(plan: Plan) -> tuple[int | None, int | None]:
    available = sorted(os.sched_getaffinity(0))
    if not plan.pinned or len(available) < 2:
        return None, None
    return available[0], available[1]
