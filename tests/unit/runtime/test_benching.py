import json
from pathlib import Path

import pytest

from voidtrail.runtime import benching
from voidtrail.testing.bench import contender
from voidtrail.testing.bench.contention import Contention
from voidtrail.testing.bench.fold import FoldPlan
from voidtrail.testing.bench.importing import ImportPlan
from voidtrail.testing.bench.live import SMALL, Heard, LiveResult
from voidtrail.testing.bench.load import Load
from voidtrail.testing.bench.machine import Machine

MACHINE = Machine(2, 0.0002, 2e-6, 0.1, "Linux", "3.11")


@pytest.fixture
def small(monkeypatch):
    """Everything so small that it is over at once; contention is only pretended."""
    monkeypatch.setattr(benching, "_FOLD", {True: FoldPlan(payments=60)})
    monkeypatch.setattr(benching, "_IMPORT", {True: ImportPlan(rows=20, forms=("csv",))})
    load = Load(100, 0, 0, 1.0, 0.001, 0.002, 0.1, 0.1, 1)
    slow = Load(100, 0, 0, 1.0, 0.002, 0.005, 0.1, 0.1, 1)
    found = Contention(MACHINE, 64, load, slow, True, load, load)
    monkeypatch.setattr(benching, "run_contention", lambda *_a, **_k: found)


def test_only_what_is_named_is_measured_in_the_order_of_the_house(small, tmp_path):
    told: list[str] = []
    every = list(benching.bench(["contention", "fold"], tmp_path, told.append, quick=True))
    assert [each.name for each in every] == ["fold", "contention"]
    assert told
    assert list(tmp_path.iterdir()) == []
    fold, contention = (json.loads(json.dumps(each.data)) for each in every)
    assert fold["machine"]["hmac_s"] > 0
    assert fold["plan"]["rounds"] == 1
    assert set(fold["ratios"]) == {"payment", "operation"}
    assert contention["ratios"] == {"importing": 2.5, "computing": 1.0, "told": 1.0}


def test_live_is_told_for_every_audience(small, tmp_path, monkeypatch):
    heard = Heard(SMALL[0], 10, (0.05, 0.1, 0.2), 0, 0, 0, 0, 0.3, 0.1, 10**8)
    monkeypatch.setattr(benching, "run_live", lambda *_: LiveResult(MACHINE, (heard,)))
    (each,) = benching.bench(["live"], tmp_path, lambda _: None, quick=True)
    data = json.loads(json.dumps(each.data))
    assert data["heard"][0]["audience"]["clients"] == SMALL[0].clients
    assert data["heard"][0]["late_s"] == [0.05, 0.1, 0.2]


def test_rounds_that_are_asked_for_win_over_quick(small, tmp_path):
    (each,) = benching.bench(["fold"], tmp_path, lambda _: None, quick=True, rounds=2)
    assert all(len(q["cpu_s"]) == 2 for q in each.data["queries"] if q["name"] != "verdict")


def test_an_import_is_told_with_the_naive_one_beside_it(small, tmp_path):
    (each,) = benching.bench(["import"], tmp_path, lambda _: None, quick=True)
    assert [one["by"] for one in each.data["imports"]] == ["Voidtrail", "naive"]


def test_peers_are_looked_for_in_the_checkout(tmp_path, monkeypatch):
    assert (benching.checkout() / contender.PEERS).is_dir()
    monkeypatch.setattr(contender, "PEERS", Path("nowhere"))
    monkeypatch.chdir(tmp_path)
    assert benching.checkout() == tmp_path
