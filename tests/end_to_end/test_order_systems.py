"""A real server tells a real order system, which verifies with the `standardwebhooks` package."""

import asyncio
import json
import subprocess
import sys
from collections import Counter

import pytest

from tests.end_to_end.house import Served, clean_environment, stripe_account
from tests.unit.runtime.endpoints.receiver import SECRET, Receiver, receiving

ENDPOINT = """
[[endpoint]]
name = "orders"
url = "{url}"
secret = "file:secrets/hook"
allow = ["127.0.0.0/8"]
"""
PATIENCE_S = 60


def cancelled(n):
    """A Stripe notification: payment n of order A<n> was cancelled by the customer."""
    return json.dumps({
        "id": f"evt_{n}", "type": "payment_intent.canceled", "livemode": True,
        "created": 1_780_000_000, "data": {"object": {
            "id": f"pi_{n}", "object": "payment_intent", "amount": 1230, "currency": "eur",
            "status": "canceled", "cancellation_reason": "requested_by_customer",
            "metadata": {"order_id": f"A{n}"}}},
    }).encode()  # fmt: skip


def served(folder, url):
    server = Served(folder, [stripe_account(options={"order_field": "order_id"})])
    (server.folder / "secrets" / "hook").write_text(SECRET, "utf-8")
    with server.config.open("a", encoding="utf-8") as file:
        file.write(ENDPOINT.format(url=url))
    return server


async def until(condition, what):
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)
    assert condition(), what


async def take_in(server, count, first=0):
    for n in range(first, first + count):
        status, *_ = await asyncio.to_thread(server.stripe, cancelled(n))
        assert status == 200


def test_a_cancelled_payment_reaches_the_order_system_at_once(tmp_path):
    receiver = Receiver()

    async def work():
        loop = asyncio.get_running_loop()
        async with receiving(receiver):
            server = served(tmp_path, receiver.url)
            await server.start()
            try:
                await take_in(server, 1)
                began = loop.time()
                await until(lambda: receiver.got, "nothing came")
                return loop.time() - began
            finally:
                await server.kill()

    took_s = asyncio.run(work())
    assert took_s < 5  # far below, on a machine at rest; here it only must not wait for a tick
    _, found = receiver.got[0]
    assert (found["type"], found["data"]["order"]) == ("payment.called_off", "A0")
    assert found["data"]["advice"]["release_stock"] is True


async def interrupted(server, receiver, first, count):
    """Take in some, kill the server while messages are under way, and start it again."""
    receiver.hold.clear()  # from now on answers are withheld: what is sent is in mid-send
    seen = len(receiver.raw)
    await take_in(server, count, first)
    await until(lambda: len(receiver.raw) > seen, "nothing is under way")
    await server.kill()
    receiver.hold.set()
    await server.start()
    await until(lambda: len(set(receiver.orders())) > first // 2, "none came after the start")


@pytest.mark.timeout(180)
def test_killed_in_mid_send_nothing_is_lost_and_keys_stay(tmp_path):
    """Killed three times while messages are under way; every order is told, by one key each."""
    receiver, count = Receiver(), 60

    async def work():
        async with receiving(receiver):
            server = served(tmp_path, receiver.url)
            await server.start()
            try:
                for first in range(0, count, count // 3):
                    await interrupted(server, receiver, first, count // 3)
                await until(lambda: len(set(receiver.orders())) == count, "some are missing")
                await asyncio.sleep(0.5)
            finally:
                await server.kill()

    asyncio.run(work())
    keys = Counter(headers["webhook-id"] for headers, _ in receiver.raw)
    of_order = {}
    for key, found in receiver.got:
        of_order.setdefault(found["data"]["order"], set()).add(key)
    assert len(of_order) == count
    assert {len(each) for each in of_order.values()} == {1}
    repeated = sum(times - 1 for times in keys.values())
    assert repeated <= 3 * 5  # at most what was under way at each kill


def test_hooks_test_and_list_from_the_command_line(tmp_path):
    receiver = Receiver()

    async def voidtrail(*arguments):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "voidtrail", *arguments, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=clean_environment(), cwd=tmp_path,
        )  # fmt: skip
        out, error = await process.communicate()
        return process.returncode, out.decode(), error.decode()

    async def work():
        async with receiving(receiver):
            server = served(tmp_path, receiver.url)
            config = ("--config", str(server.config))
            arrived = await voidtrail("hooks", "test", "orders", *config, "--json")
            receiver.status = 401
            refused = await voidtrail("--lang", "zh_CN", "hooks", "test", "orders", *config)
            await server.start()
            try:
                receiver.status = 410
                await take_in(server, 2)
                await until(lambda: len(receiver.raw) >= 3, "nothing came")
                await asyncio.sleep(0.5)
                shown = await voidtrail("hooks", "list", *config, "--json")
                dead = await voidtrail("hooks", "dead", *config)
                receiver.status = 200
                again = await voidtrail("hooks", "resend", "orders", *config)
                await until(lambda: len(receiver.got) == 3, "not sent again")
            finally:
                await server.kill()
            return arrived, refused, shown, dead, again

    arrived, refused, shown, dead, again = asyncio.run(work())
    assert arrived[0] == 0, arrived
    assert json.loads(arrived[1])["status"] == 200
    assert refused[0] == 1
    assert "401" in refused[1]
    assert "验签" in refused[1]
    [endpoint] = json.loads(shown[1])
    assert (shown[0], endpoint["in_service"], endpoint["dead"]) == (1, False, 2)
    assert (dead[0], len(dead[1].split("msg_")) - 1) == (1, 2)
    assert (again[0], again[1].strip()) == (0, "2 messages go out again.")
    assert SECRET not in "".join(
        text for each in (arrived, shown, dead, again) for text in each[1:]
    )
