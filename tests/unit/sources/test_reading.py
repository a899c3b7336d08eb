"""Codes, instants and passed-on orders: what cannot be read is None or empty, never an error."""

from datetime import UTC, datetime

import pytest

from voidtrail.sources import reading


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-29 00:00:00", "2024-02-29T00:00:00+08:00"),
        ("2024-02-29T00:00:00.5+08:00", "2024-02-29T00:00:00.5+08:00"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00+00:00"),
        ("2024-02-29T00:00:00-0330", "2024-02-29T00:00:00-03:30"),
        ("2018-06-08 10:34:56.143", "2018-06-08T10:34:56.143+08:00"),
    ],
)
def test_instants_are_beijing_time_unless_they_say_else(text, expected):
    moment = datetime.fromisoformat(expected).astimezone(UTC)
    assert reading.instant(text) == int(moment.timestamp() * 1_000_000)


@pytest.mark.parametrize(
    "text",
    [None, "", "2023-02-29 00:00:00", "2024-13-01 00:00:00", "2024-01-01 24:00:00", "2024-01-01",
     "2024-01-01 00:60:00", "x2024-01-01 00:00:00", "２０２４-01-01 00:00:00",
     "0000-01-01 00:00:00"],
)  # fmt: skip
def test_what_is_no_instant_is_none(text):
    assert reading.instant(text) is None


@pytest.mark.parametrize(
    "text", ["{", '{"order":null}', '{"order":{}}', "[1]", "order", "order=%FF&" * 99, "{" * 9999]
)
def test_order_that_is_not_there_is_empty(text):
    assert reading.passed_on_order(text, "order") in ("", "\ufffd")


def test_number_may_be_an_order():
    assert reading.passed_on_order('{"order":10012}', "order") == "10012"


@pytest.mark.parametrize("text", ["two words", "a@b", "订单", "x" * 65, "tab\t", ""])
def test_free_text_is_no_code(text):
    assert reading.code(text) == ""
