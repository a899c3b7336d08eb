"""The live feed as browsers find it: over HTTP, on a real server, whichever process wrote."""

import asyncio
import re
import socket
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
from tests.end_to_end.house import HOST, Served, clean_environment, response, stripe_account, until
from voidtrail.testing.crash import payments

ACCOUNTS = [stripe_account(), stripe_account("sandbox", mode="test")]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("live"), ACCOUNTS, worker={"tick_s": 0.5}) as server:
        yield server
        server.audit()


@pytest.fixture(scope="module")
def cookie(server):
    """The cookie of somebody who opened a one-time link."""
    command = [sys.executable, "-m", "voidtrail", "link", "--config", str(server.config)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT,
                          env=clean_environment())  # fmt: skip
    status, headers, _ = server.get(said.stdout.strip().partition(str(server.port))[2])
    assert status == 303, headers
    return headers["set-cookie"].partition(";")[0]


class Stream:
    """One listener's connection; keeps what it was sent."""

    def __init__(self, server, cookie, *, language="en", after=None, last=None, small=False):
        query = f"lang={language}" + (f"&after={after}" if after is not None else "")
        head = [f"GET /live?{query} HTTP/1.1", f"Host: {HOST}:{server.port}", f"Cookie: {cookie}"]
        head += [f"Last-Event-ID: {last}"] if last is not None else []
        self.socket = socket.socket()
        if small:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect((HOST, server.port))
        self.socket.sendall("\r\n".join([*head, "", ""]).encode())
        self.socket.settimeout(0.05)
        self.data = b""
        assert until(lambda: b"retry: 1000" in self.read())
        assert b"text/event-stream" in self.data

    def read(self):
        try:
            while part := self.socket.recv(65536):
                self.data += part
        except TimeoutError:
            pass
        return self.data

    @property
    def plain(self):
        """The stream without the marks of chunked transfer."""
        return re.sub(rb"\r\n[0-9a-f]*\r\n", b"", self.read()).decode()

    @property
    def numbers(self):
        return [int(no) for no in re.findall(r"^id: (\d+)$", self.plain, re.M)]

    def rows(self, count):
        until(lambda: len(self.numbers) >= count)
        return self.numbers

    def close(self):
        self.socket.close()


@pytest.fixture
def listen(server, cookie):
    streams = []

    def open_(**wanted):
        streams.append(Stream(server, cookie, **wanted))
        return streams[-1]

    yield open_
    for each in streams:
        each.close()


NUMBERS = iter(range(10**6))


def pay(server, count, account="main"):
    """Let payments be captured; each is one change."""
    now = int(time.time())
    for _ in range(count):
        notices = {each.label: each for each in next(payments(f"live{next(NUMBERS)}", 1))}
        body = notices["capture"].body(now)
        body = (
            body if account == "main" else body.replace(b'"livemode": true', b'"livemode": false')
        )
        assert server.stripe(body, account)[0] == 200
    return newest(server)


def newest(server):
    return server.rows("SELECT ifnull(max(no), 0) FROM outbox")[0][0]


def refused(server, head):
    with socket.create_connection((HOST, server.port), timeout=10) as connection:
        head = f"{head}\r\nHost: {HOST}:{server.port}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        return response(connection)[0]


def test_nobody_listens_without_a_session(server, cookie):
    assert refused(server, "GET /live HTTP/1.1") == 401
    assert refused(server, "GET /live HTTP/1.1\r\nCookie: voidtrail=x") == 401
    assert refused(server, f"GET /live HTTP/1.1\r\nCookie: {cookie}\r\nX-Forwarded-For: 1.2.3.4"
                   ) == 403  # fmt: skip
    assert refused(server, f"POST /live HTTP/1.1\r\nCookie: {cookie}\r\nContent-Length: 0") == 405


def test_a_change_reaches_everybody_in_their_language_under_its_number(server, listen):
    english, chinese = listen(), listen(language="zh-CN")
    no = pay(server, 1)
    assert english.rows(1) == chinese.rows(1) == [no]
    assert ">paid<" in english.plain
    assert ">已支付<" in chinese.plain
    assert 'href="/payments/stripe/main/' in english.plain.replace("%2F", "/")


def test_who_was_cut_off_is_told_what_was_missed_without_gap_or_double(server, listen):
    whole, first = listen(), listen()
    pay(server, 5)
    whole.rows(5)
    known = first.rows(5)[2]  # it saw five, and remembers three
    first.close()
    last = pay(server, 40)
    again = listen(last=known)
    assert again.rows(42) == list(range(known + 1, last + 1))
    pay(server, 3)
    assert again.rows(45) == list(range(known + 1, last + 4))
    assert whole.rows(48) == list(range(last - 44, last + 4))


def test_the_number_in_a_page_counts_like_that_of_an_event(server, listen):
    before = newest(server)
    pay(server, 3)
    assert listen(after=before).rows(3) == [before + 1, before + 2, before + 3]


@pytest.mark.parametrize("wrong", ["x", "-1", "9" * 30])
def test_a_number_that_makes_no_sense_starts_with_the_present(server, listen, wrong):
    stream = listen(last=wrong)
    no = pay(server, 1)
    assert stream.rows(1) == [no]


def test_test_traffic_says_so(server, listen):
    stream = listen()
    pay(server, 1, "sandbox")
    stream.rows(1)
    assert "data-test" in stream.plain


def test_what_another_process_wrote_is_told_too(server, listen, tmp_path):
    """`work --once` of a second process ends by silence what this server took in."""
    from voidtrail.runtime.app import build
    from voidtrail.runtime.settings import load

    stream = listen()
    house = build(load(server.config, {}))
    try:
        known = (
            house.ledger.outbox(1, after=0)
            or house.ledger.db.execute(
                "SELECT no, at, payment_id, quiet, before, after FROM outbox LIMIT 1"
            ).fetchall()
        )
        house.ledger.begin()
        house.ledger.db.execute(
            "INSERT INTO outbox (at, payment_id, quiet, before, after) VALUES (?, ?, ?, ?, ?)",
            known[0][1:],
        )
        house.ledger.commit()
    finally:
        house.close()
    assert stream.rows(1) == [newest(server)]


def test_a_client_that_takes_nothing_costs_the_others_nothing(server, listen):
    stuck, quick = listen(small=True), listen()
    before = newest(server)
    last = pay(server, 60)
    assert quick.rows(60) == list(range(before + 1, last + 1))
    stuck.close()


def test_the_server_stops_at_once_though_somebody_listens(tmp_path):
    with Served(tmp_path, ACCOUNTS) as server:
        command = [sys.executable, "-m", "voidtrail", "link", "--config", str(server.config)]
        said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT,
                              env=clean_environment())  # fmt: skip
        _, headers, _ = server.get(said.stdout.strip().partition(str(server.port))[2])
        stream = Stream(server, headers["set-cookie"].partition(";")[0])
        began = time.monotonic()
        assert server.down() == 0
        assert time.monotonic() - began < 4, "it does not wait for those who listen"
        assert stream.socket.recv(10) in (b"", b"0\r\n\r\n") or stream.data
        stream.close()


def test_many_listeners_hear_the_same(server, cookie):
    async def happen():
        async def one():
            reader, writer = await asyncio.open_connection(HOST, server.port)
            head = f"GET /live HTTP/1.1\r\nHost: {HOST}:{server.port}\r\nCookie: {cookie}\r\n\r\n"
            writer.write(head.encode())
            await reader.readuntil(b"retry: 1000\n\n")
            ready.append(1)
            data = b""
            while data.count(b"\nid: ") + data.startswith(b"id: ") < 10:
                data += await reader.read(65536)
            writer.close()
            return re.findall(rb"id: (\d+)\n", data)

        ready = []
        tasks = [asyncio.ensure_future(one()) for _ in range(100)]
        while len(ready) < 100:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        await asyncio.to_thread(pay, server, 10)
        async with asyncio.timeout(20):
            return await asyncio.gather(*tasks)

    heard = asyncio.run(happen())
    assert len(heard[0]) == 10
    assert all(each == heard[0] for each in heard)
