"""The door for platforms, as platforms and strangers find it: over HTTP, on a real server."""

import asyncio
import contextlib
import json
import re
import select
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import signers
from tests.end_to_end.house import (
    HOST,
    STOREFRONT_KEY,
    STRIPE_SECRET,
    Served,
    all_accounts,
    configure,
    request,
    response,
    stripe_account,
    until,
)
from voidtrail.errors import SignatureInvalid
from voidtrail.event.account import Secret
from voidtrail.runtime.app import build
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.receiving import Receiver
from voidtrail.runtime.refusals import Refusals
from voidtrail.runtime.settings import load
from voidtrail.sources import storefront
from voidtrail.sources.contract import Outcome
from voidtrail.testing.crash import Notice, payments
from voidtrail.testing.inspection import inspect

MAX = 20_000
DEADLINE_S = 1.5


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doors")
    limits = {"body_max_bytes": MAX, "read_deadline_s": DEADLINE_S}
    with Served(folder, all_accounts(), server=limits, worker={"tick_s": 0.5}) as server:
        yield server
        server.audit()


@pytest.fixture
def unchanged(server):
    """Assert that a test stored no delivery."""

    def deliveries():
        return server.rows("SELECT count(*) FROM delivery")

    before = deliveries()
    yield
    assert deliveries() == before


def notice(name, label="open", at=None):
    return {one.label: one for one in next(payments(name, 1))}[label].body(at or int(time.time()))


def alipay(fields):
    return signers.alipay_form(fields)


def wechatpay(server, body, **changes):
    headers = signers.wechatpay_headers(body, at_s=int(time.time()), **changes)
    return server.post("/hooks/wechatpay/main", body, headers)


def told_by_shop(server, body, *, key=STOREFRONT_KEY):
    sign = storefront.sign(Secret(key), body, int(time.time()))
    return server.post("/hooks/storefront/main", body, [("Voidtrail-Signature", sign)])


def quarantined(server):
    found = server.json("/api/quarantine")["deliveries"]
    return found[-1] if found else None


# ------------------------------------------------------------------------------------ the envelope


def test_body_beyond_the_cap_is_refused(server, unchanged):
    status, _, _ = server.stripe(notice("cap") + b" " * MAX)
    assert status == 413


def test_chunked_body_beyond_the_cap_is_refused(server, unchanged):
    part = b"4e20\r\n" + b"x" * MAX + b"\r\n"
    status, _, _ = request(
        server.port, "POST", "/hooks/stripe/main", part + b"1\r\nx\r\n0\r\n\r\n",
        [("Transfer-Encoding", "chunked")], length=False,
    )  # fmt: skip
    assert status == 413


@pytest.mark.parametrize("more", [b"a", b"X-A: b\r\n"], ids=["one header", "many headers"])
@pytest.mark.parametrize("path", [b"/hooks/stripe/main", b"/healthz"])
def test_head_without_an_end_is_refused(server, unchanged, path, more):
    """Whoever knows the address could fill the memory with it."""
    piece = more * (16_384 // len(more))
    with socket.create_connection((HOST, server.port), timeout=10) as line:
        line.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nX-B: " % path)
        with contextlib.suppress(ConnectionError):
            for _ in range(64):
                line.sendall(piece)
                time.sleep(0.005)
                if select.select([line], [], [], 0)[0]:
                    break
        assert line.recv(4096).startswith(b"HTTP/1.1 431 ")
    assert server.get("/healthz")[0] == 200


def test_body_of_exactly_the_cap_is_taken(server):
    body = notice("exact")
    assert server.stripe(body + b" " * (MAX - len(body)))[0] == 200


def test_chunked_body_is_taken_whole(server):
    body = notice("chunked")
    at_s = int(time.time())
    halves = (body[:100], body[100:])
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(half), half) for half in halves)
    headers = [("Transfer-Encoding", "chunked"),
               ("Stripe-Signature", signers.stripe_header(body, STRIPE_SECRET, at_s))]  # fmt: skip
    status, _, _ = request(server.port, "POST", "/hooks/stripe/main", chunks + b"0\r\n\r\n",
                           headers, length=False)  # fmt: skip
    assert status == 200
    assert server.rows("SELECT 1 FROM name WHERE text LIKE 'stripe/main/pi_chunked%'")


@pytest.mark.parametrize("length", ["-1", "1e3", "99999999999999999999"])
def test_strange_content_length_is_refused(server, unchanged, length):
    status, _, _ = request(server.port, "POST", "/hooks/stripe/main", b"",
                           [("Content-Length", length)], length=False)  # fmt: skip
    assert status in (400, 413)


def test_body_without_a_length_is_an_empty_body(server, unchanged):
    status, _, _ = request(server.port, "POST", "/hooks/stripe/main", length=False)
    assert status == 401


@pytest.mark.parametrize("path", ["/hooks/paypal/main", "/hooks/stripe/other", "/hooks/stripe",
                                  "/hooks/", "/hooks/stripe/main/", "/hooks/Stripe/main",
                                  "/hooks/stripe/..%2fmain"])  # fmt: skip
def test_unknown_door_is_not_found(server, unchanged, path):
    assert server.post(path, notice("where"))[0] == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_deliveries_are_posted(server, unchanged, method):
    status, headers, _ = request(server.port, method, "/hooks/stripe/main")
    assert status == 405
    assert headers["allow"] == "POST"


def half_sent(server, head, body=b""):
    connection = socket.create_connection((HOST, server.port), timeout=30)
    connection.sendall(head.encode() + body)
    return connection


def test_slow_body_is_dropped_at_the_deadline(server, unchanged):
    body = notice("slow")
    head = (f"POST /hooks/stripe/main HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
            f"Stripe-Signature: {signers.stripe_header(body, STRIPE_SECRET, int(time.time()))}"
            "\r\n\r\n")  # fmt: skip
    began = time.monotonic()
    with half_sent(server, head, body[:-1]) as connection:
        status, headers, _ = response(connection)
    assert status == 408
    assert headers["connection"] == "close"
    assert DEADLINE_S * 0.9 < time.monotonic() - began < DEADLINE_S + 3
    assert "body_too_slow" in server.logged()
    assert "Traceback" not in server.logged()
    assert server.stripe(b"{}", secret="no")[0] == 401, "others are served on"


def test_dribbled_body_does_not_outlast_the_deadline(server, unchanged):
    head = "POST /hooks/stripe/main HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n"
    began = time.monotonic()
    with half_sent(server, head) as connection:
        connection.settimeout(0.1)
        answer = b""
        while not answer and time.monotonic() - began < 15:
            connection.sendall(b" ")
            try:
                answer = connection.recv(4096)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - began < DEADLINE_S + 4


@pytest.mark.parametrize("sent", ["", "POST /hooks/stripe/main HTTP/1.1\r\nHost: x\r\nX-Slow"])
def test_slow_headers_do_not_hold_a_connection_for_ever(server, sent):
    began = time.monotonic()
    with half_sent(server, sent) as connection:
        assert connection.recv(4096) == b""
    assert time.monotonic() - began < DEADLINE_S + 4


# ------------------------------------------------------------------------------------ the signature


@pytest.mark.parametrize("headers", [
    [],
    [("Stripe-Signature", "t=1,v1=00")],
    [("Stripe-Signature", "")],
    [("Stripe-Signature", "\u00ff,t=,v1=")],
])  # fmt: skip
def test_unproved_delivery_is_refused_and_not_stored(server, unchanged, headers):
    headers = [(k, v.encode().decode("latin-1")) for k, v in headers]
    assert server.post("/hooks/stripe/main", notice("forged"), headers)[0] == 401


def test_wrong_secret_and_old_signature_are_refused(server, unchanged):
    body = notice("wrong")
    assert server.stripe(body, secret="whsec_other")[0] == 401
    assert server.stripe(body, at_s=int(time.time()) - 400)[0] == 401
    assert server.stripe(body, "sandbox", secret=STRIPE_SECRET[::-1])[0] == 401


def test_signature_that_came_twice_is_refused(server, unchanged):
    body, now = notice("twice"), int(time.time())
    good = ("Stripe-Signature", signers.stripe_header(body, STRIPE_SECRET, now))
    assert server.post("/hooks/stripe/main", body, [good, good])[0] == 401
    body = signers.wechatpay_body("TRANSACTION.SUCCESS", {}, notice_id="EV-twice")
    signed = signers.wechatpay_headers(body, at_s=now)
    for each in signed:
        if "type" not in each[0]:
            assert server.post("/hooks/wechatpay/main", body, [*signed, each])[0] == 401, each[0]
    body = alipay({"notify_id": "n", "out_trade_no": "A-twice"})
    assert server.post("/hooks/alipay/main", body + b"&sign=x")[0] == 401


def test_probe_of_wechat_pay_is_refused(server, unchanged):
    body = signers.wechatpay_body("TRANSACTION.SUCCESS", {}, notice_id="EV-probe")
    headers = [
        (name, "WECHATPAY/SIGNTEST/" + value if name == "wechatpay-signature" else value)
        for name, value in signers.wechatpay_headers(body, at_s=int(time.time()))
    ]
    assert server.post("/hooks/wechatpay/main", body, headers)[0] == 401


def test_refusals_are_counted_and_their_log_is_limited(tmp_path):
    with Served(tmp_path, worker={"tick_s": 2.0}) as server:
        for _ in range(60):
            assert server.stripe(notice("counted"), secret="whsec_other")[0] == 401

        def counted():
            rows = server.rows("SELECT body FROM control WHERE kind = 'refused'")
            return sum(one["count"] for (body,) in rows for one in json.loads(body)) == 60

        until(counted, 15, why="the refusals were not put on record")
        rows = server.rows("SELECT body FROM control WHERE kind = 'refused'")
        assert {one["code"] for (body,) in rows for one in json.loads(body)} == {
            SignatureInvalid.code
        }
        assert not server.rows("SELECT 1 FROM delivery")
        assert server.logged().count("delivery_refused") <= 10 * (len(rows) + 1)
        assert "127.0.0.1" not in server.logged().replace(server.address, "")
        metrics = server.get("/metrics")[2].decode()
        assert re.search(r'voidtrail_refused_total\{account="stripe/main",code=".*"\} 60', metrics)
        server.audit()


# ------------------------------------------------------------------------------ our bug, not theirs


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"\xff\xfe", b'{"type": 5}', b"",
                                  b'{"type":"payment_intent.succeeded","data":{"object":{}}}',
                                  b"[" * 5000])  # fmt: skip
def test_unreadable_json_of_a_proved_sender_is_kept_in_quarantine(server, body):
    before = server.json("/api/quarantine")["total"]
    assert server.stripe(body)[0] == 200
    assert server.json("/api/quarantine")["total"] == before + 1
    found = quarantined(server)
    assert (found["source"], found["account"]) == ("stripe", "main")
    assert found["why"]


def test_unreadable_form_of_alipay_is_acknowledged_with_success(server):
    before = server.json("/api/quarantine")["total"]
    for body in (alipay({"notify_type": "trade_status_sync"}),
                 alipay({"trade_status": "TRADE_SUCCESS", "out_trade_no": "A1", "trade_no": "1",
                         "total_amount": "1,000.00", "gmt_payment": "yesterday"})):  # fmt: skip
        status, _, answer = server.post("/hooks/alipay/main", body)
        assert (status, answer) == (200, b"success")
    assert server.json("/api/quarantine")["total"] == before + 2
    assert quarantined(server)["path"]


def test_understood_form_of_alipay_is_acknowledged_with_success(server):
    fields = {"notify_id": "n1", "notify_time": "2026-03-17 12:00:00",
              "notify_type": "trade_status_sync", "trade_status": "TRADE_SUCCESS",
              "out_trade_no": "A-good", "trade_no": "2026031722001", "total_amount": "10.00",
              "receipt_amount": "10.00", "gmt_create": "2026-03-17 11:59:00",
              "gmt_payment": "2026-03-17 12:00:00", "app_id": "9021000122682882"}  # fmt: skip
    status, _, answer = server.post("/hooks/alipay/main", alipay(fields))
    assert (status, answer) == (200, b"success")
    assert server.rows("SELECT 1 FROM name WHERE text = 'alipay/main/A-good'")
    forged = alipay(fields).replace(b"A-good", b"A-evil")
    status, _, answer = server.post("/hooks/alipay/main", forged)
    assert status == 401
    assert answer != b"success"


def test_resource_that_does_not_open_is_acknowledged_and_kept(server):
    before = server.json("/api/quarantine")["total"]
    sealed_by_another = signers.wechatpay_body(
        "TRANSACTION.SUCCESS", {"out_trade_no": "W"}, key="0" * 32, notice_id="EV-closed"
    )
    not_json = signers.wechatpay_body("TRANSACTION.SUCCESS", b"{", notice_id="EV-broken")
    for body in (sealed_by_another, not_json, b"{}"):
        assert wechatpay(server, body)[0] in (200, 204)
    assert server.json("/api/quarantine")["total"] == before + 3


def test_unreadable_statement_of_the_shop_is_acknowledged_and_kept(server):
    before = server.json("/api/quarantine")["total"]
    for body in (b"{", b'{"id":"1","statement":"order_placed"}'):
        status, _, answer = told_by_shop(server, body)
        assert (status, answer) == (200, b'{"kept":true}')
    assert server.json("/api/quarantine")["total"] == before + 2
    assert told_by_shop(server, b"{}", key="other")[0] == 401


# ------------------------------------------------------------------------------------- durability


def test_nothing_is_acknowledged_before_its_group_is_on_disk(tmp_path, monkeypatch):
    configure(tmp_path, [stripe_account()], port=0)
    house = build(load(tmp_path / "voidtrail.toml", {}))
    may_commit, committing, commit = threading.Event(), threading.Event(), house.ledger.commit

    def slow():
        committing.set()
        assert may_commit.wait(20)
        commit()

    def on_disk():
        with ThreadPoolExecutor(1) as pool:
            import sqlite3

            read = "SELECT count(*) FROM delivery"
            return pool.submit(
                lambda: sqlite3.connect(house.ledger.path).execute(read).fetchone()[0]
            ).result()

    async def told():
        intake = Intake(house.ledger, house.clock)
        receiver, entry = Receiver(house, intake, Refusals()), house.entry("stripe", "main")

        def take(name):
            now = int(time.time())
            body = notice(name, at=now)
            signed = (("stripe-signature", signers.stripe_header(body, STRIPE_SECRET, now)),)
            return asyncio.ensure_future(receiver.take(entry, body, signed, ""))

        assert await take("quick") == Outcome.KEPT.value
        monkeypatch.setattr(house.ledger, "commit", slow)
        first = [take(f"slow{n}") for n in range(5)]
        await asyncio.to_thread(committing.wait, 20)
        second = [take(f"later{n}") for n in range(5)]
        await asyncio.sleep(0.3)
        assert not any(task.done() for task in (*first, *second)), "an answer before the commit"
        assert on_disk() == 1
        may_commit.set()
        assert set(await asyncio.gather(*first, *second)) == {Outcome.KEPT.value}
        assert on_disk() == 11
        await intake.close()

    asyncio.run(told())
    house.close()


def test_first_delivery_waits_for_no_import(tmp_path):
    """What taking in needs is loaded before the server says that it is ready."""
    with Served(tmp_path) as server:
        assert server.process is not None
        with open(f"/proc/{server.process.pid}/maps", encoding="ascii", errors="replace") as maps:
            assert "libarrow" in maps.read()


def test_stopping_writes_what_was_taken_in(tmp_path):
    with Served(tmp_path) as server:
        source = _Shared(payments("stop", 1))
        acknowledged: list[Notice] = []
        refused: list[Notice] = []
        ended = threading.Event()

        def post():
            while not ended.is_set():
                one = next(source)[0]
                try:
                    status = server.stripe(one.body(int(time.time())))[0]
                except OSError:
                    refused.append(one)
                    continue
                (acknowledged if status == 200 else refused).append(one)

        with ThreadPoolExecutor(6) as pool:
            jobs = [pool.submit(post) for _ in range(6)]
            until(lambda: len(acknowledged) > 60)
            began = time.monotonic()
            assert server.down() == 0, "a stop by SIGTERM is no failure"
            assert time.monotonic() - began < 15
            ended.set()
            for job in jobs:
                job.result()
        told = list(acknowledged)
        assert not inspect(server.db, told, account="stripe/main").lost
        assert "Traceback" not in server.logged()
        server.audit()


class _Shared:
    """An iterator that several threads may take from."""

    def __init__(self, source):
        self._source, self._lock = source, threading.Lock()

    def __iter__(self):
        return self

    def __next__(self):
        with self._lock:
            return next(self._source)
