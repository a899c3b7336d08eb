"""Somebody rehearses against a fake platform as the page says, and sees what it shows."""

import os
import re
import socket
import subprocess
import sys

import pytest

from tests.docs.pages import blocks, page
from voidtrail.testing.platforms.fake import Situation

NAME = "docs/how-to/rehearse-against-fakes.md"
CHINESE = NAME.replace(".md", ".zh-CN.md")


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.mark.timeout(120)
def test_script_prints_what_the_page_shows(tmp_path):
    ports = {"8421": _free_port(), "8422": _free_port()}
    [settings], [script] = blocks(page(NAME), "toml"), blocks(page(NAME), "python")
    for name, text in (("voidtrail.toml", settings), ("rehearsal.py", script)):
        here = re.sub("|".join(ports), lambda found: ports[found[0]], text)
        (tmp_path / name).write_text(here, encoding="utf-8")
    kept = {k: v for k, v in os.environ.items() if not k.startswith("VOIDTRAIL_")}
    done = subprocess.run(
        [sys.executable, "rehearsal.py"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**kept, "PYTHONUNBUFFERED": "1"}, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = [line for line in blocks(page(NAME), "text")[0].splitlines() if line]
    said = [line for line in done.stdout.splitlines() if line.startswith("A1")]
    assert said == shown, done.stdout + done.stderr


def test_both_languages_have_the_same_script():
    ours, theirs = (
        re.sub(r"\s*#.*", "", "".join(blocks(page(name), "python"))) for name in (NAME, CHINESE)
    )
    assert ours == theirs
    assert blocks(page(NAME), "text") == blocks(page(CHINESE), "text")


def test_every_situation_is_named():
    for name in (NAME, CHINESE):
        missing = [each.name for each in Situation if f"`{each.name}`" not in page(name)]
        assert not missing, f"{name}: {missing}"
