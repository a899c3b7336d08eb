"""How the measurements are shown: a table for people, plain values for machines."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from voidtrail.testing.bench.intake import SIGNATURE, Cell, IntakeResult
from voidtrail.testing.bench.load import Load

_CLIENT_BOUND_SHARE = 0.9


def as_data(result: IntakeResult) -> dict[str, Any]:
    """Return a result as values that JSON can hold.

    Args:
        result: What was measured.

    Returns:
        `machine`, `plan`, `cells` (medians over the rounds, and each round) and `ratios` (of the
        first contender to each other one: above 1 means that the first is better).
    """
    return {
        "machine": asdict(result.machine),
        "plan": asdict(result.plan),
        "cells": [_cell(cell, loads) for cell, loads in result.loads.items()],
        "ratios": _ratios(result),
    }


def as_table(result: IntakeResult) -> Table:
    """Return a result as a table, one row a cell, contenders side by side.

    Args:
        result: What was measured.

    Returns:
        A table for a Rich console.
    """
    machine = result.machine
    table = Table(
        title="Signed notifications taken in, verified, stored durably and acknowledged",
        caption=(
            f"{machine.cores} cores, disk flush {machine.flush_s * 1e3:.2f} ms, "
            f"load {machine.load:.1f}; medians of {result.plan.rounds} rounds. "
            "* the client was the limit"
        ),
    )
    table.add_column("signature")
    for name in ("connections", "server"):
        table.add_column(name, justify="right" if name == "connections" else "left")
    for name in ("requests/s", "per server-CPU-s", "p50 ms", "p99 ms", "errors", "peak MB"):
        table.add_column(name, justify="right")
    names = list(dict.fromkeys(name for name, _, _ in result.loads))
    for source in result.plan.sources:
        for connections in result.plan.connections:
            for name in names:
                if loads := result.loads.get((name, source, connections)):
                    table.add_row(*_row(name, source, connections, loads))
            table.add_section()
    return table


def _row(name: str, source: str, connections: int, loads: Sequence[Load]) -> tuple[str, ...]:
    per_cpu = _median(loads, lambda load: load.per_server_cpu_s)
    bound = _median(loads, lambda load: load.client_cpu_share) or 0.0
    rss = max(load.server_peak_rss_bytes or 0 for load in loads)
    return (
        SIGNATURE.get(source, source),
        str(connections),
        name,
        f"{statistics.median(load.per_s for load in loads):,.0f}"
        + ("*" if bound > _CLIENT_BOUND_SHARE else ""),
        "-" if per_cpu is None else f"{per_cpu:,.0f}",
        f"{statistics.median(load.p50_s for load in loads) * 1e3:,.2f}",
        f"{statistics.median(load.p99_s for load in loads) * 1e3:,.2f}",
        str(sum(load.errors for load in loads)),
        f"{rss / 1e6:,.0f}",
    )


def _cell(cell: Cell, loads: Sequence[Load]) -> dict[str, Any]:
    name, source, connections = cell
    return {
        "contender": name,
        "source": source,
        "signature": SIGNATURE.get(source, source),
        "connections": connections,
        "per_s": statistics.median(load.per_s for load in loads),
        "per_server_cpu_s": _median(loads, lambda load: load.per_server_cpu_s),
        "p50_s": statistics.median(load.p50_s for load in loads),
        "p99_s": statistics.median(load.p99_s for load in loads),
        "client_cpu_share": statistics.median(load.client_cpu_share for load in loads),
        "errors": sum(load.errors for load in loads),
        "peak_rss_bytes": max(load.server_peak_rss_bytes or 0 for load in loads),
        "rounds": [asdict(load) for load in loads],
    }


def _ratios(result: IntakeResult) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(name for name, _, _ in result.loads))
    ratios = []
    for (name, source, connections), loads in result.loads.items():
        subject = result.loads.get((names[0], source, connections))
        if name == names[0] or not subject:
            continue
        ratios.append(
            {
                "of": names[0],
                "to": name,
                "source": source,
                "connections": connections,
                "per_s": _ratio(subject, loads, lambda load: load.per_s),
                "per_server_cpu_s": _ratio(subject, loads, lambda load: load.per_server_cpu_s),
            }
        )
    return ratios


def _ratio(
    subject: Sequence[Load], other: Sequence[Load], figure: Callable[[Load], float | None]
) -> float | None:
    ours, theirs = _median(subject, figure), _median(other, figure)
    return ours / theirs if ours is not None and theirs else None


def _median(loads: Sequence[Load], figure: Callable[[Load], float | None]) -> float | None:
    values = [value for load in loads if (value := figure(load)) is not None]
    return statistics.median(values) if values else None
