"""Logs and terminals at a real server: told of within a second, and whole after every kill."""

import asyncio
import re
import signal
import sys
import time

import pytest

from tests.end_to_end.house import HOST, evidence, free_port, until
from tests.end_to_end.receivers import Receivers
from tests.end_to_end.test_alerts import Alerting, all_to
from voidtrail.testing.platforms.fake import Situation
from voidtrail.testing.platforms.pos import FakePos

ACCOUNTS = [
    {"source": "gateway_log", "name": "main", "shop": "downtown", "secrets": {}},
    {"source": "pos", "name": "main", "shop": "downtown", "secrets": {},
     "options": {"order_field": "62"}},
]  # fmt: skip
INLETS = """
[[listen]]
port = {port}
[[tail]]
path = "{path}"
format = "json"
since = "start"
[[tail.rule]]
name = "fault"
contains = "timed out"
kind = "authorise"
result = "refused"
reason = "network_fault"
payment = "id"
order = "order"
"""


class Inlets(Alerting):
    """A server that tails a log and listens to terminals."""

    def __init__(self, folder, receivers):
        self.path, self.tcp = folder / "pay.log", free_port()
        routes = all_to("hook") + INLETS.format(port=self.tcp, path=self.path)
        super().__init__(folder, receivers, routes, channels=["hook"], accounts=ACCOUNTS)

    def write(self, number, size=1):
        with self.path.open("a") as log:
            log.write("".join(
                f'{{"time":"{time.time():.3f}","msg":"upstream timed out","id":"T-{n}",'
                f'"order":"O-{n:05d}"}}\n' for n in range(number, number + size)
            ))  # fmt: skip
        return time.time()


@pytest.fixture
def server(tmp_path):
    with Receivers() as receivers:
        made = Inlets(tmp_path, receivers)
        yield made
        made.__exit__()


def test_a_technical_fault_is_told_of_within_a_second_of_its_line(server):
    server.up()
    written = {}
    for number in range(20):
        written[f"O-{number:05d}"] = server.write(number)
        time.sleep(0.15)
    inbox = server.receivers.inbox
    until(lambda: len(inbox.of("hook")) >= 20, why=server.logged()[-2000:])
    took = sorted(got.at - written[re.findall(r"O-\d+", got.text)[0]] for got in inbox.of("hook"))
    assert len(took) == 20
    sys.stdout.write(f"\nline to receipt: p50 {took[10]:.3f} s, max {took[-1]:.3f} s\n")
    evidence("log_alerts", p50_s=took[10], max_s=took[-1])
    assert took[10] < 1.0


def test_kills_and_rotations_lose_and_double_nothing(server):
    server.up()
    written = 0
    for turn in range(4):
        for _ in range(20):
            server.write(written, 20)
            written += 20
            time.sleep(0.005)
        if turn % 2:
            server.path.rename(server.path.with_name(f"pay.log.{turn}"))
        else:
            until(lambda: server.rows("SELECT count(*) FROM delivery")[0][0] > 0)
            server.down(signal.SIGKILL)
            server.write(written, 50)
            written += 50
            server.up()
    until(lambda: server.rows("SELECT count(*) FROM delivery")[0][0] >= written,
          why=f"{server.rows('SELECT count(*) FROM delivery')} of {written}")  # fmt: skip
    assert server.down() == 0
    assert server.rows("SELECT count(*), count(DISTINCT digest) FROM delivery") == [
        (written, written)
    ]
    assert server.rows("SELECT count(*) FROM order_name") == [(written,)]
    server.audit()


def test_a_void_at_a_terminal_is_told_of_and_its_answer_decides(server):
    server.up()
    fake = FakePos(seed=5)
    now = time.time_ns() // 1000
    fake.play(Situation.MERCHANT_VOIDED, "O-VOID", 12_30, now - 200_000_000)
    fake.play(Situation.REFUSED_CANCELLATION, "O-KEPT", 12_30, now - 200_000_000)
    asyncio.run(fake.send(HOST, server.tcp))
    until(lambda: server.rows("SELECT count(*) FROM delivery") == [(8,)])
    told = until(lambda: server.receivers.inbox.texts("hook"))
    time.sleep(1.0)
    assert "O-VOID" in told[0]
    assert not [text for text in server.receivers.inbox.texts("hook") if "O-KEPT" in text]
    server.audit()


def test_a_port_that_is_taken_stops_the_start(server):
    server.up()
    server.process, first = None, server.process
    port = server.port
    server.config.write_text(
        server.config.read_text("utf-8").replace(f"port = {port}", f"port = {free_port()}"), "utf-8"
    )
    server.spawn()
    try:
        assert server.process.wait(30) == 3
    finally:
        server.process = first
    assert "in use" in server.logged()
