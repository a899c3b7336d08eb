"""Carrying out questions: an answer is a delivery, an absence of one is a note of ours."""

import asyncio
import json
import ssl
from datetime import UTC, datetime

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from msgspec import structs
from structlog.testing import capture_logs

from tests import signers
from tests.unit.runtime.rig import NOW, Clock, event, house_at, put
from voidtrail.event.model import STATUS, Delivery, Kind, Request, Via
from voidtrail.ledger.contract import QUARANTINED, UNDERSTOOD
from voidtrail.ledger.keys import WrappedKey
from voidtrail.runtime.envelope import unpack
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.manners import Circuit
from voidtrail.runtime.poll import Asker, circuits
from voidtrail.runtime.settings import Worker

INTENT = {
    "id": "pi_1",
    "object": "payment_intent",
    "status": "requires_payment_method",
    "amount": 500,
    "currency": "cny",
    "created": NOW // 1_000_000,
    "livemode": True,
}


@pytest.fixture
def house(tmp_path):
    with house_at(tmp_path, Clock()) as house:
        settings = house.settings
        yield house._replace(settings=_with(settings, Worker(ask_timeout_s=0.5, ask_at_once=2)))


def _with(settings, worker):
    return type(settings)(server=settings.server, ledger=settings.ledger, worker=worker,
                          account=settings.account)  # fmt: skip


class Elsewhere:
    """Stripe, but its questions go to the test."""

    def __init__(self, source, url):
        self._source, self._url = source, url

    def __getattr__(self, name):
        return getattr(self._source, name)

    def query(self, reference, account, secrets, now, nonce):
        asked = self._source.query(reference, account, secrets, now, nonce)
        return asked and Request(method=asked.method, url=f"{self._url}/{reference}",
                                 payment=reference, headers=asked.headers)  # fmt: skip


def asked(house, answer, references=("pi_1",), note=False):
    """Ask about payments; return what was made of the answers, and the requests that came."""
    came = []

    async def serve(request):
        came.append(request)
        return await answer(request)

    async def happen():
        app = web.Application()
        app.router.add_get("/{reference}", serve)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        entry = house.entry("stripe", "main")
        entry = entry._replace(source=Elsewhere(entry.source, f"http://{host}:{port}"))
        intake = Intake(house.ledger, house.clock)
        asker = Asker(house, intake)
        try:
            if note:
                await asker.note_silence(entry, references[0], 5)
            return await asyncio.gather(*(asker.ask(entry, each) for each in references))
        finally:
            await asker.close()
            await intake.close()
            await runner.cleanup()

    with capture_logs() as logs:
        found = asyncio.run(happen())
    return found, came, logs


async def waits(request):
    return web.json_response({**INTENT, "id": request.match_info["reference"]})


def test_an_answer_is_kept_like_a_push_with_the_question_beside_it(house):
    found, came, logs = asked(house, waits)
    assert (found, logs) == ([True], [])
    assert came[0].headers["Authorization"] == "Bearer sk_1"
    (row,) = house.ledger.deliveries()
    assert (row.via, row.outcome) == (Via.ASKED, 0)
    key = house.ledger.db.execute("SELECT no, subject, retention, wrapped FROM data_key").fetchone()
    house.keyring.unwrap(WrappedKey(*key))
    plain = house.keyring.open(row.key_no, row.sealed, row.digest)
    told = unpack(plain, source="stripe", account="main", received_at=NOW, via=row.via)
    assert told.request == "pi_1"
    assert told.header(STATUS) == "200"
    assert b"requires_payment_method" in told.body
    asked_at = house.ledger.db.execute("SELECT asked_at, life_at FROM payment").fetchone()
    assert asked_at == (NOW, None), "an answer is never a sign of the customer's life"


@pytest.mark.parametrize("more", [{"status": 500}, {"body": b"x" * 1_048_577}])
def test_a_platform_that_breaks_has_not_answered(house, more):
    async def breaks(request):
        return web.Response(**more)

    found, _, logs = asked(house, breaks)
    assert found == [False]
    assert [log["code"] for log in logs] == ["platform_unavailable"]
    assert list(house.ledger.deliveries()) == []


def test_an_answer_that_comes_in_pieces_is_read_to_its_end(house):
    async def slowly(request):
        response = web.StreamResponse()
        await response.prepare(request)
        body = json.dumps(INTENT).encode()
        for start in range(0, len(body), 40):
            await response.write(body[start : start + 40])
            await asyncio.sleep(0.01)
        return response

    assert asked(house, slowly)[0] == [True]
    assert [row.outcome for row in house.ledger.deliveries()] == [UNDERSTOOD]


def test_a_platform_that_hangs_is_given_up_in_time(house):
    async def hangs(request):
        await asyncio.sleep(3)
        return web.Response()

    assert asked(house, hangs)[0] == [False]


def test_a_redirect_is_never_followed(house):
    async def away(request):
        raise web.HTTPFound("/elsewhere")

    found, came, _ = asked(house, away)
    assert (found, len(came)) == ([False], 1)


def test_an_error_that_only_the_platform_understands_is_kept_but_answers_nothing(house):
    async def confused(request):
        return web.json_response({"error": {"code": "rate_limit", "type": "x"}}, status=429)

    found, _, _ = asked(house, confused)
    assert found == [False]
    assert len(list(house.ledger.deliveries())) == 1


def test_an_answer_that_cannot_be_read_answers_nothing(house):
    async def garbled(request):
        return web.Response(body=b"<html>")

    found, _, _ = asked(house, garbled)
    assert found == [False]
    assert [row.outcome for row in house.ledger.deliveries()] == [QUARANTINED]


def test_what_a_source_cannot_ask_is_not_asked(house):
    found, came, _ = asked(house, waits, references=["in_1"])
    assert (found, came) == ([False], [])


def test_only_so_many_questions_are_under_way_at_one_time(house):
    under_way, most = 0, 0

    async def slow(request):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        return await waits(request)

    found, _, _ = asked(house, slow, references=[f"pi_{n}" for n in range(8)])
    assert found == [True] * 8
    assert most == 2


def test_our_own_note_is_not_the_platforms_word(house):
    async def breaks(request):
        return web.Response(status=500)

    asked(house, breaks, note=True)
    mover, home, at = house.ledger.db.execute(
        "SELECT mover_no, home_no, asked_at FROM payment"
    ).fetchone()
    assert mover is None, "nobody who holds the money has spoken"
    assert (home, at) == (house.homes["stripe/main"], NOW)


def test_the_answer_to_a_nudge_says_that_it_is_one(house):
    put(house, event(Kind.NUDGE, at=NOW - 1, life=False))

    async def nudged():
        intake = Intake(house.ledger, house.clock)
        asker = Asker(house, intake)
        asker._carry_out = answers
        try:
            return await asker.ask(house.entry("stripe", "main"), "pi_1", nudged=True)
        finally:
            await intake.close()

    async def answers(entry, request):
        return Delivery(source="stripe", account="main", received_at=NOW, via=Via.ASKED,
                        body=json.dumps(INTENT).encode(), request="pi_1")  # fmt: skip

    assert asyncio.run(nudged())
    row = house.ledger.db.execute("SELECT nudged_at, answered_at, life_at FROM payment").fetchone()
    assert row == (NOW, NOW, None)


def test_a_platform_that_fails_five_times_is_given_up_and_that_is_on_record(house):
    async def breaks(request):
        return web.Response(status=502)

    found, came, _ = asked(house, breaks, tuple(f"pi_{n}" for n in range(6)))
    assert (found, len(came)) == ([False] * 6, 6)
    assert json.loads(house.ledger.last_control("circuit")) == {
        "account": "stripe/main", "circuit": "open", "failures": 5,
    }  # fmt: skip
    assert circuits(house) == {"stripe/main": Circuit.OPEN}
    asked(house, waits)
    assert circuits(house) == {}, "an answer closes it again, in the next process too"


def test_redirects_are_not_followed(house):
    async def away(request):
        raise web.HTTPFound("/pi_1")

    found, came, _ = asked(house, away)
    assert (found, len(came)) == ([False], 1)


def test_a_platform_is_believed_only_with_the_pinned_certificate(house, tmp_path):
    own, other = certificate(tmp_path, "own"), certificate(tmp_path, "other")

    async def ask(pinned):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(own)
        app = web.Application()
        app.router.add_get("/v1/payment_intents/{reference}", waits)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        port = runner.addresses[0][1]
        entry = house.entry("stripe", "main")
        options = {"api_base": f"https://localhost:{port}", "pinned_certificate": pinned}
        entry = entry._replace(account=structs.replace(entry.account, options=options))
        intake = Intake(house.ledger, house.clock)
        asker = Asker(house, intake)
        try:
            return await asker.ask(entry, "pi_1")
        finally:
            await asker.close()
            await intake.close()
            await runner.cleanup()

    with capture_logs() as logs:
        assert asyncio.run(ask(str(own))), logs
        assert asyncio.run(ask(own.read_text("utf-8").partition("-----BEGIN RSA")[0])), logs
        assert not asyncio.run(ask(str(other)))


def certificate(folder, name):
    """A certificate for localhost with its key in one file."""
    key = signers.rsa_key(name)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    built = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
        .public_key(key.public_key()).serial_number(7 if name == "own" else 8)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / f"{name}.pem"
    pem = built.public_bytes(serialization.Encoding.PEM).decode()
    path.write_text(pem + signers.private_pem(key), "utf-8")
    return path
