"""Fakes over loopback HTTP: lies are told as ordered, questions answered, nothing is made up."""

import asyncio
import random

import aiohttp
import pytest
from aiohttp import web

from tests.unit.testing.platforms.recorder import ADDRESS, Recorder
from voidtrail.event.model import QUERY, STATUS, Delivery, Kind, Via
from voidtrail.sources.registry import SOURCES
from voidtrail.testing.platforms.fake import Notice, Situation
from voidtrail.testing.platforms.registry import FAKES
from voidtrail.testing.platforms.server import HONEST, Lies, carried, now, serve

NAMES = sorted(name for name in FAKES if SOURCES[name].CAPABILITIES.webhook)


class Door:
    """A recorder's address: takes what is posted, and answers as the source does."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.heard = []

    async def take(self, request):
        headers = tuple((name.lower(), value) for name, value in request.headers.items())
        if request.query_string:
            headers = (*headers, (QUERY, request.query_string))
        delivery = Delivery(source=self.recorder.fake.SOURCE, account="main", received_at=now(),
                            body=await request.read(), headers=headers)  # fmt: skip
        self.heard.append(self.recorder.hear(delivery))
        return web.Response(status=200)

    async def __aenter__(self):
        app = web.Application()
        app.router.add_post("/hooks/{source}/main", self.take)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0]
        return f"http://{host}:{port}/hooks/{self.recorder.fake.SOURCE}/main"

    async def __aexit__(self, *_):
        await self._runner.cleanup()


async def _carry(request, address):
    """Carry a question out as the asker does, once more after a 500; return the answer."""
    url = request.url.replace(ADDRESS, address)
    body, heads, status = b"", (), 500
    async with aiohttp.ClientSession() as session:
        for _ in range(2):
            async with session.request(request.method, url, headers=dict(request.headers),
                                       data=request.body or None) as said:  # fmt: skip
                body, status = await said.read(), said.status
                heads = tuple((name.lower(), value) for name, value in said.headers.items())
            if status != 500:
                break
    return Delivery(source="", account="main", received_at=now(), body=body, via=Via.ASKED,
                    headers=(*heads, (STATUS, str(status))), request=request.payment,
                    context=request.context)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_lying_platform_is_understood_over_http(name):
    async def scene():
        fake = FAKES[name](seed=4)
        lies = Lies(twice=0.5, reordered=0.5, failing=1.0)
        async with serve([fake], lies, seed=1) as (address, stage):
            recorder, door = Recorder(fake), None
            options = fake.options(f"{address}/{name}")
            recorder.account = type(recorder.account)(source=name, name="main", options=options)
            door = Door(recorder)
            payment = fake.play(Situation.PAID, "ORDER-1", 12_300, now() - 180_000_000)
            async with door as place:
                statuses = await stage.post(name, place)
            assert set(statuses) <= {200}
            request = recorder.source.query(payment.reference, recorder.account,
                                            recorder.secrets, now(), "0" * 32)  # fmt: skip
            if request is not None:
                answer = await _carry(request, address)
                recorder.hear(Delivery(**{**_fields(answer), "source": name}))
                assert stage.asked[name, 500] >= 1
            return recorder.verdict(payment.reference, now())

    assert asyncio.run(scene()) == FAKES[name].KNOWN[Situation.PAID]


def _fields(struct):
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def test_address_without_a_platform_is_not_found():
    async def scene():
        async with (
            serve([]) as (address, _),
            aiohttp.ClientSession() as session,
            session.get(f"{address}/stripe/v1/payment_intents/pi_1") as said,
        ):
            return said.status

    assert asyncio.run(scene()) == 404


def test_honest_platform_sends_everything_once_in_order():
    notices = [Notice(bytes([number]), number) for number in range(9)]
    assert carried(notices, HONEST, random.Random(1)) == notices


@pytest.mark.parametrize(
    ("lies", "check"),
    [
        (Lies(forgotten=1.0), lambda found, sent: found == []),
        (Lies(twice=1.0), lambda found, sent: len(found) == 2 * len(sent)),
        (Lies(reordered=1.0), lambda found, sent: found != sent and len(found) == len(sent)),
    ],
    ids=["forgotten", "twice", "reordered"],
)
def test_lies_are_told_as_ordered(lies, check):
    sent = [Notice(bytes([number]), number) for number in range(9)]
    assert check(carried(sent, lies, random.Random(1)), sent)


def test_late_notices_come_late():
    async def scene():
        fake = FAKES["stripe"](seed=4)
        fake.play(Situation.LEFT, "ORDER-1", 100, now())
        async with serve([fake], Lies(late_s=0.2), seed=1) as (_, stage):
            recorder = Recorder(fake)
            began = asyncio.get_running_loop().time()
            async with Door(recorder) as place:
                await stage.post("stripe", place)
            took = asyncio.get_running_loop().time() - began
        return took, [event.kind for _, found in recorder.told for event in found]

    took, kinds = asyncio.run(scene())
    assert took > 0.005
    assert kinds == [Kind.OPEN]
