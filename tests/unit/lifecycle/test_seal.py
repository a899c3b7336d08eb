"""What follows once a payment was called off: pure rules, and a case that is resolved once."""

import itertools

import pytest

from voidtrail.event.model import Verb
from voidtrail.event.reason import How
from voidtrail.lifecycle import seal
from voidtrail.lifecycle.seal import NotNow, Policy, Rule, Step
from voidtrail.lifecycle.verdict import VERDICT, Money, State, Verdict

NOW = 1_790_000_000_000_000
ON = Policy(late="ask", refunds="on", cap={"EUR": 500})


def verdict(state=State.CANCELLED, money=Money.NONE, sealed=0, **more):
    said = dict.fromkeys(VERDICT, 0) | {"state": state, "money": money, "sealed": sealed, **more}
    return Verdict(**said)


def case(*steps, amount=500, currency="EUR"):
    opened = step("opened", amount_minor=amount, currency=currency)
    found = None
    for each in (opened, *steps):
        found = seal.fold(found, each)
    return found


def step(what, by="", **more):
    return Step(payment="stripe/main/pi_1", what=what, at=NOW, by=by, **more)


def test_by_default_nothing_is_done_and_a_person_is_asked():
    policy = Policy()
    assert (policy.mode, policy.late, policy.refunds, policy.cap) == ("off", "ask", "dry_run", {})


def test_the_first_rule_that_fits_speaks():
    policy = Policy(mode="on", rules=(
        Rule(source=("alipay",), how=("abandoned",), mode="off", after_s=7),
        Rule(shop=("b",), late="refund"),
        Rule(late="honour"),
    ))  # fmt: skip
    assert policy.of("alipay", "b", "abandoned").mode == "off"
    assert policy.of("alipay", "b", "abandoned").after_s == 7
    assert policy.of("alipay", "b", "expired").late == "refund"
    assert policy.of("stripe", "a", "abandoned").late == "honour"
    assert policy.of("stripe", "a", "abandoned").mode == "on"


@pytest.mark.parametrize(
    ("found", "verb"),
    [
        (verdict(), Verb.CLOSE),
        (verdict(money=Money.HELD), Verb.VOID),
        (verdict(sealed=1), None),
        (verdict(money=Money.RETURNED), None),
        (verdict(State.PAID, Money.TAKEN), None),
        (verdict(State.OPEN), None),
        (verdict(State.DECLINED), None),
    ],
)
def test_only_what_was_called_off_and_can_still_be_paid_is_sealed(found, verb):
    assert seal.verb(found) is verb
    assert seal.ends(None, found) == (verb is not None)
    assert not seal.ends(found, found), "nothing new"


def test_an_authorisation_after_the_end_is_to_be_let_go():
    assert seal.ends(verdict(), verdict(money=Money.HELD))


def test_money_that_comes_back_is_no_late_success():
    paid = verdict(State.PAID, Money.TAKEN)
    assert seal.revives(verdict(), paid)
    assert seal.succeeds(verdict(), paid)
    assert not seal.revives(verdict(money=Money.RETURNED), paid), "a refund that failed"
    assert not seal.revives(None, paid)
    assert seal.succeeds(None, paid)
    assert not seal.succeeds(paid, paid)


def test_revival_and_success_may_come_one_after_the_other():
    found = seal.fold(None, step("revived", code="abandoned"))
    assert (found.state, found.how) == ("revived", "abandoned")
    found = seal.fold(found, step("opened", amount_minor=5, currency="EUR"))
    assert (found.state, found.how, found.amount_minor) == ("open", "abandoned", 5)


def test_nothing_happens_to_a_case_that_is_none():
    for what in ("rehearsed", "proposed", "resolved", "done", "failed", "settled"):
        assert seal.fold(None, step(what)) is None


def test_the_first_resolution_stands_whatever_comes_after_it():
    first = step("resolved", "a", resolution="honour")
    for later in ("resolved", "proposed", "settled", "rehearsed", "opened", "revived"):
        found = case(first, step(later, "b", resolution="refund"))
        assert (found.state, found.resolution, found.resolved_by) == ("resolved", "honour", "a")


def test_no_order_of_steps_leads_to_two_resolutions():
    steps = [step("resolved", "a", resolution="honour"), step("resolved", "b", resolution="refund"),
             step("proposed", "c"), step("done"), step("failed", code="x")]  # fmt: skip
    for order in itertools.permutations(steps):
        found, first = case(*order), next(each for each in order if each.what == "resolved")
        assert (found.resolution, found.resolved_by) == (first.resolution, first.by)


def test_what_was_done_stays_done():
    found = case(step("resolved", resolution="refund"), step("done"), step("failed", code="late"))
    assert (found.outcome, found.code) == ("done", "")
    assert case(step("done")).outcome == "", "nothing was decided yet"


def test_a_refund_within_the_cap_needs_nobody_else():
    found = seal.wished(case(), "refund", "policy", ON, NOW)
    assert (found.what, found.resolution, found.amount_minor) == ("resolved", "refund", 500)


@pytest.mark.parametrize(("amount", "currency"), [(501, "EUR"), (1, "CNY")])
def test_above_the_cap_a_second_person_approves(amount, currency):
    opened = case(amount=amount, currency=currency)
    proposed = seal.wished(opened, "refund", "Li Wei", ON, NOW)
    assert proposed.what == "proposed"
    waiting = seal.fold(opened, proposed)
    with pytest.raises(NotNow, match="same_person"):
        seal.wished(waiting, "approve", "Li Wei", ON, NOW)
    approved = seal.wished(waiting, "approve", "Zhang Min", ON, NOW)
    assert (approved.what, approved.resolution) == ("resolved", "refund")
    assert seal.wished(waiting, "refund", "Zhang Min", ON, NOW).what == "proposed"
    assert seal.wished(waiting, "honour", "Zhang Min", ON, NOW).what == "resolved"


def test_a_dry_run_only_says_what_would_happen():
    opened = case()
    rehearsed = seal.wished(opened, "refund", "Li Wei", Policy(), NOW)
    assert rehearsed.what == "rehearsed"
    after = seal.fold(opened, rehearsed)
    assert (after.state, after.rehearsed) == ("open", 1)


@pytest.mark.parametrize(
    ("found", "wish", "policy", "why"),
    [
        (case(step("resolved", resolution="honour")), "refund", ON, "resolved"),
        (case(step("settled")), "honour", ON, "resolved"),
        (case(), "approve", ON, "not_proposed"),
        (case(), "refund", Policy(refunds="off"), "refunds_off"),
        (case(step("proposed", "a")), "approve", Policy(refunds="off"), "refunds_off"),
    ],
)
def test_what_cannot_be_now_says_why(found, wish, policy, why):
    with pytest.raises(NotNow, match=why):
        seal.wished(found, wish, "b", policy, NOW)


def test_a_payment_is_called_off_in_the_words_of_rules():
    assert seal.how_of(verdict(how=How.ABANDONED)) == "abandoned"
    assert seal.net(verdict(captured=9, returned=2, withdrawn=3)) == 4
