import sys
from pathlib import Path

import pytest

from voidtrail.testing.bench.contender import Contender
from voidtrail.testing.bench.intake import Plan, run_intake
from voidtrail.testing.bench.process import ContenderFailed
from voidtrail.testing.bench.report import as_data

TOY = Path(__file__).with_name("toy_server.py")
PLAN = Plan(connections=(1, 3), rounds=2, seconds=20.0, requests_max=30, warm_up=5, pinned=False)


def toy(name, path="/hooks", sources=("stripe", "alipay"), argv=None):
    def at(site):
        return Contender(
            name=name,
            argv=argv or (sys.executable, str(TOY), str(site.port)),
            env={},
            ready_url=f"http://127.0.0.1:{site.port}/ready",
            path_for=lambda source, account: f"{path}/{source}/{account}",
            sources=frozenset(sources),
        )

    return at


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    told: list[str] = []
    contenders = [toy("ours"), toy("theirs", path="/refuse", sources=("stripe",))]
    directory = tmp_path_factory.mktemp("bench")
    return run_intake(contenders, PLAN, directory, told.append), told, directory


def test_every_cell_is_measured_once_a_round(measured):
    result, _, _ = measured
    assert set(result.loads) == {
        ("ours", "stripe", 1),
        ("ours", "stripe", 3),
        ("theirs", "stripe", 1),
        ("theirs", "stripe", 3),
        ("ours", "alipay", 1),
        ("ours", "alipay", 3),
    }
    for (name, _, _), loads in result.loads.items():
        assert [load.requests for load in loads] == [30, 30]
        assert [load.errors for load in loads] == ([30, 30] if name == "theirs" else [0, 0])


def test_rounds_are_interleaved_between_the_contenders(measured):
    _, told, _ = measured
    stripe = [line.rsplit(" ", 1)[1] for line in told if "stripe to" in line]
    assert stripe == ["ours", "theirs", "ours", "theirs"]


def test_nothing_is_left_in_the_folder(measured):
    _, _, directory = measured
    assert list(directory.iterdir()) == []


def test_data_names_the_machine_the_cells_and_the_ratios(measured):
    result, _, _ = measured
    data = as_data(result)
    assert data["machine"]["flush_s"] > 0
    assert len(data["cells"]) == 6
    assert {(r["of"], r["to"], r["source"], r["connections"]) for r in data["ratios"]} == {
        ("ours", "theirs", "stripe", 1),
        ("ours", "theirs", "stripe", 3),
    }
    assert all(ratio["per_s"] is None for ratio in data["ratios"])


def test_a_contender_that_does_not_start_is_an_error(tmp_path):
    argv = (sys.executable, "-c", "raise SystemExit('port in use')")
    with pytest.raises(ContenderFailed, match="port in use"):
        run_intake([toy("broken", argv=argv)], PLAN, tmp_path, lambda _: None)
