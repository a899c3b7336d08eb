"""One chunk of news for everybody, without a queue for anybody."""

import asyncio
import re

import pytest

from voidtrail.web import hub as hubs
from voidtrail.web.hub import Batch, Client, Hub, Row


class Store:
    """News that a test adds to; counts how often it was read."""

    def __init__(self, page=3):
        self.numbers: list[int] = []
        self.page_max = page
        self.reads: list[tuple[int, tuple[str, ...]]] = []
        self.pages = 0

    def add(self, *numbers):
        self.numbers += numbers

    def _rows(self, numbers, languages):
        return [Row(no, {each: f"[{each} {no}]".encode() for each in languages}) for no in numbers]

    async def newest(self):
        return self.numbers[-1] if self.numbers else 0

    async def read(self, after, languages):
        self.reads.append((after, tuple(languages)))
        await asyncio.sleep(0)
        found = [no for no in self.numbers if no > after]
        return Batch(self._rows(found, languages), found[-1] if found else after)

    async def page(self, after, languages):
        self.pages += 1
        await asyncio.sleep(0)
        found = [no for no in self.numbers if no > after][: self.page_max]
        return Batch(self._rows(found, languages), found[-1] if found else after)


class Listener:
    """A client that writes down what it is sent, or takes nothing while `stuck`."""

    def __init__(self, hub, language="en", since=None):
        self.sent: list[bytes] = []
        self.free = asyncio.Event()
        self.free.set()
        self.aborted = False
        self.client = Client(language, self._send, self._abort)
        self.task = asyncio.ensure_future(hub.listen(self.client, since))

    async def _send(self, body):
        await self.free.wait()
        self.sent.append(body)

    def _abort(self):
        self.aborted = True
        self.free.set()

    @property
    def numbers(self):
        return [int(no) for no in re.findall(rb"\[\w+ (\d+)\]", b"".join(self.sent))]

    async def end(self):
        self.client.gone = True
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(hubs, "TICK_S", 0.005)


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


def played(test):
    def run():
        async def happen():
            store = Store()
            hub = Hub(store.read, store.page, store.newest)
            await test(store, hub)
            await hub.close()

        asyncio.run(happen())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@played
async def test_clients_are_told_in_their_language_by_one_and_the_same_bytes(store, hub):
    store.add(1, 2)
    several = [Listener(hub) for _ in range(3)] + [Listener(hub, "zh_CN")]
    await until(lambda: len(store.reads) > 2)
    store.add(3, 4)
    await until(lambda: all(each.numbers == [3, 4] for each in several))
    assert several[0].sent[-1] is several[1].sent[-1] is several[2].sent[-1]
    assert b"".join(several[3].sent) == b"[zh_CN 3][zh_CN 4]"


@played
async def test_who_comes_back_is_told_what_came_meanwhile_once_and_in_order(store, hub):
    store.add(*range(1, 21))
    stays = Listener(hub)
    await until(lambda: len(store.reads) > 2)
    back = Listener(hub, since=4)
    await until(lambda: back.numbers == list(range(5, 21)))
    assert store.pages == 6, "from the store, in pages"
    store.add(21, 22, 23)
    await until(lambda: back.numbers == list(range(5, 24)))
    again = Listener(hub, since=21)
    await until(lambda: again.numbers == [22, 23])
    assert store.pages == 6, "from the ring"
    assert stays.numbers == [21, 22, 23]


@played
async def test_a_number_in_the_middle_of_a_chunk_gets_only_its_end(store, hub):
    first = Listener(hub)
    await until(lambda: store.reads)
    store.add(1, 2, 3)
    await until(lambda: first.numbers == [1, 2, 3])
    second = Listener(hub, since=2)
    await until(lambda: second.numbers == [3])


@played
async def test_a_number_that_was_never_given_starts_with_the_present(store, hub):
    store.add(1, 2)
    client = Listener(hub, since=900)
    await until(lambda: len(store.reads) > 2)
    store.add(3)
    await until(lambda: client.numbers == [3])


@played
async def test_a_client_that_fell_behind_catches_up_without_a_gap(store, hub):
    quick, slow = Listener(hub), Listener(hub)
    await until(lambda: store.reads)
    slow.free.clear()
    for no in range(1, 40):
        store.add(no)
        await until(lambda no=no: quick.numbers[-1:] == [no])
    slow.free.set()
    await until(lambda: slow.numbers == list(range(1, 40)))
    assert not slow.aborted


def test_a_client_that_takes_nothing_is_cut_off_and_costs_the_others_nothing(monkeypatch):
    monkeypatch.setattr(hubs, "SLOW_S", 0.05)

    @played
    async def happen(store, hub):
        quick, stuck = Listener(hub), Listener(hub)
        await until(lambda: store.reads)
        stuck.free.clear()
        store.add(1, 2)
        await until(lambda: stuck.aborted)
        store.add(3)
        await until(lambda: quick.numbers == [1, 2, 3])
        await stuck.task
        assert (hub.clients, hub.counts["dropped"]) == (1, 1)

    happen()


def test_a_client_further_behind_than_the_ring_is_cut_off(monkeypatch):
    monkeypatch.setattr(hubs, "RING_MAX", 5)

    @played
    async def happen(store, hub):
        quick, stuck = Listener(hub), Listener(hub)
        await until(lambda: store.reads)
        stuck.free.clear()
        for no in range(1, 30):
            store.add(no)
            await until(lambda no=no: quick.numbers[-1:] == [no])
        stuck.free.set()
        await until(lambda: stuck.aborted)
        assert stuck.numbers == list(range(1, len(stuck.numbers) + 1)), "what it had is a start"
        back = Listener(hub, since=stuck.numbers[-1])
        await until(lambda: back.numbers[-1:] == [29])
        assert stuck.numbers + back.numbers == list(range(1, 30))

    happen()


@played
async def test_a_language_that_nobody_spoke_yet_costs_no_client_a_row(store, hub):
    english = Listener(hub)
    await until(lambda: store.reads)
    store.add(1, 2)
    await until(lambda: english.numbers == [1, 2])
    chinese = Listener(hub, "zh_CN", since=0)
    store.add(3)
    await until(lambda: chinese.numbers == [1, 2, 3])
    await until(lambda: english.numbers == [1, 2, 3])


def test_silence_is_broken_by_a_heartbeat(monkeypatch):
    monkeypatch.setattr(hubs, "BEAT_S", 0.02)

    @played
    async def happen(store, hub):
        client = Listener(hub)
        await until(lambda: client.sent.count(hubs.HEARTBEAT) > 2)

    happen()


def test_a_reading_that_fails_is_tried_again_from_where_it_was(monkeypatch):
    monkeypatch.setattr(hubs, "_RETRY_S", 0.01)

    @played
    async def happen(store, hub):
        client = Listener(hub)
        await until(lambda: store.reads)
        read, failures = store.read, iter([OSError("busy")])

        async def failing(after, languages):
            for error in failures:
                raise error
            return await read(after, languages)

        hub._read = failing
        store.add(1)
        await until(lambda: client.numbers == [1])

    happen()


@played
async def test_nobody_is_read_for_when_nobody_listens(store, hub):
    client = Listener(hub)
    await until(lambda: store.reads)
    await client.end()
    await until(lambda: hub._task is None)
    store.add(1, 2)
    again = Listener(hub, since=0)
    await until(lambda: again.numbers == [1, 2])


@played
async def test_closing_ends_every_stream(store, hub):
    several = [Listener(hub), Listener(hub, "zh_CN")]
    await until(lambda: store.reads)
    await hub.close()
    async with asyncio.timeout(5):
        await asyncio.gather(*(each.task for each in several))
    late = Listener(hub)
    await late.task
