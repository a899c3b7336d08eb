"""A server in company: people watch its console, a channel and an order system are told.

What it costs the intake is measured beside the same server alone (`testing.bench.contention`).
"""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace

from aiohttp import web

from voidtrail.testing.bench.contender import Contender, Site
from voidtrail.testing.bench.listeners import Orders
from voidtrail.testing.bench.live import enter
from voidtrail.testing.bench.process import ContenderFailed, free_port

WATCHERS = 20
_HOST = "127.0.0.1"
_SECRET = "whsec_" + base64.b64encode(b"benchmark".ljust(32, b".")).decode()
_SETTINGS = """
[[endpoint]]
name = "orders"
url = "http://127.0.0.1:{port}/orders"
secret = "env:BENCH_ENDPOINT"
allow = ["127.0.0.0/8"]
[[channel]]
name = "duty"
address = "env:BENCH_CHANNEL"
[[route]]
name = "large orders"
to = ["duty"]
at_least = {{ CNY = "5000.00", USD = "900.00" }}
[[route]]
name = "the rest"
to = ["duty"]
send = "digest"
"""


def told(contender: Contender, site: Site, port: int) -> Contender:
    """Return a contender that tells a channel and an order system.

    Args:
        contender: Voidtrail, as it was set up at the site.
        site: Where; its settings are added to.
        port: Where `receiving` listens.
    """
    with (site.data / "voidtrail.toml").open("a", encoding="ascii") as settings:
        settings.write(_SETTINGS.format(port=port))
    channel = f"json://{_HOST}:{port}/duty"
    env = {**contender.env, "BENCH_ENDPOINT": _SECRET, "BENCH_CHANNEL": channel}
    return replace(contender, env=env)


@contextmanager
def receiving() -> Iterator[int]:
    """Receive whatever is sent, in a process of its own; give the port."""
    port = free_port()
    command = (sys.executable, "-m", __name__, str(port))
    process = subprocess.Popen(command)
    try:
        yield port
    finally:
        process.kill()
        process.wait()


@contextmanager
def watching(contender: Contender, site: Site, clients: int = WATCHERS) -> Iterator[None]:
    """Let people watch the console's feed.

    Raises:
        ContenderFailed: They were not let in.
    """
    orders = Orders(_HOST, site.port, enter(site, contender), clients, timed=0)
    people = subprocess.Popen(
        (sys.executable, "-m", "voidtrail.testing.bench.listeners"), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert people.stdin is not None
        assert people.stdout is not None
        people.stdin.write(json.dumps(asdict(orders)) + "\n")
        people.stdin.flush()
        if people.stdout.readline() != "ready\n":
            raise ContenderFailed("those who were to watch could not")
        yield
    finally:
        people.kill()
        people.communicate()


async def _taken(request: web.Request) -> web.Response:
    await request.read()
    return web.Response()


def main() -> None:
    """Answer 200 to everything on the port that is given."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", _taken)
    web.run_app(app, host=_HOST, port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
