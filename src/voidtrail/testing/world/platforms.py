"""Three platforms' query interfaces on one loopback port, each under its own prefix.

They answer from the world as it stands at the day's end, and fail now and then: a share of the
questions gets HTTP 500 at the first try and is answered at the second.
"""

from __future__ import annotations

import base64
import json
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from voidtrail.testing.world.alipay_rail import APP_IDS
from voidtrail.testing.world.answers import Answer, answer
from voidtrail.testing.world.settings import ACCOUNTS
from voidtrail.testing.world.wechatpay_rail import MCHIDS
from voidtrail.testing.world.world import World

_AUTHORIZATION = re.compile(r'(\w+)="([^"]*)"')
_NO_CREDENTIALS = Answer(401, (("Content-Type", "application/json"),), b'{"code":"SIGN_ERROR"}')
_BROKEN = Answer(500, (("Content-Type", "application/json"),), b'{"code":"SYSTEM_ERROR"}')


class FakePlatforms:
    """Answers questions about the payments of a world.

    Args:
        world: whose payments these are.
        failing_share: share of payments whose first question fails with HTTP 500.

    Attributes:
        asked: how many questions came, by (source, status of the answer).
    """

    def __init__(self, world: World, failing_share: float = 0.05) -> None:
        self.world = world
        self.failing_share = failing_share
        self.asked: Counter[tuple[str, int]] = Counter()
        self._answers = world.answers()
        self._failed: set[tuple[str, str]] = set()
        keys = world.signer.keys
        self._merchants = {"alipay": keys.alipay_merchant, "wechatpay": keys.wechatpay_merchant}
        self._api_keys = {
            f"Bearer {world.secrets.stripe_api_key(plan.name)}": plan.name
            for plan in ACCOUNTS
            if plan.source == "stripe"
        }

    def application(self) -> web.Application:
        """Return the web application."""
        app = web.Application()
        app.router.add_get("/stripe/v1/{kind:[a-z_/]+}/{reference}", self._stripe)
        app.router.add_post("/alipay/gateway.do", self._alipay)
        path = "/wechatpay/v3/pay/transactions/out-trade-no/{reference}"
        app.router.add_get(path, self._wechatpay)
        return app

    def _reply(self, source: str, account: str, reference: str) -> web.Response:
        found = self._answers.get((source, account), {}).get(reference)
        rng = random.Random(f"{self.world.seed}/{source}/{reference}/500")
        if rng.random() < self.failing_share and (source, reference) not in self._failed:
            self._failed.add((source, reference))
            return self._send(source, _BROKEN)
        said = answer(source, found, reference, self.world.signer, int(time.time()))
        return self._send(source, said)

    def _send(self, source: str, said: Answer) -> web.Response:
        self.asked[source, said.status] += 1
        return web.Response(status=said.status, headers=dict(said.headers), body=said.body)

    async def _stripe(self, request: web.Request) -> web.Response:
        account = self._api_keys.get(request.headers.get("Authorization", ""))
        if account is None:
            return self._send("stripe", _NO_CREDENTIALS)
        return self._reply("stripe", account, request.match_info["reference"])

    async def _alipay(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        sign = form.pop("sign", "")
        text = "&".join(f"{name}={value}" for name, value in sorted(form.items()) if value)
        account = {app_id: name for name, app_id in APP_IDS.items()}.get(form.get("app_id", ""))
        if account is None or not _is_signed(self._merchants["alipay"], sign, text):
            return self._send("alipay", _NO_CREDENTIALS)
        asked = json.loads(form.get("biz_content", "{}"))
        return self._reply("alipay", account, str(asked.get("out_trade_no", "")))

    async def _wechatpay(self, request: web.Request) -> web.Response:
        given = dict(_AUTHORIZATION.findall(request.headers.get("Authorization", "")))
        text = f"GET\n{request.path_qs}\n{given.get('timestamp')}\n{given.get('nonce_str')}\n\n"
        account = {mchid: name for name, mchid in MCHIDS.items()}.get(given.get("mchid", ""))
        signature = given.get("signature", "")
        if (
            account is None
            or request.query.get("mchid") != given.get("mchid")
            or not _is_signed(self._merchants["wechatpay"], signature, text)
        ):
            return self._send("wechatpay", _NO_CREDENTIALS)
        return self._reply("wechatpay", account, request.match_info["reference"])


def _is_signed(key: RSAPrivateKey, signature: str, text: str) -> bool:
    try:
        raw = base64.b64decode(signature)
        key.public_key().verify(raw, text.encode(), PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


@asynccontextmanager
async def serve(
    world: World, host: str = "127.0.0.1", port: int = 0, failing_share: float = 0.05
) -> AsyncIterator[tuple[str, FakePlatforms]]:
    """Serve the platforms of a world until the context ends.

    Args:
        world: whose payments these are.
        host: address to listen on.
        port: 0 takes any free one.
        failing_share: share of payments whose first question fails with HTTP 500.

    Yields:
        Their address, to be given to `World.configuration`, and the platforms themselves.
    """
    platforms = FakePlatforms(world, failing_share)
    runner = web.AppRunner(platforms.application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    try:
        address = runner.addresses[0]
        yield f"http://{address[0]}:{address[1]}", platforms
    finally:
        await runner.cleanup()
