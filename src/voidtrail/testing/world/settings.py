"""How large the merchant's day is, how badly the platforms behave, and whose accounts there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from voidtrail.event.model import Micros
from voidtrail.testing.world.fact import HOUR, MINUTE, SECOND


@dataclass(frozen=True)
class Settings:
    """A world's size and manners.

    Attributes:
        day: the day that is played, by the clock of Shanghai; over before anybody judges it.
        orders: live orders; test orders come on top.
        beacon_share: share of orders whose page beacons (checkout opened, method chosen) arrive.
        duplicate_share: share of letters that come more than once.
        late_share: share of letters that come minutes to hours late.
        twin_share: share of Stripe facts that come as two Event objects.
        fault_source: the platform that fails at noon; "" lets the seed choose.
        shares: weights of behaviours that replace the defaults, by name.
    """

    day: date = date(2026, 3, 17)
    orders: int = 5000
    test_orders: int = 100
    refused: int = 30
    beacon_share: float = 0.12
    duplicate_share: float = 0.04
    late_share: float = 0.03
    twin_share: float = 0.02
    stray_share: float = 0.01
    fault_source: str = ""
    fault_hour: int = 12
    fault_minutes: int = 25
    price_change_hour: int = 15
    shares: Mapping[str, float] = field(default_factory=dict)

    @property
    def starts_at(self) -> Micros:
        """Midnight in Shanghai."""
        midnight = datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC)
        return int((midnight - timedelta(hours=8)).timestamp()) * SECOND

    @property
    def judged_at(self) -> Micros:
        """The `now` for verdicts: 48 h after the day's end, past every patience."""
        return self.starts_at + 72 * HOUR

    @property
    def fault(self) -> tuple[Micros, Micros]:
        """The platform fault's beginning and end."""
        begin = self.starts_at + self.fault_hour * HOUR
        return begin, begin + self.fault_minutes * MINUTE

    @property
    def repriced_at(self) -> Micros:
        """The instant of the price change."""
        return self.starts_at + self.price_change_hour * HOUR


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """One merchant account, as it will be configured."""

    source: str
    name: str
    entity: str
    shop: str
    mode: Literal["live", "test"] = "live"
    zone: str = "Asia/Shanghai"
    cutoff: str = "00:00"


@dataclass(frozen=True, slots=True)
class ShopPlan:
    """A shop: what it is called, which rails it offers and how often each is chosen."""

    name: str
    title: str
    prefix: str
    share: float
    rails: tuple[tuple[str, float], ...]
    currencies: tuple[tuple[str, float], ...]


SHOPS = (
    ShopPlan(
        "hutong",
        "胡同茶铺",
        "HT",
        0.6,
        (
            ("wechat_qr", 0.30),
            ("wechat_jsapi", 0.18),
            ("alipay_page", 0.18),
            ("alipay_qr", 0.16),
            ("card_form", 0.10),
            ("hosted_checkout", 0.08),
        ),
        (("CNY", 1.0),),
    ),
    ShopPlan(
        "northlight",
        "Northlight Outfitters",
        "NL",
        0.4,
        (
            ("card_form", 0.45),
            ("hosted_checkout", 0.25),
            ("alipay_page", 0.10),
            ("alipay_qr", 0.06),
            ("wechat_qr", 0.08),
            ("wechat_jsapi", 0.06),
        ),
        (("USD", 0.62), ("EUR", 0.2), ("GBP", 0.1), ("JPY", 0.08)),
    ),
)

_HZ, _HK = "hangzhou-hutong-tea", "northlight-hk"
ACCOUNTS = (
    AccountPlan("stripe", "hutong", _HZ, "hutong", cutoff="04:00"),
    AccountPlan("alipay", "hutong", _HZ, "hutong", cutoff="04:00"),
    AccountPlan("wechatpay", "hutong", _HZ, "hutong", cutoff="04:00"),
    AccountPlan("storefront", "hutong", _HZ, "hutong", cutoff="04:00"),
    AccountPlan("stripe", "northlight", _HK, "northlight", zone="Asia/Hong_Kong"),
    AccountPlan("alipay", "northlight", _HK, "northlight", zone="Asia/Hong_Kong"),
    AccountPlan("wechatpay", "northlight", _HK, "northlight", zone="Asia/Hong_Kong"),
    AccountPlan("storefront", "northlight", _HK, "northlight", zone="Asia/Hong_Kong"),
    AccountPlan("alipay", "hutong-sandbox", _HZ, "hutong-test", "test"),
    AccountPlan("stripe", "northlight-test", _HK, "northlight-test", "test"),
    AccountPlan("storefront", "hutong-test", _HZ, "hutong-test", "test"),
    AccountPlan("storefront", "northlight-test", _HK, "northlight-test", "test"),
)

SOURCE_OF_RAIL = {
    "card_form": "stripe",
    "hosted_checkout": "stripe",
    "alipay_page": "alipay",
    "alipay_qr": "alipay",
    "wechat_qr": "wechatpay",
    "wechat_jsapi": "wechatpay",
}
"""Which platform carries a rail."""
