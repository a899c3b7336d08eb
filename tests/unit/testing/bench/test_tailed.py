"""A log that is rotated and read through restarts is measured, and nothing of it is lost."""

import json

import pytest

from voidtrail.runtime import benching
from voidtrail.testing.bench.tailed import TailPlan


@pytest.mark.timeout(180)
@pytest.mark.slow
def test_nothing_is_lost_or_told_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(benching, "_TAIL", {True: TailPlan(lines_per_s=4_000, seconds=8.0)})
    told = []
    (each,) = benching.bench(["tail"], tmp_path, told.append, quick=True)
    data = json.loads(json.dumps(each.data))
    assert (data["lines"], data["statements"]) == (32_000, 320)
    assert (data["lost"], data["doubled"]) == (0, 0)
    assert (data["rotations"], data["restarts"]) == (3, 2)
    assert all(size > 10_000_000 for size in data["resident_bytes"])
    assert len(told) == 2
    assert list(tmp_path.iterdir()) == []


def test_real_lines_are_written_between_the_statements(shared, monkeypatch):
    monkeypatch.setenv("VOIDTRAIL_SHARED", str(shared))
    lines = benching._recorded_lines()
    assert len(lines) == 42_000
    assert not any(b"\n" in line for line in lines)
    monkeypatch.delenv("VOIDTRAIL_SHARED")
    assert benching._recorded_lines() == []
