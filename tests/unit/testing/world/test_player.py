"""The player sends everything, sends again when the server is busy, and keeps exact records."""

import asyncio
from collections import Counter

from aiohttp import web

from voidtrail.testing.world.fact import Post
from voidtrail.testing.world.player import Player, play


def _posts(count):
    return [
        Post(n, n, n, "stripe", "a", f"/hooks/stripe/{n}", (("X-Signed", "old"),), b"{}" * n)
        for n in range(count)
    ]


def _serve(handler, run):
    async def main():
        app = web.Application()
        app.router.add_post("/hooks/{source}/{account}", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            host, port = runner.addresses[0][:2]
            return await run(f"http://{host}:{port}")
        finally:
            await runner.cleanup()

    return asyncio.run(main())


def test_everything_arrives_once_and_whole():
    seen: dict[int, bytes] = {}

    async def handler(request):
        seen[int(request.match_info["account"])] = await request.read()
        return web.Response(status=200, text="success")

    ends: list[int] = []
    playback = _serve(handler, lambda url: play(url, _posts(300), progress=ends.append))
    assert seen == {n: b"{}" * n for n in range(300)}
    assert sorted(playback.acknowledged) == list(range(300))
    assert playback.statuses == {200: 300}
    assert not playback.unexpected
    assert ends == list(range(1, 301))
    assert 0 < playback.latency_s(0.5) <= playback.latency_s(0.99)


def test_busy_means_again_and_refused_does_not():
    tries: Counter[int] = Counter()

    async def handler(request):
        number = int(request.match_info["account"])
        tries[number] += 1
        if number % 3 == 0 and tries[number] < 3:
            return web.Response(status=503, headers={"Retry-After": "0.01"})
        return web.Response(status=401 if number % 5 == 1 else 204)

    playback = _serve(handler, lambda url: Player(url, connections=4).play(_posts(20)))
    assert playback.busy == 14
    assert playback.statuses == {204: 16, 401: 4}
    assert {one.post.number for one in playback.unexpected} == {1, 6, 11, 16}
    assert max(tries.values()) == 3
    assert set(playback.acknowledged).isdisjoint({1, 6, 11, 16})


def test_chunked_answers_and_closing_servers_are_read():
    async def handler(request):
        if int(request.match_info["account"]) % 2:
            response = web.StreamResponse()
            response.enable_chunked_encoding()
            await response.prepare(request)
            await response.write(b"suc")
            await response.write(b"cess")
            await response.write_eof()
            return response
        return web.Response(text="success", headers={"Connection": "close"})

    playback = _serve(handler, lambda url: play(url, _posts(40), connections=3))
    assert playback.statuses == {200: 40}


def test_a_dead_server_is_given_up():
    told: list[Post] = []
    player = Player("http://127.0.0.1:9", connections=2, give_up_after_s=0.1,
                    on_acknowledged=told.append)  # fmt: skip
    playback = asyncio.run(player.play(_posts(2)))
    assert playback.statuses == {0: 2}
    assert playback.lost_connections >= 2
    assert not told


def test_old_signatures_are_made_anew(monkeypatch):
    seen = set()

    async def handler(request):
        seen.add(request.headers["X-Signed"])
        return web.Response()

    def resign(number, at):
        return Post(number, 0, 0, "stripe", "a", "/hooks/stripe/1", (("X-Signed", "new"),), b"")

    monkeypatch.setattr("voidtrail.testing.world.player._SIGNATURE_OLD_S", -1)
    _serve(handler, lambda url: play(url, _posts(5), resign=resign))
    assert seen == {"new"}
