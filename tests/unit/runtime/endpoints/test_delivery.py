"""One webhook over a real socket: signed, judged, and never anywhere it must not go."""

import asyncio
import socket
import ssl
import time

import pytest
from aiohttp.abc import AbstractResolver
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.unit.runtime.endpoints.receiver import (
    LOOPBACK,
    OLD_SECRET,
    SECRET,
    Receiver,
    body,
    endpoint,
    receiving,
    secret,
)
from voidtrail.runtime.endpoints.delivery import ANSWER_MAX, Courier, Fault, at_url


def now():
    return time.time_ns() // 1000


class Names(AbstractResolver):
    """Answers look-ups from a list, one after another; the last one stays."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.asked += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [{"hostname": host, "host": each, "port": port, "family": socket.AF_INET,
                 "proto": 0, "flags": socket.AI_NUMERICHOST} for each in found]  # fmt: skip

    async def close(self):
        pass


async def sent(url, *, resolver=None, **more):
    courier = Courier(endpoint(url, **more), resolver)
    try:
        return await courier.deliver("msg_1", body(), now())
    finally:
        await courier.close()


def answered(receiver, **more):
    async def work():
        async with receiving(receiver):
            return await sent(receiver.url, **more)

    return asyncio.run(work())


def test_receiver_verifies_what_we_sign():
    receiver = Receiver()
    reply = answered(receiver)
    assert (reply.fault, reply.status, reply.excerpt) == (Fault.NONE, 200, "thanks")
    assert receiver.got[0][0] == "msg_1"
    assert receiver.orders() == ["A1"]


@pytest.mark.parametrize("theirs", [SECRET, OLD_SECRET])
def test_while_a_secret_is_replaced_both_verify(theirs):
    receiver = Receiver()
    receiver.verifier = Webhook(theirs)
    assert answered(receiver, secrets=(SECRET, OLD_SECRET)).fault is Fault.NONE


def test_a_receiver_with_another_secret_refuses():
    receiver = Receiver(status=299)
    receiver.verifier = None
    answered(receiver)
    headers, raw = receiver.raw[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD_SECRET).verify(raw, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(raw + b" ", headers)


@pytest.mark.parametrize(("status", "fault"), [
    (204, Fault.NONE), (400, Fault.STATUS), (401, Fault.STATUS), (410, Fault.GONE),
    (429, Fault.STATUS), (500, Fault.STATUS),
])  # fmt: skip
def test_only_a_2xx_is_an_acknowledgement(status, fault):
    reply = answered(Receiver(status))
    assert (reply.fault, reply.status) == (fault, status)


def test_a_receiver_may_ask_us_to_wait():
    assert answered(Receiver(503, headers={"Retry-After": "77"})).after_s == 77
    date = {"Retry-After": "Thu, 01 Jan 2099 00:00:00 GMT"}
    assert (answered(Receiver(429, headers=date)).after_s or 0) > 1e9
    assert answered(Receiver(500, headers={"Retry-After": "later"})).after_s is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status):
    target = Receiver()

    async def work():
        async with receiving(target):
            receiver = Receiver(status, headers={"Location": target.url + "?token=1"})
            async with receiving(receiver):
                return await sent(receiver.url)

    reply = asyncio.run(work())
    assert (reply.fault, target.raw) == (Fault.REDIRECTED, [])
    assert reply.detail == target.url


# ---------------------------------------------------------------- where to


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]",
                                  "169.254.169.254", "10.1.2.3"])  # fmt: skip
def test_addresses_that_are_not_public_are_refused_unless_allowed(host):
    receiver = Receiver()

    async def work():
        async with receiving(receiver):
            return await sent(f"http://{host}:{receiver.port}/hooks", allow=("192.0.2.0/24",))

    reply = asyncio.run(work())
    assert reply.fault is Fault.PRIVATE
    assert receiver.raw == []


@pytest.mark.parametrize("host", ["0", "127.1", "2130706433", "0x7f000001", "127.0.0.1."])
def test_odd_spellings_of_loopback_lead_nowhere(host):
    receiver = Receiver()

    async def work():
        async with receiving(receiver):
            return await sent(f"http://{host}:{receiver.port}/hooks", allow=("192.0.2.0/24",))

    assert asyncio.run(work()).fault in (Fault.PRIVATE, Fault.NO_ADDRESS, Fault.UNKNOWN_NAME)
    assert receiver.raw == []


def test_a_name_is_connected_to_by_the_address_that_was_judged():
    """Rebinding: the first look-up is harmless, the second leads to loopback."""
    receiver = Receiver()
    names = Names(["192.0.2.7"], ["127.0.0.1"])

    async def work():
        async with receiving(receiver):
            url = f"http://shop.example:{receiver.port}/hooks"
            first = await sent(url, resolver=names, allow=("192.0.2.0/24",), timeout_s=0.3)
            assert names.asked == 1
            return first, await sent(url, resolver=names, allow=("192.0.2.0/24",))

    first, second = asyncio.run(work())
    assert first.fault in (Fault.TOO_SLOW, Fault.NOT_LISTENING)
    assert (second.fault, second.detail) == (Fault.PRIVATE, "127.0.0.1")
    assert receiver.raw == []


def test_of_several_addresses_only_the_allowed_ones_are_tried():
    receiver = Receiver()

    async def work():
        async with receiving(receiver):
            names = Names(["10.0.0.1", "127.0.0.1"])
            return await sent(f"http://shop.example:{receiver.port}/hooks", resolver=names)

    assert asyncio.run(work()).fault is Fault.NONE


def test_the_socket_itself_is_judged_even_if_the_resolver_was_not(monkeypatch):
    from voidtrail.runtime.endpoints import addresses

    receiver = Receiver()
    monkeypatch.setattr(addresses._Judging, "resolve", Names(["127.0.0.1"]).resolve)

    async def work():
        async with receiving(receiver):
            return await sent(f"http://shop.example:{receiver.port}/hooks", allow=())

    assert asyncio.run(work()).fault is Fault.PRIVATE
    assert receiver.raw == []


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert answered(Receiver()).fault is Fault.NONE


# ---------------------------------------------------------------- what may go wrong


def test_a_receiver_that_hangs_is_left():
    receiver = Receiver()
    receiver.hold.clear()
    assert answered(receiver, timeout_s=0.2).fault is Fault.TOO_SLOW


def test_a_port_on_which_nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/hooks"
    assert asyncio.run(sent(url)).fault is Fault.NOT_LISTENING


def test_a_name_that_there_is_not():
    assert asyncio.run(sent("http://nowhere.invalid/hooks")).fault is Fault.UNKNOWN_NAME


def test_an_answer_without_end_is_cut_off():
    text = "x" * (ANSWER_MAX * 40)
    reply = answered(Receiver(text=text))
    assert (reply.fault, len(reply.excerpt)) == (Fault.NONE, 300)


def test_a_certificate_that_nobody_signed_is_refused(tmp_path):
    from tests.unit.runtime.endpoints.certificate import self_signed

    cert, key = self_signed(tmp_path)

    async def work():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)

        async def nobody(reader, writer):
            writer.close()

        server = await asyncio.start_server(nobody, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        async with server:
            return await sent(f"https://127.0.0.1:{port}/hooks")

    assert asyncio.run(work()).fault is Fault.CERTIFICATE


def test_https_to_a_port_that_speaks_http():
    receiver = Receiver()

    async def work():
        async with receiving(receiver):
            return await sent(receiver.url.replace("http:", "https:"))

    assert asyncio.run(work()).fault is Fault.TLS


def test_a_connection_broken_off_is_a_failure():
    async def work():
        async def rude(reader, writer):
            await reader.read(10)
            writer.close()

        server = await asyncio.start_server(rude, "127.0.0.1", 0)
        async with server:
            return await sent(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")

    assert asyncio.run(work()).fault is Fault.BROKEN_OFF


def test_somebody_at_the_keyboard_may_name_any_address():
    receiver = Receiver()

    async def work():
        async with receiving(receiver):
            courier = Courier(at_url(receiver.url, secret()))
            try:
                return await courier.deliver("msg_2", body(), now())
            finally:
                await courier.close()

    assert asyncio.run(work()).fault is Fault.NONE


def test_keys_are_not_shown():
    assert "0123" not in repr(endpoint("https://shop.example/hooks", allow=LOOPBACK))
