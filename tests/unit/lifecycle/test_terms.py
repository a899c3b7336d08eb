"""Patience by method, with the defaults that are promised."""

import msgspec
import pytest

from voidtrail.event.model import Method
from voidtrail.lifecycle.terms import DEFAULT_BEYOND_S, DEFAULT_PATIENCE_S, Terms

MINUTE, HOUR = 60, 3600


@pytest.mark.parametrize(("method", "seconds"), [
    (Method.CARD_FORM, 30 * MINUTE), (Method.WECHAT_QR, 2 * HOUR),
    (Method.HOSTED_CHECKOUT, 24 * HOUR), (Method.UNKNOWN, 24 * HOUR),
    (Method.ALIPAY_PAGE, 30 * MINUTE),
])  # fmt: skip
def test_default_patience(method, seconds):
    assert Terms().patience_us()[method] == seconds * 1_000_000


def test_what_a_platform_states_is_outlasted_by_15_minutes():
    assert Terms().beyond_s == DEFAULT_BEYOND_S == 15 * MINUTE


def test_a_method_that_is_not_listed_has_the_patience_of_the_unknown():
    terms = Terms(patience_s={"unknown": 7})
    assert set(terms.patience_us()) == {7_000_000}
    assert len(terms.patience_us()) == len(Method)
    fallback = DEFAULT_PATIENCE_S["unknown"] * 1_000_000
    assert Terms(patience_s={}).patience_us()[Method.CASH] == fallback


def test_terms_are_read_back_from_the_ledgers_json():
    terms = Terms(patience_s={"cash": 5}, askable=(1, 2))
    text = msgspec.json.encode(terms, order="deterministic")
    assert msgspec.json.decode(text, type=Terms) == terms
