"""Numbers, money, rates and time as the reader's language writes them."""

import pytest
from babel import Locale, dates
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.web.console.rows import BEGAN
from voidtrail.insight.rate import rate as rate_of
from voidtrail.money import exponent
from voidtrail.runtime.text import speak
from voidtrail.runtime.views.shapes import Amount
from voidtrail.web.console import formats

MINUTE = 60_000_000


@pytest.mark.parametrize(("minor", "currency", "english", "chinese"), [
    (123450, "CNY", "CN¥1,234.50", "¥1,234.50"),
    (500, "JPY", "¥500", "JP¥500"),
    (1234567, "KWD", "KWD\u00a01,234.567", "KWD\u00a01,234.567"),
    (-128, "USD", "-$1.28", "-US$1.28"),
    (12500000, "CLF", "CLF\u00a01,250.0000", "CLF\u00a01,250.0000"),
])  # fmt: skip
def test_money_has_the_exponent_of_its_currency(minor, currency, english, chinese):
    amount = Amount(minor=minor, currency=currency)
    for language, wanted in (("en", english), ("zh_CN", chinese)):
        speak(language)
        assert formats.money(amount) == wanted


@given(st.integers(0, 10**15), st.sampled_from(["CNY", "USD", "JPY", "KWD", "EUR", "CLF"]))
def test_money_is_written_as_cldr_has_it(minor, currency):
    amount = Amount(minor=minor, currency=currency)
    for language in ("en", "zh_CN"):
        speak(language)
        assert formats.money(amount) == formats._money(
            language, currency, exponent(currency), minor
        )


@given(st.integers(0, 4 * 10**15), st.sampled_from(["UTC", "Asia/Shanghai", "Asia/Kolkata"]))
def test_time_is_written_as_cldr_has_it(at, zone):
    shapes = {
        formats.instant: "yyyy-MM-dd HH:mm:ss xxx", formats.clock: "HH:mm:ss",
        formats.stamp: "MM-dd HH:mm:ss",
    }  # fmt: skip
    moment = formats._moment(at, zone)
    for write, shape in shapes.items():
        for language in ("en", "zh_CN"):
            assert write(at, zone) == dates.format_datetime(
                moment, shape, locale=Locale.parse(language)
            )


def test_money_without_a_currency_says_so_and_none_is_a_dash():
    speak("en")
    assert formats.money(Amount(minor=5, currency="")) == "5 (no currency given)"
    assert formats.money(None) == "–"


def test_currencies_are_never_summed():
    speak("en")
    both = [Amount(minor=100, currency="USD"), Amount(minor=100, currency="EUR")]
    assert formats.moneys(both) == "$1.00 + €1.00"


def test_a_rate_stands_with_its_interval_or_says_that_there_is_too_little():
    speak("en")
    found = rate_of(50, 400, numerator="a", denominator="b")
    assert formats.rate(found) == "12.5% (9.6–16.1)"
    assert formats.rate(rate_of(1, 4, numerator="a", denominator="b")) == "too few to say"
    assert formats.rate(rate_of(0, 0, numerator="a", denominator="b")) == "too few to say"
    assert formats.percent(None) == "–"


def test_time_is_relative_and_shows_the_exact_instant():
    speak("zh_CN")
    said = formats.ago(BEGAN, BEGAN + 5 * MINUTE, "Asia/Shanghai")
    assert ">5分钟前<" in said
    assert 'data-exact="2026-03-17 12:00:00 +08:00"' in said
    assert 'datetime="2026-03-17T04:00:00.000+00:00"' in said
    assert 'tabindex="0"' in said
    assert ">5分钟后<" in formats.ago(BEGAN, BEGAN - 5 * MINUTE, "Asia/Shanghai")
    assert ">2026年3月17日<" in formats.ago(BEGAN, BEGAN + 30 * 1440 * MINUTE, "Asia/Shanghai")


def test_how_long_something_lasts_is_said_in_the_unit_that_fits():
    speak("en")
    assert formats.span(600) == "10 minutes"
    assert formats.span(7200) == "2 hours"
    assert formats.span(259200) == "72 hours"
    assert formats.span(90) == "90 seconds"
