"""What shop systems share: whose a gateway's payments are, witnesses, amounts without a sign."""

from decimal import Decimal

import pytest

from voidtrail.event.account import Account
from voidtrail.event.model import Event, Kind, Result, Role
from voidtrail.sources import shop


def account(text):
    return Account(source="shopify", name="main", options={"gateways": text})


@pytest.mark.parametrize(
    ("text", "gateway", "scope"),
    [
        ("stripe=stripe/main", "stripe", "stripe/main"),
        (" paypal = paypal/eu , stripe=stripe/main", "paypal", "paypal/eu"),
        ("stripe=stripe/main", "manual", ""),
        ("stripe=stripe", "stripe", ""),
        ("", "stripe", ""),
        ("=,,=/", None, "/"),
    ],
)
def test_gateway_s_scope_is_what_the_account_says(text, gateway, scope):
    assert shop.scope_of(account(text), gateway) == scope


def test_witness_never_holds_the_money():
    event = Event(label="capture:1", identity=("1",), kind=Kind.CAPTURE, result=Result.SUCCEEDED,
                  payment="pi_1", occurred_at=1)  # fmt: skip
    seen = shop.witnessed(event, "stripe/main")
    assert (seen.role, seen.scope, seen.payment) == (Role.SHOP, "stripe/main", "pi_1")


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("29.99", "USD", 2999), ("-29.99", "USD", 2999), ("500", "JPY", 500), ("1", "", None)],
)
def test_amounts_lose_their_sign(amount, currency, minor):
    assert shop.minor(Decimal(amount), currency) == minor


@pytest.mark.parametrize("amount", ["1e999999999", "NaN", "0.001"])
def test_amount_that_is_none_is_refused(amount):
    with pytest.raises(ValueError, match="amount"):
        shop.minor(Decimal(amount), "USD")
