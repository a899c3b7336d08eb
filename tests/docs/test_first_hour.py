"""The first hour and the README's first delivery run as they are written, by a real server."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import signers
from tests.docs.pages import blocks, page
from tests.tidy.source import ROOT

pytestmark = pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl"
)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def _run(lines, folder, **variables):
    """Run lines of shell as a person would, with the server on a free port."""
    port = _free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("VOIDTRAIL_")}
    environment |= {"VOIDTRAIL_PORT": port, "COLUMNS": "200", "LANG": "C.UTF-8", **variables}
    script = "set -eum\n" + "".join(lines).replace("8420", port)
    with (folder / "said.txt").open("w+", encoding="utf-8") as said:
        process = subprocess.Popen(
            ["bash", "-c", script], cwd=folder, env=environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            code = process.wait(timeout=100)
        finally:
            _end(process.pid)
            process.wait()
        said.seek(0)
        out = said.read()
    assert code == 0, out
    return out


def _end(session):
    """End what a script has left behind: every process of its session."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                os.kill(int(entry.parent.name), signal.SIGKILL)
        except (OSError, ValueError):
            continue


def _clone(folder):
    """What the pages expect of a clone: `.venv/bin/voidtrail`, and the examples."""
    (folder / ".venv" / "bin").mkdir(parents=True)
    command = folder / ".venv" / "bin" / "voidtrail"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m voidtrail "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (folder / "examples").symlink_to(ROOT / "examples")


def test_the_first_hour_runs_as_it_is_written(tmp_path):
    _clone(tmp_path)
    said = _run(blocks(page("docs/tutorial/first-hour.md"), "sh"), tmp_path)
    codes = [line.removeprefix("ready") for line in said.splitlines()
             if line.removeprefix("ready") in ("200", "401")]  # fmt: skip
    assert codes == ["200", "200", "200", "200", "401"]
    for words in ("Order A1001  called off", "the shop’s word; not counted", "sealed · final",
                  "proves the verdict", "1 of 1 payments were called off",
                  "whole: nothing was changed", "Read tables: equal", "\nok: "):  # fmt: skip
        assert words in said, said


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_first_delivery_of_the_readme_runs_as_it_is_written(name, tmp_path):
    _clone(tmp_path)
    [settings] = blocks(page(name), "toml")
    (tmp_path / "voidtrail.toml").write_text(settings, encoding="utf-8")
    (tmp_path / "secrets").mkdir()
    key = signers.rsa_key()
    for file in ("alipay-public.pem", "wechatpay.pem"):
        (tmp_path / "secrets" / file).write_text(signers.public_pem(key), encoding="ascii")
    for file in ("app-private.pem", "apiclient_key.pem"):
        (tmp_path / "secrets" / file).write_text(signers.private_pem(key), encoding="ascii")
    said = _run(blocks(page(name), "sh"), tmp_path, STRIPE_SIGNING="whsec_1", STRIPE_API_KEY="rk_1",
                WECHATPAY_API_V3_KEY="k" * 32)  # fmt: skip
    assert "HTTP/1.1 200 OK" in said
    assert "Order A1001  called off" in said
