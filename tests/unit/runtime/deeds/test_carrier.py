"""Deeds are done at their platform, once, whenever the process ends."""

import json

import pytest

from tests.unit.runtime.deeds.office import PATIENCE, Office
from tests.unit.runtime.rig import NOW, SECOND
from voidtrail.errors import PlatformUnavailable
from voidtrail.event.model import Kind
from voidtrail.ledger.messages import DEAD, SENT, WAITING
from voidtrail.runtime.deeds.carrier import SCHEDULE_S
from voidtrail.testing.platforms.fake import Step

CLOSE = 'mode = "on"'
REFUND = 'late = "refund"\nrefunds = "on"\nrefund_cap = { EUR = "100.00" }'


def test_an_abandoned_payment_is_closed_and_stays_abandoned(tmp_path):
    office = Office(tmp_path, CLOSE)
    payment = office.left()
    office.work()
    assert payment.status == "closed"
    verdict = office.verdict(payment.reference)
    assert (verdict["state"], verdict["how"], verdict["actor"]) == (
        "cancelled", "abandoned", "customer",
    )  # fmt: skip
    with office.house() as house:
        assert house.ledger.db.execute("SELECT sealed FROM verdict").fetchall() == [(1,)]
    assert office.messages() == [(SENT, "")]


def test_nothing_is_closed_by_default_nor_in_a_dry_run(tmp_path):
    for mode in ("off", "dry_run"):
        folder = tmp_path / mode
        folder.mkdir()
        office = Office(folder, f'mode = "{mode}"')
        payment = office.left()
        office.work()
        assert (payment.status, office.posted, office.messages()) == ("open", {}, [])
    assert "would_close" in [log["event"] for log in office.logs]


def test_what_came_back_to_life_is_not_closed(tmp_path):
    office = Office(tmp_path, CLOSE + "\n[[seal.rule]]\nafter_s = 100000")
    payment = office.left()
    office.work()
    assert payment.status == "open", "it is not time yet"
    office.pay(payment)
    office.fake.take()  # all of its notices are lost
    office.clock.now += PATIENCE
    office.work()
    assert office.posted == {}, "asked first, it turned out to be paid"
    assert office.verdict(payment.reference)["state"] == "paid"
    assert office.case().state == "open", "and that is a success after the cancellation"


def test_a_refused_closing_says_why_and_what_is_true_is_learnt_at_once(tmp_path):
    office = Office(tmp_path, CLOSE)
    payment = office.left()
    answer = office.fake._answer

    def race(asked, form, at):
        if asked.method == "POST":  # the customer pays between question and closing
            for step in (Step.AUTHORISE, Step.CAPTURE):
                office.fake.do(payment, step, at)
            office.fake.take()
        return answer(asked, form, at)

    office.fake._answer = race
    office.work()
    assert office.messages() == [(DEAD, "refused: payment_intent_unexpected_state")]
    assert office.verdict(payment.reference)["state"] == "paid"


def test_a_platform_that_is_down_is_tried_again(tmp_path):
    office = Office(tmp_path, CLOSE)
    payment = office.left()
    answer, down = office.fake.answer, [True]

    def fails(asked, at):
        if down and asked.method == "POST":
            raise PlatformUnavailable("down")
        return answer(asked, at)

    office.fake.answer = fails
    office.work()
    assert (payment.status, office.messages()[0]) == (
        "open", (WAITING, "no answer that can be trusted"),
    )  # fmt: skip
    down.clear()
    office.clock.now += 60 * SECOND
    office.work()
    assert payment.status == "closed"
    assert set(office.posted) == {("cancel", key) for _, key in office.posted}, "under one key"
    assert len(office.posted) == 1


def test_a_platform_that_is_left_alone_is_not_told_either(tmp_path):
    office = Office(tmp_path, CLOSE)
    payment = office.left()
    answer = office.fake.answer

    def down(asked, at):
        raise PlatformUnavailable("down")

    office.fake.answer = down
    office.work(turns=8, pause_s=1)  # its silence goes on record, and the circuit opens
    office.fake.answer = answer
    office.clock.now += 700 * SECOND
    office.work(turns=8, pause_s=100)
    assert payment.status == "closed"
    assert len(office.posted) == 1


def late(office):
    """Let a payment be abandoned and paid afterwards."""
    payment = office.left()
    office.work()
    office.pay(payment)
    return payment


def test_a_late_success_is_given_back_once(tmp_path):
    office = Office(tmp_path, REFUND)
    payment = late(office)
    office.work()
    office.work()
    assert [each.amount_minor for each in payment.refunds] == [500]
    case = office.case()
    assert (case.state, case.resolution, case.resolved_by, case.outcome) == (
        "resolved", "refund", "policy", "done",
    )  # fmt: skip
    assert office.verdict(payment.reference)["how"] == "refunded_in_full"


def test_what_was_given_back_by_hand_is_not_given_back_again(tmp_path):
    office = Office(tmp_path, REFUND)
    payment = late(office)
    office.kill_at = office.steps + 9  # the notices are in; nothing was carried yet
    office.work()
    office.kill_at = None
    if not payment.refunds:
        office.fake.do(payment, Step.REFUND, office.clock())
    office.work()
    office.work()
    assert len(payment.refunds) == 1


def test_less_than_was_decided_about_is_left_to_people(tmp_path):
    office = Office(tmp_path, 'late = "refund"\nrefunds = "on"')
    payment = late(office)
    office.work()
    from voidtrail.runtime.deeds.desk import resolve

    office.fake.do(payment, Step.REFUND, office.clock(), 200)
    with office.house() as house:
        case, _ = resolve(house, "A1", "approve", "Li Wei")
    assert case.state == "resolved"
    office.work()
    assert [each.amount_minor for each in payment.refunds] == [200]
    assert (office.case().outcome, office.case().code) == ("failed", "amount_changed")
    office.fake.do(payment, Step.REFUND, office.clock())  # and people see to the rest
    office.work()
    assert (office.case().outcome, office.case().code) == ("done", "returned")


def silent(office):
    """Let nothing that is told to the platform be answered; calling the result ends that."""
    answer = office.fake.answer

    def fails(asked, at):
        if asked.method == "POST":
            raise PlatformUnavailable("down")
        return answer(asked, at)

    office.fake.answer = fails
    return lambda: setattr(office.fake, "answer", answer)


def test_what_policy_no_longer_says_is_not_closed(tmp_path):
    office = Office(tmp_path, CLOSE)
    payment = office.left()
    speak = silent(office)
    office.work()
    assert office.messages() == [(WAITING, "no answer that can be trusted")]
    speak()
    office.posted.clear()
    office.policy('mode = "off"')
    office.clock.now += 60 * SECOND
    office.work()
    assert (payment.status, office.posted, office.messages()) == ("open", {}, [(SENT, "")])


def test_refunds_that_were_switched_off_wait_until_they_are_on_again(tmp_path):
    office = Office(tmp_path, REFUND)
    payment = late(office)
    speak = silent(office)
    office.work()
    speak()
    office.policy(REFUND.replace('refunds = "on"', 'refunds = "off"'))
    office.clock.now += 60 * SECOND
    office.work()
    assert (payment.refunds, office.messages()) == ([], [(WAITING, "refunds are not on")])
    office.policy(REFUND)
    office.clock.now += 600 * SECOND
    office.work()
    assert (len(payment.refunds), office.case().outcome) == (1, "done")


def test_a_refund_that_is_given_up_is_a_case_that_failed(tmp_path):
    office = Office(tmp_path, REFUND)
    payment = late(office)
    silent(office)
    for _ in range(2 * len(SCHEDULE_S)):
        office.work(turns=1)
        office.clock.now += 2 * SCHEDULE_S[-1] * SECOND
    assert (payment.refunds, [state for state, _ in office.messages()]) == ([], [DEAD])
    assert (office.case().outcome, office.case().code) == (
        "failed", "no answer that can be trusted",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("late", "refunds", "stride"), [("refund", 1, 1), ("honour", 0, 3), ("ask", 0, 4)]
)
def test_killed_at_any_step_there_is_one_refund_or_none(tmp_path, late, refunds, stride):
    """The whole way from the notice to the platform's last word, killed at every step of it."""
    (tmp_path / "before").mkdir()
    before = Office(tmp_path / "before", REFUND.replace('late = "refund"', f'late = "{late}"'))
    reference = before.left().reference
    before.work(turns=2)
    kill_at, whole = 1, False
    while not whole:
        office = before.twin(tmp_path / str(kill_at))
        payment = office.fake.payments[reference]
        office.pay(payment)
        told = list(office.fake.waiting)
        office.kill_at = office.steps + kill_at
        whole = office.work(turns=1)
        office.kill_at = None
        office.fake.waiting = told  # what was not acknowledged is sent again
        office.work(turns=2)
        assert len(payment.refunds) == refunds, f"killed at step {kill_at}"
        case = office.case()
        assert case.state == ("open" if late == "ask" else "resolved"), f"step {kill_at}"
        assert case.outcome == ("done" if refunds else ""), f"step {kill_at}"
        assert len({key for what, key in office.posted if what == "refunds"}) == refunds
        kill_at += stride
    assert kill_at > 10


def test_killed_at_any_step_a_closing_is_ordered_under_one_key(tmp_path):
    """From the end of patience to the platform's word, killed at every second step of it."""
    (tmp_path / "before").mkdir()
    before = Office(tmp_path / "before", CLOSE)
    reference = before.left().reference
    kill_at, whole = 1, False
    while not whole:
        office = before.twin(tmp_path / str(kill_at))
        office.kill_at = office.steps + kill_at
        whole = office.work(turns=1)
        office.kill_at = None
        office.work(turns=3)
        assert office.fake.payments[reference].status == "closed", f"killed at step {kill_at}"
        assert len(office.posted) == 1, f"killed at step {kill_at}"
        assert office.verdict(reference)["how"] == "abandoned", f"killed at step {kill_at}"
        kill_at += 2
    assert kill_at > 10


def test_the_closing_is_on_record_with_its_question_its_note_and_its_answer(tmp_path):
    office = Office(tmp_path, CLOSE)
    office.left()
    office.work()
    with office.house() as house:
        rows = house.ledger.db.execute(
            "SELECT kind, via, code FROM event WHERE kind = ? ORDER BY seq", (int(Kind.CANCEL),)
        ).fetchall()
        policy = json.loads(house.ledger.last_control("seal"))
    assert (int(Kind.CANCEL), 3, "abandoned") in rows
    assert (int(Kind.CANCEL), 1, "") in rows
    assert policy["mode"] == "on"
    assert NOW
