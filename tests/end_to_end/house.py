"""A real `voidtrail serve` in a folder of its own, with accounts whose secrets the tests know."""

import asyncio
import contextlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests import signers
from tests.conftest import ROOT
from voidtrail.ledger import rebuild
from voidtrail.runtime.opening import reader
from voidtrail.runtime.settings import load

HOST = "127.0.0.1"
STRIPE_SECRET = "whsec_canary_5f0c2a7e91"
STOREFRONT_KEY = "vtsk_canary_77ab01"
API_TOKEN = "token-canary-90d1"
READY_S = 60


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def stripe_account(name="main", **changes):
    return {"source": "stripe", "name": name, "secrets": {"signing": STRIPE_SECRET}, **changes}


def all_accounts():
    """An account of every source that pushes, and one in test mode."""
    key = signers.public_pem(signers.rsa_key())
    return [
        stripe_account(options={"order_field": "order_id"}),
        stripe_account("sandbox", mode="test"),
        {"source": "alipay", "name": "main", "secrets": {"public_key": key}},
        {
            "source": "wechatpay",
            "name": "main",
            "secrets": {
                "platform_key": f"{signers.WECHAT_SERIAL}={key}",
                "api_v3_key": signers.API_V3_KEY,
            },
        },
        {"source": "storefront", "name": "main", "secrets": {"signing": STOREFRONT_KEY}},
    ]


def configure(folder, accounts, *, port, db=None, **sections):
    """Write `voidtrail.toml`, and the secrets beside it in files that only we may read."""
    folder = Path(folder)
    vault = folder / "secrets"
    vault.mkdir(parents=True, mode=0o700, exist_ok=True)
    sections = {
        "ledger": {"path": str(db or folder / "v.db"), "key_file": str(folder / "v.key")},
        "server": {"port": port, **sections.pop("server", {})},
        **sections,
    }
    lines = []
    for name, values in sections.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    for account in accounts:
        plain = {key: value for key, value in account.items() if isinstance(value, str)}
        lines += ["[[account]]", *(f"{key} = {json.dumps(value)}" for key, value in plain.items())]
        lines.append("[account.options]")
        lines += [f"{k} = {json.dumps(v)}" for k, v in account.get("options", {}).items()]
        lines.append("[account.secrets]")
        for purpose, value in account["secrets"].items():
            file = vault / f"{account['source']}-{account['name']}-{purpose}"
            file.touch(mode=0o600)
            file.write_text(value, "utf-8")
            lines.append(f"{purpose} = {json.dumps(f'file:secrets/{file.name}')}")
    (folder / "voidtrail.toml").write_text("\n".join(lines), "utf-8")


def clean_environment(**more):
    """Our environment without settings; compiled modules are kept, so that starts are fast."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith("VOIDTRAIL_") and k != "PYTHONDONTWRITEBYTECODE"
    }
    cache = Path(tempfile.gettempdir(), f"voidtrail-pycache-{os.getuid()}")
    return {**kept, "PYTHONPYCACHEPREFIX": str(cache), **more}


class Served:
    """A server in a folder; may be started again and again on the same file.

    `prefix` is put before the command (for namespaces), `environment` is added to it.
    """

    def __init__(self, folder, accounts=None, *, prefix=(), environment=None, **sections):
        self.folder = Path(folder)
        self.host, self.port = HOST, free_port()
        self.db = Path(sections.pop("db", None) or self.folder / "v.db")
        self.prefix, self.environment = list(prefix), environment or {}
        self.process: subprocess.Popen | None = None
        configure(
            self.folder, accounts or [stripe_account()], port=self.port, db=self.db, **sections
        )

    @property
    def address(self):
        return f"http://{self.host}:{self.port}"

    @property
    def config(self):
        return self.folder / "voidtrail.toml"

    @property
    def log(self):
        return self.folder / "server.log"

    def logged(self):
        return self.log.read_text("utf-8", "replace")

    def spawn(self):
        command = [sys.executable, "-m", "voidtrail", "serve", "--config", str(self.config)]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*self.prefix, *command],
                stdout=output,
                stderr=output,
                cwd=ROOT,
                env=clean_environment(**self.environment),
                start_new_session=True,
            )

    def is_ready(self):
        assert self.process is not None
        assert self.process.poll() is None, f"the server ended: {self.logged()[-2000:]}"
        try:
            return request(self.port, "GET", "/healthz")[0] == 200
        except OSError:
            return False

    def up(self):
        """Start it and wait until it answers."""
        self.spawn()
        until = time.monotonic() + READY_S
        while not self.is_ready():
            assert time.monotonic() < until, f"not ready: {self.logged()[-2000:]}"
            time.sleep(0.03)
        return self

    def down(self, how=signal.SIGTERM, wait_s=20):
        """Signal the whole process group and wait; return the exit code."""
        process, self.process = self.process, None
        if process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        try:
            return process.wait(wait_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise

    async def start(self):
        await asyncio.to_thread(self.up)

    async def kill(self):
        await asyncio.to_thread(self.down, signal.SIGKILL)

    def __enter__(self):
        return self.up()

    def __exit__(self, *_):
        if self.process is not None:
            self.down(signal.SIGKILL)

    # -------------------------------------------------------------------- what tests ask of it

    def post(self, path, body, headers=()):
        return request(self.port, "POST", path, body, headers)

    def get(self, path, headers=()):
        return request(self.port, "GET", path, b"", headers)

    def json(self, path):
        status, _, body = self.get(path)
        assert status == 200, (status, body)
        return json.loads(body)

    def stripe(self, body, account="main", *, secret=STRIPE_SECRET, at_s=None):
        at_s = int(time.time()) if at_s is None else at_s
        mac = hmac.new(secret.encode(), f"{at_s}.".encode() + body, "sha256").hexdigest()
        header = f"t={at_s},v1={mac}"
        return self.post(f"/hooks/stripe/{account}", body, [("Stripe-Signature", header)])

    def rows(self, query, *values):
        """Read the file beside the server, on a connection of our own."""
        import sqlite3

        db = sqlite3.connect(f"file:{self.db}?mode=ro", uri=True, timeout=10)
        try:
            return db.execute(query, values).fetchall()
        finally:
            db.close()

    def audit(self):
        """Assert that the chain is whole and that a replay gives the read tables."""
        return audit(self.config, self.db)


def audit(config, db):
    house = reader(load(config, {}, {"ledger.path": str(db)}))
    try:
        verified = rebuild.verify(house.ledger)
        assert verified.ok, verified.trouble
        replayed = rebuild.replay(house.ledger)
        assert replayed.equal, replayed.differing
    finally:
        house.close()
    return verified


def evidence(name, **figures):
    """Keep a campaign's figures in the folder that VOIDTRAIL_EVIDENCE names, if it does."""
    folder = os.environ.get("VOIDTRAIL_EVIDENCE")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        text = json.dumps({"campaign": name, **figures}, indent=2, default=str)
        Path(folder, f"{name}.json").write_text(text, "utf-8")


def request(port, method, path, body=b"", headers=(), *, length=True, timeout=30):
    """Send one request as raw bytes; return status, headers and body."""
    head = [f"{method} {path} HTTP/1.1", f"Host: {HOST}:{port}", "Connection: close"]
    head += [f"{name}: {value}" for name, value in headers]
    if length and (body or method == "POST"):
        head.append(f"Content-Length: {len(body)}")
    with socket.create_connection((HOST, port), timeout=timeout) as connection:
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        return response(connection)


def response(connection):
    """Read until the server closes; return status, headers and body."""
    data = b""
    while part := connection.recv(65536):
        data += part
    if not data:
        raise ConnectionResetError("closed without an answer")
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(first.split(" ", 2)[1]), headers, body


def until(condition, wait_s=30.0, every_s=0.05, why="it did not happen"):
    """Wait until a condition holds and return what it gave."""
    end = time.monotonic() + wait_s
    while not (found := condition()):
        assert time.monotonic() < end, why
        time.sleep(every_s)
    return found
