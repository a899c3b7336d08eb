"""The fake terminal speaks as a real one: by another codec, over TCP, in every situation."""

import asyncio

import pytest

from tests.pos_messages import read
from tests.unit.runtime.rig import Clock, house_at
from tests.unit.testing.platforms.recorder import SECOND, Recorder
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.listening import Listening
from voidtrail.testing.platforms.fake import Situation, Step
from voidtrail.testing.platforms.pos import FakePos

NOW = 1_790_000_000 * SECOND
SETTINGS = """
[ledger]
path = "{path}"
[[account]]
source = "pos"
name = "main"
options = {{ order_field = "62" }}
[[listen]]
port = 0
"""


@pytest.fixture
def fake():
    return FakePos(seed=1)


@pytest.mark.parametrize("situation", FakePos.PLAYS, ids=lambda each: each.value)
def test_another_codec_reads_every_message(fake, situation):
    payment = fake.play(situation, "A1001", 12_30, NOW)
    for notice in fake.take():
        fields = read(notice.body)
        assert (fields[4], fields[49]) == ("000000001230", "156")
        assert f"{fields[41]}-{fields[42]}-{fields[60][2:8]}" == payment.reference[:-7]


def test_a_reversal_has_the_trace_number_of_what_it_reverses(fake):
    payment = fake.play(Situation.VOID_UNDONE, "A1001", 12_30, NOW)
    trace, void = payment.reference[-6:], payment.ids["void"]
    found = [(n.body[11:13].hex(), read(n.body)[11]) for n in fake.take()]
    assert found == [("0200", trace), ("0210", trace), ("0200", void), ("0210", void),
                     ("0400", void), ("0410", void)]  # fmt: skip


def test_what_is_not_possible_does_not_happen(fake):
    payment = fake.open("A1", 100, NOW)
    assert not fake.do(payment, Step.VOID, NOW)
    assert fake.do(payment, Step.DECLINE, NOW)


def test_a_sale_that_is_voided_and_restored_can_be_voided_again(fake):
    payment = fake.play(Situation.VOID_UNDONE, "A1001", 12_30, NOW)
    assert fake.do(payment, Step.VOID, NOW + 999 * SECOND)
    recorder = Recorder(fake)
    recorder.listen()
    assert recorder.verdict(payment.reference, NOW + 9999 * SECOND).state == "cancelled"


def test_messages_reach_a_listener_over_tcp(fake, tmp_path):
    (tmp_path / "voidtrail.toml").write_text(SETTINGS.format(path=tmp_path / "v.db"), "utf-8")
    for number, situation in enumerate(fake.PLAYS):
        fake.play(situation, f"A{number}", 100 + number, NOW)

    async def happen(house):
        intake = Intake(house.ledger, house.clock)
        listening = Listening(house, intake)
        ((host, port),) = await listening.start()
        sent = await fake.send(host, port)
        while listening.counts["messages"] < sent:
            await asyncio.sleep(0.01)
        await listening.close()
        await intake.close()
        return sent

    with house_at(tmp_path, Clock(NOW + 60 * SECOND)) as house:
        sent = asyncio.run(happen(house))
        assert len(list(house.ledger.deliveries())) == sent
        orders = house.ledger.db.execute("SELECT text FROM order_name").fetchall()
        assert len(orders) == len(fake.PLAYS)
