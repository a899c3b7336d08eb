"""Which fake platforms there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from voidtrail.testing.platforms.adyen import FakeAdyen
from voidtrail.testing.platforms.alipay import FakeAlipay
from voidtrail.testing.platforms.braintree import FakeBraintree
from voidtrail.testing.platforms.checkout import FakeCheckout
from voidtrail.testing.platforms.custom import FakeCustom
from voidtrail.testing.platforms.fake import FakePlatform
from voidtrail.testing.platforms.klarna import FakeKlarna
from voidtrail.testing.platforms.lakala import FakeLakala
from voidtrail.testing.platforms.mollie import FakeMollie
from voidtrail.testing.platforms.paypal import FakePaypal
from voidtrail.testing.platforms.pos import FakePos
from voidtrail.testing.platforms.razorpay import FakeRazorpay
from voidtrail.testing.platforms.shengpay import FakeShengpay
from voidtrail.testing.platforms.shopify import FakeShopify
from voidtrail.testing.platforms.square import FakeSquare
from voidtrail.testing.platforms.stripe import FakeStripe
from voidtrail.testing.platforms.unionpay import FakeUnionpay
from voidtrail.testing.platforms.wechatpay import FakeWechatpay
from voidtrail.testing.platforms.woocommerce import FakeWoocommerce

_CLASSES: Final[tuple[type[FakePlatform], ...]] = (
    FakeStripe,
    FakeShengpay,
    FakeUnionpay,
    FakeLakala,
    FakeCustom,
    FakeAlipay,
    FakeWechatpay,
    FakeRazorpay,
    FakePaypal,
    FakeAdyen,
    FakeMollie,
    FakeSquare,
    FakeShopify,
    FakeCheckout,
    FakeWoocommerce,
    FakeBraintree,
    FakeKlarna,
    FakePos,
)

FAKES: Final[Mapping[str, type[FakePlatform]]] = {each.SOURCE: each for each in _CLASSES}
"""Fake platforms by the name of their source."""
