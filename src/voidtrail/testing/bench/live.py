"""The live feed: how late a row is at those who listen, and what many listeners cost.

Notifications are sent at an even pace over HTTP, as platforms send them; those who listen are a
process of their own (`testing.bench.listeners`). Then one of them is cut off, and comes back.
"""

import asyncio
import hashlib
import hmac
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from voidtrail.testing.bench.contender import Contender, Site, voidtrail
from voidtrail.testing.bench.listeners import REFERENCE, Orders
from voidtrail.testing.bench.load import percentile
from voidtrail.testing.bench.machine import Machine, this_machine
from voidtrail.testing.bench.payloads import Credentials
from voidtrail.testing.bench.process import (
    ContenderFailed,
    cpu_seconds,
    free_port,
    peak_rss_bytes,
    running,
)
from voidtrail.testing.bench.wire import ResponseReader
from voidtrail.testing.crash import Notice

_HOST = "127.0.0.1"
_ACCOUNT = "bench"
_CONNECTIONS = 16


@dataclass(frozen=True)
class Audience:
    """One measurement that is to be made.

    Attributes:
        clients: How many listen.
        rate: Notifications a second.
        seconds: For how long.
        timed: How many of the clients measure how late rows are.
        cut_s: How long one more client is cut off; 0 for none.
    """

    clients: int
    rate: int
    seconds: float
    timed: int
    cut_s: float = 0.0


AUDIENCES = (Audience(100, 200, 25.0, 100, 10.0), Audience(1000, 100, 20.0, 20))
SMALL = (Audience(20, 50, 6.0, 20, 2.0),)


@dataclass(frozen=True)
class Heard:
    """What was measured with one audience.

    Attributes:
        audience: Which.
        sent: Notifications that were acknowledged.
        late_s: 50th, 99th and 100th percentile of how late rows were at the clients, in seconds
            from the sending of the notification.
        lost: Rows that a client was not told, summed over all clients.
        broken: Connections that ended by themselves.
        cut_missing, cut_twice: Numbers that the client was not told, or twice, that was cut off.
        server_cpu_share, listeners_cpu_share: Processor time as a share of one processor.
        server_peak_rss_bytes: The server's largest resident memory so far.
    """

    audience: Audience
    sent: int
    late_s: tuple[float, float, float]
    lost: int
    broken: int
    cut_missing: int
    cut_twice: int
    server_cpu_share: float
    listeners_cpu_share: float
    server_peak_rss_bytes: int


@dataclass(frozen=True)
class LiveResult:
    """What was measured."""

    machine: Machine
    heard: tuple[Heard, ...]


def run_live(
    directory: Path, tell: Callable[[str], None], audiences: tuple[Audience, ...] = AUDIENCES
) -> LiveResult:
    """Measure the live feed with one audience after another, on one server.

    Args:
        directory: An existing folder on the disk that the ledger is to be written to.
        tell: Is told in one line what is being done.
        audiences: With whom.

    Returns:
        The measurements.

    Raises:
        ContenderFailed: The server or the listeners did not start, or a notification was refused.
    """
    machine = this_machine(directory)
    with tempfile.TemporaryDirectory(dir=directory, prefix="bench-") as data:
        site = Site(Path(data), free_port(), Credentials(), _ACCOUNT)
        server = voidtrail(site)
        log = site.data / "server.log"
        with running(server.argv, server.env, server.cwd, server.ready_url, log) as pid:
            heard = []
            for audience in audiences:
                tell(f"{audience.clients} listeners, {audience.rate} notifications a second")
                heard.append(_measure(site, server, pid, audience))
    return LiveResult(machine, tuple(heard))


def _measure(site: Site, server: Contender, pid: int, audience: Audience) -> Heard:
    cookie = enter(site, server)
    orders = Orders(_HOST, site.port, cookie, audience.clients, audience.timed,
                    audience.seconds * 0.2, audience.cut_s)  # fmt: skip
    listeners = subprocess.Popen(
        (sys.executable, "-m", "voidtrail.testing.bench.listeners"), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert listeners.stdin is not None
        assert listeners.stdout is not None
        listeners.stdin.write(json.dumps(asdict(orders)) + "\n")
        listeners.stdin.flush()
        if listeners.stdout.readline() != "ready\n":
            raise ContenderFailed("those who were to listen could not")
        used, began = cpu_seconds(pid), time.monotonic()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            sent = runner.run(_send(site, server, audience))
        share = (cpu_seconds(pid) - used) / (time.monotonic() - began)
        said, _ = listeners.communicate("end\n", timeout=60)
    finally:
        if listeners.poll() is None:
            listeners.kill()
        listeners.wait()
    return _judged(audience, sent, json.loads(said), share, peak_rss_bytes(pid))


def _judged(
    audience: Audience, sent: int, said: dict[str, list[float]], share: float, peak_bytes: int
) -> Heard:
    late, whole, cut = sorted(said["late_s"]), said["whole"], said["cut"]
    p50, p99, most = (percentile(late, each) for each in (0.5, 0.99, 1.0))
    first = cut[0] if cut else 0
    wanted = {no for no in whole if no >= first} if audience.cut_s else set[float]()
    return Heard(
        audience, sent, (p50, p99, most), sum(sent - int(rows) for rows in said["rows"]),
        int(said["broken"]),  # type: ignore[call-overload]
        len(wanted - set(cut)), len(cut) - len(set(cut)), share,
        float(said["cpu_share"]),  # type: ignore[arg-type]
        peak_bytes,
    )  # fmt: skip


def enter(site: Site, server: Contender) -> str:
    """Open a one-time link as a person would; return the cookie of the session."""
    command = (sys.executable, "-m", "voidtrail", "link", *_where(server))
    env = {**os.environ, **server.env}
    link = subprocess.run(
        command, capture_output=True, text=True, check=True, env=env
    ).stdout.strip()
    address = urlsplit(link)
    connection = http.client.HTTPConnection(_HOST, site.port, timeout=10)
    try:
        connection.request("GET", f"{address.path}?{address.query}")
        cookie = connection.getresponse().getheader("set-cookie")
    finally:
        connection.close()
    if cookie is None:
        raise ContenderFailed(f"the link {link} opened nothing")
    return cookie.partition(";")[0]


def _where(server: Contender) -> tuple[str, ...]:
    """Return the flags of the server's command that say which ledger it serves."""
    at = server.argv.index("--config")
    return server.argv[at : at + 4]


async def _send(site: Site, server: Contender, audience: Audience) -> int:
    """Send notifications at an even pace; return how many were acknowledged."""
    loop = asyncio.get_running_loop()
    count = int(audience.rate * audience.seconds)
    numbers, began = iter(range(count)), loop.time() + 0.1
    path = server.path_for("stripe", site.account)

    async def one() -> int:
        reader, writer = await asyncio.open_connection(_HOST, site.port)
        done = 0
        for number in numbers:
            await asyncio.sleep(max(0.0, began + number / audience.rate - loop.time()))
            writer.write(_notification(path, site, number))
            response, status = ResponseReader(), None
            while status is None:
                data = await reader.read(65536)
                if not data:
                    raise ContenderFailed("the server closed the connection")
                status = response.feed(data)
            if status != 200:
                raise ContenderFailed(f"a notification was answered with {status}")
            done += 1
        writer.close()
        return done

    return sum(await asyncio.gather(*(one() for _ in range(_CONNECTIONS))))


def _notification(path: str, site: Site, number: int) -> bytes:
    """Return a signed notification of a payment whose reference says when it was sent."""
    at_s = int(time.time())
    reference = REFERENCE.format(at_us=time.time_ns() // 1000, number=number)
    body = Notice(reference, "capture", 1000 + number % 90_000).body(at_s)
    secret = site.credentials.stripe_secret.encode()
    mac = hmac.new(secret, f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {_HOST}:{site.port}\r\n"
        f"Stripe-Signature: t={at_s},v1={mac}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
