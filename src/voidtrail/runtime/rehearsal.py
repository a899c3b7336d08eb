"""`voidtrail simulate`: a merchant's day played into a real server over real HTTP.

The server is a process of its own and never sees the truth; the seed is chosen after it was built.
What it concluded is read from its ledger afterwards and held against the truth.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from voidtrail.errors import OutsideFault
from voidtrail.event.model import Micros
from voidtrail.ledger import rebuild
from voidtrail.runtime import clock
from voidtrail.runtime.app import build, reader_of
from voidtrail.runtime.report import report
from voidtrail.runtime.settings import load
from voidtrail.runtime.verdicts import verdicts
from voidtrail.testing.world import Comparison, Playback, World, compare, play, serve_platforms
from voidtrail.testing.world.settings import Settings as WorldSettings

Tell = Callable[[str, int, int], None]
"""Told (what is being done, done, of how many)."""
_READY_S = 60.0
_PLAIN = ("source", "name", "entity", "shop", "mode", "zone", "cutoff")
_SETTLE_S = 90.0
_PATIENCE_US = 72 * 3600 * 1_000_000


class Rehearsal(NamedTuple):
    """What a rehearsal found.

    Attributes:
        seed: give it to `--seed` to play the same day again.
        address: where the server listens.
        report: as `voidtrail report --json`.
        example: an order that somebody called off.
        verified: whether the chain is whole, and its entries and head.
    """

    seed: int
    folder: Path
    address: str
    orders: int
    playback: Playback
    seconds: float
    report: dict[str, Any]
    comparison: Comparison
    verified: rebuild.Verified
    unreadable: int
    example: str


@asynccontextmanager
async def rehearse(
    folder: Path, *, seed: int | None, orders: int, port: int | None, tell: Tell,
    ready: Callable[[Path], None] = lambda folder: None,
) -> AsyncIterator[Rehearsal]:  # fmt: skip
    """Play a day into a fresh server; the server lives until the context ends.

    Args:
        folder: for settings, secrets and the ledger; what an earlier rehearsal left is removed.
        seed: of the day; None picks one.
        orders: how many at least.
        port: of the server; None takes a free one.
        tell: progress.
        ready: called with the folder once the server answers, before the day is played.

    Raises:
        OutsideFault: the server did not start.
    """
    tell("build", 0, 1)
    began = time.monotonic()
    seed = secrets.randbelow(2**31) if seed is None else seed
    world = World(seed, WorldSettings(orders=orders, day=latest_day(clock.now())))
    _clear(folder)
    async with serve_platforms(world) as (platforms, _):
        port = port or _free_port()
        address = f"http://127.0.0.1:{port}"
        _configure(folder, world.configuration(platforms), port)
        tell("build", 1, 1)
        async with _server(folder, address):
            ready(folder)
            posts = await asyncio.to_thread(
                world.script, int(time.time()), lambda done: tell("sign", done, 0)
            )
            playback = await play(address, posts, resign=world.resign,
                                  progress=lambda done: tell("play", done, len(posts)))  # fmt: skip
            await _settled(address, tell)
            yield _conclude(folder, world, playback, address, time.monotonic() - began)


def latest_day(now: Micros) -> date:
    """Return the latest day that can be judged by now, past every patience.

    Of such a day some payments can still be saved; of an older one, none.
    """
    return clock.to_datetime(now - _PATIENCE_US, "Asia/Shanghai").date()


def _conclude(
    folder: Path, world: World, playback: Playback, address: str, seconds: float
) -> Rehearsal:
    writer = build(load(folder / "voidtrail.toml", {}))
    house = reader_of(writer)
    try:
        unreadable = house.ledger.db.execute(
            "SELECT count(*) FROM delivery WHERE outcome = 1").fetchone()[0]  # fmt: skip
        rows = list(verdicts(house))
        example = next((row["order"] for row in rows if row["explicit"]), "")
        return Rehearsal(
            world.seed, folder, address, len(world.truth.orders), playback, seconds, report(house),
            compare(world.truth, rows), rebuild.verify(house.ledger), unreadable, example,
        )  # fmt: skip
    finally:
        house.close()
        writer.close()


def _clear(folder: Path) -> None:
    """Remove what an earlier rehearsal left, and nothing else."""
    if folder.exists() and not (folder / ".rehearsal").exists() and any(folder.iterdir()):
        raise OutsideFault(f"{folder} holds other things; name an empty folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / ".rehearsal").touch()


def _configure(folder: Path, configuration: Mapping[str, Any], port: int) -> None:
    """Write settings, and the secrets beside them in files that only we may read."""
    vault = folder / "secrets"
    vault.mkdir(mode=0o700)
    lines = [
        "[server]", f"port = {port}", "", "[ledger]",
        f"path = {json.dumps(str(folder / 'voidtrail.db'))}", "", "[worker]",
        "tick_s = 1.0", "ask_backoff_s = 1.0", "",
    ]  # fmt: skip
    for account in configuration["accounts"]:
        lines.append("[[account]]")
        lines += [f"{key} = {json.dumps(account[key], ensure_ascii=False)}" for key in _PLAIN]
        lines.append("[account.options]")
        lines += [f"{k} = {json.dumps(v, ensure_ascii=False)}"
                  for k, v in account["options"].items()]  # fmt: skip
        lines.append("[account.secrets]")
        for purpose, values in account["secrets"].items():
            places = []
            for n, value in enumerate(values):
                file = vault / f"{account['source']}-{account['name']}-{purpose}-{n}"
                file.touch(mode=0o600)
                file.write_text(value, "utf-8")
                places.append(f"file:secrets/{file.name}")
            lines.append(f"{purpose} = {json.dumps(places)}")
        lines.append("")
    (folder / "voidtrail.toml").write_text("\n".join(lines), "utf-8")


@asynccontextmanager
async def _server(folder: Path, address: str) -> AsyncIterator[None]:
    log = folder / "server.log"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("VOIDTRAIL_")}
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "voidtrail", "serve", "--config", str(folder / "voidtrail.toml"),
            stdout=output, stderr=output, env=environment, start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + _READY_S
        while not await asyncio.to_thread(_answers, f"{address}/readyz"):
            if process.returncode is not None or time.monotonic() > deadline:
                tail = log.read_text("utf-8", "replace")[-1000:]
                raise OutsideFault(f"the server did not start; its log ends: {tail}")
            await asyncio.sleep(0.1)
        yield
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), 15)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _settled(address: str, tell: Tell) -> None:
    """Wait until nothing is overdue, no platform is being asked and the outbox is empty."""
    deadline = time.monotonic() + _SETTLE_S
    first = 0
    while time.monotonic() < deadline:
        head = await asyncio.to_thread(_get, f"{address}/api/head")
        left = sum(head["waiting"].values())
        first = max(first, left)
        tell("settle", first - left, first)
        if not left:
            return
        await asyncio.sleep(0.5)


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
