"""Which sources there are: each module of this room that offers the contract's public names."""

from __future__ import annotations

from types import ModuleType
from typing import Final, cast

from voidtrail.sources import (
    adyen,
    alipay,
    bill,
    braintree,
    checkout,
    custom,
    gateway_log,
    klarna,
    lakala,
    mollie,
    paypal,
    pos,
    razorpay,
    shengpay,
    shopify,
    square,
    storefront,
    stripe,
    table,
    unionpay,
    wechatpay,
    woocommerce,
)
from voidtrail.sources.contract import Registry, Source

_MODULES: Final[tuple[ModuleType, ...]] = (
    stripe,
    alipay,
    wechatpay,
    storefront,
    table,
    custom,
    unionpay,
    lakala,
    shengpay,
    razorpay,
    paypal,
    adyen,
    pos,
    gateway_log,
    bill,
    mollie,
    square,
    shopify,
    checkout,
    woocommerce,
    braintree,
    klarna,
)

SOURCES: Final[Registry] = {str(module.NAME): cast("Source", module) for module in _MODULES}
"""Sources by name, as in `/hooks/{source}/{account}`."""
