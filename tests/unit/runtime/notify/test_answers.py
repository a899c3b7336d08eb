"""What platforms answer, and what is heard of it."""

import json

import pytest
import requests

from voidtrail.runtime.notify import answers
from voidtrail.runtime.notify.answers import REFUSED, listen_to, listening


class Plugin:
    """Has `requests` in its module, as Apprise's plugins have."""


@pytest.fixture
def said(monkeypatch):
    """Let whoever is asked answer as the test writes down; note what was asked."""

    class Line(list):
        asked: list[tuple[str, str]] = []  # noqa: RUF012

        def answer(self, method, url, **more):
            self.asked.append((method, url))
            status, body, headers = self[0]
            found = requests.Response()
            found.status_code, found._content = status, body.encode()
            found.headers.update(headers)
            return found

    line = Line()
    line.asked = []
    monkeypatch.setattr(requests, "request", line.answer)
    return line


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"errcode": 310000, "errmsg": "sign not match"}, "refused: errcode 310000 sign not match"),
        ({"code": 9499, "msg": "Bad Request"}, "refused: code 9499 Bad Request"),
        ({"StatusCode": 19, "StatusMessage": "no"}, "refused: StatusCode 19 no"),
        ({"errcode": 93000}, "refused: errcode 93000"),
    ],
)
def test_a_refusal_behind_a_200_becomes_a_status_that_says_so(said, body, why):
    said.append((200, json.dumps(body), {}))
    with listening() as heard:
        answer = answers._LISTENING.post("https://oapi.dingtalk.com/robot/send")
    assert (answer.status_code, heard.why) == (REFUSED, why)


def test_an_order_system_may_say_yes_with_any_code(said):
    said.append((200, '{"code": 200, "msg": "ok"}', {}))
    with listening(chat=False) as heard:
        assert answers._LISTENING.post("https://shop.example").status_code == 200
    assert heard.why == "answered 200"


@pytest.mark.parametrize(
    "body", ['{"errcode":0,"errmsg":"ok"}', '{"code":0,"msg":"success"}', "ok", "[1]", "", "{}"]
)
def test_a_yes_stays_a_yes(said, body):
    said.append((200, body, {}))
    with listening() as heard:
        assert answers._LISTENING.post("https://x").status_code == 200
    assert heard.why == "answered 200"


def test_how_long_to_wait_is_heard(said):
    said.append((429, "", {"Retry-After": "30"}))
    with listening() as heard:
        answers._LISTENING.request("POST", "https://x")
    assert (heard.why, heard.after_s) == ("answered 429", 30.0)


def test_an_installation_of_ones_own_is_asked_in_place_of_the_platform(said):
    said.append((200, "ok", {}))
    with listening("https://im.example.com/"):
        answers._LISTENING.post("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k")
    answers._LISTENING.post("https://open.feishu.cn/x")
    assert said.asked == [
        ("POST", "https://im.example.com/cgi-bin/webhook/send?key=k"),
        ("POST", "https://open.feishu.cn/x"),
    ]


def test_a_plugin_posts_through_us_once_it_is_listened_to(monkeypatch):
    import sys

    module = sys.modules[__name__]
    monkeypatch.setattr(module, "requests", requests)
    listen_to(Plugin)
    assert module.requests is answers._LISTENING
    assert module.requests.codes.ok == 200
    listen_to(Plugin)
    assert module.requests is answers._LISTENING
