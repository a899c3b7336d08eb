"""Every platform's page: its settings as they stand, in one server, take the platform's notices."""

import asyncio
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.docs.pages import blocks
from tests.end_to_end.house import Served, clean_environment
from tests.tidy.source import ROOT
from voidtrail.sources.registry import SOURCES
from voidtrail.testing.platforms.fake import Situation
from voidtrail.testing.platforms.registry import FAKES
from voidtrail.testing.platforms.server import now, serve

NAMED = {"any-platform": "custom"}
PAGES = {
    NAMED.get(name := path.name.removeprefix("connect-").removesuffix(".md"), name): path
    for path in sorted((ROOT / "docs" / "how-to").glob("connect-*.md"))
    if ".zh-CN" not in path.name
}
OVER_TCP = {"pos"}
"""Not reached over HTTP; `test_inlets.py` runs its page."""
PLATFORMS = sorted((set(PAGES) & set(FAKES)) - OVER_TCP)
COMMANDS_MAX = 10


class Connected(NamedTuple):
    """One platform, connected as its page says."""

    fake: Any
    order: str
    statuses: list[int]


def _account(name):
    """The account that a page shows, as the settings hold it."""
    text = PAGES[name].read_text(encoding="utf-8")
    shown = [
        each for block in blocks(text, "toml") for each in tomllib.loads(block).get("account", ())
        if each["source"] == name and each["name"] == "main"
    ]  # fmt: skip
    assert shown, f"the page shows no [[account]] of source {name!r} named main"
    return shown[0]


class Merchant:
    """Somebody who follows every page: one settings file, secrets where the pages put them."""

    def __init__(self, folder, address, hooks):
        self.folder, self.environment, self.lines = Path(folder), {}, []
        for name in PLATFORMS:
            fake = FAKES[name](seed=1)
            self._connect(_account(name), fake, fake.options(f"{address}/{name}"), hooks)

    def _connect(self, account, fake, options, hooks):
        given = fake.secrets()
        name = account["source"]
        plain = {key: value for key, value in account.items() if isinstance(value, str)}
        self.lines += ["[[account]]", *(f"{k} = {json.dumps(v)}" for k, v in plain.items())]
        self.lines.append("[account.options]")
        # What is the merchant's own at the platform is the fake's; the rest is as the page has it.
        known = {**account.get("options", {}), **options}
        known = {key: value.replace("https://…", hooks) for key, value in known.items()}
        self.lines += [f"{key} = {json.dumps(value)}" for key, value in known.items()]
        self.lines.append("[account.secrets]")
        for purpose, places in account["secrets"].items():
            if purpose not in given:
                assert purpose not in SOURCES[name].CAPABILITIES.needed, (name, purpose)
                continue
            place = places if isinstance(places, str) else places[0]
            self._put(place, given[purpose], purpose)
            self.lines.append(f"{purpose} = {json.dumps(place)}")

    def _put(self, place, secret, purpose):
        kind, _, where = place.partition(":")
        assert kind in ("env", "file"), f"{purpose} = {place!r}: a secret stands in no settings"
        if kind == "env":
            assert where not in self.environment, f"two secrets are both in {where}"
            self.environment[where] = secret
            return
        path = self.folder / where
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(secret, encoding="utf-8")


async def _everything(folder):
    """Connect every platform to one server; return what became of the first notices."""
    fakes = {name: FAKES[name](seed=1) for name in PLATFORMS}
    async with serve(fakes.values()) as (address, stage):
        served = Served(folder)
        merchant = Merchant(folder, address, served.address)
        served.environment = merchant.environment
        settings = served.config.read_text("utf-8").split("[[account]]")[0]
        served.config.write_text("\n".join([settings, *merchant.lines]), "utf-8")
        found = {}
        try:
            await served.start()
            for name, fake in fakes.items():
                order = f"CONNECT-{name.upper()}"
                fake.play(Situation.PAID, order, 12_300, now() - 300_000_000)
                statuses = await stage.post(name, f"{served.address}/hooks/{name}/main")
                found[name] = Connected(fake, order, statuses)
            told = {name: await _told(served, each.order) for name, each in found.items()}
            shown = _shown(served, found[PLATFORMS[0]].order)
        finally:
            await served.kill()
    return found, told, shown


async def _told(served, order):
    """What the API tells of an order, once it tells that it was paid."""
    body = b""
    for _ in range(60):
        status, _, body = await asyncio.to_thread(served.get, f"/api/orders/{order}")
        if status == 200 and json.loads(body).get("state") == "paid":
            break
        await asyncio.sleep(0.25)
    return body.decode()


def _shown(served, order):
    done = subprocess.run(
        [sys.executable, "-m", "voidtrail", "show", order, "--config", str(served.config)],
        capture_output=True, text=True, check=False, timeout=60,
        env=clean_environment(**served.environment, LANG="C.UTF-8"),
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def connected(tmp_path_factory):
    return asyncio.run(_everything(tmp_path_factory.mktemp("connected")))


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", PLATFORMS)
def test_notices_reach_a_server_that_is_set_up_as_the_page_says(connected, name):
    found, told, _ = connected
    assert found[name].statuses, f"{name} pushes nothing when somebody pays"
    assert {status // 100 for status in found[name].statuses} == {2}
    assert json.loads(told[name])["state"] == "paid", told[name]


@pytest.mark.timeout(180)
def test_command_line_shows_the_order(connected):
    code, said = connected[2]
    assert code == 0, said
    assert f"CONNECT-{PLATFORMS[0].upper()}" in said


@pytest.mark.parametrize("name", sorted(PAGES))
def test_page_needs_few_commands(name):
    text = PAGES[name].read_text(encoding="utf-8")
    lines = [
        line for language in ("sh", "console", "bash") for block in blocks(text, language)
        for line in block.splitlines() if line.strip() and not line.lstrip().startswith("#")
        and not line.startswith(" ")
    ]  # fmt: skip
    assert len(lines) <= COMMANDS_MAX, f"{len(lines)} commands"


def test_every_platform_that_pushes_has_a_page_in_both_languages():
    for name in FAKES:
        assert name in PAGES, f"write docs/how-to/connect-{name}.md"
        chinese = PAGES[name].with_name(PAGES[name].name.replace(".md", ".zh-CN.md"))
        assert chinese.exists(), f"write {chinese.name}"
