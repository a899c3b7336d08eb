"""The worker's turns, with a clock that only the test turns."""

import asyncio

import msgspec
import pytest
from structlog.testing import capture_logs

from tests.hearing import Hearing
from tests.unit.runtime.rig import (
    HOUR,
    NOW,
    SECOND,
    Clock,
    delivery,
    event,
    house_at,
    put,
    shop_told,
)
from voidtrail.errors import LedgerStopped
from voidtrail.event.model import Kind, Method, Tag, Via
from voidtrail.runtime import worker
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.outbox import Notice
from voidtrail.runtime.poll import Asker
from voidtrail.runtime.preparing import item_of
from voidtrail.runtime.refusals import Refusals
from voidtrail.runtime.verdicts import verdicts
from voidtrail.runtime.worker import Worker

QR = {"method": Method.WECHAT_QR}
PATIENCE = 2 * HOUR


class Silent(Asker):
    """Asks nobody; answers as the test wrote down."""

    def __init__(self, house, intake, answers=()):
        super().__init__(house, intake)
        self.asked: list[tuple[str, str]] = []
        self._answers = list(answers)

    async def ask(self, entry, reference, *, nudged=False):
        self.asked.append((entry.identity, reference))
        answer = self._answers.pop(0) if self._answers else False
        if isinstance(answer, Exception):
            raise answer
        if nudged and answer:
            at = self._house.clock()
            put(self._house, event(Kind.NUDGE, payment=reference, via=Via.ASKED, at=at,
                                   notice=f"answered-{at}", life=False), at=at)  # fmt: skip
        return answer


class Office:
    """A worker with everything that it works with."""

    def __init__(self, house, answers=(), deciders=()):
        self.house = house
        self.intake = Intake(house.ledger, house.clock)
        self.asker = Silent(house, self.intake, answers)
        self.refusals = Refusals()
        self.worker = Worker(house, self.intake, self.asker, self.refusals, deciders)

    async def turns(self, *instants):
        with capture_logs() as self.logs:
            for at in instants:
                self.house.clock.now = at
                await self.worker.turn()
        await self.intake.close()


@pytest.fixture
def house(tmp_path):
    with house_at(tmp_path, Clock()) as house:
        yield house


def states(house):
    return {each["payment"]: each["state"] for each in verdicts(house)}


def abandon(house, count=1):
    """Let a shop tell of orders that nobody goes on with; no platform can be asked about them."""
    for n in range(count):
        put(house, event(payment=f"A{n}", notice=f"n{n}", **QR, **shop_told()),
            source="storefront")  # fmt: skip


def opened(house):
    put(house, event(payment="pi_1", **QR))


def test_silence_ends_a_payment_when_its_patience_is_over_and_not_before(house):
    abandon(house)
    asyncio.run(Office(house).turns(NOW + PATIENCE - 1))
    assert states(house) == {"A0": "open"}
    asyncio.run(Office(house).turns(NOW + PATIENCE))
    assert states(house) == {"A0": "cancelled"}


def test_more_overdue_payments_than_a_slice_are_all_judged_in_one_turn(house):
    abandon(house, 600)
    office = Office(house)
    asyncio.run(office.turns(NOW + PATIENCE))
    assert set(states(house).values()) == {"cancelled"}
    assert office.worker.counts["judged"] == 600


def test_the_clock_is_set_when_something_is_due_or_a_minute_went_by(house):
    office = Office(house)
    asyncio.run(office.turns(NOW + SECOND, NOW + 59 * SECOND, NOW + 60 * SECOND, NOW + 61 * SECOND))
    assert office.worker.counts["ticks"] == 1
    assert house.ledger.head().tick == NOW + 60 * SECOND


def test_the_clock_never_goes_back(house):
    asyncio.run(Office(house).turns(NOW + HOUR))
    office = Office(house)
    office.refusals.count(house.entry("stripe", "main"), "signature_invalid", "")
    asyncio.run(office.turns(NOW))
    assert house.ledger.head().tick == NOW + HOUR


def test_refusals_are_put_on_record_as_counts(house):
    office = Office(house)
    for _ in range(3):
        office.refusals.count(house.entry("stripe", "main"), "signature_invalid", "")
    asyncio.run(office.turns(NOW + SECOND))
    assert house.ledger.last_control("refused") == (
        '[{"account_no":3,"code":"signature_invalid","count":3}]'
    )


def test_a_platform_is_asked_by_the_name_first_heard_before_silence_decides(house):
    put(house, event(payment="cs_1", scope="stripe/main", **QR, **shop_told()), source="storefront")
    put(house, event(payment="pi_1", names=("cs_1",), notice="n2", **QR))
    office = Office(house)
    asyncio.run(office.turns(NOW + PATIENCE))
    assert office.asker.asked == [("stripe/main", "cs_1")]
    assert states(house) == {"cs_1": "open"}, "it was not answered yet"


def test_an_unanswered_question_is_put_again_after_growing_pauses_then_put_on_record(house):
    opened(house)
    office, due = Office(house), NOW + PATIENCE
    asyncio.run(office.turns(due, due + 9 * SECOND, due + 10 * SECOND, due + 11 * SECOND))
    assert len(office.asker.asked) == 2
    assert office.worker.counts["unanswered"] == 1
    assert states(house) == {"pi_1": "cancelled"}, "the second try was the last one"


def test_a_dead_platform_does_not_keep_later_payments_waiting(house, monkeypatch):
    monkeypatch.setattr(worker, "_ASK_SLICE", 2)
    for n in range(5):
        put(house, event(payment=f"pi_{n}", notice=f"n{n}", **QR))
    office, due = Office(house), NOW + PATIENCE
    asyncio.run(office.turns(due, due + SECOND, due + 2 * SECOND, due + 3 * SECOND))
    assert sorted(name for _, name in office.asker.asked) == [f"pi_{n}" for n in range(5)]
    assert set(office.worker._tries) == {1, 2, 3, 4, 5}, "how often each was asked is remembered"


def test_a_question_that_breaks_something_of_ours_counts_as_unanswered(house):
    opened(house)
    office, due = Office(house, [RuntimeError("a bad key")]), NOW + PATIENCE
    asyncio.run(office.turns(due))
    assert [log["event"] for log in office.logs] == ["question_failed"]
    assert states(house) == {"pi_1": "open"}


def test_a_sign_of_life_after_the_question_makes_patience_begin_anew(house):
    opened(house)
    due = NOW + PATIENCE
    asyncio.run(Office(house).turns(due, due + 10 * SECOND))
    assert states(house) == {"pi_1": "cancelled"}
    put(house, event(Kind.SUBMIT, notice="n2", at=NOW + HOUR))
    assert states(house) == {"pi_1": "open"}
    office = Office(house)
    asyncio.run(office.turns(NOW + HOUR + PATIENCE))
    assert office.asker.asked == [("stripe/main", "pi_1")], "it is asked again"


def test_a_late_success_takes_abandonment_back_and_both_are_told(house):
    opened(house)
    heard: list[Notice] = []
    due = NOW + PATIENCE
    asyncio.run(Office(house, deciders=[Hearing(heard)]).turns(due, due + 10 * SECOND))
    put(house, event(Kind.CAPTURE, notice="n2", amount_minor=500, currency="CNY", tag=Tag.OWN,
                     operation="ch_1", at=NOW + SECOND))  # fmt: skip
    asyncio.run(Office(house, deciders=[Hearing(heard)]).turns(due + 20 * SECOND))
    assert [notice.after.state for notice in heard] == [2, 1]
    assert states(house) == {"pi_1": "paid"}
    assert house.ledger.outbox(10) == []


def test_nobody_is_told_of_test_traffic(house):
    heard: list[Notice] = []
    put(house, event(payment="A1", **QR, **shop_told()), source="storefront", account="try-out")
    office = Office(house, deciders=[Hearing(heard)])
    asyncio.run(office.turns(NOW + PATIENCE))
    assert states(house) == {"A1": "cancelled"}
    assert (heard, office.worker.counts["notices"], house.ledger.outbox(10)) == ([], 1, [])


def test_a_worker_stops_with_its_ledger(house, monkeypatch):
    def full():
        raise LedgerStopped("disk full")

    async def happen():
        office = Office(house)
        house.clock.now = NOW + HOUR
        with capture_logs():
            await asyncio.wait_for(office.worker._again(office.worker._judge), 5)
        await office.intake.close()

    monkeypatch.setattr(house.ledger, "commit", full)
    asyncio.run(happen())


def nudge(house, payment="pi_9", at=NOW):
    put(house, event(Kind.NUDGE, payment=payment, at=1, life=False), at=at)


def test_a_nudge_makes_the_platform_be_asked_at_once_and_its_answer_is_durable(house):
    nudge(house)
    office = Office(house, [True])
    asyncio.run(office.turns(NOW, NOW + SECOND, NOW + 2 * SECOND))
    assert office.asker.asked == [("stripe/main", "pi_9")]
    assert house.ledger.waiting(9) == []
    assert states(house) == {}, "a nudge itself states nothing"


def test_a_nudge_without_an_answer_survives_a_restart_and_is_never_given_up(house):
    nudge(house)
    asyncio.run(Office(house).turns(NOW, NOW + 100 * SECOND, NOW + 1000 * SECOND))
    assert house.ledger.waiting(9) != []
    office = Office(house, [True])
    asyncio.run(office.turns(NOW + 2000 * SECOND))
    assert office.asker.asked == [("stripe/main", "pi_9")]
    assert house.ledger.waiting(9) == []


def test_each_nudge_counts_though_its_bytes_are_the_same_and_dated_by_the_sender(house):
    nudge(house)
    asyncio.run(Office(house, [True]).turns(NOW + SECOND))
    nudge(house, at=NOW + 2 * SECOND)
    assert [pid for pid, *_ in house.ledger.waiting(9)] == [1]


def test_a_thousand_nudges_cause_a_few_lookups(house):
    office = Office(house, [True] * 1000)

    async def storm():
        for second in range(600):
            nudge(house, at=NOW + second * SECOND)
            house.clock.now = NOW + second * SECOND
            await office.worker._ask()
        await office.intake.close()

    with capture_logs():
        asyncio.run(storm())
    assert 5 < len(office.asker.asked) < 20


def test_a_nudge_about_an_account_that_cannot_be_asked_asks_nobody(house):
    put(house, event(Kind.NUDGE, payment="A1", life=False), source="storefront")
    office = Office(house)
    asyncio.run(office.turns(NOW))
    assert (office.asker.asked, house.ledger.waiting(9)) == ([], [])


def test_that_a_platform_does_not_know_a_payment_is_no_payment(house):
    put(house, event(Kind.ABSENT, payment="pi_9", via=Via.ASKED, life=False))
    asyncio.run(Office(house).turns(NOW + 100 * HOUR))
    assert states(house) == {}, "forged names do not become abandoned payments"


def test_a_platform_that_is_down_is_left_alone_and_others_are_asked(house):
    for n in range(9):
        put(house, event(payment=f"pi_{n}", notice=f"n{n}", **QR))
    office = Office(house)
    manners = office.asker.manners(house.entry("stripe", "main"))
    due = NOW + PATIENCE
    for _ in range(5):
        manners.failure(due)
    asyncio.run(office.turns(due, due + 11 * SECOND))
    assert office.asker.asked == []
    assert set(states(house).values()) == {"cancelled"}, "that it is down is on record, twice each"
    assert office.worker.counts["unanswered"] == 9


def test_no_more_questions_go_out_than_agreed(house):
    for n in range(60):
        put(house, event(payment=f"pi_{n}", notice=f"n{n}", **QR))
    office, due = Office(house), NOW + PATIENCE
    asyncio.run(office.turns(due, due))
    assert len(office.asker.asked) == 40, "twice the rate at once"
    office = Office(house)
    asyncio.run(office.turns(due, due + SECOND))
    assert len(office.asker.asked) == 60
    assert len({name for _, name in office.asker.asked}) == 60


def test_a_nudge_wakes_the_worker_before_its_next_tick(house):
    async def happen():
        office = Office(house, [True])
        working = asyncio.ensure_future(office.worker.run())
        await asyncio.sleep(0.1)
        entry = house.entry("stripe", "main")
        said = event(Kind.NUDGE, payment="pi_9", life=False)
        await office.intake.submit(item_of(delivery(), [said], entry, house.keyring))
        for _ in range(100):
            if office.asker.asked:
                break
            await asyncio.sleep(0.01)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await office.intake.close()
        return office

    with capture_logs():
        office = asyncio.run(happen())
    assert house.settings.worker.tick_s == 5.0
    assert office.asker.asked == [("stripe/main", "pi_9")]


def held(house):
    put(house, event(Kind.AUTHORISE, payment="pi_1", amount_minor=100, currency="CNY", tag=Tag.OWN,
                     **QR))  # fmt: skip


def test_held_money_is_asked_about_once_a_day(house):
    held(house)
    office = Office(house, [True, True])
    day = 24 * HOUR
    asyncio.run(office.turns(NOW + day - SECOND, NOW + day + SECOND, NOW + day + HOUR))
    assert office.asker.asked == [("stripe/main", "pi_1")]
    again = Office(house, [True])
    asyncio.run(again.turns(NOW + 2 * day, NOW + 2 * day + 2 * HOUR))
    assert again.asker.asked == [("stripe/main", "pi_1")]
    assert states(house) == {"pi_1": "open"}


def test_held_money_is_let_alone_if_the_settings_say_so(house):
    held(house)
    pace = msgspec.structs.replace(house.settings.worker, ask_held_s=0.0)
    settings = msgspec.structs.replace(house.settings, worker=pace)
    office = Office(house._replace(settings=settings))
    asyncio.run(office.turns(NOW + 48 * HOUR))
    assert office.asker.asked == []
