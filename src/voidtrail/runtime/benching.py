"""Measuring this machine: which benchmarks there are, how large, and where their peers are.

What is measured and how stands in `voidtrail.testing.bench`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import voidtrail
from voidtrail.runtime.console_store import kept_in, large_store
from voidtrail.testing.bench import contender, report
from voidtrail.testing.bench.console import ConsolePlan, ConsoleResult, run_console
from voidtrail.testing.bench.contention import Contention, run_contention
from voidtrail.testing.bench.fold import FoldPlan, FoldResult, run_fold
from voidtrail.testing.bench.importing import ImportPlan, ImportResult, run_import
from voidtrail.testing.bench.intake import IntakeResult, Plan, run_intake
from voidtrail.testing.bench.live import AUDIENCES, SMALL, LiveResult, run_live
from voidtrail.testing.bench.load import Load
from voidtrail.testing.bench.machine import Machine, this_machine
from voidtrail.testing.bench.source_cost import Cost, CostPlan, run_costs
from voidtrail.testing.bench.tailed import TailPlan, TailResult, run_tail

INTAKE, IMPORT, FOLD, CONTENTION, LIVE = "intake", "import", "fold", "contention", "live"
CONSOLE: Final = "console"
SOURCES: Final = "sources"
TAIL: Final = "tail"
NAMES: Final = (INTAKE, IMPORT, FOLD, CONTENTION, LIVE, SOURCES, TAIL, CONSOLE)
ONLY_NAMED: Final = frozenset({CONSOLE})
"""Measured only if asked for by name: its store takes long to make, and is kept."""
Tell = Callable[[str], None]
P = TypeVar("P", Plan, ImportPlan, FoldPlan, CostPlan)
Result = (
    IntakeResult | ImportResult | FoldResult | Contention | LiveResult | ConsoleResult
    | TailResult | list[Cost]
)  # fmt: skip


class Measured(NamedTuple):
    """One benchmark, done.

    Attributes:
        machine: this machine, looked at before the benchmark began.
        data: the same, and the machine, as values that JSON can hold.
        peers_missing: peers that intake could not be compared with, for want of an environment.
    """

    name: str
    machine: Machine
    result: Result
    data: dict[str, Any]
    peers_missing: tuple[str, ...] = ()


def bench(
    names: Sequence[str], folder: Path, tell: Tell, *, quick: bool = False,
    rounds: int | None = None,
) -> Iterator[Measured]:  # fmt: skip
    """Run benchmarks one after another.

    Args:
        names: of `NAMES`; none means all but those of `ONLY_NAMED`.
        folder: on the disk that is to be measured; nothing is left in it.
        tell: is told in one line what is being done.
        quick: smaller, and one round.
        rounds: how often everything is repeated; contention and live are measured once.

    Raises:
        ContenderFailed: what was to be measured did not start, or lost something.
    """
    folder = folder.resolve()  # the peers run elsewhere
    folder.mkdir(parents=True, exist_ok=True)
    times = rounds or (1 if quick else None)
    for name in NAMES:
        if name not in (names or set(NAMES) - ONLY_NAMED):
            continue
        with tempfile.TemporaryDirectory(dir=folder, prefix="voidtrail-bench-") as made:
            room = Path(made)
            machine = this_machine(room)
            missing: tuple[str, ...] = ()
            result: Result
            if name == INTAKE:
                root = checkout()
                missing = contender.missing_peers(root)
                servers = [contender.voidtrail, contender.floor, *contender.peers(root)]
                result = run_intake(servers, _sized(_INTAKE[quick], times), room, tell)
            elif name == IMPORT:
                result = run_import(_sized(_IMPORT[quick], times), room, tell)
            elif name == FOLD:
                result = run_fold(_sized(_FOLD[quick], times), room, tell)
            elif name == LIVE:
                result = run_live(room, tell, SMALL if quick else AUDIENCES)
            elif name == SOURCES:
                result = run_costs(_sized(_COSTS[quick], times), tell)
            elif name == TAIL:
                result = run_tail(_TAIL[quick], room, tell, _recorded_lines())
            elif name == CONSOLE:
                result = _console(ConsolePlan() if not quick else _SMALL_CONSOLE, room, tell)
            else:
                result = run_contention(room, tell, **_CONTENTION[quick])
        yield Measured(
            name, machine, result, {"machine": asdict(machine), **as_data(result)}, missing
        )


_INTAKE: Final = {
    False: Plan(),
    True: Plan(connections=(1, 64), seconds=1.0, requests_max=1_000, warm_up=100),
}
_IMPORT: Final = {False: ImportPlan(), True: ImportPlan(rows=10_000)}
_FOLD: Final = {False: FoldPlan(), True: FoldPlan(payments=250_000)}
_CONTENTION: Final[dict[bool, dict[str, Any]]] = {
    False: {},
    True: {"seconds": 1.0, "requests_max": 4_000, "rows": 100_000},
}
_COSTS: Final = {False: CostPlan(), True: CostPlan(orders=40)}
_TAIL: Final = {False: TailPlan(), True: TailPlan(lines_per_s=5_000, seconds=12.0)}
_SMALL_CONSOLE: Final = ConsolePlan(payments=100_000, lives=30, overviews=10, searches=10)


def _console(plan: ConsolePlan, room: Path, tell: Tell) -> ConsoleResult:
    """Measure the console's pages over a store that is kept from one time to the next."""

    def told(done: int, of: int) -> None:
        tell(f"console: making a store of {plan.payments:,} payments, {done} of {of}")

    return run_console(large_store(kept_in(), plan.payments, told), plan, room, tell)


def _recorded_lines() -> list[bytes]:
    """Return real servers' log lines, if VOIDTRAIL_SHARED names the folder of recorded samples."""
    import polars as pl

    folder = Path(os.environ.get("VOIDTRAIL_SHARED") or os.devnull) / "data" / "server_logs"
    found: list[str] = []
    for name, column in (("apache_access", "line"), ("loghub_2k", "raw")):
        file = folder / f"{name}.parquet"
        if file.exists():
            found += [line for line in pl.read_parquet(file)[column].to_list() if line]
    return [line.replace("\n", " ").encode("utf-8", "replace") for line in found]


def _sized(plan: P, rounds: int | None) -> P:
    return plan if rounds is None else replace(plan, rounds=rounds)


def checkout() -> Path:
    """Return the source checkout, where the peers are; the current folder if there is none."""
    beside = Path(voidtrail.__file__).resolve().parents[2]
    return beside if (beside / contender.PEERS).is_dir() else Path.cwd()


def as_data(result: Result) -> dict[str, Any]:
    """Return a benchmark's result as values that JSON can hold."""
    if isinstance(result, IntakeResult):
        return report.as_data(result)
    if isinstance(result, ImportResult):
        return _import_data(result)
    if isinstance(result, FoldResult):
        return _fold_data(result)
    if isinstance(result, LiveResult):
        return {"heard": [asdict(each) for each in result.heard]}
    if isinstance(result, TailResult):
        return asdict(result)
    if isinstance(result, list):
        return {"sources": [asdict(each) for each in result]}
    if isinstance(result, ConsoleResult):
        return {"plan": asdict(result.plan), **result.as_data()}
    return _contention_data(result)


def _import_data(result: ImportResult) -> dict[str, Any]:
    figures = ("per_cpu_s", "cpu_s", "wall_s", "peak_rss_bytes", "events", "rows")
    return {
        "plan": asdict(result.plan),
        "bytes": dict(result.bytes),
        "imports": [
            {"by": name, "form": form}
            | {each: result.median(name, form, each) for each in figures}
            | {"rounds": [asdict(each) for each in imports]}
            for (name, form), imports in result.imports.items()
        ],
    }


def _fold_data(result: FoldResult) -> dict[str, Any]:
    return {
        "plan": asdict(result.plan),
        "facts": result.facts,
        "file_bytes": result.file_bytes,
        "peak_rss_bytes": result.peak_rss_bytes,
        "queries": [asdict(each) for each in result.queries.values()],
        "ratios": {
            name: {"cpu_s": result.ratio(name), "wall_s": result.ratio(name, "wall_s")}
            for name in ("payment", "operation")
        },
    }


def _contention_data(result: Contention) -> dict[str, Any]:
    loads: dict[str, Load] = {
        "quiet": result.quiet, "importing": result.importing, "computing": result.computing,
        "told": result.told,
    }  # fmt: skip
    return {
        "connections": result.connections,
        "loads": {name: asdict(load) for name, load in loads.items()},
        "imported_throughout": result.imported_throughout,
        "ratios": result.ratios,
    }
