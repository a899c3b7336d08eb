"""Every fake platform is what its source takes for the real one."""

import pytest

from tests.unit.testing.platforms.recorder import DAY, SECOND, Recorder
from voidtrail.event.model import Deed, Kind, Result, Verb
from voidtrail.sources.registry import SOURCES
from voidtrail.testing import contract
from voidtrail.testing.platforms.fake import Situation
from voidtrail.testing.platforms.registry import FAKES

START = 1_790_000_000 * SECOND
MINUTE = 60 * SECOND
PLAYED = [
    pytest.param(name, each, id=f"{name}-{each.value}")
    for name, fake in sorted(FAKES.items())
    for each in fake.PLAYS
]
NAMES = sorted(FAKES)


def _played(name, situation):
    fake = FAKES[name](seed=7)
    payment = fake.play(situation, "ORDER-1", 12_300, START)
    return fake, payment


@pytest.mark.parametrize("name", NAMES)
def test_fake_speaks_for_a_registered_source_and_knows_each_situation_that_it_plays(name):
    fake = FAKES[name]
    assert name == fake.SOURCE
    assert name in SOURCES
    assert set(fake.KNOWN) == set(fake.PLAYS)
    assert set(fake.ASKED) <= set(fake.PLAYS)
    assert {Situation.PAID, Situation.LEFT} <= set(fake.PLAYS)


@pytest.mark.parametrize(
    ("name", "situation"), PLAYED, ids=lambda each: getattr(each, "value", each)
)
def test_notices_and_one_question_lead_to_what_there_is_to_know(name, situation):
    fake, payment = _played(name, situation)
    recorder = Recorder(fake)
    for notice in fake.take():
        events = recorder.hear(fake.delivery(notice, "main", notice.at + SECOND))
        if any(event.kind is Kind.NUDGE for event in events):
            recorder.ask(payment.reference, notice.at + 2 * SECOND)
    assert recorder.learn(payment, START + DAY) == fake.KNOWN[situation]


@pytest.mark.parametrize(
    ("name", "situation"), PLAYED, ids=lambda each: getattr(each, "value", each)
)
def test_question_recovers_what_lost_notices_said(name, situation):
    fake, payment = _played(name, situation)
    fake.take()
    recorder = Recorder(fake)
    if recorder.ask(payment.reference, START + DAY) is None:
        pytest.skip(f"{name} cannot be asked")
    known = fake.ASKED.get(situation, fake.KNOWN[situation])
    assert recorder.learn(payment, START + DAY) == known


@pytest.mark.parametrize(
    ("name", "situation"), PLAYED, ids=lambda each: getattr(each, "value", each)
)
def test_any_order_and_repetition_of_notices_leads_to_the_same(name, situation):
    fake, payment = _played(name, situation)
    recorder, notices = Recorder(fake), fake.take()
    for notice in [*reversed(notices), *notices]:
        events = recorder.hear(fake.delivery(notice, "main", START + DAY))
        if any(event.kind is Kind.NUDGE for event in events):
            recorder.ask(payment.reference, START + DAY)
    assert recorder.learn(payment, START + DAY) == fake.KNOWN[situation]


@pytest.mark.parametrize("name", NAMES)
def test_every_notice_is_genuine_and_no_forgery_of_it_is(name):
    fake = FAKES[name](seed=3)
    recorder = Recorder(fake)
    for number, situation in enumerate(fake.PLAYS):
        fake.play(situation, f"ORDER-{number}", 12_300, START)
    for notice in fake.take()[:6]:
        delivery = fake.delivery(notice, "main", START)
        recorder.hear(delivery)
        if not SOURCES[name].CAPABILITIES.signed:
            continue
        for why, forged in contract.forgeries(delivery):
            assert contract.is_refused(recorder.source, forged, recorder.secrets, START), why


@pytest.mark.parametrize("name", NAMES)
def test_orders_are_told_apart_and_amounts_are_exact(name):
    fake = FAKES[name](seed=5)
    recorder = Recorder(fake)
    for number, amount in enumerate((1, 999, 100_000_01)):
        payment = fake.play(Situation.PAID, f"ORDER-{number}", amount, START)
        events = recorder.listen()
        if not any(event.amount_minor for event in events):
            events += recorder.ask(payment.reference, START + DAY)
        taken = {e.amount_minor for e in events if e.kind is Kind.CAPTURE and e.amount_minor}
        assert taken == {amount}
        assert {event.order for event in events if event.order} == {f"ORDER-{number}"}


@pytest.mark.parametrize("name", NAMES)
def test_unknown_payment_is_absent(name):
    recorder = Recorder(FAKES[name](seed=1))
    like = recorder.fake.open("ORDER-1", 100, START).reference
    del recorder.fake.payments[like]
    events = recorder.ask(like, START)
    if events is not None:
        assert [(event.kind, event.payment) for event in events] == [(Kind.ABSENT, like)]


@pytest.mark.parametrize("verb", [Verb.CLOSE, Verb.VOID, Verb.REFUND], ids=lambda verb: verb.value)
@pytest.mark.parametrize("name", NAMES)
def test_what_the_source_can_do_the_platform_does_once(name, verb):
    if not getattr(SOURCES[name].CAPABILITIES, verb.value):
        pytest.skip(f"{name} does not {verb.value}")
    fake = FAKES[name](seed=2)
    recorder = Recorder(fake)
    play = {Verb.CLOSE: Situation.LEFT, Verb.VOID: Situation.REFUSED_CANCELLATION,
            Verb.REFUND: Situation.PAID}[verb]  # fmt: skip
    if verb is Verb.VOID and play not in fake.PLAYS:
        pytest.skip(f"{name} holds nothing")
    payment = fake.play(play, "ORDER-1", 12_300, START)
    told = [event for event in recorder.listen() if event.kind in (Kind.CAPTURE, Kind.AUTHORISE)]
    operation = next((event.operation for event in reversed(told) if event.operation), "")
    deed = Deed(verb=verb, payment=payment.reference, key="k-0001", operation=operation,
                currency=fake.CURRENCY, order="ORDER-1", amount_minor=None,
                total_minor=12_300)  # fmt: skip
    if verb is Verb.REFUND:
        deed = Deed(verb=verb, payment=payment.reference, key="k-0001", operation=operation,
                    currency=fake.CURRENCY, order="ORDER-1", amount_minor=12_300)  # fmt: skip
    answered = recorder.tell(deed, START + 10 * MINUTE)
    assert answered, "the capability is stated but no request is made"
    again = recorder.tell(deed, START + 10 * MINUTE + SECOND)
    assert again
    if verb is Verb.REFUND:
        assert payment.returned == 12_300
        assert len(payment.refunds) == 1
    else:
        assert payment.status == "closed"
    recorder.listen()
    if not recorder.source.CAPABILITIES.signed:
        recorder.ask(payment.reference, START + 20 * MINUTE)
    verdict = recorder.verdict(payment.reference, START + DAY)
    assert verdict.state == "cancelled"
    assert verdict.money == ("returned" if verb is Verb.REFUND else "none")


@pytest.mark.parametrize(("name", "situation"), PLAYED)
def test_answer_about_what_is_not_over_says_so_as_of_the_question(name, situation):
    """Else it would be asked about again and again, and silence could never decide."""
    fake, payment = _played(name, situation)
    recorder = Recorder(fake)
    at = START + DAY
    events = recorder.ask(payment.reference, at)
    if events is None or payment.status not in ("open", "held"):
        return
    if any(event.kind is Kind.ABSENT for event in events):
        return
    over = {Kind.CANCEL, Kind.EXPIRE, Kind.VOID, Kind.REVERSE, Kind.REFUND, Kind.FINISH}
    held = any(e.kind is Kind.AUTHORISE and e.result is Result.SUCCEEDED for e in events)
    waits = any(e.kind is Kind.OPEN and e.occurred_at >= at - SECOND for e in events)
    assert waits or held or any(event.kind in over for event in events), events
