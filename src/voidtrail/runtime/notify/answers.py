"""What chat platforms really answer: Apprise looks at the status, they refuse in the body.

DingTalk, Feishu and WeCom answer 200 to a robot's message that they drop (a wrong signature, too
many messages a minute). Believing the status would lose alerts in silence. So the plugins post
through a stand-in for `requests` that reads the answer and, if it is a refusal, hands the plugin a
status that says so.

Source: DingTalk "自定义机器人" (errcode), Feishu "自定义机器人使用指南" (code), WeCom
"群机器人配置说明" (errcode), each read 2026-11.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import requests

REFUSED: Final = 422
CHATS: Final = frozenset({"dingtalk", "feishu", "lark", "wecombot"})
"""Apprise's names of those who refuse in the body. Others' words are theirs: {"code": 200} is how
many an order system says yes."""
_WORDS: Final = (("errcode", "errmsg"), ("code", "msg"), ("StatusCode", "StatusMessage"))
_SAID_MAX: Final = 120
_heard = threading.local()


class Heard:
    """What the other side answered in this thread since listening began.

    Attributes:
        why: a sentence for people, without addresses or secrets; "" if nobody answered.
        after_s: how long it asks us to wait.
    """

    def __init__(self, server: str, chat: bool) -> None:
        self.server = server.rstrip("/")
        self._chat = chat
        self.why = ""
        self.after_s: float | None = None

    def take(self, answer: requests.Response) -> None:
        """Read an answer; one that refuses in its body gets a status that says so."""
        self.why = f"answered {answer.status_code}"
        after = answer.headers.get("Retry-After", "")
        self.after_s = float(after) if after.isdigit() else None
        read = self._chat and answer.status_code == requests.codes.ok
        if read and (refusal := _refusal(answer)):
            self.why = refusal
            answer.status_code = REFUSED


def _refusal(answer: requests.Response) -> str:
    """Return how a platform says no in the body of a 200, "" if it does not."""
    try:
        body = answer.json()
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    for code, words in _WORDS:
        if isinstance(body.get(code), int) and body[code] != 0:
            said = " ".join(str(body.get(words, "")).split())[:_SAID_MAX]
            return f"refused: {code} {body[code]} {said}".rstrip()
    return ""


class _Listening:
    """Stands in a plugin's module where `requests` was."""

    def __getattr__(self, name: str) -> Any:
        return getattr(requests, name)

    def post(self, url: str, *arguments: Any, **more: Any) -> requests.Response:
        """Post, and read the answer."""
        return self.request("POST", url, *arguments, **more)

    def request(self, method: str, url: str, *arguments: Any, **more: Any) -> requests.Response:
        """Ask, and read the answer."""
        heard: Heard | None = getattr(_heard, "now", None)
        if heard is not None and heard.server:
            asked = urlsplit(url)
            url = f"{heard.server}{asked.path}" + (f"?{asked.query}" if asked.query else "")
        answer = requests.request(method, url, *arguments, **more)
        if heard is not None:
            heard.take(answer)
        return answer


_LISTENING: Final = _Listening()


def listen_to(plugin: type) -> None:
    """Let a plugin post through us from now on."""
    module = sys.modules[plugin.__module__]
    if getattr(module, "requests", None) is requests:
        module.requests = _LISTENING  # type: ignore[attr-defined]


@contextmanager
def listening(server: str = "", *, chat: bool = True) -> Iterator[Heard]:
    """Hear what is answered to this thread.

    Args:
        server: send everything there instead of to the platform's own servers.
        chat: whether a refusal may stand in the body of a 200 (see `CHATS`).
    """
    _heard.now = heard = Heard(server, chat)
    try:
        yield heard
    finally:
        _heard.now = None
