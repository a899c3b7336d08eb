"""How long a platform waits while somebody else is at work: an import, a thread, people.

The server is first measured quiet; then while another process imports a file into the same ledger;
then while a thread of the server itself does nothing but compute, as a report on the loop would;
then in company: people watch the console, a channel and an order system are told.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from voidtrail.testing.bench import company
from voidtrail.testing.bench.contender import Contender, Site, voidtrail
from voidtrail.testing.bench.load import Load, run_load
from voidtrail.testing.bench.machine import Machine, this_machine
from voidtrail.testing.bench.payloads import Credentials, Pool, build_pool
from voidtrail.testing.bench.process import ContenderFailed, free_port, running, tail

_HOST = "127.0.0.1"
_BUSY = """\
import runpy, sys, threading
def compute():
    n = 0
    while True:
        n = (n * 48271 + 11) % 2147483647
threading.Thread(target=compute, daemon=True).start()
runpy.run_module("voidtrail", run_name="__main__", alter_sys=True)
"""
MAPPING = """\
source = "table"
zone = "UTC"
currency = "USD"
amount_unit = "minor"
[columns]
order = "order"
[[event]]
kind = "ORDER"
result = "SUCCEEDED"
at = "ordered"
amount = "amount"
[[event]]
kind = "CAPTURE"
result = "SUCCEEDED"
at = "paid"
amount = "amount"
when = "\\"paid\\" IS NOT NULL"
"""
"""The mapping file of what `write_history` writes."""


@dataclass(frozen=True)
class Contention:
    """What was measured.

    Attributes:
        machine: Where.
        connections: How many requests were in flight.
        quiet: Nobody else was at work.
        importing: Another process imported a file into the same ledger.
        imported_throughout: The import outlasted the measurement; if not, `importing` flatters.
        computing: A thread of the server computed without a pause.
        told: In company (see `testing.bench.company`).
    """

    machine: Machine
    connections: int
    quiet: Load
    importing: Load
    imported_throughout: bool
    computing: Load
    told: Load

    @property
    def ratios(self) -> dict[str, float]:
        """How many times the quiet 99th percentile each other one is."""
        return {
            "importing": self.importing.p99_s / self.quiet.p99_s,
            "computing": self.computing.p99_s / self.quiet.p99_s,
            "told": self.told.p99_s / self.quiet.p99_s,
        }


def write_history(path: Path, rows: int) -> None:
    """Write a CSV file of orders, most of them paid; `MAPPING` reads it.

    Args:
        path: The file.
        rows: How many orders.
    """
    with path.open("w", encoding="ascii") as file:
        file.write("order,ordered,paid,amount\n")
        for number in range(rows):
            at = f"2024-{1 + number % 12:02}-{1 + number % 28:02}T{number % 24:02}:00:00"
            paid = "" if number % 5 == 0 else at.replace(":00:00", ":05:00")
            file.write(f"H{number:08},{at},{paid},{1000 + number % 90_000}\n")


def run_contention(
    directory: Path,
    tell: Callable[[str], None],
    *,
    connections: int = 64,
    seconds: float = 4.0,
    requests_max: int = 20_000,
    rows: int = 400_000,
) -> Contention:
    """Measure one server quiet, beside an import, and beside a busy thread.

    Args:
        directory: An existing folder on the disk that the ledgers are to be written to.
        tell: Is told in one line what is being done.
        connections: Keep-alive connections, each with one request in flight.
        seconds: No request of a measurement is begun after this time.
        requests_max: A measurement ends earlier when so many requests have been sent.
        rows: Rows of the file that is imported; the import is ended when it is not needed.

    Returns:
        The measurements.

    Raises:
        ContenderFailed: A server did not start, or the import failed.
    """
    machine, credentials = this_machine(directory), Credentials()
    loads = []
    tell("signing notifications")
    pool = build_pool("stripe", credentials, 6 * requests_max, seed=1, at_unix=int(time.time()))

    def measure(contender: Contender, site: Site, pid: int, part: int) -> Load:
        found = _load(contender, site, pool, part * requests_max, requests_max, connections,
                      seconds, pid)  # fmt: skip
        loads.append(found)
        return found

    with tempfile.TemporaryDirectory(dir=directory, prefix="bench-") as data:
        site = Site(Path(data), free_port(), credentials, "bench")
        contender = voidtrail(site)
        with _serving(contender, site) as pid:
            tell("warming up")
            measure(contender, site, pid, 0)
            tell("measuring a quiet server")
            quiet = measure(contender, site, pid, 1)
            tell("measuring beside an import")
            with _importing(contender, site, rows) as still_running:
                importing = measure(contender, site, pid, 2)
                throughout = still_running()
    with tempfile.TemporaryDirectory(dir=directory, prefix="bench-") as data:
        site = Site(Path(data), free_port(), credentials, "bench")
        usual = voidtrail(site)
        arguments = usual.argv[usual.argv.index("serve") :]
        contender = replace(usual, argv=(sys.executable, "-c", _BUSY, *arguments))
        with _serving(contender, site) as pid:
            tell("measuring beside a busy thread")
            computing = measure(contender, site, pid, 3)
    with (
        tempfile.TemporaryDirectory(dir=directory, prefix="bench-") as data,
        company.receiving() as port,
    ):
        site = Site(Path(data), free_port(), credentials, "bench")
        contender = company.told(voidtrail(site), site, port)
        with _serving(contender, site) as pid, company.watching(contender, site):
            tell("measuring in company")
            measure(contender, site, pid, 4)
            told = measure(contender, site, pid, 5)
    return Contention(machine, connections, quiet, importing, throughout, computing, told)


@contextmanager
def _serving(contender: Contender, site: Site) -> Iterator[int]:
    log = site.data / "server.log"
    with running(
        contender.argv, contender.env, contender.cwd, contender.ready_url, log
    ) as pid:  # fmt: skip
        yield pid


def _load(
    contender: Contender, site: Site, pool: Pool, start: int, count: int, connections: int,
    seconds: float, pid: int,
) -> Load:  # fmt: skip
    path = contender.path_for(pool.source, site.account)
    host = f"{_HOST}:{site.port}"
    requests = pool.requests(path, host, int(time.time()), start, start + count)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(run_load(requests, host=_HOST, port=site.port, connections=connections,
                                    seconds=seconds, server_pid=pid))  # fmt: skip
    if found.errors or not found.requests:
        log = site.data / "server.log"
        raise ContenderFailed(f"{found.errors} requests failed; see {log}: {tail(log)}")
    return found


@contextmanager
def _importing(contender: Contender, site: Site, rows: int) -> Iterator[Callable[[], bool]]:
    """Import a file beside the server; give a way to ask whether that is still going on."""
    history, mapping = site.data / "history.csv", site.data / "history.toml"
    write_history(history, rows)
    mapping.write_text(MAPPING, encoding="ascii")
    log = site.data / "import.log"
    argv = (
        *(sys.executable, "-m", "voidtrail", "ingest", str(history), "--map", str(mapping)),
        *("--config", str(site.data / "voidtrail.toml")),
        *("--db", str(site.data / "voidtrail.db"), "--json"),
    )
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv, env={**os.environ, **contender.env}, cwd=contender.cwd, stdout=output,
            stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_for_rows(site, process, log)
        yield lambda: process.poll() is None
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()


def _wait_for_rows(site: Site, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the import writes: its file stands in the ledger."""
    import sqlite3

    db = sqlite3.connect(f"file:{site.data / 'voidtrail.db'}?mode=ro", uri=True, timeout=10)
    try:
        deadline = time.monotonic() + 60
        while not db.execute("SELECT 1 FROM delivery WHERE file_no IS NOT NULL LIMIT 1").fetchone():
            if process.poll() is not None or time.monotonic() > deadline:
                raise ContenderFailed(f"the import wrote nothing: {tail(log)}")
            time.sleep(0.02)
    finally:
        db.close()
