"""A server and an import write one file at once: one chain, nothing lost, nothing twice."""

import asyncio
import json
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
from tests.end_to_end.house import STRIPE_SECRET, Served, clean_environment, evidence
from voidtrail.testing.bench.contention import MAPPING, run_contention, write_history
from voidtrail.testing.bench.load import percentile
from voidtrail.testing.crash import Campaign, Poster, payments
from voidtrail.testing.inspection import inspect

ROWS = 2_000


def voidtrail(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "voidtrail", *map(str, arguments)],
        cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


class Timed(Poster):
    """A client that keeps how long each answer took."""

    times: list[float]

    async def _post(self, notice):
        began = time.perf_counter()
        status = await super()._post(notice)
        self.times.append(time.perf_counter() - began)
        return status


async def load(server, ended, times, tag):
    """Post from several clients until told to end; return what was acknowledged."""
    found = Campaign()
    found.up.set()
    clients = [Timed(server, "/hooks/stripe/main", STRIPE_SECRET, found) for _ in range(16)]
    for client in clients:
        client.times = times
    over = asyncio.Event()
    work = [asyncio.create_task(client.work(payments(f"{tag}{n}", 1), over))
            for n, client in enumerate(clients)]  # fmt: skip
    await asyncio.to_thread(ended)
    over.set()
    await asyncio.gather(*work)
    return found


@pytest.mark.timeout(240)
def test_server_and_import_share_one_file(tmp_path):
    history, mapping = tmp_path / "history.csv", tmp_path / "history.toml"
    write_history(history, ROWS)
    mapping.write_text(MAPPING)
    importing = ("ingest", history, "--map", mapping, "--json")
    with Served(tmp_path, worker={"tick_s": 0.2}) as server:
        where = ("--config", server.config, "--db", server.db)
        quiet: list[float] = []
        first = asyncio.run(load(server, lambda: time.sleep(2), quiet, "q"))
        beside: list[float] = []
        process = voidtrail(*importing, *where)
        second = asyncio.run(load(server, process.wait, beside, "b"))
        output, errors = process.communicate()
        assert process.returncode == 0, errors.decode()[-2000:]
        imported = json.loads(output)
        assert imported["deliveries"] == ROWS
        assert imported["unreadable"] == 0
        told = [*first.acknowledged, *second.acknowledged]
        assert server.down() == 0
    assert set(first.statuses) | set(second.statuses) == {200}
    assert not first.broken + second.broken
    found = inspect(server.db, told, account="stripe/main")
    assert not found.lost
    assert not found.doubled
    assert not found.broken
    orders = server.rows("SELECT count(*) FROM order_name WHERE text LIKE 'table/%/H%' "
                         "OR text LIKE '%/H0%'")  # fmt: skip
    assert orders == [(ROWS,)]
    for command, good in (("verify", "ok"), ("replay", "equal")):
        process = voidtrail(command, "--json", *where)
        output, errors = process.communicate()
        assert process.returncode == 0, errors.decode()[-2000:]
        assert json.loads(output)[good] is True
    server.audit()
    quiet.sort()
    beside.sort()
    evidence("two-processes", rows=ROWS, acknowledged=len(told), lost=0, doubled=0,
             quiet_p99_ms=round(percentile(quiet, 0.99) * 1e3, 1),
             beside_import_p99_ms=round(percentile(beside, 0.99) * 1e3, 1))  # fmt: skip


def test_contention_is_measured(tmp_path, monkeypatch):
    """Only that it measures; how much is for `voidtrail bench` on a quiet machine."""
    for name in ("VOIDTRAIL_EVIDENCE", "VOIDTRAIL_KILLS", "VOIDTRAIL_IMAGES", "VOIDTRAIL_SEED"):
        monkeypatch.delenv(name, raising=False)  # a server takes them for settings
    told: list[str] = []
    found = run_contention(tmp_path, told.append, connections=8, seconds=0.5, requests_max=300,
                           rows=20_000)  # fmt: skip
    assert len(told) >= 5
    for one in (found.quiet, found.importing, found.computing, found.told):
        assert one.requests
        assert not one.errors
    assert set(found.ratios) == {"importing", "computing", "told"}
    assert all(ratio > 0 for ratio in found.ratios.values())
    assert not list(tmp_path.iterdir())
