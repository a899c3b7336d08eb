"""The decider over a real ledger: entries, messages, links; restarts and other processes."""

import asyncio
import json

import pytest

from tests.unit.runtime.notify.desk import DUTY, MINUTE, office_at
from tests.unit.runtime.rig import NOW, delivery, event, put
from voidtrail.event.model import Kind, Result, Via
from voidtrail.ledger import rebuild
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.notify.desk import acknowledge, is_ours, signature
from voidtrail.runtime.outbox import take
from voidtrail.runtime.preparing import item_of


@pytest.fixture
def office(tmp_path):
    with office_at(tmp_path) as office:
        yield office


def acknowledged(office, incident, who):
    async def write():
        intake = Intake(office.house.ledger, office.clock)
        await acknowledge(intake, incident, who, office.clock.now)
        await intake.close()

    asyncio.run(write())


def test_a_cancellation_becomes_an_entry_and_a_message(office):
    office.called_off("pi_1", 65_000)
    (message,) = office.turn()
    assert (message.kind, message.target, message.lane) == ("alert", "值班", "incident:1")
    assert message.key == "alert:1:%E5%80%BC%E7%8F%AD:opened"
    letter = json.loads(message.body)
    assert "¥650.00" in letter["title"]
    assert "https://pay.example.com/alerts#incident-1" in letter["text"]
    kinds = office.house.ledger.db.execute("SELECT kind FROM control WHERE kind = 'alert'")
    assert len(kinds.fetchall()) == 1
    assert office.turn() == [], "it was struck off, and nothing is due"
    assert rebuild.verify(office.house.ledger).ok


def test_a_restart_goes_on_where_it_was(office):
    office.called_off("pi_1")
    office.turn()
    office.wait(4 * MINUTE)
    later = office.again()
    (message,) = later.wait(MINUTE)
    assert (message.target, message.key) == ("lead", "alert:1:lead:escalated:duty%2F1")
    assert later.again().wait(10 * MINUTE) == []


def test_who_acknowledges_elsewhere_is_heard_here(office):
    office.called_off("pi_1")
    office.turn()
    acknowledged(office.again(), 1, "Li")
    assert office.wait(20 * MINUTE) == []


def test_deciding_again_before_anything_was_written_changes_nothing(office):
    office.called_off("pi_1")
    now, waiting = office.clock.now, take(office.house.ledger, 10)
    first, second = (office.alerts.decide(waiting, now) for _ in range(2))
    assert first == second
    office.alerts.settled(first)
    assert len(office.turn()) == 1


def test_the_shops_zone_and_the_order_stand_in_the_incident(office):
    office.called_off("pi_1", order="A77")
    office.turn()
    body = office.house.ledger.last_control("alert")
    seen = json.loads(body)
    assert seen["zone"] == "Asia/Shanghai"
    wanted = {"order": "A77", "amount_minor": 1000, "currency": "CNY", "actor": "customer"}
    assert seen["example"].items() >= wanted.items()


def test_files_and_test_accounts_are_told_to_nobody(office):
    office.called_off("pi_1", account="try-out")
    office.called_off("pi_2", test=True)
    told = event(Kind.CANCEL, Result.SUCCEEDED, payment="pi_3", notice="f", reason=10, via=Via.FILE)
    entry = office.house.entry("stripe", "main")
    item = item_of(delivery(via=Via.FILE), [told], entry, office.house.keyring)
    office.house.ledger.begin()
    office.house.ledger.append([item], NOW)
    office.house.ledger.commit()
    assert office.turn() == []


def test_test_traffic_reaches_a_route_for_tests_and_its_history_does_not(tmp_path):
    with office_at(tmp_path, DUTY.replace('name = "duty"', 'name = "duty"\ntest = true')) as office:
        office.called_off("pi_1", account="try-out")
        (message,) = office.turn()
        assert json.loads(message.body)["title"].startswith("[测试]")


def test_a_payment_whose_order_is_paid_another_way_is_not_lost(office):
    put(office.house, event(Kind.CAPTURE, payment="pi_0", notice="n0", order="A1", operation="ch",
                            amount_minor=5, currency="CNY", at=NOW))  # fmt: skip
    office.called_off("pi_1", order="A1")
    assert office.turn() == []


def test_a_link_is_ours_for_its_incident_and_channel_only(office):
    house, proof = office.house, signature(office.house, 1, "值班")
    assert is_ours(house, 1, "值班", proof)
    others = ((2, "值班", proof), (1, "lead", proof), (1, "值班", proof[:-1]), (1, "值班", ""))
    for incident, channel, given in (*others, (1, "值班", "é" * 32)):
        assert not is_ours(house, incident, channel, given)


def test_without_routes_nothing_is_decided(tmp_path):
    with office_at(tmp_path, "") as office:
        office.called_off("pi_1")
        assert office.turn() == []


def test_an_outage_is_one_incident_from_the_ledger_to_the_message(office):
    put(office.house, *(
        event(Kind.CAPTURE, Result.REFUSED, payment=f"pi_{number}", notice=f"n{number}",
              reason=61, amount_minor=1000, currency="CNY", at=NOW)
        for number in range(600)
    ))  # fmt: skip
    sent = office.turn() + office.turn() + office.turn()
    assert [message.target for message in sent] == ["值班"]
    (lead, closed) = office.wait(20 * MINUTE)
    assert (lead.target, closed.target) == ("lead", "值班")
    facts = json.loads(closed.body)["facts"]["incidents"]
    assert (facts[0]["count"], facts[0]["money_minor"]) == (600, {"CNY": 600_000})
    assert rebuild.verify(office.house.ledger).ok
