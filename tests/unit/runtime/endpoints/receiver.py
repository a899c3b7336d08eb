"""A real receiver on loopback that verifies with the `standardwebhooks` package."""

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from standardwebhooks.webhooks import Webhook

from voidtrail.event.account import Secret
from voidtrail.runtime.endpoints.delivery import Endpoint, ready
from voidtrail.runtime.endpoints.settings import EndpointSettings

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"an older secret of the same size").decode()
LOOPBACK = ("127.0.0.0/8",)


class Receiver:
    """What it got, and how it answers."""

    def __init__(self, status=200, text="thanks", headers=None):
        self.status, self.text, self.headers = status, text, headers or {}
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.raw: list[tuple[dict[str, str], bytes]] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.verifier: Webhook | None = Webhook(SECRET)
        self.url = ""
        self.port = 0

    async def take(self, request):
        body = await request.read()
        self.raw.append((dict(request.headers), body))
        await self.hold.wait()
        if self.status < 300 and self.verifier is not None:
            found = self.verifier.verify(body, dict(request.headers))
            self.got.append((request.headers["webhook-id"], found))
        return web.Response(status=self.status, text=self.text, headers=self.headers)

    def orders(self):
        return [found["data"]["order"] for _, found in self.got]


@asynccontextmanager
async def receiving(receiver, port=0):
    """Listen on loopback; `receiver.url` says where."""
    app = web.Application()
    app.router.add_post("/hooks", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    receiver.port = site._server.sockets[0].getsockname()[1]
    receiver.url = f"http://127.0.0.1:{receiver.port}/hooks"
    try:
        yield receiver
    finally:
        await runner.cleanup()


def endpoint(url, allow=LOOPBACK, secrets=(SECRET,), **more) -> Endpoint:
    settings = EndpointSettings(
        name="orders", url=url, allow=allow, secret=tuple(f"env:S{n}" for n in range(len(secrets))),
        **more,
    )  # fmt: skip
    return ready(settings, {f"S{n}": secret for n, secret in enumerate(secrets)})


def secret(text=SECRET):
    return Secret(text)


def body(order="A1", **more):
    return json.dumps({"type": "payment.called_off", "data": {"order": order, **more}}).encode()
