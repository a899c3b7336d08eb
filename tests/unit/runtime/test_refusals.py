"""Refused deliveries are counted and never stored."""

import json

import pytest
from structlog.testing import capture_logs

from tests.unit.runtime.rig import house_at
from voidtrail.runtime.refusals import Refusals


@pytest.fixture
def entry(tmp_path):
    with house_at(tmp_path) as house:
        yield house.entry("stripe", "main")


def test_however_many_come_the_ledger_gets_one_entry_of_counts(entry):
    refusals = Refusals()
    assert refusals.flush() is None
    with capture_logs():
        for _ in range(1000):
            refusals.count(entry, "signature_invalid", "203.0.113.77")
        refusals.count(entry, "signature_missing", "203.0.113.77")
    kind, body = refusals.flush() or ("", "")
    assert kind == "refused"
    assert json.loads(body) == [
        {"account_no": entry.no, "code": "signature_invalid", "count": 1000},
        {"account_no": entry.no, "code": "signature_missing", "count": 1},
    ]
    assert refusals.flush() is None
    assert refusals.total[entry.identity, "signature_invalid"] == 1000


def test_only_the_first_of_an_interval_are_logged_and_never_with_a_whole_address(entry):
    refusals = Refusals()
    with capture_logs() as logs:
        for client in ["203.0.113.77", "2001:db8::77"] * 50:
            refusals.count(entry, "signature_invalid", client)
        assert len(logs) == 10
        refusals.flush()
        refusals.count(entry, "signature_invalid", "203.0.113.77")
    assert len(logs) == 11
    assert "77" not in repr(logs)
    assert {log["network"] for log in logs} == {"203.0.113", "2001:db8:"}


def test_log_says_what_was_wrong_and_no_more_than_a_line_of_it(entry):
    refusals = Refusals()
    with capture_logs() as logs:
        refusals.count(entry, "signature_expired", "", "signed 1,234 s before now")
        refusals.count(entry, "key_unknown", "", "x" * 5000)
    assert logs[0]["why"] == "signed 1,234 s before now"
    assert len(logs[1]["why"]) == 300
