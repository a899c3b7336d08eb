"""`kill -9` under load: what was acknowledged is there, once."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.end_to_end.house import (
    HOST,
    STRIPE_SECRET,
    Served,
    audit,
    clean_environment,
    configure,
    evidence,
    free_port,
    stripe_account,
)
from voidtrail.testing.crash import campaign
from voidtrail.testing.inspection import inspect

KILLS = int(os.environ.get("VOIDTRAIL_KILLS", "500"))
SEED = int(os.environ.get("VOIDTRAIL_SEED", "20260317"))
HOOK = "/hooks/stripe/main"


class Forked:
    """The real server, forked from a warm parent."""

    def __init__(self, folder):
        self.host, self.port = HOST, free_port()
        configure(folder, [stripe_account()], port=self.port)
        self.log = folder / "server.log"
        with self.log.open("ab") as output:
            self.parent = subprocess.Popen(
                [sys.executable, "-m", "tests.end_to_end.warm", str(folder)],
                cwd=ROOT,
                env=clean_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                bufsize=1,
            )
        assert self._said() == "warm"
        self.pid = 0

    def _said(self):
        assert self.parent.stdout is not None
        return self.parent.stdout.readline().strip()

    def _ask(self, line):
        assert self.parent.stdin is not None
        self.parent.stdin.write(f"{line}\n")
        self.parent.stdin.flush()
        return self._said()

    async def start(self):
        said = await asyncio.to_thread(self._ask, "start")
        assert said.isdigit(), f"{said}: {self.log.read_text()[-2000:]}"
        self.pid = int(said)

    async def kill(self):
        os.killpg(self.pid, signal.SIGKILL)
        assert await asyncio.to_thread(self._ask, "reap") == "reaped"

    def close(self):
        self.parent.communicate(timeout=10)


def checked(name, found, config, db, kills):
    acknowledged = list(found.acknowledged)  # copied before the file is looked at
    inspected = inspect(db, acknowledged, found.sent, account="stripe/main")
    evidence(name, seed=SEED, kills=found.kills, acknowledged=inspected.acknowledged,
             lost=len(inspected.lost), doubled=len(inspected.doubled),
             deliveries=inspected.deliveries, broken_requests=found.broken,
             took_s=round(found.took_s, 1))  # fmt: skip
    assert found.kills == kills
    assert inspected.acknowledged > kills, "there was hardly any load"
    assert not inspected.lost
    assert not inspected.doubled
    assert not inspected.strangers
    assert not inspected.broken
    assert set(found.statuses) == {200}
    audit(config, db)
    return inspected


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_killed_servers_lose_and_double_nothing(tmp_path):
    server = Forked(tmp_path)
    try:
        found = asyncio.run(campaign(server, HOOK, STRIPE_SECRET, kills=KILLS, seed=SEED))
    finally:
        server.close()
    checked("kills", found, tmp_path / "voidtrail.toml", tmp_path / "v.db", KILLS)
    assert found.broken > KILLS // 2, "most kills must hit a server that is at work"


def test_killed_serve_command_loses_and_doubles_nothing(tmp_path):
    server = Served(tmp_path)
    with server:
        server.down()
        found = asyncio.run(campaign(server, HOOK, STRIPE_SECRET, kills=5, seed=SEED, life=400))
    checked("kills-of-the-command", found, server.config, server.db, 5)


def test_inspector_sees_what_is_lost_and_doubled(tmp_path):
    """The arm that must fail: an inspector that finds nothing proves nothing."""
    import sqlite3

    server = Served(tmp_path)
    server.up()
    server.down()
    found = asyncio.run(campaign(server, HOOK, STRIPE_SECRET, kills=0, seed=1, clients=2))
    args = found.acknowledged, found.sent
    assert inspect(server.db, *args, account="stripe/main").clean
    first = found.acknowledged[0]
    db = sqlite3.connect(server.db)
    db.execute("UPDATE event SET amount_minor = amount_minor + 1 WHERE label LIKE 'refund:%' "
               "AND name_no = (SELECT no FROM name WHERE text = ?)",
               (f"stripe/main/{first.payment}",))  # fmt: skip
    db.execute(
        "DELETE FROM event WHERE label LIKE 'open:%' AND name_no = "
        "(SELECT no FROM name WHERE text = ?)",
        (f"stripe/main/{first.payment}",),
    )
    db.execute("DELETE FROM chain WHERE no = (SELECT max(no) FROM chain)")
    db.commit()
    db.close()
    spoilt = inspect(server.db, *args, account="stripe/main")
    assert len(spoilt.lost) == 2
    assert len(spoilt.doubled) == 1
    assert len(spoilt.strangers) == 1
    assert len(spoilt.broken) == 2
