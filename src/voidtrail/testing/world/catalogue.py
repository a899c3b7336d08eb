"""What the two shops sell, and to whom: names, products, prices and the customers' reasons."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """A product of a shop.

    Attributes:
        price_minor: in the shop's first currency.
        repriced: its price goes up by a quarter at the hour of the price change.
        digital: delivered at once and not refundable (Alipay finishes such trades at once).
    """

    sku: str
    title: str
    price_minor: int
    repriced: bool = False
    digital: bool = False


HUTONG = (
    Product("HT-LJ-250", "明前龙井 250克礼盒", 39800, repriced=True),
    Product("HT-TGY-100", "安溪铁观音 清香型 100克", 12800),
    Product("HT-PE-357", "勐海普洱熟茶饼 357克", 16800),
    Product("HT-DHP-125", "武夷山大红袍 125克", 26800, repriced=True),
    Product("HT-BCJ-50", "白茶银针 50克", 9900),
    Product("HT-GWF-1", "汝窑盖碗套装", 35900),
    Product("HT-HCH-1", "紫砂壶 西施 200毫升", 128000),
    Product("HT-MLH-250", "茉莉花茶 碧潭飘雪 250克", 8800),
    Product("HT-CP-1", "竹制茶盘", 21900),
    Product("HT-KC-1", "线上茶艺课（12节）", 19900, digital=True),
    Product("HT-QT-1", "茶点 桂花糕 8枚装", 4600),
    Product("HT-LS-2", "旅行快客杯 一壶二杯", 7900, repriced=True),
)
NORTHLIGHT = (
    Product("NL-TENT-2", "Aurora 2P Tent", 42900, repriced=True),
    Product("NL-BAG-45", "Fjell 45L Backpack", 18900),
    Product("NL-STOVE", "Ember Titanium Stove", 7950),
    Product("NL-SLEEP-5", "Halden Sleeping Bag -5°C", 25900, repriced=True),
    Product("NL-LAMP", "Polaris Headlamp 450 lm", 5490),
    Product("NL-BOOT", "Kvitebjørn Hiking Boots", 21900),
    Product("NL-MAP", "Trail Map Pack (download)", 1490, digital=True),
    Product("NL-FLASK", "Insulated Flask 0.7 l", 3950),
    Product("NL-RAIN", "Tromsø Rain Shell", 28900, repriced=True),
    Product("NL-POLE", "Carbon Trekking Poles, pair", 12900),
)

FAMILY_ZH = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN_ZH = (
    "伟", "芳", "娜", "秀英", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "涛",
    "明", "超", "秀兰", "霞", "梓涵", "宇轩", "欣怡", "浩然", "思远",
)  # fmt: skip
CITIES_ZH = (
    "北京市朝阳区", "上海市徐汇区", "杭州市西湖区", "成都市武侯区", "广州市天河区", "西安市雁塔区",
    "武汉市洪山区", "南京市鼓楼区",
)  # fmt: skip
GIVEN_EN = (
    "Ingrid", "Oliver", "Amelia", "Noah", "Freya", "Lucas", "Maya", "Ethan", "Sofia", "Liam",
    "Chloé", "Jonas", "Aiko", "Marco", "Hannah", "Tomás",
)  # fmt: skip
FAMILY_EN = (
    "Berg", "Taylor", "Novak", "Schmidt", "O'Brien", "Rossi", "Tanaka", "García", "Larsen",
    "Dubois", "Walker", "Nguyen", "Kowalski", "Silva",
)  # fmt: skip
COUNTRIES_EN = ("US", "GB", "DE", "FR", "NO", "JP", "NL", "AU", "CA", "SG")
BANKS = ("CMB_DEBIT", "ICBC_DEBIT", "CCB_CREDIT", "ABC_DEBIT", "OTHERS", "BOC_DEBIT")

REASONS = (
    ("change of mind", 30),
    ("price", 22),
    ("friction", 18),
    ("declined card", 12),
    ("app crash", 8),
    ("found it elsewhere", 10),
)
"""Why customers call a payment off, and how often."""

RATES = {"CNY": 1.0, "USD": 1.0, "EUR": 0.92, "GBP": 0.79, "JPY": 1.51}
"""From a product's listed minor units to a currency's: a shop of dollars sells for yen as well."""
