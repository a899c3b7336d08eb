"""The worker against a platform that answers, refuses, breaks or hangs; the clock is ours."""

import asyncio
import json
import signal
import time
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import web

from tests import signers
from tests.end_to_end.house import (
    HOST,
    STOREFRONT_KEY,
    Served,
    all_accounts,
    audit,
    configure,
    until,
)
from tests.hearing import Hearing
from voidtrail.event.account import Secret
from voidtrail.runtime.app import build
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.poll import Asker
from voidtrail.runtime.receiving import Receiver
from voidtrail.runtime.refusals import Refusals
from voidtrail.runtime.settings import load
from voidtrail.runtime.verdicts import verdicts
from voidtrail.runtime.worker import Tries, Worker
from voidtrail.sources import storefront
from voidtrail.sources.contract import Outcome
from voidtrail.testing.crash import payments

START = 1_773_700_000_000_000
MINUTE, HOUR = 60_000_000, 3_600_000_000
BREAKS, HANGS = "500", "hangs"


class Platform:
    """WeChat Pay's query: says what the test wrote down, the last word again and again."""

    def __init__(self, room):
        self.room = room
        self.words: dict[str, list[str]] = {}
        self.asked: Counter[str] = Counter()

    async def answer(self, request):
        reference = request.match_info["reference"]
        self.asked[reference] += 1
        words = self.words[reference]
        word = words.pop(0) if len(words) > 1 else words[0]
        if word == HANGS:
            await asyncio.sleep(60)
        if word == BREAKS:
            return web.Response(status=500, text='{"code":"SYSTEM_ERROR"}')
        found = transaction(reference, word)
        status = 404 if word == "ORDER_NOT_EXIST" else 200
        body = json.dumps(found).encode()
        headers = signers.wechatpay_headers(body, at_s=self.room.now // 1_000_000)
        return web.Response(status=status, body=body, headers=dict(headers))


def transaction(reference, state, at=None):
    if state == "ORDER_NOT_EXIST":
        return {"code": state, "message": "订单不存在"}
    found = {"mchid": "1900000001", "appid": "wx1", "out_trade_no": reference,
             "trade_state": state, "trade_state_desc": state,
             "amount": {"total": 1000, "currency": "CNY"}}  # fmt: skip
    if state == "SUCCESS":
        done = datetime.fromtimestamp((at or START) / 1e6, UTC).isoformat(timespec="seconds")
        found |= {"transaction_id": f"42{reference}", "success_time": done, "trade_type": "NATIVE"}
    return found


class Room:
    """The house in a folder, with a clock that only the test moves."""

    def __init__(self, folder, **worker):
        self.folder, self.now, self.told = folder, START, []
        self.worker_settings = {"ask_timeout_s": 0.4, "ask_backoff_s": 60, "ask_tries": 3, **worker}
        self.platform = Platform(self)

    def configure(self, port):
        accounts = all_accounts()
        wechat = next(each for each in accounts if each["source"] == "wechatpay")
        wechat["options"] = {"mchid": "1900000001", "appid": "wx1",
                             "api_base": f"http://{HOST}:{port}"}  # fmt: skip
        wechat["secrets"] |= {"private_key": signers.private_pem(signers.rsa_key()),
                              "serial_no": "0" * 40}  # fmt: skip
        configure(self.folder, accounts, port=0, worker=self.worker_settings)

    def open(self):
        self.house = build(load(self.folder / "voidtrail.toml", {}), clock=lambda: self.now)
        self.intake = Intake(self.house.ledger, self.house.clock)
        self.refusals = Refusals()
        self.receiver = Receiver(self.house, self.intake, self.refusals)
        self.asker = Asker(self.house, self.intake)
        self.worker = Worker(
            self.house, self.intake, self.asker, self.refusals, [Hearing(self.told)]
        )

    async def close(self):
        await self.asker.close()
        await self.intake.close()
        self.house.close()

    async def restart(self):
        await self.close()
        self.open()

    async def turn(self, forward=0):
        self.now += forward
        await self.worker.turn()

    async def shop_says(self, statement, order, **more):
        body = json.dumps({"id": f"{statement}-{order}", "statement": statement, "order": order,
                           **more}).encode()  # fmt: skip
        header = storefront.sign(Secret(STOREFRONT_KEY), body, self.now // 1_000_000)
        await self._take("storefront", body, (("voidtrail-signature", header),))

    async def open_payment(self, reference, *words):
        self.platform.words[reference] = list(words)
        payment = {"source": "wechatpay", "account": "main", "reference": reference}
        await self.shop_says("payment_created", f"O-{reference}", payment=payment,
                             method="wechat_qr", amount_minor=1000, currency="CNY")  # fmt: skip

    async def platform_pushes(self, reference, state="SUCCESS"):
        body = signers.wechatpay_body(f"TRANSACTION.{state}",
                                      transaction(reference, state, self.now),
                                      notice_id=f"EV-{reference}-{state}")  # fmt: skip
        headers = signers.wechatpay_headers(body, at_s=self.now // 1_000_000)
        await self._take("wechatpay", body, headers)

    async def _take(self, source, body, headers):
        entry = self.house.entry(source, "main")
        assert await self.receiver.take(entry, body, headers, "") == Outcome.KEPT.value

    def stands(self, reference):
        [found] = [one for one in verdicts(self.house) if one["payment"] == reference]
        return found["state"], found["rule"]

    def outbox(self):
        return self.house.ledger.outbox(100)

    def labels(self):
        rows = self.house.ledger.db.execute("SELECT label FROM event ORDER BY seq").fetchall()
        return [label for (label,) in rows]


@asynccontextmanager
async def a_room(folder, **worker):
    room = Room(folder, **worker)
    app = web.Application()
    app.router.add_get("/v3/pay/transactions/out-trade-no/{reference}", room.platform.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    try:
        room.configure(runner.addresses[0][1])
        room.open()
        yield room
        await room.close()
    finally:
        await runner.cleanup()
    audit(folder / "voidtrail.toml", folder / "v.db")


def played(story):
    """Run a story in a room of its own."""

    def test(tmp_path):
        async def run():
            async with a_room(tmp_path) as room:
                await story(room)

        asyncio.run(run())

    test.__name__, test.__doc__ = story.__name__, story.__doc__
    return test


@played
async def test_unpaid_payment_is_asked_about_and_then_abandoned(room):
    await room.open_payment("W1", "NOTPAY")
    await room.turn(HOUR)
    assert room.stands("W1")[0] == "open"
    assert not room.platform.asked, "patience is not over"
    await room.turn(1 * HOUR + MINUTE)
    await room.turn(MINUTE)
    assert room.platform.asked["W1"] == 1
    assert room.stands("W1") == ("cancelled", "silent")
    assert [notice.after.state for notice in room.told if not notice.quiet][-1] == 2
    assert not room.outbox()
    await room.turn(24 * HOUR)
    assert room.platform.asked["W1"] == 1, "what is decided is not asked again"


@played
async def test_payment_that_the_platform_does_not_know_is_abandoned(room):
    await room.open_payment("W1", "ORDER_NOT_EXIST")
    await room.turn(2 * HOUR + MINUTE)
    await room.turn(MINUTE)
    assert room.stands("W1")[0] == "cancelled"


@played
async def test_money_that_nobody_told_of_is_found_by_asking(room):
    await room.open_payment("W1", "SUCCESS")
    await room.turn(2 * HOUR + MINUTE)
    await room.turn(MINUTE)
    assert room.stands("W1") == ("paid", "paid")


@played
async def test_broken_platform_is_asked_again_with_growing_pauses(room):
    await room.open_payment("W1", BREAKS, BREAKS, "NOTPAY")
    await room.turn(2 * HOUR + MINUTE)
    assert room.platform.asked["W1"] == 1
    assert room.stands("W1")[0] == "open"
    await room.turn(30_000_000)
    assert room.platform.asked["W1"] == 1, "within the pause"
    await room.turn(31_000_000)
    assert room.platform.asked["W1"] == 2
    await room.turn(61_000_000)
    assert room.platform.asked["W1"] == 2, "the pause doubles"
    await room.turn(60_000_000)
    await room.turn(MINUTE)
    assert room.platform.asked["W1"] == 3
    assert room.stands("W1") == ("cancelled", "silent")
    assert not any(label.startswith("unanswered") for label in room.labels())


@pytest.mark.parametrize("word", [BREAKS, HANGS])
def test_platform_that_never_answers_is_put_on_record_before_silence_decides(tmp_path, word):
    async def run():
        async with a_room(tmp_path) as room:
            await room.open_payment("W1", word)
            await room.turn(2 * HOUR + MINUTE)
            for _ in range(2):
                assert room.stands("W1")[0] == "open"
                assert "unanswered:W1" not in room.labels()
                await room.turn(10 * MINUTE)
            assert room.platform.asked["W1"] == 3
            assert "unanswered:W1" in room.labels()
            await room.turn(MINUTE)
            assert room.stands("W1") == ("cancelled", "silent")
            await room.turn(24 * HOUR)
            assert room.platform.asked["W1"] == 3

    asyncio.run(run())


@played
async def test_late_money_retracts_an_abandonment(room):
    await room.open_payment("W1", "NOTPAY")
    await room.turn(2 * HOUR + MINUTE)
    await room.turn(MINUTE)
    assert room.stands("W1")[0] == "cancelled"
    room.now += 3 * HOUR
    await room.platform_pushes("W1")
    assert room.stands("W1") == ("paid", "paid")
    await room.turn()
    assert room.told[-1].after.state == 1, "whoever heard of the end hears that it was none"


@played
async def test_answer_that_it_is_under_way_keeps_a_payment_open(room):
    await room.open_payment("W1", "USERPAYING", "USERPAYING", "NOTPAY")
    await room.turn(2 * HOUR + MINUTE)
    await room.turn(10 * MINUTE)
    assert room.platform.asked["W1"] >= 1
    assert room.stands("W1")[0] == "open"
    for _ in range(8):
        await room.turn(HOUR)
    assert room.stands("W1") == ("cancelled", "silent")


@played
async def test_restart_in_the_middle_goes_on_where_it_was(room):
    await room.open_payment("W1", BREAKS, "NOTPAY")
    await room.turn(HOUR)
    await room.restart()
    await room.turn(1 * HOUR + MINUTE)
    assert room.platform.asked["W1"] == 1
    await room.restart()
    await room.turn(MINUTE)
    await room.turn(MINUTE)
    assert room.platform.asked["W1"] == 2
    assert room.stands("W1")[0] == "cancelled"


@played
async def test_notices_that_were_not_handed_on_are_handed_on_after_a_restart(room):
    await room.open_payment("W1", "NOTPAY")
    await room.platform_pushes("W1")
    waiting = room.outbox()
    assert waiting
    room.told.clear()
    await room.restart()
    await room.turn()
    assert [notice.no for notice in room.told] == [row[0] for row in waiting]
    assert not room.outbox()
    await room.turn()
    assert len(room.told) == len(waiting)


@played
async def test_one_account_that_cannot_ask_does_not_stop_the_others(room):
    """A bug or a broken key of one account must not keep silence, notices and others waiting."""
    await room.open_payment("W1", "NOTPAY")
    await room.open_payment("W2", "NOTPAY")
    ask = room.asker.ask

    async def broken(entry, reference):
        if reference == "W1":
            raise ValueError("the key cannot be read")
        return await ask(entry, reference)

    room.asker.ask = broken
    await room.turn(2 * HOUR + MINUTE)
    await room.turn(MINUTE)
    assert room.stands("W2")[0] == "cancelled"
    assert not room.outbox()
    for _ in range(4):
        await room.turn(HOUR)
    assert room.stands("W1")[0] == "cancelled", "on record as unanswered, then silence decides"


@played
async def test_payment_that_was_asked_about_for_months_is_asked_on(room):
    await room.open_payment("W1", "USERPAYING")
    await room.turn(2 * HOUR + MINUTE)
    [pid] = room.worker._tries
    room.worker._tries[pid] = Tries(5_000, 0, 0)
    before = room.platform.asked["W1"]
    await room.turn(10 * MINUTE)
    assert room.platform.asked["W1"] == before + 1


def test_hanging_platform_holds_up_neither_the_clock_nor_notices(tmp_path):
    async def run():
        async with a_room(tmp_path, ask_timeout_s=5, tick_s=0.05) as room:
            for number in range(40):
                await room.open_payment(f"W{number}", HANGS)
            room.now += 2 * HOUR + MINUTE
            task = asyncio.ensure_future(room.worker.run())
            began = time.monotonic()
            while not room.platform.asked:
                await asyncio.sleep(0.02)
            await room.open_payment("P1", "NOTPAY")
            room.told.clear()
            await room.platform_pushes("P1")
            while not room.told:
                await asyncio.sleep(0.02)
                assert time.monotonic() - began < 4, "notices wait for a platform that hangs"
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_killed_worker_goes_on_where_it_was(tmp_path):
    """The whole server, killed while payments are overdue and notices wait."""
    patience = {"silence.patience_s": {"unknown": 2}}
    with Served(tmp_path, worker={"tick_s": 0.2}, **patience) as server:
        for group, _ in zip(payments("over", 1), range(20), strict=False):
            assert server.stripe(group[0].body(int(time.time())))[0] == 200
        server.down(signal.SIGKILL)
        time.sleep(2)
        server.up()

        def abandoned():
            return server.json("/api/report")["state"].get("cancelled") == 20

        until(abandoned, 20, why="overdue payments were not judged after the kill")
        until(lambda: not any(server.json("/api/head")["waiting"].values()), 10)
        server.down(signal.SIGKILL)
        server.up()
        assert abandoned()
        server.down()
        server.audit()
