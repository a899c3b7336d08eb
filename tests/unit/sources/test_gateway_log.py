"""What a log line states: a witness's word, known by the line's own bytes."""

import msgspec
import pytest

from voidtrail.errors import SignatureInvalid
from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Kind, Result, Role, Tag, Unreadable
from voidtrail.event.reason import BY_NUMBER
from voidtrail.sources import gateway_log as source
from voidtrail.sources.contract import Outcome
from voidtrail.sources.gateway_log.facts import LogForm, LogRule
from voidtrail.testing.contract import check_translation

AT = 1_767_225_600_000_000
FAULT = LogRule(name="fault", contains='"failed"', kind="authorise", result="refused",
                reason="platform_fault", payment="pay.id", of="stripe/main", code="error",
                amount="pay.amount", currency="CNY")  # fmt: skip
CLOSED = LogRule(name="closed", contains="order closed", order="order", status="by",
                 table={"user": "cancel succeeded customer_request",
                        "paid": "capture succeeded"})  # fmt: skip


def account(*rules, time="time"):
    form = msgspec.json.encode(LogForm(format="json", rule=rules, time=time)).decode()
    return Account(source="gateway_log", name="main", options={"rules": form})


def told(text, *rules, **more):
    delivery = Delivery(source="gateway_log", account="main", received_at=AT, body=text.encode())
    found = check_translation(source, delivery, account(*(rules or (FAULT, CLOSED)), **more), {})
    if isinstance(found, Unreadable):
        return found
    (event,) = found
    return event


FAILED = (
    '{"time":"2026-01-01T07:59:59","what":"failed","error":"upstream_504",'
    '"pay":{"id":"pi_1","amount":1.10}}'
)


def test_a_technical_fault_is_a_refused_attempt_at_the_platforms_payment():
    event = told(FAILED)
    assert (event.kind, event.result, event.role) == (Kind.AUTHORISE, Result.REFUSED, Role.LOG)
    assert (event.payment, event.scope, event.code) == ("pi_1", "stripe/main", "upstream_504")
    assert (event.amount_minor, event.currency, event.tag) == (110, "CNY", Tag.OWN)
    assert BY_NUMBER[event.reason].slug == "platform_fault"
    assert event.occurred_at == AT - 1_000_000, "in the zone of the account"
    assert event.dimensions == (("rule", "fault"),)


def test_two_faults_are_two_attempts_and_one_line_read_twice_is_one():
    first, again, other = told(FAILED), told(FAILED), told(FAILED.replace("59:59", "59:58"))
    assert (first.identity, first.operation) == (again.identity, again.operation)
    assert first.identity != other.identity
    assert first.operation != other.operation


def test_a_success_is_said_of_the_payment_once():
    text = '{"msg":"order closed","order":"A1","by":"paid","n":1}'
    assert told(text).operation == told(text.replace("1}", "2}")).operation == "A1"


def test_a_line_may_name_only_the_order():
    event = told('{"msg":"order closed","order":"A1","by":"user"}')
    assert (event.kind, event.payment, event.order, event.scope) == (Kind.CANCEL, "A1", "A1", "")
    assert BY_NUMBER[event.reason].slug == "customer_request"
    assert event.occurred_at == AT, "no time: when it was read"


def test_a_status_that_no_table_lists_is_said():
    event = told('{"msg":"order closed","order":"A1","by":"cron"}')
    assert (event.kind, event.code, event.life) == (Kind.OTHER, "cron", False)


@pytest.mark.parametrize(
    ("text", "path"),
    [("nonsense", "line"), ('{"what":"failed","pay":{}}', "line"), ('"failed" no json', "line")],
)
def test_lines_that_state_nothing_are_unreadable(text, path):
    assert told(text).path == path


def test_without_rules_nothing_is_read():
    delivery = Delivery(source="gateway_log", account="main", received_at=AT, body=b"{}")
    for options in ({}, {"rules": "{"}):
        bare = Account(source="gateway_log", name="main", options=options)
        assert source.translate(delivery, bare, {}).path == "rules"


def test_nobody_can_push_a_line():
    push = Delivery(source="gateway_log", account="main", received_at=AT, body=FAILED.encode())
    with pytest.raises(SignatureInvalid, match=r"\[\[tail\]\]"):
        source.verify(push, {}, AT)
    assert source.acknowledge(Outcome.BUSY).status == 503
