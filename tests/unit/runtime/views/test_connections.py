"""Connections: steps, the first genuine delivery, what was refused, when it is asked next."""

import pytest

from tests.unit.runtime.rig import HOUR, NOW, Clock, event, house_at, put
from voidtrail.runtime.views import connections as views


@pytest.fixture
def home(tmp_path):
    with house_at(tmp_path, Clock(NOW)) as made:
        yield made


def of(home, source="stripe", name="main"):
    return next(each for each in views.connections(home)
                if (each.source, each.account) == (source, name))  # fmt: skip


def note(home, kind, body):
    home.ledger.begin()
    home.ledger.control([(kind, body)], NOW)
    home.ledger.commit()


def test_an_account_that_was_never_heard_waits_for_its_first_delivery(home):
    found = of(home)
    assert found.address == "/hooks/stripe/main"
    assert [(step.name, step.done) for step in found.steps] == [
        ("settings", True), ("secrets", found.sound), ("address", False),
    ]  # fmt: skip
    assert (found.first_at, found.last_at, found.refused) == (None, None, {})
    assert found.circuit == "closed"


def test_the_first_delivery_stays_the_first(home):
    put(home, event(payment="a", notice="1"), at=NOW - 2 * HOUR)
    put(home, event(payment="b", notice="2"), at=NOW - HOUR)
    found = of(home)
    assert (found.first_at, found.last_at) == (NOW - 2 * HOUR, NOW - HOUR)
    assert [step.done for step in found.steps if step.name == "address"] == [True]


def test_refusals_and_a_platform_that_does_not_answer_are_shown(home):
    no = home.entry("stripe", "main").no
    note(home, "refused", f'[{{"account_no": {no}, "code": "signature_invalid", "count": 3}}]')
    note(home, "circuit", '{"account": "stripe/main", "circuit": "open", "failures": 5}')
    found = of(home)
    assert found.refused == {"signature_invalid": 3}
    assert found.refused_at == NOW
    assert found.circuit == "open"
    assert [step.done for step in found.steps if step.name == "address"] == [True]


def test_who_needs_somebody_stands_first(home):
    put(home, event(payment="a", notice="1"))
    assert views.connections(home)[0].first_at is None


def test_secrets_are_tested_and_never_shown(home):
    found = of(home)
    assert {each.purpose for each in found.secrets} == {"signing", "api_key"}
    assert "whsec_1" not in repr(found)
