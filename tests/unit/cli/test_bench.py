import json
from types import SimpleNamespace

import pytest

from voidtrail.cli.main import run
from voidtrail.runtime import benching
from voidtrail.testing.bench.machine import Machine

MACHINE = Machine(2, 0.0002, 2e-6, 0.1, "Linux", "3.11")


def _cell(name, per_cpu):
    return {"contender": name, "source": "stripe", "signature": "hmac", "connections": 64,
            "per_s": 2.0 * per_cpu, "per_server_cpu_s": per_cpu, "p50_s": 0.004, "p99_s": 0.02,
            "client_cpu_share": 0.95, "errors": 0, "peak_rss_bytes": 9e7}  # fmt: skip


DATA = {
    "intake": {
        "cells": [_cell("Voidtrail", 8000.0), _cell("dj-stripe", 100.0)],
        "ratios": [{"to": "dj-stripe", "source": "stripe", "connections": 64,
                    "per_server_cpu_s": 80.0}],
        "kept": {"Voidtrail": 4321},
    },
    "import": {"imports": [
        {"by": by, "form": "csv", "rows": 10, "events": 23, "per_cpu_s": 25_000.0, "cpu_s": 1.0,
         "wall_s": 2.0, "peak_rss_bytes": 4e8} for by in ("Voidtrail", "naive")
    ]},
    "fold": {
        "facts": 20_000_000, "file_bytes": 8e8, "peak_rss_bytes": 3e9,
        "queries": [{"name": name, "rows": 5_000_000, "cpu_s": [4.0, 5.0], "wall_s": [2.0, 3.0]}
                    for name in ("bare payment", "payment")],
        "ratios": {"payment": {"cpu_s": 1.25, "wall_s": 1.2}},
    },
    "contention": {
        "loads": {name: {"requests": 100, "non_2xx": 0, "elapsed_s": 1.0, "p50_s": 0.01,
                         "p99_s": 0.03, "server_cpu_s": 0.05}
                  for name in ("quiet", "importing", "computing", "told")},
        "imported_throughout": False,
        "ratios": {"importing": 2.5, "computing": 1.5, "told": 1.1},
    },
    "live": {"heard": [
        {"audience": {"clients": 1000, "rate": 100, "cut_s": 10.0}, "late_s": [0.06, 0.11, 0.2],
         "lost": 0, "broken": 0, "cut_missing": 0, "cut_twice": 0, "server_cpu_share": 0.4,
         "server_peak_rss_bytes": 9e7},
    ]},
    "sources": {"sources": [
        {"source": "alipay", "title": "Alipay 支付宝", "notices": 85, "bytes": 903.0,
         "verify_s": 51.9e-6, "translate_s": 40.9e-6, "slowest_s": 99e-6},
    ]},
    "tail": {"plan": {"lines_per_s": 20_000}, "lines": 800_123, "rotations": 3, "restarts": 2,
             "lost": 0, "doubled": 0, "behind_s": 1.25, "resident_bytes": [130e6, 134e6],
             "cpu_share": 0.35},
    "console": {
        "plan": {"payments": 5_000_000}, "store_bytes": 13e9, "counted_s": 1.5,
        "peak_rss_bytes": 3e8,
        "pages": [{"name": "payments", "asked": 84, "p50_s": 0.01, "p95_s": 0.075,
                   "latest_s": 0.11, "slowest": "/payments"}],
    },
}  # fmt: skip


@pytest.fixture
def measured(monkeypatch):
    """Nothing is measured; what was asked for is kept."""
    asked = []

    def bench(names, folder, tell, *, quick, rounds):
        asked.append((names, quick, rounds))
        tell("something")
        for name in names or DATA:
            missing = ("djstripe_service",) if name == "intake" else ()
            yield SimpleNamespace(name=name, machine=MACHINE, data=DATA[name],
                                  peers_missing=missing)  # fmt: skip

    monkeypatch.setattr(benching, "bench", bench)
    return asked


def test_everything_is_shown_when_nothing_is_named(measured, capsys):
    assert run(["bench"], {}) == 0
    said = capsys.readouterr().out
    assert measured == [([], False, None)]
    for figure in ("8,000", "80.0 ×", "4,321", "25,000", "1.25 ×", "2.5 ×", "disk flush 0.20 ms",
                   "5,000,000", "75.0", "51.9", "92.8", "800,123", "130 – 134"):  # fmt: skip
        assert figure in said, figure
    assert "16,000*" in said
    assert "make bench" in said
    assert "djstripe_service" in said
    assert "its row flatters" in said


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_names_and_figures_stand_in_full_on_eighty_columns(measured, capsys, monkeypatch, language):
    large = {"p50_s": 1.2345, "p99_s": 2.3456, "peak_rss_bytes": 1.2e9, "errors": 12}
    long_name = "hand-rolled FastAPI, PostgreSQL"
    cells = [{**_cell(name, 8000.0), **large} for name in ("Voidtrail", long_name)]
    ratio = {"to": long_name, "source": "stripe", "connections": 64, "per_server_cpu_s": 123.4}
    intake = {"cells": cells, "ratios": [ratio], "kept": {}}
    monkeypatch.setitem(DATA, "intake", intake)
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["--lang", language, "bench", "intake"], {}) == 0
    said = capsys.readouterr().out
    assert "…" not in said
    for part in ("16,000*", "8,000", "123.4 ×", "1,234.5", "2,345.6", "1,200", "12",
                 *long_name.split()):  # fmt: skip
        assert part in said, part


def test_json_has_a_key_for_each_that_was_named(measured, capsys):
    assert run(["bench", "fold", "import", "--quick", "--rounds", "2", "--json"], {}) == 0
    assert measured == [(["fold", "import"], True, 2)]
    assert set(json.loads(capsys.readouterr().out)) == {"fold", "import"}


def test_it_is_told_in_chinese(measured, capsys):
    assert run(["--lang", "zh_CN", "bench", "contention"], {}) == 0
    assert "争用" in capsys.readouterr().out


def test_what_is_not_known_is_refused(measured):
    assert run(["bench", "coffee"], {}) == 2
    assert run(["bench", "--rounds", "0"], {}) == 2
