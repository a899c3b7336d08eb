"""Receivers of alerts on loopback: a mail server, and DingTalk, Feishu, Lark, WeCom, Slack, a hook.

Each answers in its platform's own way, and notes when it had what.
"""

import base64
import email
import email.policy
import hashlib
import hmac
import json
import threading
import time
from typing import NamedTuple

from aiohttp import web
from aiosmtpd.controller import Controller

from tests.end_to_end.house import HOST, free_port

DINGTALK_SECRET = "SECcanary51d0"
TOKENS = {
    "dingtalk": "dingcanary77", "feishu": "feishu-canary-1", "lark": "lark-canary-1",
    "wecom": "wecom-canary-1", "slack": "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
}  # fmt: skip


class Got(NamedTuple):
    """One message as it arrived."""

    channel: str
    at: float
    text: str
    headers: dict
    body: dict


class Inbox:
    """Everything that arrived, in any of the receivers."""

    def __init__(self):
        self.got: list[Got] = []
        self.answers: dict[str, list] = {}
        """By channel, what to answer instead of yes: (status, body, seconds to wait)."""

    def note(self, channel, text, headers=None, body=None):
        self.got.append(Got(channel, time.time(), text, headers or {}, body or {}))

    def of(self, channel):
        return [each for each in self.got if each.channel == channel]

    def texts(self, channel):
        return [each.text for each in self.of(channel)]


class _Mail:
    def __init__(self, inbox):
        self.inbox = inbox

    async def handle_DATA(self, server, session, envelope):
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        body = parsed.get_body(("plain", "html"))
        text = f"{parsed['Subject']}\n{body.get_content()}"
        self.inbox.note("mail", text, dict(parsed.items()))
        return "250 taken"


class Receivers:
    """The receivers' servers, in a thread and an event loop of their own."""

    def __init__(self):
        self.inbox = Inbox()
        self.mail = Controller(_Mail(self.inbox), hostname=HOST, port=free_port())
        self.port = free_port()
        self._ready = threading.Event()

    def __enter__(self):
        self.mail.start()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self.mail.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self):
        import asyncio

        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        app = web.Application()
        app.add_routes([
            web.post("/robot/send", self._dingtalk),
            web.post("/open-apis/bot/v2/hook/{token}", self._feishu),
            web.post("/open-apis/bot/v2/hook/{token}/", self._feishu),
            web.post("/cgi-bin/webhook/send", self._wecom),
            web.post("/services/{a}/{b}/{c}", self._slack),
            web.post("/alerts", self._hook),
        ])  # fmt: skip
        runner = web.AppRunner(app)
        self._loop.run_until_complete(runner.setup())
        self._loop.run_until_complete(web.TCPSite(runner, HOST, self.port).start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    @property
    def base(self):
        return f"http://{HOST}:{self.port}"

    def addresses(self):
        """By channel: the Apprise address, as an operator would write it."""
        return {
            "dingtalk": f"dingtalk://{DINGTALK_SECRET}@{TOKENS['dingtalk']}/",
            "feishu": f"feishu://{TOKENS['feishu']}",
            "lark": f"lark://{TOKENS['lark']}",
            "wecom": f"wecombot://{TOKENS['wecom']}",
            "slack": f"slack://{TOKENS['slack']}",
            "hook": f"json://{HOST}:{self.port}/alerts",
            "mail": f"mailto://{HOST}:{self.mail.port}?from=voidtrail@shop.example"
                    "&to=duty@shop.example&mode=insecure",
        }  # fmt: skip

    async def _answer(self, channel, yes, text, request, body):
        """Note a message and say yes, unless the test wants another answer."""
        wanted = self.inbox.answers.get(channel)
        if wanted:
            import asyncio

            status, said, wait_s = wanted.pop(0)
            if wait_s:
                self.inbox.note(channel, text, dict(request.headers), body)
                await asyncio.sleep(wait_s)
            return web.Response(status=status, text=said, content_type="application/json")
        self.inbox.note(channel, text, dict(request.headers), body)
        return web.Response(text=yes, content_type="application/json")

    async def _dingtalk(self, request):
        body, query = await request.json(), request.query
        stamp = query["timestamp"]
        mac = hmac.new(DINGTALK_SECRET.encode(), f"{stamp}\n{DINGTALK_SECRET}".encode(),
                       hashlib.sha256).digest()  # fmt: skip
        sign = base64.b64encode(mac).decode()
        if query["sign"] != sign or query["access_token"] != TOKENS["dingtalk"]:
            return web.json_response({"errcode": 310000, "errmsg": "sign not match"})
        assert body["msgtype"] == "text"
        yes = '{"errcode":0,"errmsg":"ok"}'
        return await self._answer("dingtalk", yes, body["text"]["content"], request, body)

    async def _feishu(self, request):
        body, token = await request.json(), request.match_info["token"]
        channel = "lark" if token == TOKENS["lark"] else "feishu"
        if token != TOKENS[channel] or body["msg_type"] != "text":
            return web.json_response({"code": 19001, "msg": "param invalid"})
        yes = '{"code":0,"msg":"success","data":{}}'
        return await self._answer(channel, yes, body["content"]["text"], request, body)

    async def _wecom(self, request):
        body = await request.json()
        if request.query["key"] != TOKENS["wecom"]:
            return web.json_response({"errcode": 93000, "errmsg": "invalid webhook url"})
        if len(body["text"]["content"].encode()) > 2048:
            return web.json_response({"errcode": 40058, "errmsg": "content too long"})
        yes = '{"errcode":0,"errmsg":"ok"}'
        return await self._answer("wecom", yes, body["text"]["content"], request, body)

    async def _slack(self, request):
        body = json.loads(await request.text())
        shown = body["attachments"][0]
        text = f"{shown['title']}\n{shown['text']}"
        return await self._answer("slack", "ok", text, request, body)

    async def _hook(self, request):
        body = await request.json()
        text = f"{body['title']}\n{body['message']}"
        return await self._answer("hook", "{}", text, request, body)
