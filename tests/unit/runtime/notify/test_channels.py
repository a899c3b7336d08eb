"""Channels: Apprise with our key, our deadline, and nothing in its log."""

import asyncio
import base64
import hmac
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import msgspec
import pytest

from voidtrail.errors import SettingInvalid
from voidtrail.event.account import Secret
from voidtrail.ledger.messages import Message
from voidtrail.runtime.notify.channels import Channel, Channels, Letter, channels_of
from voidtrail.runtime.notify.settings import ChannelSettings
from voidtrail.runtime.sending import Refused, Retry, Sent


class Doors(HTTPServer):
    """Where a door notes what it got, and finds what to answer."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Door)
        self.got: list[tuple[str, dict[str, str], dict]] = []
        self.answer = (200, 0.0)


class Door(BaseHTTPRequestHandler):
    """Answers as the test wrote down, and notes what it got."""

    server: Doors

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), json.loads(body)))
        status, wait = self.server.answer
        threading.Event().wait(wait)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def door():
    server = Doors()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def channel(address, **more):
    return Channel(ChannelSettings(name="hook", address="env:X", **more), Secret(address))


def hook(door, path="alerts", **more):
    return channel(f"json://127.0.0.1:{door.server_port}/{path}", **more)


LETTER = Letter("title", "text", "failure", {"why": "opened", "incidents": [{"count": 2}]})


def carried(channels, target="hook"):
    message = Message(no=1, key="alert:1:hook:opened", kind="alert", target=target, lane="",
                      body=msgspec.json.encode(LETTER), created_at=0, due_at=0)  # fmt: skip

    async def carry():
        answer = await channels.carry(message)
        await channels.close()
        return answer

    return asyncio.run(carry())


def test_a_webhook_gets_text_facts_and_key(door):
    assert carried(Channels({"hook": hook(door)})) == Sent()
    ((path, headers, body),) = door.got
    assert path == "/alerts"
    assert headers["Idempotency-Key"] == body["key"] == "alert:1:hook:opened"
    assert (body["title"], body["message"], body["type"]) == ("title", "text", "failure")
    assert body["incidents"] == [{"count": 2}]


@pytest.mark.parametrize("status", [302, 400, 404, 500])
def test_another_answer_is_tried_again_and_no_redirect_is_followed(door, status):
    door.answer = (status, 0)
    assert carried(Channels({"hook": hook(door)})) == Retry(f"answered {status}")
    assert len(door.got) == 1


def test_nobody_there_is_tried_again():
    assert carried(Channels({"hook": channel("json://127.0.0.1:9/x")})) == Retry(
        "could not be reached"
    )


def test_who_does_not_answer_in_time_is_tried_again(door):
    door.answer = (200, 1.0)
    assert isinstance(carried(Channels({"hook": hook(door, timeout_s=0.2)})), Retry)


def test_a_thread_that_hangs_is_not_waited_for(door, monkeypatch):
    slow = hook(door, timeout_s=0.1)
    monkeypatch.setattr(slow, "send", lambda *_: threading.Event().wait(3))
    monkeypatch.setattr("voidtrail.runtime.notify.channels._GRACE_S", 0.1)
    assert carried(Channels({"hook": slow})) == Retry("no answer within 0.2 s")


def test_a_channel_that_was_taken_out_of_the_settings_is_a_dead_letter():
    assert isinstance(carried(Channels({}), "gone"), Refused)


def test_an_address_that_apprise_cannot_read_is_refused_without_showing_it():
    with pytest.raises(SettingInvalid) as refused:
        channel("carrier-pigeon://s3cret")
    assert "s3cret" not in str(refused.value)
    assert "channel hook" in str(refused.value)


def test_dingtalks_signature_is_encoded_once():
    instant, signed = channel("dingtalk://SECab12@token/")._plugin().get_signature()
    mac = hmac.new(b"SECab12", f"{instant}\nSECab12".encode(), "sha256").digest()
    assert signed == base64.b64encode(mac).decode(), "whoever puts it into a URL encodes it"


def test_apprise_logs_no_address(caplog):
    with caplog.at_level(logging.DEBUG), pytest.raises(SettingInvalid):
        channel("wecombot://not a token! s3cret")
    assert "s3cret" not in caplog.text


def test_channels_are_built_from_settings_with_their_secrets():
    asked = []

    def secret(place, where):
        asked.append((place, where))
        return Secret("json://127.0.0.1:9/x")

    found = channels_of([ChannelSettings(name="a", address="env:A")], secret)
    assert (list(found), asked) == (["a"], [("env:A", "channel a, address")])
