"""Small worlds: the auditor agrees with the truth, and the sources understand every letter."""

import time

import pytest

from voidtrail.event.model import Unreadable
from voidtrail.sources import alipay, stripe, wechatpay
from voidtrail.testing.world.auditor import audit
from voidtrail.testing.world.behaviour import BEHAVIOURS
from voidtrail.testing.world.fact import Said
from voidtrail.testing.world.small import accounts, arrivals, ask, asked, small_world

SOURCES = {"stripe": stripe, "alipay": alipay, "wechatpay": wechatpay}


def _conclusions(world):
    """Audit every order from what arrives and what is answered."""
    for key, notices in world.notices().items():
        yield key, audit(notices, world.settings.judged_at)


def _assert_agreement(world):
    truths = {(order.shop, order.order): order for order in world.truth.orders}
    assert set(truths) == set(world.notices())
    for key, concluded in _conclusions(world):
        order = truths[key]
        assert (concluded.switched, concluded.double_paid) == (order.switched, order.double_paid)
        by_name = {name: one for one in concluded.payments for name in one.names}
        assert len(concluded.payments) == len(order.payments), order
        for payment in order.payments:
            one = by_name[payment.reference]
            assert (one.state, one.how, one.actor, one.money, one.captured_minor,
                    one.returned_minor, one.explicit) == (
                payment.state, payment.how, payment.actor, payment.money, payment.captured_minor,
                payment.returned_minor, payment.explicit), order  # fmt: skip


@pytest.mark.parametrize("behaviour", sorted(BEHAVIOURS))
def test_auditor_agrees_with_the_truth_of_each_behaviour(behaviour):
    for seed in range(25):
        _assert_agreement(small_world(seed, [behaviour] * 3))


def test_auditor_agrees_with_drawn_worlds():
    for seed in range(60):
        _assert_agreement(small_world(1000 + seed))


def test_without_questions_lost_notices_stay_hidden():
    world = small_world(3, ["lost_paid"] * 4)
    states = {
        one.state
        for notices in world.notices(asked=False).values()
        for one in audit(notices, world.settings.judged_at).payments
    }
    assert states == {"cancelled"}


@pytest.mark.parametrize("behaviour", sorted(BEHAVIOURS))
def test_sources_understand_every_letter_and_every_answer(behaviour):
    world = small_world(77, [behaviour] * 6)
    known = accounts(world, "http://127.0.0.1:1")
    everything = [*arrivals(world), *asked(world, world.settings.judged_at)]
    for arrival in everything:
        delivery = arrival.delivery
        source = SOURCES.get(delivery.source)
        if source is None:
            continue
        account, secrets = known[delivery.source, delivery.account]
        told = source.translate(delivery, account, secrets)
        assert not isinstance(told, Unreadable), (told, delivery.body)
        names = {event.payment for event in told} | {n for event in told for n in event.names}
        for notice in arrival.notices:
            if notice.said is not Said.OTHER:
                assert notice.payment in names


def test_thousands_of_small_worlds_a_minute():
    small_world(0)  # keys and imports
    began = time.process_time()
    for seed in range(40):
        list(arrivals(small_world(seed)))
    assert time.process_time() - began < 40 * 0.06  # a thousand a minute, with room for a busy CPU


def _one_rail(behaviour, source, seeds=range(200)):
    for seed in seeds:
        world = small_world(seed, [behaviour])
        ((tale, _),) = world.tales()
        if tale.rails[0].source == source:
            return world, tale.rails[0]
    raise AssertionError("no seed has it")


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_a_platform_answers_as_things_stand_at_the_instant_of_asking(source):
    world, rail = _one_rail("paid", source)
    paid_at = max(letter.sent_at for letter in rail.letters)
    before, after = (ask(rail, rail.reference, at) for at in (rail.opened_at, paid_at))
    assert [notice.said for notice in before.notices] != [Said.PAID]
    assert [notice.said for notice in after.notices] == [Said.PAID]
    assert before.delivery.body != after.delivery.body
    assert rail.as_of(world.settings.judged_at).captured == rail.captured > 0
    assert rail.as_of(rail.opened_at).captured == 0


def test_an_alipay_trade_closes_by_the_clock_alone():
    for seed in range(100):
        _, rail = _one_rail("closed_at_platform", "alipay", range(seed, 300))
        if rail.letters:
            continue
        waits, gone = (ask(rail, rail.reference, at)
                       for at in (rail.times_out_at - 1, rail.times_out_at))  # fmt: skip
        assert [notice.said for notice in waits.notices] == [Said.WAITING]
        assert b"WAIT_BUYER_PAY" in waits.delivery.body
        assert [notice.said for notice in gone.notices] == [Said.CLOSED]
        return
    raise AssertionError("no seed has it")


def test_an_intent_knows_nothing_of_its_session():
    worlds = (_one_rail("paid_after_decline", "stripe", range(seed, 300)) for seed in range(300))
    world, rail = next(each for each in worlds if each[1].is_checkout)
    now = world.settings.judged_at
    assert [notice.names for notice in ask(rail, rail.pi, now).notices] == [(rail.pi,)]
    assert set(ask(rail, rail.cs, now).notices[0].names) == {rail.pi, rail.cs}
