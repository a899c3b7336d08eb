"""What a described platform says, by its tables; no bytes raise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.signers import NOW
from tests.unit.sources import described
from tests.unit.sources.described import HMAC, PAID
from voidtrail.event.account import Account
from voidtrail.event.model import Channel, Kind, Method, Result, Tag, Unreadable, Via
from voidtrail.event.reason import number
from voidtrail.testing import contract

TEXT = (
    HMAC
    + """
amount_unit = "major"
currency = "CNY"
method = "wechat_qr"
channel = "pos"
identity = ["notice"]

[fields]
payment = "trade_no"
order = "order_no"
operation = "serial"
status = ["type", "/result/state"]
amount = "money"
currency = "ccy"
at = "paid_at"
customer = "buyer"
merchant = "sub"
reason = "code"
names = ["channel_no", "order_no"]
test = "env"

[reasons]
"51" = "insufficient_funds"

[status]
"PAY/OK" = { kind = "CAPTURE", result = "SUCCEEDED" }
"PAY/BAD" = { kind = "AUTHORISE", result = "REFUSED", reason = "declined" }
"PAY/CLOSED" = { kind = "CANCEL", result = "SUCCEEDED", reason = "closed_unpaid" }
"UNDO/BAD" = { kind = "VOID", result = "REFUSED" }
"BACK/SUM" = { kind = "REFUND", result = "SUCCEEDED", amount = "back", cumulative = true }

[status."BACK/OK"]
kind = "REFUND"
result = "SUCCEEDED"
amount = "back"
operation = "back_no"
at = "back_at"

[status."BACK/FAILED"]
kind = "REVERSE"
result = "SUCCEEDED"
reverses = "refund"
operation = "back_no"
"""
)
SOURCE = described.source(TEXT)
ACCOUNT = described.account(TEXT)


def _told(kind, state, via=Via.PUSH, **more):
    body = {"trade_no": "T1", "type": kind, "result": {"state": state}, **more}
    return contract.check_translation(SOURCE, described.delivery(body, via=via), ACCOUNT, {})


def test_every_field_stands_where_the_description_says():
    [event] = _told("PAY", "OK", order_no="A1", money="12.30", paid_at="2025-06-15 23:06:39",
                    buyer="B1", sub="M7", channel_no="C1", serial="S1", env="test")  # fmt: skip
    assert (event.kind, event.result, event.payment) == (Kind.CAPTURE, Result.SUCCEEDED, "T1")
    assert (event.order, event.operation, event.names) == ("A1", "S1", ("C1", "A1"))
    assert (event.amount_minor, event.currency, event.tag) == (1230, "CNY", Tag.OWN)
    assert (event.customer, event.merchant, event.test) == ("B1", "M7", True)
    assert (event.method, event.channel) == (Method.WECHAT_QR, Channel.POS)
    assert event.occurred_at == NOW - 1_000_000


def test_an_unlisted_status_is_told_as_other():
    [event] = _told("PAY", "NEW", money="1.00")
    assert (event.kind, event.result, event.code) == (Kind.OTHER, Result.UNKNOWN, "PAY/NEW")
    assert not event.life


def test_reason_is_the_codes_else_the_statuss():
    [by_code] = _told("PAY", "BAD", code="51")
    [by_status] = _told("PAY", "BAD")
    [unlisted] = _told("UNDO", "BAD", code="99")
    assert (by_code.reason, by_code.code) == (number("insufficient_funds"), "51")
    assert (by_status.reason, by_status.code) == (number("declined"), "PAY/BAD")
    assert (unlisted.reason, unlisted.code) == (number("unlisted"), "99")


def test_a_refused_void_is_no_cancellation():
    [event] = _told("UNDO", "BAD")
    assert (event.kind, event.result) == (Kind.VOID, Result.REFUSED)


def test_a_status_may_keep_its_values_elsewhere():
    [event] = _told("BACK", "OK", money="12.30", back="2.30", back_no="R1", serial="S1",
                    paid_at="2025-06-15 23:06:39", back_at="2025-06-15 23:06:40")  # fmt: skip
    assert (event.operation, event.amount_minor, event.occurred_at) == ("R1", 230, NOW)
    [running] = _told("BACK", "SUM", back="2.30")
    assert (running.tag, running.operation) == (Tag.CUMULATIVE, "T1")


def test_a_refund_that_failed_reverses_it():
    [event] = _told("BACK", "FAILED", back_no="R1")
    assert (event.kind, event.reverses) == (Kind.REVERSE, "refund:R1")
    assert event.operation != "R1"


def test_a_retry_is_the_same_event_and_another_fact_is_another():
    once, twice = (_told("BACK", "SUM", back="2.30", notice="1", sent=sent) for sent in "12")
    assert (once[0].identity, once[0].label) == (twice[0].identity, twice[0].label)
    others = [_told("BACK", "SUM", back="3.00", notice="1"),
              _told("BACK", "SUM", back="2.30", notice="2"),
              _told("BACK", "OK", back="2.30", notice="1"),
              _told("BACK", "SUM", via=Via.ASKED, back="2.30", notice="1")]  # fmt: skip
    assert len({(each[0].identity, each[0].label) for each in (once, *others)}) == 5


@pytest.mark.parametrize(
    ("more", "amount", "currency"),
    [
        ({"money": 12.3}, 1230, "CNY"),
        ({"money": "500", "ccy": "JPY"}, 500, "JPY"),
        ({"money": "0.005", "ccy": "kwd"}, 5, "KWD"),
        ({"money": "1", "ccy": "156"}, 100, "CNY"),
        ({}, None, ""),
    ],
)
def test_amounts_are_exact_in_the_currencys_own_unit(more, amount, currency):
    [event] = _told("PAY", "OK", **more)
    assert (event.amount_minor, event.currency) == (amount, currency)


@pytest.mark.parametrize(
    ("more", "path"),
    [({"money": "1.005"}, "money"), ({"money": "-1"}, "money"), ({"money": "1e3"}, "money"),
     ({"money": "1,000"}, "money"), ({"money": "٣"}, "money"),
     ({"money": "1", "ccy": "RMB"}, "ccy"), ({"trade_no": ""}, "trade_no")],
)  # fmt: skip
def test_what_cannot_be_read_is_unreadable_by_its_place(more, path):
    found = _told("PAY", "OK", **more)
    assert isinstance(found, Unreadable)
    assert found.path == path


def test_minor_units_are_whole_numbers():
    text = TEXT.replace('"major"', '"minor"')
    body = {"trade_no": "T1", "type": "PAY", "result": {"state": "OK"}}
    for money, path in ((30, ""), ("30", ""), ("0.30", "money")):
        found = described.source(text).translate(
            described.delivery({**body, "money": money}), described.account(text), {}
        )
        assert found.path == path if path else found[0].amount_minor == 30


@settings(max_examples=400)
@given(st.binary(max_size=400), st.sampled_from(["json", "form"]), st.sampled_from(list(Via)[:2]))
def test_no_bytes_raise(body, form, via):
    text = f'body = "{form}"\n{TEXT.replace("/result/state", "state")}'
    delivery = described.delivery(body, via=via)
    contract.check_translation(
        described.source(text), delivery, Account(source="custom", name="main"), {}
    )


@settings(max_examples=200)
@given(
    st.fixed_dictionaries(
        {"trade_no": st.text(max_size=5), "type": st.sampled_from(["PAY", "BACK", "UNDO", "x"])},
        optional={
            name: st.text(max_size=8) | st.integers() | st.floats() | st.none() | st.booleans()
            for name in ("money", "ccy", "paid_at", "back", "back_no", "serial", "order_no")
        },
    ),
    st.sampled_from(["OK", "BAD", "SUM", "FAILED", "CLOSED"]),
)
def test_no_values_raise(fields, state):
    body = {**fields, "result": {"state": state}}
    contract.check_translation(SOURCE, described.delivery(body), ACCOUNT, {})


def test_paid_sample_is_read_by_the_smallest_description():
    [event] = described.source(HMAC + described.FACTS).translate(
        described.delivery(PAID), described.account(HMAC + described.FACTS), {}
    )
    assert event.occurred_at == NOW
    assert event.life
