"""Terminals' messages over TCP: kept before more is read, masked, and only from who may send."""

import asyncio
from contextlib import suppress

import pytest
from msgspec import structs
from structlog.testing import capture_logs

from tests.pos_messages import PAN, sale, terminal, void
from tests.unit.runtime.rig import Clock, house_at
from voidtrail.errors import LedgerStopped
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.inlets import ListenSettings
from voidtrail.runtime.listening import Listening, _may_send
from voidtrail.runtime.retranslate import Rereader

SETTINGS = """
[ledger]
path = "{path}"
[[account]]
source = "pos"
name = "main"
secrets = {{ card_key = "env:STRIPE_KEY" }}
[[listen]]
port = 0
connections_max = 2
frame_deadline_s = 0.3
idle_s = 5
"""
TRACK2 = PAN + "D28062013949031013"


@pytest.fixture
def house(tmp_path):
    (tmp_path / "voidtrail.toml").write_text(SETTINGS.format(path=tmp_path / "v.db"), "utf-8")
    with house_at(tmp_path, Clock()) as house:
        yield house


def framed(*messages):
    return b"".join(len(message).to_bytes(2, "big") + message for message in messages)


def heard(house, conversation):
    """Let a conversation with the listener happen; return what it counted."""

    async def happen():
        intake = Intake(house.ledger, house.clock)
        listening = Listening(house, intake)
        ((host, port),) = await listening.start()
        try:
            await conversation(lambda: asyncio.open_connection(host, port), listening)
        finally:
            await listening.close()
            await intake.close()
        return listening.counts

    with capture_logs():
        return asyncio.run(happen())


def says(*chunks, rest_s=0.0):
    """A terminal that sends chunks, then ends its side and waits for the other to end."""

    async def conversation(connect, _listening):
        reader, writer = await connect()
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(rest_s)
        writer.write_eof()
        assert await reader.read() == b"", "nothing is ever sent back"
        writer.close()

    return conversation


def bodies(house):
    reader = Rereader(house, "pos", "main")
    return [reader.delivery(row).body for row in house.ledger.deliveries() if row.sealed]


def test_messages_are_kept_masked_and_judged(house):
    story = [sale(d35=TRACK2), sale("0210", d39="00"), void(), void("0210", d39="00")]
    counts = heard(house, says(framed(*story)))
    assert (counts["messages"], counts["noise"]) == (4, 0)
    kept = bodies(house)
    assert [len(body) for body in kept] == [len(body) for body in story]
    assert not [body for body in kept if PAN in body.hex()]
    (verdict,) = house.ledger.db.execute(
        "SELECT v.state, v.captured FROM verdict v JOIN payment p USING (payment_id)"
    )
    assert verdict == (2, 0)
    assert house.ledger.db.execute("SELECT count(*) FROM subject").fetchone() == (1,)


def test_no_clear_card_number_is_in_the_file(house, tmp_path):
    """Not even of what cannot be read: in a table, in the write-ahead log, in a message."""
    broken = b"\x60" + bytes(10) + b"\x02\x00" + bytes.fromhex(PAN)
    heard(house, says(framed(sale(d35=TRACK2, d62=PAN)), framed(broken), bytes.fromhex(PAN)))
    house.ledger.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for body in bodies(house):
        assert PAN not in body.hex()
    assert len(bodies(house)) == 3
    written = (tmp_path / "v.db").read_bytes()
    assert PAN.encode() not in written
    assert bytes.fromhex(PAN) not in written


def test_half_frames_are_put_together(house):
    stream = framed(sale(), sale("0210", d39="00"))
    counts = heard(house, says(*(stream[at : at + 40] for at in range(0, len(stream), 40)),
                               rest_s=0.01))  # fmt: skip
    assert (counts["messages"], counts["noise"], counts["late"]) == (2, 0, 0)


def test_the_end_in_the_middle_of_a_frame_is_quarantined(house):
    counts = heard(house, says(framed(sale()) + framed(void())[:30]))
    assert (counts["messages"], counts["noise"]) == (1, 1)
    assert [row.outcome for row in house.ledger.deliveries()] == [0, 1]


def test_keys_and_echoes_are_counted_and_not_kept(house):
    counts = heard(house, says(framed(terminal("0800", "00"), sale(), terminal("0500", "00"))))
    assert (counts["ignored"], counts["messages"]) == (2, 1)
    assert len(list(house.ledger.deliveries())) == 1


def test_who_sends_a_frame_drop_by_drop_is_cut_off(house):
    async def conversation(connect, listening):
        reader, writer = await connect()
        for byte in framed(sale())[:40]:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.03)
            if reader.at_eof() or listening.counts["late"]:
                break
        assert await asyncio.wait_for(reader.read(), 5) == b""
        assert listening.counts["late"] == 1
        writer.close()

    assert heard(house, conversation)["noise"] == 1


def test_who_sends_nothing_may_stay_while_a_frame_is_not_begun(house):
    async def conversation(connect, listening):
        _, writer = await connect()
        await asyncio.sleep(0.5)
        writer.write(framed(sale()))
        await writer.drain()
        while not listening.counts["messages"]:
            await asyncio.sleep(0.01)
        writer.close()

    assert heard(house, conversation)["late"] == 0


def test_more_connections_than_allowed_are_refused(house):
    async def conversation(connect, listening):
        first = [await connect() for _ in range(2)]
        while listening.counts["connections"] < 2:
            await asyncio.sleep(0.01)
        reader, writer = await connect()
        assert await asyncio.wait_for(reader.read(), 5) == b""
        for each in (writer, *(writer for _, writer in first)):
            each.close()

    counts = heard(house, conversation)
    assert (counts["connections"], counts["refused"]) == (2, 1)


def test_a_connection_of_nothing_but_noise_is_closed(house):
    async def conversation(connect, _listening):
        reader, writer = await connect()
        with suppress(ConnectionError):
            for _ in range(2000):
                writer.write(b"\xff" * 4096)
                await writer.drain()
                await asyncio.sleep(0)
        with suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()

    assert heard(house, conversation)["noise"] <= 32


def test_a_stopped_ledger_ends_the_connection(house):
    async def conversation(connect, listening):
        listening._intake.stopped = LedgerStopped("the disk is full")
        reader, writer = await connect()
        writer.write(framed(sale()))
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()

    heard(house, conversation)
    assert list(house.ledger.deliveries()) == []


@pytest.mark.parametrize(
    ("peer", "allowed"),
    [(("127.0.0.1", 1), True), (("::1", 1, 0, 0), True), (("10.1.2.3", 1), True),
     (("::ffff:10.1.2.3", 1, 0, 0), True), (("10.2.0.1", 1), False), ((), False), (None, False),
     (("fe80::1%eth0", 1, 0, 2), False)],
)  # fmt: skip
def test_only_this_machine_and_named_networks_may_send(peer, allowed):
    settings = ListenSettings(port=1, host="0.0.0.0", allow=("10.1.0.0/16",))
    assert _may_send(settings, peer or ("",)) == allowed
    assert not _may_send(structs.replace(settings, allow=()), ("8.8.8.8", 1))
