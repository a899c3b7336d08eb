"""What people decide about late successes, and that it is decided once."""

import pytest

from tests.unit.runtime.deeds.office import Office
from voidtrail.errors import NotFound, NotPossible
from voidtrail.runtime.deeds.desk import open_cases, policy_in_force, refund_key, resolve

ON = 'refunds = "on"\nrefund_cap = { EUR = "5.00" }'


@pytest.fixture
def late(tmp_path):
    def stands(seal=ON, amount=500):
        office = Office(tmp_path, seal)
        payment = office.fake.open("A1", amount, office.clock())
        office.work(turns=1)
        office.clock.now += 2 * 86_400_000_000
        office.work()
        office.pay(payment)
        office.work()
        return office, payment

    return stands


def decide(office, wish, by, reference="A1"):
    with office.house() as house:
        return resolve(house, reference, wish, by)


def test_a_late_success_is_a_case_until_somebody_decides(late):
    office, payment = late()
    with office.house() as house:
        (case,) = open_cases(house)
        assert policy_in_force(house.ledger).refunds == "on"
    assert (case.payment, case.order) == (f"stripe/main/{payment.reference}", "A1")
    assert (case.amount_minor, case.currency, case.how) == (500, "EUR", "abandoned")
    decide(office, "honour", "Li Wei", payment.reference)
    office.work()
    with office.house() as house:
        assert open_cases(house) == []
    assert (payment.refunds, office.messages()) == ([], [])


def test_a_refund_by_a_person_goes_out_once(late):
    office, payment = late()
    decide(office, "refund", "Li Wei")
    for wish in ("refund", "honour", "approve"):
        with pytest.raises(NotPossible, match="resolved already: refund by Li Wei"):
            decide(office, wish, "Zhang Min")
    office.work()
    assert len(payment.refunds) == 1
    assert set(office.posted) == {("refunds", refund_key(f"stripe/main/{payment.reference}"))}


def test_above_the_cap_two_people_are_needed(late):
    office, payment = late(amount=501)
    case, step = decide(office, "refund", "Li Wei")
    assert (case.state, step.what) == ("proposed", "proposed")
    office.work()
    assert payment.refunds == []
    with pytest.raises(NotPossible, match="cannot approve it"):
        decide(office, "approve", "Li Wei")
    decide(office, "approve", "Zhang Min")
    office.work()
    assert [each.amount_minor for each in payment.refunds] == [501]


def test_in_a_dry_run_nothing_goes_out(late):
    office, payment = late("")
    case, step = decide(office, "refund", "Li Wei")
    assert (case.state, case.rehearsed, step.what) == ("open", 1, "rehearsed")
    office.work()
    assert (payment.refunds, office.messages()) == ([], [])


def test_a_policy_that_would_refund_rehearses_it_in_a_dry_run(late):
    office, payment = late('late = "refund"')
    case = office.case()
    assert (case.state, case.rehearsed, payment.refunds) == ("open", 1, [])


def test_money_that_went_back_another_way_settles_the_case(late):
    from voidtrail.testing.platforms.fake import Step

    office, payment = late()
    office.fake.do(payment, Step.REFUND, office.clock())
    office.work()
    assert office.case().state == "settled"
    with pytest.raises(NotPossible):
        decide(office, "refund", "Li Wei")


def test_an_order_without_a_late_success_is_named(late):
    office, _ = late()
    for reference in ("B2", "nobody"):
        with pytest.raises(NotFound, match=reference):
            decide(office, "honour", "Li Wei", reference)


def test_who_pays_at_once_makes_no_case(tmp_path):
    office = Office(tmp_path, ON)
    payment = office.fake.open("A1", 500, office.clock())
    office.pay(payment)
    office.work()
    assert office.case() is None


def test_rules_decide_by_how_it_had_been_called_off(late):
    rule = '[[seal.rule]]\nhow = ["abandoned"]\nlate = "honour"'
    office, _ = late(f"{ON}\n{rule}")
    case = office.case()
    assert (case.state, case.resolution, case.resolved_by) == ("resolved", "honour", "policy")
