"""Taking in one pushed delivery."""

import asyncio

import pytest
from structlog.testing import capture_logs

from tests.unit.runtime.rig import NOW, SECOND, Clock, house_at, stated
from voidtrail.errors import LedgerStopped
from voidtrail.ledger.contract import QUARANTINED, UNDERSTOOD
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.receiving import TOO_LARGE, Receiver, answers
from voidtrail.runtime.refusals import Refusals


@pytest.fixture
def house(tmp_path):
    with house_at(tmp_path, Clock()) as house:
        yield house


def took(house, *deliveries):
    """Take in (body, headers) one after another; return the answers' names and the refusals."""

    async def happen():
        intake, refusals = Intake(house.ledger, house.clock), Refusals()
        receiver = Receiver(house, intake, refusals)
        entry = house.entry("storefront", "main")
        names = [await receiver.take(entry, body, headers, "") for body, headers in deliveries]
        await intake.close()
        return names, refusals

    with capture_logs():
        return asyncio.run(happen())


def test_a_genuine_statement_is_kept_before_it_is_acknowledged(house):
    names, refusals = took(house, stated())
    assert (names, refusals.total) == (["kept"], {})
    (row,) = house.ledger.deliveries()
    assert (row.outcome, row.received_at) == (UNDERSTOOD, NOW)


def test_of_a_forgery_nothing_is_kept_but_a_count(house):
    body, headers = stated()
    names, refusals = took(house, (body + b" ", headers), (body, ()))
    assert names == ["refused", "refused"]
    assert list(house.ledger.deliveries()) == []
    assert dict(refusals.total) == {
        ("storefront/main", "signature_invalid"): 1, ("storefront/main", "signature_missing"): 1,
    }  # fmt: skip


def test_an_old_signature_is_refused(house):
    house.clock.now += 301 * SECOND
    names, refusals = took(house, stated())
    assert names == ["refused"]
    assert refusals.total["storefront/main", "signature_expired"] == 1


def test_what_a_genuine_sender_garbled_is_acknowledged_and_quarantined(house):
    names, _ = took(house, stated(statement=""), stated(order=""))
    assert names == ["kept", "kept"], "the platform must not retry for days over it"
    assert [row.outcome for row in house.ledger.deliveries()] == [QUARANTINED] * 2


def test_while_the_store_is_stopped_the_sender_is_told_to_come_again(house, monkeypatch):
    def full():
        raise LedgerStopped("disk full")

    monkeypatch.setattr(house.ledger, "commit", full)
    names, _ = took(house, stated(), stated(order="A2"))
    assert names == ["busy", "busy"]


def test_every_outcome_has_an_answer_in_the_platforms_own_words(house):
    for source in ("storefront", "stripe"):
        found = answers(house.entry(source, "main"))
        assert {name: answer.status for name, answer in found.items()} == {
            "kept": 200, "refused": 401, "busy": 503, TOO_LARGE: 413,
        }  # fmt: skip
