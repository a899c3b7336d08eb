"""Connecting a shop as the page says: its settings, its calls, its page, its receiver, for real."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import ThreadingHTTPServer

import pytest

from tests.docs.pages import blocks, page

pytestmark = pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl"
)
PAGES = ["docs/how-to/connect-your-shop.md", "docs/how-to/connect-your-shop.zh-CN.md"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


class Newcomer:
    """Somebody with a clone, an empty folder and the page."""

    def __init__(self, folder, text):
        self.folder, self.text = folder, text
        self.ports = {"8420": free_port(), "9000": free_port()}
        command = folder / "bin" / "voidtrail"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m voidtrail "$@"\n', "utf-8")
        command.chmod(0o755)
        kept = {k: v for k, v in os.environ.items() if not k.startswith("VOIDTRAIL_")}
        self.environment = {**kept, "PATH": f"{command.parent}:{kept['PATH']}", "COLUMNS": "300",
                            "VOIDTRAIL_PORT": self.ports["8420"], "LANG": "C.UTF-8"}  # fmt: skip

    def here(self, text):
        for named, free in self.ports.items():
            text = text.replace(named, free)
        return text

    def shell(self, lines):
        done = subprocess.run(
            ["bash", "-c", "set -eu\n" + self.here(lines)], cwd=self.folder, env=self.environment,
            capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def serve(self, lines):
        """Run the lines that make secrets and start the server, which stays."""
        with (self.folder / "said.txt").open("w") as said:
            self.session = subprocess.Popen(
                ["bash", "-c", "set -eum\n" + self.here(lines) + "\nwait"], cwd=self.folder,
                env=self.environment, stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                if urllib.request.urlopen(self.here("http://127.0.0.1:8420/readyz")).status == 200:
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError((self.folder / "said.txt").read_text())

    def end(self):
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and os.getsid(int(entry)) == self.session.pid:
                    os.kill(int(entry), signal.SIGKILL)
            except OSError:
                continue
        self.session.wait()


def wait_for(condition):
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until, "nothing came"
        time.sleep(0.05)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", PAGES)
def test_a_shop_is_connected_by_what_the_page_says(name, tmp_path):
    newcomer = Newcomer(tmp_path, page(name))
    [settings] = blocks(newcomer.text, "toml")
    (tmp_path / "voidtrail.toml").write_text(newcomer.here(settings), "utf-8")
    begin, look = blocks(newcomer.text, "sh")
    client, calls, tokens, receiver, _run = blocks(newcomer.text, "python")
    newcomer.serve(begin)
    try:
        secrets = {
            "KEY": (tmp_path / "secrets" / "shop").read_bytes().rstrip(b"\n"),
            "HOOK": (tmp_path / "secrets" / "hook").read_text().strip(),
        }
        shop = {}
        for code in (client, tokens, receiver):
            exec(compile(newcomer.here(code), name, "exec"), shop)
        shop.update(secrets)
        server = ThreadingHTTPServer(
            ("127.0.0.1", int(newcomer.ports["9000"])), shop["OrderSystem"]
        )
        threading.Thread(target=server.serve_forever, daemon=True).start()
        code, said = newcomer.shell(look)
        assert code == 0, said
        assert "204" in said
        assert "payment.called_off" in said
        assert shop["released"] == []  # samples are tests

        exec(compile(newcomer.here(calls), name, "exec"), shop)
        press_cancel(newcomer, shop)
        wait_for(lambda: shop["released"])
        assert shop["released"] == [(what, "A1001") for what in ("order", "stock", "coupon")]
        code, said = newcomer.shell("voidtrail show A1001")
        assert code == 0
        assert "called off" in said
        server.shutdown()
        server.server_close()
    finally:
        newcomer.end()


def press_cancel(newcomer, shop):
    """Send what `sendBeacon` in the page would send: plain text, no header of ours."""
    [script] = blocks(newcomer.text, "html")
    assert 'say("cancel_pressed", {reason: "too_difficult"})' in script
    body = {"token": shop["token"]("A1001", int(time.time()) + 600), "id": "7b1c9",
            "order": "A1001", "statement": "cancel_pressed", "reason": "too_difficult"}  # fmt: skip
    request = urllib.request.Request(
        newcomer.here("http://127.0.0.1:8420/hooks/storefront/main"), json.dumps(body).encode(),
        {"Content-Type": "text/plain;charset=UTF-8", "Origin": "https://shop.example"},
    )  # fmt: skip
    assert urllib.request.urlopen(request).status == 200
