"""The measurements of intake as plain values: medians over the rounds, and ratios."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from voidtrail.testing.bench.intake import SIGNATURE, Cell, IntakeResult
from voidtrail.testing.bench.load import Load


def as_data(result: IntakeResult) -> dict[str, Any]:
    """Return a result as values that JSON can hold.

    Args:
        result: What was measured.

    Returns:
        `machine`, `plan`, `cells` (medians over the rounds, and each round), `ratios` (of the
        first contender to each other one: above 1 means that the first is better) and `kept`.
    """
    return {
        "machine": asdict(result.machine),
        "plan": asdict(result.plan),
        "cells": cells(result),
        "ratios": _ratios(result),
        "kept": dict(result.kept),
    }


def cells(result: IntakeResult) -> list[dict[str, Any]]:
    """Return the cells in the order of the table: sources, connections, contenders."""
    names = list(dict.fromkeys(name for name, _, _ in result.loads))
    return [
        _cell((name, source, connections), result.loads[name, source, connections])
        for source in result.plan.sources
        for connections in result.plan.connections
        for name in names
        if (name, source, connections) in result.loads
    ]


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
