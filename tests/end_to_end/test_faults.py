"""The disk is full, or cannot flush: platforms are told 503, and nothing acknowledged is lost."""

import asyncio
import shutil
import signal
import subprocess
import time
from itertools import islice

import pytest

from tests import signers
from tests.end_to_end.house import (
    STRIPE_SECRET,
    Served,
    audit,
    configure,
    stripe_account,
    until,
)
from voidtrail.runtime.app import build
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.receiving import Receiver
from voidtrail.runtime.refusals import Refusals
from voidtrail.runtime.settings import load
from voidtrail.sources.contract import Outcome
from voidtrail.testing.crash import Notice, payments
from voidtrail.testing.inspection import inspect


def notices(name):
    return (notice for group in payments(name, 1) for notice in group)


def post(server, notice):
    return server.stripe(notice.body(int(time.time())))[0]


def post_until_refused(server, source, most):
    """Post until a notice is not acknowledged; return those that were, and the other status."""
    told: list[Notice] = []
    for notice in islice(source, most):
        status = post(server, notice)
        if status != 200:
            return told, status
        told.append(notice)
    return told, 200


def assert_stopped(server, source):
    """The server takes nothing in any more and says so."""
    assert [post(server, notice) for notice in islice(source, 5)] == [503] * 5
    status, _, body = server.get("/readyz")
    assert (status, body) == (503, b"the ledger has stopped")
    assert server.get("/healthz")[0] == 200
    assert b"voidtrail_ledger_stopped 1.0" in server.get("/metrics")[2]
    assert "ledger_stopped" in server.logged()


def assert_whole(config, db, told):
    found = inspect(db, told, account="stripe/main")
    assert not found.lost
    assert not found.doubled
    assert not found.broken
    audit(config, db)


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("a C compiler is needed to make a disk fail (cc or gcc); none is here")
    library = tmp_path_factory.mktemp("fault") / "fault.so"
    source = __file__.replace("test_faults.py", "fault.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-w", "-o", library, source, "-ldl"],
                   check=True)  # fmt: skip
    return library


@pytest.mark.parametrize("fault", ["fsync", "space"])
def test_failed_write_stops_the_server_until_a_restart(tmp_path, shim, fault):
    order = tmp_path / "order"
    environment = {"LD_PRELOAD": str(shim), "FAULT": str(order)}
    source = notices("fault")
    with Served(tmp_path, environment=environment) as server:
        told, status = post_until_refused(server, source, 20)
        assert (len(told), status) == (20, 200)
        order.write_text(fault)
        told += (more := post_until_refused(server, source, 5))[0]
        assert more[1] == 503
        order.unlink()
        # After a failed flush the page cache proves nothing: the disk's recovery is not believed.
        assert_stopped(server, source)
        assert server.down() == 0
        server.up()
        told += post_until_refused(server, source, 20)[0]
        assert len(told) >= 40
        assert server.get("/readyz")[0] == 200
        server.down(signal.SIGKILL)
        assert_whole(server.config, server.db, told)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 5 MiB in a namespace of its own: (folder, its path from here, prefix)."""
    folder = tmp_path / "disk"
    folder.mkdir()
    script = f"mount -t tmpfs -o size=5m tmpfs '{folder}' && echo mounted && exec sleep 600"
    try:
        holder = subprocess.Popen(
            ["unshare", "-rm", "sh", "-c", script],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("`unshare` is needed for a small disk, and is not installed")
    assert holder.stdout is not None
    if holder.stdout.readline().strip() != "mounted":
        holder.communicate()
        pytest.skip("this system does not allow mounting in a user namespace")
    inside = ["nsenter", "-t", str(holder.pid), "-U", "-m", "--preserve-credentials"]
    try:
        yield folder, tmp_path.__class__(f"/proc/{holder.pid}/root{folder}"), inside
    finally:
        holder.terminate()
        holder.communicate()


def test_full_disk_stops_the_server_and_space_lets_it_go_on(tmp_path, small_disk):
    folder, seen_from_here, inside = small_disk
    source = notices("full")
    with Served(tmp_path, prefix=inside, db=folder / "v.db") as server:
        told, status = post_until_refused(server, source, 20_000)
        assert status == 503, f"the disk took {len(told)} notices"
        assert len(told) > 20
        assert_stopped(server, source)
        server.down()
        subprocess.run([*inside, "mount", "-o", "remount,size=64m", folder], check=True)
        server.up()
        more, status = post_until_refused(server, source, 50)
        assert (len(more), status) == (50, 200)
        server.down(signal.SIGKILL)
        for file in seen_from_here.iterdir():
            shutil.copy(file, tmp_path)
        assert_whole(server.config, tmp_path / "v.db", told + more)


async def taken(receiver, entry, notice):
    """Hand a notice in as the door does; return what the platform is told."""
    at_s = int(time.time())
    body = notice.body(at_s)
    headers = (("stripe-signature", signers.stripe_header(body, STRIPE_SECRET, at_s)),)
    return await receiver.take(entry, body, headers, "")


def test_nobody_waits_for_ever_when_writing_fails_in_an_unknown_way(tmp_path, monkeypatch):
    configure(tmp_path, [stripe_account()], port=0)
    house = build(load(tmp_path / "voidtrail.toml", {}))

    def bug():
        raise RuntimeError("a bug")

    async def tell():
        intake = Intake(house.ledger, house.clock)
        receiver, entry = Receiver(house, intake, Refusals()), house.entry("stripe", "main")
        source = notices("bug")
        assert await taken(receiver, entry, next(source)) == Outcome.KEPT.value
        monkeypatch.setattr(house.ledger, "commit", bug)
        found = await asyncio.wait_for(
            asyncio.gather(*(taken(receiver, entry, next(source)) for _ in range(3))), 10
        )
        assert found == [Outcome.BUSY.value] * 3
        assert intake.stopped is not None
        await intake.close()

    asyncio.run(tell())
    house.close()


def test_full_database_refuses_and_keeps_what_was_told(tmp_path):
    """Needs nothing of the system: SQLite itself is told how many pages there may be."""
    configure(tmp_path, [stripe_account()], port=0)
    settings = load(tmp_path / "voidtrail.toml", {})
    house = build(settings)
    pages = house.ledger.db.execute("PRAGMA page_count").fetchone()[0]
    house.ledger.db.execute(f"PRAGMA max_page_count = {pages + 20}")
    told, source = [], notices("pages")

    async def fill(house, most):
        intake = Intake(house.ledger, house.clock)
        receiver = Receiver(house, intake, Refusals())
        entry = house.entry("stripe", "main")

        async def one(notice):
            outcome = await taken(receiver, entry, notice)
            if outcome == Outcome.KEPT.value:
                told.append(notice)
            return outcome

        found = []
        for _ in range(most // 8):
            found += await asyncio.gather(*(one(notice) for notice in islice(source, 8)))
        await intake.close()
        return found

    found = asyncio.run(fill(house, 2_000))
    first = found.index(Outcome.BUSY.value)
    assert first > 8
    assert set(found[first + 8 :]) == {Outcome.BUSY.value}, "it must not go on by itself"
    house.close()
    house = build(settings)
    assert set(asyncio.run(fill(house, 80))) == {Outcome.KEPT.value}
    house.close()
    assert_whole(tmp_path / "voidtrail.toml", tmp_path / "v.db", told)


def test_readiness_returns_after_a_restart_only(tmp_path, shim):
    """The worker's own write may be the first that fails; readiness must say so all the same."""
    order = tmp_path / "order"
    environment = {"LD_PRELOAD": str(shim), "FAULT": str(order)}
    accounts = [stripe_account()]
    with Served(tmp_path, accounts, environment=environment, worker={"tick_s": 0.1}) as server:
        order.write_text("fsync")
        server.post("/hooks/stripe/main", b"{}")  # a refusal, which the next tick writes down
        until(lambda: server.get("/readyz")[0] == 503, 10, why="the failed tick was not noticed")
