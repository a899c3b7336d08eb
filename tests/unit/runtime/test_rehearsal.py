"""What surrounds a rehearsal; the whole of it is in tests/end_to_end/test_rehearsal.py."""

import asyncio
import json
import stat
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from voidtrail.errors import OutsideFault
from voidtrail.runtime import rehearsal
from voidtrail.runtime.settings import load, secrets_of
from voidtrail.testing.world import accounts, small_world


def test_a_folder_that_holds_other_things_is_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("dear …")
    with pytest.raises(OutsideFault, match="holds other things"):
        rehearsal._clear(tmp_path)
    assert (tmp_path / "letter.txt").exists()


def test_what_an_earlier_rehearsal_left_is_removed(tmp_path):
    folder = tmp_path / "day"
    for _ in range(2):
        rehearsal._clear(folder)
        assert [each.name for each in folder.iterdir()] == [".rehearsal"]
        (folder / "voidtrail.db").touch()


def test_the_server_is_configured_as_the_world_is_with_its_secrets_in_closed_files(tmp_path):
    world = small_world(1)
    rehearsal._configure(tmp_path, world.configuration("http://127.0.0.1:1"), 8421)
    settings = load(tmp_path / "voidtrail.toml", {})
    assert settings.server.port == 8421
    wanted = accounts(world, "http://127.0.0.1:1")
    found = {(each.source, each.name): (each.account(), secrets_of(each, {}, settings.base))
             for each in settings.account}  # fmt: skip
    assert _plain(found) == _plain(wanted)
    vault = tmp_path / "secrets"
    assert stat.S_IMODE(vault.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in vault.iterdir()} == {0o600}
    text = (tmp_path / "voidtrail.toml").read_text("utf-8")
    assert not [secret for _, secrets in wanted.values() for several in secrets.values()
                for secret in several if secret.reveal() in text]  # fmt: skip


def test_a_server_that_does_not_start_says_why(tmp_path):
    (tmp_path / "voidtrail.toml").write_text("quux = 1\n")

    async def happen():
        async with rehearsal._server(tmp_path, "http://127.0.0.1:1"):
            pass

    with pytest.raises(OutsideFault, match="quux"):
        asyncio.run(happen())


def _plain(found):
    """Accounts with their secrets in clear, but for the end of a file's last line."""
    return {
        key: (account, {purpose: [secret.reveal().rstrip() for secret in several]
                        for purpose, several in secrets.items()})
        for key, (account, secrets) in found.items()
    }  # fmt: skip


@asynccontextmanager
async def _serving(counts):
    """A server whose ledger settles step by step."""

    async def head(request):
        waiting = counts.pop(0) if len(counts) > 1 else counts[0]
        return web.json_response({"waiting": waiting})

    app = web.Application()
    app.router.add_get("/api/head", head)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def test_a_day_is_over_when_nothing_is_due_asked_or_untold(monkeypatch):
    told = []
    steps = ((2, 1, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0))
    counts = [dict(zip(("due", "asking", "outbox"), step, strict=True)) for step in steps]

    async def at_once(_):
        pass

    async def happen():
        async with _serving(counts) as address:
            monkeypatch.setattr(asyncio, "sleep", at_once)
            await rehearsal._settled(address, lambda *step: told.append(step))

    asyncio.run(happen())
    assert told == [("settle", 0, 3), ("settle", 2, 3), ("settle", 2, 3), ("settle", 3, 3)]


def test_a_day_that_does_not_settle_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(rehearsal, "_SETTLE_S", 0.2)

    async def happen():
        async with _serving([{"due": 1}]) as address:
            await rehearsal._settled(address, lambda *_: None)

    asyncio.run(asyncio.wait_for(happen(), 20))


def test_a_free_port_is_one_that_can_be_listened_on():
    async def happen():
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", rehearsal._free_port())
        server.close()
        await server.wait_closed()

    asyncio.run(happen())
    assert json.dumps(rehearsal._free_port()).isdigit()
