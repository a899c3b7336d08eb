"""What shop systems share: they are witnesses, and their orders name platforms' payments."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final

from msgspec import structs

from voidtrail.event.account import Account
from voidtrail.event.model import Event, Role
from voidtrail.money import minor_from_major

_SHOP: Final = Role.SHOP
_NONE: Final[Mapping[str, str]] = {}


@lru_cache(maxsize=256)
def _read(text: str) -> Mapping[str, str]:
    pairs = (part.partition("=") for part in text.split(","))
    return {name.strip(): scope.strip() for name, _, scope in pairs if "/" in scope}


def scope_of(account: Account, gateway: str | None) -> str:
    """Return the scope in which a gateway's payments have their names, or "" if none is told.

    The option "gateways" says it: "shopify_payments=stripe/main, paypal=paypal/main".

    >>> account = Account(source="s", name="m", options={"gateways": "stripe=stripe/main, x=y"})
    >>> scope_of(account, "stripe"), scope_of(account, "x"), scope_of(account, None)
    ('stripe/main', '', '')
    """
    text = account.options.get("gateways")
    return (_read(text) if text else _NONE).get(gateway or "", "")


def witnessed(event: Event, scope: str = "") -> Event:
    """Return an event as a shop tells it: it saw the money, and never held it."""
    return structs.replace(event, role=_SHOP, scope=scope)


def minor(amount: Decimal | None, currency: str) -> int | None:
    """Return an amount in minor units, without its sign: shops write what went back with one.

    Raises:
        ValueError: it is no exact amount, or the currency is not in ISO 4217.

    >>> minor(Decimal("-29.99"), "USD"), minor(None, "USD")
    (2999, None)
    """
    if amount is None or not currency:
        return None
    try:
        return abs(minor_from_major(amount, currency))
    except ArithmeticError:  # an exponent beyond all bounds
        raise ValueError("an amount is too large") from None
