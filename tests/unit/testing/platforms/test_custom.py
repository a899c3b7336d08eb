"""The fake acquirer speaks as its description says."""

import json

from tests.unit.testing.platforms.recorder import Recorder
from voidtrail.event.model import Kind
from voidtrail.sources.custom.description import parse_description
from voidtrail.testing.platforms.custom import DESCRIPTION, FakeCustom
from voidtrail.testing.platforms.fake import Situation, Step

NOW = 1_790_000_000_000_000


def test_every_word_of_it_is_described():
    fake, known = FakeCustom(seed=1), parse_description(DESCRIPTION)
    for number, situation in enumerate(fake.PLAYS):
        fake.play(situation, f"A{number}", 100, NOW)
    said = {(m["tradeType"], m["tradeState"]) for m in (json.loads(n.body) for n in fake.take())}
    assert {"/".join(words) for words in said} <= set(known.status)


def test_an_attempt_has_a_number_of_its_own_and_a_part_may_go_back():
    fake = FakeCustom(seed=1)
    recorder = Recorder(fake)
    payment = fake.play(Situation.DECLINED_THEN_PAID, "A", 100, NOW)
    fake.do(payment, Step.REFUND, NOW, 30)
    events = recorder.listen()
    operations = [event.operation for event in events if event.operation]
    assert len(set(operations)) == len(operations) == 3
    assert events[-1].kind is Kind.REFUND
    assert recorder.verdict("A", NOW + 10**9).money == "partly_returned"
