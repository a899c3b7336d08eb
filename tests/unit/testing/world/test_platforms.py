"""The fake platforms answer the questions that the sources ask, and fail once now and then."""

import asyncio
import time

import aiohttp
import pytest

from voidtrail.event.model import STATUS, Delivery, Kind, Unreadable, Via
from voidtrail.sources import alipay, stripe, wechatpay
from voidtrail.testing.world.keys import shared_keys
from voidtrail.testing.world.platforms import serve
from voidtrail.testing.world.settings import Settings
from voidtrail.testing.world.small import accounts
from voidtrail.testing.world.world import World

SOURCES = {"stripe": stripe, "alipay": alipay, "wechatpay": wechatpay}
MICRO = 1_000_000


@pytest.fixture(scope="module")
def world():
    return World(21, Settings(orders=120, test_orders=6, refused=0), keys=shared_keys)


async def _ask(session, request):
    async with session.request(
        request.method, request.url, data=request.body or None, headers=dict(request.headers)
    ) as response:
        return response.status, tuple(response.headers.items()), await response.read()


async def _ask_all(world, failing_share):
    heard = []
    async with serve(world, failing_share=failing_share) as (base, platforms):
        known = accounts(world, base)
        async with aiohttp.ClientSession() as session:
            for tale, _ in world.tales():
                for rail in tale.rails:
                    account, secrets = known[rail.source, rail.account]
                    now = int(time.time()) * MICRO
                    source = SOURCES[rail.source]
                    request = source.query(rail.reference, account, secrets, now, "n" * 32)
                    status, headers, body = await _ask(session, request)
                    heard.append((rail, account, secrets, request, status, headers, body))
        return heard, platforms


def test_answers_verify_and_say_what_the_world_knows(world):
    heard, _ = asyncio.run(_ask_all(world, failing_share=0.0))
    assert len(heard) > 100
    kinds = set()
    for rail, account, secrets, request, status, headers, body in heard:
        now = int(time.time()) * MICRO
        delivery = Delivery(
            source=rail.source, account=rail.account, received_at=now, body=body,
            headers=(*((name.lower(), value) for name, value in headers), (STATUS, str(status))),
            via=Via.ASKED, request=request.payment, context=request.context,
        )  # fmt: skip
        source = SOURCES[rail.source]
        source.verify(delivery, secrets, now)
        told = source.translate(delivery, account, secrets)
        assert not isinstance(told, Unreadable)
        kinds |= {(rail.source, event.kind) for event in told}
        if rail.captured:
            assert any(event.kind is Kind.CAPTURE for event in told)
        else:
            assert not any(event.kind is Kind.CAPTURE for event in told)
    assert ("alipay", Kind.ABSENT) in kinds
    assert ("wechatpay", Kind.CANCEL) in kinds
    assert ("stripe", Kind.OPEN) in kinds


def test_a_failed_question_is_answered_at_the_second_try(world):
    async def run():
        async with serve(world, failing_share=1.0) as (base, platforms):
            account, secrets = accounts(world, base)["wechatpay", "hutong"]
            rail = next(
                rail for tale, _ in world.tales() for rail in tale.rails
                if (rail.source, rail.account) == ("wechatpay", "hutong")
            )  # fmt: skip
            now = int(time.time()) * MICRO
            request = wechatpay.query(rail.reference, account, secrets, now, "n" * 32)
            async with aiohttp.ClientSession() as session:
                first, *_ = await _ask(session, request)
                second, *_ = await _ask(session, request)
            return first, second, platforms.asked

    first, second, asked = asyncio.run(run())
    assert first == 500
    assert second in (200, 404)
    assert sum(asked.values()) == 2


def test_questions_without_credentials_are_refused(world):
    async def run():
        async with serve(world) as (base, _), aiohttp.ClientSession() as session:
            found = []
            for path in ("stripe/v1/payment_intents/pi_1",
                         "wechatpay/v3/pay/transactions/out-trade-no/x?mchid=1"):  # fmt: skip
                async with session.get(f"{base}/{path}") as response:
                    found.append(response.status)
            async with session.post(f"{base}/alipay/gateway.do", data={"app_id": "x"}) as response:
                found.append(response.status)
            return found

    assert asyncio.run(run()) == [401, 401, 401]


def test_unknown_payments_are_not_found(world):
    async def run():
        async with serve(world, failing_share=0.0) as (base, _):
            account, secrets = accounts(world, base)["stripe", "northlight"]
            request = stripe.query("pi_nobody", account, secrets, 0, "")
            async with aiohttp.ClientSession() as session:
                return await _ask(session, request)

    status, _, body = asyncio.run(run())
    assert status == 404
    assert b"resource_missing" in body
